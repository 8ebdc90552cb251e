"""Two-bone inverse kinematics for arms and legs, vectorised over frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import rotations

Array = NDArray[Any]


def two_bone(
    upper: ArrayLike,
    lower: ArrayLike,
    hinge: ArrayLike,
    target: ArrayLike,
    pole: ArrayLike,
    *,
    bend_limits: tuple[float, float] = (0.05, 2.62),
    soft_from: float = 1.0,
) -> tuple[Array, Array]:
    """Rotations (T, 3, 3) of the root joint and of the middle joint that bring the chain's end to ``target``.

    ``upper`` and ``lower`` (3,), metres: the two bones at rest, root to middle and middle to end. ``hinge`` (3,): the
    middle joint's axis at rest; a positive turn bends the joint. ``target`` (T, 3), metres: the end seen from the root,
    in the frame of the root's parent. ``pole`` (T, 3): where the middle joint should point, in the same frame; only its
    part across the target's direction counts. ``bend_limits``, rad: a target nearer or farther than they allow is
    approached along its own direction, so the chain never snaps. ``soft_from``: share of the chain's farthest reach from
    which a target is followed less and less, so that the joint straightens smoothly and never quite; 1 for an exact end.

    The root's rotation is relative to its parent, the middle's relative to the root.
    """
    u, low = np.asarray(upper, dtype=np.float64), np.asarray(lower, dtype=np.float64)
    axis = rotations.normalised(np.asarray(hinge, dtype=np.float64))
    goal = np.asarray(target, dtype=np.float64)
    # |u + R(angle) low|^2 = u^2 + low^2 + 2 (along + amplitude cos(angle - phase)); exact for bones that bend at rest.
    along = (u @ axis) * (low @ axis)
    cosine_part = u @ low - along
    sine_part = u @ np.cross(axis, low)
    amplitude, phase = np.hypot(cosine_part, sine_part), np.arctan2(sine_part, cosine_part)
    distance_squared = (goal * goal).sum(axis=-1)
    if soft_from < 1.0:
        farthest = np.sqrt(u @ u + low @ low + 2 * (along + amplitude * np.cos(bend_limits[0] - phase)))
        distance_squared = softened(np.sqrt(distance_squared), soft_from * farthest, farthest) ** 2
    cosine = ((distance_squared - u @ u - low @ low) / 2 - along) / amplitude
    bend = np.clip(phase + np.arccos(np.clip(cosine, -1, 1)), *bend_limits)

    middle = rotations.axis_angle_to_matrix(bend[:, None] * axis)
    chain = u + middle @ low
    wanted = rotations.normalised(goal)
    across: Array = np.cross(np.asarray(pole, dtype=np.float64), wanted)
    return _frame(wanted, across) @ _frame(chain, np.broadcast_to(axis, chain.shape)).swapaxes(-1, -2), middle


def softened(values: ArrayLike, start: float, limit: float) -> Array:
    """``values`` as they are up to ``start``, beyond it bent smoothly so that they only approach ``limit``."""
    array = np.asarray(values, dtype=np.float64)
    room = limit - start
    return np.where(array > start, start + room * -np.expm1(-np.maximum(array - start, 0.0) / room), array)


def reach(upper: ArrayLike, lower: ArrayLike) -> float:
    """The chain's full length, metres."""
    return float(np.linalg.norm(np.asarray(upper)) + np.linalg.norm(np.asarray(lower)))


def _frame(along: Array, across: Array) -> Array:
    """(T, 3, 3) right-handed frames, columns: ``along``, the part of ``across`` square to it, and their product."""
    first = rotations.normalised(along)
    second = rotations.normalised(across - (across * first).sum(axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
