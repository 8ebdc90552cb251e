"""Materials of the avatar: made once a file, shared by all avatars in it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..core.body import Body, Material
    from ..exporters.character import Part

_MARK = "declaim_material"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """What Blender is told beyond a body's plain materials."""

    inputs: dict[str, Any]  # of the Principled shader
    solid: tuple[float, float, float] | None = None  # linear, in Solid view, where no texture shows; None: its mean


_LOOKS = {
    "skin": Look(
        inputs={
            "Roughness": 0.5,
            "Specular IOR Level": 0.4,
            "Subsurface Weight": 0.12,
            "Subsurface Radius": (1.0, 0.35, 0.2),
            "Subsurface Scale": 0.008,
        },
        solid=(0.78, 0.5, 0.38),
    ),
    "top": Look(inputs={"Specular IOR Level": 0.2, "Sheen Weight": 0.15, "Sheen Roughness": 0.5}),
    "trousers": Look(inputs={"Specular IOR Level": 0.2, "Sheen Weight": 0.08, "Sheen Roughness": 0.5}),
    "eyes": Look(
        inputs={"Roughness": 0.25, "Coat Weight": 1.0, "Coat Roughness": 0.02, "Coat IOR": 1.38}, solid=(0.7, 0.66, 0.64)
    ),
    "shoes": Look(inputs={"Specular IOR Level": 0.35}, solid=(0.05, 0.03, 0.022)),
    "teeth": Look(inputs={"Roughness": 0.22, "Subsurface Weight": 0.1, "Subsurface Scale": 0.003}),
    "back_teeth": Look(inputs={"Specular IOR Level": 0.2}),
    "tongue": Look(inputs={"Roughness": 0.45, "Specular IOR Level": 0.3}),
    "mouth": Look(inputs={"Metallic": 0.0, "Roughness": 0.6, "Specular IOR Level": 0.05}),
    "hair": Look(inputs={"Roughness": 0.55, "Specular IOR Level": 0.3}),
    "lashes": Look(inputs={"Specular IOR Level": 0.1}),
}


# Solid view shows no textures: there, iris and pupil are materials of their own, else the eyes are blind and no gaze shows.
# name, radius in the eyes' texture, linear colour; each a copy of the eyes' material otherwise
_EYE_RINGS = (("iris", 0.24, (0.16, 0.07, 0.025)), ("pupil", 0.125, (0.004, 0.003, 0.003)))


def materials_of(body: Body) -> Callable[[Material], bpy.types.Material]:
    """Finds or makes the Blender material of each of the body's."""

    @functools.cache
    def material_of(row: Material) -> bpy.types.Material:
        key = f"{row.name} {body.sha256[:12]}"
        if found := _found(key):
            return found
        for name, _, colour in _EYE_RINGS:
            if row.name == name:
                return _ring(material_of(dataclasses.replace(row, name="eyes")), name, key, colour)
        return _made(row, key)

    return material_of


def with_irises(part: Part) -> Part:
    """The eyes with iris and pupil as materials of their own; any other part as it is."""
    import numpy as np

    if part.name != "eyes" or part.corner_uvs is None or len(part.materials) != 1:
        return part
    radii = np.linalg.norm(part.corner_uvs - 0.5, axis=2).max(axis=1)  # whole rings of triangles, or edges would fray
    numbers = np.zeros(len(radii), np.int32)
    for number, (_, radius, _) in enumerate(_EYE_RINGS, start=1):
        numbers[radii < radius] = number
    white = part.materials[0]
    rings = (dataclasses.replace(white, name=name) for name, _, _ in _EYE_RINGS)
    return dataclasses.replace(part, materials=(white, *rings), material_of=numbers)


def _ring(white: bpy.types.Material, name: str, key: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    material = white.copy()
    material.name = f"Declaim {name.title()}"
    material[_MARK] = key
    material.diffuse_color = (*colour, 1.0)
    return material


def _found(key: str) -> bpy.types.Material | None:
    """The material of an avatar added before, whatever it is called now; a linked one belongs to its own file."""
    for material in bpy.data.materials:
        if material.library is None and material.get(_MARK) == key:
            return material
    return None


def _made(row: Material, key: str) -> bpy.types.Material:
    from ..exporters.blender_material import new_material

    material = new_material(row, f"Declaim {row.name.replace('_', ' ').title()}")
    material[_MARK] = key
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    look = _LOOKS.get(row.name, Look(inputs={}))
    for name, value in look.inputs.items():
        shader.inputs[name].default_value = value
    material.roughness, material.metallic = (shader.inputs[name].default_value for name in ("Roughness", "Metallic"))
    if look.solid is not None:
        material.diffuse_color = (*look.solid, 1.0)
    return material
