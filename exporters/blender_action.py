"""Keys into Blender, fast: F-curves made once and filled with arrays. Runs inside Blender 4.2 to 5.2."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.rig_curves import Curve as Curve

Array = NDArray[Any]
Interpolation = Literal["LINEAR", "BEZIER"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Written:
    """Actions that hold curves. ``rig_slot`` and ``face_slot`` are None before Blender 4.4, which has no slots."""

    action: Any
    face_action: Any  # the same as ``action`` from Blender 4.4 on; None where there are no face curves
    rig_slot: Any
    face_slot: Any

    @property
    def actions(self) -> list[Any]:
        return [self.action] if self.face_action in (None, self.action) else [self.action, self.face_action]


def write_action(
    name: str, rig: Any, rig_curves: Sequence[Curve], keys: Sequence[Any], key_curves: Sequence[Curve], first_frame: int = 0
) -> list[Any]:
    """The curves of ``rig`` (an object) and of its meshes' ``keys`` (shape key blocks) as Blender actions, in use at once.

    Returns the actions.
    """
    written = new_action(name, rig.name, rig_curves, key_curves if keys else (), first_frame)
    use(rig, written.action, written.rig_slot)
    if written.face_action is not None:
        for key in keys:
            use(key, written.face_action, written.face_slot)
    return written.actions


def new_action(
    name: str,
    rig_name: str,
    rig_curves: Sequence[Curve],
    face_curves: Sequence[Curve],
    first_frame: int = 0,
    interpolation: Interpolation = "LINEAR",
) -> Written:
    """Curves as new actions, in use by nobody.

    Blender 4.4 and later: one action with a slot for the rig and one that all shape keys share. Before, two actions.
    """
    import bpy

    action = bpy.data.actions.new(name)
    if bpy.app.version >= (4, 4, 0):
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        rig_slot = action.slots.new("OBJECT", rig_name)
        _fill(strip.channelbag(rig_slot, ensure=True), rig_curves, first_frame, interpolation)
        if not face_curves:
            return Written(action=action, face_action=None, rig_slot=rig_slot, face_slot=None)
        face_slot = action.slots.new("KEY", "Face")
        _fill(strip.channelbag(face_slot, ensure=True), face_curves, first_frame, interpolation)
        return Written(action=action, face_action=action, rig_slot=rig_slot, face_slot=face_slot)
    _fill(action, rig_curves, first_frame, interpolation)
    face = None
    if face_curves:
        face = bpy.data.actions.new(f"{name} face")
        _fill(face, face_curves, first_frame, interpolation)
    return Written(action=action, face_action=face, rig_slot=None, face_slot=None)


def use(owner: Any, action: Any, slot: Any) -> None:
    """Put ``action`` in use on ``owner``."""
    data = owner.animation_data or owner.animation_data_create()
    data.action = action
    if slot is not None:
        data.action_slot = slot


def curves_in(action: Any, kind: Literal["OBJECT", "KEY"]) -> list[Any]:
    """The F-curves of ``action`` for objects or for shape keys, in any Blender."""
    if not hasattr(action, "slots"):
        return [c for c in action.fcurves if c.data_path.startswith("key_blocks") == (kind == "KEY")]
    found = []
    for layer in action.layers:
        for strip in layer.strips:
            for slot in action.slots:
                bag = strip.channelbag(slot) if slot.target_id_type == kind else None
                found += list(bag.fcurves) if bag is not None else []
    return found


def slot_of(action: Any, kind: Literal["OBJECT", "KEY"]) -> Any:
    """The first slot of ``action`` for objects or for shape keys; None where it has none, and before Blender 4.4."""
    return next((slot for slot in getattr(action, "slots", ()) if slot.target_id_type == kind), None)


def _fill(holder: Any, curves: Sequence[Curve], first_frame: int, interpolation: Interpolation) -> None:
    """``holder`` is an action, or from Blender 4.4 on a channel bag. A curve that never changes gets a single key."""
    import bpy

    kinds = bpy.types.Keyframe.bl_rna.properties
    shape = kinds["interpolation"].enum_items[interpolation].value
    handle = kinds["handle_left_type"].enum_items["AUTO_CLAMPED"].value
    longest = max((len(curve.values) for curve in curves), default=0)
    points = np.empty((longest, 2), dtype=np.float32)
    shapes, handles = np.full(longest, shape, np.int32), np.full(longest, handle, np.int32)
    for curve in curves:
        count = len(curve.values)
        if count and np.ptp(curve.values) == 0:
            count = 1
        frames = np.arange(count) if curve.frames is None else curve.frames[:count]
        points[:count, 0] = frames + first_frame
        points[:count, 1] = curve.values[:count]
        fcurve = _new_fcurve(holder, curve)
        if interpolation == "BEZIER":
            fcurve.auto_smoothing = "NONE"  # each handle by its neighbours alone: what reduced keys were chosen for
        keys = fcurve.keyframe_points
        keys.add(count)
        keys.foreach_set("co", points[:count].ravel())
        keys.foreach_set("interpolation", shapes[:count])
        keys.foreach_set("handle_left_type", handles[:count])
        keys.foreach_set("handle_right_type", handles[:count])
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
