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
_JAW, _CLOSE = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LipClosure:
    """One P, B or M."""

    time: float  # s, of its peak
    frame: int  # the frame, at most one from the peak, at which the lips are nearest
    gap: float  # m between the inner lips, over their distance at rest


def lip_gaps(clip: MotionClip, body: Body, frames: Array) -> Array:
    """Gap (N,), m, between the inner lips at ``frames`` (N,): the widest of the three middle pairs of landmarks, over
    their distance with the mouth at rest, which is closed; negative where the lips are pressed together."""
    poses = np.zeros((len(frames) + 1, JOINT_COUNT, 3), dtype=np.float32)
    poses[1:, FACE_JOINTS] = clip.poses[frames][:, FACE_JOINTS]
    lips = []
    for start in range(0, len(poses), 64):
        rows = np.arange(start, min(start + 64, len(poses)))
        own = [frames[row - 1] for row in rows if row]
        shapes, expressions = clip.blendshapes[own], clip.expressions[own]
        if start == 0:  # the first row is the mouth at rest
            shapes, expressions = (
                np.concatenate([np.zeros_like(v[:1] if len(v) else v), v]) for v in (shapes, expressions)
            )
        vertices = body.vertices(
            poses=poses[rows],
            trans=np.zeros((len(rows), 3), dtype=np.float32),
            betas=clip.betas,
            blendshapes=shapes if body.face == "blendshapes" else None,
            expressions=expressions if body.face == "expressions" and expressions.shape[1] else None,
        )
        lips.append(body.landmarks(vertices))
    mouth = np.concatenate(lips).astype(np.float64)
    upper, lower = (mouth[:, [pair[k] for pair in _INNER_LIPS], 1] for k in (0, 1))
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
