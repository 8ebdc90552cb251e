"""What Blender is handed: a character at rest and its performance, as plain arrays.

Both are made from a take here; Blender's Python needs no body file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core import rotations
from ..core.body import Body, BodyPart, Material
from ..core.clip import MotionClip
from ..core.correctives import PREFIX, brought_in
from ..core.skeleton import JOINTS, PARENTS

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """An additive shape of one part, of the face or a corrective: ``deltas`` (n, 3) m at its vertices ``indices`` (n,)."""

    name: str
    indices: Array
    deltas: Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A mesh of its own."""

    name: str
    vertices: Array  # (V, 3) float32, m, at rest
    triangles: Array  # (F, 3) int32
    weights: Array  # (V, J) float32
    corner_uvs: Array | None  # (F, 3, 2) float32
    materials: tuple[Material, ...]
    material_of: Array  # (F,) int32 index into materials
    shapes: tuple[Shape, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Character:
    """A skinned character at rest: Y up, facing +Z, metres."""

    name: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    joints: Array  # (J, 3) m
    parts: tuple[Part, ...]
    shape_names: tuple[str, ...]  # every face shape of the body, in order, then its correctives
    shape_range: tuple[float, float]  # of a face shape's weight; a corrective's is 0..1

    @classmethod
    def of(cls, body: Body, clip: MotionClip | None = None) -> Character:
        """``body``, its parts as separate meshes: in the shape and with the correctives of ``clip``, and if it applies
        expressions, with those too."""
        shapes = [*_face_shapes(body, clip), *_corrective_shapes(body, clip)]
        return cls._of(body, None if clip is None else clip.betas, shapes)

    @classmethod
    def shaped(cls, body: Body, betas: ArrayLike, more: Sequence[Shape] = ()) -> Character:
        """``body`` in the shape ``betas`` (S,) with all its shapes and ``more``, these over the body's vertices."""
        return cls._of(body, betas, [*_face_shapes(body, None), *_corrective_shapes(body, None), *more])

    @classmethod
    def _of(cls, body: Body, betas: ArrayLike | None, shapes: Sequence[Shape]) -> Character:
        vertices = body.shaped(betas).astype(np.float32)
        groups: dict[str, list[BodyPart]] = {}
        for part in body.parts:
            groups.setdefault(_mesh_name(part.name), []).append(part)
        parts = []
        for name, group in groups.items():
            faces = np.concatenate([np.arange(part.start, part.start + part.count) for part in group])
            numbers = sorted({part.material for part in group})
            used, local = np.unique(body.triangles[faces], return_inverse=True)
            place = np.full(len(vertices), -1, np.int64)
            place[used] = np.arange(len(used))
            parts.append(
                Part(
                    name=name,
                    vertices=vertices[used],
                    triangles=local.reshape(-1, 3).astype(np.int32),
                    weights=np.asarray(body.weights[used], dtype=np.float32),
                    corner_uvs=None if body.corner_uvs is None else np.asarray(body.corner_uvs[faces], np.float32),
                    materials=tuple(body.materials[number] for number in numbers),
                    material_of=np.concatenate(
                        [np.full(part.count, numbers.index(part.material), np.int32) for part in group]
                    ),
                    shapes=tuple(moved for shape in shapes if (moved := _within(shape, place)) is not None),
                )
            )
        return cls(
            name=body.id,
            joint_names=JOINTS,
            parents=PARENTS,
            joints=body.rest_joints(betas).astype(np.float64),
            parts=tuple(parts),
            shape_names=tuple(shape.name for shape in shapes),
            shape_range=(0.0, 1.0) if body.face == "blendshapes" else (-10.0, 10.0),
        )

    def with_shapes_in_one_mesh(self) -> Character:
        """The same with all parts that have shapes in one mesh, for formats where shapes of two meshes may not share a name.

        It is the "face", or the "body" where correctives move any of it.
        """
        shaped = [part for part in self.parts if part.shapes]
        if len(shaped) < 2:
            return self
        others = tuple(part for part in self.parts if not part.shapes)
        bends = any(shape.name.startswith(PREFIX) for part in shaped for shape in part.shapes)
        return dataclasses.replace(self, parts=(*others, _merged("body" if bends else "face", shaped, self.shape_names)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Performance:
    """A clip as a body applies it."""

    name: str
    fps: float
    quaternions: Array  # (T, J, 4) float32, w first, each relative to its parent, signs continuous
    trans: Array  # (T, 3) float32, m, added to the root joint
    shape_names: tuple[str, ...]
    shape_weights: Array  # (T, S) float32

    @classmethod
    def of(cls, clip: MotionClip, body: Body, name: str) -> Performance:
        poses, blendshapes, expressions = body.face_pose(clip.poses, clip.blendshapes, clip.expressions)
        if expressions is None:
            names = tuple(shape.name for shape in body.blendshapes)
            weights = np.zeros((len(clip), len(names))) if blendshapes is None else blendshapes[:, : len(names)]
        else:
            used = _used_expressions(body, clip)
            names, weights = tuple(_expression_name(number) for number in used), expressions[:, used]
        correctives, moved = brought_in(body.correctives, poses)
        names += tuple(corrective.name for corrective in correctives)
        quaternions = rotations.continuous(rotations.axis_angle_to_quaternion(poses.astype(np.float64)))
        return cls(
            name=name,
            fps=clip.fps,
            quaternions=quaternions.astype(np.float32),
            trans=clip.trans,
            shape_names=names,
            shape_weights=np.concatenate([weights, moved], axis=1, dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.quaternions)


_MESHES = {"brow": "brows", "eye": "eyes", "upper": "teeth", "lower": "teeth"}


def _mesh_name(part: str) -> str:
    """The mesh that a body's part goes into: "eye_l_iris" is a part of the eyes, "suit_top" of the suit."""
    word = part.split("_")[0]
    return _MESHES.get(word, word)


def _face_shapes(body: Body, clip: MotionClip | None) -> list[Shape]:
    if body.face == "blendshapes":
        return [Shape(name=shape.name, indices=shape.indices, deltas=shape.deltas) for shape in body.blendshapes]
    every = np.arange(len(body.template), dtype=np.int32)
    return [
        Shape(name=_expression_name(number), indices=every, deltas=body.expression_dirs[..., number])
        for number in _used_expressions(body, clip)
    ]


def _corrective_shapes(body: Body, clip: MotionClip | None) -> list[Shape]:
    correctives = body.correctives if clip is None else brought_in(body.correctives, body.face_pose(clip.poses)[0])[0]
    return [Shape(name=shape.name, indices=shape.indices, deltas=shape.deltas) for shape in correctives]


def _used_expressions(body: Body, clip: MotionClip | None) -> list[int]:
    available = body.expression_dirs.shape[2]
    if clip is None:
        return list(range(available))
    return [int(number) for number in np.flatnonzero(clip.expressions[:, :available].any(axis=0))]


def _expression_name(number: int) -> str:
    return f"expression_{number:02d}"


def _merged(name: str, parts: Sequence[Part], shape_names: Sequence[str]) -> Part:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    materials = list(dict.fromkeys(material for part in parts for material in part.materials))
    by_name: dict[str, list[tuple[int, Shape]]] = {}
    for start, part in zip(starts, parts):
        for shape in part.shapes:
            by_name.setdefault(shape.name, []).append((int(start), shape))
    uvs = [part.corner_uvs for part in parts if part.corner_uvs is not None]
    return Part(
        name=name,
        vertices=np.concatenate([part.vertices for part in parts]),
        triangles=np.concatenate([part.triangles + start for part, start in zip(parts, starts)]).astype(np.int32),
        weights=np.concatenate([part.weights for part in parts]),
        corner_uvs=np.concatenate(uvs) if len(uvs) == len(parts) else None,
        materials=tuple(materials),
        material_of=np.concatenate(
            [
                np.array([materials.index(material) for material in part.materials], np.int32)[part.material_of]
                for part in parts
            ]
        ),
        shapes=tuple(
            Shape(
                name=shape,
                indices=np.concatenate([row.indices + start for start, row in by_name[shape]]).astype(np.int32),
                deltas=np.concatenate([row.deltas for _, row in by_name[shape]]),
            )
            for shape in shape_names
            if shape in by_name
        ),
    )


def _within(shape: Shape, place: Array) -> Shape | None:
    """``shape`` on the vertices that ``place`` (V,) numbers from 0, or None where it moves none of them."""
    local = place[shape.indices]
    kept = (local >= 0) & (np.abs(shape.deltas).max(axis=1) > 1e-7)
    if not kept.any():
        return None
    return Shape(name=shape.name, indices=local[kept].astype(np.int32), deltas=shape.deltas[kept].astype(np.float32))
