"""What the mouth wears while it speaks and while it does not: a smile, a frown, pressed lips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .manner import Manners
from .table import Table

Array = NDArray[Any]

_ROUND_KEEPS = 0.3  # of a smile, on lips as round as they get
_OPEN_PRESS = 0.25  # of the tension, while the mouth is open
_OPEN = 0.15  # of the jaw: an open mouth
_AJAR = 0.05  # of the jaw: lips that are apart
_SMILE_SHOWS = {"mouthUpperUp": 0.28, "mouthLowerDown": 0.10}  # at smile one, on lips apart: it would draw them together
_SNARL = 0.35  # of mouthUpperUp at snarl one
_DRIFT = 0.16  # of the mood, slowly up and down: a held smile is a mask
_CELL = 2.3  # s
_UNEVEN = (0.04, 0.09)  # how much more one corner of the mouth moves than both on average


def with_mood(weights: Array, times: Array, manners: Manners, table: Table, seed: int) -> Array:
    """``weights`` (T, S) with the mood of ``manners`` over them, at ``times`` (T,), s.

    What it adds to closed lips only presses them together; what shows teeth comes with lips that are apart already. The
    ``seed`` decides which corner of the mouth moves a little more, and the drift of the mood.
    """
    random = np.random.Generator(np.random.PCG64([seed, 0x6D6F7574]))
    side = random.choice([-1.0, 1.0]) * random.uniform(*_UNEVEN)
    opening = np.maximum(weights[:, table.jaw] - weights[:, table.close], 0.0)
    opened, ajar = np.minimum(opening / _OPEN, 1.0), np.minimum(opening / _AJAR, 1.0)
    rounded = np.clip(weights[:, table.columns("mouthPucker", "mouthFunnel")].sum(axis=1), 0.0, 1.0)
    tucked = np.clip(weights[:, table.columns("mouthRollLower")[0]] / 0.5, 0.0, 1.0)
    drift = 1.0 + _DRIFT * _wander(times, seed)
    smile = manners.curve("smile", times) * drift * (1.0 - (1.0 - _ROUND_KEEPS) * rounded) * (1.0 - 0.4 * tucked)
    tension = manners.curve("tension", times) * drift * (1.0 - (1.0 - _OPEN_PRESS) * opened) * (1.0 - tucked)
    worn = {"smile": np.maximum(smile, 0.0), "frown": np.maximum(-smile, 0.0), "tension": tension}
    mood = sum((share[:, None] * table.moods[name] for name, share in worn.items()), np.zeros_like(weights))
    for name, share in _SMILE_SHOWS.items():
        mood[:, table.columns(name)] += share * (worn["smile"] * ajar)[:, None]
    snarl = manners.curve("snarl", times) * opened
    mood[:, table.columns("mouthUpperUp")] += _SNARL * snarl[:, None]
    mood = np.clip(mood, 0.0, 1.0)
    return np.asarray((weights + mood * (1.0 - np.minimum(weights, 1.0))) * (1.0 + side * table.lopsided))


def _wander(times: Array, seed: int) -> Array:
    """(T,) in -1..1, smooth; each stretch of time draws its own, whatever is said."""
    cell = np.floor(times / _CELL).astype(np.int64)
    first = int(cell[0]) if len(cell) else 0
    knots = [
        np.random.Generator(np.random.PCG64([seed, 0x64726966, first + n])).uniform(-1.0, 1.0)
        for n in range(int(cell[-1]) - first + 2 if len(cell) else 0)
    ]
    share = times / _CELL - cell
    ease = share * share * (3 - 2 * share)
    values = np.array(knots)
    return np.asarray(values[cell - first] * (1 - ease) + values[cell - first + 1] * ease)
