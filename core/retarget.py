"""A clip on any armature with SMPL-X joint names, whatever its rest pose, axes and size; and back.

Notation, all in armature space: R a bone's rest rotation; A the turn from our axes (Y up, +Z forward) to the armature's;
G a joint's rotation in the clip's world; C what turns the rig's rest pose into the T-pose at that joint, in our axes.
The bone is posed at M = A G C A^-1 R. Bones that are no joint stay at rest on their parents, wherever they stand between.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rotations
from .body import Body
from .clip import MotionClip
from .rest_pose import corrections, own_axes, size_ratio
from .skeleton import FACE_JOINTS, JOINT_COUNT, PARENTS

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RigRest:
    """An armature at rest."""

    bones: tuple[str, ...]  # parents before their children
    parents: tuple[int, ...]  # -1 for none
    matrices: (
        Array  # (B, 4, 4) float64, each bone's rest in armature space; bone axes in the columns, units of the armature
    )
    joints: tuple[int, ...]  # the SMPL-X joint that each bone is, or -1
    unit: float = 1.0  # m in the world a unit of the armature: the object's scale
    modes: tuple[str, ...] = ()  # each bone's rotation mode, Blender's names; empty: all "QUATERNION"
    inherits: tuple[bool, ...] = ()  # whether each bone turns with its parent; empty: all do
    mover: int = -1  # the bone whose location carries the root; -1: the pelvis
    mover_axes: Array | None = None  # (3, 3) the axes of that location in armature space; None: the bone's own at rest

    @property
    def root(self) -> int:
        """The bone whose location carries the root."""
        return self.mover if self.mover >= 0 else self.joints.index(0)

    @property
    def rest_joints(self) -> Array:
        """(55, 3) places of the joints in armature space and units; NaN where the rig has no such bone."""
        places = np.full((JOINT_COUNT, 3), np.nan)
        for bone, joint in enumerate(self.joints):
            if joint >= 0:
                places[joint] = self.matrices[bone, :3, 3]
        return places


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RigKeys:
    """Motion of a rig as its pose bones hold it."""

    quaternions: Array  # (T, B, 4) float64, w first, relative to the bone's rest, signs continuous; identity if no joint
    location: Array  # (T, 3) float64, units of the armature, of ``rest.root`` in the axes of its location channel


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """How a body's motion goes onto a rig."""

    axes: Array  # (4,) quaternion A
    ratio: float  # units of the armature a metre of the clip
    corrections: Array  # (55, 4) quaternions C; identity where the rig has no such bone
    standing: Array  # (3,) m, the trans of a clip at which the body's soles are on the floor in rest pose


def fit(body: Body, rest: RigRest, betas: Array | None = None) -> Fit:
    """Compare ``body`` at rest with the rig at rest."""
    ours, theirs = body.rest_joints(betas).astype(np.float64), rest.rest_joints
    axes = own_axes(ours, theirs)
    directions = np.full((JOINT_COUNT, 3), np.nan)
    for bone, joint in enumerate(rest.joints):
        if joint >= 0:
            directions[joint] = axes.T @ rest.matrices[bone, :3, 1]
    return Fit(
        axes=rotations.matrix_to_quaternion(axes),
        ratio=size_ratio(ours, theirs, rest.unit),
        corrections=corrections(ours, theirs @ axes, directions),
        # The rig's own soles at rest are its floor, wherever its origin lies: the root moves from where it stands.
        standing=np.array([0.0, -float(body.shaped(betas)[:, 1].min()), 0.0]),
    )


def keys_of(clip: MotionClip, body: Body, rest: RigRest, *, face_bones: bool = False) -> RigKeys:
    """``clip``, made for ``body``, as keys of the rig at ``rest``.

    With ``face_bones`` the jaw and eye bones take the clip's joints; without, as for a face of blend shapes, they rest.
    """
    how = fit(body, rest, clip.betas)
    local = rotations.axis_angle_to_quaternion(clip.poses.astype(np.float64))
    if not face_bones:
        local[:, FACE_JOINTS] = (1.0, 0.0, 0.0, 0.0)
    world = _chained(local, PARENTS)
    rests = _rest_rotations(rest)
    posed = np.empty((len(clip), len(rest.bones), 4))
    keys = np.empty_like(posed)
    back = rotations.conjugate(how.axes)
    for bone, (joint, parent) in enumerate(zip(rest.joints, rest.parents)):
        carried = _carried(posed, rests, rest, bone, parent)
        if joint < 0:
            posed[:, bone], keys[:, bone] = carried, (1.0, 0.0, 0.0, 0.0)
            continue
        onto = rotations.multiply(how.corrections[joint], rotations.multiply(back, rests[bone]))
        posed[:, bone] = rotations.multiply(rotations.multiply(how.axes, world[:, joint]), onto)
        keys[:, bone] = rotations.multiply(rotations.conjugate(carried), posed[:, bone])
    keys[:, np.array(rest.joints) < 0] = (1.0, 0.0, 0.0, 0.0)
    moved = how.ratio * (clip.trans.astype(np.float64) - how.standing) @ rotations.quaternion_to_matrix(how.axes).T
    keys = rotations.continuous(rotations.normalised(keys))
    keys *= np.where(keys[:1, :, :1] < 0, -1.0, 1.0)  # so that blends from rest take the short way
    return RigKeys(quaternions=keys, location=moved @ _mover_axes(rest))


def clip_of(keys: RigKeys, body: Body, rest: RigRest, betas: Array | None = None) -> tuple[Array, Array]:
    """The inverse of ``keys_of``: poses (T, 55, 3) axis-angle, rad, and trans (T, 3), m. Joints without a bone rest."""
    rests = _rest_rotations(rest)
    posed = np.empty_like(keys.quaternions)
    for bone, parent in enumerate(rest.parents):
        posed[:, bone] = rotations.multiply(_carried(posed, rests, rest, bone, parent), keys.quaternions[:, bone])
    moved = keys.location @ _mover_axes(rest).T
    return _back(posed, moved, body, rest, betas)


def clip_of_pose(matrices: Array, body: Body, rest: RigRest, betas: Array | None = None) -> tuple[Array, Array]:
    """The same from evaluated bones: ``matrices`` (T, B, 4, 4) in armature space, whatever rotation modes, constraints
    and layers have made of them."""
    turned = np.linalg.svd(np.asarray(matrices, dtype=np.float64)[..., :3, :3])  # scales and shears left out
    posed = rotations.matrix_to_quaternion(turned[0] @ turned[2])
    pelvis = rest.joints.index(0)
    moved = matrices[:, pelvis, :3, 3] - rest.matrices[pelvis, :3, 3]
    return _back(posed, moved, body, rest, betas)


def _back(posed: Array, moved: Array, body: Body, rest: RigRest, betas: Array | None) -> tuple[Array, Array]:
    how = fit(body, rest, betas)
    rests, back = _rest_rotations(rest), rotations.conjugate(how.axes)
    world = np.empty((len(posed), JOINT_COUNT, 4))
    bone_of = {joint: bone for bone, joint in enumerate(rest.joints) if joint >= 0}
    local = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (len(posed), JOINT_COUNT, 1))
    for joint, parent in enumerate(PARENTS):
        above = world[:, parent] if parent >= 0 else np.array([1.0, 0.0, 0.0, 0.0])
        if joint not in bone_of:
            world[:, joint] = above
            continue
        bone = bone_of[joint]
        onto = rotations.multiply(how.corrections[joint], rotations.multiply(back, rests[bone]))
        turn = rotations.multiply(rotations.multiply(back, posed[:, bone]), rotations.conjugate(onto))
        world[:, joint] = turn
        local[:, joint] = rotations.multiply(rotations.conjugate(above), turn)
    trans = moved @ rotations.quaternion_to_matrix(how.axes) / how.ratio + how.standing
    return rotations.quaternion_to_axis_angle(local), trans


def _carried(posed: Array, rests: Array, rest: RigRest, bone: int, parent: int) -> Array:
    """(T, 4) or (4,) how the bone stands when its own keys say nothing: at rest on its parent."""
    if parent < 0 or (rest.inherits and not rest.inherits[bone]):
        return np.asarray(rests[bone])
    return rotations.multiply(posed[:, parent], rotations.multiply(rotations.conjugate(rests[parent]), rests[bone]))


def _chained(local: Array, parents: Sequence[int]) -> Array:
    world = np.empty_like(local)
    for joint, parent in enumerate(parents):
        world[:, joint] = local[:, joint] if parent < 0 else rotations.multiply(world[:, parent], local[:, joint])
    return world


def _rest_rotations(rest: RigRest) -> Array:
    return rotations.matrix_to_quaternion(rest.matrices[:, :3, :3])


def _mover_axes(rest: RigRest) -> Array:
    return rest.matrices[rest.root, :3, :3] if rest.mover_axes is None else rest.mover_axes
