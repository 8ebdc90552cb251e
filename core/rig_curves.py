"""A clip as animation curves of a rig and of its meshes' shape keys: what Blender is handed, as plain arrays."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import rotations
from .body import Body, builtin_body
from .clip import MotionClip
from .face import ARKIT, CHANNEL_SHAPES
from .face_solver import blendshapes_to_bones
from .retarget import RigRest, keys_of
from .rotation_modes import channels
from .skeleton import CHANNEL_JOINTS, FACE_JOINTS, JOINT

Array = NDArray[Any]
Channel = Literal["body", "hands", "face", "root"]
CHANNELS: tuple[Channel, ...] = ("body", "hands", "face", "root")

_JOINTS_OF: dict[str, tuple[int, ...]] = {
    "body": tuple(joint for joint in (*CHANNEL_JOINTS["body"], JOINT["neck"], JOINT["head"]) if joint),
    "hands": CHANNEL_JOINTS["hands"],
    "face": FACE_JOINTS,
    "root": (JOINT["pelvis"],),
}
_EXPRESSION = re.compile(r"^(?:exp|expression_)(\d+)$", re.IGNORECASE)  # the SMPL-X add-on's names, and our exporters'
_ARKIT_BY_LETTERS = {name.lower(): index for index, name in enumerate(ARKIT)}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """One animated number: ``values`` (n,) of ``data_path[index]`` at ``frames`` (n,), or on every frame from 0."""

    data_path: str
    index: int
    group: str
    values: Array
    frames: Array | None = None
    mode: str = ""  # of a rotation: the bone's rotation mode


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RigCurves:
    """The curves of a take. Frame 0 is where the voice begins."""

    rig: tuple[Curve, ...]
    face: tuple[Curve, ...]
    frames: int


def arkit_shape(name: str) -> int:
    """The ARKit shape that a shape key of this name is, or -1. Case, underscores and the sides' L and R do not matter."""
    letters = name.replace("_", "").replace("-", "").lower()
    return _ARKIT_BY_LETTERS.get(letters, -1)


def expression(name: str) -> int:
    """The number of the expression that a shape key of this name is ("Exp003", "expression_03"), or -1."""
    match = _EXPRESSION.match(name)
    return int(match[1]) if match else -1


def shape_of(path: str) -> str:
    """The shape key whose value is at ``path``: key_blocks["jawOpen"].value."""
    name = path.removeprefix('key_blocks["').removesuffix('"].value')
    return name.replace('\\"', '"').replace("\\\\", "\\")


def is_mouth(name: str) -> bool:
    """Whether mouth strength scales the shape key of this name."""
    return arkit_shape(name) in CHANNEL_SHAPES["mouth"] or expression(name) >= 0


def curves_of(
    clip: MotionClip,
    rest: RigRest,
    shape_names: Sequence[str],
    *,
    body: Body | None = None,
    parts: Sequence[str] = CHANNELS,
    mouth_strength: float = 1.0,
    relative: bool = False,
) -> RigCurves:
    """``clip`` on the rig at ``rest`` and on shape keys of ``shape_names``, a value a frame.

    With ``relative``, rotations and location are relative to the first frame's, to be combined with other animation.
    """
    body = builtin_body() if body is None else body
    has_face = any(arkit_shape(name) >= 0 for name in shape_names)
    keys = keys_of(clip if has_face else _with_face_bones(clip), body, rest, face_bones=not has_face)
    wanted = {joint for part in parts for joint in _JOINTS_OF[part]}
    quaternions = keys.quaternions
    jaw = [bone for bone, joint in enumerate(rest.joints) if joint == JOINT["jaw"]]
    if jaw and mouth_strength != 1.0:
        quaternions[:, jaw] = rotations.axis_angle_to_quaternion(
            mouth_strength * rotations.quaternion_to_axis_angle(quaternions[:, jaw])
        )
    location = keys.location
    if relative:
        quaternions = rotations.multiply(rotations.conjugate(quaternions[:1]), quaternions)
        location = location - location[:1]
    rig: list[Curve] = []
    if "root" in parts:
        name = rest.bones[rest.root]
        rig += [
            Curve(data_path=f"{bone_path(name)}.location", index=axis, group=name, values=location[:, axis])
            for axis in range(3)
        ]
    for bone, joint in enumerate(rest.joints):
        if joint in wanted:
            rig += _rotation_curves(rest, bone, quaternions[:, bone])
    face = _face_curves(clip, body, shape_names, mouth_strength) if "face" in parts else []
    face += _corrective_curves(clip, body, shape_names) if "body" in parts else []
    return RigCurves(rig=tuple(rig), face=tuple(face), frames=len(clip))


def _with_face_bones(clip: MotionClip) -> MotionClip:
    """``clip`` with its face in jaw and eyes too, for rigs without its shapes; a clip that moves those keeps them."""
    joints = list(FACE_JOINTS)
    if clip.poses[:, joints].any() or not clip.blendshapes.any():
        return clip
    jaw, eyes = blendshapes_to_bones(clip.blendshapes)
    poses = clip.poses.copy()
    poses[:, joints] = np.concatenate([jaw[:, None], eyes], axis=1)
    return clip.replace(poses=poses)


def bone_path(name: str) -> str:
    return f'pose.bones["{_escaped(name)}"]'


_PROPERTY = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def _rotation_curves(rest: RigRest, bone: int, quaternions: Array) -> list[Curve]:
    mode = rest.modes[bone] if rest.modes else "QUATERNION"
    name = rest.bones[bone]
    path = f"{bone_path(name)}.{_PROPERTY.get(mode, 'rotation_euler')}"
    values = channels(quaternions, mode)
    return [
        Curve(data_path=path, index=axis, group=name, values=values[:, axis], mode=mode) for axis in range(values.shape[1])
    ]


def _face_curves(clip: MotionClip, body: Body, shape_names: Sequence[str], mouth_strength: float) -> list[Curve]:
    found = []
    for name in shape_names:
        shape, number = arkit_shape(name), expression(name)
        if shape >= 0:
            values = clip.blendshapes[:, shape]
        elif 0 <= number < clip.expressions.shape[1]:
            values = clip.expressions[:, number]
        else:
            continue
        if is_mouth(name):
            values = values * np.float32(mouth_strength)
        found.append(_shape_curve(name, "Face", values))
    return found


def _corrective_curves(clip: MotionClip, body: Body, shape_names: Sequence[str]) -> list[Curve]:
    wanted = set(shape_names)
    chosen = [number for number, shape in enumerate(body.correctives) if shape.name in wanted]
    if not chosen:
        return []
    weights = body.corrective_weights(body.face_pose(clip.poses)[0])
    return [_shape_curve(body.correctives[number].name, "Correctives", weights[:, number]) for number in chosen]


def _shape_curve(name: str, group: str, values: Array) -> Curve:
    return Curve(data_path=f'key_blocks["{_escaped(name)}"].value', index=0, group=group, values=values)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
