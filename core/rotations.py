"""Rotations: axis-angle, quaternion (w, x, y, z), matrix and 6D, and slerp between them.

Every function takes arrays with any leading axes and returns float64 unless the input is float32. Angles in radians.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
_TINY = 1e-12


def _floating(values: ArrayLike) -> Array:
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def axis_angle_to_quaternion(rotations: ArrayLike) -> Array:
    """(..., 3) -> (..., 4) unit quaternions, w first."""
    vector = _floating(rotations)
    squared = np.einsum("...i,...i->...", vector, vector)[..., None]
    angle = np.sqrt(squared)
    small = squared < 1e-8
    safe = np.where(small, 1.0, angle)
    scale = np.where(small, 0.5 - squared / 48.0, np.sin(safe / 2) / safe)
    return np.asarray(np.concatenate([np.cos(angle / 2), vector * scale], axis=-1), dtype=vector.dtype)


def quaternion_to_axis_angle(quaternions: ArrayLike) -> Array:
    """(..., 4), not necessarily normalised -> (..., 3) with angle in [0, pi]."""
    quaternion = _floating(quaternions)
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    vector = quaternion[..., 1:]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    small = sine <= 1e-6 * quaternion[..., :1]
    scale = np.where(small, 2.0 / np.maximum(quaternion[..., :1], _TINY), angle / np.where(small, 1.0, sine))
    return np.asarray(vector * scale, dtype=quaternion.dtype)


def quaternion_to_matrix(quaternions: ArrayLike) -> Array:
    """(..., 4) -> (..., 3, 3). The quaternion is normalised first."""
    quaternion = normalised(_floating(quaternions))
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    matrix = np.empty((*quaternion.shape[:-1], 3, 3), dtype=quaternion.dtype)
    matrix[..., 0, 0] = 1 - 2 * (y * y + z * z)
    matrix[..., 0, 1] = 2 * (x * y - w * z)
    matrix[..., 0, 2] = 2 * (x * z + w * y)
    matrix[..., 1, 0] = 2 * (x * y + w * z)
    matrix[..., 1, 1] = 1 - 2 * (x * x + z * z)
    matrix[..., 1, 2] = 2 * (y * z - w * x)
    matrix[..., 2, 0] = 2 * (x * z - w * y)
    matrix[..., 2, 1] = 2 * (y * z + w * x)
    matrix[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return matrix


def matrix_to_quaternion(matrices: ArrayLike) -> Array:
    """(..., 3, 3) rotation matrices -> (..., 4) with w >= 0, by Shepperd's choice of the largest component."""
    m = _floating(matrices)
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    choices = np.stack([trace, m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], axis=-1).argmax(axis=-1)
    d01, d02, d12 = m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] - m[..., 2, 0], m[..., 2, 1] - m[..., 1, 2]
    s01, s02, s12 = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    candidates = np.stack(
        [
            np.stack([1 + trace, d12, d02, d01], axis=-1),
            np.stack([d12, 1 + 2 * m[..., 0, 0] - trace, s01, s02], axis=-1),
            np.stack([d02, s01, 1 + 2 * m[..., 1, 1] - trace, s12], axis=-1),
            np.stack([d01, s02, s12, 1 + 2 * m[..., 2, 2] - trace], axis=-1),
        ],
        axis=-2,
    )
    quaternion = normalised(np.take_along_axis(candidates, choices[..., None, None], axis=-2)[..., 0, :])
    return np.asarray(np.where(quaternion[..., :1] < 0, -quaternion, quaternion))


def axis_angle_to_matrix(rotations: ArrayLike) -> Array:
    """(..., 3) -> (..., 3, 3)."""
    return quaternion_to_matrix(axis_angle_to_quaternion(rotations))


def matrix_to_axis_angle(matrices: ArrayLike) -> Array:
    """(..., 3, 3) -> (..., 3) with angle in [0, pi]."""
    return quaternion_to_axis_angle(matrix_to_quaternion(matrices))


def matrix_to_6d(matrices: ArrayLike) -> Array:
    """(..., 3, 3) -> (..., 6): the first two rows, as Audio2Gestures and Zhou et al. 2019 (transposed) lay them out."""
    matrix = _floating(matrices)
    return matrix[..., :2, :].reshape(*matrix.shape[:-2], 6)


def matrix_from_6d(values: ArrayLike) -> Array:
    """(..., 6) -> (..., 3, 3) by Gram-Schmidt (Zhou et al. 2019, equation 15, on rows)."""
    six = _floating(values)
    first = normalised(six[..., :3])
    second = six[..., 3:] - (first * six[..., 3:]).sum(axis=-1, keepdims=True) * first
    second = normalised(second)
    return np.stack([first, second, np.cross(first, second)], axis=-2)


def multiply(left: ArrayLike, right: ArrayLike) -> Array:
    """Hamilton product of quaternions (..., 4): the rotation ``right``, then ``left``."""
    a, b = _floating(left), _floating(right)
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugate(quaternions: ArrayLike) -> Array:
    """The inverse of unit quaternions (..., 4)."""
    quaternion = _floating(quaternions)
    return np.asarray(quaternion * np.array([1, -1, -1, -1], dtype=quaternion.dtype))


def compose(left: ArrayLike, right: ArrayLike) -> Array:
    """Axis-angle (..., 3) of the rotation ``right`` followed by ``left``."""
    return quaternion_to_axis_angle(multiply(axis_angle_to_quaternion(left), axis_angle_to_quaternion(right)))


def between(start: ArrayLike, end: ArrayLike) -> Array:
    """The shortest rotation (..., 4) that turns the direction ``start`` (..., 3) into ``end``."""
    a, b = normalised(_floating(start)), normalised(_floating(end))
    cosine = (a * b).sum(axis=-1, keepdims=True)
    axis = np.cross(a, b)
    # Opposite directions: any axis across ``start`` will do; take the one least along it.
    other = np.eye(3)[np.abs(a).argmin(axis=-1)]
    axis = np.where(cosine < -1 + 1e-9, np.cross(a, other), axis)
    return normalised(np.concatenate([np.where(cosine < -1 + 1e-9, 0.0, 1 + cosine), axis], axis=-1))


def slerp(start: ArrayLike, end: ArrayLike, weights: ArrayLike) -> Array:
    """Spherical interpolation of quaternions (..., 4) along the shorter arc; ``weights`` (...) in 0..1."""
    a, b = normalised(_floating(start)), normalised(_floating(end))
    weight = np.asarray(weights, dtype=a.dtype)[..., None]
    cosine = (a * b).sum(axis=-1, keepdims=True)
    b = np.where(cosine < 0, -b, b)
    angle = np.arctan2(np.linalg.norm(a - b, axis=-1, keepdims=True), np.linalg.norm(a + b, axis=-1, keepdims=True)) * 2
    sine = np.sin(angle)
    small = sine < 1e-6
    safe = np.where(small, 1.0, sine)
    from_a = np.where(small, 1 - weight, np.sin((1 - weight) * angle) / safe)
    from_b = np.where(small, weight, np.sin(weight * angle) / safe)
    return normalised(from_a * a + from_b * b)


def continuous(quaternions: ArrayLike) -> Array:
    """Signs flipped along the first axis so that neighbours (frames, ..., 4) never turn the long way round."""
    quaternion = _floating(quaternions)
    if len(quaternion) < 2:
        return quaternion.copy()
    flips = np.where((quaternion[1:] * quaternion[:-1]).sum(axis=-1) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(flips[:1]), np.cumprod(flips, axis=0)])
    return np.asarray(quaternion * signs[..., None], dtype=quaternion.dtype)


def normalised(vectors: ArrayLike) -> Array:
    """(..., n) scaled to length one; zero vectors stay zero."""
    array = _floating(vectors)
    length = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.asarray(array / np.maximum(length, _TINY), dtype=array.dtype)
