"""A body's surface as glTF meshes: primitives by material, skin influences, morph targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Blendshape, Body
from ..core.correctives import Corrective
from .gltf_buffer import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuffer, index_type

Array = NDArray[Any]
_DROPPED = 2e-5  # skin weight that may be left out: at half a metre between two bones' ideas of a vertex, 0.01 mm


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """A body at rest, ready for vertex buffers. W vertices: the body's, doubled along texture seams."""

    source: Array  # (W,) the body's vertex
    points: Array  # (W, 3) float32, m
    normals: Array  # (W, 3) float32
    uvs: Array | None  # (W, 2) float32, v down as glTF has it
    triangles: Array  # (F, 3) into the W vertices
    joints: Array  # (W, 4k) uint8, the strongest first
    weights: Array  # (W, 4k) float32, rows summing to one
    morphs: tuple[Morph, ...]
    face: int  # so many of them, the first, are the face's; the others are correctives


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Morph:
    """A morph target, stored where it moves points or turns normals. Indices are the body's vertices, ascending."""

    name: str
    indices: Array  # (n,)
    points: Array  # (n, 3) float32, m
    normals: Array  # (n, 3) float32


def surface(body: Body, betas: Array, shapes: Sequence[Blendshape | Corrective], face: int) -> Surface:
    """``body`` with ``betas`` baked in and ``shapes`` as its morph targets; the first ``face`` of them are the face's."""
    split = body.split
    points = body.shaped(betas).astype(np.float32)
    crosses = _crosses(points, body.triangles)
    sums = _corner_sums(crosses, body.triangles, len(points))
    normals = _directions(sums)
    joints, weights = influences(body.weights)
    return Surface(
        source=split.vertices,
        points=points[split.vertices],
        normals=normals[split.vertices],
        uvs=None if body.corner_uvs is None else (split.uvs * [1, -1] + [0, 1]).astype(np.float32),
        triangles=split.triangles,
        joints=joints[split.vertices],
        weights=weights[split.vertices],
        morphs=tuple(_morph(shape, points, body.triangles, crosses, sums, normals) for shape in shapes),
        face=face,
    )


def triangles_by_material(body: Body) -> dict[int, Array]:
    """For each material that has any, in order, the rows of its triangles. Only these materials go into the file."""
    used = sorted({part.material for part in body.parts if part.count})
    return {
        material: np.concatenate([np.arange(p.start, p.start + p.count) for p in body.parts if p.material == material])
        for material in used
    }


def influences(weights: Array) -> tuple[Array, Array]:
    """The strongest joints of each vertex, (V, 4k) uint8, and their weights, (V, 4k) float32, that sum to one.

    ``weights`` (V, 55). k is one, or as many sets of four as it takes to leave out no more than 2e-5 of any vertex.
    """
    order = np.argsort(-weights, axis=1, kind="stable")
    ranked = np.take_along_axis(weights, order, axis=1).astype(np.float64)
    count = 4
    while ranked[:, count:].sum(axis=1).max(initial=0) > _DROPPED:
        count += 4
    ranked = ranked[:, :count]
    kept = (ranked / ranked.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.where(kept > 0, order[:, :count], 0).astype(np.uint8), kept


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mesh:
    """A glTF mesh and which of the surface's morphs are its morph targets."""

    document: dict[str, Any]
    morphs: tuple[int, ...]


def meshes(body: Body, surface: Surface, buffer: GlbBuffer) -> list[Mesh]:
    """The glTF meshes: "Face", whose materials the face's shapes move, and "Body", the rest, if there is any.

    A morph target costs memory for every vertex of its mesh in most engines; so the face's shapes, all of them in their
    order, are kept to what moves with the face, and behind them stand the correctives that move any of that mesh.
    """
    moving = np.zeros((len(surface.morphs), len(body.template)), dtype=bool)
    for row, morph in zip(moving, surface.morphs):
        row[morph.indices] = True
    kinds: dict[bool, list[tuple[int, Array]]] = {False: [], True: []}
    for material, rows in enumerate(triangles_by_material(body).values()):
        triangles = surface.triangles[rows]
        kinds[bool(moving[: surface.face, surface.source[triangles]].any())].append((material, triangles))
    found = []
    for has_face, primitives in kinds.items():
        if not primitives:
            continue
        touched = moving[:, surface.source[np.concatenate([rows for _, rows in primitives])]].any(axis=(1, 2))
        morphs = tuple(number for number in range(len(moving)) if touched[number] or (has_face and number < surface.face))
        chosen = tuple(surface.morphs[number] for number in morphs)
        document: dict[str, Any] = {
            "name": "Face" if has_face and kinds[False] else "Body",
            "primitives": [_primitive(surface, rows, material, chosen, buffer) for material, rows in primitives],
        }
        if chosen:
            document["weights"] = [0.0] * len(chosen)
            document["extras"] = {"targetNames": [morph.name for morph in chosen]}
        found.append(Mesh(document=document, morphs=morphs))
    return found


def _primitive(
    surface: Surface, triangles: Array, material: int, morphs: tuple[Morph, ...], buffer: GlbBuffer
) -> dict[str, Any]:
    used, corners = np.unique(triangles, return_inverse=True)
    kind = index_type(len(used))
    attributes = {
        "POSITION": buffer.accessor(surface.points[used], "VEC3", target=ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.accessor(surface.normals[used], "VEC3", target=ARRAY_BUFFER),
    }
    if surface.uvs is not None:
        attributes["TEXCOORD_0"] = buffer.accessor(surface.uvs[used], "VEC2", target=ARRAY_BUFFER)
    # Only where a vertex of this primitive needs them: the first four are all that some engines read.
    for number in range(int(np.flatnonzero(surface.weights[used].any(axis=0)).max()) // 4 + 1):
        four = slice(4 * number, 4 * number + 4)
        attributes[f"JOINTS_{number}"] = buffer.accessor(surface.joints[used, four], "VEC4", target=ARRAY_BUFFER)
        attributes[f"WEIGHTS_{number}"] = buffer.accessor(surface.weights[used, four], "VEC4", target=ARRAY_BUFFER)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": buffer.accessor(corners.astype(kind), "SCALAR", target=ELEMENT_ARRAY_BUFFER),
        "material": material,
    }
    if morphs:
        primitive["targets"] = _targets(morphs, surface.source[used], kind, buffer)
    return primitive


def _targets(morphs: tuple[Morph, ...], source: Array, kind: Any, buffer: GlbBuffer) -> list[dict[str, int]]:
    """The morph targets over the vertices whose body vertex is ``source``.

    Those that move none of them share one array of zeros. The format would allow an accessor without data there, but
    Unity's importers fail on it (glTFast, issue 24; UnityGLTF, pull request 900).
    """
    zeros = -1
    targets = []
    for morph in morphs:
        row = np.minimum(np.searchsorted(morph.indices, source), len(morph.indices) - 1)
        here = np.flatnonzero(morph.indices[row] == source) if len(morph.indices) else row[:0]
        if not len(here):
            if zeros < 0:
                nothing = np.zeros((len(source), 3), np.float32)
                zeros = buffer.accessor(nothing, "VEC3", target=ARRAY_BUFFER, bounds=True)
            targets.append({"POSITION": zeros, "NORMAL": zeros})
            continue
        indices, rows = here.astype(kind), row[here]
        view = buffer.view(indices.tobytes())
        position = buffer.sparse(len(source), view, indices, morph.points[rows], bounds=True)
        targets.append({"POSITION": position, "NORMAL": buffer.sparse(len(source), view, indices, morph.normals[rows])})
    return targets


def _morph(
    shape: Blendshape | Corrective, points: Array, triangles: Array, crosses: Array, sums: Array, normals: Array
) -> Morph:
    """``shape`` with the change of the normals that it brings, on its vertices and their neighbours."""
    moved = points.copy()
    moved[shape.indices] += shape.deltas
    touched = np.zeros(len(points), dtype=bool)
    touched[shape.indices] = True
    faces = np.flatnonzero(touched[triangles].any(axis=1))
    change = _corner_sums(_crosses(moved, triangles[faces]) - crosses[faces], triangles[faces], len(points))
    touched[triangles[faces]] = True
    indices = np.flatnonzero(touched)
    turned = _directions(sums[indices] + change[indices]) - normals[indices]
    deltas = (moved - points)[indices]
    return Morph(name=shape.name, indices=indices, points=deltas, normals=turned.astype(np.float32))


def _crosses(points: Array, triangles: Array) -> Array:
    a, b, c = (points[triangles[:, corner]].astype(np.float64) for corner in range(3))
    return np.asarray(np.cross(b - a, c - a))


def _corner_sums(values: Array, triangles: Array, vertices: int) -> Array:
    """(V, 3): for each vertex the sum of ``values`` (F, 3) over its triangles."""
    corners = triangles.reshape(-1)
    columns = [np.bincount(corners, np.repeat(values[:, axis], 3), minlength=vertices) for axis in range(3)]
    return np.stack(columns, axis=-1)


def _directions(sums: Array) -> Array:
    """Unit vectors, float32; upwards where the triangles around a vertex have no area, for glTF allows no zero normal."""
    length = np.linalg.norm(sums, axis=-1, keepdims=True)
    found = np.where(length > 1e-20, sums / np.maximum(length, 1e-20), [0.0, 1.0, 0.0])
    return np.asarray(found, dtype=np.float32)
