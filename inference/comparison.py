"""Takes and stretches of motion held against each other: Audio2Gestures (Li et al. 2021), equations 13 to 16.

Joint positions are taken from the pelvis and in metres, eyes and jaw left out; the paper's own tables are in its data's
units, so only its definitions carry over. |a - b| is the sum of the three coordinates' distances (the paper's L1), averaged
over joints and frames.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.skeleton import FACE_JOINTS, JOINT_COUNT
from .metrics import Trace

Array = NDArray[Any]

PCK_WITHIN = 0.2  # m, the paper's delta
STRETCH_FRAMES = 50  # of the pieces that diversity compares, in the paper at 30 frames a second
_STRETCH = STRETCH_FRAMES / 30.0  # s
_JOINTS = [joint for joint in range(JOINT_COUNT) if joint not in FACE_JOINTS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Likeness:
    """How near a take is to a reference."""

    l1: float  # m, equation 13
    pck: float  # 0..1, equation 14: joints within 0.2 m
    frames: int  # compared


def from_pelvis(traced: Trace) -> Array:
    """(T, 52, 3) m: every joint but the face's, seen from the pelvis."""
    return np.asarray(traced.positions[:, _JOINTS] - traced.positions[:, :1])


def likeness(traced: Trace, reference: Trace) -> Likeness:
    """Equations 13 and 14 over the frames that both have; ``reference`` is read at the take's frame rate."""
    ours, theirs = from_pelvis(traced), _at_rate(from_pelvis(reference), reference.fps, traced.fps)
    frames = min(len(ours), len(theirs))
    apart = ours[:frames] - theirs[:frames]
    return Likeness(
        l1=_l1(apart),
        pck=float((np.linalg.norm(apart, axis=-1) < PCK_WITHIN).mean()),
        frames=frames,
    )


def diversity(traced: Trace) -> float | None:
    """Equation 15, m: mean L1 between every two stretches of 1.67 s (50 frames at 30 a second); None under two of them."""
    points, length = from_pelvis(traced), max(1, round(_STRETCH * traced.fps))
    count = len(points) // length
    if count < 2:
        return None
    return _mean_apart(points[: count * length].reshape(count, length, -1, 3))


def multimodality(takes: Sequence[Trace]) -> float | None:
    """Equation 16, m: mean L1 between every two takes of one line; None for a single one."""
    if len(takes) < 2:
        return None
    first = takes[0]
    points = [_at_rate(from_pelvis(take), take.fps, first.fps) for take in takes]
    frames = min(map(len, points))
    return _mean_apart(np.stack([row[:frames] for row in points]))


def wrist_distances(takes: Sequence[Trace], during: Array | None = None) -> Array:
    """(pairs,) m: mean distance between two takes' wrists, seen from the pelvis, both hands, over the frames ``during``
    (T,) bool of the shortest take; all frames without it."""
    frames = min(len(take.positions) for take in takes)
    wrists = [(take.wrists - take.positions[:, :1])[:frames] for take in takes]
    kept = np.ones(frames, dtype=bool) if during is None else np.asarray(during[:frames], dtype=bool)
    return np.array(
        [float(np.linalg.norm(one[kept] - other[kept], axis=-1).mean()) for one, other in itertools.combinations(wrists, 2)]
    )


def _mean_apart(points: Array) -> float:
    """Mean L1 over all pairs of the first axis (N, T, J, 3).

    The paper divides by N ceil(N / 2), which is the number of pairs but for rounding; this divides by the pairs.
    """
    flat = points.reshape(len(points), -1)
    total = sum(float(np.abs(flat[row + 1 :] - flat[row]).sum()) for row in range(len(flat) - 1))
    pairs = len(flat) * (len(flat) - 1) / 2
    return total / pairs / (flat.shape[1] / 3)


def _l1(apart: Array) -> float:
    return float(np.abs(apart).sum(axis=-1).mean()) if apart.size else 0.0


def _at_rate(points: Array, fps: float, wanted: float) -> Array:
    if fps == wanted or len(points) < 2:
        return points
    times = np.arange(int((len(points) - 1) / fps * wanted) + 1) / wanted * fps
    before = np.minimum(times.astype(int), len(points) - 2)
    share = (times - before)[:, None, None]
    return np.asarray((1 - share) * points[before] + share * points[before + 1])
