"""Motion files in and out: Declaim's entries in File > Import and File > Export."""

from __future__ import annotations

from typing import Any

import bpy

from . import clip_export, clip_import


class DECLAIM_MT_export(bpy.types.Menu):
    """The formats that a character's motion leaves in"""

    bl_idname = "DECLAIM_MT_export"
    bl_label = "Declaim Motion"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        for identifier, name, _ in clip_export.FORMATS:
            button = layout.operator("declaim.export_motion", text=f"{name} (.{identifier.lower()})")
            button.format = identifier


def draw_import(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator("declaim.import_clip", text="Declaim / AMASS / BEAT2 Motion (.npz)")


def draw_export(self: Any, context: bpy.types.Context) -> None:
    self.layout.menu("DECLAIM_MT_export")


CLASSES = (*clip_import.CLASSES, *clip_export.CLASSES, DECLAIM_MT_export)


def register() -> None:
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.TOPBAR_MT_file_export.append(draw_export)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_export.remove(draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
