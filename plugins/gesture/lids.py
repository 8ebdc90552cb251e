"""Blinks: by rate, where phrases end and with the eyes' longer ways; never too long without one."""

from __future__ import annotations

import dataclasses
import itertools
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
_SHORTEST, _LONGEST = 0.45, 1.55  # of the mean, the time from one blink to the next before any is drawn to its moment
_SOONEST, _LATEST = 0.12, 0.75  # of the mean, until the first one
_PULL = 1.2  # s, from which a phrase's end or a long way of the eyes draws a blink: what moves reaches no farther
_AGAIN, _NEAR = 0.42, 0.41  # s between blinks: what a double one takes, and the least
_DOUBLE = 0.07  # share of blinks that a second follows at once
_HALF = 0.5  # share of those that shut only partly
_EDGE = 0.2  # s at the line's ends without one
_LONG_WAY = 9.0  # degrees


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blink:
    """Lids that come together."""

    time: float  # s, when they meet
    depth: float  # 1 shut
    opening: float  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Home:
    """Where a blink comes if nothing calls for it, and between when it may be drawn, s."""

    time: float
    earliest: float
    latest: float
    draws: Array  # (5,)


def plan_blinks(
    duration: float,
    phrases: Sequence[Phrase],
    shifts: Sequence[Shift],
    sounds: Sequence[VocalSound],
    styles: StyleSheet,
    seed: int,
) -> list[Blink]:
    """The line's blinks in order of time.

    They have homes in time that know nothing of the words, nowhere farther from each other than eyes stay open; what
    calls for a blink draws the one that is near to it, as far as its neighbours let it. So the rate holds, no stare
    lasts, and what moves changes nothing farther than ``_PULL``.
    """
    called = np.array(_calls(duration, phrases, shifts, sounds, seed))
    blinks: list[Blink] = []
    doubles: list[Blink] = []
    for home in _homes(duration, styles, seed):
        near = called[(called >= home.earliest) & (called <= home.latest)]
        time = float(near[np.abs(near - home.time).argmin()]) if len(near) else home.time
        _, half, depth, opening, double = home.draws
        blinks.append(Blink(time=time, depth=1.0, opening=_OPENING * (0.85 + 0.6 * opening)))
        if double < _DOUBLE:
            again, deep = time + _AGAIN + 0.1 * double / _DOUBLE, 0.55 + 0.2 * depth if half < _HALF else 1.0
            doubles.append(Blink(time=again, depth=deep, opening=_OPENING))
    times = np.array([blink.time for blink in blinks])
    clear = [d for d in doubles if np.abs(times - d.time).min() > _NEAR and d.time < duration - _EDGE]
    return sorted([*blinks, *clear], key=lambda blink: blink.time)


def _homes(duration: float, styles: StyleSheet, seed: int) -> list[_Home]:
    """Each style has its own course of blinks along the whole line, which shows where the style holds."""
    bounds = sorted({0.0, duration, *(t for start, end, _ in styles.ranges for t in (start, end) if 0 < t < duration)})
    courses: dict[float, tuple[Array, Array]] = {}
    found: list[tuple[float, float, Array]] = []  # time, the longest before and after it, draws
    for start, end in itertools.pairwise(bounds):
        rate = styles.at((start + end) / 2).blinks
        if rate <= 0:
            continue
        mean = (1 + _DOUBLE) * 60 / rate
        if rate not in courses:
            draws = randomness(seed, "blinks").random((int(duration / (_SHORTEST * mean)) + 2, 5))
            ways = mean * (_SHORTEST + (_LONGEST - _SHORTEST) * draws[:, 0])
            ways[0] = mean * (_SOONEST + (_LATEST - _SOONEST) * draws[0, 0])
            courses[rate] = np.cumsum(ways), draws
        times, draws = courses[rate]
        longest = _LONGEST * mean
        inside = np.flatnonzero((times >= max(start, _EDGE)) & (times < min(end, duration - _EDGE)))
        first = times[inside[0]] if len(inside) else end
        # Nobody stares from one style into the next.
        if first - (found[-1][0] if found else 0.0) > longest and _EDGE < start < duration - _EDGE:
            found.append((start, longest, randomness(seed, "blink between", round(start * 100)).random(5)))
        found += [(float(times[k]), longest, draws[k]) for k in inside]
    kept: list[tuple[float, float, Array]] = []
    for item in found:
        if not kept or item[0] - kept[-1][0] > _NEAR:
            kept.append(item)
    at = [0.0, *(item[0] for item in kept), duration]
    homes = []
    for before, (time, longest, draws), after in zip(at, kept, at[2:]):
        # Half of what a stretch is short of the longest is for the blink on either side of it.
        early = min(_PULL, (longest - (after - time)) / 2, (time - before - _NEAR) / 2)
        late = min(_PULL, (longest - (time - before)) / 2, (after - time - _NEAR) / 2)
        earliest, latest = max(time - max(early, 0.0), _EDGE), min(time + max(late, 0.0), duration - _EDGE)
        homes.append(_Home(time=time, earliest=earliest, latest=latest, draws=draws))
    return homes


def _calls(
    duration: float, phrases: Sequence[Phrase], shifts: Sequence[Shift], sounds: Sequence[VocalSound], seed: int
) -> list[float]:
    """Moments that call for a blink, s, in order of time."""
    calls = []
    for phrase in phrases:
        late = 0.18 * float(randomness(seed, "blink place", phrase.key).random())
        calls.append(phrase.end - 0.05 + late)
    calls += [shift.start + 0.03 for shift in shifts if shift.degrees > _LONG_WAY]
    calls += [sound.start + 0.05 for sound in sounds if sound.kind != "laugh"]
    return sorted(time for time in calls if _EDGE < time < duration - _EDGE)


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
