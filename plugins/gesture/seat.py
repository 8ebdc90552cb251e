"""Seated: the pelvis on a chair that fits the legs, feet flat on the floor, the weight going from side to side."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .curves import noise, randomness
from .footwork import SIGN
from .legs import Foot, Leg
from .planning import SIDES, Side

Array = NDArray[Any]
_APART = 1.35  # ankles, over the hips
_BONES = np.array([0.0, -0.078, -0.020])  # m, from the hips' middle to that of the sitting bones, of a leg of 0.83 m
_BACK_TILT = -0.19  # rad, of the pelvis on a seat (Cho et al. 2015: it tilts back from standing to sitting)
_LOINS = np.array([0.09, 0.06, 0.03])  # rad, spine1..3, that bring the chest upright over it
_ROLL, _SLIDE = 0.055, 0.008  # rad and m, of a whole shift to one side


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Seat:
    """Where a body sits, metres."""

    bones: Array  # (3,) the sitting bones' middle, fixed on the seat
    feet: dict[Side, Array]  # (3,) x, z of the ankle and heading, rad


def find_seat(legs: dict[Side, Leg], scale: float, seed: int) -> Seat:
    """A seat at which thighs are level and shins upright, the hips over the origin."""
    random = randomness(seed, "seat")
    heights, feet = [], {}
    leading, drawn = float(random.choice([-1.0, 1.0])), random.uniform((0.0, 0.03), (0.05, 0.10))
    for side in SIDES:
        leg, sign = legs[side], SIGN[side]
        thigh, shin = float(np.linalg.norm(leg.knee)), float(np.linalg.norm(leg.ankle))
        heights.append(leg.height + shin)
        apart = abs(float(leg.hip[0])) * (_APART + 0.06 * float(random.normal()))
        ahead = float(np.sqrt(thigh**2 - (apart - abs(leg.hip[0])) ** 2))
        # Nobody's feet stand level: one a little before the knee, the other drawn back.
        ahead += scale * (drawn[0] if sign == leading else -drawn[1])
        feet[side] = np.array([sign * apart, ahead, sign * np.radians(random.uniform(6, 13))])
    hips = np.array([0.0, float(np.mean(heights)), 0.0])
    return Seat(bones=hips + scale * _BONES, feet=feet)


def seated_feet(seat: Seat, legs: dict[Side, Leg], frames: int) -> dict[Side, Foot]:
    """Both feet flat where they are."""
    feet = {}
    for side in SIDES:
        x, z, heading = seat.feet[side]
        feet[side] = Foot(
            ankle=np.tile([x, legs[side].height, z], (frames, 1)),
            over=np.tile([x, z], (frames, 1)),
            heading=np.full(frames, heading),
            pitch=np.zeros(frames),
            toes=np.zeros(frames),
            contact=np.ones((frames, 2)),
        )
    return feet


def seated_bends(pelvis: Array, posture: Array, weight: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """The pelvis's bend (T, 3) on the seat, from the one standing, and what the spine's three joints add, (T, 3) each.

    ``posture`` and ``weight`` (T,), -1..1.
    """
    bend = pelvis * (1.2, 0.5, 0.6)
    bend[:, 0] += _BACK_TILT - 0.08 * np.maximum(-posture, 0.0) + 0.13 * np.maximum(posture, 0.0)
    bend[:, 2] += _ROLL * weight
    added = []
    for loin, share in zip(_LOINS, (0.5, 0.45, 0.3)):
        joint = np.zeros_like(bend)
        joint[:, 0] = loin - 0.09 * share * np.maximum(posture, 0.0)
        joint[:, 2] = -share * _ROLL * 1.1 * weight
        added.append(joint)
    return bend, (added[0], added[1], added[2])


def seated_root(seat: Seat, hips: Array, pelvis: Array, times: Array, weight: Array, scale: float, seed: int) -> Array:
    """The pelvis joint (T, 3), m: it turns over the sitting bones. ``hips`` (3,): their middle seen from the pelvis."""
    root = seat.bones - pelvis @ (hips + scale * _BONES)
    root[:, 0] += scale * (_SLIDE * weight + 0.0015 * noise(seed, "seat side", times, 3.1))
    return np.asarray(root)
