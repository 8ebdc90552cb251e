"""A body's materials as glTF's metallic-roughness materials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from .gltf_buffer import GlbBuffer
from .gltf_mesh import triangles_by_material

Array = NDArray[Any]
JPEG = b"\xff\xd8"  # how the file begins; a texture is that or a PNG
_SHEET = 0.1  # share of triangles with a bare edge from which a surface is a sheet, such as lashes, seen from both sides


def materials(body: Body, buffer: GlbBuffer) -> dict[str, Any]:
    """The document's "materials" and, where the body has textures, "textures", "images" and "samplers"."""
    images: list[dict[str, Any]] = []
    places: dict[bytes, int] = {}  # materials may share a picture
    rows = []
    bare = _bare(body.triangles)
    for number, triangles in triangles_by_material(body).items():
        material = body.materials[number]
        surface: dict[str, Any] = {
            "baseColorFactor": [float(value) for value in material.base_color],
            "metallicFactor": float(material.metallic),
            "roughnessFactor": float(material.roughness),
        }
        if material.texture is not None and body.corner_uvs is not None:
            if material.texture not in places:
                places[material.texture] = len(images)
                kind = "image/jpeg" if material.texture.startswith(JPEG) else "image/png"
                images.append({"name": material.name, "mimeType": kind, "bufferView": buffer.view(material.texture)})
            surface["baseColorTexture"] = {"index": places[material.texture]}
        row: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": surface}
        if material.base_color[3] < 1:
            row["alphaMode"] = "BLEND"
        if bare[triangles].mean() > _SHEET:
            row["doubleSided"] = True
        rows.append(row)
    document: dict[str, Any] = {"materials": rows} if rows else {}
    if images:
        document["images"] = images
        document["textures"] = [{"sampler": 0, "source": index} for index in range(len(images))]
        document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
    return document


def _bare(triangles: Array) -> Array:
    """(F,) whether a triangle has an edge that no other triangle shares."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].astype(np.int64), axis=-1) @ [1 << 32, 1]
    _, inverse, counts = np.unique(edges, return_inverse=True, return_counts=True)
    return np.asarray((counts[inverse].reshape(-1, 3) == 1).any(axis=1))
