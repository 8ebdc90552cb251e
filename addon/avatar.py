"""The built-in avatar: added with one click, standing on the floor at the 3D cursor and facing the front view."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty

from ..core.errors import DeclaimError, InputError
from . import status

if TYPE_CHECKING:
    from ..exporters.character import Character

SHAPES = (
    ("woman", "Woman", "A grown woman of average build"),
    ("man", "Man", "A grown man of average build"),
)


def add_builtin(context: bpy.types.Context, name: str = "", shape: str = "woman") -> bpy.types.Object:
    """Add the avatar to the scene of ``context``, with its soles on the 3D cursor. Returns its armature object.

    Selects it and makes it active. Raises InputError where another object is being edited and cannot be left.
    """
    from ..core.body import builtin_body
    from ..core.shapes import SHAPES as betas_of
    from ..exporters.blender_scene import build_character
    from ..exporters.character import Character

    _leave_mode(context)
    body = builtin_body()
    character = _on_the_floor(Character.shaped(body, betas_of[shape]))
    label = name or f"Declaim {shape.title()}"
    collection = bpy.data.collections.new(label)
    context.scene.collection.children.link(collection)
    figure = build_character(dataclasses.replace(character, name=label), collection=collection)
    rig = figure.rig
    for mesh in figure.meshes:
        mesh.name = f"{rig.name} {mesh.name}"
    rig.location = context.scene.cursor.location
    rig.declaim.is_builtin = True
    rig["declaim_betas"] = list(betas_of[shape])
    for other in context.selected_objects:
        other.select_set(False)
    rig.select_set(True)
    context.view_layer.objects.active = rig
    return rig


def _on_the_floor(character: Character) -> Character:
    """``character`` raised so that its soles are at height zero."""
    floor = min(float(part.vertices[:, 1].min()) for part in character.parts)
    up = (0.0, -floor, 0.0)
    parts = tuple(
        dataclasses.replace(part, vertices=(part.vertices + up).astype(part.vertices.dtype)) for part in character.parts
    )
    return dataclasses.replace(character, parts=parts, joints=character.joints + up)


def _leave_mode(context: bpy.types.Context) -> None:
    """Bones are made in edit mode: whatever is being edited goes to Object Mode first."""
    active = context.view_layer.objects.active
    if active is None or active.mode == "OBJECT":
        return
    if not bpy.ops.object.mode_set.poll():
        raise InputError(f'"{active.name}" is being edited.', hint="Go to Object Mode first.")
    bpy.ops.object.mode_set(mode="OBJECT")


class DECLAIM_OT_add_avatar(bpy.types.Operator):
    """Add the built-in avatar"""

    bl_idname = "declaim.add_avatar"
    bl_label = "Add Avatar"
    bl_description = "Add Declaim's own character, ready to perform, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    shape: EnumProperty(name="Shape", description="Who it is", items=SHAPES)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            rig = add_builtin(context, shape=self.shape)
        except DeclaimError as error:
            return status.fail(self, error)
        context.scene.declaim.character = rig
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_add_avatar,)
