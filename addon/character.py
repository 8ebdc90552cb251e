"""Which armatures can perform, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.retarget import RigRest

_NAMED = 4  # missing bones that a sentence names; the rest are counted


def problem(rig: bpy.types.Object | None) -> str:
    """Why ``rig`` cannot perform and what to do, in one sentence; empty if it can. Cheap: for polls and panels."""
    if rig is None:
        return rpt_("Choose a character: select its armature, or add the built-in avatar")
    if rig.type != "ARMATURE":
        return rpt_('"{name}" is no armature: select the armature of the character').format(name=rig.name)
    if rig.library is not None:
        return rpt_('"{name}" is linked from another file: choose Object > Library Override > Make').format(name=rig.name)
    if rig.override_library is not None and rig.override_library.is_system_override:
        return rpt_('"{name}" is an override that is not editable: choose Library Override > Make in the Outliner').format(
            name=rig.name
        )
    if rig.mode == "EDIT" or rig.data.is_editmode:
        return rpt_('"{name}" is in edit mode: leave it with Tab').format(name=rig.name)
    from ..core.rig_names import missing

    if lost := missing(rig.data.bones.keys()):
        names = ", ".join(lost[:_NAMED])
        if len(lost) > _NAMED:
            names = rpt_("{names} and {number} more").format(names=names, number=len(lost) - _NAMED)
        return rpt_('"{name}" has no bones named {bones}: choose an armature with SMPL-X joint names').format(
            name=rig.name, bones=names
        )
    return ""


def rest_of(rig: bpy.types.Object) -> RigRest:
    """The rest pose of ``rig``. Raises InputError where it cannot perform."""
    import numpy as np

    from ..core.retarget import RigRest
    from ..core.rig_names import joints_of

    if reason := problem(rig):
        raise InputError(f"{reason}.")
    bones = list(in_order(rig.data.bones))
    names = [bone.name for bone in bones]
    place = {name: number for number, name in enumerate(names)}
    parents = tuple(place[bone.parent.name] if bone.parent else -1 for bone in bones)
    joints = joints_of(names)
    mover = joints.index(0)
    while bones[mover].use_connect and parents[mover] >= 0:
        mover = parents[mover]  # Blender passes over the location of a bone that is joined to its parent
    scale = rig.matrix_world.to_scale()
    return RigRest(
        bones=tuple(names),
        parents=parents,
        matrices=np.array([np.array(bone.matrix_local) for bone in bones], dtype=np.float64),
        joints=joints,
        unit=float(abs(scale.x * scale.y * scale.z) ** (1 / 3)) or 1.0,
        modes=tuple(rig.pose.bones[name].rotation_mode for name in names),
        inherits=tuple(bone.use_inherit_rotation for bone in bones),
        mover=mover,
        mover_axes=None if bones[mover].use_local_location else np.eye(3),
    )


def face_meshes(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """Meshes of ``rig`` with shape keys: its children, and those that an armature modifier binds to it; sorted by name."""
    family = set(rig.children_recursive)
    found = []
    for mesh in bpy.data.objects:
        if mesh.type != "MESH" or mesh.data.shape_keys is None:
            continue
        if mesh in family or any(m.type == "ARMATURE" and m.object == rig for m in mesh.modifiers):
            found.append(mesh)
    return sorted(found, key=lambda mesh: mesh.name)


def face_keys(rig: bpy.types.Object) -> list[bpy.types.Key]:
    """Shape keys of ``rig``'s meshes that can be animated, each once: those of this file."""
    return list(dict.fromkeys(mesh.data.shape_keys for mesh in face_meshes(rig) if mesh.data.shape_keys.library is None))


def free_faces(rig: bpy.types.Object) -> list[str]:
    """Make shape keys of an overridden rig animatable where they are still linked, by overriding their mesh data.

    An override of an object leaves its mesh linked, and with it the shapes. A sentence for each mesh about what was done.
    """
    notes = []
    for mesh in face_meshes(rig):
        if mesh.library is not None or mesh.data.shape_keys.library is None:
            continue
        if mesh.data.override_create(remap_local_usages=True) is not None:
            said = rpt_('The mesh data of "{name}" became a library override, so that its face can move.')
        else:
            said = rpt_('The face of "{name}" stays: its shapes are linked. Make its mesh data local.')
        notes.append(said.format(name=mesh.name))
    return notes


def has_shape(keys: Iterable[bpy.types.Key], path: str) -> bool:
    """Whether any of ``keys`` has the shape whose value is at ``path``."""
    return any(shape_of(path) in key.key_blocks for key in keys)


def bone_of(path: str) -> str:
    """The bone whose channel is at ``path``: pose.bones["head"].rotation_quaternion."""
    return str(bpy.utils.unescape_identifier(path.removeprefix('pose.bones["').rpartition('"].')[0]))


def shape_of(path: str) -> str:
    """The shape key whose value is at ``path``: key_blocks["jawOpen"].value."""
    return str(bpy.utils.unescape_identifier(path.removeprefix('key_blocks["').removesuffix('"].value')))


def shape_names(rig: bpy.types.Object) -> tuple[str, ...]:
    """Names of all shape keys of ``rig``'s meshes that a take may move, each once: not the basis, and not correctives that
    the rig's own drivers bring in."""
    from ..core.correctives import PREFIX

    names: dict[str, None] = {}
    for mesh in face_meshes(rig):
        keys = mesh.data.shape_keys
        driven = {curve.data_path for curve in keys.animation_data.drivers} if keys.animation_data else set()
        for block in keys.key_blocks:
            by_rig = block.name.startswith(PREFIX) and block.path_from_id("value") in driven
            if block != keys.reference_key and not by_rig:
                names[block.name] = None
    return tuple(names)


def betas(rig: bpy.types.Object) -> tuple[float, ...]:
    """The body shape of a built-in avatar, as it was added or by its shape keys; empty where it has none."""
    if "declaim_betas" in rig:
        return tuple(float(value) for value in rig["declaim_betas"])
    from ..core.body import builtin_body

    wanted = builtin_body().shape_names
    values: dict[str, float] = {}
    for mesh in face_meshes(rig):
        for block in mesh.data.shape_keys.key_blocks:
            if block.name in wanted:
                values.setdefault(block.name, block.value)
    return tuple(values.get(name, 0.0) for name in wanted) if values else ()


def in_order(bones: bpy.types.bpy_prop_collection) -> Iterator[bpy.types.Bone]:
    """Parents before their children, otherwise as they are listed."""
    waiting = [bone for bone in reversed(bones) if bone.parent is None]
    while waiting:
        bone = waiting.pop()
        yield bone
        waiting += reversed(bone.children)
