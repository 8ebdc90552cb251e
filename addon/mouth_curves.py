"""How far the mouth opens in a take that has landed, changed in place: in the shapes of the mouth and the jaw's bone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from . import character

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HANDLES = ("co", "handle_left", "handle_right")


def rescale_mouth(
    rig: bpy.types.Object, action: bpy.types.Action, face_action: bpy.types.Action | None, factor: float
) -> None:
    """Multiply how far the mouth opens in a take by ``factor``: keys keep their frames, and edits of the artist's stay."""
    from ..core.rig_curves import is_mouth
    from ..core.rig_names import joint_of
    from ..core.skeleton import JOINT
    from ..exporters.blender_action import curves_in

    for fcurve in curves_in(face_action or action, "KEY"):
        if is_mouth(character.shape_of(fcurve.data_path)):
            for field in _HANDLES:
                points = _points(fcurve, field)
                points[:, 1] *= factor
                fcurve.keyframe_points.foreach_set(field, points.ravel())
            fcurve.update()
    for bone in rig.pose.bones:
        if joint_of(bone.name) == JOINT["jaw"]:
            path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].rotation_'
            curves = [curve for curve in curves_in(action, "OBJECT") if curve.data_path.startswith(path)]
            _scale_turn(sorted(curves, key=lambda curve: curve.array_index), bone.rotation_mode, factor)


def _scale_turn(curves: Sequence[bpy.types.FCurve], mode: str, factor: float) -> None:
    """Make the turn that rotation curves describe ``factor`` times as far, key by key."""
    import numpy as np

    from ..core import rotations
    from ..core.rotation_modes import channels, quaternions_of

    if len(curves) != (4 if mode in {"QUATERNION", "AXIS_ANGLE"} else 3):
        return
    frames = np.unique(np.concatenate([_points(curve, "co")[:, 0] for curve in curves]))
    values = np.array([[curve.evaluate(frame) for curve in curves] for frame in frames])
    turn = factor * rotations.quaternion_to_axis_angle(quaternions_of(values, mode))
    scaled = channels(rotations.axis_angle_to_quaternion(turn), mode)
    for column, curve in zip(scaled.T, curves):
        points = _points(curve, "co")
        points[:, 1] = column[np.searchsorted(frames, points[:, 0])]
        curve.keyframe_points.foreach_set("co", points.ravel())
        curve.update()


def _points(fcurve: bpy.types.FCurve, field: str) -> NDArray[Any]:
    """(n, 2) float32 frames and values."""
    import numpy as np

    points = np.empty(len(fcurve.keyframe_points) * 2, dtype=np.float32)
    fcurve.keyframe_points.foreach_get(field, points)
    return points.reshape(-1, 2)
