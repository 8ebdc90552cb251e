"""Do the hands stop on their words? Each stroke's apex, as planned and as moved, against its target in the word."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clip import MotionClip
from ..core.speech import Speech
from ..core.timeline import Stroke
from . import metrics

Array = NDArray[Any]

_AFTER = 0.3  # s after its planned apex in which a stroke may still stop
_LENGTH = 0.02  # m; a stroke whose hand travels less is one of fingers or wrist alone, and is not measured here
_HANDS = {"left": (0,), "right": (1,), "both": (0, 1)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrokeTarget:
    """One stroke that names a word."""

    unit: str
    hand: str
    word: str
    planned: float  # s, the timeline's apex
    moves: bool  # the wrist travels, so that it can be seen to stop
    stopped: float | None  # s, the frame at which the wrist stops; of two hands the one farther off; None: it never does
    target: float | None  # s, the energy peak in the word's stressed vowel; None without a voice, or where it is unknown

    @property
    def off(self) -> float | None:
        """Seconds from the target, or without one from the planned apex, to where the hand stops."""
        if self.stopped is None:
            return None
        return self.stopped - (self.planned if self.target is None else self.target)


def stroke_targets(clip: MotionClip, traced: metrics.Trace, speech: Speech | None = None) -> tuple[StrokeTarget, ...]:
    """Every stroke of the clip's timeline that names a word. ``speech``: its energy and nuclei give the targets."""
    words = clip.timeline.words
    aims = word_targets(clip, speech)
    stops = [metrics.apexes(traced.wrists[:, hand], clip.fps, length=_LENGTH) for hand in (0, 1)]
    found = []
    for stroke in clip.timeline.strokes:
        if not 0 <= stroke.word < len(words):
            continue
        target = aims.get(stroke.word)
        aim = stroke.apex if target is None else target
        moving = [hand for hand in _HANDS[stroke.hand] if _travels(traced.wrists[:, hand], stroke, clip.fps)]
        ends = [stop_frame(stops[hand], stroke, clip.fps) for hand in moving]
        times = [end / clip.fps for end in ends if end is not None]
        found.append(
            StrokeTarget(
                unit=stroke.unit,
                hand=stroke.hand,
                word=words[stroke.word].text,
                planned=stroke.apex,
                moves=bool(moving),
                stopped=max(times, key=lambda time: abs(time - aim)) if times and len(times) == len(ends) else None,
                target=target,
            )
        )
    return tuple(found)


def word_targets(clip: MotionClip, speech: Speech | None) -> dict[int, float]:
    """Index of a word -> s, the energy peak inside its stressed vowel, by the gesture planner's own definition."""
    if speech is None or speech.energy is None or not clip.timeline.words:
        return {}
    from ..plugins.gesture.accents import find_accents

    timed = dataclasses.replace(speech, words=clip.timeline.words, phones=clip.timeline.phones)
    return {accent.word: accent.time for accent in find_accents(timed) if accent.word >= 0}


def stop_frame(stops: Array, stroke: Stroke, fps: float) -> int | None:
    """Of the frames ``stops`` (N,) at which a wrist stops, as ``metrics.apexes`` finds them, that nearest to the apex of
    ``stroke`` within the stroke; None where there is none."""
    within = stops[(stops > stroke.start * fps) & (stops <= (stroke.apex + _AFTER) * fps)]
    return int(within[np.abs(within - stroke.apex * fps).argmin()]) if len(within) else None


def _travels(wrist: Array, stroke: Stroke, fps: float) -> bool:
    span = wrist[max(0, round(stroke.start * fps)) : round(stroke.apex * fps) + 1]
    return bool(len(span) > 1 and np.linalg.norm(np.diff(span, axis=0), axis=1).sum() >= _LENGTH)
