"""Keys into Blender, fast: F-curves made once and filled with arrays. Runs inside Blender 4.2 to 5.2."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """One animated number: ``values`` (T,) of ``data_path[index]``."""

    data_path: str
    index: int
    group: str
    values: Array


def write_action(
    name: str, rig: Any, rig_curves: Sequence[Curve], keys: Sequence[Any], key_curves: Sequence[Curve], first_frame: int = 0
) -> list[Any]:
    """The curves of ``rig`` (an object) and of its meshes' ``keys`` (shape key blocks) as Blender actions, in use at once.

    Blender 4.4 and later: one action with a slot for the rig and one that all ``keys`` share. Before, two actions.
    Returns the actions.
    """
    import bpy

    action = bpy.data.actions.new(name)
    if bpy.app.version >= (4, 4, 0):
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        rig_slot = action.slots.new("OBJECT", rig.name)
        _fill(strip.channelbag(rig_slot, ensure=True), rig_curves, first_frame)
        _use(rig, action, rig_slot)
        if keys and key_curves:
            key_slot = action.slots.new("KEY", "Face")
            _fill(strip.channelbag(key_slot, ensure=True), key_curves, first_frame)
            for key in keys:
                _use(key, action, key_slot)
        return [action]
    _fill(action, rig_curves, first_frame)
    _use(rig, action, None)
    if not (keys and key_curves):
        return [action]
    face = bpy.data.actions.new(f"{name} face")
    _fill(face, key_curves, first_frame)
    for key in keys:
        _use(key, face, None)
    return [action, face]


def _use(owner: Any, action: Any, slot: Any) -> None:
    data = owner.animation_data or owner.animation_data_create()
    data.action = action
    if slot is not None:
        data.action_slot = slot


def _fill(holder: Any, curves: Sequence[Curve], first_frame: int) -> None:
    """``holder`` is an action, or from Blender 4.4 on a channel bag. A curve that never changes gets a single key."""
    import bpy

    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    longest = max((len(curve.values) for curve in curves), default=0)
    points = np.empty((longest, 2), dtype=np.float32)
    points[:, 0] = np.arange(first_frame, first_frame + longest)
    kinds = np.full(longest, linear, dtype=np.int32)
    for curve in curves:
        count = len(curve.values)
        if count and np.ptp(curve.values) == 0:
            count = 1
        points[:count, 1] = curve.values[:count]
        fcurve = _new_fcurve(holder, curve)
        fcurve.keyframe_points.add(count)
        fcurve.keyframe_points.foreach_set("co", points[:count].ravel())
        fcurve.keyframe_points.foreach_set("interpolation", kinds[:count])
        fcurve.update()


def _new_fcurve(holder: Any, curve: Curve) -> Any:
    import bpy

    if bpy.app.version < (4, 4, 0):
        return holder.fcurves.new(curve.data_path, index=curve.index, action_group=curve.group)
    if bpy.app.version >= (5, 0, 0):
        return holder.fcurves.new(curve.data_path, index=curve.index, group_name=curve.group)
    fcurve = holder.fcurves.new(curve.data_path, index=curve.index)
    fcurve.group = holder.groups.get(curve.group) or holder.groups.new(curve.group)
    return fcurve
