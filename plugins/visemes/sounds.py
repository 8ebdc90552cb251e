"""The mouth in sounds that are no words: lips that part for a breath, a sigh's slack jaw, a laugh's open smile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import VocalSound
from .segments import Segments
from .table import VISEMES, Table

Array = NDArray[Any]

_AHEAD = {"breath": 0.14, "sigh": 0.2, "laugh": 0.18}  # s before the sound that the mouth sets out
_AFTER = {"breath": 0.16, "sigh": 0.4, "laugh": 0.5}  # s until it is at rest again
_FAINT = 0.5  # of the shape, for the faintest sound that is heard
_WORD_EDGE = 0.08  # s in which words take the mouth back


def with_sounds(
    weights: Array, times: Array, sounds: Sequence[VocalSound], mouth: Segments | None, table: Table, gain: Array
) -> Array:
    """``weights`` (T, S) with the shapes of ``sounds`` over the silences between the words, at ``times`` (T,), s.

    ``gain`` (T,) of the loudness: a laugh opens with each of its bursts.
    """
    if not sounds:
        return weights
    free = np.ones(len(times)) if mouth is None else _silent(times, mouth)
    result = weights
    for sound in sounds:
        coming = (times - sound.start + _AHEAD[sound.kind]) / (1.5 * _AHEAD[sound.kind])
        going = (sound.end - times + _AFTER[sound.kind]) / (1.5 * _AFTER[sound.kind])
        share = free * _eased(coming) * _eased(going) * (_FAINT + (1 - _FAINT) * sound.strength)
        shape = table.sounds[sound.kind] * np.where(table.opening, gain[:, None], 1.0)
        result = result + share[:, None] * np.maximum(shape - result, 0.0)
    return np.asarray(result)


def _silent(times: Array, mouth: Segments) -> Array:
    """(T,) 1 in silences, 0 in words and at their edges."""
    here = np.clip(np.searchsorted(mouth.start, times, side="right") - 1, 0, len(mouth.start) - 1)
    inside = np.minimum(times - mouth.start[here], mouth.end[here] - times) / _WORD_EDGE
    return np.where(mouth.viseme[here] == VISEMES.index("sil"), _eased(inside), 0.0)


def _eased(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
