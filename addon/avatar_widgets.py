"""Custom shapes of the avatar's bones: wires as wide as the flesh around each, kept in a hidden collection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..exporters.character import Character

COLLECTION = "Declaim Widgets"
_MARK = "declaim_widget"
_ROOM = 1.12  # of the flesh's own width
_AIR = 0.006  # m more, all round
_SEGMENTS = 32


def dress(rig: bpy.types.Object, character: Character, axes: Any) -> None:
    """Give each bone a shape of the size that ``character`` has there; ``axes`` (3, 3) turn ours into the armature's."""
    import numpy as np

    flesh = [part for part in character.parts if part.name in {"skin", "suit"}]
    points = np.concatenate([part.vertices for part in flesh]) @ axes.T
    owners = np.concatenate([part.weights.argmax(axis=1) for part in flesh])
    ring, plate = _widget("ring", _circle), _widget("plate", _square)
    for number, name in enumerate(character.joint_names):
        bone = rig.pose.bones[name]
        rest = np.array(bone.bone.matrix_local)
        local = (points[owners == number] - rest[:3, 3]) @ rest[:3, :3]
        along, low, high = _section(name, local, bone.length)
        width = np.maximum((high - low) / 2, 0.004) * _ROOM + _AIR
        bone.custom_shape = plate if name == "pelvis" else ring
        bone.use_custom_shape_bone_size = False
        bone.custom_shape_scale_xyz = (float(width[0]), 1.0, float(width[1]))
        centre = (low + high) / 2
        bone.custom_shape_translation = (float(centre[0]), along, float(centre[1]))


def _section(name: str, local: Any, length: float) -> tuple[float, Any, Any]:
    """Where along the bone its wire lies, and what the flesh spans there in X and Z, (2,) and (2,)."""
    import numpy as np

    along = 0.5 * length
    if name == "head":
        along = float(local[:, 1].max()) + 0.015  # above the crown: the face stays free
        return along, np.array([-0.07, -0.05]), np.array([0.07, 0.09])
    if not len(local):
        return along, np.array([-0.012, -0.012]), np.array([0.012, 0.012])
    near = local[np.abs(local[:, 1] - along) < 0.3 * length]
    across = (near if len(near) > 8 else local)[:, (0, 2)]
    return along, np.percentile(across, 3, axis=0), np.percentile(across, 97, axis=0)


def _circle() -> list[tuple[float, float]]:
    turns = [2 * math.pi * step / _SEGMENTS for step in range(_SEGMENTS)]
    return [(math.cos(turn), math.sin(turn)) for turn in turns]


def _square() -> list[tuple[float, float]]:
    """With round corners."""
    points = []
    for corner in range(4):
        for step in range(5):
            turn = math.pi / 2 * (corner + step / 4)
            middle = math.pi / 2 * (corner + 0.5)
            points.append(
                (
                    0.75 * math.sqrt(2) * math.cos(middle) + 0.25 * math.cos(turn),
                    0.75 * math.sqrt(2) * math.sin(middle) + 0.25 * math.sin(turn),
                )
            )
    return points


def _widget(kind: str, outline: Any) -> bpy.types.Object:
    """The wire object of that kind, made once a file: ``outline`` in the plane across the bone, of radius one."""
    for widget in bpy.data.objects:
        if widget.library is None and widget.override_library is None and widget.get(_MARK) == kind:
            return widget
    points = outline()
    name = f"Declaim Widget {kind.title()}"
    data = bpy.data.meshes.new(name)
    data.from_pydata(
        [(x, 0.0, z) for x, z in points], [(step, (step + 1) % len(points)) for step in range(len(points))], []
    )
    widget = bpy.data.objects.new(name, data)
    widget[_MARK] = kind
    widgets().objects.link(widget)
    return widget


def widgets() -> bpy.types.Collection:
    """The hidden collection of all widgets of this file."""
    for collection in bpy.data.collections:
        if collection.library is None and collection.override_library is None and collection.get(_MARK):
            return collection
    collection = bpy.data.collections.new(COLLECTION)
    collection[_MARK] = True
    collection.hide_viewport = collection.hide_render = True
    return collection
