"""Legs: feet that stand rigid on the floor or roll off, swing and are set down again, and joints that follow them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.ik import two_bone
from ...core.skeleton import JOINT
from .curves import Move, Track, minimum_jerk
from .footwork import SIGN, Footwork
from .planning import SIDES, Side

Array = NDArray[Any]
ROLLING = 0.5  # contact of a part of the foot that touches the ground and turns on it
_TOE_OFF, _TOUCH = 0.30, 0.86  # shares of a step
_HEEL_RISE = 0.42  # rad, as the toes leave, of the longest step
_HEEL_FIRST, _BALL_FIRST = -0.13, 0.10  # rad, as the foot comes down
_LIFT = 0.030  # m, that the foot is carried over the ground, of the longest step ...
_LONG, _LEAST = 0.19, 0.33  # m, of a leg of 0.83 m; ... and the share of all this that the smallest one has
_FORWARD = 0.07  # m; a step that goes farther forward lands on its heel
_STRAIGHTEST, _DEEPEST = 0.04, 2.4  # rad, of the knee
_SOFTNESS = 0.004  # m, of the choice of the leg that holds the pelvis up


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Leg:
    """One leg's bones at rest, metres."""

    side: Side
    hip: Array  # seen from the pelvis
    knee: Array  # each seen from the joint before
    ankle: Array
    ball: Array
    flexed: float  # rad, the knee's bend at rest
    outward: float  # rad, where the foot points at rest, positive to the left
    heel: float  # m, from the ankle back to the heel's end
    height: float  # m, of the ankle over the sole

    @property
    def foot(self) -> float:
        """Ankle to ball along the ground, m."""
        return float(np.hypot(self.ball[0], self.ball[2]))

    def reach(self, bend: float | Array) -> Array:
        """Hip to ankle with the knee bent by ``bend``, rad, about its hinge, the x axis; m."""
        (x, y, z), (x2, y2, z2) = self.knee, self.ankle
        along = x * x2 + np.hypot(y, z) * np.hypot(y2, z2) * np.cos(bend)
        return np.asarray(np.sqrt(self.knee @ self.knee + self.ankle @ self.ankle + 2 * along))


def read_leg(rest_joints: Array, vertices: Array, side: Side) -> Leg:
    """The leg of a body with these joints (55, 3) and vertices (V, 3) at rest, m."""
    hip, knee, ankle, ball = (rest_joints[JOINT[f"{side}_{name}"]] for name in ("hip", "knee", "ankle", "foot"))
    floor = float(vertices[:, 1].min())
    foot = vertices[(vertices[:, 1] < floor + 0.3 * (ankle[1] - floor)) & (vertices[:, 0] * SIGN[side] > 0)]
    return Leg(
        side=side,
        hip=hip - rest_joints[JOINT["pelvis"]],
        knee=knee - hip,
        ankle=ankle - knee,
        ball=ball - ankle,
        flexed=float(np.arctan2(knee[2] - hip[2], hip[1] - knee[1]) - np.arctan2(ankle[2] - knee[2], knee[1] - ankle[1])),
        outward=float(np.arctan2(ball[0] - ankle[0], ball[2] - ankle[2])),
        heel=float(ankle[2] - foot[:, 2].min()) if len(foot) else 0.05,
        height=float(ankle[1] - floor),
    )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Foot:
    """One foot over time."""

    ankle: Array  # (T, 3) m, over the floor at 0
    over: Array  # (T, 2) m, x and z where the ankle would be with the foot flat: no lift, no roll
    heading: Array  # (T,) rad, to the left
    pitch: Array  # (T,) rad, positive with the heel up
    toes: Array  # (T,) rad, the toes bent up against the foot
    contact: Array  # (T, 2) heel and toes; 1 planted, ROLLING, 0 in the air


def move_feet(times: Array, legs: dict[Side, Leg], work: Footwork, scale: float) -> dict[Side, Foot]:
    """Both feet along the planned steps."""
    return {side: _move_foot(times, legs[side], work, scale) for side in SIDES}


def _move_foot(times: Array, leg: Leg, work: Footwork, scale: float) -> Foot:
    steps = [step for step in work.steps if step.side == leg.side]
    first = work.first[leg.side]
    places = Track(
        _flat_ball(first, leg),
        [
            Move(start=s.start + _TOE_OFF * s.length, end=s.start + _TOUCH * s.length, target=_flat_ball(s.target, leg))
            for s in steps
        ],
    ).sample(times)
    lift, rise, land = np.zeros((3, len(times)))
    contact = np.ones((len(times), 2))
    for step in steps:
        span = slice(*np.searchsorted(times, (step.start + 1e-9, step.end - 1e-9)))
        phase = (times[span] - step.start) / step.length
        share = min(1.0, _LEAST + (1 - _LEAST) * step.distance / (_LONG * scale))
        rise[span] = share * _HEEL_RISE * minimum_jerk(phase / 0.4) * (1 - minimum_jerk((phase - 0.42) / 0.44))
        lift[span] = _LIFT * share * scale * _bump(phase, 0.24, 0.55, _TOUCH)
        along = float((step.target - step.origin)[:2] @ (np.sin(step.target[2]), np.cos(step.target[2])))
        heel_first = along > _FORWARD * scale
        land[span] = share * (_HEEL_FIRST if heel_first else _BALL_FIRST) * _bump(phase, 0.5, 0.80, 1.0)
        contact[span, 0] = np.where(phase >= _TOUCH, ROLLING if heel_first else 0.0, 0.0)
        contact[span, 1] = np.where(phase <= 0.24, 1.0, np.where(phase >= _TOUCH, 0.0 if heel_first else 1.0, 0.0))
    heading = places[:, 2]
    pitch = rise + land
    # Toes up, the foot turns about its heel's end, else about the ball.
    length, under = leg.foot + leg.heel, leg.height + leg.ball[1]
    down = np.minimum(land, 0.0)
    ahead = under * np.sin(down) - length * (1 - np.cos(down))
    up = under * (np.cos(down) - 1) - length * np.sin(down)
    forward = np.stack([np.sin(heading), np.cos(heading)], axis=1)
    ball = places[:, :2] + ahead[:, None] * forward
    back = -leg.foot * np.cos(pitch) - leg.ball[1] * np.sin(pitch)  # ankle from ball, the foot turned by the pitch
    over = ball + back[:, None] * forward
    height = under + up + lift + leg.foot * np.sin(pitch) - leg.ball[1] * np.cos(pitch)
    flat = places[:, :2] - leg.foot * forward
    return Foot(
        ankle=np.stack([over[:, 0], height, over[:, 1]], axis=1),
        over=flat,
        heading=heading,
        pitch=pitch,
        toes=np.maximum(rise, 0.0) + np.maximum(land, 0.0),
        contact=contact,
    )


def _flat_ball(place: Array, leg: Leg) -> Array:
    """Ankle's place and heading -> the ball's."""
    return np.asarray(place + np.array([leg.foot * np.sin(place[2]), leg.foot * np.cos(place[2]), 0.0]))


def _bump(phase: Array, start: float, top: float, end: float) -> Array:
    return np.asarray(minimum_jerk((phase - start) / (top - start)) * (1 - minimum_jerk((phase - top) / (end - top))))


def hip_height(leg: Leg, pelvis: Array, over: Array, foot: Foot, bend: Array) -> Array:
    """How high the pelvis stands (T,), m, on this leg with its knee bent by ``bend`` (T,), rad.

    ``pelvis`` (T, 3, 3); ``over`` (T, 2): its x and z, m.
    """
    socket = pelvis @ leg.hip
    across = over + socket[:, [0, 2]] - foot.ankle[:, [0, 2]]
    rise = np.sqrt(np.maximum(leg.reach(bend) ** 2 - (across**2).sum(axis=1), 0.25 * leg.reach(0.0) ** 2))
    return np.asarray(foot.ankle[:, 1] - socket[:, 1] + rise)


def lower_of(first: Array, second: Array) -> Array:
    """A smooth minimum, a little below both where they meet."""
    return np.asarray(-_SOFTNESS * np.logaddexp(-first / _SOFTNESS, -second / _SOFTNESS))


def leg_poses(leg: Leg, root: Array, pelvis: Array, foot: Foot, knee_out: Array) -> dict[str, Array]:
    """Axis-angle (T, 3) of hip, knee, ankle and toes that bring the foot where it should be.

    ``root`` (T, 3): the pelvis joint, m; ``pelvis`` (T, 3, 3); ``knee_out`` (T,) rad: where the knee points, to the left.
    """
    inverse = pelvis.swapaxes(-1, -2)
    goal = (inverse @ (foot.ankle - root)[..., None])[..., 0] - leg.hip
    way = np.stack([np.sin(knee_out), np.zeros_like(knee_out), np.cos(knee_out)], axis=1)
    pole = (inverse @ way[..., None])[..., 0]
    limits = (_STRAIGHTEST - leg.flexed, _DEEPEST - leg.flexed)
    upper, middle = two_bone(leg.knee, leg.ankle, np.array([1.0, 0.0, 0.0]), goal, pole, bend_limits=limits)
    zero = np.zeros_like(foot.heading)
    turned = rotations.axis_angle_to_matrix(np.stack([zero, foot.heading, zero], axis=1))
    pitched = rotations.axis_angle_to_matrix(np.stack([foot.pitch, zero, zero], axis=1))
    sole = turned @ pitched @ rotations.axis_angle_to_matrix(np.array([0.0, -leg.outward, 0.0]))
    shin = pelvis @ upper @ middle
    toe_axis = np.array([np.cos(leg.outward), 0.0, -np.sin(leg.outward)])
    return {
        f"{leg.side}_hip": rotations.matrix_to_axis_angle(upper),
        f"{leg.side}_knee": rotations.matrix_to_axis_angle(middle),
        f"{leg.side}_ankle": rotations.matrix_to_axis_angle(shin.swapaxes(-1, -2) @ sole),
        f"{leg.side}_foot": -foot.toes[:, None] * toe_axis,
    }
