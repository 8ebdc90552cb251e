"""Linear blend skinning as SMPL-X does it, float32, vectorised over frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinematics import forward

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Offsets:
    """Displacements in rest pose of some vertices, frame by frame."""

    indices: Array  # (n,) vertices, each once
    deltas: Array  # (T, n, 3) m


def skin(
    vertices: Array,
    weights: Array,
    rest_joints: Array,
    rotations: Array,
    trans: Array,
    offsets: Sequence[Offsets] = (),
) -> Array:
    """Posed vertices (T, V, 3), metres.

    v' = sum_j w_j (G_j (v - J_j) + g_j), with G_j and g_j the world rotation and place of joint j (Loper et al. 2015,
    equations 2-4). ``vertices`` (V, 3) or (T, V, 3) and ``rest_joints`` (J, 3) or (T, J, 3) in rest pose, metres;
    ``weights`` (V, J), rows summing to one; ``rotations`` (T, J, 3, 3), each relative to its parent; ``trans`` (T, 3).
    ``offsets`` are added to the vertices in rest pose: v' + sum_j w_j G_j d.
    """
    world, positions = forward(rest_joints, rotations, trans)
    moved = positions - (world @ np.broadcast_to(rest_joints, positions.shape)[..., None])[..., 0]
    bones = np.concatenate([world, moved[..., None]], axis=-1)  # (T, J, 3, 4)
    frames, joints = bones.shape[:2]
    # One matrix product over all frames: (V, J) x (J, T * 12). Vertices come first from here to the end, as it leaves them.
    blended = (weights @ bones.transpose(1, 0, 2, 3).reshape(joints, frames * 12)).reshape(len(weights), frames, 3, 4)
    if vertices.ndim == 2:
        ends = np.concatenate([vertices, np.ones_like(vertices[:, :1])], axis=1)
        posed = (blended.reshape(len(ends), frames * 3, 4) @ ends[..., None]).reshape(len(ends), frames, 3)
    else:
        posed = np.einsum("vtij,vtj->vti", blended[..., :3], vertices.transpose(1, 0, 2)) + blended[..., 3]
    for offset in offsets:
        deltas = np.ascontiguousarray(offset.deltas.transpose(1, 0, 2))
        posed[offset.indices] += np.einsum("vtij,vtj->vti", blended[offset.indices][..., :3], deltas)
    return np.ascontiguousarray(posed.transpose(1, 0, 2))


def vertex_normals(vertices: Array, triangles: Array) -> Array:
    """Area-weighted normals (..., V, 3), length one, of meshes (..., V, 3) that share ``triangles`` (F, 3)."""
    a, b, c = (vertices[..., triangles[:, k], :] for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    flat, source = normals.reshape(-1, *normals.shape[-2:]), faces.reshape(-1, *faces.shape[-2:])
    for mesh, face in zip(flat, source):
        for axis in range(3):
            per_corner = np.repeat(face[:, axis], 3)
            mesh[:, axis] = np.bincount(triangles.ravel(), per_corner, minlength=mesh.shape[0])
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-20), dtype=vertices.dtype)
