"""The settings that new files start with: kept once from the panel, as a preset of the artist's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.errors import DeclaimError, ExportError
from . import places, presets, status


def path() -> Path:
    """The file that holds them; it need not exist."""
    return places.folder("defaults") / "defaults.py"


def draw(layout: bpy.types.UILayout) -> None:
    """The buttons, for the preferences."""
    row = layout.row(align=True)
    row.operator("declaim.keep_defaults", icon="FILE_TICK")
    row.operator("declaim.forget_defaults", text="", icon="TRASH")


class DECLAIM_OT_keep_defaults(bpy.types.Operator):
    """Keep the panel's settings"""

    bl_idname = "declaim.keep_defaults"
    bl_label = "Keep as Defaults"
    bl_description = "Keep generators, sliders and result settings of this scene: new files start with them"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..core.files import replacing

        try:
            with replacing(path()) as temporary:
                temporary.write_text(presets.written(context.scene), encoding="utf-8")
        except DeclaimError as error:
            return status.fail(self, error)
        self.report({"INFO"}, "New files start with these settings")
        return {"FINISHED"}


class DECLAIM_OT_forget_defaults(bpy.types.Operator):
    """Back to Declaim's own"""

    bl_idname = "declaim.forget_defaults"
    bl_label = "Forget Defaults"
    bl_description = "New files start with Declaim's own settings again"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not path().is_file():
            cls.poll_message_set("No settings are kept")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path().unlink(missing_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            return status.fail(self, ExportError(f"{path()} cannot be removed: {reason}."))
        self.report({"INFO"}, "New files start with Declaim's own settings")
        return {"FINISHED"}


@persistent
def _file_opened(*_: Any) -> None:
    """Scenes that Declaim has not been used in yet start with what was kept."""
    untouched = [scene for scene in bpy.data.scenes if scene.library is None and not scene.is_property_set("declaim")]
    if not untouched or not path().is_file():
        return
    for scene in untouched:
        try:
            presets.apply(scene, path())
        except DeclaimError as error:
            status.warn(str(error))


CLASSES = (DECLAIM_OT_keep_defaults, DECLAIM_OT_forget_defaults)


def register() -> None:
    bpy.app.handlers.load_post.append(_file_opened)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_file_opened)
