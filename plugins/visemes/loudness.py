"""How loud a moment is against the line's own level, as a gain on the mouth's opening."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import HOP

Array = NDArray[Any]

_SPEECH_RANGE = 25.0  # dB under the loudest moment that still count as speech
_LEVEL = 60.0  # percentile of the speech's levels that opens the mouth as the table says
_SLOPE = 0.036  # gain a dB
_LEAST, _MOST = 0.5, 1.3
_REACH = 4  # hops on either side: a syllable's level is that of its nucleus
_SMOOTH = 4.0  # hops, standard deviation


def opening_gain(times: Array, energy: Array | None, amount: Array) -> Array:
    """Gain (T,) on the opening shapes at ``times`` (T,), s; ``amount`` (T,) 0 leaves it at one.

    ``energy`` (n,) dB every HOP; None where it is not known: the gain is one.
    """
    if energy is None or not len(energy):
        return np.ones(len(times))
    level = np.asarray(energy, dtype=np.float64)
    loudest = float(level.max())
    heard = np.flatnonzero(level >= loudest - _SPEECH_RANGE)
    reference = float(np.percentile(level[heard], _LEVEL))
    # Silence has no loudness: the mouth that opens ahead of a sound, or waits in a stop, takes that of what is around it.
    level = np.interp(np.arange(len(level)), heard, level[heard])
    padded = np.pad(level, _REACH, mode="edge")
    peaks = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1).max(axis=1)
    half = int(3 * _SMOOTH)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / _SMOOTH) ** 2)
    smooth = np.convolve(np.pad(peaks, half, mode="edge"), kernel / kernel.sum(), mode="valid")
    decibels = np.interp(times, np.arange(len(smooth)) * HOP, smooth) - reference
    return np.clip(1.0 + amount * _SLOPE * decibels, _LEAST, _MOST)
