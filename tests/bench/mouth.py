"""The mouth's figures on real and synthesised speech: ``python -m tests.bench.mouth`` prints what docs/visemes.md says."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from declaim.core.body import builtin_body
from declaim.core.clip import MotionClip
from declaim.core.report import SilentReport
from declaim.core.speech import Speech
from declaim.core.wire import PerformRequest
from declaim.inference import jaw, lips
from declaim.inference.casting import cast
from declaim.inference.pipeline import Pipeline

from .voices import RATE, recordings

RATES = (24.0, 25.0, 30.0, 60.0)
FLITE_VOICES = ("slt", "rms", "kal16", "awb")
FLITE_LINES = (
    "Five very brave people played above the blue moon.",
    "Pop the beep, Bob, and move my map from the pub to the bank.",
    "She saw the beautiful people walk through the open door, far away.",
    "No! I want you to stop that right now, before it is too late.",
)
_REQUEST = PerformRequest(generators={"mouth": "visemes"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class MouthFigures:
    """Over several lines at one frame rate; correlations are means over the lines that have enough open vowels."""

    closures: int  # P, B and M
    closed: int  # of them, within a frame and 1.5 mm
    widest_gap: float  # m, of all closures
    shut_vowels: int
    tucked: float  # m, the least that a lower lip stands over the upper teeth's edge on F and V
    jaw_ratio: float  # open vowels against the widest of IY, UW, S
    jaw_loudness: float  # correlation inside open vowels
    jaw_overall: float  # correlation over all speech
    jaw_fastest: float  # openings a second

    def __str__(self) -> str:
        return (
            f"closed {self.closed} of {self.closures}, widest {1000 * self.widest_gap:.2f} mm; {self.shut_vowels} vowels shut; "
            f"F and V tucked {1000 * self.tucked:.1f} mm; jaw: open vowels {self.jaw_ratio:.2f} times close sounds, with "
            f"loudness {self.jaw_loudness:.2f} inside open vowels, {self.jaw_overall:.2f} overall, "
            f"fastest {self.jaw_fastest:.1f}/s"
        )


def heard(lines: Sequence[tuple[np.ndarray, str]]) -> list[Speech]:
    """``lines``: (samples at RATE, script)."""
    pipeline = Pipeline()
    found = []
    with tempfile.TemporaryDirectory() as name:
        for number, (samples, script) in enumerate(lines):
            path = Path(name) / f"{number}.wav"
            soundfile.write(path, samples, RATE)
            request = dataclasses.replace(_REQUEST, script=script)
            found.append(pipeline.hear(path, request, SilentReport(), castings=cast(request)))
    return found


def measured(speeches: Sequence[Speech], fps: float) -> MouthFigures:
    body, pipeline = builtin_body(), Pipeline()
    request = dataclasses.replace(_REQUEST, fps=fps)
    clips: list[MotionClip] = []
    for speech in speeches:
        castings = tuple(casting for casting in cast(request) if casting.manifest.id == "visemes")
        clips += pipeline.act(speech, request, castings, body, SilentReport())
    closures = [closure for clip in clips for closure in lips.lip_closures(clip, body)]
    levels = [jaw.jaw_loudness(c, s.energy) for c, s in zip(clips, speeches, strict=True) if s.energy is not None]
    return MouthFigures(
        closures=len(closures),
        closed=sum(closure.gap <= lips.SHUT_GAP for closure in closures),
        widest_gap=max(closure.gap for closure in closures),
        shut_vowels=sum(len(lips.shut_vowels(clip, body)) for clip in clips),
        tucked=min(each.tuck for clip in clips for each in lips.labiodentals(clip, body)),
        jaw_ratio=jaw.opening_ratio(*clips) or 0.0,
        jaw_loudness=float(np.mean([level.open_vowels for level in levels if level.open_vowels is not None])),
        jaw_overall=float(np.mean([level.overall for level in levels if level.overall is not None])),
        jaw_fastest=max(float(jaw.jaw_speed(clip).max()) for clip in clips),
    )


def synthesised() -> list[tuple[np.ndarray, str]]:
    """(samples at RATE, script) by flite; empty where it is not installed."""
    program = shutil.which("flite")
    found = []
    with tempfile.TemporaryDirectory() as name:
        for voice in FLITE_VOICES if program else ():
            for text in FLITE_LINES:
                path = Path(name) / "line.wav"
                subprocess.run(
                    [str(program), "-voice", voice, "-t", text, "-o", str(path)], check=True, capture_output=True
                )
                samples, rate = soundfile.read(path, dtype="float32")
                found.append((np.asarray(soxr.resample(samples, rate, RATE), np.float32), text))
    return found


def main() -> None:
    for what, lines in (("recordings", recordings()), ("synthesised", synthesised())):
        if not lines:
            print(f"{what}: none at hand")
            continue
        speeches = heard(lines)
        for fps in RATES:
            print(f"{what}, {fps:g} fps: {measured(speeches, fps)}")


if __name__ == "__main__":
    main()
