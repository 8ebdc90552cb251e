"""The built-in avatar: added with one click, standing on the floor at the 3D cursor and facing the front view."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy
from bpy.props import EnumProperty, FloatProperty

from ..core.errors import DeclaimError, InputError
from . import avatar_asset, avatar_bones, avatar_correctives, avatar_materials, avatar_shapes, avatar_widgets, status
from .avatar_shapes import SLIDERS

SHAPES = (
    ("woman", "Woman", "A grown woman of average build"),
    ("man", "Man", "A grown man of average build"),
)
_PARTS = {"skin": "body"}  # as objects are called; the others by their own names
_PICTURES = Path(__file__).resolve().parents[1] / "assets" / "body"


def add_builtin(
    context: bpy.types.Context, name: str = "", shape: str = "woman", added: Mapping[str, float] | None = None
) -> bpy.types.Object:
    """Add the avatar to the scene of ``context``, with its soles at the 3D cursor. Returns its armature object.

    ``added``: what it is more than the named shape, by ``avatar_shapes.SLIDERS``' ``prop``. It is selected and active; whatever
    was being edited is left to Object Mode. Raises InputError where that cannot be.
    """
    from ..core.body import builtin_body
    from ..exporters.blender_scene import Z_UP, add_mesh

    _leave_mode(context)
    body = builtin_body()
    betas = avatar_shapes.betas_of(shape, added or {})
    character = avatar_shapes.shaped_character(body, betas, _free_name(name or f"Declaim {shape.title()}"))
    collection = bpy.data.collections.new(character.name)
    context.scene.collection.children.link(collection)
    rig = avatar_bones.make_armature(context, character, Z_UP.axes, collection)
    material = avatar_materials.materials_of(body)
    meshes = tuple(
        add_mesh(
            avatar_materials.with_irises(part),
            f"{rig.name} {_PARTS.get(part.name, part.name)}",
            character,
            rig,
            material,
            Z_UP,
            collection,
        )
        for part in character.parts
    )
    collection.children.link(avatar_widgets.widgets())
    avatar_shapes.add_sliders(rig, meshes, betas)
    avatar_correctives.drive_correctives(rig, meshes, body.correctives, Z_UP.axes)
    rig.location = context.scene.cursor.location
    rig.declaim.is_builtin = True
    avatar_asset.mark(collection, _PICTURES / f"avatar_{shape}.png")
    _show(context, (rig, *meshes))
    return rig


def _free_name(name: str) -> str:
    """``name``, or the first number after it that no object and no collection has."""
    taken = {*bpy.data.objects.keys(), *bpy.data.collections.keys(), *bpy.data.armatures.keys()}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _leave_mode(context: bpy.types.Context) -> None:
    """Bones are made in edit mode: whatever is being edited goes to Object Mode first."""
    if context.window is not None and context.window.scene != context.scene:
        raise InputError(f'The scene "{context.scene.name}" is not the one shown.', hint="Go to that scene first.")
    active = context.view_layer.objects.active
    if active is None or active.mode == "OBJECT":
        return
    if not bpy.ops.object.mode_set.poll():
        raise InputError(f'"{active.name}" is being edited.', hint="Go to Object Mode first.")
    bpy.ops.object.mode_set(mode="OBJECT")


def _show(context: bpy.types.Context, objects: tuple[bpy.types.Object, ...]) -> None:
    """Select the armature, the first of ``objects``, alone; in a local view bring all of them in."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.local_view is not None:
        for row in objects:
            row.local_view_set(space, True)
    for other in context.view_layer.objects:
        if other.select_get():
            other.select_set(False)
    objects[0].select_set(True)
    context.view_layer.objects.active = objects[0]


class DECLAIM_OT_add_avatar(bpy.types.Operator):
    """Add the built-in avatar"""

    bl_idname = "declaim.add_avatar"
    bl_label = "Add Avatar"
    bl_description = "Add Declaim's own character, ready to perform, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    __annotations__ = {
        "shape": EnumProperty(name="Shape", description="Who it is", items=SHAPES),
        **{
            slider.prop: FloatProperty(
                name=slider.label, description=slider.description, default=0.0, min=slider.low, max=slider.high, precision=2
            )
            for slider in SLIDERS
        },
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("This scene is linked from another file")
            return False
        return True

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "shape")
        column = self.layout.column(align=True)
        for slider in SLIDERS:
            column.prop(self, slider.prop, slider=True)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            rig = add_builtin(
                context, shape=self.shape, added={slider.prop: getattr(self, slider.prop) for slider in SLIDERS}
            )
        except DeclaimError as error:
            return status.fail(self, error)
        context.scene.declaim.character = rig
        return {"FINISHED"}


class DECLAIM_OT_fit_bones(bpy.types.Operator):
    """Bring the bones after the body shape"""

    bl_idname = "declaim.fit_bones"
    bl_label = "Fit Bones to Shape"
    bl_description = (
        "Put the bones where the body shape of the sliders has its joints; takes performed from then on are made for it"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = context.object
        if rig is None or rig.type != "ARMATURE" or avatar_shapes.BETAS not in rig.data:
            cls.poll_message_set("Select the armature of a built-in avatar")
            return False
        if not rig.data.is_editable or not rig.is_editable:
            cls.poll_message_set("Its bones lie in another file: change the shape there")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            fit_bones(context, context.object)
        except DeclaimError as error:
            return status.fail(self, error)
        return {"FINISHED"}


def fit_bones(context: bpy.types.Context, rig: bpy.types.Object) -> None:
    """Put the bones of a built-in avatar, the active object, where the shape of its sliders has its joints."""
    from ..core.body import builtin_body
    from ..exporters.blender_scene import Z_UP
    from .character import face_meshes

    mode = rig.mode
    _leave_mode(context)
    body = builtin_body()
    base, betas = tuple(rig.data[avatar_shapes.BETAS]), avatar_shapes.betas_now(rig)
    character = avatar_shapes.shaped_character(body, betas, rig.name, stands_as=base)
    avatar_bones.place_bones(context, rig, character, Z_UP.axes)
    avatar_correctives.drive_correctives(rig, face_meshes(rig), body.correctives, Z_UP.axes)
    rig[avatar_shapes.BETAS] = betas
    bpy.ops.object.mode_set(mode=mode)


def _add_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator_menu_enum("declaim.add_avatar", "shape", text="Declaim Avatar", icon="OUTLINER_OB_ARMATURE")


def register() -> None:
    bpy.types.VIEW3D_MT_armature_add.append(_add_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_armature_add.remove(_add_menu)


CLASSES = (DECLAIM_OT_add_avatar, DECLAIM_OT_fit_bones, *avatar_asset.CLASSES)
