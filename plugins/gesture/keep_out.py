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

from .arms import MIRROR, Aim, Arm, reached
from .contacts import (
    OTHER_LINKS,
    Links,
    Pushes,
    along,
    arm_points,
    blocks,
    depth_of,
    follows_of,
    hand_frame,
    hands_apart,
    near_moments,
    push_apart,
    span_of,
    thumb_depths,
)
from .curves import soft_limit
from .hands import THUMB, HandBalls
from .planning import SIDES, Side
from .surfaces import Frames, Surface, Surfaces

Array = NDArray[Any]
_STEPS = 4
_MOST_SWIVEL = np.radians(55.0)
_WIDEST_THUMB = np.radians(42.0)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """What arms keep out of besides each other, at T moments."""

    surfaces: Surfaces
    frames: Frames
    chest: Array  # (3,) m, spine3 at rest

    def at(self, rows: Array) -> Surroundings:
        return dataclasses.replace(
            self, frames={n: (turned[rows], offset[rows]) for n, (turned, offset) in self.frames.items()}
        )


def kept_out(
    arms: Mapping[Side, Arm],
    aims: Mapping[Side, Aim],
    balls: Mapping[Side, HandBalls],
    links: Links,
    around: Surroundings,
) -> tuple[dict[Side, Aim], dict[Side, Array]]:
    """The aims (T moments each) with goals and swivels that leave room, and how far each thumb opens for that (T,), rad."""
    solved, shaped = dict(aims), dict(balls)
    rows = np.arange(len(aims["left"].goal))
    opened = {side: np.zeros(len(rows)) for side in SIDES}
    span = max(span_of(ball) for ball in balls.values())
    for number in range(_STEPS):
        here = {side: _taken(aim, rows) for side, aim in solved.items()}
        near = {side: dataclasses.replace(ball, places=ball.places[rows]) for side, ball in shaped.items()}
        step = _Step(arms, here, near, links, around.at(rows), span, thumbs=number > 0)
        moved = step.moved()
        for side in SIDES:
            goal, swivel = solved[side].goal.copy(), solved[side].swivel.copy()
            goal[rows], swivel[rows] = moved[side].goal, moved[side].swivel
            solved[side] = dataclasses.replace(solved[side], goal=goal, swivel=swivel)
        rows = rows[blocks(step.touched)]  # where nothing gives way now, nothing will in the next step
        if number == 0 and len(rows):
            # The hand has gone as if it had no thumb; now the thumb gives way; what is left moves the hand again.
            here = {side: _taken(aim, rows) for side, aim in solved.items()}
            near = {side: dataclasses.replace(ball, places=ball.places[rows]) for side, ball in shaped.items()}
            step = _Step(arms, here, near, links, around.at(rows), span, thumbs=False)
            for side in SIDES:
                opened[side][rows] = step.thumb_opening(side)
                places = shaped[side].places.copy()
                places[rows] = near[side].opened(opened[side][rows]).places
                shaped[side] = dataclasses.replace(shaped[side], places=places)
    return solved, opened


def _taken(aim: Aim, rows: Array) -> Aim:
    return dataclasses.replace(aim, **{f.name: getattr(aim, f.name)[rows] for f in dataclasses.fields(aim)})


class _Step:
    """What pushes both arms where they are, gathered for one step."""

    def __init__(
        self,
        arms: Mapping[Side, Arm],
        aims: Mapping[Side, Aim],
        balls: Mapping[Side, HandBalls],
        links: Links,
        around: Surroundings,
        span: float,
        *,
        thumbs: bool,
    ) -> None:
        self.arms, self.aims, self.balls, self.links, self.around = arms, aims, balls, links, around
        self.hand = len(balls["left"].radii)
        self.radii = np.concatenate([balls["left"].radii, links.radii])
        self.span, self.thumbs = span, thumbs
        self.places = {side: reached(arms[side], aims[side]) for side in SIDES}
        self.points = {
            side: arm_points(arms[side], aims[side], self.places[side], balls[side], around.chest) for side in SIDES
        }
        self.apart = np.zeros((len(aims["left"].goal), 3))  # m, in chest space, the left hand from the right
        self.pushes = {side: Pushes(arms[side], self.places[side], around.chest, self.hand, thumbs) for side in SIDES}
        for side in SIDES:
            self._from_body(side)
        self._apart()

    @property
    def touched(self) -> Array:
        """(T,) bool: moments at which anything gives way, or a thumb should."""
        gives = [self.pushes[side].wanted.any(axis=1) | self.pushes[side].thumb.any(axis=(1, 2)) for side in SIDES]
        return np.asarray(gives[0] | gives[1] | self.apart.any(axis=1))

    def moved(self) -> dict[Side, Aim]:
        """The aims after the step."""
        aims = {}
        for side in SIDES:
            move, turn = self.pushes[side].step()
            move = move + (0.5 if side == "left" else -0.5) * self.arms[side].sign * self.apart
            swivel = soft_limit(self.aims[side].swivel + turn, _MOST_SWIVEL)
            aims[side] = dataclasses.replace(self.aims[side], goal=self.aims[side].goal + move, swivel=swivel)
        return aims

    def thumb_opening(self, side: Side) -> Array:
        """(T,) rad that the thumb should open for the depths of its balls."""
        balls, arm = self.balls[side], self.arms[side]
        turned = hand_frame(self.aims[side], self.places[side])
        lever = np.cross(balls.opening, balls.places[:, -THUMB:] - balls.base) @ turned.swapaxes(-1, -2)
        pushed = self.pushes[side].thumb * arm.sign
        along = (lever * pushed).sum(axis=(1, 2))
        return soft_limit(np.maximum(along, 0.0) / (lever * lever).sum(axis=(1, 2)), _WIDEST_THUMB)

    def _from_body(self, side: Side) -> None:
        surfaces, frames = self.around.surfaces, self.around.frames
        middle = self.points[side][:, : self.hand].mean(axis=1)
        everything = slice(None)
        for surface in (surfaces.head, *surfaces.thighs):
            self._from_surface(side, surface, near_moments(surface, middle, frames, self.span), everything)
        rows = near_moments(surfaces.trunk, middle, frames, self.span)
        self._from_surface(side, surfaces.trunk, rows, everything)
        rows = np.setdiff1d(np.arange(len(middle)), rows, assume_unique=True)
        self._from_surface(side, surfaces.trunk, rows, slice(self.hand, None))

    def _from_surface(self, side: Side, surface: Surface, rows: Array, which: slice) -> None:
        if not len(rows):
            return
        at = self.points[side][rows][:, which]
        carried = {name: self.around.frames[name] for name in (surface.upper, surface.lower) if name in self.around.frames}
        gap, way = surface.distances(at, {name: (turned[rows], offset[rows]) for name, (turned, offset) in carried.items()})
        self.pushes[side].add(rows, at, way, depth_of(gap - self.radii[which]), follows_of(self.hand)[which])

    def _apart(self) -> None:
        """Each arm pushed from the other, half the way each."""
        points, hand = self.points, self.hand
        middles = {side: points[side][:, :hand].mean(axis=1) for side in SIDES}
        between = middles["left"] - middles["right"]
        rows = blocks((between * between).sum(axis=1) < (2 * self.span) ** 2)
        if len(rows):
            wrists = self.places["left"].wrist - self.places["right"].wrist * MIRROR
            left, right, radii = points["left"][rows, :hand], points["right"][rows, :hand], self.radii[:hand]
            kept = slice(None if self.thumbs else -THUMB)
            self.apart[rows] = hands_apart(left[:, kept], right[:, kept], radii[kept], wrists[rows])
            self.pushes["left"].thumb[rows] += 0.5 * thumb_depths(left, right, radii)
            self.pushes["right"].thumb[rows] += 0.5 * thumb_depths(right, left, radii)
        follows = follows_of(hand)
        for mine, other in (SIDES, SIDES[::-1]):
            beyond = along(self.places[other], OTHER_LINKS) * self.arms[other].sign + self.around.chest
            away = ((beyond - middles[mine][:, None]) ** 2).sum(axis=-1).min(axis=1)
            gives = np.clip(0.3 + 0.7 * (OTHER_LINKS - 1.0), 0.0, 1.0)
            rows = blocks(away < (self.span + 0.08) ** 2)
            own = (self.pushes[mine], self.pushes[other])
            push_apart(
                own, points[mine][:, :hand], beyond, self.radii[:hand], self.links.other, rows, follows[:hand], gives
            )
