"""Blinks: where phrases end, with the eyes' longer ways, and by rate."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...core.speech import VocalSound
from .curves import randomness
from .gaze import Shift
from .phrases import Phrase
from .style import StyleSheet

Array = NDArray[Any]
_CLOSING, _OPENING = 0.09, 0.19  # s; the lids fall twice as fast as they rise (VanderWerf et al. 2003, J Neurophysiol 89)
_CELL = 1.0  # s, in which there is one blink by rate or none
_REACH = 0.65  # s around a phrase's end or a long way of the eyes that such a moment stands for
_FAVOURED = 1.1  # how much likelier than by rate a blink is there ...
_SPEAKING, _SILENT = 0.36, 0.93  # ... and in between
_LONG_WAY = 9.0  # degrees
_APART, _NEAR = 0.42, 0.41  # s between blinks: what a double one takes, and the least
_DOUBLE = 0.07  # share of blinks that a second follows at once
_HALF = 0.1  # share of blinks by rate that shut only partly
_EDGE = 0.2  # s at the line's ends without one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blink:
    """Lids that come together."""

    time: float  # s, when they meet
    depth: float  # 1 shut
    opening: float  # s


def plan_blinks(
    duration: float,
    phrases: Sequence[Phrase],
    shifts: Sequence[Shift],
    sounds: Sequence[VocalSound],
    styles: StyleSheet,
    seed: int,
) -> list[Blink]:
    """The line's blinks in order of time.

    Each moment that calls for one stands for the time around it, and cells of a second for the rest: so the rate holds
    without anything being counted along the line, and what moves changes nothing farther than that.
    """
    called = _calls(duration, phrases, shifts, sounds, seed)
    at = np.array([time for time, _ in called])
    wanted: list[tuple[float, Blink]] = []  # with the draw that decides between neighbours
    for number, (time, key) in enumerate(called):
        before = _REACH if number == 0 else min(_REACH, (time - at[number - 1]) / 2)
        after = _REACH if number == len(called) - 1 else min(_REACH, (at[number + 1] - time) / 2)
        draws = randomness(seed, "blink", key).random(4)
        if draws[0] < _FAVOURED * (before + after) * styles.at(time).blinks / 60:
            wanted.append((draws[0] - 1, Blink(time=time, depth=1.0, opening=_OPENING * (0.85 + 0.6 * draws[1]))))
            if draws[2] < _DOUBLE:
                again = time + _APART + 0.1 * draws[3]
                wanted.append((draws[0] - 0.5, Blink(time=again, depth=1.0, opening=_OPENING)))
    starts, ends = np.array([phrase.start for phrase in phrases]), np.array([phrase.end for phrase in phrases])
    rows = randomness(seed, "blink rate").random((int(duration / _CELL) + 1, 5))
    for cell, draws in enumerate(rows):
        time = (cell + draws[1]) * _CELL
        if len(at) and np.abs(at - time).min() < _REACH:
            continue
        speaking = np.any((starts < time + 0.5) & (ends > time - 0.5))
        if draws[0] < (_SPEAKING if speaking else _SILENT) * _CELL * styles.at(time).blinks / 60:
            depth = 0.55 + 0.2 * draws[4] if draws[2] < _HALF else 1.0
            wanted.append((draws[0], Blink(time=time, depth=depth, opening=_OPENING * (0.85 + 0.6 * draws[3]))))
    return _apart(wanted, duration)


def _calls(
    duration: float, phrases: Sequence[Phrase], shifts: Sequence[Shift], sounds: Sequence[VocalSound], seed: int
) -> list[tuple[float, int]]:
    """Moments that call for a blink, in order of time, each with a key for its draws."""
    calls = []
    for phrase in phrases:
        late = 0.18 * float(randomness(seed, "blink place", phrase.key).random())
        calls.append((phrase.end - 0.05 + late, phrase.key))
    calls += [(shift.start + 0.03, round(shift.start * 100)) for shift in shifts if shift.degrees > _LONG_WAY]
    calls += [(sound.start + 0.05, round(sound.start * 100)) for sound in sounds if sound.kind != "laugh"]
    return sorted((time, key) for time, key in calls if 0 <= time < duration)


def _apart(wanted: Sequence[tuple[float, Blink]], duration: float) -> list[Blink]:
    """Of neighbours that are too near to each other, the one drawn lower; in order of time."""
    row = sorted(wanted, key=lambda item: (item[1].time, item[0]))
    times = [blink.time for _, blink in row]
    kept = []
    for number, (draw, blink) in enumerate(row):
        first, last = bisect.bisect_right(times, blink.time - _NEAR), bisect.bisect_left(times, blink.time + _NEAR)
        rivals = [row[k][0] for k in range(first, last) if k != number]
        if all(draw < rival for rival in rivals) and _EDGE < blink.time < duration - _EDGE:
            kept.append(blink)
    return kept


def closure(blinks: Sequence[Blink], times: Array, fps: float, side: Literal["Left", "Right"] | str) -> Array:
    """How far the lids of one side are shut (T,) 0..1: they fall evenly, meet on a frame, and rise fast at first, then slower.

    The right eye opens a little later than the left one: no face is even.
    """
    shut = np.zeros(len(times))
    for blink in blinks:
        time = round(blink.time * fps) / fps  # one that shuts between frames would be half a blink
        opening = blink.opening * (1.12 if side == "Right" else 1.0)
        first, last = np.searchsorted(times, (time - _CLOSING, time + opening))
        falling = np.clip((times[first:last] - time) / _CLOSING + 1, 0, 1)
        rising = np.clip((times[first:last] - time - 1e-6) / opening, 0, 1)
        shape = falling**2 * (3 - 2 * falling) * (1 - rising) ** 2.6
        shut[first:last] = np.maximum(shut[first:last], blink.depth * shape)
    return shut
