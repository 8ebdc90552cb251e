"""What an additive take is combined with: the animation or the still pose that is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from . import nla

if TYPE_CHECKING:
    from ..core.rig_curves import Curve, RigCurves

_REST = 1e-4  # rad, and units of the armature


def is_posed(rig: bpy.types.Object, curves: RigCurves) -> bool:
    """Whether any bone that ``curves`` move stands away from rest."""
    for name in dict.fromkeys(curve.group for curve in curves.rig):
        basis = rig.pose.bones[name].matrix_basis
        if basis.to_quaternion().angle > _REST or basis.to_translation().length > _REST:
            return True
    return False


def hold_pose(rig: bpy.types.Object, curves: RigCurves, first: int) -> None:
    """Where nothing animates ``rig``, put the pose in which it stands into an action: strips know no other below them."""
    from ..core.rig_curves import Curve
    from ..exporters import blender_action

    if nla.animates(rig):
        return
    held = [
        Curve(
            data_path=curve.data_path,
            index=curve.index,
            group=curve.group,
            values=_array([rig.path_resolve(curve.data_path)[curve.index]]),
        )
        for curve in curves.rig
    ]
    written = blender_action.new_action(f"{rig.name} pose", rig.name, held, (), first)
    blender_action.use(rig, written.action, written.rig_slot)


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
        if curve.group in mode_of and not curve.data_path.endswith(".location"):
            turned.setdefault(curve.group, []).append(curve)
    if not turned:
        return curves.rig
    below = _below(rig, list(turned), first, curves.frames)
    found = [curve for curve in curves.rig if not any(curve is row for rows in turned.values() for row in rows)]
    for name, rows in turned.items():
        mode = mode_of[name]
        delta = quaternions_of(np.stack([_every_frame(row, curves.frames) for row in rows], axis=1), mode)
        base = below[name]
        wanted = channels(rotations.multiply(quaternions_of(base, mode), delta), mode)
        missing = wanted - base
        if mode != "AXIS_ANGLE":
            missing -= 2 * np.pi * np.round(missing[0] / (2 * np.pi))
        found += [dataclasses.replace(row, values=missing[:, column], frames=None) for column, row in enumerate(rows)]
    return tuple(found)


def _every_frame(curve: Curve, frames: int):  # type: ignore[no-untyped-def]
    import numpy as np

    if curve.frames is None:
        return curve.values
    return np.interp(np.arange(frames), curve.frames, curve.values)


def _below(rig: bpy.types.Object, names: Sequence[str], first: int, frames: int):  # type: ignore[no-untyped-def]
    """The rotation channels (frames, n) of each bone as they are without the take."""
    import numpy as np

    scene = bpy.context.scene
    now = scene.frame_current_final
    seen: dict[str, list[list[float]]] = {name: [] for name in names}
    for frame in range(first, first + frames):
        scene.frame_set(frame)
        for name in names:
            bone = rig.pose.bones[name]
            mode = bone.rotation_mode
            seen[name].append(list(bone.rotation_axis_angle if mode == "AXIS_ANGLE" else bone.rotation_euler))
    scene.frame_set(int(now), subframe=now - int(now))
    return {name: np.array(rows) for name, rows in seen.items()}


def _array(values: Sequence[float]):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.array(values, dtype=np.float64)
