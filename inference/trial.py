"""A short take of a generator on its own, to see whether it keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.body import builtin_body
from ..core.errors import PluginError
from ..core.report import SilentReport
from ..core.speech import HOP, SAMPLE_RATE, Nucleus, Pause, Speech
from ..core.timeline import Phone, Word
from ..plugins import registry
from ..plugins.contracts import Brief, frame_count
from ..plugins.manifest import Manifest

_DURATION = 2.0  # s


def trial_speech() -> Speech:
    """Two seconds with one word in the middle, of which every need is filled in."""
    frames = round(_DURATION / HOP)
    time = np.arange(round(_DURATION * SAMPLE_RATE)) / SAMPLE_RATE
    loud = (time > 0.5) & (time < 1.0)
    return Speech(
        audio_sha256="",
        duration=_DURATION,
        script="Oh",
        samples=(0.1 * loud * np.sin(2 * np.pi * 150 * time)).astype(np.float32),
        energy=np.where(loud[:: SAMPLE_RATE // 100][:frames], -20.0, -80.0).astype(np.float32),
        nuclei=(Nucleus(time=0.75, prominence=30.0),),
        pitch=np.where(loud[:: SAMPLE_RATE // 100][:frames], 150.0, 0.0).astype(np.float32),
        pauses=(Pause(start=0.0, end=0.5), Pause(start=1.0, end=2.0)),
        words=(Word(text="Oh", start=0.5, end=1.0),),
        phones=(Phone(symbol="OW", start=0.5, end=1.0, stress=1, word=0),),
    )


def try_generator(manifest: Manifest, parameters: Mapping[str, Any], steps: list[tuple[str, str]]) -> None:
    """Load the generator, make two takes of one brief, and compare. Appends to ``steps``; raises at the first fault."""
    made = registry.generator(manifest)
    made.load("cpu")
    steps.append(("it loads", ""))
    body, speech = builtin_body(), trial_speech()
    fps = manifest.fps or 30.0
    brief = Brief(fps=fps, seed=7, body=body, betas=np.zeros(10, dtype=np.float32), parameters=parameters)
    first, second = made.generate(speech, [brief, brief], SilentReport())
    wanted = frame_count(speech.duration, fps)
    if len(first) != wanted or first.fps != fps:
        raise PluginError(f"It gave {len(first)} frames at {first.fps:g} a second, not {wanted} at {fps:g}.")
    steps.append((f"it performs: {len(first)} frames at {fps:g} a second", ""))
    if not all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("poses", "trans", "blendshapes")):
        raise PluginError("The same seed gave two different takes.", hint="Draw every random number from Brief.seed.")
    steps.append(("the same seed gives the same take", ""))
    made.close()
