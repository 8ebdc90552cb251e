"""Do the lips do what the sounds ask: closed on P, B and M, tucked on F and V, open on vowels, never snapping?"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.face import ARKIT_INDEX
from ..core.skeleton import FACE_JOINTS, JOINT_COUNT
from .jaw import jaw_speed as jaw_speed  # judged with the lips

Array = NDArray[Any]

CLOSED, TUCKED = "PP", "FF"
OPEN_VOWELS = ("aa", "oh")
SHUT_GAP = 0.0015  # m; lips no farther apart count as closed
_SHORTEST_VOWEL, _LEAST_VOWEL = 0.08, 0.6  # s and weight; a shorter or a weaker one, as in "them", need not open
_INNER_LIPS = ((44, 50), (45, 49), (46, 48))  # pairs of the 51 landmarks, upper and lower, iBUG 62-68, 63-67, 64-66
_OUTER_LIPS = (31, 37, 34, 40)  # right and left corner, upper and lower middle
_LIP_MARGIN = 0.002  # m
_POSED_AT_ONCE = 64  # frames
_FRONT_TEETH = 0.2  # of the mouth's width to either side: the incisors
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
    columns = _lip_columns(body)
    gaps = [
        _heights(clip, body, frames, upper).min(axis=1) - _heights(clip, body, frames, lower).max(axis=1)
        for upper, lower in columns
    ]
    return np.asarray(np.max(gaps, axis=0))


def _heights(clip: MotionClip, body: Body, frames: Array, vertices: Array) -> Array:
    """(N, n) m, of face ``vertices`` (n,) at ``frames`` (N,), the head upright."""
    moving, deltas = body.blendshape_matrix
    rest = body.shaped(clip.betas)[vertices, 1].astype(np.float64)
    place = np.searchsorted(moving, vertices)
    return np.asarray(rest + clip.blendshapes[frames].astype(np.float64) @ deltas[:, place, 1])


@functools.lru_cache(maxsize=4)
def _lip_columns(body: Body) -> list[tuple[Array, Array]]:
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
    peaks = _peaks(clip, CLOSED)
    if not len(peaks):
        return ()
    near, frames, back = _near(clip, peaks)
    gaps = lip_gaps(clip, body, frames)[back]
    best = gaps.argmin(axis=1)
    return tuple(
        LipClosure(time=float(peak), frame=int(near[row, best[row]]), gap=float(gaps[row, best[row]]))
        for row, peak in enumerate(peaks)
    )


def _peaks(clip: MotionClip, name: str) -> Array:
    return np.array([viseme.peak for viseme in clip.timeline.visemes if viseme.name == name])


def _near(clip: MotionClip, peaks: Array) -> tuple[Array, Array, Array]:
    """Frames (P, 3) about each of ``peaks`` (P,), those frames once (N,), and where each of the first is in the second."""
    near = np.clip(np.round(peaks * clip.fps).astype(np.int64)[:, None] + np.arange(-1, 2), 0, len(clip) - 1)
    frames, back = np.unique(near, return_inverse=True)
    return near, frames, back.reshape(near.shape)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Labiodental:
    """One F or V."""

    time: float  # s, of its peak
    frame: int  # the frame, at most one from the peak, at which the lower lip is tucked highest
    tuck: float  # m that the lower lip stands above the edge of the upper teeth in front of it; under 0 it does not reach
    gap: float  # m between the lips there: over 0, for the lip meets the teeth and not the other lip


def labiodentals(clip: MotionClip, body: Body) -> tuple[Labiodental, ...]:
    """Each F and V of the clip's timeline, at the best frame within one of its peak. Empty for a body without teeth."""
    peaks = _peaks(clip, TUCKED)
    edge = _teeth_edge(clip, body) if body.blendshapes else None
    if not len(peaks) or edge is None:
        return ()
    near, frames, back = _near(clip, peaks)
    columns = _lip_columns(body)
    tops = np.max([_heights(clip, body, frames, lower).max(axis=1) for _, lower in columns[1:-1]], axis=0)[back]
    gaps = lip_gaps(clip, body, frames)[back]
    best = np.where(gaps > 0, tops, tops - 1.0).argmax(axis=1)  # a frame on which the lips meet is another sound's
    return tuple(
        Labiodental(
            time=float(peak),
            frame=int(near[row, best[row]]),
            tuck=float(tops[row, best[row]] - edge),
            gap=float(gaps[row, best[row]]),
        )
        for row, peak in enumerate(peaks)
    )


def _teeth_edge(clip: MotionClip, body: Body) -> float | None:
    """Height, m, of the lower edge of the upper front teeth; None where the body has none."""
    runs = [body.triangles[p.start : p.start + p.count] for p in body.parts if p.name.startswith("upper_teeth")]
    if not runs:
        return None
    marks = body.landmarks(body.template[None])[0]
    left, right = (float(marks[index, 0]) for index in _OUTER_LIPS[:2])
    teeth = np.unique(np.concatenate(runs))
    ahead = np.abs(body.template[teeth, 0] - (left + right) / 2) < _FRONT_TEETH * abs(left - right)
    return float(body.shaped(clip.betas)[teeth[ahead], 1].min())


def opening(clip: MotionClip) -> Array:
    """How far the mouth is open (T,), as blend shapes have it: what the jaw opens and the lips do not close again."""
    return np.asarray(clip.blendshapes[:, _JAW] - clip.blendshapes[:, _CLOSE])


def shut_vowels(clip: MotionClip, body: Body | None = None) -> tuple[float, ...]:
    """Times, s, of open vowels during which the mouth never opens: visemes aa and oh of at least 80 ms and a weight of 0.6.

    With a ``body`` that is judged on its mesh (the lips never more than SHUT_GAP apart), else by the blend shapes.
    """
    spans = [
        (viseme, int(np.ceil(viseme.start * clip.fps)), min(int(np.floor(viseme.end * clip.fps)), len(clip) - 1))
        for viseme in clip.timeline.visemes
        if viseme.name in OPEN_VOWELS and viseme.weight >= _LEAST_VOWEL and viseme.end - viseme.start >= _SHORTEST_VOWEL
    ]
    spans = [span for span in spans if span[2] >= span[1]]
    if not spans:
        return ()
    opened, least = opening(clip), 0.02
    if body is not None:
        frames = np.unique(np.concatenate([np.arange(first, last + 1) for _, first, last in spans]))
        opened, least = np.zeros(len(clip)), SHUT_GAP
        opened[frames] = lip_gaps(clip, body, frames)
    return tuple(viseme.peak for viseme, first, last in spans if float(opened[first : last + 1].max()) < least)
