"""A character and its performance as Blender objects. Runs inside Blender 4.2 to 5.2; the scene is given, never reset."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rotations
from ..core.body import Material
from ..core.correctives import PREFIX
from .blender_action import Curve, write_action
from .blender_material import new_material
from .character import Character, Part, Performance

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """How a Y-up character in metres stands in Blender: ``units`` a metre, the armature's own axes, the object's turn."""

    axes: Array  # (3, 3) rotation from our axes to the armature's
    turn_x: float = 0.0  # rad, of the armature object about X
    units: float = 1.0


Z_UP = Placement(axes=np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
"""Blender's own way: armature in Z up, metres, object at rest."""
Y_UP_CENTIMETRES = Placement(axes=np.eye(3), turn_x=math.pi / 2, units=100.0)
"""For FBX: the object's turn and the exporter's undo each other, so that the file's root has no turn and no scale."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """The objects of one character."""

    rig: Any
    meshes: tuple[Any, ...]
    rest: Array  # (J, 3, 3) bone axes at rest in armature space
    placement: Placement


def build_character(character: Character, placement: Placement = Z_UP, collection: Any = None) -> Figure:
    """Add ``character`` at rest: an armature with the SMPL-X joints as bones and a skinned mesh a part."""
    import bpy

    target = collection or bpy.context.scene.collection
    rig, rest = _armature(character, placement, target)
    material = functools.cache(lambda row: bpy.data.materials.get(row.name) or new_material(row, row.name))
    meshes = tuple(add_mesh(part, part.name, character, rig, material, placement, target) for part in character.parts)
    return Figure(rig=rig, meshes=meshes, rest=rest, placement=placement)


def perform(figure: Figure, character: Character, performance: Performance, first_frame: int = 0) -> list[Any]:
    """Put ``performance`` on ``figure`` as an action, from ``first_frame`` at the scene's frame rate. Returns the actions."""
    turned = rotations.matrix_to_quaternion(figure.placement.axes)
    into_rest = rotations.multiply(rotations.conjugate(rotations.matrix_to_quaternion(figure.rest)), turned)
    # Relative to the bone's own rest axes R: R^-1 A q A^-1 R, with A the armature's axes.
    local = rotations.multiply(
        rotations.multiply(into_rest, performance.quaternions.astype(np.float64)), rotations.conjugate(into_rest)
    )
    local = rotations.continuous(rotations.normalised(local))
    moved = performance.trans @ (figure.rest[0].T @ figure.placement.axes).T * figure.placement.units
    names = character.joint_names
    curves = [
        Curve(data_path=f'pose.bones["{names[0]}"].location', index=axis, group=names[0], values=moved[:, axis])
        for axis in range(3)
    ]
    for joint, name in enumerate(names):
        curves += [
            Curve(
                data_path=f'pose.bones["{name}"].rotation_quaternion', index=axis, group=name, values=local[:, joint, axis]
            )
            for axis in range(4)
        ]
    keys = [mesh.data.shape_keys for mesh in figure.meshes if mesh.data.shape_keys]
    in_use = {block.name for key in keys for block in key.key_blocks}
    face = [
        Curve(
            data_path=f'key_blocks["{name}"].value',
            index=0,
            group="Correctives" if name.startswith(PREFIX) else "Face",
            values=performance.shape_weights[:, number],
        )
        for number, name in enumerate(performance.shape_names)
        if name in in_use
    ]
    return write_action(performance.name, figure.rig, curves, keys, face, first_frame)


def still_meshes(figure: Figure) -> None:
    """Spare Blender the skinning of every frame while an exporter steps through them; keys and bindings stay."""
    for mesh in figure.meshes:
        mesh.modifiers["Armature"].show_viewport = mesh.modifiers["Armature"].show_render = False
        mesh.show_only_shape_key = True


def set_frame_rate(scene: Any, fps: float) -> None:
    """``scene`` at ``fps``, also where that is no whole number (29.97)."""
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps


def set_frame_range(scene: Any, frames: int, first_frame: int = 0) -> None:
    scene.frame_start = first_frame
    scene.frame_end = first_frame + frames - 1
    scene.frame_set(first_frame)


def _armature(character: Character, placement: Placement, collection: Any) -> tuple[Any, Array]:
    import bpy

    data = bpy.data.armatures.new(character.name)
    rig = bpy.data.objects.new(character.name, data)
    rig.rotation_euler = (placement.turn_x, 0.0, 0.0)
    collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    heads = character.joints @ placement.axes.T * placement.units
    tails = heads + bone_vectors(character) @ placement.axes.T * placement.units
    bones: list[Any] = []
    for joint, name in enumerate(character.joint_names):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = heads[joint].tolist(), tails[joint].tolist()
        if character.parents[joint] >= 0:
            bone.parent = bones[character.parents[joint]]
        bones.append(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    rest = np.array([np.array(data.bones[name].matrix_local)[:3, :3] for name in character.joint_names])
    data.display_type = "STICK"
    rig.show_in_front = True
    return rig, rest


_CONTINUES = {"pelvis": "spine1", "spine3": "neck", "left_wrist": "left_middle1", "right_wrist": "right_middle1"}
_ENDS = {
    "head": (0.0, 0.16, 0.0),
    "jaw": (0.0, -0.035, 0.08),
    "left_foot": (0.0, 0.0, 0.07),
    "right_foot": (0.0, 0.0, 0.07),
}
_EYE = (0.0, 0.0, 0.03)


def bone_vectors(character: Character) -> Array:
    """(J, 3) m from each bone's head to its tail: to the joint that continues it, or what the anatomy has there."""
    names, parents, joints = character.joint_names, character.parents, character.joints
    vectors = np.zeros((len(names), 3))
    for joint, name in enumerate(names):
        children = [child for child, parent in enumerate(parents) if parent == joint]
        if name in _CONTINUES and _CONTINUES[name] in names:
            vectors[joint] = joints[names.index(_CONTINUES[name])] - joints[joint]
        elif name in _ENDS:
            vectors[joint] = _ENDS[name]
        elif "_eye" in name:
            vectors[joint] = _EYE
        elif children:
            vectors[joint] = joints[children[0]] - joints[joint]
        elif parents[joint] >= 0:
            # A fingertip: as long as the segment before it, nearly.
            vectors[joint] = 0.8 * (joints[joint] - joints[parents[joint]])
        if np.linalg.norm(vectors[joint]) < 0.005:
            # Blender drops bones of no length.
            vectors[joint] = (0.0, 0.02, 0.0)
    return vectors


def add_mesh(
    part: Part,
    name: str,
    character: Character,
    rig: Any,
    material_of: Callable[[Material], Any],
    placement: Placement,
    collection: Any,
) -> Any:
    """A mesh object ``name`` of ``part``, bound to ``rig``, with its shape keys at zero."""
    import bpy

    data = bpy.data.meshes.new(name)
    vertices = part.vertices @ placement.axes.T.astype(np.float32) * np.float32(placement.units)
    corners = len(part.triangles) * 3
    data.vertices.add(len(vertices))
    data.vertices.foreach_set("co", vertices.ravel())
    data.loops.add(corners)
    data.loops.foreach_set("vertex_index", part.triangles.ravel())
    data.polygons.add(len(part.triangles))
    data.polygons.foreach_set("loop_start", np.arange(0, corners, 3, dtype=np.int32))
    if part.corner_uvs is not None:
        data.uv_layers.new(name="UVMap").uv.foreach_set("vector", part.corner_uvs.ravel())
    for material in part.materials:
        data.materials.append(material_of(material))
    data.polygons.foreach_set("material_index", part.material_of)
    data.update(calc_edges=True)
    data.polygons.foreach_set("use_smooth", np.ones(len(part.triangles), dtype=bool))
    data.validate()
    mesh = bpy.data.objects.new(name, data)
    collection.objects.link(mesh)
    mesh.parent = rig
    modifier = mesh.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    _weights(mesh, part, character)
    _shape_keys(mesh, part, vertices, placement, character.shape_range)
    return mesh


def _weights(mesh: Any, part: Part, character: Character) -> None:
    for joint in np.flatnonzero(part.weights.max(axis=0) > 0):
        group = mesh.vertex_groups.new(name=character.joint_names[joint])
        column = part.weights[:, joint]
        values, inverse = np.unique(column, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        edges = np.searchsorted(inverse[order], np.arange(len(values) + 1))
        for number, value in enumerate(values):  # one call for each distinct weight: Blender has no array call here
            if value > 0:
                group.add(order[edges[number] : edges[number + 1]].tolist(), float(value), "REPLACE")


def _shape_keys(mesh: Any, part: Part, vertices: Array, placement: Placement, limits: tuple[float, float]) -> None:
    if not part.shapes:
        return
    mesh.shape_key_add(name="Basis", from_mix=False)
    for shape in part.shapes:
        block = mesh.shape_key_add(name=shape.name, from_mix=False)
        points = vertices.copy()
        points[shape.indices] += shape.deltas @ placement.axes.T.astype(np.float32) * np.float32(placement.units)
        block.points.foreach_set("co", points.ravel())
        block.slider_min, block.slider_max = (0.0, 1.0) if shape.name.startswith(PREFIX) else limits
        block.value = 0.0  # some versions add shape keys at full strength
    mesh.data.update()
