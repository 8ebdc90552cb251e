"""How loud a moment is against the line's own level, as a gain on the mouth's opening."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import HOP

Array = NDArray[Any]

_SPEECH_RANGE = 25.0  # dB under the loudest moments that count for the line's level
_LEVEL = 60.0  # percentile of these that opens the mouth as the table says
_NEARBY = 40  # hops on either side
_DIP = 24.0  # dB under the loudest moment nearby: the closure of a stop, or silence
_SILENT = 30.0  # dB under the line's level: nobody speaks
_SLOPE = 0.066  # of the gain's logarithm, a dB
_LEAST, _MOST = 0.33, 1.35
_REACH = 2  # hops on either side: a cycle of a deep voice and the flank of a nucleus count as the nucleus
_SMOOTH = 3.0  # hops, standard deviation


def opening_gain(times: Array, energy: Array | None, amount: Array) -> Array:
    """Gain (T,) on the opening shapes at ``times`` (T,), s; ``amount`` (T,) 0 leaves it at one.

    ``energy`` (n,) dB every HOP; None where it is not known: the gain is one. A passage under the line's own level opens
    less, down to a third. How loud the recording is makes no difference: a microphone's gain is not a speaker's effort.
    """
    if energy is None or not len(energy):
        return np.ones(len(times))
    level = np.asarray(energy, dtype=np.float64)
    reference = _reference(level)
    # A dip has no loudness of its own: the mouth that waits in a stop, or opens ahead of a sound, takes that around it.
    heard = np.flatnonzero(level >= np.maximum(_peaks(level, _NEARBY) - _DIP, min(reference - _SILENT, float(level.max()))))
    level = np.interp(np.arange(len(level)), heard, level[heard])
    half = int(3 * _SMOOTH)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / _SMOOTH) ** 2)
    smooth = np.convolve(np.pad(_peaks(level, _REACH), half, mode="edge"), kernel / kernel.sum(), mode="valid")
    decibels = np.interp(times, np.arange(len(smooth)) * HOP, smooth) - reference
    return np.clip(np.exp(amount * _SLOPE * decibels), _LEAST, _MOST)


def _reference(level: Array) -> float:
    """The line's level, dB: from the voice alone, whatever the times of its words."""
    loudest = float(np.percentile(level, 99.0))
    return float(np.percentile(level[level >= loudest - _SPEECH_RANGE], _LEVEL))


def _peaks(level: Array, reach: int) -> Array:
    """(n,) the loudest of the hops at most ``reach`` away."""
    padded = np.pad(level, reach, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1))
