"""How a word sounds: phones in ARPAbet from the dictionary, the artist's file of names or espeak-ng; stress from espeak-ng."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence

from ...core.errors import InputError
from . import espeak
from .decoder import Decoder

VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"})
PHONES = VOWELS | {
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z",
    "ZH",
}  # fmt: skip

# espeak-ng's en-us, and what other languages' voices lend it for borrowed words. The longest match wins.
_IPA = {
    "iː": "IY", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "eɪ": "EY", "e": "EY", "ɛ": "EH", "ɛː": "EH", "æ": "AE",
    "a": "AE", "aː": "AA", "ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "ɔː": "AO", "ɔ": "AO", "oː": "AO", "oʊ": "OW", "əʊ": "OW",
    "o": "OW", "ʊ": "UH", "uː": "UW", "u": "UW", "ʉ": "UW", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɜː": "ER", "ɜ": "ER",
    "ɚ": "ER", "ɝ": "ER", "aɪ": "AY", "aʊ": "AW", "ɔɪ": "OY", "aɪə": "AY AH", "aɪɚ": "AY ER", "aʊɚ": "AW ER",
    "iə": "IY AH", "ɪɹ": "IH R", "ʊɹ": "UH R", "əl": "AH L", "y": "UW", "ø": "ER", "œ": "ER", "ɑ̃": "AA N",
    "ɔ̃": "AO N", "æ̃": "AE N", "ɛ̃": "AE N", "n̩": "AH N", "l̩": "AH L", "m̩": "AH M",
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "tʃ": "CH", "dʒ": "JH", "f": "F", "v": "V",
    "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "ç": "HH", "x": "K", "m": "M", "n": "N",
    "ŋ": "NG", "ɲ": "N Y", "l": "L", "ɫ": "L", "ɬ": "L", "ʎ": "L Y", "ɹ": "R", "r": "R", "ʁ": "R", "j": "Y", "w": "W",
    "ʍ": "W", "ɾ": "T", "ʔ": "T", "β": "V", "ɣ": "G", "ɸ": "F", "ʋ": "V", "ɟ": "G", "c": "K", "q": "K",
}  # fmt: skip
_LONGEST = max(map(len, _IPA))
# Said without stress in a sentence, whatever espeak-ng says of them alone (it spells the letter "a").
_UNSTRESSED = frozenset({"a", "an", "the"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sounds:
    """A word's phones with their stress: 1 primary, 2 secondary, 0 none, -1 for consonants."""

    phones: tuple[str, ...]
    stress: tuple[int, ...]


class Pronouncer:
    """Gives every spoken word an entry in the decoder's dictionary."""

    def __init__(self, decoder: Decoder, language: str = "en") -> None:
        """``language``: for other than English, espeak-ng's voice of it says every word."""
        self.english = language.replace("_", "-").split("-")[0].lower() == "en"
        self._decoder = decoder
        self._voice = "en-us" if self.english else language.replace("_", "-").lower()
        self._heard: dict[str, Sounds] = {}  # what espeak-ng said of a word

    def entries(self, words: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
        """The dictionary entry for each of ``words``; those that nobody can pronounce are left out.

        ``names``: lower-case word -> ARPAbet with spaces between, which wins over the dictionary. Raises InputError where
        one holds something that is no phone.
        """
        wanted = dict.fromkeys(words)
        self._ask([word for word in wanted if word not in names and not (self.english and self._decoder.knows(word))])
        found: dict[str, str] = {}
        for word in wanted:
            if word in names:
                found[word] = self._entry(word, named(word, names[word]))
            elif self.english and self._decoder.knows(word):
                found[word] = word
            elif phones := (self.english and self._possessive(word)) or self._heard[word].phones:
                found[word] = self._entry(word, phones)
        return found

    def stress(self, word: str, phones: Sequence[str], names: Mapping[str, str]) -> tuple[int, ...]:
        """The stress of each phone of ``word`` as it was said.

        PocketSphinx's dictionary has none, so espeak-ng's vowels are laid against the word's; where the counts differ, in
        proportion, so that the main stress stays on the syllable at its place.
        """
        at = [i for i, phone in enumerate(phones) if phone in VOWELS]
        if not at:
            return (-1,) * len(phones)
        digits = re.findall(r"\d", names.get(word, ""))
        if digits:
            levels = [int(digit) for digit in digits]
        elif word in _UNSTRESSED:
            levels = [0]
        else:
            self._ask([word])
            levels = [level for level in self._heard[word].stress if level >= 0] or [0]
        if len(levels) != len(at):
            levels = _spread(levels, len(at))
        out = [-1] * len(phones)
        for i, level in zip(at, levels, strict=True):
            out[i] = level
        return tuple(out)

    def _ask(self, words: Sequence[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._heard]
        if new:
            for word, said in zip(new, espeak.ipa(new, self._voice), strict=True):
                self._heard[word] = from_ipa(said) if _latin(word) or not self.english else Sounds(phones=(), stress=())

    def _possessive(self, word: str) -> tuple[str, ...]:
        """A known word with 's, said as English does."""
        if not word.endswith("'s"):
            return ()
        base = self._decoder.pronunciation(word[:-2])
        if base is None:
            return ()
        last = base.split()[-1]
        ending = (
            "IH Z" if last in ("S", "Z", "SH", "ZH", "CH", "JH") else "S" if last in ("P", "T", "K", "F", "TH") else "Z"
        )
        return (*base.split(), *ending.split())

    def _entry(self, word: str, phones: Sequence[str]) -> str:
        """Added under a name that holds the phones: two lines may say a name differently."""
        name = f"{word}/{'-'.join(phones)}"
        self._decoder.add(name, " ".join(phones))
        return name


def named(word: str, text: str) -> tuple[str, ...]:
    """The phones of a pronunciation that an artist wrote: ARPAbet with spaces, with or without stress digits."""
    phones = tuple(re.sub(r"\d$", "", part) for part in text.upper().split())
    wrong = [phone for phone in phones if phone not in PHONES]
    if wrong or not phones:
        raise InputError(
            f"The pronunciation of {word!r} holds {wrong[0]!r}, which is no ARPAbet phone."
            if wrong
            else f"The pronunciation of {word!r} is empty.",
            hint="Write it like D AE1 SH W UH2 D: the 39 phones of the CMU dictionary with spaces between.",
        )
    return phones


def from_ipa(said: str) -> Sounds:
    """espeak-ng's IPA as ARPAbet."""
    phones: list[str] = []
    stress: list[int] = []
    level = 0
    for part in said.replace(" ", espeak.SEPARATOR).split(espeak.SEPARATOR):
        at = 0
        while at < len(part):
            if part[at] in "ˈˌ":
                level, at = (1 if part[at] == "ˈ" else 2), at + 1
                continue
            for size in range(min(_LONGEST, len(part) - at), 0, -1):
                if (symbols := _IPA.get(part[at : at + size])) is not None:
                    break
            else:
                size, symbols = 1, ""
            at += size
            for symbol in symbols.split():
                if symbol == "R" and phones and phones[-1] == "ER":
                    continue  # ɚ_ɹ is one sound in ARPAbet
                phones.append(symbol)
                stress.append(level if symbol in VOWELS else -1)
                level = 0 if symbol in VOWELS else level
    return Sounds(phones=tuple(phones), stress=tuple(stress))


def _latin(word: str) -> bool:
    """espeak-ng names the script of letters that its voice cannot read ("Chinese letter"): those words have no sound."""
    return all("LATIN" in unicodedata.name(letter, "") for letter in word if letter.isalpha())


def _spread(levels: Sequence[int], count: int) -> list[int]:
    """``levels`` on another number of syllables: each stress at the syllable as far along as it was."""
    out = [0] * count
    for level in (2, 1):
        for i, value in enumerate(levels):
            if value == level:
                out[min(count - 1, int((i + 0.5) * count / len(levels)))] = level
    return out
