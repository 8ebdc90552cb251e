"""Rotations against scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rotations

spatial = pytest.importorskip("scipy.spatial.transform", reason="scipy is not installed: pip install -e .[dev]")
Rotation, Slerp = spatial.Rotation, spatial.Slerp
Array = NDArray[Any]
CLOSE = 1e-6


def vectors() -> Array:
    """Axis-angle: all directions, angles from nothing through half turns to several turns."""
    generator = np.random.default_rng(1)
    axes = generator.normal(size=(4000, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    special = [0, 1e-12, 1e-9, 1e-6, 9e-5, 1.1e-4, 1e-3, np.pi - 1e-7, np.pi, np.pi + 1e-7, 2 * np.pi, 7.0]
    angles = np.concatenate([np.tile(special, 50), generator.uniform(0, 4 * np.pi, 4000 - 50 * len(special))])
    return np.asarray(axes * angles[:, None])


def wxyz(found: Any) -> Array:
    return np.roll(np.asarray(found.as_quat()), 1, axis=-1)


def same(one: Array, other: Array) -> None:
    """The same rotations, whichever of the two signs each quaternion has."""
    gap = np.minimum(np.abs(one - other).max(axis=-1), np.abs(one + other).max(axis=-1))
    assert gap.max() < CLOSE


def test_axis_angle_to_quaternion() -> None:
    same(rotations.axis_angle_to_quaternion(vectors()), wxyz(Rotation.from_rotvec(vectors())))


def test_quaternion_to_axis_angle() -> None:
    quaternions = wxyz(Rotation.from_rotvec(vectors()))
    found = rotations.quaternion_to_axis_angle(quaternions)
    assert np.linalg.norm(found, axis=-1).max() <= np.pi + 1e-12
    short = Rotation.from_rotvec(vectors()).as_rotvec()
    turned = np.abs(np.linalg.norm(short, axis=-1) - np.pi) < 1e-5  # there the axis may point either way
    assert np.abs(found - short)[~turned].max() < CLOSE
    same(wxyz(Rotation.from_rotvec(found)), quaternions)


@pytest.mark.parametrize("length", [1e-9, 1e-3, 2.0, 1e6])
def test_quaternions_of_any_length(length: float) -> None:
    quaternions = wxyz(Rotation.from_rotvec(vectors()))
    expected = rotations.quaternion_to_axis_angle(quaternions)
    np.testing.assert_allclose(rotations.quaternion_to_axis_angle(length * quaternions), expected, atol=CLOSE)


def test_matrices() -> None:
    expected = Rotation.from_rotvec(vectors()).as_matrix()
    np.testing.assert_allclose(rotations.axis_angle_to_matrix(vectors()), expected, atol=CLOSE)
    same(rotations.matrix_to_quaternion(expected), wxyz(Rotation.from_matrix(expected)))
    back = rotations.axis_angle_to_matrix(rotations.matrix_to_axis_angle(expected))
    np.testing.assert_allclose(back, expected, atol=CLOSE)


def test_six_numbers() -> None:
    matrices = Rotation.from_rotvec(vectors()).as_matrix()
    six = rotations.matrix_to_6d(matrices)
    np.testing.assert_array_equal(six, matrices.reshape(-1, 9)[:, :6])  # the first two rows
    np.testing.assert_allclose(rotations.matrix_from_6d(six), matrices, atol=CLOSE)
    skewed = six + np.random.default_rng(2).normal(0, 0.3, six.shape)
    found = rotations.matrix_from_6d(skewed)
    np.testing.assert_allclose(found @ np.swapaxes(found, -1, -2), np.broadcast_to(np.eye(3), found.shape), atol=CLOSE)
    np.testing.assert_allclose(np.linalg.det(found), 1, atol=CLOSE)
    np.testing.assert_allclose(np.cross(found[:, 0], skewed[:, :3]), 0, atol=CLOSE)  # the first row keeps its direction


def test_products() -> None:
    left, right = vectors(), vectors()[::-1]
    expected = Rotation.from_rotvec(left) * Rotation.from_rotvec(right)
    ours = rotations.multiply(rotations.axis_angle_to_quaternion(left), rotations.axis_angle_to_quaternion(right))
    same(ours, wxyz(expected))
    same(rotations.axis_angle_to_quaternion(rotations.compose(left, right)), wxyz(expected))
    same(rotations.conjugate(ours), wxyz(expected.inv()))


def test_slerp() -> None:
    generator = np.random.default_rng(4)
    start, end = Rotation.random(200, random_state=1), Rotation.random(200, random_state=2)
    weights = generator.random(200)
    found = rotations.slerp(wxyz(start), wxyz(end) * generator.choice([-1, 1], (200, 1)), weights)
    for index, weight in enumerate(weights):
        pair = Rotation.concatenate([start[index], end[index]])
        same(found[index][None], wxyz(Slerp([0, 1], pair)([weight])))
    near = Rotation.from_rotvec(start.as_rotvec() + 1e-8)
    same(rotations.slerp(wxyz(start), wxyz(near), weights), wxyz(start))
    np.testing.assert_allclose(rotations.slerp(wxyz(start), wxyz(end), np.zeros(200)), wxyz(start), atol=1e-12)


def test_between() -> None:
    generator = np.random.default_rng(5)
    start, end = generator.normal(size=(2, 100, 3))
    end[:10] = -3 * start[:10]  # opposite
    end[10:20] = 2 * start[10:20]  # the same
    turns = Rotation.from_quat(np.roll(rotations.between(start, end), -1, axis=-1))
    turned = turns.apply(rotations.normalised(start))
    np.testing.assert_allclose(turned, rotations.normalised(end), atol=CLOSE)
    angles = np.arccos(np.clip((rotations.normalised(start) * rotations.normalised(end)).sum(axis=-1), -1, 1))
    np.testing.assert_allclose(turns.magnitude(), angles, atol=CLOSE)  # none longer than needed


def test_continuous() -> None:
    turns = Rotation.from_rotvec(np.linspace(0, 9, 300)[:, None] * [0.6, 0, 0.8])
    flipped = wxyz(turns) * np.random.default_rng(6).choice([-1.0, 1.0], (300, 1))
    found = rotations.continuous(flipped[:, None])
    assert (found[1:] * found[:-1]).sum(axis=-1).min() > 0.99
    same(found[:, 0], flipped)
    assert len(rotations.continuous(flipped[:1])) == 1


def test_float32_stays_float32() -> None:
    single = vectors().astype(np.float32)
    quaternions = rotations.axis_angle_to_quaternion(single)
    for found in (
        quaternions,
        rotations.quaternion_to_axis_angle(quaternions),
        rotations.axis_angle_to_matrix(single),
        rotations.continuous(quaternions),
        rotations.conjugate(quaternions),
        rotations.matrix_to_6d(rotations.axis_angle_to_matrix(single)),
        rotations.matrix_to_axis_angle(rotations.axis_angle_to_matrix(single)),
    ):
        assert found.dtype == np.float32 and np.isfinite(found).all()
    assert rotations.axis_angle_to_quaternion([[1, 0, 0]]).dtype == np.float64


def test_zero_vectors_stay_zero() -> None:
    assert not rotations.normalised(np.zeros((2, 3))).any()
