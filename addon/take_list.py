"""The list of a character's takes. A click on a row puts that take in use."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import DeclaimError


def chosen(context: bpy.types.Context) -> int:
    """The row of the take in use; -1 where there is no character."""
    from . import takes  # which knows of properties.py, where this is called

    rig = takes.active_character(context)
    return -1 if rig is None else int(rig.declaim.take)


def choose(context: bpy.types.Context, index: int) -> None:
    """A row was clicked: its take in use, or a popup that says why it cannot be."""
    from . import character, takes

    rig = takes.active_character(context)
    if rig is None or index == rig.declaim.take or not 0 <= index < len(rig.declaim.takes):
        return
    reason = character.problem(rig)
    if not reason:
        try:
            takes.use(rig, index)
        except DeclaimError as error:
            reason = str(error)
    if reason and not bpy.app.background:
        context.window_manager.popup_menu(lambda menu, _: menu.layout.label(text=reason), title="Take", icon="ERROR")


class DECLAIM_UL_takes(bpy.types.UIList):
    """Which take is in use, its name, seed (#) and length."""

    bl_idname = "DECLAIM_UL_takes"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active_data: Any, active_property: str, index: int
    ) -> None:
        split = layout.split(factor=0.62)
        row = split.row(align=True)
        row.label(
            text="", icon="ERROR" if item.action is None else ("RADIOBUT_ON" if index == data.take else "RADIOBUT_OFF")
        )
        row.prop(item, "name", text="", emboss=False, translate=False)
        row = split.row()
        row.active = index == data.take
        row.label(text=f"#{item.seed}", translate=False)
        row.label(text=f"{item.duration:.1f} s", translate=False)


def draw(layout: Any, context: bpy.types.Context) -> None:
    """The takes with their buttons, for a panel."""
    from . import takes

    rig = takes.active_character(context)
    if rig is None or not len(rig.declaim.takes):
        layout.label(text="No takes yet", icon="INFO")
        return
    row = layout.row()
    row.template_list("DECLAIM_UL_takes", "", rig.declaim, "takes", context.scene.declaim, "take", rows=4)
    column = row.column(align=True)
    column.operator("declaim.take_again", text="", icon="ADD")
    column.operator("declaim.take_delete", text="", icon="REMOVE")
    column.separator()
    column.operator("declaim.take_compare", text="", icon="ARROW_LEFTRIGHT")
    take = takes.active_take(rig)
    if take is not None and take.line:
        layout.label(text=take.line, icon="PLAY_SOUND", translate=False)


CLASSES = (DECLAIM_UL_takes,)
