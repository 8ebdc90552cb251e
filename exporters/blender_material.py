"""A body's materials as Blender's, textures inside the file. Runs inside Blender 4.2 to 5.2."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..core.body import Material
from .gltf_material import JPEG


def new_material(row: Material, name: str) -> Any:
    """``row`` as a material ``name`` with nodes, in colours that Solid view shows too."""
    import bpy

    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.diffuse_color = row.base_color
    material.roughness, material.metallic = row.roughness, row.metallic
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = row.base_color
    shader.inputs["Roughness"].default_value = row.roughness
    shader.inputs["Metallic"].default_value = row.metallic
    if row.base_color[3] < 1:
        shader.inputs["Alpha"].default_value = row.base_color[3]
    if row.texture is not None:
        image = material.node_tree.nodes.new("ShaderNodeTexImage")
        image.image = _packed_image(name, row.texture, row.base_color[:3])
        image.location = (-300.0, 300.0)
        material.node_tree.links.new(image.outputs["Color"], shader.inputs["Base Color"])
        material.node_tree.nodes.active = image  # what Solid view shows where it shows textures
        material.diffuse_color = (*_average(image.image), row.base_color[3])  # and where it does not
    return material


def _packed_image(name: str, content: bytes, colour: tuple[float, ...]) -> Any:
    """The texture inside the file, times ``colour`` (linear): exporters follow no node between image and shader."""
    import bpy

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (f"{name}.jpg" if content.startswith(JPEG) else f"{name}.png")
        path.write_bytes(content)
        image = bpy.data.images.load(str(path))
        if min(colour) < 1:
            pixels = np.empty(image.size[0] * image.size[1] * image.channels, dtype=np.float32)
            image.pixels.foreach_get(pixels)
            encoded = pixels.reshape(-1, 4)[:, :3]
            linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4) * colour
            encoded[:] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
            image.pixels.foreach_set(pixels)
        image.pack()
    image.name = name
    return image


def _average(image: Any) -> tuple[float, float, float]:
    """The texture's mean colour, linear."""
    pixels = np.empty(image.size[0] * image.size[1] * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    encoded = pixels.reshape(-1, 4)[::7, :3]
    red, green, blue = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).mean(axis=0)
    return float(red), float(green), float(blue)
