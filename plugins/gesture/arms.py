"""Arms: paths of the wrists in gesture space, and the joint rotations that follow them.

Both arms are solved as left arms; the right one is mirrored on the way in and out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.body import Body
from ...core.ik import reach, two_bone
from ...core.lexicon import Lexicon, Posture
from ...core.skeleton import JOINT
from .curves import Move, Track, minimum_jerk, noise, soft_limit
from .planning import HOME, SETTLING, PlannedStroke, Side

Array = NDArray[Any]
_MIRROR = np.array([-1.0, 1.0, 1.0])
_REST_REACH, _REST_FORWARD = 0.983, 0.08  # arm lengths; hanging, elbow a little bent
_HIP_ROOM = 0.085  # m between the thigh's side and the wrist's middle: half a hand and its thumb
_CENTRE = rotations.normalised(np.array([0.12, -0.80, 0.58]))  # gesture space's middle, seen from the shoulder
_ACROSS = rotations.normalised(np.cross(_CENTRE, np.array([0.0, 0.0, 1.0])) * -1)
_UPWARD = np.cross(_ACROSS, _CENTRE) * -1
DRAG_DELAY = 0.05  # s, the hand behind the forearm
_ASIDE = np.array([0.26, -0.72, 0.40])  # arm lengths; a hand on its way down passes here, clear of the thigh's front
_HAND_THICKNESS = 0.016  # m
SHAPE_START = 6  # column of a posture track where the hand shape begins
_BEND_LIMIT, _TURN_LIMIT = np.radians(65.0), np.radians(85.0)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """One arm's bones at rest, as a left arm, metres."""

    side: Side
    collar: Array  # collar joint seen from spine3
    shoulder: Array  # each seen from the joint before
    elbow: Array
    wrist: Array
    palm: Array  # unit, out of the palm
    hand: Array  # unit, from the wrist to the knuckles

    @property
    def length(self) -> float:
        return reach(self.elbow, self.wrist)


def read_arm(rest_joints: Array, side: Side) -> Arm:
    """The arm of a body with these joints (55, 3)."""
    sign = np.ones(3) if side == "left" else _MIRROR
    names = (
        "spine3",
        *(f"{side}_{part}" for part in ("collar", "shoulder", "elbow", "wrist", "index1", "middle1", "pinky1")),
    )
    spine, collar, shoulder, elbow, wrist, index, middle, pinky = (rest_joints[JOINT[name]] * sign for name in names)
    palm = -rotations.normalised(np.cross(index - wrist, pinky - wrist))
    return Arm(
        side=side,
        collar=collar - spine,
        shoulder=shoulder - collar,
        elbow=elbow - shoulder,
        wrist=wrist - elbow,
        palm=palm,
        hand=rotations.normalised(middle - wrist),
    )


def hanging_wrist(arm: Arm, body: Body, betas: Array, rest_joints: Array) -> Array:
    """Where the wrist of a hanging arm is, (3,) from the shoulder, arm lengths: as near to the hips as they let it."""
    sides = body.shaped(betas)[np.isin(body.weights.argmax(axis=1), [JOINT[name] for name in ("pelvis", "left_hip")])]
    shoulder = abs(float(rest_joints[JOINT["left_shoulder"], 0]))
    hips = float(np.quantile(sides[:, 0], 0.99)) if len(sides) else shoulder
    outward = float(np.clip((hips + _HIP_ROOM - shoulder) / arm.length, 0.12, 0.45))
    return np.array([outward, -np.sqrt(_REST_REACH**2 - outward**2 - _REST_FORWARD**2), _REST_FORWARD])


def posture_track(strokes: Sequence[PlannedStroke], side: Side, lexicon: Lexicon, hanging: Array) -> Track:
    """The hand's path: [across, upward, distance, turn, bend, elbow, hand shape...] over time.

    ``hanging`` (3,): the resting wrist, from ``hanging_wrist``.
    """
    rest = Posture(wrist=hanging, turn=np.radians(-8), bend=0.06, elbow=0.0, shape=lexicon.shapes["hanging"])
    ready = Posture(wrist=HOME, turn=np.radians(14), bend=0.02, elbow=0.0, shape=lexicon.shapes["relaxed"])
    moves: list[Move] = []
    for stroke in strokes:
        if side not in stroke.sides:
            continue
        after, release = coordinates_of(stroke.after[side]), stroke.releases[side]
        moves.append(Move(start=stroke.prepare, end=stroke.ready, target=coordinates_of(stroke.before[side])))
        moves.append(Move(start=stroke.start, end=stroke.apex, target=after, crisp=True))
        span = release.end - release.hold_end
        if release.to == "rest":  # a hand that is done goes out sideways, then down
            aside = 0.3 * after + 0.7 * coordinates_of(rest)
            aside[:3] = coordinates_of(dataclasses.replace(rest, wrist=_ASIDE))[:3]
            moves.append(Move(start=release.hold_end, end=release.hold_end + 0.7 * span, target=aside))
            moves.append(Move(start=release.hold_end + 0.25 * span, end=release.end, target=coordinates_of(rest)))
        elif release.to == "ready" and span > 0:  # one that waits sinks towards the ready posture, as far as it has time
            share = 0.7 * min(1.0, span / SETTLING)
            goal = (1 - share) * after + share * coordinates_of(ready)
            moves.append(Move(start=release.hold_end, end=release.end, target=goal))
    return Track(coordinates_of(rest), moves)


def coordinates_of(posture: Posture) -> Array:
    """Direction from gesture space's middle (rad, two angles), distance, then the rest as it is."""
    distance = float(np.linalg.norm(posture.wrist))
    towards = posture.wrist / distance
    angle = float(np.arccos(np.clip(towards @ _CENTRE, -1, 1)))
    scale = angle / max(np.sin(angle), 1e-9)
    head = [towards @ _ACROSS * scale, towards @ _UPWARD * scale, distance, posture.turn, posture.bend, posture.elbow]
    return np.concatenate([head, posture.shape])


def wrist_path(coordinates: Array) -> Array:
    """(T, >=3) coordinates -> (T, 3) outward, up, forward from the shoulder, arm lengths."""
    plane = coordinates[:, :2]
    angle = np.linalg.norm(plane, axis=1, keepdims=True)
    scale = np.where(angle < 1e-6, 1.0, np.sin(angle) / np.maximum(angle, 1e-9))
    towards = np.cos(angle) * _CENTRE + scale * (plane[:, :1] * _ACROSS + plane[:, 1:2] * _UPWARD)
    return np.asarray(towards * coordinates[:, 2:3])


def with_drift(coordinates: Array, times: Array, seed: int, side: Side) -> Array:
    """The coordinates with the small wander of a living arm."""
    moved = coordinates.copy()
    for column, (deviation, period) in enumerate(((0.014, 1.7), (0.014, 1.9), (0.005, 2.3), (0.04, 2.1), (0.03, 1.5))):
        moved[:, column] += deviation * noise(seed, f"arm {side} {column}", times, period)
    return moved


def torso_size(body: Body, betas: Array, rest_joints: Array) -> tuple[float, float, float]:
    """Half width, half depth and the depth's middle of what wrists stay out of, metres, seen from spine3."""
    owners = body.weights.argmax(axis=1)
    trunk = body.shaped(betas)[np.isin(owners, [JOINT[name] for name in ("pelvis", "spine1", "spine2", "spine3")])]
    if not len(trunk):
        half = abs(rest_joints[JOINT["left_shoulder"], 0] - rest_joints[JOINT["right_shoulder"], 0]) / 2
        return float(half), float(0.8 * half), 0.0
    back, front = np.quantile(trunk[:, 2], (0.001, 0.999)) - rest_joints[JOINT["spine3"], 2]
    width = np.quantile(np.abs(trunk[:, 0]), 0.97)
    return float(width), float((front - back) / 2 + _HAND_THICKNESS), float((front + back) / 2)


def wrist_targets(
    arms: dict[Side, Arm], coordinates: dict[Side, Array], torso: tuple[float, float, float]
) -> dict[Side, Array]:
    """Where each wrist should be (T, 3), seen from spine3, metres, true left and right; clear of torso and each other.

    ``torso``: half width, half depth and the depth's middle, metres, with a hand's thickness added.
    """
    targets = {}
    for side, arm in arms.items():
        point = arm.collar + arm.shoulder + arm.length * wrist_path(coordinates[side])
        targets[side] = _outside(point, *torso) * (1 if side == "left" else _MIRROR)
    apart = targets["left"] - targets["right"]
    length = arms["left"].length
    uncrossed = apart.copy()
    uncrossed[:, 0] = _at_least(apart[:, 0], 0.10 * length, 0.03 * length)
    distance = np.linalg.norm(uncrossed, axis=1, keepdims=True)
    wanted = _at_least(distance, 0.40 * length, 0.06 * length)
    push = (uncrossed * wanted / distance - apart) / 2
    return {"left": targets["left"] + push, "right": targets["right"] - push}


def _outside(points: Array, half_width: float, half_depth: float, middle: float) -> Array:
    """Points pushed out of an upright elliptic cylinder around the torso."""
    flat = np.stack([points[:, 0] / half_width, (points[:, 2] - middle) / half_depth], axis=1)
    level = np.maximum(np.linalg.norm(flat, axis=1), 1e-6)
    factor = _at_least(level, 1.0, 0.08) / level
    moved = points.copy()
    moved[:, 0] *= factor
    moved[:, 2] = middle + (moved[:, 2] - middle) * factor
    return moved


def _at_least(values: Array, floor: float, softness: float) -> Array:
    """A smooth maximum of ``values`` and ``floor``."""
    return np.asarray(floor + softness * np.logaddexp(0.0, (values - floor) / softness))


def solve_arm(arm: Arm, target: Array, coordinates: Array, velocity: Array, lift: Array) -> dict[str, Array]:
    """Axis-angle (T, 3) of collar, shoulder, elbow and wrist.

    ``target`` (T, 3) from ``wrist_targets``; ``coordinates`` (T, >=6); ``velocity`` (T, 3) of the wrist a moment ago,
    m/s, which the hand drags behind; ``lift`` (T,) rad, of the shoulder, for breath and shrugs.
    """
    sign = np.ones(3) if arm.side == "left" else _MIRROR
    goal, speed = target * sign, velocity * sign
    towards = rotations.normalised(goal - arm.collar - arm.shoulder)
    raised = minimum_jerk((towards[:, 1] + 0.95) / 1.5)
    collar = np.zeros_like(goal)
    collar[:, 2] = -0.03 + 0.22 * raised + lift
    collar[:, 1] = -0.10 * minimum_jerk(towards[:, 2]) - 0.06 * minimum_jerk(-towards[:, 0])
    collar_matrix = rotations.axis_angle_to_matrix(collar)
    from_shoulder = goal - arm.collar - collar_matrix @ arm.shoulder

    behind = 1.4 * minimum_jerk((-towards[:, 1] - 0.5) / 0.5)
    # The farther in the hand, the farther out the elbow, clear of the ribs.
    outward = 0.40 + 0.95 * minimum_jerk(0.35 - towards[:, 0]) + np.tan(coordinates[:, 5])
    pole = np.stack([outward, -np.ones(len(goal)), -behind], axis=1)
    hinge = np.array([0.0, -1.0, 0.0])
    hinge = hinge - (hinge @ arm.elbow) * arm.elbow / (arm.elbow @ arm.elbow)
    shoulder_matrix, elbow_matrix = two_bone(arm.elbow, arm.wrist, hinge, from_shoulder, pole)

    turn = soft_limit(coordinates[:, 3], _TURN_LIMIT)
    axis = rotations.normalised(arm.wrist)
    half = rotations.axis_angle_to_matrix(-0.5 * turn[:, None] * axis)
    forearm = shoulder_matrix @ elbow_matrix @ half @ half
    # The hand lags behind its wrist, as far as it moves along the palm and across it.
    thumbward = np.cross(arm.palm, arm.hand)
    drag_bend = -0.30 * ((forearm @ arm.palm) * speed).sum(axis=1)
    drag_side = -0.16 * ((forearm @ thumbward) * speed).sum(axis=1)
    bend = soft_limit(coordinates[:, 4] + drag_bend, _BEND_LIMIT)
    flexion = np.cross(arm.hand, arm.palm)
    wrist = rotations.axis_angle_to_matrix(bend[:, None] * flexion + soft_limit(drag_side, 0.3)[:, None] * arm.palm)
    solved = {
        f"{arm.side}_collar": collar,
        f"{arm.side}_shoulder": rotations.matrix_to_axis_angle(collar_matrix.swapaxes(-1, -2) @ shoulder_matrix),
        f"{arm.side}_elbow": rotations.matrix_to_axis_angle(elbow_matrix @ half),
        f"{arm.side}_wrist": rotations.matrix_to_axis_angle(half @ wrist),
    }
    return {name: mirrored(values) if arm.side == "right" else values for name, values in solved.items()}


def mirrored(axis_angle: Array) -> Array:
    """Axis-angle (..., 3) seen in the mirror of the plane x = 0."""
    return np.asarray(axis_angle * np.array([1.0, -1.0, -1.0]))
