"""What a take's strip plays over: the artist's animation, and for what nothing animates, a pose that is held.

Where no strip plays, Blender puts what strips animate at its default: a T-pose, and in Blender 5.0 every shape at full
strength. So channels that nothing of the artist's animates are held on a track below: as they stand, or, at rest, as the take
begins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from . import nla

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.rig_curves import Curve, RigCurves

_REST = 1e-4  # rad, and units of the armature
_Channel = tuple[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """Channels to hold, a value each."""

    rig: tuple[Curve, ...]
    face: tuple[Curve, ...]


def to_hold(rig: bpy.types.Object, keys: Sequence[bpy.types.Key], curves: RigCurves, *, over_takes: bool) -> Held:
    """What a track below a take with ``curves`` must hold. To be asked before anything is pushed down.

    ``over_takes``: what other takes animate stays below this one, and needs no holding.
    """
    any_rig, any_face = _channels([rig], "OBJECT", takes=True), _channels(keys, "KEY", takes=True)
    own, own_face = _channels([rig], "OBJECT", takes=False), _channels(keys, "KEY", takes=False)
    if over_takes:
        own, own_face = any_rig, any_face
    held = []
    for curve in curves.rig:
        channel = (curve.data_path, curve.index)
        if channel in own:
            continue
        value = float(curve.values[0])
        if channel not in any_rig and _stands_away(rig.pose.bones[curve.group], location=not curve.mode):
            value = rig.path_resolve(curve.data_path)[curve.index]
        held.append(_single(curve, value))
    face = []
    for curve in curves.face:
        channel = (curve.data_path, curve.index)
        if channel not in own_face:
            value = next((_value(key, curve.data_path) for key in keys if _has(key, curve.data_path)), 0.0)
            face.append(_single(curve, 0.0 if channel in any_face else value))
    return Held(rig=tuple(held), face=tuple(face))


def hold(rig: bpy.types.Object, keys: Sequence[bpy.types.Key], held: Held, frame: int) -> str:
    """Hold it on a track of its own; the name of the action that does, "" where there is nothing to hold."""
    from ..exporters import blender_action

    if not (held.rig or held.face):
        return ""
    written = blender_action.new_action(f"{rig.name} pose", rig.name, held.rig, held.face, frame)
    nla.mark_pose(written.action, written.face_action)
    if held.rig:
        nla.add_below(rig, written.action, written.rig_slot, frame)
    if written.face_action is not None:
        for key in keys:
            nla.add_below(key, written.face_action, written.face_slot, frame)
    return str(written.action.name)


def facing_below(rig: bpy.types.Object, curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """``curves`` with each quaternion's sign as it is on the rig: a strip blends channels by themselves, and between two signs
    of one turn a bone would tumble."""
    rows: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.mode == "QUATERNION":
            rows.setdefault(curve.group, []).append(curve)
    turned = set()
    for name, four in rows.items():
        now = rig.pose.bones[name].rotation_quaternion
        if sum(now[curve.index] * float(curve.values[0]) for curve in four) < 0:
            turned.add(name)
    return tuple(
        dataclasses.replace(curve, values=-curve.values) if curve.group in turned and curve.mode else curve
        for curve in curves
    )


def added_curves(
    rig: bpy.types.Object, modes: Sequence[tuple[str, str]], curves: RigCurves, first: int
) -> tuple[Curve, ...]:
    """The curves that Blender's COMBINE adds to what is below so that each bone stands at B D.

    It multiplies quaternions, but adds Euler angles and axes channel by channel: for bones in those modes the pose below is
    looked at frame by frame, and what is missing to B D is written.
    """
    import numpy as np

    from ..core import rotations
    from ..core.rotation_modes import channels, quaternions_of

    mode_of = {name: mode for name, mode in modes if mode != "QUATERNION"}
    turned: dict[str, list[Curve]] = {}
    for curve in curves.rig:
        if curve.group in mode_of and curve.mode:
            turned.setdefault(curve.group, []).append(curve)
    if not turned:
        return curves.rig
    below = _below(rig, list(turned), first, curves.frames)
    found = [curve for curve in curves.rig if not (curve.mode and curve.group in turned)]
    for name, rows in turned.items():
        mode, base = mode_of[name], below[name]
        delta = quaternions_of(np.stack([_every_frame(row, curves.frames) for row in rows], axis=1), mode)
        missing = channels(rotations.multiply(quaternions_of(base, mode), delta), mode) - base
        if mode != "AXIS_ANGLE":
            missing -= 2 * np.pi * np.round(missing[0] / (2 * np.pi))
        found += [dataclasses.replace(row, values=missing[:, column], frames=None) for column, row in enumerate(rows)]
    return tuple(found)


def _channels(owners: Sequence[bpy.types.ID], kind: str, *, takes: bool) -> set[_Channel]:
    """All that the artist's animation moves on ``owners``; with ``takes`` also what our own does, and what is muted."""
    from ..exporters.blender_action import curves_in

    found: set[_Channel] = set()
    for owner in owners:
        for action in nla.actions_of(owner, muted=takes):
            if takes or not nla.is_take(action):
                found |= {(curve.data_path, curve.array_index) for curve in curves_in(action, kind)}
    return found


def _stands_away(bone: bpy.types.PoseBone, *, location: bool) -> bool:
    """Whether the artist moved the bone away from rest."""
    basis = bone.matrix_basis
    return (basis.to_translation().length if location else basis.to_quaternion().angle) > _REST


def _has(key: bpy.types.Key, path: str) -> bool:
    from .character import shape_of

    return shape_of(path) in key.key_blocks


def _value(key: bpy.types.Key, path: str) -> float:
    from .character import shape_of

    return float(key.key_blocks[shape_of(path)].value)


def _single(curve: Curve, value: float) -> Curve:
    import numpy as np

    return dataclasses.replace(curve, values=np.array([value]), frames=None)


def _every_frame(curve: Curve, frames: int) -> NDArray[Any]:
    import numpy as np

    return curve.values if curve.frames is None else np.interp(np.arange(frames), curve.frames, curve.values)


def _below(rig: bpy.types.Object, names: Sequence[str], first: int, frames: int) -> dict[str, NDArray[Any]]:
    """The rotation channels (frames, n) of each bone as they are without the take."""
    import numpy as np

    scene = bpy.context.scene
    now, sub = scene.frame_current, scene.frame_subframe
    seen: dict[str, list[list[float]]] = {name: [] for name in names}
    for frame in range(first, first + frames):
        scene.frame_set(frame)
        for name in names:
            bone = rig.pose.bones[name]
            mode = bone.rotation_mode
            seen[name].append(list(bone.rotation_axis_angle if mode == "AXIS_ANGLE" else bone.rotation_euler))
    scene.frame_set(now, subframe=sub)
    return {name: np.array(rows) for name, rows in seen.items()}
