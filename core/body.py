"""Bodies in SMPL-X format: shape, face and pose to joints and vertices."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .correctives import Corrective, corrective_weights
from .face import FaceEncoding
from .kinematics import forward
from .rotations import axis_angle_to_matrix
from .skeleton import FACE_JOINTS, JOINT_COUNT
from .skinning import Offsets, skin, vertex_normals

if TYPE_CHECKING:
    from .clip import MotionClip

Array = NDArray[Any]
_CHUNK_VERTICES = 600_000  # vertices posed at once: about 60 MB of working memory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Material:
    """A plain surface, glTF's metallic-roughness model. ``base_color`` is linear RGBA, 0..1."""

    name: str
    base_color: tuple[float, float, float, float]
    roughness: float
    metallic: float = 0.0
    texture: bytes | None = None  # a PNG or JPEG in sRGB that multiplies base_color, by the body's uvs


@dataclasses.dataclass(frozen=True, kw_only=True)
class BodyPart:
    """A run of triangles with one material."""

    name: str
    material: int  # index into Body.materials
    start: int  # first triangle
    count: int  # triangles


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Blendshape:
    """An additive face shape at weight one, stored where it moves."""

    name: str
    indices: Array  # (n,) int32 vertices
    deltas: Array  # (n, 3) float32, m, in rest pose


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SplitMesh:
    """The mesh with one texture coordinate a vertex, as glTF wants it: seam vertices appear more than once."""

    vertices: Array  # (W,) int32 index of the body's vertex
    uvs: Array  # (W, 2) float32, v up
    triangles: Array  # (F, 3) int32 into these W


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """A skinned body: 55 SMPL-X joints, Y up, facing +Z, left hand at +X, metres; T-pose at rest.

    With ``trans`` zero the pelvis stands at ``rest_joints(betas)[0]``, as in SMPL-X.
    """

    id: str
    sha256: str  # of the file's bytes
    face: FaceEncoding  # the one encoding of the face that this body applies
    template: Array  # (V, 3) float32
    triangles: Array  # (F, 3) int32, counter-clockwise from outside
    weights: Array  # (V, 55) float32, rows sum to one
    shape_dirs: Array  # (V, 3, S) float32, m for a beta of one
    expression_dirs: Array  # (V, 3, E) float32, m for an expression of one
    pose_dirs: Array | None  # (V, 3, 486) float32, or None where all are zero
    joint_regressor: Array  # (55, V) float32
    blendshapes: tuple[Blendshape, ...]  # the 52 of core.face.ARKIT in order, or none
    landmark_triangles: Array  # (51,) int32: brows, nose, eyes, mouth in iBUG order
    landmark_barycentric: Array  # (51, 3) float32
    parts: tuple[BodyPart, ...]
    materials: tuple[Material, ...]
    corner_uvs: Array | None  # (F, 3, 2) float32, v up
    shape_names: tuple[str, ...] = ()  # what each shape direction does, where known
    correctives: tuple[Corrective, ...] = ()  # shapes that bent joints bring in
    path: Path | None = None  # the file it was read from

    # --- what it looks like at rest ---

    def rest_joints(self, betas: ArrayLike | None = None) -> Array:
        """(55, 3) joints of the shaped body in rest pose, metres. Missing betas count as zero, extra ones are an error."""
        joints = self._regressed_template
        if betas is None:
            return joints.copy()
        weights = _columns(betas, self.shape_dirs.shape[2], "betas")
        return np.asarray(joints + self._regressed_shapes[..., : weights.shape[-1]] @ weights)

    def shaped(self, betas: ArrayLike | None = None) -> Array:
        """(V, 3) vertices of the shaped body in rest pose with a neutral face, metres."""
        if betas is None:
            return self.template.copy()
        weights = _columns(betas, self.shape_dirs.shape[2], "betas")
        return np.asarray(self.template + self.shape_dirs[..., : weights.shape[-1]] @ weights)

    # --- posing ---

    def face_pose(
        self, poses: ArrayLike, blendshapes: ArrayLike | None = None, expressions: ArrayLike | None = None
    ) -> tuple[Array, Array | None, Array | None]:
        """The poses (T, 55, 3), blend shapes and expressions that this body applies: one face, two encodings.

        A body that applies blend shapes takes no expressions and keeps jaw and eye joints at rest; one that applies
        expressions takes no blend shapes.
        """
        rotations = np.asarray(poses, dtype=np.float32).reshape(-1, JOINT_COUNT, 3)
        if self.face == "expressions":
            return rotations, None, _frames(expressions)
        if rotations[:, FACE_JOINTS].any():
            rotations = rotations.copy()
            rotations[:, FACE_JOINTS] = 0
        return rotations, _frames(blendshapes), None

    def joints(
        self, *, poses: ArrayLike, trans: ArrayLike, betas: ArrayLike | None = None, expressions: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """World rotations (T, 55, 3, 3) and positions (T, 55, 3), metres, float32.

        ``poses`` (T, 55, 3) axis-angle, rad; ``trans`` (T, 3), m. ``expressions`` (T, E) matter only to bodies that
        apply them: there they shift the face's joints by a hair, as in SMPL-X.
        """
        rotations, _, weights = self.face_pose(poses, None, expressions)
        rest = self._rest_with_expressions(betas, weights)
        return forward(rest, axis_angle_to_matrix(rotations), np.asarray(trans, dtype=np.float32).reshape(-1, 3))

    def vertices(
        self,
        *,
        poses: ArrayLike,
        trans: ArrayLike,
        betas: ArrayLike | None = None,
        expressions: ArrayLike | None = None,
        blendshapes: ArrayLike | None = None,
    ) -> Array:
        """Posed vertices (T, V, 3) float32, metres. For long clips see ``vertex_chunks``.

        ``poses`` (T, 55, 3) axis-angle, rad; ``trans`` (T, 3), m; ``expressions`` (T, E); ``blendshapes`` (T, 52).
        """
        frames = np.asarray(poses, dtype=np.float32).reshape(-1, JOINT_COUNT, 3).shape[0]
        result = np.empty((frames, len(self.template), 3), dtype=np.float32)
        chunks = self.vertex_chunks(poses=poses, trans=trans, betas=betas, expressions=expressions, blendshapes=blendshapes)
        for start, block in chunks:
            result[start : start + len(block)] = block
        return result

    def vertex_chunks(
        self,
        *,
        poses: ArrayLike,
        trans: ArrayLike,
        betas: ArrayLike | None = None,
        expressions: ArrayLike | None = None,
        blendshapes: ArrayLike | None = None,
    ) -> Iterator[tuple[int, Array]]:
        """The same, a block of frames at a time: (first frame, vertices (n, V, 3))."""
        rotations, shapes, weights = self.face_pose(poses, blendshapes, expressions)
        places = np.asarray(trans, dtype=np.float32).reshape(-1, 3)
        shaped = self.shaped(betas).astype(np.float32)
        size = max(1, _CHUNK_VERTICES // len(self.template))
        for start in range(0, len(rotations), size):
            span = slice(start, start + size)
            matrices = axis_angle_to_matrix(rotations[span])
            local = None if weights is None else weights[span]
            points = self._with_expressions(shaped, local)
            if self.pose_dirs is not None:
                points = points + _pose_offsets(self.pose_dirs, matrices)
            offsets = self._offsets(rotations[span], None if shapes is None else shapes[span])
            rest = self._rest_with_expressions(betas, local).astype(np.float32)
            yield start, skin(points, self.weights, rest, matrices, places[span], offsets)

    def corrective_weights(self, poses: ArrayLike) -> Array:
        """(T, K) float32 weights, 0..1, that ``poses`` (T, 55, 3) give to ``correctives``."""
        return corrective_weights(self.correctives, poses)

    def pose_clip(self, clip: MotionClip) -> tuple[Array, Array]:
        """``joints`` of a clip: world rotations (T, 55, 3, 3) and positions (T, 55, 3), metres."""
        return self.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas, expressions=clip.expressions)

    def clip_vertices(self, clip: MotionClip) -> Iterator[tuple[int, Array]]:
        """``vertex_chunks`` of a clip: (first frame, vertices (n, V, 3))."""
        return self.vertex_chunks(
            poses=clip.poses, trans=clip.trans, betas=clip.betas, expressions=clip.expressions, blendshapes=clip.blendshapes
        )

    def landmarks(self, vertices: Array) -> Array:
        """(T, 51, 3) face landmarks on posed vertices (T, V, 3)."""
        corners = vertices[:, self.triangles[self.landmark_triangles]]
        return np.asarray(np.einsum("tlcj,lc->tlj", corners, self.landmark_barycentric))

    def normals(self, vertices: Array) -> Array:
        """(..., V, 3) smooth unit normals of posed vertices (..., V, 3)."""
        return vertex_normals(vertices, self.triangles)

    # --- views for exporters ---

    @functools.cached_property
    def influences(self) -> tuple[Array, Array]:
        """The four strongest joints of each vertex: (V, 4) uint8 joints and (V, 4) float32 weights that sum to one."""
        joints = np.argsort(-self.weights, axis=1, kind="stable")[:, :4]
        weights = np.take_along_axis(self.weights, joints, axis=1)
        joints = np.where(weights > 0, joints, 0)
        return joints.astype(np.uint8), (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

    @functools.cached_property
    def split(self) -> SplitMesh:
        """The mesh with seam vertices doubled, so that each vertex has one texture coordinate."""
        corners = self.triangles.reshape(-1)
        uvs = np.zeros((len(corners), 2), np.float32) if self.corner_uvs is None else self.corner_uvs.reshape(-1, 2)
        keys = np.column_stack([corners, np.round(uvs * 65535).astype(np.int64)])
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        return SplitMesh(
            vertices=corners[first].astype(np.int32),
            uvs=uvs[first].astype(np.float32),
            triangles=inverse.reshape(-1, 3).astype(np.int32),
        )

    @functools.cached_property
    def blendshape_matrix(self) -> tuple[Array, Array]:
        """The blend shapes over the vertices that any of them moves: indices (n,) and deltas (K, n, 3) float32."""
        return _stacked(self.blendshapes)

    @functools.cached_property
    def corrective_matrix(self) -> tuple[Array, Array]:
        """The same of the correctives: indices (n,) and deltas (K, n, 3) float32."""
        return _stacked(self.correctives)

    @functools.cached_property
    def _regressed_template(self) -> Array:
        return np.asarray(self.joint_regressor @ self.template)

    @functools.cached_property
    def _regressed_shapes(self) -> Array:
        return _regressed(self.joint_regressor, self.shape_dirs)

    @functools.cached_property
    def _regressed_expressions(self) -> Array:
        return _regressed(self.joint_regressor, self.expression_dirs)

    def _rest_with_expressions(self, betas: ArrayLike | None, expressions: Array | None) -> Array:
        rest = self.rest_joints(betas)
        if expressions is None or not expressions.any():
            return rest
        weights = _columns(expressions, self.expression_dirs.shape[2], "expressions")
        return np.asarray(rest + np.moveaxis(self._regressed_expressions[..., : weights.shape[-1]] @ weights.T, -1, 0))

    def _offsets(self, rotations: Array, blendshapes: Array | None) -> list[Offsets]:
        """What blend shapes (n, 52) and correctives add in rest pose, at ``rotations`` (n, 55, 3), axis-angle."""
        found = []
        if blendshapes is not None and self.blendshapes and blendshapes.any():
            moving, deltas = self.blendshape_matrix
            weights = _columns(blendshapes, len(self.blendshapes), "blend shapes")
            found.append(_weighted(moving, deltas[: weights.shape[1]], weights))
        if self.correctives:
            found.append(_weighted(*self.corrective_matrix, self.corrective_weights(rotations)))
        return found

    def _with_expressions(self, shaped: Array, expressions: Array | None) -> Array:
        """(V, 3) or (n, V, 3): the shaped body with the expressions (n, E) that it applies."""
        if expressions is not None and expressions.any():
            weights = _columns(expressions, self.expression_dirs.shape[2], "expressions")
            dirs = self.expression_dirs[..., : weights.shape[1]].reshape(-1, weights.shape[1])
            return np.asarray(shaped + (weights @ dirs.T).reshape(len(weights), -1, 3))
        return shaped


def builtin_body() -> Body:
    """The body that ships with Declaim (id "declaim"), read once."""
    return load_body(None)


def load_body(path: Path | None) -> Body:
    """The body in ``path``: an .npz in SMPL-X layout, or None for the built-in one.

    Raises BodyError, in one sentence, for a file that is missing, not an npz, pickled, or lacks or misshapes an array.
    """
    from .body_file import read_body, read_builtin

    return read_builtin() if path is None else read_body(path)


def _columns(weights: ArrayLike, available: int, what: str) -> Array:
    values = np.asarray(weights, dtype=np.float32)
    if values.shape[-1] > available:
        if values[..., available:].any():
            raise ValueError(f"{values.shape[-1]} {what} given, but the body has {available}")
        values = values[..., :available]
    return values


def _frames(values: ArrayLike | None) -> Array | None:
    """(T, n) float32, or None where there is nothing to apply: a clip without expressions holds an empty array."""
    if values is None or np.size(values) == 0:
        return None
    return np.atleast_2d(np.asarray(values, dtype=np.float32))


def _stacked(shapes: Sequence[Blendshape | Corrective]) -> tuple[Array, Array]:
    """Sparse shapes over the vertices that any of them moves: indices (n,) int32 and deltas (K, n, 3) float32."""
    moving = np.unique(np.concatenate([np.zeros(0, np.int32), *(shape.indices for shape in shapes)])).astype(np.int32)
    deltas = np.zeros((len(shapes), len(moving), 3), np.float32)
    for row, shape in zip(deltas, shapes):
        row[np.searchsorted(moving, shape.indices)] = shape.deltas
    return moving, deltas


def _weighted(indices: Array, deltas: Array, weights: Array) -> Offsets:
    """``deltas`` (K, n, 3) at ``weights`` (T, K)."""
    total = weights @ deltas.reshape(len(deltas), -1)
    return Offsets(indices=indices, deltas=total.reshape(len(weights), len(indices), 3))


def _regressed(regressor: Array, dirs: Array) -> Array:
    return np.asarray((regressor @ dirs.reshape(dirs.shape[0], -1)).reshape(len(regressor), *dirs.shape[1:]))


def _pose_offsets(pose_dirs: Array, matrices: Array) -> Array:
    """Pose blend shapes (Loper et al. 2015, equation 9): features are the entries of R - I of joints 1 to 54."""
    features: Array = (matrices[:, 1:] - np.eye(3, dtype=np.float32)).reshape(len(matrices), -1)
    return np.asarray((features @ pose_dirs.reshape(-1, pose_dirs.shape[2]).T).reshape(len(matrices), -1, 3))
