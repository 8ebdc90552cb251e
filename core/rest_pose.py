"""A rig's rest pose beside the T-pose: the rig's own axes, its size, and what turns its limbs into the T-pose.

Joints are (55, 3) in SMPL-X order; those that a rig lacks are NaN. "Ours" is a body's T-pose, Y up, facing +Z, metres.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rotations
from .skeleton import JOINT, JOINT_COUNT, JOINTS, PARENTS

Array = NDArray[Any]
_SNAP = np.cos(np.deg2rad(10.0))  # rig axes this near to a quarter turn are meant to be one
_SAME_SIZE = 1e-3  # relative; as near as this a rig is as large as the body
_SAME_BONES = 0.01  # relative; where all bones are as long as the body's, every difference at rest is one of pose

# Rad that a bone's direction at rest may differ from the T-pose's by anatomy or the placing of joints.
_LIMB, _FINGER, _THUMB, _TRUNK = np.deg2rad([10.0, 15.0, 25.0, 25.0])
_LIMBS = tuple(JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow", "hip", "knee"))


def own_axes(ours: Array, theirs: Array) -> Array:
    """(3, 3) the rotation from our axes to the rig's, found from how hips, shoulders and neck lie.

    Within ten degrees of a quarter turn it is that quarter turn: nobody models a character askew by a little on purpose.
    """
    turn = _frame(theirs) @ _frame(ours).T
    best = max(_QUARTER_TURNS, key=lambda quarter: float(np.trace(quarter.T @ turn)))
    return best if (np.trace(best.T @ turn) - 1) / 2 >= _SNAP else turn


def size_ratio(ours: Array, theirs: Array, unit: float = 1.0) -> float:
    """Units of the rig a metre of ours: the ratio of hip heights, measured along the legs so that no pose matters.

    ``unit``: m in the world a unit of the rig. A rig as large as the body gives exactly 1 / ``unit``.
    """
    ratio = float(_leg(theirs) / _leg(ours))
    for exact in (1.0, 1 / unit, 100.0):
        if abs(ratio / exact - 1) < _SAME_SIZE:
            return exact
    return ratio


def corrections(ours: Array, theirs: Array, directions: Array) -> Array:
    """(55, 4) quaternions in our axes that turn each joint's bone from the rig's rest pose into the T-pose.

    ``theirs`` in our axes; ``directions`` (55, 3): the rig's bones' own axes, used for fingertips if they point along the
    fingers. A joint with one child takes the smallest turn between the two directions to it; with more, the turn that
    brings all of them nearest. What anatomy explains is left alone, unless the rig has the body's own bones.
    """
    turns = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (JOINT_COUNT, 1))
    same = _same_bones(ours, theirs)
    found: dict[int, Array] = {}
    for joint in range(JOINT_COUNT):
        if np.isfinite(theirs[joint]).all():
            turn = _towards_t_pose(joint, ours, theirs, directions)
            if turn is not None:
                found[joint] = turn
    posed_limbs = any(_angle(found[joint]) > _LIMB for joint in _LIMBS if joint in found)
    for joint in range(JOINT_COUNT):
        parent = PARENTS[joint]
        if joint in found:
            slack = 1e-4 if same else 0.0 if joint in _LIMBS and posed_limbs else _slack(joint)
            if _angle(found[joint]) > slack:
                turns[joint] = found[joint]
        elif parent >= 0 and np.isfinite(theirs[joint]).all():
            turns[joint] = turns[parent] if JOINTS[joint] != "head" or same else turns[joint]
    return turns


def _towards_t_pose(joint: int, ours: Array, theirs: Array, directions: Array) -> Array | None:
    children = [child for child in _CHILDREN[joint] if np.isfinite(theirs[child]).all()]
    if not children:
        return _of_fingertip(joint, ours, theirs, directions)
    mine = rotations.normalised(ours[children] - ours[joint])
    their = rotations.normalised(theirs[children] - theirs[joint])
    if len(children) == 1:
        return rotations.between(their[0], mine[0])
    u, _, v = np.linalg.svd(mine.T @ their)  # Kabsch
    return rotations.matrix_to_quaternion(u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v)


def _of_fingertip(joint: int, ours: Array, theirs: Array, directions: Array) -> Array | None:
    """The last bone of a finger has no joint to point at: its own axis tells, if the one before points at its joint."""
    if joint < _FIRST_FINGER:
        return None
    parent = PARENTS[joint]
    along = rotations.normalised(theirs[joint] - theirs[parent])
    if not np.isfinite(along).all() or float(along @ directions[parent]) < _SNAP:
        return None
    return rotations.between(directions[joint], ours[joint] - ours[parent])


def _slack(joint: int) -> float:
    name = JOINTS[joint]
    if "thumb" in name:
        return float(_THUMB)
    if joint >= _FIRST_FINGER or "wrist" in name:
        return float(_FINGER)
    return float(_LIMB if joint in _LIMBS else _TRUNK)


def _same_bones(ours: Array, theirs: Array) -> bool:
    there = [j for j, p in enumerate(PARENTS) if p >= 0 and np.isfinite(theirs[[j, p]]).all()]
    above = [PARENTS[joint] for joint in there]
    mine = np.linalg.norm(ours[there] - ours[above], axis=1)
    their = np.linalg.norm(theirs[there] - theirs[above], axis=1) / (_leg(theirs) / _leg(ours))
    return bool(np.all(np.abs(their - mine) <= _SAME_BONES * mine + 5e-4))


def _angle(quaternion: Array) -> float:
    return float(2 * np.arctan2(np.linalg.norm(quaternion[1:]), abs(quaternion[0])))


def _frame(joints: Array) -> Array:
    """(3, 3) left, up and forward of a person in the columns."""
    left, right = joints[[JOINT["left_hip"], JOINT["left_shoulder"]]], joints[[JOINT["right_hip"], JOINT["right_shoulder"]]]
    across = rotations.normalised((left - right).sum(axis=0))
    up = joints[JOINT["neck"]] - (left[0] + right[0]) / 2
    up = rotations.normalised(up - (up @ across) * across)
    return np.stack([across, up, np.cross(across, up)], axis=1)


def _leg(joints: Array) -> float:
    chains = [joints[[JOINT[f"{side}_{name}"] for name in ("hip", "knee", "ankle")]] for side in ("left", "right")]
    return float(np.mean([np.linalg.norm(np.diff(chain, axis=0), axis=1).sum() for chain in chains]))


def _quarter_turns() -> list[Array]:
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return found


_QUARTER_TURNS = _quarter_turns()
_CHILDREN = [[child for child, parent in enumerate(PARENTS) if parent == joint] for joint in range(JOINT_COUNT)]
_FIRST_FINGER = 25
