"""Motion files in: a clip of Declaim, AMASS or BEAT2 as a take on a character."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import CollectionProperty, EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..core.errors import DeclaimError, InputError
from . import avatar, character, landing, request, status, takes, voices

if TYPE_CHECKING:
    from ..core.clip import MotionClip

SUFFIX = ".npz"


def import_file(
    context: bpy.types.Context,
    path: Path,
    rig: bpy.types.Object | None,
    *,
    frame: int,
    up: str = "AUTO",
    begin: str = "AUTO",
) -> tuple[takes.DeclaimTake, list[str]]:
    """Land the motion in ``path`` on ``rig`` as a new take that begins on ``frame``, by the panel's landing options.

    Without ``rig`` the built-in avatar is added. ``up``: "AUTO", "Y" or "Z"; ``begin``: "AUTO", "CHARACTER" or "FILE".
    Returns the take and what is worth telling, a sentence each. Raises ClipError and InputError.
    """
    from ..core.clip_file import load_clip

    if rig is not None and (reason := character.problem(rig)):
        raise InputError(f"{reason}.")
    clip, notes = _adopted(load_clip(path), up, begin)
    scene = context.scene
    if rig is None:
        rig = avatar.add_builtin(context, shape=_nearest_shape(clip))
        scene.declaim.character = rig
    settings = request.settings_of(scene, {"voice_source": "FILE"})
    fps = request.frame_rate(scene)
    options = request.landing_options(settings, path.stem, frame, fps, rig)
    prepared = landing.prepare(clip, character.rest_of(rig), character.shape_names(rig), options)
    landed = landing.land(rig, prepared, options)
    take = takes.add(rig, landed, clip, options)
    take.line, take.seed = path.name, clip.provenance.seed
    takes.use(rig, len(rig.declaim.takes) - 1)
    if settings.fit_range:
        request.fit_range(scene, frame, clip.duration * fps, first=True)
    if reason := landing.stillness(rig, landed, options):
        notes.append(reason)
    return take, [*notes, *landed.notes]


def _adopted(clip: MotionClip, up: str, begin: str) -> tuple[MotionClip, list[str]]:
    """A clip of another program in our terms; one of ours as it is, unless it is told to stand elsewhere."""
    from ..core.body import builtin_body
    from ..core.foreign_clip import adopted, is_foreign, up_axis

    if not is_foreign(clip):
        if begin == "CHARACTER":
            trans = clip.trans.copy()
            trans[:, [0, 2]] -= trans[0, [0, 2]]
            clip = clip.replace(trans=trans)
        return clip, []
    body = builtin_body()
    axis = up_axis(clip, body) if up == "AUTO" else up
    text = "It is Z up, as AMASS: it was stood upright." if axis == "Z" else "It is Y up, as BEAT2."
    return adopted(clip, body, up=axis, in_place=begin != "FILE"), [rpt_(text)] if up == "AUTO" else []


def _nearest_shape(clip: MotionClip) -> str:
    """The avatar's shape that is most like the clip's body."""
    import numpy as np

    from ..core.shapes import SHAPES

    betas = np.zeros(10)
    betas[: min(10, len(clip.betas))] = clip.betas[:10]
    if not betas.any():
        return "woman"
    return min(SHAPES, key=lambda name: float(np.abs(betas[: len(SHAPES[name])] - SHAPES[name]).sum()))


class DECLAIM_OT_import_clip(bpy.types.Operator, ImportHelper):
    """Motion from a file, as a take"""

    bl_idname = "declaim.import_clip"
    bl_label = "Import Motion"
    bl_description = "Put a motion of Declaim, AMASS or BEAT2 on the character, as a take"
    bl_options = {"PRESET", "UNDO"}

    filename_ext = SUFFIX
    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    character: StringProperty(
        name="Character", description="The armature that takes the motion; left empty, the built-in avatar is added"
    )
    up_axis: EnumProperty(
        name="Up",
        description="Which axis points up in a file of another program",
        items=(
            ("AUTO", "Automatic", "As people stand in it: AMASS is mostly Z up, BEAT2 is Y up"),
            ("Y", "Y Up", "The Y axis points up"),
            ("Z", "Z Up", "The Z axis points up"),
        ),
    )
    begin_at: EnumProperty(
        name="Begin At",
        description="Where the motion begins",
        items=(
            ("AUTO", "Automatic", "Declaim's own motion as it is, that of others where the character stands"),
            ("CHARACTER", "Character", "Where the character stands"),
            ("FILE", "File", "Where the file has it, seen from the character"),
        ),
    )
    frame: IntProperty(name="Start Frame", description="The frame on which the motion begins", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._fill(context)
        return self.invoke_popup(context)  # a dialog where a file was dropped, otherwise the file browser

    def _fill(self, context: bpy.types.Context) -> None:
        """What nobody has said."""
        if not self.properties.is_property_set("frame"):
            self.frame = context.scene.frame_current
        if not self.properties.is_property_set("character"):
            rig = takes.active_character(context)
            self.character = rig.name if rig is not None and not character.problem(rig) else ""

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop_search(self, "character", context.scene, "objects", icon="ARMATURE_DATA")
        for name in ("frame", "up_axis", "begin_at"):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        self._fill(context)
        try:
            paths = self._paths()
            lines = [self._import(context, path) for path in paths]
        except DeclaimError as error:
            return status.fail(self, error)
        except Exception as error:
            return status.fail(self, status.unexpected(error))
        self.report({"INFO"}, " ".join(lines))
        status.redraw()
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        names = [row.name for row in self.files if row.name]
        if self.directory and names:
            return [voices.absolute(self.directory) / name for name in names]
        if not self.filepath:
            raise InputError("No file is chosen.", hint="Choose an .npz of Declaim, AMASS or BEAT2.")
        return [voices.absolute(self.filepath)]

    def _import(self, context: bpy.types.Context, path: Path) -> str:
        rig = self._rig(context)
        take, notes = import_file(context, path, rig, frame=self.frame, up=self.up_axis, begin=self.begin_at)
        self.character = take.id_data.name  # the next file goes onto the same one
        told = rpt_("{file} is now the take {take} on {name}.").format(
            file=path.name, take=take.name, name=take.id_data.name
        )
        return " ".join([told, *notes])

    def _rig(self, context: bpy.types.Context) -> Any:
        if not self.character:
            return None
        rig = context.scene.objects.get(self.character)
        if rig is None:
            raise InputError(
                f'There is no object "{self.character}" in this scene.', hint="Choose another character, or none."
            )
        return rig


CLASSES = (DECLAIM_OT_import_clip,)
