"""The selected character's motion out: npz, glTF, FBX, BVH, with settings under which each reader sees what Blender shows."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..core.errors import DeclaimError, ExportError, InputError
from . import character, rig_motion, status, takes, voices

FORMATS = (
    ("NPZ", "Motion", "Declaim's own file, which is an AMASS and BEAT2 file too"),
    ("GLB", "glTF", "glTF 2.0, for game engines and the web"),
    ("FBX", "FBX", "Autodesk FBX, for game engines and other 3D programs"),
    ("BVH", "BVH", "The skeleton alone, in centimetres and Y up"),
)

_GLB: dict[str, Any] = {
    "export_format": "GLB",
    "use_selection": True,
    "use_active_scene": True,
    "export_yup": True,
    "export_apply": False,  # or the face shapes are lost
    "export_animations": True,
    "export_animation_mode": "SCENE",  # what is seen, whether from an action, NLA strips, layers or constraints
    "export_anim_scene_split_object": False,  # body and face in one animation
    "export_anim_slide_to_zero": True,  # or it begins where the take does on the timeline
    "export_frame_range": True,
    "export_force_sampling": True,
    "export_optimize_disable_viewport": False,  # fails in this mode where shapes are animated
    "export_skins": True,
    "export_morph": True,
    "export_morph_animation": True,
    "export_cameras": False,
    "export_lights": False,
    "check_existing": False,
}
_FBX: dict[str, Any] = {
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "mesh_smooth_type": "FACE",
    "add_leaf_bones": False,
    "axis_forward": "-Z",
    "axis_up": "Y",
    "bake_anim": True,
    "bake_anim_use_all_bones": True,
    "bake_anim_use_nla_strips": False,  # the scene as it is seen holds them
    "bake_anim_use_all_actions": False,
    "bake_anim_force_startend_keying": True,
    "bake_anim_simplify_factor": 0.0,  # the default shifts poses
    "path_mode": "COPY",
    "embed_textures": True,
    "check_existing": False,
}


def export(context: bpy.types.Context, rig: bpy.types.Object, path: Path, kind: str, span: rig_motion.Span) -> None:
    """Write what ``rig`` does in ``span`` to ``path``. The scene is as before. Raises ExportError, InputError, ClipError."""
    if rig.mode == "EDIT" or rig.data.is_editmode:
        raise InputError(f'"{rig.name}" is in edit mode.', hint="Leave it with Tab.")
    writers: dict[str, Callable[..., None]] = {"NPZ": _npz, "BVH": _bvh, "GLB": _glb, "FBX": _fbx}
    writers[kind](context, rig, path, span)


def _npz(context: bpy.types.Context, rig: bpy.types.Object, path: Path, span: rig_motion.Span) -> None:
    from ..core.clip_file import save_clip

    save_clip(rig_motion.clip_of(context, rig, span), path)


def _bvh(context: bpy.types.Context, rig: bpy.types.Object, path: Path, span: rig_motion.Span) -> None:
    import numpy as np

    from . import rig_bvh

    sampled = rig_motion.sample(context, rig, span)
    bones = list(character.in_order(rig.data.bones))
    names = [bone.name for bone in bones]
    place = {name: number for number, name in enumerate(names)}
    scale = rig.matrix_world.to_scale()
    rig_bvh.write(
        path,
        names=names,
        parents=[place[bone.parent.name] if bone.parent else -1 for bone in bones],
        heads=np.array([bone.head_local for bone in bones], dtype=np.float64),
        tails=np.array([bone.tail_local for bone in bones], dtype=np.float64),
        rest=np.array([np.array(bone.matrix_local)[:3, :3] for bone in bones], dtype=np.float64),
        posed=sampled.matrices[:, [sampled.bones.index(name) for name in names]],
        fps=context.scene.render.fps / context.scene.render.fps_base,
        unit=float(abs(scale.x * scale.y * scale.z) ** (1 / 3)) or 1.0,
    )


def _glb(context: bpy.types.Context, rig: bpy.types.Object, path: Path, span: rig_motion.Span) -> None:
    with _staged(context, rig, path, span) as temporary, _addon("io_scene_gltf2"):
        _call(bpy.ops.export_scene.gltf, path, filepath=str(temporary), **_GLB)


def _fbx(context: bpy.types.Context, rig: bpy.types.Object, path: Path, span: rig_motion.Span) -> None:
    shapes = any(mesh.data.shape_keys for mesh in rig_motion.meshes_of(rig))
    with _staged(context, rig, path, span) as temporary, _addon("io_scene_fbx"):
        # Modifiers applied would take the face shapes away.
        _call(bpy.ops.export_scene.fbx, path, filepath=str(temporary), use_mesh_modifiers=not shapes, **_FBX)


def _call(operator: Any, path: Path, **options: Any) -> None:
    """Call one of Blender's exporters with those of ``options`` that it has in this version."""
    known = operator.get_rna_type().properties.keys()
    try:
        operator(**{name: value for name, value in options.items() if name in known})
    except RuntimeError as error:
        told = [line for line in str(error).strip().splitlines() if not line.startswith("Location:")]
        reason = told[-1].removeprefix("Error: ") if told else "it does not say why"
        raise ExportError(
            f"Blender could not write {path} ({reason}).", hint="Try Blender's own entry in File > Export."
        ) from None


@contextlib.contextmanager
def _addon(name: str) -> Iterator[None]:
    """Blender's own add-on of that name at hand, also where the artist has it switched off."""
    import addon_utils

    _, loaded = addon_utils.check(name)
    if not loaded and addon_utils.enable(name, default_set=False) is None:
        raise ExportError(f"Blender's add-on {name} does not start.", hint="Enable it in Preferences > Add-ons.")
    try:
        yield
    finally:
        if not loaded:
            addon_utils.disable(name, default_set=False)


@contextlib.contextmanager
def _staged(context: bpy.types.Context, rig: bpy.types.Object, path: Path, span: rig_motion.Span) -> Iterator[Path]:
    """The character alone selected, the frame range its own, the animation named as the take; all as before afterwards.

    Yields the name to write to, which becomes ``path`` where all went well.
    """
    from ..core.files import replacing, writable

    writable(path)
    scene, layer = context.scene, context.view_layer
    with contextlib.ExitStack() as back:
        back.callback(scene.frame_set, scene.frame_current, subframe=scene.frame_subframe)
        for name in ("frame_start", "frame_end", "use_preview_range", "name"):
            back.callback(setattr, scene, name, getattr(scene, name))
        scene.use_preview_range = False
        scene.frame_start, scene.frame_end = span.first, span.last
        scene.name = (span.take.name if span.take is not None else path.stem) or rig.name  # exporters name the animation so
        if not rig.visible_get():
            back.callback(rig.hide_set, rig.hide_get())
            back.callback(setattr, rig, "hide_viewport", rig.hide_viewport)
            rig.hide_viewport = False
            rig.hide_set(False)
        active = layer.objects.active
        if active is not None and active.mode != "OBJECT":  # exporters leave other modes
            back.callback(_enter, active.mode)
            _enter("OBJECT")
        back.callback(functools.partial(_select, layer, list(context.selected_objects), active))
        _select(layer, [rig, *rig_motion.meshes_of(rig)], rig)
        if not rig.select_get():
            raise InputError(f'"{rig.name}" is not in this view layer.', hint="Show its collection first.")
        back.enter_context(rig_motion.unskinned(rig))
        yield back.enter_context(replacing(path))


def _enter(mode: str) -> None:
    with contextlib.suppress(RuntimeError):  # the active object cannot be shown
        bpy.ops.object.mode_set(mode=mode)


def _select(layer: bpy.types.ViewLayer, chosen: list[bpy.types.Object], active: bpy.types.Object | None) -> None:
    """Exactly ``chosen``, as far as they can be selected."""
    for other in layer.objects:
        if other.select_get():
            other.select_set(False)
    for one in chosen:
        with contextlib.suppress(RuntimeError):  # not in this view layer
            one.select_set(True)
    layer.objects.active = active


def selected_character(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature to export: the active one, that of the active mesh, or the one that performs in this scene."""
    active = context.active_object
    if active is not None and active.type == "ARMATURE":
        return active
    if active is not None and active.type == "MESH" and (found := active.find_armature()) is not None:
        return found
    return takes.active_character(context)


class DECLAIM_OT_export_motion(bpy.types.Operator, ExportHelper):
    """A character's motion to a file"""

    bl_idname = "declaim.export_motion"
    bl_label = "Export Motion"
    bl_description = "Write what the selected character does to a file"
    bl_options = {"PRESET"}

    check_extension = True
    filter_glob: StringProperty(default="*.npz;*.glb;*.fbx;*.bvh", options={"HIDDEN"})
    format: EnumProperty(name="Format", description="The kind of file", items=FORMATS)
    span: EnumProperty(
        name="Frames",
        description="Which frames are written",
        items=(
            ("AUTO", "Automatic", "Those of the take in use; without a take, the scene's"),
            ("TAKE", "Take", "Those of the take in use"),
            ("SCENE", "Scene", "The scene's frame range"),
        ),
    )
    character: StringProperty(
        name="Character", description="Name of the armature object; empty: the selected one", options={"SKIP_SAVE"}
    )

    @property
    def filename_ext(self) -> str:
        return f".{self.format.lower()}"

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        what = next(row[2] for row in FORMATS if row[0] == properties.format)
        return f"{rpt_(cls.bl_description)}. {rpt_(what)}"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if selected_character(context) is None:
            cls.poll_message_set("Select the character first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        rig = selected_character(context)
        take = takes.active_take(rig)
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path()
            stem = bpy.path.clean_name(take.name if take is not None else rig.name)
            self.filepath = str(folder / f"{stem}{self.filename_ext}")
        self.filter_glob = f"*{self.filename_ext}"
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "span")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path, kind = self._target()
            rig = self._rig(context)
            span = rig_motion.span_of(context.scene, rig, self.span)
            export(context, rig, path, kind, span)
        except DeclaimError as error:
            return status.fail(self, error)
        except Exception as error:
            return status.fail(self, status.unexpected(error))
        text = rpt_("{frames} frames of {name} are in {file}.")
        self.report({"INFO"}, text.format(frames=len(span), name=rig.name, file=path.name))
        return {"FINISHED"}

    def _target(self) -> tuple[Path, str]:
        """A script that names a file says the format with it."""
        if not self.filepath:
            raise InputError("No file is chosen.", hint="Choose where to write.")
        path = voices.absolute(self.filepath)
        by_suffix = path.suffix.lower().removeprefix(".").upper()
        known = [row[0] for row in FORMATS]
        if not self.properties.is_property_set("format") and by_suffix in known:
            return path, by_suffix
        if by_suffix != self.format:
            path = path.with_name(path.name + self.filename_ext)
        return path, self.format

    def _rig(self, context: bpy.types.Context) -> bpy.types.Object:
        if not self.character:
            rig = selected_character(context)
            assert rig is not None  # poll
            return rig
        rig = context.scene.objects.get(self.character)
        if rig is None or rig.type != "ARMATURE":
            raise InputError(f'There is no armature "{self.character}" in this scene.', hint="Choose another character.")
        return rig


CLASSES = (DECLAIM_OT_export_motion,)
