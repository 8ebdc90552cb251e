"""Depth of mesh in mesh, on solids whose depth is known and on the built-in body."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import ik
from declaim.core.body import Body, BodyPart, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from declaim.core.skeleton import JOINT, JOINT_COUNT
from declaim.inference.penetration import penetration
from declaim.inference.surface import nearest_triangles, winding_numbers

Array = NDArray[Any]
MAN, WOMAN = [-1.0, *[0.0] * 9], [1.0, *[0.0] * 9]


def globe(centre: Array, radius: float, rings: int = 40) -> tuple[Array, Array]:
    """Vertices and triangles of a ball, facing outwards."""
    up = np.linspace(0, np.pi, rings + 1)
    round_ = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    polar, turn = (grid.ravel() for grid in np.meshgrid(up, round_, indexing="ij"))
    points = centre + radius * np.stack([np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)], axis=1)
    index = np.arange(len(points)).reshape(rings + 1, 2 * rings)
    a, b = index[:-1], np.roll(index[:-1], -1, axis=1)
    c, d = index[1:], np.roll(index[1:], -1, axis=1)
    return points, np.concatenate(
        [np.stack([a, c, b], axis=-1).reshape(-1, 3), np.stack([b, c, d], axis=-1).reshape(-1, 3)]
    )


def balls(chest: Array, hand: Array, *, chest_radius: float = 0.15, hand_radius: float = 0.04) -> Body:
    """A body of two balls, one of them spine3's and one the left hand's, on the built-in skeleton."""
    model = builtin_body()
    joints = model.rest_joints()
    parts = [globe(chest, chest_radius), globe(hand, hand_radius, 20)]
    template = np.concatenate([*(points for points, _ in parts), joints]).astype(np.float32)
    triangles = np.concatenate([parts[0][1], parts[1][1] + len(parts[0][0])]).astype(np.int32)
    weights = np.zeros((len(template), JOINT_COUNT), np.float32)
    weights[: len(parts[0][0]), JOINT["spine3"]] = 1
    weights[len(parts[0][0]) :, JOINT["left_wrist"]] = 1
    regressor = np.zeros((JOINT_COUNT, len(template)), np.float32)
    regressor[np.arange(JOINT_COUNT), np.arange(len(template) - JOINT_COUNT, len(template))] = 1
    return dataclasses.replace(
        model,
        id="balls",
        template=template,
        triangles=triangles,
        weights=weights,
        joint_regressor=regressor,
        shape_dirs=np.zeros((len(template), 3, 0), np.float32),
        expression_dirs=np.zeros((len(template), 3, 0), np.float32),
        blendshapes=(),
        correctives=(),
        parts=(BodyPart(name="all", material=0, start=0, count=len(triangles)),),
        corner_uvs=None,
    )


def clip_of(body: Body, poses: Array, betas: list[float] | None = None) -> MotionClip:
    still = MotionClip.still(
        frames=len(poses),
        fps=30,
        body=BodyRef(id=body.id, sha256=body.sha256),
        betas=np.zeros(0) if betas is None else betas,
    )
    return still.replace(poses=poses)


@pytest.mark.parametrize("deep", [0.05, 0.02, 0.006, -0.002])
def test_a_ball_pushed_into_a_ball_lies_as_deep_as_geometry_says(deep: float) -> None:
    joints = builtin_body().rest_joints().astype(np.float64)
    hand = joints[JOINT["left_wrist"]] + [0.08, 0.0, 0.0]
    turn = np.radians(70.0)
    swung = joints[JOINT["left_shoulder"]] + axis_angle_to_matrix(np.array([0.0, -turn, 0.0])) @ (
        hand - joints[JOINT["left_shoulder"]]
    )
    chest = swung - (0.15 + 0.04 - deep) * np.array([0.6, 0.0, 0.8])
    poses = np.zeros((2, JOINT_COUNT, 3))
    poses[1, JOINT["left_shoulder"], 1] = -turn
    body = balls(chest, hand)
    found = penetration(clip_of(body, poses), body)
    assert found.depth[0] == 0 and found.pairs[0] == ""
    assert found.depth[1] == pytest.approx(max(deep, 0.0), abs=0.0012)
    assert found.pairs[1] == ("left hand in torso" if deep > 0 else "")
    assert found.worst == (1 if deep > 0 else None)


def palm_on_chest(sex: float, wrist_places: Array) -> MotionClip:
    """The left palm facing the chest, its wrist at ``wrist_places`` (N, 3), m from the shoulder."""
    body = builtin_body()
    betas = [sex, *[0.0] * 9]
    joints = body.rest_joints(betas).astype(np.float64)
    shoulder, elbow, wrist = (joints[JOINT[f"left_{name}"]] for name in ("shoulder", "elbow", "wrist"))
    pole = np.tile([0.6, -0.8, 0.0], (len(wrist_places), 1))
    upper, lower = ik.two_bone(elbow - shoulder, wrist - elbow, [0.0, -1.0, 0.0], wrist_places, pole)
    poses = np.zeros((len(wrist_places), JOINT_COUNT, 3))
    poses[:, JOINT["left_shoulder"]] = matrix_to_axis_angle(upper)
    poses[:, JOINT["left_elbow"]] = matrix_to_axis_angle(lower)
    # The fingers point to the other side, whatever the forearm does.
    facing = axis_angle_to_matrix(np.array([0.0, np.pi, 0.0])) @ axis_angle_to_matrix(np.array([np.pi / 2, 0.0, 0.0]))
    poses[:, JOINT["left_wrist"]] = matrix_to_axis_angle((upper @ lower).swapaxes(-1, -2) @ facing)
    return clip_of(body, poses, betas)


@pytest.mark.parametrize("sex", [-1.0, 1.0])
def test_a_hand_pushed_20_mm_into_the_chest_lies_20_mm_deep(sex: float) -> None:
    body = builtin_body()
    ahead = np.array([-0.06, -0.12, 0.0]) + np.arange(0.3, 0.12, -0.006)[:, None] * [0.0, 0.0, 1.0]
    depth = penetration(palm_on_chest(sex, ahead), body).depth
    first = int(np.flatnonzero(depth > 0.004)[0])
    # A chest slopes: which way is straight in?
    around = ahead[first] + 0.002 * np.concatenate([np.eye(3), -np.eye(3)])
    one, other = np.split(penetration(palm_on_chest(sex, around), body).depth, 2)
    inwards = (one - other) / np.linalg.norm(one - other)
    pushed = np.arange(0.0, 0.021, 0.004)
    found = penetration(palm_on_chest(sex, ahead[first] + (pushed - depth[first])[:, None] * inwards), body)
    assert found.depth == pytest.approx(pushed, abs=0.003)
    assert found.depth[-1] == pytest.approx(0.020, abs=0.003)
    assert found.pairs[-1] in ("left hand in torso", "left forearm in torso")  # the wrist is the border


@pytest.mark.parametrize("betas", [[0.0] * 10, MAN, WOMAN])
def test_rest_and_hanging_arms_touch_nothing(betas: list[float]) -> None:
    degrees = np.arange(0, 76, 15)
    poses = np.zeros((len(degrees), JOINT_COUNT, 3))
    poses[:, JOINT["left_shoulder"], 2] = -np.radians(degrees)
    poses[:, JOINT["right_shoulder"], 2] = np.radians(degrees)
    found = penetration(clip_of(builtin_body(), poses, betas), builtin_body())
    assert not found.depth.any(), found.pairs


def test_hands_pass_through_each_other_thighs_and_face_are_named() -> None:
    body = builtin_body()
    poses = np.zeros((4, JOINT_COUNT, 3))
    # Both arms straight ahead, and then turned in until the forearms cross.
    for side, sign in (("left", -1.0), ("right", 1.0)):
        poses[1, JOINT[f"{side}_shoulder"], 1] = sign * np.radians(112)
        poses[2, JOINT[f"{side}_shoulder"], 2] = sign * np.radians(92)
    poses[3, JOINT["left_shoulder"]] = [0.0, -np.radians(50), 0.0]
    poses[3, JOINT["left_elbow"]] = [0.0, -np.radians(150), 0.0]
    poses[3, JOINT["left_collar"]] = [0.0, 0.0, np.radians(25)]
    found = penetration(clip_of(body, poses, [0.0] * 10), body)
    assert found.depth[0] == 0
    assert found.depth[1] > 0.02 and found.pairs[1].count("left") == 1 and found.pairs[1].count("right") == 1
    assert found.depth[2] > 0.005 and found.pairs[2].endswith("in legs")
    chosen = penetration(clip_of(body, poses, [0.0] * 10), body, frames=np.array([2, 1]))
    assert chosen.depth.tolist() == [found.depth[2], found.depth[1]]
    assert chosen.worst in (1, 2)


def test_winding_numbers_and_distances_of_a_ball() -> None:
    points, triangles = globe(np.zeros(3), 1.0)
    corners = points[triangles]
    asked = np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.5, 0.5, 0.5], [0.0, 1.1, 0.0], [5.0, 0.0, 0.0]])
    assert winding_numbers(asked, [corners[::2], corners[1::2]]) == pytest.approx([1, 1, 1, 0, 0], abs=0.01)
    half = corners[corners[:, :, 1].min(axis=1) > -0.02]  # a bowl: its rim lies open
    assert (
        winding_numbers(np.array([[0.0, 0.5, 0.0]]), [half])[0]
        > 0.5
        > winding_numbers(np.array([[0.0, -0.3, 0]]), [half])[0]
    )
    distance, which = nearest_triangles(asked, corners)
    assert distance == pytest.approx([1.0, 0.1, 1 - 0.75**0.5, 0.1, 4.0], abs=0.004)
    assert np.abs(points[triangles[which[1]]] - [0, 1, 0]).max() < 0.2
