"""Two-bone inverse kinematics: the end reaches its target, the joint bends the right way, nothing snaps at full reach."""

from __future__ import annotations

import numpy as np

from declaim.core.ik import reach, two_bone

UPPER, LOWER, HINGE = np.array([0.27, -0.01, 0.005]), np.array([0.25, 0.008, 0.02]), np.array([0.0, -1.0, 0.0])
LENGTH = reach(UPPER, LOWER)


def ends(target: np.ndarray, pole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle and end of the chain as it was solved."""
    root, middle = two_bone(UPPER, LOWER, HINGE, target, np.broadcast_to(pole, target.shape))
    return root @ UPPER, (root @ (UPPER + middle @ LOWER)[..., None])[..., 0]


def test_the_end_reaches_every_target_within_reach() -> None:
    random = np.random.default_rng(3)
    direction = random.standard_normal((500, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    target = direction * random.uniform(0.4, 0.995, (500, 1)) * LENGTH
    _, end = ends(target, np.array([0.3, -0.9, -0.4]))
    assert np.abs(end - target).max() < 1e-9


def test_the_middle_joint_lies_on_the_side_of_the_pole() -> None:
    target = np.array([[0.1, -0.2, 0.3], [0.2, 0.1, 0.3], [-0.1, -0.1, 0.35]])
    pole = np.array([0.3, -1.0, -0.2])
    middle, end = ends(target, pole)
    along = end / np.linalg.norm(end, axis=1, keepdims=True)
    bulge = middle - (middle * along).sum(axis=1, keepdims=True) * along
    side = pole - (along @ pole)[:, None] * along
    cosine = (bulge * side).sum(axis=1) / np.linalg.norm(bulge, axis=1) / np.linalg.norm(side, axis=1)
    assert (cosine > 0.97).all()


def test_rotations_are_proper() -> None:
    target = np.array([[0.1, -0.3, 0.3], [0.0, -0.5, 0.1]])
    for matrices in two_bone(UPPER, LOWER, HINGE, target, np.array([[0.0, 0.0, -1.0]] * 2)):
        assert np.abs(matrices @ matrices.swapaxes(-1, -2) - np.eye(3)).max() < 1e-12
        assert np.allclose(np.linalg.det(matrices), 1)


def test_targets_out_of_reach_are_approached_without_a_snap() -> None:
    distance = np.linspace(0.9, 1.3, 400)[:, None] * LENGTH
    target = distance * np.array([[0.2, -0.7, 0.6]]) / np.linalg.norm([0.2, -0.7, 0.6])
    _, end = ends(target, np.array([0.3, -1.0, 0.0]))
    assert np.abs(np.cross(end, target)).max() < 1e-9
    assert np.abs(np.diff(end, axis=0)).max() < 0.002
    assert np.linalg.norm(end[-1]) > 0.99 * LENGTH
