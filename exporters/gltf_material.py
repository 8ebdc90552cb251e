"""A body's materials as glTF's metallic-roughness materials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from .gltf_buffer import GlbBuffer
from .gltf_mesh import triangles_by_material

Array = NDArray[Any]


def materials(body: Body, buffer: GlbBuffer) -> dict[str, Any]:
    """The document's "materials" and, where the body has textures, "textures", "images" and "samplers"."""
    images: list[dict[str, Any]] = []
    rows = []
    for number, triangles in triangles_by_material(body).items():
        material = body.materials[number]
        surface: dict[str, Any] = {
            "baseColorFactor": [float(value) for value in material.base_color],
            "metallicFactor": float(material.metallic),
            "roughnessFactor": float(material.roughness),
        }
        if material.texture is not None and body.corner_uvs is not None:
            surface["baseColorTexture"] = {"index": len(images)}
            images.append({"name": material.name, "mimeType": "image/png", "bufferView": buffer.view(material.texture)})
        row: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": surface}
        if material.base_color[3] < 1:
            row["alphaMode"] = "BLEND"
        if _is_open(body.triangles[triangles]):
            row["doubleSided"] = True
        rows.append(row)
    document: dict[str, Any] = {"materials": rows} if rows else {}
    if images:
        document["images"] = images
        document["textures"] = [{"sampler": 0, "source": index} for index in range(len(images))]
        document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
    return document


def _is_open(triangles: Array) -> bool:
    """Whether both sides of the surface may be seen: sheets such as lashes and hair, whose edges lie bare."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges @ [1 << 32, 1], return_counts=True)
    return bool((counts == 1).mean() > 0.02)
