"""Hands and arms kept out of the body and of each other.

Each arm is a string of balls: hand, forearm, elbow. Where a ball comes too near a surface or the other arm, the wrist's
goal and the elbow's swivel give way: a few damped Gauss-Newton steps on the depths, each weighted so that it sets in
softly. Every moment is solved by itself from smooth functions of its inputs, so smooth motion stays smooth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.body import Body
from ...core.skeleton import JOINT
from .arms import Aim, Arm, Reached, reached
from .curves import soft_limit
from .hands import HandBalls
from .planning import SIDES, Side
from .surfaces import Frames, Surface, Surfaces

Array = NDArray[Any]
_STEPS = 3
_MARGIN = 0.004  # m kept between two surfaces
_ONSET = 0.006  # m before that at which a ball begins to give way
_FIRM = 0.002  # m of depth at which it does so in earnest
_DAMPING = 0.02
_LEVER = 0.16  # m; a swivel of one radian costs as much as moving the wrist this far
_MOST_SWIVEL = np.radians(55.0)
_BLOCK = 16  # moments that are looked at or passed over together
# Balls along the arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
_LINKS = np.array([0.86, 1.0, 1.2, 1.45, 1.7, 1.92])
_OTHER_LINKS = np.array([0.45, 0.65, 0.86, 1.0, 1.2, 1.4, 1.6, 1.8])  # what the other hand keeps out of


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Links:
    """The thickness of an arm, m."""

    radii: Array  # at _LINKS
    other: Array  # at _OTHER_LINKS


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

    return Links(
        radii=np.array([thickness(p) for p in _LINKS]), other=np.array([thickness(p) for p in _OTHER_LINKS])
    )


def kept_out(
    arms: Mapping[Side, Arm],
    aims: Mapping[Side, Aim],
    balls: Mapping[Side, HandBalls],
    links: Links,
    surfaces: Surfaces,
    frames: Frames,
    chest: Array,
) -> dict[Side, Aim]:
    """The aims (T moments each), with goals and swivels that leave room. ``chest`` (3,) m: spine3 at rest."""
    solved = dict(aims)
    rows = np.arange(len(aims["left"].goal))
    for _ in range(_STEPS):
        moved, pushed = _step(
            arms,
            {side: _taken(aim, rows) for side, aim in solved.items()},
            {side: dataclasses.replace(ball, places=ball.places[rows]) for side, ball in balls.items()},
            links,
            surfaces,
            {name: (turned[rows], offset[rows]) for name, (turned, offset) in frames.items()},
            chest,
        )
        for side in SIDES:
            goal, swivel = solved[side].goal.copy(), solved[side].swivel.copy()
            goal[rows], swivel[rows] = moved[side].goal, moved[side].swivel
            solved[side] = dataclasses.replace(solved[side], goal=goal, swivel=swivel)
        rows = rows[_blocks(pushed)]  # where nothing gives way now, nothing will in the next step
    return solved


def _taken(aim: Aim, rows: Array) -> Aim:
    return dataclasses.replace(aim, **{f.name: getattr(aim, f.name)[rows] for f in dataclasses.fields(aim)})


def _step(
    arms: Mapping[Side, Arm],
    aims: Mapping[Side, Aim],
    balls: Mapping[Side, HandBalls],
    links: Links,
    surfaces: Surfaces,
    frames: Frames,
    chest: Array,
) -> tuple[dict[Side, Aim], Array]:
    """The aims after one step, and (T,) bool: moments at which anything gave way."""
    hand = len(balls["left"].radii)
    radii = np.concatenate([balls["left"].radii, links.radii])
    span = max(_span(ball) for ball in balls.values())
    places = {side: reached(arms[side], aims[side]) for side in SIDES}
    points = {side: _points(arms[side], aims[side], places[side], balls[side], chest) for side in SIDES}
    pushes = {side: _Pushes(arms[side], places[side], chest) for side in SIDES}
    for side in SIDES:
        middle = points[side][:, :hand].mean(axis=1)
        for surface in (surfaces.head, *surfaces.thighs):
            rows = _near(surface, middle, frames, span)
            _from_surface(pushes[side], surface, points[side], radii, rows, frames)
        rows = _near(surfaces.trunk, middle, frames, span)
        _from_surface(pushes[side], surfaces.trunk, points[side], radii, rows, frames)
        rows = np.setdiff1d(np.arange(len(middle)), rows, assume_unique=True)
        _from_surface(pushes[side], surfaces.trunk, points[side], radii, rows, frames, slice(hand, None))
    _apart(pushes, points, places, arms, radii, links, hand, chest, span)
    moved = {}
    for side in SIDES:
        move, turn = pushes[side].step()
        swivel = soft_limit(aims[side].swivel + turn, _MOST_SWIVEL)
        moved[side] = dataclasses.replace(aims[side], goal=aims[side].goal + move, swivel=swivel)
    return moved, pushes["left"].wanted.any(axis=1) | pushes["right"].wanted.any(axis=1)


def _points(arm: Arm, aim: Aim, place: Reached, balls: HandBalls, chest: Array) -> Array:
    """(T, K, 3) m, in chest space: the hand's balls, then the arm's."""
    turned = place.forearm @ aim.twist @ aim.twist @ aim.hand
    hand = place.wrist[:, None] + balls.places @ turned.swapaxes(-1, -2)
    return np.concatenate([hand, _along(place, _LINKS)], axis=1) * arm.sign + chest


def _along(place: Reached, where: Array) -> Array:
    """(T, len(where), 3) points along the arm, as a left arm."""
    share = where[None, :, None]
    upper = place.shoulder[:, None] + share * (place.elbow - place.shoulder)[:, None]
    lower = place.elbow[:, None] + (share - 1) * (place.wrist - place.elbow)[:, None]
    return np.where(share <= 1, upper, lower)


class _Pushes:
    """What one arm is pushed by, gathered as the normal equations of a step (T, 4): the wrist's way and a swivel."""

    def __init__(self, arm: Arm, place: Reached, chest: Array) -> None:
        self.sign, self.chest = arm.sign, chest
        self.place = place
        towards = place.wrist - place.shoulder
        self.axis = towards / np.linalg.norm(towards, axis=1, keepdims=True)
        self.matrix = np.zeros((len(towards), 4, 4))
        self.wanted = np.zeros((len(towards), 4))

    def add(self, rows: Array, points: Array, ways: Array, depths: Array, follows: Array) -> None:
        """Balls at ``points`` (R, K, 3) in chest space that should go ``depths`` (R, K) m along ``ways`` (R, K, 3).

        ``follows`` (K,): how far each goes where the wrist goes one metre.
        """
        if not len(rows) or not depths.any():
            return
        ways, offset = ways * self.sign, (points - self.chest) * self.sign - self.place.shoulder[rows][:, None]
        axis = self.axis[rows][:, None]
        turning = np.cross(np.broadcast_to(axis, offset.shape), offset)
        across = (turning * ways).sum(axis=-1, keepdims=True)
        slope = np.concatenate([follows[None, :, None] * ways, across / _LEVER], axis=-1)
        weight = depths * depths / (depths * depths + _FIRM**2)
        weighted = weight[..., None] * slope
        self.matrix[rows] += weighted.swapaxes(-1, -2) @ slope
        self.wanted[rows] += (weighted * depths[..., None]).sum(axis=1)

    def step(self) -> tuple[Array, Array]:
        """The wrist's way (T, 3) m, as a left arm, and the swivel (T,) rad."""
        solution = np.linalg.solve(self.matrix + _DAMPING * np.eye(4), self.wanted[..., None])[..., 0]
        return solution[:, :3], solution[:, 3] / _LEVER


def _depth(gap: Array) -> Array:
    """How far a ball should give way whose surface has this gap left, m; sets in smoothly."""
    x = _MARGIN - gap
    return np.where(x > _ONSET, x, np.maximum(x + _ONSET, 0.0) ** 2 / (4 * _ONSET))


def _span(balls: HandBalls) -> float:
    """All of a hand is nearer than this to the middle of its balls, m, with the room that it keeps."""
    away = balls.places - balls.places.mean(axis=1, keepdims=True)
    return float(np.sqrt((away * away).sum(axis=-1)).max(initial=0.0) + balls.radii.max()) + _MARGIN + _ONSET


def _near(surface: Surface, middle: Array, frames: Frames, span: float) -> Array:
    """The moments, in whole blocks, at which a hand with this ``middle`` (T, 3) may touch the surface."""
    gap, _ = surface.distances(middle[:, None], frames)
    return _blocks(gap[:, 0] < 1.3 * span)


def _blocks(chosen: Array) -> Array:
    """The numbers of all moments whose block has one that is chosen."""
    starts = np.arange(0, len(chosen), _BLOCK)
    if not len(starts):
        return starts
    some = np.repeat(np.logical_or.reduceat(chosen, starts), _BLOCK)[: len(chosen)]
    return np.flatnonzero(some)


def _follows(hand: int) -> Array:
    """(K,) how far each ball goes where the wrist goes one metre."""
    return np.concatenate([np.ones(hand), np.clip(0.3 + 0.7 * (_LINKS - 1.0), 0.25, 1.0)])


def _from_surface(
    pushes: _Pushes,
    surface: Surface,
    points: Array,
    radii: Array,
    rows: Array,
    frames: Frames,
    which: slice = slice(None),
) -> None:
    if not len(rows):
        return
    at = points[rows][:, which]
    local = {name: (turned[rows], offset[rows]) for name, (turned, offset) in frames.items()}
    gap, way = surface.distances(at, local)
    follows = _follows(len(radii) - len(_LINKS))[which]
    pushes.add(rows, at, way, _depth(gap - radii[which]), follows)


def _apart(
    pushes: Mapping[Side, _Pushes],
    points: Mapping[Side, Array],
    places: Mapping[Side, Reached],
    arms: Mapping[Side, Arm],
    radii: Array,
    links: Links,
    hand: int,
    chest: Array,
    span: float,
) -> None:
    """Each arm pushed from the other, half the way each."""
    left, right = points["left"][:, :hand].mean(axis=1), points["right"][:, :hand].mean(axis=1)
    rows = _blocks(((left - right) ** 2).sum(axis=1) < (2 * span) ** 2)
    follows = _follows(hand)
    _pair(pushes, points["left"], points["right"], radii, radii, rows, follows, follows)
    for mine, other in (SIDES, SIDES[::-1]):
        beyond = _along(places[other], _OTHER_LINKS) * arms[other].sign + chest
        middle = points[mine][:, :hand].mean(axis=1)
        near = ((beyond - middle[:, None]) ** 2).sum(axis=-1).min(axis=1) < (span + 0.08) ** 2
        gives = np.clip(0.3 + 0.7 * (_OTHER_LINKS - 1.0), 0.0, 1.0)
        own = {"left": pushes[mine], "right": pushes[other]}
        _pair(own, points[mine][:, :hand], beyond, radii[:hand], links.other, _blocks(near), follows[:hand], gives)


def _pair(
    pushes: Mapping[Any, _Pushes],
    first: Array,
    second: Array,
    first_radii: Array,
    second_radii: Array,
    rows: Array,
    first_follows: Array,
    second_follows: Array,
) -> None:
    if not len(rows):
        return
    a, b = first[rows], second[rows]
    away = a[:, :, None] - b[:, None]
    distance = np.sqrt((away * away).sum(axis=-1) + 1e-10)
    depth = 0.5 * _depth(distance - first_radii[:, None] - second_radii)
    if not depth.any():
        return
    way = away / distance[..., None]
    pushes["left"].add(rows, a, *_combined(way, depth, axis=2), first_follows)
    pushes["right"].add(rows, b, *_combined(-way, depth, axis=1), second_follows)


def _combined(ways: Array, depths: Array, axis: int) -> tuple[Array, Array]:
    """Ways (R, K, 3) and depths (R, K) that stand for all of a ball's pairs, the deepest above all."""
    squared = depths * depths
    total = squared.sum(axis=axis)
    way = (squared[..., None] * ways).sum(axis=axis)
    length = np.sqrt((way * way).sum(axis=-1))
    depth = (squared * depths).sum(axis=axis) / np.maximum(total, 1e-30)
    # Pairs that pull apart cancel: what is left of their ways counts.
    return way / np.maximum(length, 1e-30)[..., None], np.where(total > 0, depth * length / np.maximum(total, 1e-30), 0.0)
