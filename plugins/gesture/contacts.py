"""Contacts: an arm as a string of balls, and the pushes that keep them apart, as normal equations of a step."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.body import Body
from ...core.skeleton import JOINT
from .arms import Aim, Arm, Reached
from .curves import minimum_jerk
from .hands import THUMB, HandBalls
from .surfaces import Frames, Surface

Array = NDArray[Any]
MARGIN = 0.004  # m kept between two surfaces
ONSET = 0.006  # m before that at which a ball begins to give way
_FIRM = 0.002  # m of depth at which it does so in earnest
_DAMPING, _SLACK = 0.3, 5e-5  # share of all weights, and m
_LEVER = 0.16  # m; a swivel of one radian costs as much as moving the wrist this far
_OPENED = 0.01  # m that opening its thumb may add to a hand's reach
_PASSING = 0.012  # m beyond touching at which balls that pass each other begin to count
_BLOCK = 16  # moments that are looked at or passed over together
# Balls along the arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
LINKS = np.array([0.68, 0.85, 1.0, 1.2, 1.45, 1.7, 1.92])
OTHER_LINKS = np.array([0.45, 0.65, 0.86, 1.0, 1.2, 1.4, 1.6, 1.8])  # what the other hand keeps out of


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Links:
    """The thickness of an arm, m."""

    radii: Array  # at LINKS
    other: Array  # at OTHER_LINKS


def read_links(body: Body, betas: Array, rest_joints: Array) -> Links:
    """How thick the arms of a body are, from its mesh."""
    vertices, owner = body.shaped(betas).astype(np.float64), body.weights.argmax(axis=1)
    joints = [rest_joints[JOINT[f"left_{name}"]] for name in ("shoulder", "elbow", "wrist")]
    used = np.zeros(len(vertices), dtype=bool)
    used[body.triangles] = True
    mine = vertices[used & np.isin(owner, [JOINT["left_shoulder"], JOINT["left_elbow"], JOINT["left_wrist"]])]

    def thickness(place: float) -> float:
        segment = min(int(place), 1)
        start, bone = joints[segment], joints[segment + 1] - joints[segment]
        length = float(np.linalg.norm(bone))
        along = (mine - start) @ bone / length
        across = np.linalg.norm(mine - start - along[:, None] * bone / length, axis=1)
        near = across[np.abs(along - (place - segment) * length) < 0.025]
        return float(np.quantile(near[near < 0.12], 0.9)) if (near < 0.12).any() else 0.045

    return Links(radii=np.array([thickness(p) for p in LINKS]), other=np.array([thickness(p) for p in OTHER_LINKS]))


def arm_points(arm: Arm, aim: Aim, place: Reached, balls: HandBalls, chest: Array) -> Array:
    """(T, K, 3) m, in chest space: the hand's balls, then the arm's."""
    hand = place.wrist[:, None] + balls.places @ hand_frame(aim, place).swapaxes(-1, -2)
    return np.asarray(np.concatenate([hand, along(place, LINKS)], axis=1) * arm.sign + chest)


def along(place: Reached, where: Array) -> Array:
    """(T, len(where), 3) points along the arm, as a left arm."""
    share = where[None, :, None]
    upper = place.shoulder[:, None] + share * (place.elbow - place.shoulder)[:, None]
    lower = place.elbow[:, None] + (share - 1) * (place.wrist - place.elbow)[:, None]
    return np.where(share <= 1, upper, lower)


def hand_frame(aim: Aim, place: Reached) -> Array:
    """(T, 3, 3) the hand seen from spine3, as a left hand."""
    return np.asarray(place.forearm @ aim.twist @ aim.twist @ aim.hand)


class Pushes:
    """What one arm is pushed by, gathered as the normal equations of a step (T, 4): the wrist's way and a swivel."""

    def __init__(self, arm: Arm, place: Reached, chest: Array, hand: int, thumbs: bool) -> None:
        self.sign, self.chest, self.hand, self.thumbs = arm.sign, chest, hand, thumbs
        self.thumb = np.zeros((len(place.wrist), THUMB, 3))  # m, in chest space, that the thumb's balls are too deep
        self.place = place
        towards = place.wrist - place.shoulder
        self.axis = towards / np.linalg.norm(towards, axis=1, keepdims=True)
        self.matrix = np.zeros((len(towards), 4, 4))
        self.wanted = np.zeros((len(towards), 4))

    def add(self, rows: Array, points: Array, ways: Array, depths: Array, follows: Array) -> None:
        """Balls at ``points`` (R, K, 3) in chest space that should go ``depths`` (R, K) m along ``ways`` (R, K, 3).

        ``follows`` (K,): how far each goes where the wrist goes one metre.
        """
        touching = np.flatnonzero(depths.any(axis=1))
        if not len(touching):
            return
        if len(touching) < len(rows):
            rows, points, ways, depths = rows[touching], points[touching], ways[touching], depths[touching]
        if ways.shape[1] >= self.hand:
            thumb = slice(self.hand - THUMB, self.hand)
            self.thumb[rows] += depths[:, thumb, None] * ways[:, thumb]
            if not self.thumbs:
                depths = depths.copy()
                depths[:, thumb] = 0.0
        ways, offset = ways * self.sign, (points - self.chest) * self.sign - self.place.shoulder[rows][:, None]
        axis = self.axis[rows][:, None]
        turning = np.cross(np.broadcast_to(axis, offset.shape), offset)
        across = (turning * ways).sum(axis=-1, keepdims=True)
        slope = np.concatenate([follows[None, :, None] * ways, across / _LEVER], axis=-1)
        weight = depths * depths / (depths + _FIRM)  # the deepest count most
        weighted = weight[..., None] * slope
        self.matrix[rows] += weighted.swapaxes(-1, -2) @ slope
        self.wanted[rows] += (weighted * depths[..., None]).sum(axis=1)

    def step(self) -> tuple[Array, Array]:
        """The wrist's way (T, 3) m, as a left arm, and the swivel (T,) rad."""
        # Damped by how much pushes, or small differences between many ways would become long ways along the surface.
        damping = _SLACK + _DAMPING * np.trace(self.matrix[:, :3, :3], axis1=1, axis2=2)
        solution = np.linalg.solve(self.matrix + damping[:, None, None] * np.eye(4), self.wanted[..., None])[..., 0]
        return solution[:, :3], solution[:, 3] / _LEVER


def depth_of(gap: Array) -> Array:
    """How far a ball should give way whose surface has this gap left, m; sets in smoothly."""
    x = MARGIN - gap
    return np.where(x > ONSET, x, np.maximum(x + ONSET, 0.0) ** 2 / (4 * ONSET))


def span_of(balls: HandBalls) -> float:
    """All of a hand is nearer than this to the middle of its balls, m, with the room that it keeps."""
    away = balls.places - balls.places.mean(axis=1, keepdims=True)
    farthest = float(np.sqrt((away * away).sum(axis=-1).max(initial=0.0)))
    return farthest + float(balls.radii.max()) + MARGIN + ONSET + _OPENED


def near_moments(surface: Surface, middle: Array, frames: Frames, span: float) -> Array:
    """The moments, in whole blocks, at which a hand with this ``middle`` (T, 3) may touch the surface."""
    gap, _ = surface.distances(middle[:, None], frames)
    return blocks(gap[:, 0] < 1.3 * span)


def blocks(chosen: Array) -> Array:
    """The numbers of all moments whose block has one that is chosen."""
    starts = np.arange(0, len(chosen), _BLOCK)
    if not len(starts):
        return starts
    some = np.repeat(np.logical_or.reduceat(chosen, starts), _BLOCK)[: len(chosen)]
    return np.flatnonzero(some)


def follows_of(hand: int) -> Array:
    """(K,) how far each ball goes where the wrist goes one metre."""
    return np.concatenate([np.ones(hand), np.clip(0.3 + 0.7 * (LINKS - 1.0), 0.25, 1.0)])


def push_apart(
    pushes: tuple[Pushes, Pushes],
    first: Array,
    second: Array,
    first_radii: Array,
    second_radii: Array,
    rows: Array,
    first_follows: Array,
    second_follows: Array,
) -> None:
    """Balls (T, K, 3) and (T, L, 3) of two arms, in chest space, pushed apart in the moments ``rows``, half the way each."""
    if not len(rows):
        return
    away = first[rows][:, :, None] - second[rows][:, None]
    distance = np.sqrt((away * away).sum(axis=-1) + 1e-10)
    depth = 0.5 * depth_of(distance - first_radii[:, None] - second_radii)
    if not depth.any():
        return
    way = away / distance[..., None]
    pushes[0].add(rows, first[rows], *_combined(way, depth, axis=2), first_follows)
    pushes[1].add(rows, second[rows], *_combined(-way, depth, axis=1), second_follows)


def thumb_depths(hand: Array, other: Array, radii: Array) -> Array:
    """(R, THUMB, 3) m, how far the thumb's balls of ``hand`` (R, K, 3) should go to be out of ``other`` (R, K, 3)."""
    away = hand[:, -THUMB:, None] - other[:, None]
    distance = np.sqrt((away * away).sum(axis=-1) + 1e-10)
    way, depth = _combined(away / distance[..., None], depth_of(distance - radii[-THUMB:, None] - radii), axis=2)
    return np.asarray(way * depth[..., None])


def hands_apart(left: Array, right: Array, radii: Array, between: Array) -> Array:
    """(R, 3) m, how far the left hand's balls (R, K, 3) should go from the right's along the line between the wrists.

    ``between`` (R, 3) m: from the right wrist to the left one. Each pair of balls asks for the way after which the two
    just touch; the longest counts. Balls that would pass each other side by side ask for it in part, so that fingers
    never lock and nothing sets in at once.
    """
    line = between / np.sqrt((between * between).sum(axis=-1, keepdims=True) + 1e-8)
    away = left[:, :, None] - right[:, None]
    along = (away * line[:, None, None]).sum(axis=-1)
    aside = (away * away).sum(axis=-1) - along * along
    room = np.maximum(radii[:, None] + radii + MARGIN, 0.0)
    wide = (room + _PASSING * (room > 0)) ** 2
    share = minimum_jerk((wide - aside) / np.maximum(wide - room * room, 1e-9))
    wanted = np.sqrt(np.maximum(room * room - aside, 0.0) + 1e-6) - along
    asked = share * np.where(wanted > ONSET, wanted, np.maximum(wanted + ONSET, 0.0) ** 2 / (4 * ONSET))
    scaled = asked / np.maximum(asked.max(axis=(1, 2), keepdims=True), 1e-9)
    high = scaled**6
    longest = (high * asked).sum(axis=(1, 2)) / np.maximum(high.sum(axis=(1, 2)), 1e-9)
    return np.asarray(longest[:, None] * line)


def _combined(ways: Array, depths: Array, axis: int) -> tuple[Array, Array]:
    """Ways (R, K, 3) and depths (R, K) that stand for all of a ball's pairs, the deepest above all."""
    squared = depths * depths
    total = squared.sum(axis=axis)
    way = (squared[..., None] * ways).sum(axis=axis)
    length = np.sqrt((way * way).sum(axis=-1))
    depth = (squared * depths).sum(axis=axis) / np.maximum(total, 1e-30)
    # Pairs that pull apart cancel: what is left of their ways counts.
    return way / np.maximum(length, 1e-30)[..., None], np.where(total > 0, depth * length / np.maximum(total, 1e-30), 0.0)
