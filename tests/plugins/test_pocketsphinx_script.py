"""Scripts as they are spoken: figures, abbreviations, punctuation; and how words sound."""

from __future__ import annotations

import pytest

from declaim.core.errors import InputError
from declaim.plugins.pocketsphinx.decoder import Decoder
from declaim.plugins.pocketsphinx.pronunciation import PHONES, VOWELS, Pronouncer, from_ipa
from declaim.plugins.pocketsphinx.script import tokens


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(PHONES)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1984", "nineteen eighty four"), ("2005", "two thousand five"), ("2005", "twenty oh five"), ("101", "one oh one"),
        ("101", "one hundred and one"), ("1,250", "one thousand two hundred fifty"), ("3.14", "three point one four"),
        ("$5.50", "five dollars fifty"), ("£1", "one pound"), ("50%", "fifty percent"), ("22nd", "twenty second"),
        ("'90s", "nineties"), ("1990s", "nineteen nineties"), ("10:30", "half past ten"), ("5pm", "five p m"),
        ("#1", "number one"), ("½", "one half"), ("3/4", "three quarters"), ("24/7", "twenty four seven"),
        ("9-5", "nine to five"), ("007", "double oh seven"), ("-5", "minus five"), ("5km", "five kilometers"),
        ("Mr.", "mister"), ("Dr.", "doctor"), ("St.", "saint"), ("St.", "street"), ("etc.", "et cetera"), ("&", "and"),
        ("U.S.", "u s"), ("e.g.", "for example"), ("R2-D2", "r two d two"), ("MP3", "m p three"), ("NATO", "nato"),
        ("XKCD", "x k c d"), ("VIII", "the eighth"), ("and/or", "and or"), ("café", "cafe"), ("who’s", "who's"),
        ("dogs’", "dogs"), ("“quotes”", "quotes"), ("example.com", "example dot com"), ("'tis", "'tis"),
        ("10-year-old", "ten year old"), ("ill-disposed", "ill disposed"),
    ],
)  # fmt: skip
def test_words_are_read_as_people_read_them(written: str, said: str, decoder: Decoder) -> None:
    (token,) = tokens(f"And {written} ends", decoder.knows)[1:-1]
    assert tuple(said.split()) in token.readings


def test_a_script_keeps_its_words_and_its_breaks(decoder: Decoder) -> None:
    script = "[softly] Mr. Smith — who’s there? “Well… (no, really!)” $5 million; word—word: yes. 😀 It's 10 a.m. Go"
    found = [(token.text, token.break_after) for token in tokens(script, decoder.knows)]
    assert found == [
        ("Mr", ""), ("Smith", "—"), ("who’s", ""), ("there", "?"), ("Well", "—"), ("no", ","), ("really", "!"), ("$5", ""),
        ("million", ";"), ("word", "—"), ("word", ":"), ("yes", "."), ("It's", ""), ("10", ""), ("a.m.", "."), ("Go", ""),
    ]  # fmt: skip
    assert tokens("… — [laughs] 😀", decoder.knows) == []


def test_unknown_words_get_a_pronunciation_and_names_keep_theirs(decoder: Decoder) -> None:
    found = Pronouncer(decoder).entries(
        ["zelenskyy", "dashwood's", "smeagol", "hello", "日本"], {"smeagol": "S M IY1 G AH0 L"}
    )
    assert found == {
        "zelenskyy": "zelenskyy/Z-EH-L-AH-N-S-K-IH-IY",
        "dashwood's": "dashwood's/D-AE-SH-W-UH-D-Z",
        "smeagol": "smeagol/S-M-IY-G-AH-L",
        "hello": "hello",
    }
    assert all(decoder.knows(entry) for entry in found.values())
    with pytest.raises(InputError, match="'QQ', which is no ARPAbet"):
        Pronouncer(decoder).entries(["smeagol"], {"smeagol": "S QQ"})


@pytest.mark.parametrize(
    ("word", "stressed"),
    [("exhibition", 2), ("comparatively", 1), ("family", 0), ("hello", 1), ("because", 1), ("photograph", 0)],
)
def test_the_main_stress_is_on_its_syllable(word: str, stressed: int, decoder: Decoder) -> None:
    phones = (decoder.pronunciation(word) or "").split()
    levels = Pronouncer(decoder).stress(word, phones, {})
    assert [i for i, level in enumerate([s for s in levels if s >= 0]) if level == 1] == [stressed]
    assert [level >= 0 for level in levels] == [phone in VOWELS for phone in phones]


def test_stress_of_names_and_articles(decoder: Decoder) -> None:
    pronouncer = Pronouncer(decoder)
    assert pronouncer.stress("smeagol", ["S", "M", "IY", "G", "AH", "L"], {"smeagol": "S M IY0 G AH1 L"}) == (
        -1,
        -1,
        0,
        -1,
        1,
        -1,
    )
    assert pronouncer.stress("a", ["AH"], {}) == (0,)


def test_ipa_becomes_arpabet() -> None:
    sounds = from_ipa("ʃ_w_ˈɔːɹ_z_ə_n_ˌɛ_ɡ_ɚ")
    assert " ".join(sounds.phones) == "SH W AO R Z AH N EH G ER"
    assert sounds.stress == (-1, -1, 1, -1, -1, 0, -1, 2, -1, 0)
