"""Body files: SMPL-X's npz, read and written, and the one door to the built-in body's own layout."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body import Body, BodyPart, Material
from .body_arrays import Arrays, indices, write_npz
from .compact_body import read_compact, write_compact
from .errors import BodyError
from .skeleton import JOINT_COUNT, PARENTS

__all__ = ["BUILTIN_PATH", "export_dense", "read_body", "read_builtin", "write_compact", "write_npz"]

Array = NDArray[Any]
BUILTIN_PATH = Path(__file__).resolve().parent.parent / "assets" / "body" / "declaim.npz"
_SHAPE_COLUMNS = 300  # SMPL-X keeps expressions behind 300 shape directions; smaller files hold ten of each
_LANDMARKS = 51
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
            arrays = Arrays(archive, path)
            body = read_compact(arrays, path, sha256) if "declaim_body" in archive else _smplx(arrays, path, sha256)
            return dataclasses.replace(body, path=path)
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError):
        # AttributeError and TypeError: numpy returned a bare array, as for an .npy.
        raise BodyError(
            f"{path} is not an npz body file.", hint="Give an .npz in SMPL-X layout, such as SMPLX_NEUTRAL.npz."
        ) from None


def _smplx(arrays: Arrays, path: Path, sha256: str) -> Body:
    template = arrays.take("v_template", (None, 3))
    count = len(template)
    triangles = indices(arrays.take("f", (None, 3), np.int64), count, "f", path)
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
    faces = indices(arrays.take("lmk_faces_idx", (_LANDMARKS,), np.int64), len(triangles), "lmk_faces_idx", path)
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
