"""Oculus's fifteen visemes: the other common way to drive a mouth, as weights a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .clip import MotionClip

Array = NDArray[Any]

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")
"""The names in the order of Oculus LipSync (OVRLipSync.Viseme)."""
CONTACTS = ("PP", "FF")
"""Those that the eye misses when they are skipped: lips that meet, a lip on the teeth."""
_FADE = 0.05  # s, half of what a viseme takes to become the next, where both last long enough
_REST = VISEMES.index("sil")


def oculus_weights(clip: MotionClip) -> Array:
    """(T, 15) float32 weights of VISEMES, each row summing to one, from ``clip.timeline.visemes``.

    Neighbours cross-fade about their border for 0.1 s, less where one of them is short; a viseme whose weight in the
    timeline is under one leaves the rest to ``sil``, and so does time without any. The frame nearest to the peak of a
    contact (PP, FF) is that contact's alone, however short it is. Visemes of other names count as ``sil``.
    """
    times = np.arange(len(clip)) / clip.fps
    known = [(*span, VISEMES.index(name), weight) for *span, name, weight in _gapless(clip)]
    starts, ends = (np.array([row[i] for row in known]) for i in (0, 1))
    kinds, weights = np.array([row[2] for row in known]), np.array([row[3] for row in known])
    half = np.minimum(_FADE, np.minimum(ends - starts, np.roll(ends - starts, 1)) / 2)  # about each start
    here = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(known) - 1)
    result = np.zeros((len(times), len(VISEMES)))
    frames = np.arange(len(times))
    before, after = np.maximum(here - 1, 0), np.minimum(here + 1, len(known) - 1)
    coming = np.where(here > 0, _risen(times - starts[here], half[here]), 1.0)
    going = np.where(after > here, 1.0 - _risen(times - starts[after], half[after]), 1.0)
    for rows, share in ((before, 1.0 - coming), (here, coming + going - 1.0), (after, 1.0 - going)):
        np.add.at(result, (frames, kinds[rows]), share * weights[rows])
    result[:, _REST] += 1.0 - result.sum(axis=1)
    for viseme in clip.timeline.visemes:
        if viseme.name in CONTACTS and 0 <= (frame := round(viseme.peak * clip.fps)) < len(clip):
            result[frame] = 0.0
            result[frame, VISEMES.index(viseme.name)] = 1.0
    return np.clip(result, 0.0, 1.0).astype(np.float32)


def _gapless(clip: MotionClip) -> list[tuple[float, float, str, float]]:
    """(start, end, name, weight) of the timeline's visemes in order, ``sil`` between, before and after them."""
    found: list[tuple[float, float, str, float]] = []
    last = -1.0
    for viseme in clip.timeline.visemes:
        start, end = max(viseme.start, last), viseme.end
        if viseme.name in VISEMES and end > start:
            if start > last:
                found.append((last, start, "sil", 1.0))
            found.append((start, end, viseme.name, min(max(viseme.weight, 0.0), 1.0)))
            last = end
    found.append((last, max(last, clip.duration) + 1.0, "sil", 1.0))
    return found


def _risen(time: Array, half: Array) -> Array:
    """From 0 at ``-half`` to 1 at ``half``; a step where ``half`` is 0."""
    x = np.clip(0.5 + 0.5 * time / np.maximum(half, 1e-9), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
