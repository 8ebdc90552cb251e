"""Corrective shapes: what flesh does at a bent or turned joint and linear blend skinning cannot, driven by the pose.

Skinning mixes two bones' motions in a straight line, so a turned wrist loses girth, a raised shoulder sinks and a folded
elbow flattens. A corrective is a sparse displacement in rest pose, applied before skinning, whose weight is a smooth
function of one joint's rotation relative to its parent ("pose space deformation", Lewis et al. 2000). Two readers, neither
of which jumps anywhere that a limb can reach:

- ``swing``: the bone's direction nears another one. Turns about the bone do not matter.
- ``twist``: the turn about the bone, either way round.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rotations import axis_angle_to_quaternion
from .skeleton import JOINT_COUNT

Array = NDArray[Any]
Driver = Literal["swing", "twist"]
PREFIX = "corrective_"
"""Every corrective's name begins so; in exported files it tells them from the shapes of the face."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Corrective:
    """A shape that a joint's rotation brings in: not at all at ``start``, wholly at ``full``."""

    name: str
    joint: int  # whose rotation, relative to its parent, drives it
    driver: Driver
    axis: tuple[float, float, float]  # unit, along the joint's bone at rest
    towards: tuple[float, float, float]  # unit, seen from the parent: where the swing leads; of no meaning to a twist
    start: float  # rad between bone and ``towards``; of a twist: rad about ``axis``
    full: float  # rad
    indices: Array  # (n,) int32 vertices, ascending
    deltas: Array  # (n, 3) float32, m, in rest pose

    def __post_init__(self) -> None:
        if not self.name.startswith(PREFIX):
            raise ValueError(f"a corrective's name begins with {PREFIX!r}, not {self.name!r}")
        if self.driver not in get_args(Driver):
            raise ValueError(f"{self.name} has a driver {self.driver!r}, which is none of {get_args(Driver)}")
        if not 0 <= self.joint < JOINT_COUNT:
            raise ValueError(f"{self.name} is driven by a joint {self.joint} that there is not")
        if self.start == self.full:
            raise ValueError(f"{self.name} has no way to go from start to full")
        if corrective_weights([self], np.zeros((1, JOINT_COUNT, 3)))[0, 0] > 1e-6:
            raise ValueError(f"{self.name} has weight at rest")


def corrective_weights(correctives: Sequence[Corrective], poses: ArrayLike) -> Array:
    """(T, K) float32 weights, 0..1, of K correctives in ``poses`` (T, 55, 3), axis-angle, rad.

    Smoothstep of the angle from ``start`` to ``full``: no weight at rest, and no corner at either end.
    """
    rotations = np.asarray(poses, dtype=np.float64).reshape(-1, JOINT_COUNT, 3)
    weights = np.zeros((len(rotations), len(correctives)), np.float32)
    turns: dict[int, Array] = {}
    for column, corrective in zip(weights.T, correctives):
        if corrective.joint not in turns:
            turns[corrective.joint] = axis_angle_to_quaternion(rotations[:, corrective.joint])
        angle = _angle(corrective, turns[corrective.joint])
        way = np.clip((angle - corrective.start) / (corrective.full - corrective.start), 0, 1)
        column[:] = way * way * (3 - 2 * way)
    return weights


def _angle(corrective: Corrective, quaternions: Array) -> Array:
    """(T,) rad that drive ``corrective``, from its joint's rotations (T, 4), w first."""
    w, vector = quaternions[:, 0], quaternions[:, 1:]
    axis = np.array(corrective.axis)
    if corrective.driver == "twist":
        return np.asarray(2 * np.arctan2(np.abs(vector @ axis), np.abs(w)))
    side = 2 * np.cross(vector, axis)
    bone = axis + w[:, None] * side + np.cross(vector, side)
    towards = np.array(corrective.towards)
    return np.asarray(np.arctan2(np.linalg.norm(np.cross(bone, towards), axis=1), bone @ towards))


def brought_in(correctives: Sequence[Corrective], poses: ArrayLike) -> tuple[tuple[Corrective, ...], Array]:
    """Those of ``correctives`` that ``poses`` (T, 55, 3) bring in at any time, and their weights (T, n) float32."""
    weights = corrective_weights(correctives, poses)
    kept = np.flatnonzero(weights.any(axis=0))
    return tuple(correctives[number] for number in kept), np.ascontiguousarray(weights[:, kept])


def mirrored(vector: Sequence[float]) -> tuple[float, float, float]:
    """A direction seen in the mirror of the plane x = 0."""
    x, y, z = vector
    return (-x, y, z)


def unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length)
