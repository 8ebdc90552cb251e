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
from .manner import Manners
from .mood import with_mood
from .segments import SILENCE, Segments, segments, unknown_symbols
from .sounds import with_sounds
from .table import Table, read_table

Array = NDArray[Any]


class VisemeGenerator:
    """Visemes with coarticulation; contacts of the lips are enforced on frames.

    The seed decides only which corner of the mouth moves a little more and how the mood drifts.
    """

    def load(self, device: str) -> None:
        self._table: Table = read_table()

    def close(self) -> None:
        return None

    def generate(self, speech: Speech, briefs: Sequence[Brief], report: Report) -> list[MotionClip]:
        """One clip a brief, its ``mouth`` blend shapes and ``timeline.visemes`` filled."""
        report.stage("Shaping the mouth")
        mouth = self._heard(speech, report)
        clips = []
        for number, brief in enumerate(briefs):
            report.stage("Shaping the mouth", number / len(briefs))
            clips.append(self._clip(speech, brief, mouth, report))
        return clips

    def _heard(self, speech: Speech, report: Report) -> Segments | None:
        """The mouth shapes of what is said; None where nothing is, or nothing is known of it."""
        if speech.phones is None:
            report.warn("The sounds of the words are not known, so the mouth stays at rest.")
            return None
        if all(phone.symbol == SILENCE for phone in speech.phones):
            return None
        strange = unknown_symbols(speech.phones, self._table)
        if strange:
            report.warn(f"The mouth has no shape for the sound {', '.join(strange[:5])} and passes over it.")
        return segments(speech.phones, speech.duration, self._table)

    def _clip(self, speech: Speech, brief: Brief, mouth: Segments | None, report: Report) -> MotionClip:
        clip = _still(speech, brief)
        times = np.arange(len(clip)) / brief.fps
        table, manners = self._table, Manners(brief, self._table.styles, report)
        strength = manners.curve("strength", times)
        gain = opening_gain(times, speech.energy, manners.curve("loudness", times))
        weights = np.zeros((len(clip), len(table.shapes)))
        if mouth is not None:
            clip = clip.replace(timeline=Timeline(visemes=mouth.visemes(speech.duration)))
            weights = blended(times, mouth, table, manners.curve("blending", (mouth.start + mouth.end) / 2))
            weights *= np.where(table.opening, gain[:, None], 1.0)
        weights = with_sounds(weights, times, speech.sounds or (), mouth, table, gain) * strength[:, None]
        weights[:, table.jaw] *= manners.curve("jaw", times)
        if mouth is not None:
            weights = enforce(np.clip(weights, 0.0, 1.0), mouth, table, brief.fps, strength)
        weights = with_mood(weights, times, manners, table, brief.seed)
        blendshapes = np.zeros((len(clip), len(ARKIT)), dtype=np.float32)
        blendshapes[:, table.shapes] = np.clip(weights, 0.0, 1.0)
        return clip.replace(blendshapes=blendshapes)


def _still(speech: Speech, brief: Brief) -> MotionClip:
    return MotionClip.still(
        frames=frame_count(speech.duration, brief.fps),
        fps=brief.fps,
        body=BodyRef(id=brief.body.id, sha256=brief.body.sha256),
        betas=brief.betas,
    )
