"""Transcripts written by us are read back by the import plugin, and by Praat."""

from pathlib import Path

import numpy as np
import pytest

from declaim.core.errors import ExportError, InputError
from declaim.core.report import SilentReport
from declaim.core.timeline import Phone, Word
from declaim.inference.transcript_files import LINE, LONGEST_CUE, cues, write_transcript
from declaim.plugins.contracts import Transcript, Voice
from declaim.plugins.imported.transcriber import ImportTranscriber

DURATION = 9.0
TEXT = (
    "I bring the voice, you bring the character. Make it a huge bear, or a tiny mouse, but never a statue: hands, face, "
    "and feet perform every wo\"rd & so<und! Don't — really?"
)


def spoken(text: str = TEXT) -> Transcript:
    """Words with gaps here and there, two phones each."""
    words: list[Word] = []
    phones: list[Phone] = [Phone(symbol="SIL", start=0.0, end=0.2)]
    at = 0.2
    for token in text.split():
        if token == "—":
            words[-1] = Word(**{**vars(words[-1]), "break_after": "—"})
            continue
        bare = token.rstrip(".,:!?")
        length = 0.1 + 0.02 * len(bare) + (0.00037 if len(words) % 3 else 0.0)
        mark = token[len(bare) :]
        phones += [
            Phone(symbol="HH", start=at, end=at + length / 3, word=len(words)),
            Phone(symbol="AY", start=at + length / 3, end=at + length, stress=1, word=len(words)),
        ]
        words.append(Word(text=bare, start=at, end=at + length, confidence=0.75, unsure=bare == "bear", break_after=mark))
        gap = 0.3 if mark in (".", ":") else 0.12 if mark else 0.0
        if gap:
            phones.append(Phone(symbol="SIL", start=at + length, end=at + length + gap))
        at += length + gap
    return Transcript(words=tuple(words), phones=tuple(phones))


def read(path: Path, duration: float = DURATION) -> tuple[Transcript, list[str]]:
    plugin, report = ImportTranscriber(), SilentReport()
    plugin.load({"file": str(path)})
    voice = Voice(path=None, samples=np.zeros(1, np.float32), duration=duration, script=None)
    return plugin.transcribe(voice, report), report.warnings


def times(words: tuple[Word, ...]) -> np.ndarray:
    return np.array([(word.start, word.end) for word in words])


def test_our_json_comes_back_whole(tmp_path: Path) -> None:
    given = spoken()
    write_transcript(given, tmp_path / "a.json")
    got, warnings = read(tmp_path / "a.json")
    assert not warnings
    assert [vars(w) | {"start": 0, "end": 0} for w in got.words] == [vars(w) | {"start": 0, "end": 0} for w in given.words]
    assert np.abs(times(got.words) - times(given.words)).max() <= 0.5e-4 + 1e-9
    assert got.phones is not None and given.phones is not None
    assert [(p.symbol, p.stress, p.word) for p in got.phones] == [(p.symbol, p.stress, p.word) for p in given.phones]


def test_json_without_phones_says_none(tmp_path: Path) -> None:
    write_transcript(Transcript(words=spoken().words), tmp_path / "a.json")
    assert read(tmp_path / "a.json")[0].phones is None


def test_textgrid_comes_back(tmp_path: Path) -> None:
    given = spoken()
    write_transcript(given, tmp_path / "a.TextGrid", duration=DURATION)
    got, warnings = read(tmp_path / "a.TextGrid")
    assert not warnings
    assert [w.text for w in got.words] == [w.text for w in given.words]
    assert np.abs(times(got.words) - times(given.words)).max() < 2e-6
    assert got.phones is not None and given.phones is not None
    sounds = [[(p.symbol, p.stress, p.word) for p in phones if p.symbol != "SIL"] for phones in (got.phones, given.phones)]
    assert sounds[0] == sounds[1]


def test_praat_opens_the_textgrid(tmp_path: Path) -> None:
    parselmouth = pytest.importorskip("parselmouth")
    given = spoken()
    write_transcript(given, tmp_path / "a.TextGrid", duration=DURATION)
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    call = parselmouth.praat.call
    assert call(grid, "Get number of tiers") == 2
    assert call(grid, "Get end time") == DURATION
    count = call(grid, "Get number of intervals", 1)
    intervals = [
        (call(grid, "Get start time of interval", 1, n), call(grid, "Get label of interval", 1, n))
        for n in range(1, int(count) + 1)
    ]
    labelled = [(start, text) for start, text in intervals if text]
    assert [text for _, text in labelled] == [word.text for word in given.words]
    assert np.allclose([start for start, _ in labelled], [word.start for word in given.words], atol=2e-6)


def test_our_textgrid_read_back_from_praats_own_short_file(tmp_path: Path) -> None:
    parselmouth = pytest.importorskip("parselmouth")
    given = spoken()
    write_transcript(given, tmp_path / "a.TextGrid", duration=DURATION)
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    parselmouth.praat.call(grid, "Save as short text file", str(tmp_path / "b.TextGrid"))
    got, _ = read(tmp_path / "b.TextGrid")
    assert [w.text for w in got.words] == [w.text for w in given.words]
    assert np.abs(times(got.words) - times(given.words)).max() < 2e-6
    assert got.phones is not None


def test_vtt_keeps_every_words_time(tmp_path: Path) -> None:
    given = spoken()
    write_transcript(given, tmp_path / "a.vtt")
    got, warnings = read(tmp_path / "a.vtt", duration=12.0)
    assert not warnings
    assert [(w.text, w.break_after) for w in got.words] == [(w.text, w.break_after) for w in given.words]
    spoken_times = times(given.words)
    assert np.abs(times(got.words)[:-1] - spoken_times[:-1]).max() <= 0.5e-3 + 1e-9


def test_srt_cues_are_readable_and_come_back_close(tmp_path: Path) -> None:
    given = spoken()
    write_transcript(given, tmp_path / "a.srt")
    text = (tmp_path / "a.srt").read_text(encoding="utf-8")
    assert all(len(line) <= LINE for line in text.splitlines())
    assert text.startswith("1\n00:00:00,200 --> ")
    got, warnings = read(tmp_path / "a.srt", duration=12.0)
    assert len(warnings) == 1 and "whole phrases" in warnings[0]
    assert [w.text for w in got.words] == [w.text for w in given.words]
    assert all(word.confidence <= 0.5 for word in got.words)
    error = np.abs(times(got.words)[:, 0] - times(given.words)[:, 0])
    assert np.median(error) < 0.15


def test_cues_end_with_sentences_and_at_pauses_and_never_grow_too_long() -> None:
    words = tuple(Word(text="word", start=0.4 * n, end=0.4 * n + 0.4) for n in range(200))
    found = cues(words)
    assert [word for cue in found for word in cue] == list(words)
    assert all(cue[-1].end - cue[0].start <= LONGEST_CUE for cue in found)
    first, second = spoken().words[:8], spoken().words[8:12]
    assert cues([*first, *second])[0][-1].text == "character"
    assert len(cues([words[0], Word(text="later", start=1.0, end=1.2)])) == 2


def test_no_words_still_makes_a_file(tmp_path: Path) -> None:
    for suffix in (".json", ".srt", ".vtt", ".TextGrid"):
        write_transcript(Transcript(words=(), phones=()), tmp_path / f"a{suffix}", duration=1.0)
        assert (tmp_path / f"a{suffix}").is_file()


def test_an_unknown_suffix_and_a_missing_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.doc.*TextGrid"):
        write_transcript(spoken(), tmp_path / "a.doc")
    with pytest.raises(ExportError, match="does not exist"):
        write_transcript(spoken(), tmp_path / "nowhere" / "a.json")
