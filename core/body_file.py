"""Body files: SMPL-X's npz, read and written, and the small npz that the built-in body ships in."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body import Blendshape, Body, BodyPart, Material
from .correctives import Corrective
from .errors import BodyError
from .files import replacing
from .skeleton import JOINT_COUNT, PARENTS

Array = NDArray[Any]
BUILTIN_PATH = Path(__file__).resolve().parent.parent / "assets" / "body" / "declaim.npz"
_SHAPE_COLUMNS = 300  # SMPL-X keeps expressions behind 300 shape directions; smaller files hold ten of each
_LANDMARKS = 51
_WEIGHT_STEPS = 65535
_PLAIN = Material(name="body", base_color=(0.45, 0.45, 0.48, 1.0), roughness=0.7)


@functools.lru_cache(maxsize=1)
def read_builtin() -> Body:
    """The built-in body, read once."""
    return read_body(BUILTIN_PATH)


def read_body(path: Path) -> Body:
    """A body from an .npz in SMPL-X layout, or in the compact layout of the built-in one. Raises BodyError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyError(
            f"The body {path} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Check the path and its permissions.",
        ) from None
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = _Arrays(archive, path)
            body = _compact(arrays, path, sha256) if "declaim_body" in archive else _smplx(arrays, path, sha256)
            return dataclasses.replace(body, path=path)
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError):
        # AttributeError and TypeError: numpy returned a bare array, as for an .npy.
        raise BodyError(
            f"{path} is not an npz body file.", hint="Give an .npz in SMPL-X layout, such as SMPLX_NEUTRAL.npz."
        ) from None


class _Arrays:
    """Arrays of an npz, checked one by one as they are taken."""

    def __init__(self, archive: Mapping[str, Any], path: Path) -> None:
        self._archive, self._path = archive, path

    def take(self, name: str, shape: tuple[int | None, ...], kind: Any = np.float32) -> Array:
        if name not in self._archive:
            raise BodyError(
                f"The body {self._path} has no array {name!r}.", hint="It is not a complete body file in SMPL-X layout."
            )
        try:
            array = np.asarray(self._archive[name])
        except ValueError:
            raise BodyError(
                f"The array {name!r} of the body {self._path} is pickled, and Declaim never unpickles.",
                hint="Save it again as a plain numeric array.",
            ) from None
        if array.dtype.kind not in "fiu":
            raise BodyError(
                f"The array {name!r} of the body {self._path} holds no numbers.", hint="Save it as a numeric array."
            )
        if len(array.shape) != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape)):
            wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
            raise BodyError(
                f"The array {name!r} of the body {self._path} has the shape {array.shape} where {wanted} is needed.",
                hint="Declaim reads bodies with SMPL-X's 55 joints.",
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BodyError(
                f"The array {name!r} of the body {self._path} has values that are not numbers.", hint="The file is damaged."
            )
        return array.astype(kind, copy=False)


def _smplx(arrays: _Arrays, path: Path, sha256: str) -> Body:
    template = arrays.take("v_template", (None, 3))
    count = len(template)
    triangles = _indices(arrays.take("f", (None, 3), np.int64), count, "f", path)
    parents = arrays.take("kintree_table", (2, JOINT_COUNT), np.int64)[0]
    if tuple(parents[1:]) != PARENTS[1:]:
        raise BodyError(
            f"The joints of the body {path} are not in SMPL-X's order.", hint="Declaim reads SMPL-X bodies only."
        )
    dirs = arrays.take("shapedirs", (count, 3, None))
    total = dirs.shape[2]
    if total < 20:
        raise BodyError(
            f"The array 'shapedirs' of the body {path} has {total} directions where at least 20 are needed.",
            hint="Ten for the shape and ten for the face.",
        )
    shape, expression = (
        (slice(0, 300), slice(300, None)) if total >= _SHAPE_COLUMNS + 100 else (slice(0, 10), slice(10, 20))
    )
    pose_dirs = arrays.take("posedirs", (count, 3, (JOINT_COUNT - 1) * 9))
    faces = _indices(arrays.take("lmk_faces_idx", (_LANDMARKS,), np.int64), len(triangles), "lmk_faces_idx", path)
    return Body(
        id=path.stem,
        sha256=sha256,
        face="expressions",
        template=template,
        triangles=triangles,
        weights=np.ascontiguousarray(arrays.take("weights", (count, JOINT_COUNT))),
        shape_dirs=np.ascontiguousarray(dirs[..., shape]),
        expression_dirs=np.ascontiguousarray(dirs[..., expression]),
        pose_dirs=np.ascontiguousarray(pose_dirs) if pose_dirs.any() else None,
        joint_regressor=arrays.take("J_regressor", (JOINT_COUNT, count)),
        blendshapes=(),
        landmark_triangles=faces,
        landmark_barycentric=arrays.take("lmk_bary_coords", (_LANDMARKS, 3)),
        parts=(BodyPart(name="body", material=0, start=0, count=len(triangles)),),
        materials=(_PLAIN,),
        corner_uvs=None,
    )


def _indices(values: Array, limit: int, name: str, path: Path) -> Array:
    if values.size == 0 or values.min() < 0 or values.max() >= limit:
        raise BodyError(f"The array {name!r} of the body {path} points outside the mesh.", hint="The file is damaged.")
    return values.astype(np.int32)


def export_dense(body: Body, path: Path) -> None:
    """Write ``body`` to ``path`` in SMPL-X's dense layout, which the stock ``smplx`` package loads.

    It takes the face as expressions with jaw and eyes, for that layout has no blend shapes; correctives stay behind, for it
    knows none that are driven so; hand means and components are zero and one-hot. Raises ExportError where the file cannot be written.
    """
    count = len(body.template)
    few = body.shape_dirs.shape[2] <= 10 and body.expression_dirs.shape[2] <= 10
    shapes, expressions = (10, 10) if few else (_SHAPE_COLUMNS, max(100, body.expression_dirs.shape[2]))
    dirs = np.zeros((count, 3, shapes + expressions), np.float32)
    dirs[..., : body.shape_dirs.shape[2]] = body.shape_dirs
    dirs[..., shapes : shapes + body.expression_dirs.shape[2]] = body.expression_dirs
    kintree = np.array([PARENTS, range(JOINT_COUNT)], np.int64)
    kintree[0, 0] = 2**32 - 1  # SMPL-X marks the root so
    arrays: dict[str, Any] = {
        "v_template": body.template,
        "f": body.triangles.astype(np.uint32),
        "shapedirs": dirs,
        "posedirs": np.zeros((count, 3, (JOINT_COUNT - 1) * 9), np.float32) if body.pose_dirs is None else body.pose_dirs,
        "J_regressor": body.joint_regressor,
        "kintree_table": kintree,
        "weights": body.weights,
        "hands_componentsl": np.eye(45, dtype=np.float32),
        "hands_componentsr": np.eye(45, dtype=np.float32),
        "hands_meanl": np.zeros(45, np.float32),
        "hands_meanr": np.zeros(45, np.float32),
        "lmk_faces_idx": body.landmark_triangles.astype(np.int64),
        "lmk_bary_coords": body.landmark_barycentric,
    }
    write_npz(path, arrays)


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """A compressed npz with the same bytes for the same arrays, put in place whole. Raises ExportError."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, whatever the clock says
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)  # type: ignore[no-untyped-call]


# --- the compact layout ---


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
            **_packed("expression", [indices for indices, _ in expressions], expression_values, index),
            **_packed("corrective", [shape.indices for shape in body.correctives], correctives, index),
        },
    )


def _packed(name: str, indices: list[Array], values: list[tuple[Array, float]], index: Any) -> dict[str, Array]:
    return {
        f"{name}_counts": np.array([len(rows) for rows in indices], np.int32),
        f"{name}_vertices": np.concatenate([np.zeros(0, index), *(rows.astype(index) for rows in indices)]),
        f"{name}_values": np.concatenate([np.zeros((0, 3), np.int16), *(rows for rows, _ in values)]),
        f"{name}_scales": np.array([scale for _, scale in values], np.float32),
    }


def _unpacked(arrays: _Arrays, name: str) -> Iterable[tuple[Array, Array]]:
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
    indices = np.flatnonzero(np.abs(deltas).max(axis=1) > 2e-6)
    return indices, deltas[indices]


def _material_row(material: Material) -> list[Any]:
    texture = None if material.texture is None else base64.b64encode(material.texture).decode()
    return [material.name, list(material.base_color), material.roughness, material.metallic, texture]


def _compact(arrays: _Arrays, path: Path, sha256: str) -> Body:
    document = json.loads(arrays.take("document", (None,), np.uint8).tobytes())
    template = arrays.take("template", (None, 3))
    count = len(template)
    triangles = _indices(arrays.take("triangles", (None, 3), np.int64), count, "triangles", path)
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


def _correctives(rows: Iterable[list[Any]], arrays: _Arrays, count: int, path: Path) -> tuple[Corrective, ...]:
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
                indices=_indices(vertices, count, "corrective_vertices", path),
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
