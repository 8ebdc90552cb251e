"""The small npz that the built-in body ships in: sparse weights, shapes and regressor, displacements in 16 bits."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body import Blendshape, Body, BodyPart, Material
from .body_arrays import Arrays, indices, write_npz
from .correctives import Corrective
from .skeleton import JOINT_COUNT

Array = NDArray[Any]
_LANDMARKS = 51
_WEIGHT_STEPS = 65535


def write_compact(body: Body, path: Path) -> None:
    """Write ``body`` in the compact layout: weights, face shapes and regressor sparse, displacements in 16 bits.

    Rounding: displacements to 1/32767 of each direction's largest, weights to 1/65535, texture places to 1/65535.
    """
    rows, joints = np.nonzero(body.weights)
    regressor_rows, regressor_columns = np.nonzero(body.joint_regressor)
    corners = body.triangles.reshape(-1)
    assert body.corner_uvs is not None
    uvs, uv_index = np.unique(
        np.round(body.corner_uvs.reshape(-1, 2) * 65535).astype(np.uint16), axis=0, return_inverse=True
    )
    faces = [_quantised(shape.deltas) for shape in body.blendshapes]
    expressions = [_sparse(body.expression_dirs[..., k]) for k in range(body.expression_dirs.shape[2])]
    expression_values = [_quantised(deltas) for _, deltas in expressions]
    correctives = [_quantised(shape.deltas) for shape in body.correctives]
    shapes = [_quantised(body.shape_dirs[..., k]) for k in range(body.shape_dirs.shape[2])]
    index = np.uint16 if len(body.template) < 2**16 else np.uint32
    document = {
        "id": body.id,
        "parts": [[part.name, part.material, part.start, part.count] for part in body.parts],
        "materials": [_material_row(material) for material in body.materials],
        "shape_names": list(body.shape_names),
        "blendshape_names": [shape.name for shape in body.blendshapes],
        "correctives": [_corrective_row(corrective) for corrective in body.correctives],
    }
    write_npz(
        path,
        {
            "declaim_body": np.array(1),
            "document": np.frombuffer(json.dumps(document, sort_keys=True).encode(), np.uint8),
            "template": body.template.astype(np.float32),
            "triangles": corners.reshape(-1, 3).astype(index),
            "weight_counts": np.bincount(rows, minlength=len(body.template)).astype(np.uint8),
            "weight_joints": joints.astype(np.uint8),
            "weight_values": np.round(body.weights[rows, joints] * _WEIGHT_STEPS).astype(np.uint16),
            "shape_values": np.stack([values for values, _ in shapes]),
            "shape_scales": np.array([scale for _, scale in shapes], np.float32),
            "regressor_counts": np.bincount(regressor_rows, minlength=JOINT_COUNT).astype(np.uint16),
            "regressor_vertices": regressor_columns.astype(index),
            "regressor_values": body.joint_regressor[regressor_rows, regressor_columns].astype(np.float32),
            "landmark_triangles": body.landmark_triangles.astype(np.int32),
            "landmark_barycentric": body.landmark_barycentric.astype(np.float32),
            "uvs": uvs,
            "uv_corners": uv_index.reshape(-1, 3).astype(np.uint16 if len(uvs) < 2**16 else np.uint32),
            **_packed("blendshape", [shape.indices for shape in body.blendshapes], faces, index),
            **_packed("expression", [rows for rows, _ in expressions], expression_values, index),
            **_packed("corrective", [shape.indices for shape in body.correctives], correctives, index),
        },
    )


def _packed(name: str, places: list[Array], values: list[tuple[Array, float]], index: Any) -> dict[str, Array]:
    return {
        f"{name}_counts": np.array([len(rows) for rows in places], np.int32),
        f"{name}_vertices": np.concatenate([np.zeros(0, index), *(rows.astype(index) for rows in places)]),
        f"{name}_values": np.concatenate([np.zeros((0, 3), np.int16), *(rows for rows, _ in values)]),
        f"{name}_scales": np.array([scale for _, scale in values], np.float32),
    }


def _unpacked(arrays: Arrays, name: str) -> Iterable[tuple[Array, Array]]:
    counts = arrays.take(f"{name}_counts", (None,), np.int64)
    vertices = arrays.take(f"{name}_vertices", (None,), np.int32)
    values = arrays.take(f"{name}_values", (None, 3), np.float32)
    scales = arrays.take(f"{name}_scales", (len(counts),))
    ends = np.cumsum(counts)
    for start, end, scale in zip(ends - counts, ends, scales):
        yield vertices[start:end], values[start:end] * scale


def _quantised(deltas: Array) -> tuple[Array, float]:
    scale = float(np.float32(np.abs(deltas).max() / 32767)) if deltas.size and deltas.any() else 1.0
    return np.round(deltas / scale).astype(np.int16), scale


def _sparse(deltas: Array) -> tuple[Array, Array]:
    moving = np.flatnonzero(np.abs(deltas).max(axis=1) > 2e-6)
    return moving, deltas[moving]


def _material_row(material: Material) -> list[Any]:
    texture = None if material.texture is None else base64.b64encode(material.texture).decode()
    return [material.name, list(material.base_color), material.roughness, material.metallic, texture]


def read_compact(arrays: Arrays, path: Path, sha256: str) -> Body:
    """The body in ``arrays``, those of the file ``path``. Raises BodyError."""
    document = json.loads(arrays.take("document", (None,), np.uint8).tobytes())
    template = arrays.take("template", (None, 3))
    count = len(template)
    triangles = indices(arrays.take("triangles", (None, 3), np.int64), count, "triangles", path)
    weights = np.zeros((count, JOINT_COUNT), np.float32)
    rows = np.repeat(np.arange(count), arrays.take("weight_counts", (count,), np.int64))
    weights[rows, arrays.take("weight_joints", (len(rows),), np.int64)] = arrays.take("weight_values", (len(rows),))
    weights /= weights.sum(axis=1, keepdims=True)
    regressor = np.zeros((JOINT_COUNT, count), np.float32)
    rows = np.repeat(np.arange(JOINT_COUNT), arrays.take("regressor_counts", (JOINT_COUNT,), np.int64))
    regressor[rows, arrays.take("regressor_vertices", (len(rows),), np.int64)] = arrays.take(
        "regressor_values", (len(rows),)
    )
    scales = arrays.take("shape_scales", (None,))
    shape_dirs = arrays.take("shape_values", (len(scales), count, 3)) * scales[:, None, None]
    expressions = list(_unpacked(arrays, "expression"))
    expression_dirs = np.zeros((len(expressions), count, 3), np.float32)
    for dense, (vertices, deltas) in zip(expression_dirs, expressions):
        dense[vertices] = deltas
    shapes = zip(document["blendshape_names"], _unpacked(arrays, "blendshape"))
    uvs = arrays.take("uvs", (None, 2)) / np.float32(65535)
    return Body(
        id=document["id"],
        sha256=sha256,
        face="blendshapes",
        template=template,
        triangles=triangles,
        weights=weights,
        shape_dirs=np.ascontiguousarray(np.moveaxis(shape_dirs, 0, -1)),
        expression_dirs=np.ascontiguousarray(np.moveaxis(expression_dirs, 0, -1)),
        pose_dirs=None,
        joint_regressor=regressor,
        blendshapes=tuple(Blendshape(name=name, indices=vertices, deltas=deltas) for name, (vertices, deltas) in shapes),
        landmark_triangles=arrays.take("landmark_triangles", (_LANDMARKS,), np.int32),
        landmark_barycentric=arrays.take("landmark_barycentric", (_LANDMARKS, 3)),
        parts=tuple(BodyPart(name=n, material=m, start=s, count=c) for n, m, s, c in document["parts"]),
        materials=tuple(_material(row) for row in document["materials"]),
        corner_uvs=uvs[arrays.take("uv_corners", (len(triangles), 3), np.int64)],
        shape_names=tuple(document["shape_names"]),
        correctives=_correctives(document.get("correctives", ()), arrays, count, path),
    )


def _corrective_row(corrective: Corrective) -> list[Any]:
    driver = (corrective.driver, list(corrective.axis), list(corrective.towards), corrective.start, corrective.full)
    return [corrective.name, corrective.joint, *driver]


def _correctives(rows: Iterable[list[Any]], arrays: Arrays, count: int, path: Path) -> tuple[Corrective, ...]:
    """None in a file that was written before there were any."""
    found = []
    for row, (vertices, deltas) in zip(rows, _unpacked(arrays, "corrective") if rows else ()):
        name, joint, driver, axis, towards, start, full = row
        found.append(
            Corrective(
                name=name,
                joint=joint,
                driver=driver,
                axis=(axis[0], axis[1], axis[2]),
                towards=(towards[0], towards[1], towards[2]),
                start=start,
                full=full,
                indices=indices(vertices, count, "corrective_vertices", path),
                deltas=deltas,
            )
        )
    return tuple(found)


def _material(row: list[Any]) -> Material:
    name, color, roughness, metallic, texture = row
    return Material(
        name=name,
        base_color=(color[0], color[1], color[2], color[3]),
        roughness=roughness,
        metallic=metallic,
        texture=None if texture is None else base64.b64decode(texture),
    )
