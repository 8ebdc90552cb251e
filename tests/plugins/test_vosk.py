"""Vosk, on the small model that knows synthetic voices; and the model folders that it must refuse."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core.errors import Cancelled, ModelMissing
from declaim.core.report import SilentReport
from declaim.core.speech import SAMPLE_RATE
from declaim.core.timeline import Word
from declaim.inference.audio import rms_normalised
from declaim.plugins import registry
from declaim.plugins.contracts import Transcript, Voice
from declaim.plugins.script_match import follow_script
from declaim.plugins.vosk.model_folder import model_folder
from declaim.plugins.vosk.transcriber import VoskTranscriber

MODEL = Path(__file__).resolve().parents[3] / "shared" / "vosk-model" / "model"
SCRIPT = "This is HUGE, and that is tiny! You and I: never stop -- look here. One, two, three."
PAD = 0.3  # s; espeak-ng starts at the first sample


@pytest.fixture(scope="module")
def model() -> Path:
    if not MODEL.is_dir():
        pytest.skip("no Vosk model in ../shared/vosk-model")
    pytest.importorskip("vosk")
    return MODEL


@pytest.fixture(scope="module")
def spoken() -> tuple[Any, list[float]]:
    """``SCRIPT`` at SAMPLE_RATE, and where each word begins to be heard (s)."""
    import soxr

    spec = importlib.util.spec_from_file_location("espeak_voice", Path(__file__).with_name("espeak_voice.py"))
    assert spec and spec.loader
    module = sys.modules.setdefault("espeak_voice", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    got = module.EspeakVoice().speak(SCRIPT.replace("--", ","), voice="en-us+f3", words_per_minute=160)
    samples = np.pad(soxr.resample(got.samples, got.rate, SAMPLE_RATE), round(PAD * SAMPLE_RATE))
    return rms_normalised(samples.astype(np.float32))[0], [word.heard + PAD for word in got.words]


def heard(model: Path, samples: Any, script: str | None = None) -> tuple[Transcript, list[str]]:
    plugin, report = VoskTranscriber(), SilentReport()
    plugin.load({"model": str(model)})
    voice = Voice(path=None, samples=samples, duration=len(samples) / SAMPLE_RATE, script=script)
    return plugin.transcribe(voice, report), report.warnings


def test_words_with_times_and_confidence(model: Path, spoken: tuple[Any, list[float]]) -> None:
    samples, starts = spoken
    got, warnings = heard(model, samples)
    said = re.findall(r"\w+", SCRIPT.lower())
    texts = [word.text for word in got.words]
    assert not warnings and got.phones is None
    assert len(set(texts) & set(said)) >= 0.8 * len(set(said))
    by_text = {word.text: word for word in got.words if texts.count(word.text) == 1}
    errors = [
        abs(by_text[text].start - start) for text, start in zip(said, starts) if text in by_text and said.count(text) == 1
    ]
    assert len(errors) >= 8
    assert np.median(errors) <= 0.030 and np.quantile(errors, 0.9) <= 0.080
    times = [time for word in got.words for time in (word.start, word.end)]
    assert times == sorted(times) and times[-1] <= len(samples) / SAMPLE_RATE
    assert all(0 < word.confidence <= 1 and word.unsure == (word.confidence < 0.5) for word in got.words)


def test_no_words_are_lost_at_an_endpoint(model: Path, spoken: tuple[Any, list[float]]) -> None:
    samples, _ = spoken
    gap = np.zeros(3 * SAMPLE_RATE, np.float32)
    once, _ = heard(model, samples)
    twice, _ = heard(model, np.concatenate([samples, gap, samples]))
    offset = (len(samples) + len(gap)) / SAMPLE_RATE
    later = [word for word in twice.words if word.start > offset - 0.1]
    assert len(twice.words) - len(later) == len(once.words)
    same = sum(a.text == b.text and abs(a.start + offset - b.start) < 0.05 for a, b in zip(once.words, later))
    assert same >= 0.8 * len(once.words)


def test_the_script_gives_spelling_and_punctuation(model: Path, spoken: tuple[Any, list[float]]) -> None:
    got, _ = heard(model, spoken[0], SCRIPT)
    found = {word.text: word.break_after for word in got.words}
    assert found["HUGE"] == "," and found["stop"] == "—" and found["three"] == "."


def test_silence_has_no_words_and_work_can_be_stopped(model: Path, spoken: tuple[Any, list[float]]) -> None:
    assert heard(model, np.zeros(SAMPLE_RATE, np.float32))[0].words == ()
    assert heard(model, np.zeros(0, np.float32))[0].words == ()
    plugin, report = VoskTranscriber(), SilentReport()
    plugin.load({"model": str(model)})
    report.cancel()
    with pytest.raises(Cancelled):
        plugin.transcribe(Voice(path=None, samples=spoken[0], duration=9.0, script=None), report)


def test_it_is_found_as_a_plugin_and_takes_the_model_from_the_environment(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = registry.find("transcriber", "vosk")
    assert manifest.abilities == ("words",) and manifest.extra == "vosk"
    monkeypatch.setenv("VOSK_MODEL_PATH", str(model))
    registry.transcriber(manifest).load({"model": ""})
    with pytest.raises(ModelMissing, match="nowhere does not exist"):
        registry.transcriber(manifest).load({"model": "nowhere"})


def test_no_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOSK_MODEL_PATH", raising=False)
    with pytest.raises(ModelMissing) as caught:
        VoskTranscriber().load({"model": ""})
    assert caught.value.message == "Vosk needs a model folder and none is named."
    assert "VOSK_MODEL_PATH" in caught.value.hint


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no network": (lambda folder: (folder / "am/final.mdl").unlink(), "am/final.mdl is missing"),
    "no features": (lambda folder: (folder / "conf/mfcc.conf").unlink(), "conf/mfcc.conf is missing"),
    "no graph": (lambda folder: (folder / "graph/HCLr.fst").unlink(), "graph/HCLr.fst is missing"),
    "no grammar": (lambda folder: (folder / "graph/Gr.fst").unlink(), "graph/Gr.fst is missing"),
    "empty graph": (lambda folder: (folder / "graph/Gr.fst").write_bytes(b""), "graph/Gr.fst is empty"),
    "other graph": (lambda folder: (folder / "graph/Gr.fst").write_bytes(b"<html>"), "graph/Gr.fst is no OpenFst file"),
    "other network": (lambda folder: (folder / "am/final.mdl").write_bytes(b"version https://git-lfs"), "no nnet3 model"),
    "cut network": (
        lambda folder: (folder / "am/final.mdl").write_bytes((MODEL / "am/final.mdl").read_bytes()[:2000]),
        "no nnet3 model",
    ),
    "other features": (
        lambda folder: (folder / "conf/mfcc.conf").write_text("--num-ceps=13\n"),
        "wants 40 cepstra and mfcc.conf makes 13",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_model_is_refused_before_native_code_sees_it(case: str, model: Path, tmp_path: Path) -> None:
    damage, message = BROKEN[case]
    folder = tmp_path / "model"
    shutil.copytree(model, folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    damage(folder)
    with pytest.raises(ModelMissing, match=message):
        model_folder(str(folder))


def test_the_folder_above_a_model_is_told(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "vosk-model-small-en-us")
    with pytest.raises(ModelMissing, match="the model lies in vosk-model-small-en-us inside it"):
        model_folder(str(tmp_path))


def words(*texts: str) -> list[Word]:
    return [Word(text=text, start=float(n), end=n + 0.5, confidence=0.4, unsure=True) for n, text in enumerate(texts)]


def test_heard_words_follow_the_script_where_they_agree() -> None:
    report = SilentReport()
    got = follow_script(words("the", "claim", "is", "easy", "um", "fun"), "Declaim is EASY: fun! Goodbye", report)
    assert [(word.text, word.start, word.end) for word in got] == [
        ("Declaim", 0.0, 1.5), ("is", 2.0, 2.5), ("EASY", 3.0, 3.5), ("um", 4.0, 4.5), ("fun", 5.0, 5.5),
    ]  # fmt: skip
    assert [word.unsure for word in got] == [False, False, False, True, False]
    assert report.warnings == ["These words of the script were not heard: Goodbye."]


def test_another_script_changes_nothing_and_says_so() -> None:
    report = SilentReport()
    heard_words = words("completely", "other", "matters")
    assert follow_script(heard_words, "Bring us jam", report) == heard_words
    assert report.warnings == ["These words of the script were not heard: Bring, us, jam."]


def test_figures_and_signs_match_what_is_said_for_them() -> None:
    report = SilentReport()
    said = words("in", "nineteen", "eighty", "four", "doctor", "smith", "paid", "five", "dollars", "well", "known")
    got = follow_script(said, "In 1984, Dr. Smith paid $5 [laughs] -- well-known!", report)
    assert [(word.text, word.start, word.end, word.break_after) for word in got] == [
        ("In", 0.0, 0.5, ""), ("1984", 1.0, 3.5, ","), ("Dr", 4.0, 4.5, ""), ("Smith", 5.0, 5.5, ""),
        ("paid", 6.0, 6.5, ""), ("$5", 7.0, 8.5, "—"), ("well-known", 9.0, 10.5, "!"),
    ]  # fmt: skip
    assert not report.warnings
