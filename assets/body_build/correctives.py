"""The correctives of the built-in body: what its flesh does at bent joints, fitted with a few shapes.

For each joint a set of poses; in each, where skinning puts the surface and where the flesh settles (``elastic``), starting
from the artist's own A-pose. The gaps, taken back to rest, are fitted by least squares with shapes whose weights are given:
so shapes that come in together share the work instead of adding up.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ...core.body import Body
from ...core.correctives import PREFIX, Corrective, Driver, corrective_weights, mirrored, unit
from ...core.kinematics import forward
from ...core.rotations import axis_angle_to_matrix, between, matrix_to_axis_angle, quaternion_to_matrix
from ...core.skeleton import JOINT, JOINT_COUNT, PARENTS
from ...core.skinning import vertex_normals
from .elastic import Bone, Flesh, inside
from .source import Array

_LEAST, _WHOLE = 0.0003, 0.001  # m: smaller displacements are dropped, larger ones kept as they are
_RIDGE = 0.02
_NEIGHBOURS, _SMOOTHINGS = 16, 3
_MIDDLE = 0.012  # m from the body's middle over which left shapes fade


Turns = dict[str, Array]  # left joint -> (3,) axis-angle, rad


@dataclasses.dataclass(frozen=True)
class Reader:
    """A corrective's driver, by the joint that it reads. Angles in degrees."""

    name: str
    joint: str
    driver: Driver
    axis: tuple[float, float, float]
    towards: tuple[float, float, float]
    start: float
    full: float

    def corrective(self, side: str, indices: Array, deltas: Array) -> Corrective:
        seen = (lambda vector: vector) if side == "left" else mirrored
        return Corrective(
            name=f"{PREFIX}{side}_{self.name}",
            joint=JOINT[f"{side}_{self.joint}"],
            driver=self.driver,
            axis=seen(unit(*self.axis)),
            towards=seen(unit(*self.towards)),
            start=float(np.radians(self.start)),
            full=float(np.radians(self.full)),
            indices=indices.astype(np.int32),
            deltas=deltas.astype(np.float32),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Region:
    """The flesh around a left joint, the poses to learn from, and what drives the shapes."""

    joint: str
    readers: tuple[Reader, ...]
    cores: tuple[
        tuple[str, str, str, float], ...
    ]  # joint that moves a bone, the joints from and to which it lies, radius m
    cage: tuple[str, float, float] | None  # joint that moves all that is deeper, m, and farther from the joint, m
    spacing: float  # m between the points of the flesh
    soft: float  # m over which the shapes are smoothed
    reach: float  # m around the joint that the flesh is free
    limbs: tuple[tuple[str, str, float, float], ...]  # and around these joints' lines: up to which share of it, m around it
    poses: tuple[Turns, ...]


def reaching(elevation: float, forward: float) -> Turns:
    """The left arm straight out, degrees above the horizontal and in front of the side; the collar bone helps."""
    up, ahead = np.radians([elevation, forward])
    direction = np.array([np.cos(up) * np.cos(ahead), np.sin(up), np.cos(up) * np.sin(ahead)])
    raised = np.clip((direction[1] + 0.95) / 1.5, 0, 1)
    collar = np.array([0.0, -0.1 * max(direction[2], 0.0), -0.03 + 0.22 * raised * raised * (3 - 2 * raised)])
    arm = quaternion_to_matrix(between(np.array([1.0, 0.0, 0.0]), direction))
    return {"collar": collar, "shoulder": matrix_to_axis_angle(axis_angle_to_matrix(collar).T @ arm)}


def bent(joint: str, axis: tuple[float, float, float], degrees: float) -> Turns:
    return {joint: np.radians(degrees) * np.array(axis)}


_ARM, _FOREARM, _THIGH = (1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.045, -0.998, 0.04)
REGIONS = (
    Region(
        joint="shoulder",
        readers=(
            Reader("shoulder_up", "shoulder", "swing", _ARM, towards=(0.17, 0.98, 0.11), start=79, full=35),
            Reader("shoulder_down", "shoulder", "swing", _ARM, towards=(-0.39, -0.85, 0.35), start=79, full=10),
            Reader("shoulder_forward", "shoulder", "swing", _ARM, towards=(-0.51, -0.09, 0.85), start=119, full=8),
        ),
        cores=(
            ("left_collar", "left_collar", "left_shoulder", 0.016),
            ("left_shoulder", "left_shoulder", "left_elbow", 0.016),
        ),
        cage=("spine3", 0.028, 0.09),
        spacing=0.015,
        soft=0.014,
        reach=0.24,
        limbs=(("left_shoulder", "left_elbow", 0.9, 0.1),),
        poses=tuple(
            reaching(elevation, forward)
            for elevation, forward in (
                *((-84, 0), (-84, 90), (-78, 0), (-78, 40), (-70, 0), (-70, 40), (-70, 80), (-60, 0), (-60, 30), (-60, 60)),
                *((-60, 90), (-45, 0), (-45, 30), (-45, 60), (-45, 90), (-45, 115), (-20, 0), (-20, 30), (-20, 60)),
                *((-20, 90), (-20, 115), (0, 40), (0, 75), (0, 100), (0, 118), (20, 0), (25, 60), (25, 90), (40, 0)),
                *((45, 45), (45, 90), (60, 0), (65, 45), (75, 0), (80, 60), (-30, -20), (-60, -30)),
            )
        ),
    ),
    Region(
        joint="elbow",
        readers=(Reader("elbow_bent", "elbow", "swing", _FOREARM, towards=(-0.866, 0.0, 0.5), start=112, full=5),),
        cores=(
            ("left_shoulder", "left_shoulder", "left_elbow", 0.012),
            ("left_elbow", "left_elbow", "left_wrist", 0.010),
        ),
        cage=None,
        spacing=0.009,
        soft=0.010,
        reach=0.11,
        limbs=(),
        poses=tuple(bent("elbow", (0.0, -1.0, 0.0), degrees) for degrees in (20, 40, 60, 80, 100, 120, 140)),
    ),
    Region(
        joint="wrist",
        readers=(Reader("wrist_turned", "wrist", "twist", _FOREARM, towards=_FOREARM, start=20, full=110),),
        cores=(
            ("left_elbow", "left_elbow", "left_wrist", 0.008),
            ("left_wrist", "left_wrist", "left_middle1", 0.006),
        ),
        cage=None,
        spacing=0.008,
        soft=0.006,
        reach=0.09,
        limbs=(),
        poses=tuple(bent("wrist", (1.0, 0.0, 0.0), degrees) for degrees in (-95, -75, -55, -30, 30, 55, 75, 95)),
    ),
    Region(
        joint="hip",
        readers=(Reader("hip_bent", "hip", "swing", _THIGH, towards=(0.05, 0.17, 0.98), start=97, full=5),),
        cores=(("left_hip", "left_hip", "left_knee", 0.022),),
        cage=("pelvis", 0.045, 0.10),
        spacing=0.016,
        soft=0.018,
        reach=0.24,
        limbs=(("left_hip", "left_knee", 0.75, 0.15),),
        poses=tuple(bent("hip", (-1.0, 0.0, 0.0), degrees) for degrees in (15, 30, 50, 70, 90, 105)),
    ),
)


def body_correctives(body: Body, artists_pose: Array) -> tuple[Corrective, ...]:
    """The correctives of ``body``, each left one before its mirror image.

    ``artists_pose`` (55, 3) axis-angle, rad, is the pose in which linear blend skinning gives the surface as the artist made it.
    """
    twins = _twins(body.template)
    found = []
    for region in REGIONS:
        for reader, deltas in zip(region.readers, _fitted(body, artists_pose, region)):
            for side, moved in (("left", deltas), ("right", deltas[twins] * [-1.0, 1.0, 1.0])):
                indices = np.flatnonzero(moved.any(axis=1))
                found.append(reader.corrective(side, indices, moved[indices]))
    return tuple(found)


def a_pose(turns: Array) -> Array:
    """(55, 3) axis-angle, rad, of the A-pose, from each joint's world rotation (55, 3, 3) out of it (``rest_rotations``)."""
    world = np.swapaxes(turns, 1, 2)
    local = [world[j] if parent < 0 else world[parent].T @ world[j] for j, parent in enumerate(PARENTS)]
    return np.asarray(matrix_to_axis_angle(np.array(local)))


def _fitted(body: Body, artists_pose: Array, region: Region) -> Array:
    """(K, V, 3) m: the displacements at rest that fit the region's poses best."""
    simulation = Simulation(body, artists_pose, region)
    gaps = np.stack([simulation.gap(turns) for turns in region.poses])
    poses = np.stack([posed(turns) for turns in region.poses])
    none = np.zeros(0, np.int32), np.zeros((0, 3), np.float32)
    weights = corrective_weights([reader.corrective("left", *none) for reader in region.readers], poses).astype(float)
    normal = weights.T @ weights + _RIDGE * np.eye(weights.shape[1])
    fitted = np.linalg.solve(normal, weights.T @ gaps.reshape(len(gaps), -1)).reshape(-1, *gaps.shape[1:])
    fitted = simulation.smoothed(fitted)
    size = np.linalg.norm(fitted, axis=2, keepdims=True)
    kept = np.clip((size - _LEAST) / (_WHOLE - _LEAST), 0, 1)
    deltas = np.zeros((len(fitted), *body.template.shape))
    deltas[:, simulation.vertices] = fitted * kept
    return deltas


class Simulation:
    """The left side of a body around one joint, skinned and as flesh."""

    def __init__(self, body: Body, artists_pose: Array, region: Region) -> None:
        self._rest = body.rest_joints().astype(float)
        self._soft = region.soft
        covers = [part for part in body.parts if part.name.startswith(("skin", "suit"))]
        triangles = np.concatenate([body.triangles[part.start : part.start + part.count] for part in covers])
        used = np.unique(triangles)
        weights, template = body.weights[used].astype(float), body.template[used].astype(float)
        surface, _ = self._skinned(template, weights, artists_pose)
        normals = vertex_normals(surface, np.searchsorted(used, triangles))
        _, joints = self._bones(artists_pose)
        at = joints[JOINT[f"left_{region.joint}"]]

        def line(joint: str, start: str, end: str, radius: float) -> Bone:
            return Bone(joint=JOINT[joint], start=joints[JOINT[start]], end=joints[JOINT[end]], radius=radius)

        away = np.linalg.norm(surface - at, axis=1)
        free = away < region.reach
        for start, end, share, around in region.limbs:
            bone = line(start, start, end, around)
            part = (surface - bone.start) @ (bone.end - bone.start) / ((bone.end - bone.start) ** 2).sum()
            free |= (bone.distance(surface) < around) & (part > 0) & (part < share)
        free &= surface[:, 0] > 0.01
        near = cloud(surface[free]).query(surface)[0] < 0.07
        surface, normals, free, weights = surface[near], normals[near], free[near], weights[near]
        self.vertices, self._rest_surface, self._free = used[near], template[near], np.flatnonzero(free)
        grid, depth = inside(surface, normals, free, region.spacing)
        _, nearest = cloud(surface).query(grid, k=4)
        grid_weights = weights[nearest].mean(axis=1)
        owner = np.full(len(grid), -1)
        if region.cage is not None:
            joint, deeper, farther = region.cage
            limb = grid_weights[:, _outwards(JOINT[f"left_{region.joint}"])].sum(axis=1) > 0.1
            owner[~limb & (depth > deeper) & (np.linalg.norm(grid - at, axis=1) > farther)] = JOINT[joint]
        for bone in (line(*core) for core in region.cores):
            owner[bone.distance(grid) < bone.radius] = bone.joint
        rigid = np.flatnonzero(owner >= 0)
        grid_weights[rigid] = np.eye(JOINT_COUNT)[owner[rigid]]
        # What is skinned anyway need not be as dense as a face is.
        ends = _thinned(surface, np.flatnonzero(~free), region.spacing)
        self._weights = np.concatenate([weights[self._free], weights[ends], grid_weights])
        points = np.concatenate([surface[self._free], surface[ends], grid])
        held = np.concatenate([np.zeros(len(self._free), bool), np.ones(len(ends), bool), owner >= 0])
        self._flesh = Flesh(points, held, region.spacing)
        origin, linear = self._skinned(np.zeros_like(points), self._weights, artists_pose)
        self._at_rest = np.linalg.solve(linear, (points - origin)[..., None])[..., 0]

    def gap(self, turns: Turns) -> Array:
        """(n, 3) m: what is missing at rest for skinning to put ``vertices`` where the flesh settles."""
        placed, linear = self._skinned(self._at_rest, self._weights, posed(turns))
        count = len(self._free)
        short = (self._flesh.settled(placed) - placed)[:count]
        # Damped: where two bones' turns nearly cancel out, no displacement at rest reaches the goal.
        squared = np.swapaxes(linear[:count], 1, 2) @ linear[:count] + 0.02 * np.eye(3)
        missing = np.zeros((len(self.vertices), 3))
        missing[self._free] = np.linalg.solve(squared, np.swapaxes(linear[:count], 1, 2) @ short[..., None])[..., 0]
        return missing

    def smoothed(self, deltas: Array) -> Array:
        """(K, n, 3): displacements of ``vertices`` without the creases that no artist would sculpt.

        They end at the body's middle: the other thigh is near, and no part of it.
        """
        distance, nearest = cloud(self._rest_surface).query(self._rest_surface, k=_NEIGHBOURS)
        shares = np.exp(-0.5 * (distance / self._soft) ** 2)
        across = self._rest_surface[:, 0]
        shares *= across[nearest] > 0
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
        for _ in range(_SMOOTHINGS):
            deltas = np.einsum("vk,svkx->svx", shares, deltas[:, nearest])
        return np.asarray(deltas * np.clip(across / _MIDDLE, 0, 1)[:, None])

    def _bones(self, pose: Array) -> tuple[Array, Array]:
        world, joints = forward(self._rest, axis_angle_to_matrix(pose)[None], np.zeros((1, 3)))
        return world[0], joints[0]

    def _skinned(self, points: Array, weights: Array, pose: Array) -> tuple[Array, Array]:
        """Points (n, 3) skinned, and the linear part (n, 3, 3) of each one's motion."""
        world, joints = self._bones(pose)
        moved = joints - (world @ self._rest[..., None])[..., 0]
        linear = np.einsum("vj,jab->vab", weights, world)
        return (linear @ points[..., None])[..., 0] + weights @ moved, linear


def _thinned(points: Array, rows: Array, spacing: float) -> Array:
    """Of ``rows`` of ``points`` (n, 3), the first in each cube of that size."""
    _, first = np.unique(np.floor(points[rows] / spacing).astype(np.int64), axis=0, return_index=True)
    return np.asarray(rows[np.sort(first)])


def _outwards(joint: int) -> list[int]:
    """``joint`` and all that hang on it."""
    chain = [joint]
    for child, parent in enumerate(PARENTS):
        if parent in chain:
            chain.append(child)
    return chain


def posed(turns: Turns) -> Array:
    """(55, 3) axis-angle of left joints' ``turns``."""
    pose = np.zeros((JOINT_COUNT, 3))
    for joint, turn in turns.items():
        pose[JOINT[f"left_{joint}"]] = turn
    return pose


def cloud(points: Array) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(points)


def _twins(template: Array) -> Array:
    """(V,) for each vertex the one nearest to its mirror image."""
    return np.asarray(cloud(template).query(template * [-1.0, 1.0, 1.0])[1])
