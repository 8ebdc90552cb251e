"""Voices and motion files dropped onto the 3D viewport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ..core.errors import DeclaimError, InputError
from . import clip_import, status, voices


def _in_viewport(context: bpy.types.Context) -> bool:
    """The Video Sequencer and the file browser keep their own ways with dropped sounds."""
    area, region = context.area, context.region
    return area is not None and area.type == "VIEW_3D" and region is not None and region.type == "WINDOW"


class DECLAIM_FH_voice(bpy.types.FileHandler):
    """Recordings"""

    bl_idname = "DECLAIM_FH_voice"
    bl_label = "Declaim Voice"
    bl_import_operator = "declaim.drop_voice"
    bl_file_extensions = ";".join(voices.SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _in_viewport(context) and not status.STATUS.busy


class DECLAIM_FH_motion(bpy.types.FileHandler):
    """Motion files"""

    bl_idname = "DECLAIM_FH_motion"
    bl_label = "Declaim Motion"
    bl_import_operator = "declaim.import_clip"
    bl_file_extensions = clip_import.SUFFIX

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _in_viewport(context)


class DECLAIM_OT_drop_voice(bpy.types.Operator):
    """A dropped recording becomes the scene's voice"""

    bl_idname = "declaim.drop_voice"
    bl_label = "Use as Voice"
    bl_description = "Make this recording the voice that the character speaks; a text file of the same name is its script"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    perform: BoolProperty(name="Perform", description="Perform it at once", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            text = self._take_in(context.scene.declaim)
        except DeclaimError as error:
            return status.fail(self, error)
        self.report({"INFO"}, text)
        status.redraw()
        if self.perform:
            return self._perform()
        return {"FINISHED"}

    def _take_in(self, settings: Any) -> str:
        """Set the voice in the scene's settings; what was done, in a sentence."""
        paths = self._paths()
        if len(paths) > 1:
            folder = paths[0].parent
            there = {path.name for path in voices.recordings(folder)}
            if there != {path.name for path in paths}:
                raise InputError(
                    "These are some of the recordings of a folder.", hint="Drop one, or all that are in the folder."
                )
            settings.voice_source, settings.folder = "FOLDER", str(folder)
            return rpt_("The {count} recordings in {name} are the voices now.").format(count=len(paths), name=folder.name)
        path = paths[0]
        if not path.is_file():
            raise InputError(f"There is no file {path}.", hint="Check the path for a typing error.")
        settings.voice_source, settings.voice, settings.use_range = "FILE", str(path), False
        script = voices.script_beside(path)
        settings.script, settings.script_text = script, None
        if script:
            return rpt_("{name} is the voice now, with the script beside it.").format(name=path.name)
        return rpt_("{name} is the voice now.").format(name=path.name)

    def _paths(self) -> list[Path]:
        names = [row.name for row in self.files if row.name]
        if self.directory and names:
            return [voices.absolute(self.directory) / name for name in names]
        if not self.filepath:
            raise InputError("No recording was dropped.", hint="Drop a sound file.")
        return [voices.absolute(self.filepath)]

    def _perform(self) -> set[str]:
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        try:
            bpy.ops.declaim.perform_panel(how)
        except RuntimeError as error:  # the inner operator has said why
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_drop_voice, DECLAIM_FH_voice, DECLAIM_FH_motion)
