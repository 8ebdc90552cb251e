"""The avatar's body shape: sliders that reshape all its parts at once, and bones that follow when asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..core.body import Body
    from ..exporters.character import Character, Shape

BETAS = "declaim_betas"
"""On the armature object: the shape that its bones are in; takes are made for it. On the armature's data: the shape that the
meshes' basis is in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slider:
    """A direction of the body's shape."""

    shape: str  # the body's name of it: a shape key on every part and a custom property of the armature
    prop: str  # of the operator that adds an avatar
    label: str
    low: float  # of what is added to the shape that was chosen
    high: float
    description: str


SLIDERS = (
    Slider(shape="man to woman", prop="man_to_woman", label="Woman", low=-2, high=2, description="From man to woman"),
    Slider(shape="height", prop="height", label="Height", low=-3, high=3, description="About 5 cm of height for each"),
    Slider(shape="weight", prop="weight", label="Weight", low=-2, high=2, description="From slim to heavy"),
    Slider(shape="muscle", prop="muscle", label="Muscle", low=-2, high=2, description="From soft to muscular"),
    Slider(shape="age", prop="age", label="Age", low=0, high=3, description="From grown-up to old"),
    Slider(
        shape="proportions",
        prop="proportions",
        label="Proportions",
        low=-2,
        high=2,
        description="From everyday to ideal proportions",
    ),
    Slider(shape="bust", prop="bust", label="Bust", low=-2, high=2, description="Size of the bust"),
    Slider(
        shape="African ancestry",
        prop="african_ancestry",
        label="African Ancestry",
        low=-1,
        high=2,
        description="Bones and features; the skin's colour stays",
    ),
    Slider(
        shape="Asian ancestry",
        prop="asian_ancestry",
        label="Asian Ancestry",
        low=-1,
        high=2,
        description="Bones and features; the skin's colour stays",
    ),
    Slider(shape="teenage", prop="teenage", label="Teenage", low=0, high=2, description="From grown-up to teenage"),
)


def betas_of(shape: str, added: Mapping[str, float]) -> tuple[float, ...]:
    """The named shape with what the sliders, by their ``prop``, add to it."""
    from ..core.shapes import SHAPES

    base = SHAPES[shape]
    return tuple(
        (base[number] if number < len(base) else 0.0) + added.get(slider.prop, 0.0) for number, slider in enumerate(SLIDERS)
    )


def shaped_character(
    body: Body, betas: tuple[float, ...], name: str, stands_as: tuple[float, ...] | None = None
) -> Character:
    """``body`` in the shape ``betas``, its soles on the floor, with expressions and body shape among its shapes.

    ``stands_as``: the shape that stood on the floor before sliders made ``betas`` of it; it has the same height above it
    as the meshes have then, to a hair.
    """
    from ..exporters.character import Character

    soles = _soles(body, stands_as or betas)
    character = Character.shaped(body, betas, _more_shapes(body, soles))
    floor = float(body.shaped(stands_as or betas)[soles, 1].min())
    if stands_as is not None:
        floor += float((body.shaped(betas) - body.shaped(stands_as))[soles, 1].mean())
    up = (0.0, -floor, 0.0)
    parts = tuple(
        dataclasses.replace(part, vertices=(part.vertices + up).astype(part.vertices.dtype)) for part in character.parts
    )
    return dataclasses.replace(character, name=name, parts=parts, joints=character.joints + up)


def _soles(body: Body, betas: tuple[float, ...]) -> Any:
    """Indices of the vertices that touch the ground."""
    import numpy as np

    heights = body.shaped(betas)[:, 1]
    return np.flatnonzero(heights < heights.min() + 0.003)


def _more_shapes(body: Body, soles: Any) -> list[Shape]:
    import numpy as np

    from ..exporters.character import Shape

    every = np.arange(len(body.template), dtype=np.int32)
    found = [
        Shape(name=f"expression_{number:02d}", indices=every, deltas=body.expression_dirs[..., number])
        for number in range(body.expression_dirs.shape[2])
    ]
    for number, name in enumerate(body.shape_names):
        deltas = body.shape_dirs[..., number].copy()
        deltas[:, 1] -= deltas[soles, 1].mean()  # whoever grows, grows up from the floor
        found.append(Shape(name=name, indices=every, deltas=deltas))
    return found


def add_sliders(rig: bpy.types.Object, meshes: tuple[bpy.types.Object, ...], betas: tuple[float, ...]) -> None:
    """A custom property of ``rig`` for each direction, zero as added, that drives the shape keys of every part."""
    rig[BETAS] = rig.data[BETAS] = betas
    for slider in SLIDERS:
        rig[slider.shape] = 0.0
        rig.id_properties_ui(slider.shape).update(
            min=slider.low, max=slider.high, default=0.0, description=slider.description, precision=2
        )
        rig.property_overridable_library_set(f'["{slider.shape}"]', True)
        for mesh in meshes:
            block = mesh.data.shape_keys and mesh.data.shape_keys.key_blocks.get(slider.shape)
            if block is not None:
                block.slider_min, block.slider_max = slider.low, slider.high
                _drive(block, rig, slider.shape)


def _drive(block: bpy.types.ShapeKey, rig: bpy.types.Object, name: str) -> None:
    driver = block.driver_add("value").driver
    driver.type = "SUM"  # no expression: works where Blender runs no scripts
    variable = driver.variables.new()
    variable.type = "SINGLE_PROP"
    variable.targets[0].id = rig
    variable.targets[0].data_path = f'["{name}"]'


def betas_now(rig: bpy.types.Object) -> tuple[float, ...]:
    """The shape that the sliders have given the meshes."""
    base = rig.data[BETAS]
    return tuple(float(base[number]) + float(rig.get(slider.shape, 0.0)) for number, slider in enumerate(SLIDERS))


def bones_fit(rig: bpy.types.Object) -> bool:
    """Whether the bones are in the shape that the sliders have given the meshes."""
    return BETAS not in rig.data or all(abs(a - b) < 1e-4 for a, b in zip(rig[BETAS], betas_now(rig)))


def draw(layout: bpy.types.UILayout, rig: bpy.types.Object) -> None:
    """The sliders of a built-in avatar, and the button that brings its bones after them."""
    column = layout.column(align=True)
    for slider in SLIDERS:
        if slider.shape in rig:
            column.prop(rig, f'["{slider.shape}"]', text=slider.label, slider=True)
    row = layout.row()
    row.alert = not bones_fit(rig)
    row.operator("declaim.fit_bones", icon="ARMATURE_DATA")
