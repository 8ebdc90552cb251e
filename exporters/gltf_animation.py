"""A clip as one glTF animation: rotations, the root's place, morph target weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.rotations import axis_angle_to_quaternion, continuous
from .gltf_buffer import GlbBuffer

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Performance:
    """What moves, by glTF node. Joint ``i`` is node ``i``, the root node 0."""

    name: str
    fps: float
    poses: Array  # (T, 55, 3) float32 axis-angle, rad
    places: Mapping[int, Array]  # joint -> (T, 3) m under its parent; the root's always
    morphs: Mapping[int, Array]  # node -> (T, n) float32 weights of its mesh's n morph targets


def animation(performance: Performance, buffer: GlbBuffer) -> dict[str, Any]:
    """The animation. What never changes gets a single key, and a joint that stays at rest gets none.

    The root's place always spans the whole clip, so that the animation is as long as the clip, however little moves.
    """
    frames = len(performance.poses)
    times = (np.arange(frames) / performance.fps).astype(np.float32)
    clocks: dict[int, int] = {}
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def play(path: str, values: int, node: int, keys: int) -> None:
        """A channel that plays the accessor ``values``: one value a frame, or first and last (2 keys), or first (1 key)."""
        if keys not in clocks:
            rows = np.linspace(0, frames - 1, keys).astype(np.int64)
            clocks[keys] = buffer.accessor(times[rows], "SCALAR", bounds=True)
        samplers.append({"input": clocks[keys], "output": values, "interpolation": "LINEAR"})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})

    poses = performance.poses
    moves = (poses != poses[0]).any(axis=(0, 2))
    moving, held = np.flatnonzero(moves), np.flatnonzero(~moves & poses[0].any(axis=-1))
    turned = _xyzw(continuous(axis_angle_to_quaternion(poses[:, moving])))
    for joint, values in zip(moving.tolist(), buffer.accessors_of_columns(turned, "VEC4")):
        play("rotation", values, joint, frames)
    for joint in held.tolist():
        turn = _xyzw(axis_angle_to_quaternion(poses[:1, joint]))
        play("rotation", buffer.accessor(turn, "VEC4"), joint, 1)
    for joint, given in performance.places.items():
        places = given.astype(np.float32)
        if frames > 2 and not (places != places[0]).any():
            play("translation", buffer.accessor(places[[0, -1]], "VEC3"), joint, 2)
        else:
            play("translation", buffer.accessor(places, "VEC3"), joint, frames)
    for node, weights in performance.morphs.items():
        still = not (weights != weights[0]).any()
        values = buffer.accessor(weights[:1] if still else weights, "SCALAR")
        play("weights", values, node, 1 if still else frames)
    return {"name": performance.name, "samplers": samplers, "channels": channels}


def _xyzw(quaternions: Array) -> Array:
    """glTF writes w last."""
    return np.roll(quaternions, -1, axis=-1).astype(np.float32)
