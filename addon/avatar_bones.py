"""The avatar's armature: bones that bend about one axis, mirrored left to right, sorted into collections, in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Vector

from . import avatar_widgets

if TYPE_CHECKING:
    from ..exporters.character import Character

_COLLECTIONS = ("Body", "Arms", "Legs", "Left Hand", "Right Hand", "Face")
_COLOURS = {  # sRGB at ease, selected, active: blue and red as animators know them, light enough to show on cloth
    "left": ((0.25, 0.6, 1.0), (0.6, 0.85, 1.0), (0.85, 0.95, 1.0)),
    "right": ((1.0, 0.3, 0.25), (1.0, 0.65, 0.6), (1.0, 0.85, 0.85)),
}
_MIDDLE = "THEME09"  # yellow
_HIDDEN = "Face"  # faces are shaped by shape keys; takes leave jaw and eye bones at rest

_FRONT, _BACK, _DOWN, _UP = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)
# Where a bone's Z looks, ours, left side: a positive turn about its X carries the bone's tip that way. So X bends trunk and
# head forward, elbows and knees as they bend, fingers to the palm; the right side mirrors it, as Blender's X Mirror wants.
_BENDS = {
    "hip": _BACK,
    "knee": _BACK,
    "ankle": _DOWN,
    "foot": _DOWN,
    "wrist": _DOWN,
    "index": _DOWN,
    "middle": _DOWN,
    "ring": _DOWN,
    "pinky": _DOWN,
    "thumb1": (0.5, -0.5, -0.6),
    "thumb2": (0.0, -0.45, -0.8),
    "thumb3": (0.0, -0.45, -0.8),
    "jaw": _DOWN,
    "eye": _UP,
}


def make_armature(
    context: bpy.types.Context, character: Character, axes: Any, collection: bpy.types.Collection
) -> bpy.types.Object:
    """An armature object named as ``character``, in ``collection``, active and in Object Mode; ``axes`` (3, 3) turn ours
    into its own."""
    data = bpy.data.armatures.new(character.name)
    rig = bpy.data.objects.new(character.name, data)
    collection.objects.link(rig)
    context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name in character.joint_names:
        data.edit_bones.new(name)
    _place(rig, character, axes)
    bpy.ops.object.mode_set(mode="OBJECT")
    _sort(data)
    data.display_type = "STICK"
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = (bone.parent is not None,) * 3
        bone.lock_scale = (True, True, True)
    avatar_widgets.dress(rig, character, axes)
    return rig


def place_bones(context: bpy.types.Context, rig: bpy.types.Object, character: Character, axes: Any) -> None:
    """Put the bones of ``rig`` where ``character`` has its joints. ``rig`` is active and in Object Mode, before and after."""
    mirrored = rig.data.use_mirror_x
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.use_mirror_x = False
    _place(rig, character, axes)
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.data.use_mirror_x = mirrored
    avatar_widgets.dress(rig, character, axes)


def _place(rig: bpy.types.Object, character: Character, axes: Any) -> None:
    from ..exporters.blender_scene import bone_vectors

    bones = [rig.data.edit_bones[name] for name in character.joint_names]
    heads = character.joints @ axes.T
    tails = heads + bone_vectors(character) @ axes.T
    for bone in bones:
        bone.use_connect = False
    for number, bone in enumerate(bones):
        bone.head, bone.tail = heads[number].tolist(), tails[number].tolist()
        bone.align_roll(Vector((axes @ _bend(bone.name)).tolist()))
        parent = character.parents[number]
        if parent >= 0:
            bone.parent = bones[parent]
            bone.use_connect = (bone.head - bones[parent].tail).length < 1e-5


def _bend(name: str) -> tuple[float, float, float]:
    """Where the bone's Z looks, in our axes."""
    part = name.partition("_")[2] if _side(name) else name
    x, y, z = next((way for word, way in _BENDS.items() if part.startswith(word)), _FRONT)
    return (-x if _side(name) == "right" else x, y, z)


def _side(name: str) -> str:
    word = name.partition("_")[0]
    return word if word in {"left", "right"} else ""


def _sort(data: bpy.types.Armature) -> None:
    for name in _COLLECTIONS:
        data.collections.new(name).is_visible = name != _HIDDEN
    for bone in data.bones:
        data.collections[_collection(bone.name)].assign(bone)
        bone.color.palette = "CUSTOM" if _side(bone.name) else _MIDDLE
        if colours := _COLOURS.get(_side(bone.name)):
            bone.color.custom.normal, bone.color.custom.select, bone.color.custom.active = colours


def _collection(name: str) -> str:
    side, part = _side(name), name.partition("_")[2]
    if name == "jaw" or part.startswith("eye"):
        return "Face"
    if part[-1:].isdigit():
        return f"{side.title()} Hand"
    if part in {"hip", "knee", "ankle", "foot"}:
        return "Legs"
    return "Arms" if side else "Body"
