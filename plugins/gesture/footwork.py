"""Footwork: when the weight goes from foot to foot, and when and where a foot is set anew.

The plan is made along fixed cells of time from the seed and the audio's pauses. Strokes only move a swing by a quarter of
a second, so that no foot is in the air while a hand holds; where the feet come to stand does not depend on them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import Pause, Speech
from .curves import Move, Track, randomness
from .planning import SIDES, PlannedStroke, Side
from .style import StyleSheet

Array = NDArray[Any]
_CELL = 3.6  # s; at most one event in each
_SHIFT = 1.15  # s, a weight shift
_NUDGE = 0.42  # s, that a swing makes way for strokes
_SHIFT_NUDGE = 0.3  # s, that a shift does
_LEAD, _LEAD_ALL = 0.3, 0.9  # s, for the weight to leave a foot that is to be lifted: none of it, and all
_OVER = 1.15  # weight on the foot that stands alone; 1 is a body at ease on one leg
_SETTLE = 0.9  # s, after a step
_LONGEST = 0.19  # of a leg of 0.83 m, as all lengths here
_BOX = (0.12, 0.08)  # the middle of the feet stays within, to the sides and before and behind
_FORE = 0.10  # one foot before the other, at most
_NARROW, _BROAD = 0.26, 0.13  # how much posture, -1 and 1, narrows and broadens the stance
_TOED = np.radians((10.0, 4.0))  # how far slumped people turn the toes in and upright ones out
_OTHER: dict[Side, Side] = {"left": "right", "right": "left"}
SIGN: dict[Side, float] = {"left": 1.0, "right": -1.0}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One foot's way to a new place."""

    side: Side
    start: float  # s, the heel leaves the ground
    length: float  # s, until the foot is flat again
    origin: Array  # (3,) m, m, rad: x, z of the ankle over the ground, and the heading, positive to the left
    target: Array

    @property
    def end(self) -> float:
        return self.start + self.length

    @property
    def distance(self) -> float:
        """Metres."""
        return float(np.hypot(*(self.target - self.origin)[:2]))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Footwork:
    """The weight, -1 on the right foot to 1 on the left, and the steps in order of time."""

    weight: Track
    steps: tuple[Step, ...]
    first: dict[Side, Array]  # where each foot stands to begin with, as ``Step.origin``


def plan_footwork(
    speech: Speech,
    strokes: Sequence[PlannedStroke],
    styles: StyleSheet,
    seed: int,
    *,
    scale: float,
    hips: float,
    steps: bool,
) -> Footwork:
    """``scale``: the legs' length over 0.83 m; ``hips``: from the middle to a hip joint, m; ``steps``: feet may move."""
    plan = _Plan(steps=steps, strokes=strokes, styles=styles, seed=seed, scale=scale, hips=hips, duration=speech.duration)
    for cell in range(int(speech.duration / _CELL) + 1):
        random = randomness(seed, "footwork", cell)
        plan.add(cell, _anchor(cell, speech.pauses or (), random), random)
    return Footwork(weight=Track(np.array([plan.start_weight]), plan.moves), steps=tuple(plan.steps), first=plan.first)


def _anchor(cell: int, pauses: Sequence[Pause], random: np.random.Generator) -> float:
    """When the cell's event begins: as a phrase ends in it, else anywhere, s."""
    anywhere = _CELL * (cell + float(random.uniform(0.2, 0.7)))
    inside = [
        p for p in pauses if cell * _CELL <= p.start < (cell + 1) * _CELL and p.end - p.start >= 0.2 and p.start > 0.7
    ]
    if not inside:
        return max(anywhere, 1.0)
    return max(inside, key=lambda pause: pause.end - pause.start).start - 0.1


def _toed(posture: float) -> float:
    """Rad, outward."""
    return float(_TOED[0] * min(posture, 0.0) + _TOED[1] * max(posture, 0.0))


class _Plan:
    def __init__(
        self,
        *,
        strokes: Sequence[PlannedStroke],
        styles: StyleSheet,
        seed: int,
        scale: float,
        hips: float,
        duration: float,
        steps: bool,
    ) -> None:
        self.styles, self.scale, self.duration, self.stepping = styles, scale, duration, steps
        self.holds = np.array([(s.apex - 0.03, s.hold_end) for s in strokes]).reshape(-1, 2)
        self.strong = np.array([s.apex for s in strokes if s.amplitude > 1.1])
        random = randomness(seed, "stance")
        # Bold people stand wide, shy ones narrow, with their toes ahead.
        posture = styles.base.posture
        bold = (_NARROW if posture < 0 else _BROAD) * posture + 0.16 * (styles.base.energy - 0.5)
        self.half = hips * (1.10 + bold + 0.05 * float(np.clip(random.normal(), -2, 2)))
        self.start_weight = float(random.choice([-1.0, 1.0]) * random.uniform(0.15, 0.6))
        self.weight = self.start_weight
        stagger = 0.03 * scale * float(random.choice([-1.0, 1.0]))
        self.first = {
            side: np.array(
                [
                    SIGN[side] * self.half,
                    SIGN[side] * stagger,
                    SIGN[side] * (np.radians(random.uniform(6, 13)) + _toed(posture)),
                ]
            )
            for side in SIDES
        }
        self.feet = dict(self.first)
        self.moves: list[Move] = []
        self.steps: list[Step] = []
        self.free = 0.7  # s, when the body is done with what it does

    def add(self, cell: int, start: float, random: np.random.Generator) -> None:
        """The event of one cell. Draws are made in one order whatever comes of them."""
        draw, again, size = random.random(), random.random(), float(random.uniform(0.6, 1.0))
        goal = random.uniform(-1, 1, 2) * _BOX * self.scale
        yaw, outs = np.radians(np.clip(random.normal(0.0, 5.0), -8.0, 8.0)), np.radians(random.uniform(5, 14, 2))
        side_draw, rest_draw, wide, fore = random.random(), random.random(), random.normal(), random.normal()
        if start < self.free:
            start = self.free
            if start > (cell + 1) * _CELL:
                return
        style = self.styles.at(start)
        stepping = 0.36 * style.steps * (0.5 + style.energy) if self.stepping else 0.0
        if draw < stepping:
            lifted: Side = "left" if self.weight < 0 else "right"  # the free foot
            if side_draw < 0.2:
                lifted = _OTHER[lifted]
            sides = [lifted, _OTHER[lifted]] if again < 0.3 else [lifted]
            targets: dict[Side, Array] = {}
            feet = dict(self.feet)
            for side in sides:
                home = np.array([goal[0], goal[1], yaw + SIGN[side] * (outs[SIDES.index(side)] + _toed(style.posture))])
                feet[side] = targets[side] = self._placed(side, home, yaw, feet, wide, fore)
            self._step(start, sides, targets, self._next(rest_draw, size * min(style.sway, 1.3)))
        elif draw < stepping + 0.55 or cell == 0:
            weight = self._next(rest_draw, size * min(style.sway, 1.3))
            if style.sway > 0 and start + _SHIFT + _SHIFT_NUDGE < self.duration:
                self._move(self._quiet(start, _SHIFT), _SHIFT, weight)
                self.free = start + _SHIFT + 2 * _SHIFT_NUDGE

    def _next(self, draw: float, size: float) -> float:
        """The weight after an event: mostly the other foot's, now and then the middle."""
        if draw < 0.14:
            return 0.6 * size * (draw / 0.07 - 1)
        other = -1.0 if self.weight > 0 else 1.0
        return size * (other if draw < 0.9 else -other)

    def _move(self, start: float, length: float, weight: float) -> None:
        self.moves.append(Move(start=start, end=start + length, target=np.array([weight])))
        self.weight = weight

    def _step(self, start: float, sides: Sequence[Side], targets: dict[Side, Array], after: float) -> None:
        lengths = {s: self._length(self.feet[s], targets[s], start) for s in sides}
        whole = sum(lengths.values()) + len(sides) * (_LEAD_ALL + 2 * _NUDGE) + _SETTLE
        if start + whole + 0.3 > self.duration:
            return
        for side in sides:
            stand = -SIGN[side]
            lead = _LEAD + (_LEAD_ALL - _LEAD) * abs(stand * _OVER - self.weight) / (2 * _OVER)
            self._move(start, lead, stand * _OVER)
            length = lengths[side]
            lift = self._quiet(start + lead - 0.05 + _NUDGE, length, landing=True)
            origin, self.feet[side] = self.feet[side], targets[side]
            self.steps.append(Step(side=side, start=lift, length=length, origin=origin, target=targets[side]))
            start = start + lead - 0.05 + 2 * _NUDGE + length  # when the foot is down at the latest
        self._move(start - 0.1, _SETTLE, after)
        self.free = start + _SETTLE + _NUDGE

    def _length(self, origin: Array, target: Array, time: float) -> float:
        """Seconds, longer for longer ways."""
        way = float(np.hypot(*(target - origin)[:2])) / self.scale
        return float(np.clip(0.52 + 0.7 * way - 0.08 * (self.styles.at(time).energy - 0.5), 0.45, 0.68))

    def _placed(self, side: Side, home: Array, yaw: float, feet: dict[Side, Array], wide: float, fore: float) -> Array:
        """Where a foot goes that would stand round ``home``: beside the other one, never across it, in one stride."""
        other = feet[_OTHER[side]]
        sign, turn = SIGN[side], np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        offset = np.array([sign * self.half * (1 + 0.12 * wide), 0.5 * sign * 0.05 * self.scale * fore])
        # Forward is (sin yaw, cos yaw) in x, z; to the left (cos yaw, -sin yaw).
        wanted = home[:2] + turn.T @ offset
        apart = turn @ (wanted - other[:2])
        apart[0] = sign * np.clip(sign * apart[0], 1.7 * self.half, 2.5 * self.half)
        apart[1] = np.clip(apart[1], -_FORE * self.scale, _FORE * self.scale)
        wanted = other[:2] + turn.T @ apart
        way = wanted - feet[side][:2]
        length = float(np.hypot(*way))
        way *= min(1.0, _LONGEST * self.scale / max(length, 1e-9))
        return np.array([*(feet[side][:2] + way), home[2]])

    def _quiet(self, start: float, length: float, *, landing: bool = False) -> float:
        """``start``, s, moved by up to ``_NUDGE`` out of the strokes' holds; a landing may come as a strong stroke strikes."""
        reach = _NUDGE if landing else _SHIFT_NUDGE
        best, least = start, np.inf
        begins, ends = (self.holds[:, 0], self.holds[:, 1])
        # A shift may begin and end gently in a hold; a swing may not.
        skirt = 0.0 if landing else 0.25 * length
        for step in sorted(range(-8, 9), key=abs):
            at = start + reach * step / 8
            overlap = np.minimum(ends, at + length - skirt) - np.maximum(begins, at + skirt)
            cost = float(np.maximum(overlap, 0.0).sum()) + 0.02 * abs(step) / 8
            if landing and len(self.strong):
                cost -= 0.03 * float(np.any(np.abs(self.strong - 0.03 - at - length) < 0.04))
            if cost < least - 1e-9:
                best, least = at, cost
        return best
