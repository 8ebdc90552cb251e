"""Both eyes aimed at one place in the world, whatever the body and the head under them do."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.face_solver import look_angles
from ...core.rotations import axis_angle_to_matrix
from ...core.skeleton import JOINT

Array = NDArray[Any]
_EASE = 0.82  # share of the eyes' range up to which they go exactly where they should
_BODY = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_JOINTS = {"left": "left_eye_smplhf", "right": "right_eye_smplhf"}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Eyes:
    """Both eyes over time."""

    turns: dict[str, Array]  # side -> (T, 2) rad, down and left, seen from the head
    targets: Array  # (T, 3) m, what they look at

    @property
    def down(self) -> Array:
        """(T,) rad, how far they look down, or up where negative, seen from the head."""
        return np.asarray((self.turns["left"][:, 0] + self.turns["right"][:, 0]) / 2)

    def poses(self) -> dict[str, Array]:
        """Joint -> (T, 3) axis-angle."""
        return {_JOINTS[side]: np.pad(turn, ((0, 0), (0, 1))) for side, turn in self.turns.items()}

    def weights(self) -> dict[str, Array]:
        """The ``eyeLook`` weights (T,) that say the same."""
        full = look_angles()
        weights: dict[str, Array] = {}
        for side, turn in self.turns.items():
            name = side.capitalize()
            outward = turn[:, 1] if side == "left" else -turn[:, 1]
            for way, angle in (("Down", turn[:, 0]), ("Up", -turn[:, 0]), ("Out", outward), ("In", -outward)):
                weights[f"eyeLook{way}{name}"] = np.clip(angle / full[f"eyeLook{way}{name}"], 0.0, 1.0)
        return weights


def aim(track: Array, poses: Mapping[str, Array], trans: Array, rest_joints: Array, *, sole: float, seated: bool) -> Eyes:
    """The eyes' turns that aim both at the ``track`` (T, 3), whatever the body and the head do.

    ``poses``: joint -> (T, 3) axis-angle, of pelvis, spine, neck and head. ``sole``: height of the soles at rest, m.
    ``seated``: the listener then sits too, a thigh's length lower.
    """
    rest = np.asarray(rest_joints, dtype=np.float64)
    lowered = float(rest[JOINT["left_hip"], 1] - rest[JOINT["left_knee"], 1]) if seated else 0.0
    origin = between_eyes(rest) - np.array([0.0, sole + lowered, 0.0])
    targets = origin + _directions(track[:, :2]) / track[:, 2:]
    turned, places = _head_in_world(poses, trans, rest)
    turns: dict[str, Array] = {}
    for side, joint in _JOINTS.items():
        eye = places + turned @ (rest[JOINT[joint]] - rest[JOINT["head"]])
        seen = np.einsum("tji,tj->ti", turned, targets - eye)
        seen /= np.linalg.norm(seen, axis=1, keepdims=True)
        # The shortest way from straight ahead, as Listing's law has it: no turn about the line of sight.
        sine = np.hypot(seen[:, 0], seen[:, 1])
        stretch = np.arctan2(sine, seen[:, 2]) / np.maximum(sine, 1e-9)
        turns[side] = np.stack(
            [_eased(-seen[:, 1] * stretch, *_range("Down", "Up")), _sideways(seen[:, 0] * stretch, side)], axis=1
        )
    return Eyes(turns=turns, targets=targets)


def between_eyes(rest: Array) -> Array:
    return np.asarray((rest[JOINT[_JOINTS["left"]]] + rest[JOINT[_JOINTS["right"]]]) / 2, dtype=np.float64)


def _directions(angles: Array) -> Array:
    """(T, 2) rad down and left -> (T, 3) unit vectors."""
    down, left = angles[:, 0], angles[:, 1]
    return np.stack([np.sin(left) * np.cos(down), -np.sin(down), np.cos(left) * np.cos(down)], axis=1)


def _head_in_world(poses: Mapping[str, Array], trans: Array, rest: Array) -> tuple[Array, Array]:
    """The head's rotation (T, 3, 3) and its joint's place (T, 3) m."""
    turned = axis_angle_to_matrix(poses["pelvis"]).astype(np.float64)
    place = rest[JOINT["pelvis"]] + trans
    for parent, name in itertools.pairwise(_BODY):
        place = place + turned @ (rest[JOINT[name]] - rest[JOINT[parent]])
        turned = turned @ axis_angle_to_matrix(poses[name])
    return turned, place


@functools.cache
def _range(positive: str, negative: str, side: str = "Left") -> tuple[float, float]:
    """The most an eye turns either way, rad: as far as its shapes show."""
    full = look_angles()
    return full[f"eyeLook{positive}{side}"], full[f"eyeLook{negative}{side}"]


def _sideways(left: Array, side: str) -> Array:
    return _eased(left, *(_range("Out", "In", "Left") if side == "left" else _range("In", "Out", "Right")))


def _eased(angles: Array, most: float, least: float) -> Array:
    """``angles`` kept within -least..most: unchanged up to _EASE of it, then gently bent."""
    limit = np.where(angles > 0, most, least)
    share = np.abs(angles) / limit
    beyond = np.maximum(share - _EASE, 0.0)
    room = 1 - _EASE
    return np.asarray(np.sign(angles) * limit * (np.minimum(share, _EASE) + room * beyond / (beyond + room)))
