"""A character's motion as it is seen: every bone and shape, frame by frame, whatever layers, constraints and drivers made it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import InputError
from . import character, takes, words

if TYPE_CHECKING:
    import numpy as np

    from ..core.clip import MotionClip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """The frames [first, last] of the scene, and the take in use if there is one."""

    first: int
    last: int
    take: Any = None

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampled:
    """Evaluated bones and shapes."""

    bones: tuple[str, ...]
    matrices: np.ndarray  # (T, B, 4, 4) float64, posed bones in armature space
    shapes: dict[str, np.ndarray]  # name -> (T,) float32


def span_of(scene: bpy.types.Scene, rig: bpy.types.Object, wanted: str = "AUTO") -> Span:
    """The frames to export: of the take in use ("TAKE"), of the scene ("SCENE"), or of the take if there is one ("AUTO").

    Raises InputError where there is no take and one is wanted.
    """
    take = takes.active_take(rig)
    if wanted != "SCENE" and take is not None:
        scale, offset = words.placing(take)
        first = round(offset)
        return Span(first=first, last=first + max(1, round(take.duration * scale)) - 1, take=take)
    if wanted == "TAKE":
        raise InputError(f"{rig.name} has no take.", hint="Export the scene's frame range instead.")
    return Span(first=scene.frame_start, last=max(scene.frame_start, scene.frame_end), take=take)


def meshes_of(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes of a character: its children, and those that an armature modifier binds to it; sorted by name."""
    found = {mesh for mesh in rig.children_recursive if mesh.type == "MESH"}
    for mesh in bpy.data.objects:
        if mesh.type == "MESH" and any(m.type == "ARMATURE" and m.object == rig for m in mesh.modifiers):
            found.add(mesh)
    return sorted(found, key=lambda mesh: mesh.name)


def sample(context: bpy.types.Context, rig: bpy.types.Object, span: Span) -> Sampled:
    """Step through the frames of ``span``; the playhead ends where it was."""
    import numpy as np

    scene = context.scene
    bones = tuple(bone.name for bone in rig.pose.bones)
    keys = [mesh.data.shape_keys for mesh in character.face_meshes(rig)]
    keys = list(dict.fromkeys(keys))
    matrices = np.empty((len(span), len(bones), 4, 4), dtype=np.float32)
    values = [np.empty((len(span), len(key.key_blocks)), dtype=np.float32) for key in keys]
    with unskinned(rig), _playhead(scene):
        for row, frame in enumerate(range(span.first, span.last + 1)):
            scene.frame_set(frame)
            graph = context.evaluated_depsgraph_get()
            rig.evaluated_get(graph).pose.bones.foreach_get("matrix", matrices[row].reshape(-1))
            for key, found in zip(keys, values, strict=True):
                key.evaluated_get(graph).key_blocks.foreach_get("value", found[row])
    shapes: dict[str, np.ndarray] = {}
    for key, found in zip(keys, values, strict=True):
        for column, block in enumerate(key.key_blocks):
            if block != key.reference_key and not block.mute:
                shapes.setdefault(block.name, found[:, column])
    # Blender hands matrices out column by column.
    return Sampled(bones=bones, matrices=matrices.swapaxes(-1, -2).astype(np.float64), shapes=shapes)


def clip_of(context: bpy.types.Context, rig: bpy.types.Object, span: Span) -> MotionClip:
    """What ``rig`` does in ``span`` as a clip of the built-in body, at the scene's frame rate, with what the take knows.

    Raises InputError where the rig's joints are not SMPL-X's, and ClipError where a bone is nowhere.
    """
    import numpy as np

    from ..core.body import builtin_body
    from ..core.clip import BodyRef, MotionClip, Provenance
    from ..core.face import ARKIT
    from ..core.retarget import clip_of_pose
    from ..core.rig_curves import arkit_shape, expression
    from ..core.timeline import Timeline

    rest = character.rest_of(rig)
    sampled = sample(context, rig, span)
    order = [sampled.bones.index(name) for name in rest.bones]
    body = builtin_body()
    betas = np.array(character.betas(rig) or [0.0] * 10, dtype=np.float32)
    poses, trans = clip_of_pose(sampled.matrices[:, order], body, rest, betas)
    blendshapes = np.zeros((len(span), len(ARKIT)), dtype=np.float32)
    numbered: dict[int, np.ndarray] = {}
    for name, values in sampled.shapes.items():
        if (shape := arkit_shape(name)) >= 0:
            blendshapes[:, shape] = np.clip(values, 0.0, 1.0)
        elif (number := expression(name)) >= 0:
            numbered[number] = values
    expressions = np.zeros((len(span), max(numbered, default=-1) + 1), dtype=np.float32)
    for number, values in numbered.items():
        expressions[:, number] = values
    timeline, provenance = _recorded(context.scene, span) or (Timeline(), Provenance())
    return MotionClip(
        fps=context.scene.render.fps / context.scene.render.fps_base,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=poses.astype(np.float32),
        trans=trans.astype(np.float32),
        blendshapes=blendshapes,
        expressions=expressions,
        betas=betas,
        timeline=timeline,
        provenance=provenance,
    )


def _recorded(scene: bpy.types.Scene, span: Span) -> tuple[Any, Any] | None:
    """Timeline, in seconds from the first frame of ``span``, and provenance of the take."""
    from ..core.clip_file import read_record

    if span.take is None or not span.take.record:
        return None
    timeline, provenance = read_record(json.loads(span.take.record))
    scale, offset = words.placing(span.take)
    fps = scene.render.fps / scene.render.fps_base
    moved = timeline.map_times(lambda time: (time * scale + offset - span.first) / fps)
    return moved.between(0.0, len(span) / fps), provenance


@contextlib.contextmanager
def _playhead(scene: bpy.types.Scene) -> Iterator[None]:
    frame, subframe = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=subframe)


@contextlib.contextmanager
def unskinned(rig: bpy.types.Object) -> Iterator[None]:
    """Meshes are not skinned meanwhile: nobody looks at them, and it takes most of a frame's time."""
    switched = [
        modifier
        for mesh in meshes_of(rig)
        for modifier in mesh.modifiers
        if modifier.type == "ARMATURE" and modifier.show_viewport
    ]
    try:
        for modifier in switched:
            modifier.show_viewport = False
        yield
    finally:
        for modifier in switched:
            modifier.show_viewport = True
