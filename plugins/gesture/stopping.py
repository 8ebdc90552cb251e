"""Hands that stop on their frame: what a stroke's path meets on its way shifts its stop, and its end is shifted back.

A path is planned to seem to stop at the apex. Drift, a body that gives way, the other hand that is met: all of these move
the wrist too, by a frame or two. Where the finished wrist stops is measured, and the stroke ends as much sooner or later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planning import SIDES, PlannedStroke, Side

Array = NDArray[Any]
Lateness = Mapping[tuple[int, Side], float]  # (number of the stroke, hand) -> s that the end of its move is put off
_STOPPED, _SLOWED = 0.2, 0.5  # shares of a wrist's highest speed: it stands; it turns, where it gathers speed again
_AFTER = 0.2  # s behind the apex up to which the stop is looked for
_SHORTEST = 0.02  # m; a hand that travels less is not seen to stop
_MOST = 0.08  # s that an end is put off
_TELLS = 0.65  # s beyond the end of a move in which its change still shows: the hand swings on its wrist, fingers follow


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Correction:
    """What is to be moved anew, and how."""

    late: Lateness
    frames: Array  # (N,) increasing


def corrected(
    strokes: Sequence[PlannedStroke], wrists: Array, fps: float, late: Lateness | None = None, gain: float = 1.0
) -> Correction | None:
    """What takes every stop to its apex, given ``wrists`` (T, 2, 3), m in the world; None where all stop as they should.

    ``late``: what has been put off already: then no others are looked at, so that one stroke's correction never runs on
    into the next and the next. ``gain``: the share of what a stop is off by that its stroke is put off by.
    """
    found = dict(late or {})
    spans: list[tuple[int, int]] = []
    for number, stroke in enumerate(strokes):
        for side in stroke.sides:
            if late is not None and (number, side) not in late:
                continue
            apex = round(stroke.apex * fps)
            off = _off(wrists[:, SIDES.index(side)], stroke, apex, fps)
            if off == 0:
                continue
            old = found.get((number, side), 0.0)
            new = float(np.clip(old - gain * off / fps, -min(_MOST, 0.25 * (stroke.apex - stroke.start)), _MOST))
            if new == old:
                continue
            found[number, side] = new
            spans.append((int(stroke.sets_off * fps), int((stroke.apex + _MOST + _TELLS) * fps) + 2))
    return Correction(late=found, frames=_frames(spans, len(wrists))) if spans else None


def _off(wrist: Array, stroke: PlannedStroke, apex: int, fps: float) -> int:
    """Frames from the apex to where the ``wrist`` (T, 3) stops; 0 where it does not travel or stop."""
    first = max(int(stroke.prepare * fps), 0)
    speed = np.linalg.norm(np.diff(wrist[first : apex + int(_AFTER * fps) + 2], axis=0), axis=1)
    if float(speed[max(int(stroke.start * fps) - first, 0) : apex - first].sum()) < _SHORTEST:
        return 0
    stops = _stops(speed)
    return min((stop + first - apex for stop in stops), key=abs, default=0)


def _stops(speed: Array) -> list[int]:
    """Steps of ``speed`` (N,) at which a move ends: under a fifth of its top, or slowest under half before it rises again."""
    rising = np.concatenate([[True], speed[1:] > speed[:-1]])
    falling = np.concatenate([speed[1:] <= speed[:-1], [False]])
    peaks = np.flatnonzero(rising & falling).tolist()
    found: list[int] = []
    top, way = 0.0, 0
    for peak, following in zip(peaks, [*peaks[1:], len(speed)]):
        top = max(top, float(speed[peak]))
        between = speed[peak + 1 : following]
        stopped = np.flatnonzero(between < _STOPPED * top)
        if len(stopped):
            end = peak + 1 + int(stopped[0])
        elif len(between) and following < len(speed) and float(between.min()) < _SLOWED * top:
            end = peak + 1 + int(between.argmin())
        else:
            continue
        if float(speed[way:end].sum()) >= _SHORTEST:
            found.append(end)
        way, top = end, 0.0
    return found


def _frames(spans: Sequence[tuple[int, int]], length: int) -> Array:
    """The frames of all ``spans`` (first, end) within 0 .. ``length``, each once, increasing."""
    some = np.zeros(length, dtype=bool)
    for begin, end in spans:
        some[max(begin, 0) : end] = True
    return np.flatnonzero(some)
