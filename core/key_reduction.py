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
    keys: Array = np.unique(np.concatenate([[0, count - 1], kept[(kept >= 0) & (kept < count)]])).astype(np.int64)
    between, reach = (_smooth, 1) if smooth else (_straight, 0)  # reach: spans beside a new key that change with it
    off, frames = np.zeros(count), np.arange(count)
    while True:
        off[frames] = error(between(values, keys, frames), values[frames])
        off[keys] = 0.0
        worst = np.maximum.reduceat(off[:-1], keys[:-1])
        length = np.diff(keys)
        wide = worst > tolerance
        candidates = np.flatnonzero(np.repeat(wide, length) & (off[:-1] >= np.repeat(worst, length)))
        if not len(candidates):
            return keys
        _, first = np.unique(np.searchsorted(keys, candidates, side="right"), return_index=True)
        keys = np.asarray(np.union1d(keys, candidates[first]))
        new = np.searchsorted(keys, candidates[first])
        changed = np.zeros(len(keys) + 2 * reach + 1, dtype=bool)
        for step in range(-1 - reach, 1 + reach):
            changed[np.maximum(new + step, 0)] = True
        frames = np.flatnonzero(np.repeat(changed[: len(keys) - 1], np.diff(keys)))


def _thinned(group: list[Curve], kept: Array, error: Error, tolerance: float, smooth: bool) -> list[Curve]:
    values = np.stack([curve.values for curve in group], axis=1).astype(np.float64)
    if not np.ptp(values, axis=0).any():
        return group  # a single key each
    keys = keys_within(values, kept, error, tolerance, smooth=smooth)
    return [dataclasses.replace(curve, values=values[keys, column], frames=keys) for column, curve in enumerate(group)]


def _straight(values: Array, keys: Array, frames: Array) -> Array:
    """Values (n, C) at ``frames`` (n,) where straight lines join the keys."""
    return np.stack([np.interp(frames, keys, column) for column in values[keys].T], axis=1)


def _smooth(values: Array, keys: Array, frames: Array) -> Array:
    """Values (n, C) at ``frames`` (n,) where clamped automatic handles join the keys, as Blender lays them."""
    times, points = keys.astype(np.float64), values[keys]
    before, after = _handles(times, points)  # offsets of the handles: (K, 1 + C), x first
    start = np.minimum(np.searchsorted(keys, frames, side="right") - 1, len(keys) - 2)
    length = np.diff(times)[start]
    one, two = after[start, 0] / length, 1 - before[start + 1, 0] / length  # the handles' x, of a span from 0 to 1
    x = (frames - times[start]) / length
    # x of the span is a cubic of ``way`` without a constant term, and rises all along: the handles never turn back.
    cubic, square, line = 3 * one - 3 * two + 1, 3 * two - 6 * one, 3 * one
    way = x.copy()
    for _ in range(6):  # Newton
        off = ((cubic * way + square) * way + line) * way - x
        way -= off / np.maximum((3 * cubic * way + 2 * square) * way + line, 1e-3)
    way = np.clip(way, 0, 1)[:, None]
    back = 1 - way
    low, high = points[start], points[start + 1]
    return np.asarray(
        back**3 * low
        + 3 * back**2 * way * (low + after[start, 1:])
        + 3 * back * way**2 * (high - before[start + 1, 1:])
        + way**3 * high
    )


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


def _error_of(curve: Curve, unit: float) -> Error:
    mode = curve.mode
    if not mode:
        return lambda seen, true: np.asarray(np.linalg.norm(seen - true, axis=1) * unit * 1000)
    if mode == "QUATERNION":
        return _degrees
    return lambda seen, true: _degrees(quaternions_of(seen, mode), quaternions_of(true, mode))


def _degrees(seen: Array, true: Array) -> Array:
    """Degrees between the turns of quaternions (n, 4); those of ``true`` are of length one."""
    cosine = np.einsum("ij,ij->i", seen, true) ** 2 / np.einsum("ij,ij->i", seen, seen)
    return np.asarray(np.rad2deg(2 * np.arcsin(np.sqrt(np.clip(1 - cosine, 0, 1)))))


def _percent(seen: Array, true: Array) -> Array:
    return np.asarray(np.abs(seen - true)[:, 0] * 100)


def _frames(times: Iterable[float], clip: MotionClip) -> Array:
    return np.array(sorted({round(time * clip.fps) for time in times}), dtype=np.int64)
