"""Arms: from where a wrist should be to the rotations of collar, shoulder, elbow and wrist.

Both arms are solved as left arms; the right one is mirrored on the way in and out. Positions are seen from spine3.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.body import Body
from ...core.ik import reach, two_bone
from ...core.lexicon import Posture
from ...core.skeleton import JOINT
from .curves import minimum_jerk, soft_limit
from .paths import BEND, ELBOW, SWING, TURN
from .planning import Side

Array = NDArray[Any]
MIRROR = np.array([-1.0, 1.0, 1.0])
_REST_REACH, _REST_FORWARD = 0.978, 0.09  # arm lengths; hanging, elbow a little bent
_HIP_ROOM = 0.085  # m between the thigh's side and the wrist's middle: half a hand and its thumb
_ALONG_THIGH = 0.58  # of the way from hip to knee; where a seated body's hands lie
_OVER_THIGH = 0.030  # m of a wrist over the thigh it lies on
_BEND_LIMITS = (np.radians(7.0), np.radians(145.0))  # of the elbow
_SOFT_REACH = 0.955  # share of full reach from which the arm follows its target less and less
_TURN_LIMIT, _BEND_LIMIT, _SWING_LIMIT = np.radians(82.0), np.radians(66.0), np.radians(22.0)


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
        """From shoulder to wrist, stretched, m."""
        return float(reach(self.elbow, self.wrist))

    @property
    def sign(self) -> Array:
        """(3,) what turns true positions into those of a left arm, and back."""
        return np.ones(3) if self.side == "left" else MIRROR


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Aim:
    """What an arm is to do at T moments, as a left arm."""

    goal: Array  # (T, 3) m, the wrist seen from spine3
    collar: Array  # (T, 3) axis-angle
    pole: Array  # (T, 3) where the elbow should point
    swivel: Array  # (T,) rad that the elbow is turned on from there, about the line from shoulder to wrist
    twist: Array  # (T, 3, 3) the forearm's turn, half of it; forearm and hand take one half each
    hand: Array  # (T, 3, 3) the hand seen from the forearm's end


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """Where an arm is at T moments, as a left arm, m from spine3."""

    shoulder: Array  # (T, 3)
    elbow: Array  # (T, 3)
    wrist: Array  # (T, 3)
    upper: Array  # (T, 3, 3) of the upper arm; this and the next as seen from spine3
    bent: Array  # (T, 3, 3) of the elbow, seen from the upper arm
    collar: Array  # (T, 3, 3)

    @property
    def forearm(self) -> Array:
        """(T, 3, 3) before its turn."""
        return np.asarray(self.upper @ self.bent)


def read_arm(rest_joints: Array, side: Side) -> Arm:
    """The arm of a body with these joints (55, 3)."""
    sign = np.ones(3) if side == "left" else MIRROR
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


def rest_posture(arm: Arm, body: Body, betas: Array, rest_joints: Array, shape: Array, *, seated: bool) -> Posture:
    """How the hand rests: beside the thigh, palm towards it, or on it where the body is seated. Left and right differ."""
    right = arm.side == "right"
    wrist = hanging_wrist(arm, body, betas, rest_joints, seated=seated)
    if seated:
        return Posture(wrist=wrist, turn=np.radians(-66 if right else -74), bend=0.10, swing=-0.10, elbow=0.12, shape=shape)
    wrist = wrist + (np.array([0.0, 0.004, 0.03]) if right else 0.0)
    return Posture(wrist=wrist, turn=np.radians(-12 if right else -6), bend=0.07, swing=0.02, shape=shape)


def hanging_wrist(arm: Arm, body: Body, betas: Array, rest_joints: Array, *, seated: bool = False) -> Array:
    """Where a resting wrist is, (3,) from the shoulder, arm lengths: as near to the hips as they let it, or on the thigh."""
    vertices, owner = body.shaped(betas), body.weights.argmax(axis=1)
    shoulder = rest_joints[JOINT["left_shoulder"]]
    if seated:
        hip, knee = rest_joints[JOINT["left_hip"]], rest_joints[JOINT["left_knee"]]
        thigh = vertices[owner == JOINT["left_hip"]]
        about = hip + _ALONG_THIGH * (knee - hip)
        near = thigh[np.abs(thigh[:, 1] - about[1]) < 0.06] if len(thigh) else thigh
        thick = float((near[:, 2] - about[2]).max()) if len(near) else 0.08
        along = _ALONG_THIGH * float(np.linalg.norm(knee - hip))
        place = np.array([1.25 * abs(about[0]), hip[1] + thick + _OVER_THIGH, hip[2] + along - 0.06])
        if arm.side == "right":
            place = place + np.array([0.01, 0.0, -0.03])
        return np.asarray((place - [abs(shoulder[0]), shoulder[1], shoulder[2]]) / arm.length)
    sides = vertices[np.isin(owner, [JOINT[name] for name in ("pelvis", "left_hip")])]
    out = abs(float(shoulder[0]))
    hips = float(np.quantile(sides[:, 0], 0.99)) if len(sides) else out
    outward = float(np.clip((hips + _HIP_ROOM - out) / arm.length, 0.07, 0.45))
    return np.array([outward, -np.sqrt(_REST_REACH**2 - outward**2 - _REST_FORWARD**2), _REST_FORWARD])


def aimed(arm: Arm, goal: Array, delayed: Array, coordinates: Array, lag: Array, shoulders: Array) -> Aim:
    """What the arm is to do for its wrist to be at ``goal`` (T, 3), m from spine3, as a left arm.

    ``delayed`` (T, 3): where the goal was a moment ago: the elbow follows. ``coordinates`` (T, >= ELBOW + 1), with the
    elbow's a moment ago too. ``lag`` (T, 3): how the hand is left behind and swings through, rad along each direction.
    ``shoulders`` (T, 2) rad: lifted, for breath and shrugs, and brought forward.
    """
    socket = arm.collar + arm.shoulder
    collar = _collar(np.asarray((goal - socket) / arm.length), shoulders)
    pole = _elbow_way(rotations.normalised(delayed - socket), coordinates[:, ELBOW], shoulders[:, 0])
    turn = soft_limit(coordinates[:, TURN], _TURN_LIMIT)
    twist = rotations.axis_angle_to_matrix(-0.5 * turn[:, None] * rotations.normalised(arm.wrist))
    start = Aim(goal=goal, collar=collar, pole=pole, swivel=np.zeros(len(goal)), twist=twist, hand=twist)
    forearm = reached(arm, start).forearm @ twist @ twist
    thumbward, flexion = np.cross(arm.palm, arm.hand), np.cross(arm.hand, arm.palm)
    bend = coordinates[:, BEND] + ((forearm @ arm.palm) * lag).sum(axis=1)
    swing = coordinates[:, SWING] + 0.55 * ((forearm @ thumbward) * lag).sum(axis=1)
    hand = rotations.axis_angle_to_matrix(
        soft_limit(bend, _BEND_LIMIT)[:, None] * flexion + soft_limit(swing, _SWING_LIMIT)[:, None] * arm.palm
    )
    return dataclasses.replace(start, hand=hand)


def reached(arm: Arm, aim: Aim) -> Reached:
    """Where the arm's joints are."""
    collar = rotations.axis_angle_to_matrix(aim.collar)
    shoulder = arm.collar + collar @ arm.shoulder
    target: Array = aim.goal - shoulder
    along = rotations.normalised(target)
    across = aim.pole - (aim.pole * along).sum(axis=1, keepdims=True) * along
    cosine, sine = np.cos(aim.swivel)[:, None], np.sin(aim.swivel)[:, None]
    pole = cosine * across + sine * np.cross(along, across)
    hinge = np.array([0.0, -1.0, 0.0])
    hinge = hinge - (hinge @ arm.elbow) * arm.elbow / (arm.elbow @ arm.elbow)
    upper, bent = two_bone(arm.elbow, arm.wrist, hinge, target, pole, bend_limits=_BEND_LIMITS, soft_from=_SOFT_REACH)
    elbow = shoulder + upper @ arm.elbow
    wrist = elbow + (upper @ bent) @ arm.wrist
    return Reached(shoulder=shoulder, elbow=elbow, wrist=wrist, upper=upper, bent=bent, collar=collar)


def rotations_of(arm: Arm, aim: Aim) -> dict[str, Array]:
    """Axis-angle (T, 3) of collar, shoulder, elbow and wrist, on the arm's true side."""
    place = reached(arm, aim)
    solved = {
        f"{arm.side}_collar": aim.collar,
        f"{arm.side}_shoulder": rotations.matrix_to_axis_angle(place.collar.swapaxes(-1, -2) @ place.upper),
        f"{arm.side}_elbow": rotations.matrix_to_axis_angle(place.bent @ aim.twist),
        f"{arm.side}_wrist": rotations.matrix_to_axis_angle(aim.twist @ aim.hand),
    }
    return {name: mirrored(values) if arm.side == "right" else values for name, values in solved.items()}


def mirrored(axis_angle: Array) -> Array:
    """Axis-angle (..., 3) seen in the mirror of the plane x = 0."""
    return np.asarray(axis_angle * np.array([1.0, -1.0, -1.0]))


def _collar(towards: Array, shoulders: Array) -> Array:
    """(T, 3) axis-angle: the girdle rises with the hand and goes forward with it. ``towards`` (T, 3), arm lengths."""
    raised = minimum_jerk((towards[:, 1] + 0.95) / 1.7)
    forward = minimum_jerk((towards[:, 2] - 0.1) / 0.9)
    inward = minimum_jerk(-towards[:, 0] / 0.8)
    collar = np.zeros_like(towards)
    collar[:, 1] = -0.12 * forward - 0.14 * inward - shoulders[:, 1]
    collar[:, 2] = -0.03 + 0.34 * raised + shoulders[:, 0]
    return collar


def _elbow_way(towards: Array, lifted: Array, shrugged: Array) -> Array:
    """(T, 3) where the elbow points: down and out, the farther in the hand the farther out; behind a hand that hangs.

    ``towards`` (T, 3), unit, from the shoulder to the hand; ``lifted`` (T,) rad; ``shrugged`` (T,) rad, of the shoulder,
    which takes the elbow off the ribs.
    """
    behind = 1.4 * minimum_jerk((-towards[:, 1] - 0.5) / 0.5)
    outward = 0.40 + 0.95 * minimum_jerk(0.35 - towards[:, 0]) + np.tan(lifted) + 2.2 * shrugged
    return np.stack([outward, -np.ones(len(towards)), -behind], axis=1)
