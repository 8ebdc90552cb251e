"""Phone labels of other programs (ARPAbet variants, IPA, X-SAMPA where it is the same) as CMUdict's 39 phones."""

from __future__ import annotations

import re

PHONES = frozenset([
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K", "L",
    "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
])  # fmt: skip
_SILENCES = frozenset(("", "sil", "sp", "spn", "pau", "h#", "#h", "<p:>", "<eps>", "<sil>", "nsn", "+breath+", "+noise+"))

# TIMIT's and flite's finer symbols.
_ARPABET = {
    "AX": "AH", "AX-H": "AH", "AXR": "ER", "IX": "IH", "UX": "UW", "DX": "D", "NX": "N", "HV": "HH", "EL": "L", "EM": "M",
    "EN": "N", "ENG": "NG", "BCL": "B", "DCL": "D", "GCL": "G", "PCL": "P", "TCL": "T", "KCL": "K",
}  # fmt: skip

# IPA, lengths and secondary articulations taken off; English as the Montreal aligner and espeak-ng write it.
_IPA = {
    "ɑ": "AA", "a": "AA", "ɒ": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɜ": "ER", "ɝ": "ER", "ɚ": "ER",
    "ɔ": "AO", "o": "OW", "e": "EY", "ɛ": "EH", "ɪ": "IH", "ɨ": "IH", "i": "IY", "ʊ": "UH", "ʉ": "UW", "u": "UW",
    "aw": "AW", "aʊ": "AW", "aj": "AY", "aɪ": "AY", "ɑj": "AY", "ej": "EY", "eɪ": "EY", "ow": "OW", "oʊ": "OW",
    "əw": "OW", "əʊ": "OW", "ɔj": "OY", "ɔɪ": "OY", "b": "B", "tʃ": "CH", "d": "D", "ð": "DH", "ɾ": "D", "f": "F",
    "ɡ": "G", "g": "G", "ɟ": "G", "h": "HH", "ç": "HH", "dʒ": "JH", "k": "K", "c": "K", "l": "L", "ɫ": "L", "ʎ": "L",
    "m": "M", "ɱ": "M", "n": "N", "ɲ": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "ɻ": "R", "s": "S", "ʃ": "SH",
    "t": "T", "ʔ": "T", "θ": "TH", "v": "V", "ʋ": "V", "w": "W", "ʍ": "W", "j": "Y", "y": "Y", "z": "Z", "ʒ": "ZH",
}  # fmt: skip
_MODIFIERS = re.compile("[ːˑʰʷʲˠˀˤˈˌ̩̪̥̬̯̃̈͜͡.]|(?<=.)̚")


def phone_symbol(label: str) -> tuple[str, int] | None:
    """("AH", 1) for "AH1", "ah1" or "ʌ"; ("SIL", -1) for silence; None for what is no phone that we know.

    The number is the stress, as ``Phone.stress`` has it.
    """
    label = label.strip()
    if label.lower() in _SILENCES:
        return "SIL", -1
    bare = re.sub(r"_[BIES]$", "", label)  # Kaldi's word positions
    match = re.fullmatch(r"([A-Za-z-]+?)([012])?", bare)
    if match:
        symbol = _ARPABET.get(match[1].upper(), match[1].upper())
        # One lower-case letter is IPA or ARPAbet's consonant of the same sound; "a", "c", "j" and the like are IPA.
        if symbol in PHONES and (len(symbol) > 1 or bare.isupper() or symbol in "BDFGKLMNPRSTVWZ"):
            return symbol, int(match[2]) if match[2] else -1
    symbol = _IPA.get(_MODIFIERS.sub("", bare), "")
    return (symbol, -1) if symbol else None
