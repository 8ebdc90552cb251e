"""As few keys as an error allows, so that curves can be edited by hand.

From the ends, and from frames that must keep their keys, each span between keys whose error is too large is split at its
worst frame, all spans at once, until none is (Ramer 1972, Douglas and Peucker 1973). A bone's channels are taken together:
the error is the angle by which the bone turns wrongly, not that of a channel. Keys of one bone share their frames.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rotations
from .clip import MotionClip
from .rig_curves import Curve, RigCurves, is_mouth, shape_of
from .rig_names import joint_of
from .rotation_modes import quaternions_of
from .skeleton import JOINT

Array = NDArray[Any]
Error = Callable[[Array, Array], Array]  # of values (n, C) from the true ones (n, C): (n,)
_CLOSED = ("PP", "FF")  # visemes whose peak is a closure
_HANDLE = 2.5614  # Blender's handles are this part of the way to the next key


def reduced(curves: RigCurves, clip: MotionClip, *, tolerance: float, unit: float = 1.0, smooth: bool = False) -> RigCurves:
    """``curves`` of ``clip`` with fewer keys, at every frame within ``tolerance``: degrees for a bone's rotation,
    millimetres for its location, percent for a shape.

    ``unit``: m in the world a unit of the rig. ``smooth``: keys are joined by Blender's clamped automatic handles, without
    smoothing over several keys; otherwise by straight lines. Apexes of strokes and key poses, and on the mouth lip
    closures, keep their keys.
    """
    line = clip.timeline
    apexes = _frames([*(stroke.apex for stroke in line.strokes), *(pose.apex for pose in line.key_poses)], clip)
    closures = _frames((viseme.peak for viseme in line.visemes if viseme.name in _CLOSED), clip)
    groups: dict[str, list[Curve]] = {}
    for curve in curves.rig:
        groups.setdefault(curve.data_path, []).append(curve)
    rig: list[Curve] = []
    for group in groups.values():
        kept = closures if joint_of(group[0].group) == JOINT["jaw"] else apexes
        rig += _thinned(group, kept, _error_of(group[0], unit), tolerance, smooth)
    face: list[Curve] = []
    for curve in curves.face:
        kept = closures if is_mouth(shape_of(curve.data_path)) else apexes[:0]
        face += _thinned([curve], kept, _percent, tolerance, smooth)
    return dataclasses.replace(curves, rig=tuple(rig), face=tuple(face))


def keys_within(values: Array, kept: Array, error: Error, tolerance: float, *, smooth: bool = False) -> Array:
    """The frames, ascending, at which ``values`` (T, C) need keys so that no frame is off by more than ``tolerance``.

    ``kept``: frames that need keys in any case.
    """
    count = len(values)
    if count < 3:
        return np.arange(count)
    keys = np.unique(np.concatenate([[0, count - 1], kept[(kept >= 0) & (kept < count)]])).astype(np.int64)
    span = _smooth_span if smooth else _straight_span
    while True:
        frames = np.arange(count)
        segment = np.minimum(np.searchsorted(keys, frames, side="right") - 1, len(keys) - 2)
        off = error(span(values, keys, segment), values)
        off[keys] = 0.0
        worst = np.maximum.reduceat(off, keys[:-1])
        at_worst = (off >= worst[segment]) & (worst[segment] > tolerance)
        candidates = np.flatnonzero(at_worst)
        if not len(candidates):
            return keys
        _, first = np.unique(segment[candidates], return_index=True)
        keys = np.union1d(keys, candidates[first])


def _thinned(group: list[Curve], kept: Array, error: Error, tolerance: float, smooth: bool) -> list[Curve]:
    values = np.stack([curve.values for curve in group], axis=1).astype(np.float64)
    if not np.ptp(values, axis=0).any():
        return group  # a single key each
    keys = keys_within(values, kept, error, tolerance, smooth=smooth)
    return [dataclasses.replace(curve, values=values[keys, column], frames=keys) for column, curve in enumerate(group)]


def _straight_span(values: Array, keys: Array, segment: Array) -> Array:
    start, end = keys[segment], keys[segment + 1]
    way = ((np.arange(len(values)) - start) / (end - start))[:, None]
    return np.asarray(values[start] + way * (values[end] - values[start]))


def _smooth_span(values: Array, keys: Array, segment: Array) -> Array:
    """Values at every frame where clamped automatic handles join the keys, as Blender lays them."""
    times, points = keys.astype(np.float64), values[keys]
    before, after = _handles(times, points)  # offsets of the handles: (K, 1 + C), x first
    frames = np.arange(len(values), dtype=np.float64)
    start, end = segment, segment + 1
    x = [times[start], times[start] + after[start, 0], times[end] - before[end, 0], times[end]]
    way = (frames - x[0]) / (x[3] - x[0])
    for _ in range(8):  # Newton: the handles never turn back, so x rises all along
        off = _bezier(x, way) - frames
        slope = 3 * ((1 - way) ** 2 * (x[1] - x[0]) + 2 * way * (1 - way) * (x[2] - x[1]) + way**2 * (x[3] - x[2]))
        way = np.clip(way - off / np.maximum(slope, 1e-9), 0, 1)
    y = [points[start], points[start] + after[start, 1:], points[end] - before[end, 1:], points[end]]
    return _bezier(y, way[:, None])


def _handles(times: Array, points: Array) -> tuple[Array, Array]:
    """How far the left handle lies before each key and the right one after it, (K, 1 + C) each, x first.

    Blender's rule: along the mean slope of both sides, as long as a part of the way to the next key; flat at extremes and
    ends; never beyond the next key's value, and where one handle is held by that, the other one lies on its line.
    """
    steps = np.diff(times)
    rises = np.diff(points, axis=0)
    left, right = np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])
    fall, rise = np.concatenate([rises[:1], rises]), np.concatenate([rises, rises[-1:]])  # dy before and after each key
    slope = fall / left[:, None] + rise / right[:, None]
    length_left = np.minimum(left, 5 * right) / (2 * _HANDLE)
    length_right = np.minimum(right, 5 * left) / (2 * _HANDLE)
    before = np.column_stack([2 * length_left, slope * length_left[:, None]])
    after = np.column_stack([2 * length_right, slope * length_right[:, None]])
    flat = fall * rise <= 0
    flat[0] = flat[-1] = True
    held_left = ~flat & (np.abs(before[:, 1:]) > np.abs(fall))
    held_right = ~flat & (np.abs(after[:, 1:]) > np.abs(rise))
    low = np.where(held_left, fall, before[:, 1:])
    high = np.where(held_right, rise, after[:, 1:])
    on_left = low * (after[:, :1] / before[:, :1])
    on_right = high * (before[:, :1] / after[:, :1])
    before[:, 1:] = np.where(flat, 0.0, np.where(held_right & ~held_left, on_right, low))
    after[:, 1:] = np.where(flat, 0.0, np.where(held_left, on_left, high))
    return before, after


def _bezier(points: list[Array], way: Array) -> Array:
    back = 1 - way
    return np.asarray(
        back**3 * points[0] + 3 * back**2 * way * points[1] + 3 * back * way**2 * points[2] + way**3 * points[3]
    )


def _error_of(curve: Curve, unit: float) -> Error:
    mode = curve.mode
    if not mode:
        return lambda seen, true: np.asarray(np.linalg.norm(seen - true, axis=1) * unit * 1000)
    if mode == "QUATERNION":
        return _degrees
    return lambda seen, true: _degrees(quaternions_of(seen, mode), quaternions_of(true, mode))


def _degrees(seen: Array, true: Array) -> Array:
    """Degrees between the turns of quaternions (n, 4), which need not be of length one."""
    mine, truly = rotations.normalised(seen), rotations.normalised(true)
    near, far = np.linalg.norm(mine - truly, axis=1), np.linalg.norm(mine + truly, axis=1)
    return np.asarray(np.rad2deg(4 * np.arctan2(np.minimum(near, far), np.maximum(near, far))))


def _percent(seen: Array, true: Array) -> Array:
    return np.asarray(np.abs(seen - true)[:, 0] * 100)


def _frames(times: Iterable[float], clip: MotionClip) -> Array:
    return np.array(sorted({round(time * clip.fps) for time in times}), dtype=np.int64)
