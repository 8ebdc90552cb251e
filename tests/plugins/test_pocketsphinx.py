"""PocketSphinx as a transcriber: scripts that fit, that half fit and that do not; long lines; given words; no script."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.errors import Cancelled, InputError
from declaim.core.report import SilentReport
from declaim.core.speech import SAMPLE_RATE
from declaim.core.timeline import Timeline, Word
from declaim.inference.audio import read_audio, rms_normalised
from declaim.plugins.contracts import Transcript, Voice
from declaim.plugins.pocketsphinx import alignment
from declaim.plugins.pocketsphinx.transcriber import PocketSphinxTranscriber

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech" / "librivox"
DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
DASHWOOD, YOUNG_MAN, SELFISH, MARRIED, AMIABLE = range(5)


@pytest.fixture(scope="module")
def transcriber() -> PocketSphinxTranscriber:
    return PocketSphinxTranscriber()


@pytest.fixture(scope="module")
def lines() -> list[tuple[NDArray[Any], str]]:
    """The five sentences of LibriVox with their texts."""
    paths = sorted(RECORDINGS.glob("*.wav"))
    if not paths:
        pytest.skip("no LibriVox recordings in ../shared/data")
    return [(rms_normalised(read_audio(p).samples)[0], p.with_suffix(".txt").read_text().strip()) for p in paths]


def heard(
    transcriber: PocketSphinxTranscriber, samples: NDArray[Any], script: str | None = None, **more: Any
) -> tuple[Transcript, list[str]]:
    report = SilentReport()
    voice = Voice(path=None, samples=samples, duration=len(samples) / SAMPLE_RATE, script=script, **more)
    found = transcriber.transcribe(voice, report)
    sound(found, voice.duration)
    return found, report.warnings


def sound(found: Transcript, duration: float) -> None:
    """In order, without overlap, within the line; phones without gaps, and each word's phones fill it."""
    assert Timeline(words=found.words, phones=found.phones or ()).problems() == []
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(found.words))
    assert all(abs(a.end - b.start) < 1e-9 for a, b in itertools.pairwise(found.phones or ()))
    for index, word in enumerate(found.words):
        own = [phone for phone in found.phones or () if phone.word == index]
        assert 0.0 <= word.start < word.end <= duration
        assert own[0].start == pytest.approx(word.start) and own[-1].end == pytest.approx(word.end)
    assert all((phone.symbol == "SIL") == (phone.word == -1) for phone in found.phones or ())


def joined(lines: list[tuple[NDArray[Any], str]], *which: int) -> NDArray[Any]:
    return np.concatenate([lines[i][0] for i in which])


def texts(found: Transcript) -> str:
    return " ".join(word.text for word in found.words)


def test_every_word_of_a_script_has_its_place(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    samples, text = lines[DASHWOOD]
    script = "[Clears throat.] " + text.replace("mister", "Mr.").replace("john dashwood", "John Dashwood,") + "!"
    found, warnings = heard(transcriber, samples, script)
    assert texts(found) == text.replace("mister", "Mr").replace("john dashwood", "John Dashwood")
    assert warnings == []
    assert [(w.text, w.break_after) for w in found.words if w.break_after] == [("Dashwood", ","), ("them", "!")]
    leisure = next(i for i, word in enumerate(found.words) if word.text == "leisure")
    assert [p.stress for p in found.phones or () if p.word == leisure and p.stress >= 0] == [1, 0]


def test_the_same_line_gives_the_same_words_whatever_came_before(
    transcriber: PocketSphinxTranscriber, lines: list[Any]
) -> None:
    fresh = heard(PocketSphinxTranscriber(), *lines[YOUNG_MAN])
    free = heard(PocketSphinxTranscriber(), lines[AMIABLE][0])
    heard(transcriber, *lines[MARRIED], pronunciations={"young": "Y AH1 NG"})
    heard(transcriber, lines[SELFISH][0] * 0.2)
    assert heard(transcriber, *lines[YOUNG_MAN]) == fresh
    assert heard(transcriber, lines[AMIABLE][0]) == free


def test_a_long_line_in_pieces_has_the_times_of_one_piece(
    transcriber: PocketSphinxTranscriber, lines: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    which = [*range(5), *range(4, -1, -1)]
    samples, script = joined(lines, *which), " ".join(lines[i][1] for i in which)
    assert len(samples) / SAMPLE_RATE > 45.0
    pieces, _ = heard(transcriber, samples, script)
    monkeypatch.setattr(alignment, "_PIECE", 10**6)
    whole, warnings = heard(transcriber, samples, script)
    assert warnings == [] and texts(pieces) == texts(whole) == script.replace("  ", " ")
    for a, b in zip(pieces.words, whole.words, strict=True):
        assert (a.start, a.end) == pytest.approx((b.start, b.end), abs=0.020)


def test_words_that_were_not_said_are_named_and_the_rest_is_placed(
    transcriber: PocketSphinxTranscriber, lines: list[Any]
) -> None:
    samples = joined(lines, DASHWOOD, SELFISH)
    full, _ = heard(transcriber, samples, f"{lines[DASHWOOD][1]} {lines[SELFISH][1]}")
    found, warnings = heard(transcriber, samples, " ".join(lines[i][1] for i in (DASHWOOD, YOUNG_MAN, SELFISH)))
    assert len(warnings) == 1 and "“he”, “was”, “not”" in warnings[0] and "and 2 more" in warnings[0]
    assert [w.start for w in found.words] == pytest.approx([w.start for w in full.words], abs=0.05)


def test_one_word_too_many_does_not_press_into_the_others(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    samples, text = lines[DASHWOOD]
    full, _ = heard(transcriber, samples, text)
    found, warnings = heard(transcriber, samples, text.replace("leisure", "leisure caterpillar"))
    assert warnings == ["This word of the script could not be placed in the voice: “caterpillar”."]
    assert [w.start for w in found.words] == pytest.approx([w.start for w in full.words], abs=0.05)


def test_speech_that_is_in_no_script_is_left_alone(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    before = len(lines[DASHWOOD][0]) / SAMPLE_RATE
    alone, _ = heard(transcriber, *lines[MARRIED])
    found, _ = heard(transcriber, joined(lines, DASHWOOD, MARRIED, YOUNG_MAN), lines[MARRIED][1])
    starts = np.array([word.start + before for word in alone.words])
    near = [np.abs(starts - word.start).min() for word in found.words]
    assert len(near) >= len(starts) - 3  # a word that the other speech has too may go astray
    assert np.mean(np.array(near) <= 0.06) >= 0.9


def test_another_lines_script_is_set_aside(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    found, warnings = heard(transcriber, lines[DASHWOOD][0], lines[AMIABLE][1])
    assert len(warnings) == 1 and "does not match the voice" in warnings[0]
    assert {"leisure", "power"} <= set(texts(found).split())


@pytest.mark.parametrize(
    ("begin", "end"), [(0.0, 1.0), (0.0, 1.5), (0.0, 5.0), (0.0, 6.5), (0.0, 8.0), (7.0, 9.0), (4.0, 8.0)]
)
def test_a_voice_cut_short_keeps_the_script_that_it_says(
    transcriber: PocketSphinxTranscriber, begin: float, end: float
) -> None:
    samples, script = rms_normalised(read_audio(DEMO / "voice.flac").samples)[0], (DEMO / "script.txt").read_text()
    full, _ = heard(transcriber, samples, script)
    found, warnings = heard(transcriber, samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)], script)
    whole = [i for i, word in enumerate(full.words) if word.start >= begin - 0.02 and word.end <= end + 0.02]
    placed = [(word.text, word.start + begin) for word in found.words]
    for word in (full.words[i] for i in whole):
        assert any(text == word.text and start == pytest.approx(word.start, abs=0.06) for text, start in placed)
    assert len(placed) <= len(whole) + 2  # what is left of the word at either edge
    assert len(warnings) == 1 and "of the script could not be placed in the voice" in warnings[0]

    other = "Zebras quietly negotiate umbrellas near the frozen harbour at noon."
    _, warnings = heard(transcriber, samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)], other)
    assert len(warnings) == 1 and "does not match the voice" in warnings[0]


def test_a_script_with_nothing_to_say_is_told(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    found, warnings = heard(transcriber, lines[DASHWOOD][0], "[laughs] 😀 …")
    assert warnings == ["The script holds nothing to say, so the words were recognised instead."]
    assert "leisure" in texts(found)


def test_words_are_recognised_without_a_script(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    right = said = 0
    for samples, text in lines:
        found, warnings = heard(transcriber, samples)
        words = text.split()
        right += sum(word.text in words for word in found.words)
        said += len(words)
        assert warnings == []
        assert all(0.0 < word.confidence < 1.0 and word.unsure == (word.confidence < 0.7) for word in found.words)
    assert right / said > 0.7


@pytest.mark.parametrize("language", ["en", "fr"])
def test_given_words_keep_their_times_and_get_phones(
    language: str, transcriber: PocketSphinxTranscriber, lines: list[Any]
) -> None:
    times = [(0.2, 0.37), (0.4, 0.61), (0.61, 0.63), (0.7, 1.5), (1.5, 2.0)]
    names = ("And", "Mr.", "1984", "日本", "Dashwood's")
    words = tuple(Word(text=t, start=a, end=b, confidence=0.5) for t, (a, b) in zip(names, times, strict=True))
    found, warnings = heard(transcriber, lines[DASHWOOD][0], words=words, language=language)
    assert found.words == words and warnings == []
    first = [phone.symbol for phone in found.phones or () if phone.word == 0]
    assert language == "fr" or first in (["AE", "N", "D"], ["AH", "N", "D"], ["AE", "N"], ["AH", "N"])


def test_given_words_get_the_phones_of_the_alignment(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    aligned, _ = heard(transcriber, *lines[MARRIED])
    found, _ = heard(transcriber, lines[MARRIED][0], words=aligned.words)
    spoken = [[p for p in t.phones or () if p.word >= 0] for t in (aligned, found)]
    same = [abs(a.start - b.start) for a, b in zip(*spoken) if a.symbol == b.symbol]
    assert len(same) > 0.9 * len(spoken[0]) and np.quantile(same, 0.9) <= 0.02


def test_silence_noise_and_scraps_are_survived(transcriber: PocketSphinxTranscriber) -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    assert heard(transcriber, silence, "Hello there.") == (
        Transcript(words=(), phones=()),
        ["Nothing can be heard in the voice, so no word of the script could be placed."],
    )
    assert heard(transcriber, silence) == (Transcript(words=(), phones=()), [])
    noise = 0.07 * np.random.Generator(np.random.PCG64(0)).standard_normal(SAMPLE_RATE).astype(np.float32)
    for samples in (noise, noise[:1600], noise[:100]):
        heard(transcriber, samples)
        assert len(heard(transcriber, samples, "A script of quite another kind altogether.")[1]) == 1


def test_other_languages_are_declined_and_a_stop_is_heeded(transcriber: PocketSphinxTranscriber, lines: list[Any]) -> None:
    with pytest.raises(InputError, match="English only"):
        heard(transcriber, lines[AMIABLE][0], "il est aimable", language="fr")
    report = SilentReport()
    report.cancel()
    samples, text = lines[AMIABLE]
    with pytest.raises(Cancelled):
        transcriber.transcribe(Voice(path=None, samples=samples, duration=3.29, script=text), report)
