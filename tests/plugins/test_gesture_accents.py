"""Accents and phrases: where in a word the weight lies, and where one thought ends."""

from __future__ import annotations

import numpy as np
import pytest

from declaim.core.speech import HOP, Nucleus, Pause, Speech
from declaim.core.timeline import Phone, Word
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.phrases import find_phrases

# "the banana split": ba-NA-na is stressed on its second syllable though its last one is louder.
WORDS = (
    Word(text="the", start=0.2, end=0.3),
    Word(text="banana", start=0.3, end=0.9),
    Word(text="split", start=0.9, end=1.3),
)
PHONES = (
    Phone(symbol="AH", start=0.24, end=0.3, stress=0, word=0),
    Phone(symbol="AH", start=0.36, end=0.42, stress=0, word=1),
    Phone(symbol="AE", start=0.5, end=0.64, stress=1, word=1),
    Phone(symbol="AH", start=0.74, end=0.9, stress=0, word=1),
    Phone(symbol="IH", start=1.05, end=1.2, stress=1, word=2),
)
NUCLEI = tuple(Nucleus(time=t, prominence=p) for t, p in ((0.39, 5.0), (0.58, 6.0), (0.82, 9.0)))


def level(*peaks: tuple[float, float], duration: float = 1.6) -> np.ndarray:
    grid = np.arange(int(duration / HOP)) * HOP
    return np.max([np.full(len(grid), -70.0)] + [db - 2000 * (grid - t) ** 2 for t, db in peaks], axis=0).astype(np.float32)


ENERGY = level((0.39, -20), (0.58, -18), (0.82, -12), (1.12, -15))


def heard(**changes: object) -> Speech:
    fields = {"words": WORDS, "phones": PHONES, "nuclei": NUCLEI, "energy": ENERGY, "pauses": ()}
    return Speech(audio_sha256="", duration=1.6, **{**fields, **changes})  # type: ignore[arg-type]


def times(speech: Speech) -> dict[int, float]:
    return {accent.word: accent.time for accent in find_accents(speech)}


def test_an_accent_is_the_nucleus_inside_the_stressed_vowel() -> None:
    assert times(heard())[1] == pytest.approx(0.58)


def test_without_a_nucleus_there_it_is_the_vowels_energy_peak() -> None:
    assert times(heard())[2] == pytest.approx(1.12, abs=0.015)


def test_without_phones_it_is_the_words_clearest_nucleus() -> None:
    assert times(heard(phones=None))[1] == pytest.approx(0.82)


def test_with_nothing_but_words_it_is_their_middle() -> None:
    assert times(heard(phones=None, nuclei=None, energy=None))[1] == pytest.approx(0.6)


def test_content_words_and_loud_ones_weigh_more() -> None:
    strength = {accent.word: accent.strength for accent in find_accents(heard())}
    assert strength[0] < 0.35 < strength[2]
    louder = heard(energy=level((0.39, -20), (0.58, -18), (1.12, -5)))
    assert {a.word: a.strength for a in find_accents(louder)}[2] > strength[2]


def test_raised_pitch_weighs_more() -> None:
    flat = np.full(160, 120, np.float32)
    raised = flat.copy()
    raised[52:64] = 170
    before, after = ({a.word: a for a in find_accents(heard(pitch=p))}[1] for p in (flat, raised))
    assert after.pitch == pytest.approx(12 * np.log2(170 / 120), abs=0.1)
    assert after.strength > before.strength


def test_silence_has_none() -> None:
    assert find_accents(heard(gain=0.0)) == []
    assert find_phrases(heard(gain=0.0), []) == []


def test_phrases_end_at_pauses_and_marks() -> None:
    words = tuple(
        Word(text=f"word{i}", start=0.5 * i, end=0.5 * i + 0.4, break_after=mark)
        for i, mark in enumerate(("", "", ",", "", "?", "", "", ","))
    )
    speech = Speech(
        audio_sha256="",
        duration=4.5,
        words=words,
        nuclei=(),
        pauses=(Pause(start=2.9, end=3.15), Pause(start=0.42, end=0.5)),
    )
    phrases = find_phrases(speech, find_accents(speech))
    assert [(len(p.accents), p.mark) for p in phrases] == [(3, ","), (2, "?"), (1, ""), (2, ",")]
    assert phrases[2].end == pytest.approx(2.9)
    assert phrases[-1].pause == pytest.approx(4.5 - 3.9)
