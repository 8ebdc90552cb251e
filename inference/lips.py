"""Do the lips do what the sounds ask: closed on P, B and M, never snapping?"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.face import ARKIT_INDEX
from ..core.skeleton import FACE_JOINTS, JOINT_COUNT

Array = NDArray[Any]

CLOSED = "PP"
OPEN_VOWELS = ("aa", "oh")
_INNER_LIPS = ((44, 50), (45, 49), (46, 48))  # pairs of the 51 landmarks, upper and lower, iBUG 62-68, 63-67, 64-66
_OUTER_LIPS = (31, 37, 34, 40)  # right and left corner, upper and lower middle
_LIP_MARGIN = 0.002  # m
_POSED_AT_ONCE = 64  # frames
_JAW, _CLOSE = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LipClosure:
    """One P, B or M."""

    time: float  # s, of its peak
    frame: int  # the frame, at most one from the peak, at which the lips are nearest
    gap: float  # m between the lips


def lip_gaps(clip: MotionClip, body: Body, frames: Array) -> Array:
    """Gap (N,), m, between the lips in the middle of the mouth at ``frames`` (N,); negative where they press together.

    On a body with blend shapes it is measured between the lips' vertices, elsewhere between the inner-lip landmarks,
    over their distance with the mouth at rest, which is closed.
    """
    return _mesh_gaps(clip, body, frames) if body.blendshapes else _landmark_gaps(clip, body, frames)


def _mesh_gaps(clip: MotionClip, body: Body, frames: Array) -> Array:
    moving, deltas = body.blendshape_matrix
    rest = body.shaped(clip.betas).astype(np.float64)
    columns = _lip_columns(body, rest)
    used = np.unique(np.concatenate([lip for column in columns for lip in column]))
    place = np.searchsorted(moving, used)
    heights = rest[used, 1] + clip.blendshapes[frames].astype(np.float64) @ deltas[:, place, 1]
    gaps = [
        heights[:, np.searchsorted(used, upper)].min(axis=1) - heights[:, np.searchsorted(used, lower)].max(axis=1)
        for upper, lower in columns
    ]
    return np.asarray(np.max(gaps, axis=0))


def _lip_columns(body: Body, rest: Array) -> list[tuple[Array, Array]]:
    """Vertices of the upper and the lower lip in five columns across the middle of the mouth.

    The lower lip is what the jaw takes along; both lie between the outer lips' landmarks and near the surface.
    """
    marks = body.landmarks(body.template[None])[0].astype(np.float64)
    left, right, top, bottom = (marks[index] for index in _OUTER_LIPS)
    width = abs(left[0] - right[0])
    moving, deltas = body.blendshape_matrix
    inside = {"teeth", "tongue"}
    covered = [
        np.unique(body.triangles[part.start : part.start + part.count])
        for part in body.parts
        if not any(word in part.name for word in inside)
    ]
    template = body.template[moving].astype(np.float64)
    near = (
        (np.abs(template[:, 0] - (left[0] + right[0]) / 2) < 0.32 * width)
        & (template[:, 1] > bottom[1] - _LIP_MARGIN)
        & (template[:, 1] < top[1] + _LIP_MARGIN)
        & (template[:, 2] > min(top[2], bottom[2]) - 0.16 * width)
        & np.isin(moving, np.concatenate(covered))
    )
    drop = -deltas[_JAW, :, 1]
    lower = drop > 0.5 * drop[near].max()
    columns = []
    for offset in (-0.25, -0.125, 0.0, 0.125, 0.25):
        here = near & (np.abs(template[:, 0] - (left[0] + right[0]) / 2 - offset * width) < 0.07 * width)
        if (here & lower).any() and (here & ~lower).any():
            columns.append((moving[here & ~lower], moving[here & lower]))
    return columns


def _landmark_gaps(clip: MotionClip, body: Body, frames: Array) -> Array:
    poses = np.zeros((len(frames) + 1, JOINT_COUNT, 3), dtype=np.float32)
    poses[1:, FACE_JOINTS] = clip.poses[frames][:, FACE_JOINTS]
    expressions = np.concatenate([np.zeros_like(clip.expressions[:1]), clip.expressions[frames]])
    mouth = []
    for start in range(0, len(poses), _POSED_AT_ONCE):
        span = slice(start, start + _POSED_AT_ONCE)
        still = np.zeros((len(poses[span]), 3), dtype=np.float32)
        vertices = body.vertices(poses=poses[span], trans=still, betas=clip.betas, expressions=expressions[span])
        mouth.append(body.landmarks(vertices).astype(np.float64))
    upper, lower = (np.concatenate(mouth)[:, [pair[k] for pair in _INNER_LIPS], 1] for k in (0, 1))
    height = upper - lower
    return np.asarray((height[1:] - height[0]).max(axis=1))


def lip_closures(clip: MotionClip, body: Body) -> tuple[LipClosure, ...]:
    """Each bilabial of the clip's timeline, with the lips' gap at the best frame within one of its peak."""
    peaks = np.array([viseme.peak for viseme in clip.timeline.visemes if viseme.name == CLOSED])
    if not len(peaks):
        return ()
    near = np.clip(np.round(peaks * clip.fps).astype(np.int64)[:, None] + np.arange(-1, 2), 0, len(clip) - 1)
    frames, back = np.unique(near, return_inverse=True)
    gaps = lip_gaps(clip, body, frames)[back.reshape(near.shape)]
    best = gaps.argmin(axis=1)
    return tuple(
        LipClosure(time=float(peak), frame=int(near[row, best[row]]), gap=float(gaps[row, best[row]]))
        for row, peak in enumerate(peaks)
    )


def opening(clip: MotionClip) -> Array:
    """How far the mouth is open (T,), as blend shapes have it: what the jaw opens and the lips do not close again."""
    return np.asarray(clip.blendshapes[:, _JAW] - clip.blendshapes[:, _CLOSE])


def jaw_speed(clip: MotionClip) -> Array:
    """Change of jawOpen a second (T - 1,)."""
    return np.asarray(np.abs(np.diff(clip.blendshapes[:, _JAW])) * clip.fps)


def shut_vowels(clip: MotionClip) -> tuple[float, ...]:
    """Times, s, of open vowels, at least 80 ms long, during which the mouth never opens."""
    opened = opening(clip)
    found = []
    for viseme in clip.timeline.visemes:
        if viseme.name in OPEN_VOWELS and viseme.end - viseme.start >= 0.08:
            first, last = int(np.ceil(viseme.start * clip.fps)), int(np.floor(viseme.end * clip.fps))
            frames = opened[first : last + 1]
            if len(frames) and float(frames.max()) < 0.02:
                found.append(viseme.peak)
    return tuple(found)
