"""Quaternions as a bone holds its rotation: quaternion, axis and angle, or Euler angles in any order; and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rotations

Array = NDArray[Any]
EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def channels(quaternions: Array, mode: str) -> Array:
    """(T, n) channels of ``mode`` for quaternions (T, 4), w first, without jumps from frame to frame.

    "QUATERNION": (T, 4), w first. "AXIS_ANGLE": (T, 4), rad, then a unit axis. An Euler order such as "XYZ" (about x first):
    (T, 3) rad, about x, y and z.
    """
    quaternion = rotations.continuous(rotations.normalised(np.asarray(quaternions, dtype=np.float64)))
    if mode == "QUATERNION":
        return quaternion
    if mode == "AXIS_ANGLE":
        return _axis_angle(quaternion)
    return _euler(quaternion, mode)


def quaternions_of(values: Array, mode: str) -> Array:
    """The inverse: unit quaternions (T, 4) of channels (T, n)."""
    channel = np.asarray(values, dtype=np.float64)
    if mode == "QUATERNION":
        return rotations.normalised(channel)
    if mode == "AXIS_ANGLE":
        half = channel[:, :1] / 2
        return np.concatenate([np.cos(half), rotations.normalised(channel[:, 1:]) * np.sin(half)], axis=1)
    turn = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (len(channel), 1))
    for letter in mode:
        axis: int = "XYZ".index(letter)
        single = np.zeros((len(channel), 4))
        single[:, 0], single[:, 1 + axis] = np.cos(channel[:, axis] / 2), np.sin(channel[:, axis] / 2)
        turn = rotations.multiply(single, turn)
    return turn


def _axis_angle(quaternion: Array) -> Array:
    """The axis keeps to the side it is on; where there is no turn it stays where it was."""
    sine = np.linalg.norm(quaternion[:, 1:], axis=1)
    angle = 2 * np.arctan2(sine, quaternion[:, 0])
    known = sine > 1e-7
    if not known.any():
        return np.tile(np.array([0.0, 0.0, 1.0, 0.0]), (len(quaternion), 1))
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), np.argmax(known)))
    axis = quaternion[last, 1:] / sine[last, None]
    flips = np.where((axis[1:] * axis[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    sign = np.cumprod(np.concatenate([[1.0], flips]))
    angle = np.where(known, angle, 0.0)
    # Near zero the sign of a turn may change with the axis kept: both are turned round together.
    return np.column_stack([np.unwrap(angle * sign), axis * sign[:, None]])


def _euler(quaternion: Array, order: str) -> Array:
    """Of the two triples that mean the same turn, frame by frame the one nearer to the last."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    parity = 1.0 if (j - i) % 3 == 1 else -1.0
    m = rotations.quaternion_to_matrix(quaternion)  # about i first: m = K J I
    middle = -parity * m[:, k, i]
    cosine = np.hypot(m[:, i, i], m[:, j, i])
    first = np.empty((len(m), 3))
    first[:, j] = np.arctan2(middle, cosine)
    free = cosine > 1e-6
    first[:, i] = np.where(free, np.arctan2(parity * m[:, k, j], m[:, k, k]), np.arctan2(-parity * m[:, j, k], m[:, j, j]))
    first[:, k] = np.where(free, np.arctan2(parity * m[:, j, i], m[:, i, i]), 0.0)
    return _continuous(first, i, j, k)


def _continuous(angles: Array, i: int, j: int, k: int) -> Array:
    """Plain numbers and a loop: each frame's choice hangs on the one before."""
    turn = 2 * math.pi
    rows = angles.tolist()
    last = rows[0] if rows else []
    for row in rows[1:]:
        other = [0.0, 0.0, 0.0]
        other[i], other[j], other[k] = row[i] + math.pi, math.pi - row[j], row[k] + math.pi
        best, least = row, math.inf
        for choice in (row, other):
            near = [angle + turn * round((before - angle) / turn) for angle, before in zip(choice, last)]
            way = sum(abs(angle - before) for angle, before in zip(near, last))
            if way < least - 1e-12:
                best, least = near, way
        row[:] = last = best
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
