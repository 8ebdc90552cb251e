"""The Declaim tab in the 3D viewport's sidebar."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..core.errors import DeclaimError
from . import (
    EXTENSION,
    avatar_shapes,
    character,
    engine,
    engine_setup,
    first_run,
    presets,
    sliders,
    status,
    take_list,
    takes,
    voice_strips,
    words,
)

_ENGINE_STATES = {
    "STOPPED": ("Stopped; it starts when needed", "RADIOBUT_OFF"),
    "STARTING": ("Starting", "SORTTIME"),
    "READY": ("Ready", "CHECKMARK"),
    "BUSY": ("Performing", "RADIOBUT_ON"),
    "CRASHED": ("Crashed", "ERROR"),
}


class _Tab:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Declaim"


class DECLAIM_PT_perform(_Tab, bpy.types.Panel):
    """Voice, script, character, Perform"""

    bl_idname = "DECLAIM_PT_perform"
    bl_label = "Declaim"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        presets.draw_header(self.layout, context)

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.declaim
        first_run.draw(layout, context)
        layout.use_property_split, layout.use_property_decorate = True, False
        _draw_voice(layout, context, settings)
        _draw_character(layout, settings)
        column = layout.column()
        column.prop(settings, "generator")
        sliders.draw_style(column, context.scene, settings.generator)
        column = layout.column(align=True)
        column.prop(settings, "seed")
        column.prop(settings, "takes")
        _draw_button(layout)
        _draw_outcome(layout)


def _draw_voice(layout: Any, context: bpy.types.Context, settings: Any) -> None:
    row = layout.row()
    row.use_property_split = False
    row.prop(settings, "voice_source", expand=True)
    column = layout.column()
    if settings.voice_source == "FILE":
        column.prop(settings, "voice")
    elif settings.voice_source == "FOLDER":
        column.prop(settings, "folder")
        return
    else:
        scenes = voice_strips.scenes(context)
        editor = scenes[0].sequence_editor if scenes else None
        if editor is None:
            column.label(text="The Video Sequencer holds no strips", icon="INFO")
        else:
            column.prop_search(
                settings, "strip", editor, "strips_all" if hasattr(editor, "strips_all") else "sequences_all"
            )
    if settings.script_text is None:
        column.prop(settings, "script", placeholder="Optional")
    column.prop(settings, "script_text", text="or Text" if settings.script_text is None else "Script")


def _draw_character(layout: Any, settings: Any) -> None:
    column = layout.column()
    row = column.row(align=True)
    row.prop(settings, "character")
    row.operator("declaim.add_avatar", text="", icon="OUTLINER_OB_ARMATURE")
    if settings.character is not None:
        if reason := character.problem(settings.character):
            draw_sentence(column, reason, "ERROR")
            return
        column.prop(settings.character.declaim, "mouth_strength", slider=True)
        if settings.character.declaim.is_builtin and avatar_shapes.BETAS in settings.character.data:
            header, body = layout.panel("declaim_body_shape", default_closed=True)
            header.label(text="Body Shape")
            if body is not None:
                avatar_shapes.draw(body, settings.character)


def _draw_button(layout: Any) -> None:
    column = layout.column()
    column.scale_y = 1.6
    if status.STATUS.busy:
        row = column.row(align=True)
        row.progress(factor=status.STATUS.fraction, text=status.STATUS.text)
        row.operator("declaim.cancel", text="", icon="X")
    else:
        column.operator("declaim.perform_panel", icon="PLAY")


def _draw_outcome(layout: Any) -> None:
    """Why the last job failed, with the button that helps."""
    for text in status.STATUS.warnings:
        draw_sentence(layout, text, "INFO")
    error = status.STATUS.error
    if error is None:
        return
    box = layout.box()
    draw_sentence(box, error.message, "ERROR")
    if error.hint:
        draw_sentence(box, error.hint, "BLANK1")
    draw_remedy(box, error)


_SET_IN_PREFERENCES = {"engine_garbled", "unauthorized", "offline", "other_version"}


def draw_remedy(layout: Any, error: DeclaimError) -> None:
    if error.code == "engine_missing":
        engine_setup.draw(layout, bpy.context)
    elif error.code in _SET_IN_PREFERENCES:
        layout.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = EXTENSION
    elif error.code.startswith("engine") or engine.state() == "CRASHED":
        row = layout.row(align=True)
        row.operator("declaim.engine_restart", icon="FILE_REFRESH")
        row.operator("declaim.engine_copy_log", icon="COPYDOWN")


def draw_sentence(layout: Any, text: str, icon: str) -> None:
    """A sentence on as many lines as the sidebar's width asks for: Blender's labels do not wrap."""
    region = bpy.context.region
    scale = bpy.context.preferences.system.ui_scale
    room = max(20, int(((region.width if region else 300) / scale - 60) / 6.2))
    column = layout.column(align=True)
    column.scale_y = 0.85
    for number, line in enumerate(_wrapped(iface_(text), room)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


def _wrapped(text: str, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


class DECLAIM_PT_takes(_Tab, bpy.types.Panel):
    """The character's takes"""

    bl_idname = "DECLAIM_PT_takes"
    bl_label = "Takes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = takes.active_character(context)
        return rig is not None and len(rig.declaim.takes) > 0

    def draw(self, context: bpy.types.Context) -> None:
        take_list.draw(self.layout, context)


class DECLAIM_PT_words(_Tab, bpy.types.Panel):
    """The words of the take in use"""

    bl_idname = "DECLAIM_PT_words"
    bl_label = "Words"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = takes.active_take(takes.active_character(context))
        return take is not None and len(take.words) > 0

    def draw(self, context: bpy.types.Context) -> None:
        words.draw(self.layout, context)


class DECLAIM_PT_sliders(_Tab, bpy.types.Panel):
    """The generators' own sliders"""

    bl_idname = "DECLAIM_PT_sliders"
    bl_label = "Performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        layout.use_property_split, layout.use_property_decorate = True, False
        settings = scene.declaim
        sliders.draw(layout, scene, settings.generator, with_style=False)
        layout.separator()
        layout.prop(settings, "mouth")
        if settings.mouth != settings.generator:
            sliders.draw(layout, scene, settings.mouth)
        layout.separator()
        layout.prop(settings, "transcriber")
        layout.prop(settings, "language")
        sliders.draw(layout, scene, settings.transcriber)
        sliders.draw_problems(layout)


class DECLAIM_PT_landing(_Tab, bpy.types.Panel):
    """How the result is written"""

    bl_idname = "DECLAIM_PT_landing"
    bl_label = "Result"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.declaim
        layout.use_property_split, layout.use_property_decorate = True, False
        column = layout.column(heading="Write")
        for part in ("use_body", "use_hands", "use_face", "use_root"):
            column.prop(settings, part)
        layout.prop(settings, "start_at")
        if settings.start_at == "FRAME":
            layout.prop(settings, "frame")
        if settings.voice_source != "FOLDER":
            column = layout.column(align=True)
            column.prop(settings, "use_range")
            if settings.use_range:
                column.prop(settings, "range_start")
                column.prop(settings, "range_end")
        layout.prop(settings, "layer")
        if settings.layer == "REPLACE":
            column = layout.column(align=True)
            column.prop(settings, "use_nla")
        if settings.use_nla or settings.layer == "ADDITIVE":
            column = layout.column(align=True)
            column.prop(settings, "blend_in")
            column.prop(settings, "blend_out")
        layout.prop(settings, "keys")
        if settings.keys == "REDUCED":
            layout.prop(settings, "tolerance")
        layout.prop(settings, "interpolation")
        column = layout.column(heading="Scene")
        column.prop(settings, "place_sound")
        column.prop(settings, "fit_range")


class DECLAIM_PT_engine(_Tab, bpy.types.Panel):
    """The engine's state"""

    bl_idname = "DECLAIM_PT_engine"
    bl_label = "Engine"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        text, icon = _ENGINE_STATES[engine.state()]
        layout.label(text=text, icon=icon)
        if engine.state() == "CRASHED":
            draw_sentence(layout, engine.reason(), "NONE")
        row = layout.row(align=True)
        if engine.state() in {"STOPPED", "CRASHED"}:
            row.operator("declaim.engine_start")
        else:
            row.operator("declaim.engine_restart")
            row.operator("declaim.engine_stop")
        row.operator("declaim.engine_copy_log", text="", icon="COPYDOWN")
        layout.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES").module = EXTENSION


CLASSES = (
    DECLAIM_PT_perform,
    DECLAIM_PT_takes,
    DECLAIM_PT_words,
    DECLAIM_PT_sliders,
    DECLAIM_PT_landing,
    DECLAIM_PT_engine,
)
