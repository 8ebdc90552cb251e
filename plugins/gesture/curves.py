"""Curves over time that can be sampled anywhere: minimum-jerk moves, pulses, and smooth noise."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_SMOOTH = 7  # columns of a track: a place and the turns of the wrist and the elbow


def randomness(seed: int, *keys: str | int) -> np.random.Generator:
    """A random stream of its own for each use, so that one use cannot disturb another."""
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else key & 0xFFFFFFFF for key in keys]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, *numbers])))


def minimum_jerk(phase: Array) -> Array:
    """0..1 -> 0..1, at rest at both ends (Flash and Hogan 1985). Outside it stays at the ends."""
    s = np.minimum(np.maximum(phase, 0.0), 1.0)  # np.clip takes three times as long on short stretches
    return np.asarray(s * s * s * (10 + s * (6 * s - 15)))


def crisp(phase: Array) -> Array:
    """0..1 -> 0..1, gathering speed slowly and losing it fast, as the stroke of a beat does, at rest at both ends.

    Its speed is 60 s^3 (1 - s)^2, highest at 0.6; a fifth of that is left at 0.903.
    """
    s = np.minimum(np.maximum(phase, 0.0), 1.0)
    return np.asarray(s * s * s * s * (15 + s * (10 * s - 24)))


def soft_limit(values: Array, limit: float) -> Array:
    """``values`` kept within -limit..limit: hardly changed up to half of it, then bent smoothly."""
    return np.asarray(values / (1 + (values / limit) ** 4) ** 0.25)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Move:
    """A move to ``target``, at rest when it arrives, unless the next has begun by then."""

    start: float  # s
    end: float  # s
    target: Array  # (D,)
    via: tuple[Array, ...] = ()  # each (D,); passed on the way without slowing down: they bend the path
    crisp: bool = False  # stops short instead of slowing down early


class Track:
    """A path made of moves that may overlap: the sum of minimum-jerk moves (Flash and Henis 1991), smooth throughout.

    What a moment's value is depends on the moves around it alone: the target reached last and the moves under way.
    """

    def __init__(self, initial: Array, moves: Sequence[Move]) -> None:
        self.initial = np.asarray(initial, dtype=np.float64)
        self.moves = tuple(moves)
        self._targets = np.stack([self.initial, *(move.target for move in self.moves)])
        self._starts = np.array([move.start for move in self.moves])
        # A move counts as under way until those before it have ended too.
        self._ends = np.maximum.accumulate(np.array([move.end for move in self.moves]))
        self._splines: dict[int, _Spline] = {}  # of the moves that have been sampled

    def sample(self, times: Array, columns: slice | list[int] = slice(None)) -> Array:
        """(T,) seconds, increasing -> (T, D), or those of its ``columns``."""
        targets = self._targets
        wanted = targets[:, columns]
        values = wanted[np.searchsorted(self._ends, times, side="right")]
        firsts = np.searchsorted(times, self._starts, side="right")
        lasts = np.searchsorted(times, self._ends, side="left")
        for i in np.flatnonzero(firsts < lasts).tolist():
            move, first, last = self.moves[i], firsts[i], lasts[i]
            phase = (times[first:last] - move.start) / (move.end - move.start)
            done = crisp(phase) if move.crisp else minimum_jerk(phase)
            if move.via:
                if i not in self._splines:
                    self._splines[i] = _spline((targets[i], *move.via, targets[i + 1]))
                values[first:last] += self._splines[i].at(done, columns)
            else:
                values[first:last] += done[:, None] * (wanted[i + 1] - wanted[i])
        return np.asarray(values)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Spline:
    """A curve through points, as ways from the first of them."""

    knots: Array  # (K,) 0..1
    places: Array  # (K, D)
    slopes: Array  # (K, D)

    def at(self, done: Array, columns: slice | list[int]) -> Array:
        """(T, D) where one is when ``done`` (T,), 0..1, of the curve is behind, or those of its ``columns``."""
        places, slopes = self.places[:, columns], self.slopes[:, columns]
        part = np.clip(np.searchsorted(self.knots, done, side="right") - 1, 0, len(self.knots) - 2)
        span = np.diff(self.knots)[part][:, None]
        s = (done[:, None] - self.knots[part][:, None]) / span
        a, b, m, n = places[part], places[part + 1], slopes[part] * span, slopes[part + 1] * span
        return np.asarray(a + s * (m + s * (3 * (b - a) - 2 * m - n + s * (2 * (a - b) + m + n))))


def _spline(points: Sequence[Array]) -> _Spline:
    """The curve through ``points``, each (D,).

    It is the natural cubic spline over the chords' lengths in the first three columns, places in space, so that
    neither speed nor acceleration jumps at a point. Columns beyond _SMOOTH, fingers, keep within their points' range: there
    the slopes are those of Fritsch and Carlson (1980), harmonic means, zero where the way turns back.
    """
    places = np.stack(points) - points[0]
    lengths = np.maximum(np.linalg.norm(np.diff(places[:, :3], axis=0), axis=1), 1e-6)
    knots = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    spans = np.diff(knots)
    chords = np.diff(places, axis=0) / spans[:, None]
    count = len(places)
    system, wanted = np.zeros((count, count)), np.zeros_like(places)
    system[0, :2], system[-1, -2:] = (2.0, 1.0), (1.0, 2.0)
    wanted[0], wanted[-1] = 3 * chords[0], 3 * chords[-1]
    for k in range(1, count - 1):
        system[k, k - 1 : k + 2] = spans[k], 2 * (spans[k - 1] + spans[k]), spans[k - 1]
        wanted[k] = 3 * (spans[k] * chords[k - 1] + spans[k - 1] * chords[k])
    slopes = np.linalg.solve(system, wanted)
    one, other = chords[:-1, _SMOOTH:], chords[1:, _SMOOTH:]
    onward = one * other > 0
    slopes[1:-1, _SMOOTH:] = np.where(onward, 2 * one * other / np.where(onward, one + other, 1.0), 0.0)
    slopes[0, _SMOOTH:] = 1.5 * chords[0, _SMOOTH:] - 0.5 * slopes[1, _SMOOTH:]
    slopes[-1, _SMOOTH:] = 1.5 * chords[-1, _SMOOTH:] - 0.5 * slopes[-2, _SMOOTH:]
    return _Spline(knots=knots, places=places, slopes=slopes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pulse:
    """A rise to ``height`` at ``apex`` and a return, such as a nod or a raised brow."""

    start: float  # s
    apex: float  # s
    hold_end: float  # s
    end: float  # s
    height: float


def pulses(items: Sequence[Pulse], times: Array) -> Array:
    """The pulses' sum (T,)."""
    values = np.zeros(len(times))
    firsts = np.searchsorted(times, [item.start for item in items])
    lasts = np.searchsorted(times, [item.end for item in items])
    for i in np.flatnonzero(firsts < lasts).tolist():
        item, first, last = items[i], firsts[i], lasts[i]
        span = times[first:last]
        up = minimum_jerk((span - item.start) / max(item.apex - item.start, 1e-9))
        down = minimum_jerk((span - item.hold_end) / max(item.end - item.hold_end, 1e-9))
        values[first:last] += item.height * (up - down)
    return values


def noise(seed: int, tag: str, times: Array, period: float) -> Array:
    """Smooth noise (T,) of about unit deviation, with a knot each ``period`` seconds: a cubic B-spline, so no jerks."""
    position = times / period
    knots = randomness(seed, "noise", tag).standard_normal(int(position[-1] if len(times) else 0) + 5)
    index = np.floor(position).astype(np.int64)
    s = position - index
    weights = ((1 - s) ** 3, 3 * s**3 - 6 * s**2 + 4, -3 * s**3 + 3 * s**2 + 3 * s + 1, s**3)
    # 1.6 undoes the loss of amplitude of the B-spline, whose value is a weighted mean of four knots.
    return np.asarray(1.6 / 6 * sum(w * knots[index + k] for k, w in enumerate(weights)))
