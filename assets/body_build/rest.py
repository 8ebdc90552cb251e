"""From MakeHuman's A-pose to SMPL-X's T-pose, so that posing back gives the artist's A-pose again."""

from __future__ import annotations

import numpy as np

from ...core.rotations import between, normalised, quaternion_to_matrix
from ...core.skeleton import JOINT, JOINT_COUNT, PARENTS
from .source import Array

_UP = np.array([0.0, 1.0, 0.0])
_LEG_SPREAD = np.radians(2.0)
_FINGER_SPREAD = 0.6  # share of the A-pose's spread that the T-pose keeps


def rest_rotations(joints: Array) -> Array:
    """(55, 3, 3) world rotation of each joint from the A-pose with these ``joints`` to the T-pose."""
    turns = np.repeat(np.eye(3)[None], JOINT_COUNT, axis=0)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        at = {name[len(side) + 1 :]: joints[index] for name, index in JOINT.items() if name.startswith(side)}
        out = np.array([sign, 0.0, 0.0])
        leg = np.array([sign * np.sin(_LEG_SPREAD), -np.cos(_LEG_SPREAD), 0.0])
        thigh = quaternion_to_matrix(between(at["ankle"] - at["hip"], leg))
        upper, fore = at["elbow"] - at["shoulder"], at["wrist"] - at["elbow"]
        hinge = np.cross(upper, fore)
        arm = _frame(out, -sign * _UP) @ _frame(upper, hinge).T
        across = np.cross(at["index1"] - at["wrist"], at["pinky1"] - at["wrist"])
        hand = _frame(out, sign * _UP) @ _frame(at["middle1"] - at["wrist"], across).T
        straight = _frame(out, -sign * _UP) @ _frame(fore, hinge).T
        # Half of the forearm's turn in the elbow, half in the wrist, so that neither wrings the sleeve.
        turn = hand @ straight.T
        angle = np.arctan2(turn[2, 1] - turn[1, 2], turn[1, 1] + turn[2, 2])
        half = _about_x(angle / 2) @ straight
        for name, turned in (("hip", thigh), ("knee", thigh), ("shoulder", arm), ("elbow", half), ("wrist", hand)):
            turns[JOINT[f"{side}_{name}"]] = turned
        for finger in ("index", "middle", "ring", "pinky"):
            first, second = at[f"{finger}2"] - at[f"{finger}1"], at[f"{finger}3"] - at[f"{finger}2"]
            lying = hand @ first
            spread = np.arctan2(lying[2], sign * lying[0]) * _FINGER_SPREAD
            along = np.array([sign * np.cos(spread), 0.0, np.sin(spread)])
            back = hand.T @ _UP  # of the hand, in the A-pose: fingers curl about the axis across it
            target = np.cross(along, _UP)
            for segment, bone in ((1, first), (2, second), (3, second)):
                turns[JOINT[f"{side}_{finger}{segment}"]] = _frame(along, target) @ _frame(bone, np.cross(bone, back)).T
        for segment in (1, 2, 3):
            turns[JOINT[f"{side}_thumb{segment}"]] = hand
    return turns


def rest_joints(joints: Array, turns: Array) -> Array:
    """(55, 3) joints in T-pose, the pelvis at the origin."""
    placed = np.zeros_like(joints)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            placed[joint] = placed[parent] + turns[parent] @ (joints[joint] - joints[parent])
    return placed


def unposed(vertices: Array, weights: Array, joints: Array, turns: Array) -> Array:
    """Vertices (V, 3) in T-pose whose linear blend skinning back to the A-pose gives ``vertices`` exactly."""
    placed = rest_joints(joints, turns)
    back = np.swapaxes(turns, 1, 2)
    moved = joints - np.einsum("jab,jb->ja", back, placed)
    linear = np.einsum("vj,jab->vab", weights, back)
    return np.linalg.solve(linear, (vertices - weights @ moved)[..., None])[..., 0]


def _frame(along: Array, across: Array) -> Array:
    """Columns: ``along``, the part of ``across`` at right angles to it, and their cross product."""
    first = normalised(along)
    second = normalised(across - (across @ first) * first)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def _about_x(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
