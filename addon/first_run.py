"""The first steps at the top of the tab: each ticks itself off; gone for good once the artist says so."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from . import preferences


def steps(scene: bpy.types.Scene) -> tuple[tuple[str, bool], ...]:
    """(what to do, whether it is done) of each step."""
    settings = scene.declaim
    voice = {"FILE": settings.voice, "STRIP": settings.strip, "FOLDER": settings.folder}[settings.voice_source]
    rig = settings.character
    performed = any(len(item.declaim.takes) for item in ([rig] if rig else scene.objects) if item.type == "ARMATURE")
    return (
        ("Choose a voice", bool(voice)),
        ("Choose a character, or add one", rig is not None),
        ("Press Perform", performed),
    )


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The steps, until they are dismissed."""
    if not preferences.get().show_first_steps:
        return
    box = layout.box()
    found = steps(context.scene)
    header = box.row()
    header.label(text="All Done" if all(done for _, done in found) else "First Steps", icon="INFO")
    header.operator("declaim.dismiss_first_steps", text="", icon="X", emboss=False)
    column = box.column(align=True)
    waiting = True  # the first step that is not done is the one to take: it alone is not greyed
    for number, (text, done) in enumerate(found, 1):
        row = column.row()
        row.active = not done and waiting
        icon = "CHECKBOX_HLT" if done else "CHECKBOX_DEHLT"
        row.label(text=f"{number}  {iface_(text)}", icon=icon, translate=False)
        waiting = waiting and done


class DECLAIM_OT_dismiss_first_steps(bpy.types.Operator):
    bl_idname = "declaim.dismiss_first_steps"
    bl_label = "Hide First Steps"
    bl_description = "Hide these steps; Declaim's preferences show them again"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        preferences.get().show_first_steps = False
        context.preferences.is_dirty = True  # Blender saves them when it ends
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_dismiss_first_steps,)
