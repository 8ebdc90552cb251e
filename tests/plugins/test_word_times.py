"""Word times against voices whose word times are known: two synthesisers, clean and in a noisy room, and marks by hand."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.report import SilentReport
from declaim.core.speech import SAMPLE_RATE
from declaim.core.timeline import Word
from declaim.inference.audio import read_audio, rms_normalised
from declaim.plugins.contracts import Voice
from declaim.plugins.pocketsphinx.transcriber import PocketSphinxTranscriber

DATA = Path(__file__).resolve().parents[1] / "data" / "speech"
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech"
MEDIAN, NINETY = 0.025, 0.060  # s, of the word starts' errors
BY_HAND = 0.050  # s, for 90 % of the word starts marked by hand
NOISE = 15.0  # dB, voice over noise
DECAY = 0.4  # s, of the room's reverberation to fall by 60 dB
DIRECT = 6.0  # dB, the direct sound over all the room's
ROOMS = (1, 2, 3)  # seeds: of each a room and its noise
PAD = 0.3  # s of silence before and after: espeak-ng starts at the first sample

ESPEAK = (  # voice, words a minute, pitch
    ("en-us", 165, 50),
    ("en-us+f3", 150, 60),
    ("en-gb-x-rp", 175, 45),
    ("en-us+m3", 190, 40),
)
ESPEAK_SCRIPTS = (
    "Most of the people in the hall were waiting for the music to begin. Nobody spoke.",
    "Peter kept the end of the rope, and I took two of them to the top of the tower.",
    "Why should a puppet never blink? Because its maker forgot about the eyes, that's why!",
    "Give me your left hand, now the other one, and watch how quickly the picture changes.",
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A voice and the starts of its words."""

    samples: NDArray[np.float32]  # (n,) at SAMPLE_RATE
    script: str
    texts: tuple[str, ...]
    starts: NDArray[np.float64]  # s


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def aligner() -> PocketSphinxTranscriber:
    made = PocketSphinxTranscriber()
    made.load({})
    return made


@pytest.fixture(scope="module")
def espeak() -> list[Known]:
    import soxr

    voice = _load("espeak_voice").EspeakVoice()
    known = []
    for (name, speed, pitch), script in zip(ESPEAK, ESPEAK_SCRIPTS, strict=True):
        spoken = voice.speak(script, voice=name, words_per_minute=speed, pitch=pitch)
        samples = np.pad(soxr.resample(spoken.samples, spoken.rate, SAMPLE_RATE), round(PAD * SAMPLE_RATE))
        starts = np.array([word.heard for word in spoken.words]) + PAD
        texts = tuple(word.text for word in spoken.words)
        known.append(Known(samples=samples.astype(np.float32), script=script, texts=texts, starts=starts))
    return known


@pytest.fixture(scope="module")
def flite() -> list[Known]:
    known = []
    for path in sorted(DATA.glob("flite_*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        samples = read_audio(path.with_suffix(".flac")).samples
        texts = tuple(word["text"] for word in data["words"])
        starts = np.array([word["start"] for word in data["words"]])
        known.append(Known(samples=samples, script=data["script"], texts=texts, starts=starts))
    return known


def in_a_noisy_room(samples: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Reverberation that keeps the direct sound where it is, and pink noise, both seeded."""
    random = np.random.Generator(np.random.PCG64(seed))
    times = np.arange(round(DECAY * SAMPLE_RATE)) / SAMPLE_RATE
    room = random.standard_normal(len(times)) * 10 ** (-3 * times / DECAY)
    room[: round(0.002 * SAMPLE_RATE)] = 0.0  # the first reflection takes 2 ms
    room *= 10 ** (-DIRECT / 20) / np.sqrt(np.sum(room**2))
    room[0] = 1.0
    length = len(samples) + len(room)
    wet = np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(room, length), length)[: len(samples)]
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0)), len(samples))
    spoken = wet[np.abs(samples) > 0.01]  # the level while the voice speaks
    noise *= np.sqrt(np.mean(spoken**2) / np.mean(noise**2)) * 10 ** (-NOISE / 20)
    return np.asarray(wet + noise, np.float32)


def aligned(aligner: PocketSphinxTranscriber, samples: NDArray[np.float32], script: str) -> tuple[Word, ...]:
    voice = Voice(path=None, samples=rms_normalised(samples)[0], duration=len(samples) / SAMPLE_RATE, script=script)
    return aligner.transcribe(voice, SilentReport()).words


def start_errors(aligner: PocketSphinxTranscriber, known: Sequence[Known], *, noisy: bool) -> NDArray[np.float64]:
    """(words,) s, signed: late is positive."""
    errors = []
    heard = (
        [(line, in_a_noisy_room(line.samples, seed)) for line in known for seed in ROOMS]
        if noisy
        else [(line, line.samples) for line in known]
    )
    for line, samples in heard:
        words = aligned(aligner, samples, line.script)
        assert [word.text.lower() for word in words] == [text.lower() for text in line.texts]
        errors.append(np.array([word.start for word in words]) - line.starts)
    return np.concatenate(errors)


@pytest.mark.parametrize("noisy", [False, True], ids=["clean", "noisy room"])
@pytest.mark.parametrize("synthesiser", ["espeak", "flite"])
def test_word_starts_are_where_the_synthesiser_put_them(
    synthesiser: str, noisy: bool, aligner: PocketSphinxTranscriber, request: pytest.FixtureRequest
) -> None:
    error = start_errors(aligner, request.getfixturevalue(synthesiser), noisy=noisy)
    median, ninety = np.quantile(np.abs(error), [0.5, 0.9])
    print(f"{synthesiser}, noisy={noisy}: {len(error)} words, median {median * 1e3:.0f} ms, 90 % {ninety * 1e3:.0f} ms, "
          f"bias {np.median(error) * 1e3:+.0f} ms")  # fmt: skip
    assert median <= MEDIAN
    assert ninety <= NINETY


def test_word_starts_of_a_reader_are_where_they_were_marked_by_hand(aligner: PocketSphinxTranscriber) -> None:
    folder = RECORDINGS / "ljspeech"
    if not folder.is_dir():
        pytest.skip("no LJSpeech recordings in ../shared/data")
    rows = [line.split("|") for line in (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()]
    scripts = {row[0]: row[2] for row in rows}
    marks = json.loads((DATA / "ljspeech_marks.json").read_text(encoding="utf-8"))["marks"]
    clips = sorted({mark["clip"] for mark in marks})
    words = {clip: aligned(aligner, read_audio(folder / f"{clip}.wav").samples, scripts[clip]) for clip in clips}
    assert all(words[mark["clip"]][mark["word"]].text == mark["text"] for mark in marks)
    error = np.array([words[mark["clip"]][mark["word"]].start - mark["start"] for mark in marks])
    for mark, late in zip(marks, error):
        print(f"{mark['clip']} {mark['text']}: {late * 1e3:+.0f} ms")
    assert len(marks) == 20
    assert np.mean(np.abs(error) <= BY_HAND) >= 0.9


def test_word_times_of_librivox_stay_where_they_were(aligner: PocketSphinxTranscriber) -> None:
    """A regression check: the reference is PocketSphinx's own alignment, in steps of 10 ms."""
    paths = sorted((RECORDINGS / "librivox").glob("*-????.json"))
    if not paths:
        pytest.skip("no LibriVox recordings in ../shared/data")
    errors: list[float] = []
    for path in paths:
        reference = json.loads(path.read_text(encoding="utf-8"))
        spans = [row for row in reference["w"] if not row["t"].startswith(("<", "["))]
        words = aligned(aligner, read_audio(path.with_suffix(".wav")).samples, reference["t"])
        assert [word.text.lower() for word in words] == reference["t"].split()
        for word, row in zip(words, spans, strict=True):
            errors += [word.start - row["b"], word.end - (row["b"] + row["d"])]
    assert np.median(np.abs(errors)) <= 0.010 + 1e-6
    assert np.quantile(np.abs(errors), 0.95) <= 0.040
