"""Hands that move with the words: stroke sync over chance on real voices, heard by their prosody alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.report import SilentReport
from declaim.core.speech import Speech
from declaim.inference import metrics, prosody
from declaim.inference.audio import read_audio
from declaim.plugins import registry
from declaim.plugins.contracts import Brief
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.parameters import complete

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT.parent / "shared" / "data" / "speech"
PARAMETERS = complete("gesture", registry.find("generator", "gesture").parameters, {})
SYNC, SEEDS = 0.2, 3  # a published system: -0.18 and -0.06


def listened(path: Path) -> Speech:
    recording = read_audio(path)
    level = prosody.energy(recording.samples)
    return Speech(
        audio_sha256=recording.sha256,
        duration=recording.duration,
        energy=level,
        nuclei=prosody.nuclei(level),
        pitch=prosody.pitch(recording.samples),
        pauses=prosody.pauses(level, recording.duration),
    )


def measured(speech: Speech) -> list[metrics.StrokeSync]:
    body, found = builtin_body(), []
    for seed in range(SEEDS):
        brief = Brief(fps=30.0, seed=seed, body=body, betas=np.zeros(10), parameters=PARAMETERS)
        (clip,) = GestureGenerator().generate(speech, [brief], SilentReport())
        wrists = metrics.trace(clip, body).wrists
        ends = np.concatenate([metrics.apexes(wrists[:, side], clip.fps) for side in (0, 1)]) / clip.fps
        sync = metrics.stroke_sync(ends, [nucleus.time for nucleus in speech.nuclei or ()], speech.duration)
        found += [sync] if sync else []
        assert metrics.shake(wrists, clip.fps) < 0.01
    return found


def average(paths: list[Path]) -> float:
    found = [sync for path in paths for sync in measured(listened(path))]
    return float(np.average([sync.score for sync in found], weights=[sync.count for sync in found]))


def test_strokes_end_on_syllables_of_the_voices_that_we_ship() -> None:
    paths = [ROOT / "assets" / "demo" / "voice.flac", *sorted((ROOT / "tests" / "data" / "speech").glob("*.flac"))]
    assert average(paths) > SYNC


def test_strokes_end_on_syllables_of_real_readers() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings of people reading are not here")
    assert average(sorted(RECORDINGS.glob("*/*.wav"))) > SYNC
