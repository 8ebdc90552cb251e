"""Whether a rig really follows the take that was put on it: constraints, drivers and muted tracks may hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from . import character, nla

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .landing import Landed, Landing

_LOOKS = 3  # frames at which the rig is looked at
_OFF = 3.0  # degrees by which a bone may be elsewhere, beside what reduced keys allow
_SHAPE_OFF = 0.03
_NAMED = 3


def stillness(rig: bpy.types.Object, landed: Landed, landing: Landing) -> str:
    """What keeps ``rig`` from following the take, in one sentence with what to look for; empty where it follows."""
    if rig.data.pose_position == "REST":
        return rpt_('"{name}" is shown in its rest position: switch to Pose Position.').format(name=rig.name)
    if not rig.visible_get():
        return ""  # Blender does not evaluate what is hidden
    scene = bpy.context.scene
    now, sub = scene.frame_current, scene.frame_subframe
    try:
        held, shapes = _held(rig, landed, landing)
    finally:
        scene.frame_set(now, subframe=sub)
    if held:
        return rpt_(
            "{name} does not follow the take at {bones}: look for constraints, drivers or other NLA tracks."
        ).format(name=rig.name, bones=_listed(held))
    if shapes:
        return rpt_("The face of {name} does not follow the take in {shapes}: look for drivers or muted shapes.").format(
            name=rig.name, shapes=_listed(shapes)
        )
    return ""


def _held(rig: bpy.types.Object, landed: Landed, landing: Landing) -> tuple[list[str], list[str]]:
    """Bones and shapes that are not where the take has them."""
    import numpy as np

    from ..core import rotations
    from ..core.rotation_modes import quaternions_of
    from ..exporters.blender_action import curves_in

    bones: dict[str, list[Any]] = {}
    for curve in curves_in(landed.action, "OBJECT"):
        if not curve.data_path.endswith(".location"):
            bones.setdefault(character.bone_of(curve.data_path), []).append(curve)
    strip = nla.strip_of(rig, landed.action)
    adds = strip is not None and strip[1].blend_type != "REPLACE"
    slack = _OFF + (landing.tolerance if landing.keys == "REDUCED" else 0.0)
    held: dict[str, None] = {}
    shapes: dict[str, None] = {}
    for frame in _frames(landed.action, landing, strip is not None):
        below = _local_turns(rig, bones, frame, landed.action) if adds else {}
        seen = _local_turns(rig, bones, frame)
        for name, curves in bones.items():
            pose = rig.pose.bones[name]
            values = np.array([[curve.evaluate(frame) for curve in sorted(curves, key=lambda row: row.array_index)]])
            if adds and pose.rotation_mode != "QUATERNION":
                continue  # its curves hold what is missing to the result, which Blender only adds up
            wanted = quaternions_of(values, pose.rotation_mode)[0]
            if adds:
                wanted = rotations.multiply(below[name], wanted)
            off = 2 * np.arccos(min(1.0, abs(float(wanted @ seen[name]))))
            if np.rad2deg(off) > slack:
                held[name] = None
        if not adds:
            shapes |= dict.fromkeys(_held_shapes(rig, landed, frame))
    return list(held), list(shapes)


def _frames(action: bpy.types.Action, landing: Landing, in_strip: bool) -> Sequence[int]:
    begin, end = action.frame_range
    if in_strip:  # where the strip has its full say
        begin, end = begin + landing.blend_in * landing.fps + 1, end - landing.blend_out * landing.fps - 1
    if end <= begin:
        begin = end = (begin + end) / 2
    return sorted({round(begin + (end - begin) * (number + 0.5) / _LOOKS) for number in range(_LOOKS)})


def _local_turns(rig: bpy.types.Object, names: Any, frame: int, without: bpy.types.Action | None = None) -> dict[str, Any]:
    """Each bone's rotation (4,) relative to its rest on its parent, as evaluated; ``without`` a take."""
    import numpy as np

    place = nla.strip_of(rig, without) if without is not None else None
    if place is not None:
        place[0].mute = True
    scene = bpy.context.scene
    scene.frame_set(frame)
    graph = bpy.context.evaluated_depsgraph_get()
    graph.update()
    posed = rig.evaluated_get(graph).pose.bones
    turns = {}
    for name in names:
        pose = posed[name]
        local = pose.bone.convert_local_to_pose(
            pose.matrix,
            pose.bone.matrix_local,
            parent_matrix=pose.parent.matrix if pose.parent else _identity(),
            parent_matrix_local=pose.parent.bone.matrix_local if pose.parent else _identity(),
            invert=True,
        )
        turns[name] = np.array(local.to_quaternion())
    if place is not None:
        place[0].mute = False
    return turns


def _identity() -> Any:
    from mathutils import Matrix

    return Matrix.Identity(4)


def _held_shapes(rig: bpy.types.Object, landed: Landed, frame: int) -> list[str]:
    from ..exporters.blender_action import curves_in

    graph = bpy.context.evaluated_depsgraph_get()
    held = []
    keys = [key.evaluated_get(graph) for key in character.face_keys(rig)]
    for curve in curves_in(landed.face_action or landed.action, "KEY"):
        name, value = character.shape_of(curve.data_path), curve.evaluate(frame)
        blocks = [key.key_blocks[name] for key in keys if name in key.key_blocks]
        if any(
            block.mute or abs(block.value - min(max(value, block.slider_min), block.slider_max)) > _SHAPE_OFF
            for block in blocks
        ):
            held.append(name)
    return held


def _listed(names: list[str]) -> str:
    text = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    return rpt_("{names} and {number} more").format(names=text, number=more) if more > 0 else text
