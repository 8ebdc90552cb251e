"""Does the jaw follow the voice: how far it opens on each sound, and with the loudness?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clip import MotionClip
from ..core.face import ARKIT_INDEX
from ..core.speech import HOP

Array = NDArray[Any]

OPEN_VOWELS = ("AA", "AE", "AO", "AW", "AY")
"""The open vowels of English. Of AW and AY only the first half is open, the second glides to a close one."""
GLIDING = ("AW", "AY")
CLOSE_SOUNDS = ("IY", "UW", "S")
_SHORTEST = 0.05  # s; a shorter sound is over before the jaw gets there, whoever speaks
_SPEECH_RANGE = 40.0  # dB under the loudest moment that still count as speech
_FEWEST = 8  # frames; a correlation over fewer says nothing
_JAW = ARKIT_INDEX["jawOpen"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class JawLoudness:
    """Pearson's correlation of jawOpen with the level of the voice in dB; None where there is too little to say."""

    open_vowels: float | None  # over the frames inside open vowels
    frames: int  # of these
    overall: float | None  # over every frame in which somebody speaks


def jaw_loudness(clip: MotionClip, energy: Array) -> JawLoudness:
    """How closely the jaw of ``clip`` follows the voice. ``energy`` (n,) dB every HOP, as in ``Speech.energy``.

    The frames of *open vowels* are those whose times lie within a phone of OPEN_VOWELS of the clip's timeline (of AW and AY
    its first half), whatever its stress. *Loudness* is the energy, in dB, at the frame's time, interpolated between hops and
    not smoothed. *Overall* takes every frame at most 40 dB under the loudest hop. Nothing is averaged before correlating: a
    jaw that only tells vowels apart, or only opens and shuts with each, scores low.
    """
    times = np.arange(len(clip)) / clip.fps
    level = np.interp(times, np.arange(len(energy)) * HOP, np.asarray(energy, dtype=np.float64))
    jaw = clip.blendshapes[:, _JAW].astype(np.float64)
    inside = np.zeros(len(clip), dtype=bool)
    for phone in clip.timeline.phones:
        if phone.symbol in OPEN_VOWELS:
            end = (phone.start + phone.end) / 2 if phone.symbol in GLIDING else phone.end
            inside |= (times >= phone.start) & (times <= end)
    spoken = level >= level.max(initial=-math.inf) - _SPEECH_RANGE
    return JawLoudness(
        open_vowels=_correlation(level[inside], jaw[inside]),
        frames=int(inside.sum()),
        overall=_correlation(level[spoken], jaw[spoken]),
    )


def openings(clip: MotionClip) -> Mapping[str, tuple[float, int]]:
    """Phone -> (mean jawOpen over its sounds, how many), for sounds of at least 50 ms.

    A sound's jawOpen is the widest in its middle half; its ends belong to the way from and to its neighbours.
    """
    jaw = clip.blendshapes[:, _JAW]
    widest: dict[str, list[float]] = {}
    for phone in clip.timeline.phones:
        length = phone.end - phone.start
        middle = round((phone.start + phone.end) / 2 * clip.fps)
        first = min(math.ceil((phone.start + length / 4) * clip.fps), middle)
        last = max(math.floor((phone.end - length / 4) * clip.fps), middle)
        if length >= _SHORTEST - 1e-9 and last < len(jaw):
            widest.setdefault(phone.symbol, []).append(float(jaw[first : last + 1].max()))
    return {symbol: (float(np.mean(found)), len(found)) for symbol, found in sorted(widest.items())}


def opening_ratio(*clips: MotionClip) -> float | None:
    """How many times as far the jaw opens on the open vowels of ``clips`` as on the widest of IY, UW and S.

    Means over all sounds of a kind in all clips; None where the clips lack open vowels or all three others.
    """
    sums: dict[str, list[float]] = {}
    for clip in clips:
        for symbol, (mean, count) in openings(clip).items():
            kind = "open" if symbol in OPEN_VOWELS else symbol
            total = sums.setdefault(kind, [0.0, 0.0])
            total[0] += mean * count
            total[1] += count
    means = {kind: total / count for kind, (total, count) in sums.items()}
    narrow = [means[symbol] for symbol in CLOSE_SOUNDS if symbol in means]
    if "open" not in means or not narrow or max(narrow) <= 0:
        return None
    return means["open"] / max(narrow)


def jaw_speed(clip: MotionClip) -> Array:
    """Change of jawOpen a second (T - 1,)."""
    return np.asarray(np.abs(np.diff(clip.blendshapes[:, _JAW])) * clip.fps)


def _correlation(x: Array, y: Array) -> float | None:
    if len(x) < _FEWEST or np.std(x) < 1e-9 or np.std(y) < 1e-9:
        return None
    return float(np.corrcoef(x, y)[0, 1])
