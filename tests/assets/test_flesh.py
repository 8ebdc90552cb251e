"""The elastic solid that the built-in body's correctives are learned from."""

import numpy as np
import pytest

from declaim.assets.body_build.elastic import Bone, Flesh, inside
from declaim.core.rotations import axis_angle_to_matrix

pytest.importorskip("scipy")
SPACING, RADIUS = 0.01, 0.04


@pytest.fixture(scope="module")
def limb():
    """Points (n, 3) of a straight limb along X, 30 cm long, held at both thirds' cores, and the held mask."""
    axes = [np.arange(-0.15, 0.151, SPACING), *(np.arange(-RADIUS, RADIUS + 1e-9, SPACING) for _ in range(2))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = grid[np.hypot(grid[:, 1], grid[:, 2]) <= RADIUS]
    bone = Bone(joint=0, start=np.array([-0.15, 0, 0]), end=np.array([0.15, 0, 0]), radius=0.012)
    return points, (bone.distance(points) < bone.radius) | (np.abs(points[:, 0]) > 0.12)


def girths(points, rest):
    """Mean distance from the limb's line of the outermost points, slice by slice over its middle third."""
    outer = np.hypot(rest[:, 1], rest[:, 2]) > RADIUS - 0.6 * SPACING
    middle = [outer & (np.abs(rest[:, 0] - x) < 0.5 * SPACING) for x in np.arange(-0.05, 0.051, SPACING)]
    return np.array([np.hypot(points[rows, 1], points[rows, 2]).mean() for rows in middle])


def skinned(points, left, right):
    """Two bones that meet at the origin, their weights mixed over 10 cm."""
    share = np.clip(points[:, 0] / 0.1 + 0.5, 0, 1)[:, None]
    return (1 - share) * (points @ left.T) + share * (points @ right.T)


def test_what_is_not_moved_stays_and_what_moves_stiffly_goes_along(limb):
    points, held = limb
    flesh = Flesh(points, held, SPACING)
    assert np.abs(flesh.settled(points) - points).max() < 1e-9
    turn, shift = axis_angle_to_matrix(np.array([0.4, -0.9, 0.3])), np.array([0.1, 0.5, -0.2])
    moved = points @ turn.T + shift
    disturbed = moved + np.where(held[:, None], 0.0, [0.0, 0.004, 0.0])
    assert np.abs(flesh.settled(disturbed) - moved).max() < 0.0015


def test_a_wrung_limb_keeps_its_girth(limb):
    points, _ = limb
    held = np.abs(points[:, 0]) > 0.07
    turn = axis_angle_to_matrix(np.array([np.radians(100), 0, 0]))
    placed = skinned(points, np.eye(3), turn)
    rest = girths(points, points)
    assert (girths(placed, points) / rest).min() < 0.75  # the candy wrapper
    assert (girths(Flesh(points, held, SPACING).settled(placed), points) / rest).min() > 0.9


def test_a_bent_limb_is_less_crushed(limb):
    points, held = limb
    turn = axis_angle_to_matrix(np.array([0, 0, np.radians(100)]))
    near = np.where((points[:, 0] < 0)[:, None], points, points @ turn.T)  # where the bones take what they hold
    placed = np.where(held[:, None], near, skinned(points, np.eye(3), turn))
    settled = Flesh(points, held, SPACING).settled(placed)
    numbers = {tuple(row): number for number, row in enumerate(np.round(points / SPACING).astype(int).tolist())}
    cells = [
        (number, *after)
        for (x, y, z), number in numbers.items()
        if None not in (after := [numbers.get(k) for k in ((x + 1, y, z), (x, y + 1, z), (x, y, z + 1))])
    ]
    corners = np.array(cells)
    corners = corners[(np.abs(points[corners[:, 0], 0]) < 0.05) & ~held[corners].any(axis=1)]

    def crushed(of):
        """Share of the cells that have lost more than half of their volume."""
        origin, *ends = (of[column] for column in corners.T)
        return (np.linalg.det(np.stack([end - origin for end in ends], axis=1)) < 0.5 * SPACING**3).mean()

    assert crushed(points) == 0 and crushed(placed) > 0.2
    assert crushed(settled) < 0.6 * crushed(placed)


def test_points_inside_a_ball():
    turns, heights = np.meshgrid(np.linspace(0, 2 * np.pi, 40, endpoint=False), np.linspace(-0.97, 0.97, 25))
    out = np.stack([np.sqrt(1 - heights**2) * np.cos(turns), np.sqrt(1 - heights**2) * np.sin(turns), heights], axis=-1)
    normals = out.reshape(-1, 3)
    points, depth = inside(0.05 * normals, normals, np.ones(len(normals), bool), 0.008)
    away = np.linalg.norm(points, axis=1)
    assert len(points) > 0.6 * 4 / 3 * np.pi * 0.05**3 / 0.008**3 and away.max() < 0.05
    assert np.abs(depth - (0.05 - away)).max() < 0.006  # it is to the nearest vertex
