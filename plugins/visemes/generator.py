"""The mouth from the sounds: phones to visemes to ARKit weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clip import BodyRef, MotionClip
from ...core.face import ARKIT
from ...core.report import Report
from ...core.speech import Speech
from ...core.timeline import Timeline
from ..contracts import Brief, frame_count
from .coarticulation import blended
from .contact import enforce
from .loudness import opening_gain
from .segments import Segments, segments, unknown_symbols
from .table import Table, read_table

Array = NDArray[Any]

_STYLE_RAMP = 0.15  # s over which a styled range comes and goes


class VisemeGenerator:
    """Visemes with coarticulation; contacts of the lips are enforced on frames. Every seed gives the same mouth."""

    def load(self, device: str) -> None:
        self._table: Table = read_table()

    def close(self) -> None:
        return None

    def generate(self, speech: Speech, briefs: Sequence[Brief], report: Report) -> list[MotionClip]:
        """One clip a brief, its ``mouth`` blend shapes and ``timeline.visemes`` filled."""
        report.stage("Shaping the mouth")
        if speech.phones is None:
            report.warn("The sounds of the words are not known, so the mouth stays at rest.")
            return [_still(speech, brief) for brief in briefs]
        spoken = any(phone.symbol != "SIL" for phone in speech.phones)
        if not spoken:
            return [_still(speech, brief) for brief in briefs]
        strange = unknown_symbols(speech.phones, self._table)
        if strange:
            report.warn(f"The mouth has no shape for the sound {', '.join(strange[:5])} and passes over it.")
        mouth = segments(speech.phones, speech.duration, self._table)
        clips = []
        for number, brief in enumerate(briefs):
            report.stage("Shaping the mouth", number / len(briefs))
            clips.append(self._clip(speech, brief, mouth))
        return clips

    def _clip(self, speech: Speech, brief: Brief, mouth: Segments) -> MotionClip:
        clip = _still(speech, brief)
        times = np.arange(len(clip)) / brief.fps
        table = self._table
        strength, jaw, loudness = (_styled(brief, name, times) for name in ("strength", "jaw", "loudness"))
        middles = (mouth.start + mouth.end) / 2
        weights = blended(times, mouth, table, _styled(brief, "blending", middles))
        gain = opening_gain(times, speech.energy, loudness)
        weights *= strength[:, None] * np.where(table.opening, gain[:, None], 1.0)
        weights[:, table.jaw] *= jaw
        weights = enforce(np.clip(weights, 0.0, 1.0), mouth, table, brief.fps, strength)
        blendshapes = np.zeros((len(clip), len(ARKIT)), dtype=np.float32)
        blendshapes[:, table.shapes] = np.clip(weights, 0.0, 1.0)
        return clip.replace(blendshapes=blendshapes, timeline=Timeline(visemes=mouth.visemes(speech.duration)))


def _still(speech: Speech, brief: Brief) -> MotionClip:
    return MotionClip.still(
        frames=frame_count(speech.duration, brief.fps),
        fps=brief.fps,
        body=BodyRef(id=brief.body.id, sha256=brief.body.sha256),
        betas=brief.betas,
    )


def _styled(brief: Brief, name: str, times: Array) -> Array:
    """The parameter's value at each of ``times``: the brief's own, and inside styled ranges theirs."""
    values = np.full(len(times), float(brief.parameters[name]))
    for style in brief.direction.styles:
        if name in style.parameters:
            inside = np.minimum(times - style.start, style.end - times) / _STYLE_RAMP
            share = np.clip(0.5 + inside, 0.0, 1.0)
            values += share * share * (3 - 2 * share) * (float(style.parameters[name]) - values)
    return values
