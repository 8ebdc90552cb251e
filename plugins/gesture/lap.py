"""Seated hands: palms down on the thighs, and they stay there whatever the trunk does.

A resting wrist is planned from the chest, as all paths are; near its rest it is carried over to a place on the thigh.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.lexicon import Posture
from .arms import Aim, Arm, reached
from .contacts import MARGIN
from .curves import minimum_jerk
from .hands import Bones, Finger, HandBalls, finger_angles, hand_balls
from .surfaces import Frames, Surface

Array = NDArray[Any]
_ALONG = {"left": 0.56, "right": 0.48}  # of the way from hip to knee, the wrist; nobody lays both hands down alike
_OUTWARD = {"left": 0.004, "right": 0.012}  # m, of the wrist from the thigh's middle
_INWARD = {"left": np.radians(12), "right": np.radians(20)}  # that the fingers point to the other knee
_LIE = 0.001  # m that lying flesh gives
_FAR = 0.30  # m from the planned rest at which a hand is free of the thigh
_PITCHES = np.radians(np.arange(-18.0, 19.0, 6.0))  # of the hand on the thigh
_ROLLS = np.radians(np.arange(-18.0, 19.0, 6.0))
_FIRST_BENDS, _NEXT_BENDS = np.arange(-0.3, 0.71, 0.05), np.arange(-0.2, 0.61, 0.1)  # rad, tried at a finger's joints
_BENT = 0.001  # m that a finger may stay off the thigh to bend a radian less
_SOFT = 0.02  # m over which a falling hand loses its speed
_STILL, _DAMPED = 0.09, 0.65  # m within which a lying hand wanders less, and by how much


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lap:
    """Where one hand lies on its thigh, in the rest space of that thigh's joint, m."""

    arm: Arm
    joint: str  # "left_hip" or "right_hip"
    chest: Array  # (3,) m, spine3 at rest
    planned: Array  # (3,) m, the resting wrist seen from spine3, as a left arm
    wrist: Array  # (3,)
    out: Array  # (3,) unit, out of the thigh where the hand lies
    hand: Array  # (3, 3) the hand's frame, of a left hand, in mirrored rest space on the right

    def share(self, goal: Array) -> Array:
        """(T,) 0..1, how much the hand rests where its goal is ``goal`` (T, 3)."""
        away = goal - self.planned
        return 1 - minimum_jerk(np.sqrt((away * away).sum(axis=1)) / _FAR)

    def carried(self, goal: Array, frames: Frames) -> Array:
        """``goal`` (T, 3), as a left arm, m from spine3, carried along by the thigh where it is near its rest."""
        turned, offset = frames[self.joint]
        place = (turned @ self.wrist + offset - self.chest) * self.arm.sign
        away = goal - self.planned
        near = 1 - minimum_jerk(np.sqrt((away * away).sum(axis=1)) / _STILL)
        share = self.share(goal)
        carried = goal + share[:, None] * (place - self.planned) - _DAMPED * near[:, None] * away
        # A hand that would strike below the lap comes down on it softly.
        up = (turned @ self.out) * self.arm.sign
        over = ((carried - place) * up).sum(axis=1)
        lift = (1 - share) * _SOFT * np.logaddexp(0.0, -over / _SOFT)
        return np.asarray(carried + lift[:, None] * up)

    def laid(self, aim: Aim, share: Array, frames: Frames) -> Aim:
        """``aim`` with the hand turned flat onto the thigh by its ``share`` (T,)."""
        turned, _ = frames[self.joint]
        wanted = (self.arm.sign[:, None] * turned * self.arm.sign) @ self.hand
        forearm = reached(self.arm, aim).forearm @ aim.twist @ aim.twist
        inside = forearm.swapaxes(-1, -2) @ wanted
        rest = rotations.matrix_to_axis_angle(inside @ aim.hand.swapaxes(-1, -2))
        return dataclasses.replace(aim, hand=rotations.axis_angle_to_matrix(share[:, None] * rest) @ aim.hand)


def find_lap(arm: Arm, thigh: Surface, balls: HandBalls, *, chest: Array, hip: Array, knee: Array, planned: Array) -> Lap:
    """Where a hand of these ``balls`` (one moment) lies. ``hip`` and ``knee`` (3,) at rest, m; ``planned`` see ``Lap``."""
    sign, side = arm.sign, arm.side
    frames = {f"{side}_hip": (np.eye(3)[None], np.zeros((1, 3)))}
    place = hip + _ALONG[side] * (knee - hip) + sign * [_OUTWARD[side], 0.0, 0.15]
    down = rotations.normalised(knee - hip)
    # The hand lies on what is under its knuckles, not under the wrist.
    _, normal = thigh.distances((place + 0.07 * down)[None, None], frames)
    out = rotations.normalised(np.array([0.35, 1.0, 1.0]) * normal[0, 0] * sign)
    down = down * sign
    ahead = rotations.normalised(down - (down @ out) * out)
    ahead = np.cos(_INWARD[side]) * ahead - np.sin(_INWARD[side]) * np.cross(ahead, out) * np.sign(np.cross(ahead, out)[0])
    best = np.inf
    across = np.cross(ahead, out)
    for pitch, roll in itertools.product(_PITCHES, _ROLLS):  # those at which most of the hand lies
        fore = np.cos(pitch) * ahead - np.sin(pitch) * out
        turned = _frame(fore, np.sin(roll) * across - np.cos(roll) * out) @ _frame(arm.hand, arm.palm).T
        at = place
        for _ in range(4):
            points = (at * sign + balls.places[0] @ turned.T) * sign
            gap = thigh.distances(points[None], frames)[0][0] - balls.radii
            at = at - (float(gap.min()) - MARGIN + _LIE) * out * sign
        if gap.mean() < best:
            best, wrist, hand = float(gap.mean()), at, turned
    return Lap(arm=arm, joint=f"{side}_hip", chest=chest, planned=planned, wrist=wrist, out=out * sign, hand=hand)


def draped(shape: Array, place: Lap, thigh: Surface, fingers: tuple[Finger, ...], bones: Bones) -> Array:
    """The hand ``shape`` (SHAPE_SIZE,), rad, with each finger bent until it lies on the thigh, as far as it can."""
    sign, draped = place.arm.sign, shape.copy()
    frames = {place.joint: (np.eye(3)[None], np.zeros((1, 3)))}
    bends = np.array([(a, b, 0.6 * b) for a in _FIRST_BENDS for b in _NEXT_BENDS])
    for number, finger in enumerate(fingers):
        if finger.name == "thumb":
            continue
        mine = slice(3 * number, 3 * number + 3)
        tried = np.repeat(draped[None], len(bends), axis=0)
        tried[:, mine] += bends
        balls = hand_balls(place.arm, fingers, bones, finger_angles(fingers, {f.name: tried for f in fingers}))
        first = len(bones.palm) + 4 * number
        own = slice(first + 1, first + 4)  # beyond its knuckle
        points = place.wrist + balls.places[:, own] @ place.hand.T * sign
        gap = thigh.distances(points, frames)[0] - balls.radii[own] - MARGIN
        cost = np.where(gap < 0, -3 * gap, gap).sum(axis=1) + _BENT * np.abs(bends).sum(axis=1)
        draped[mine] += bends[int(cost.argmin())]
    return draped


def seated_posture(posture: Posture, flat: Array, side: str) -> Posture:
    """A lying hand's fingers are flatter than a hanging one's."""
    share = 0.80 if side == "left" else 0.66
    return dataclasses.replace(posture, shape=posture.shape + share * (flat - posture.shape))


def _frame(ahead: Array, palm: Array) -> Array:
    """(3, 3) columns: ahead, out of the palm, and across."""
    palm = rotations.normalised(palm - (palm @ ahead) * ahead)
    return np.stack([ahead, palm, np.cross(ahead, palm)], axis=1)
