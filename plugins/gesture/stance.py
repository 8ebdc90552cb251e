"""Standing: weight shifts over planted feet, breath, and a spine that joins in the strokes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.ik import reach, two_bone
from ...core.skeleton import JOINT
from .curves import Move, Pulse, Track, noise, pulses, randomness, soft_limit
from .phrases import Phrase
from .planning import PlannedStroke
from .style import StyleSheet

Array = NDArray[Any]
_TOE_OUT = np.radians(8.0)
_STANCE_WIDTH = 1.12  # ankles apart, over hips apart
_BREATH = 3.6  # s
_SPINE_SHARE = {"spine1": 0.30, "spine2": 0.35, "spine3": 0.35}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stance:
    """The lower body over time, and what the upper body adds itself to."""

    trans: Array  # (T, 3) m
    pelvis: Array  # (T, 3) axis-angle
    spine: Array  # (T, 3) rad, the spine's whole bend: forward, turn to the left, tilt to the right
    breath: Array  # (T,) -1..1, 1 with full lungs
    poses: dict[str, Array]  # joint -> (T, 3) axis-angle: legs and feet


def stand(
    rest_joints: Array,
    floor: float,
    times: Array,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    styles: StyleSheet,
    seed: int,
) -> Stance:
    """A standing body. ``floor``: height of the soles at rest, m; they come to stand at height 0."""
    height = _leg_length(rest_joints)
    shift = _weight(times, phrases, styles, seed)
    sway = styles.curve("sway", times)
    energy = styles.curve("energy", times)
    side = shift * 0.040 * height + sway * 0.0035 * noise(seed, "sway side", times, 2.6)
    fore = sway * 0.0035 * noise(seed, "sway fore", times, 3.1) - 0.004
    # The hip over the free leg sinks, so that its knee gives.
    tilt = 0.055 * shift
    breath = _breath(times, phrases, seed)

    spine = _spine(times, phrases, strokes, energy, seed)
    spine[:, 0] -= 0.010 * breath
    spine[:, 2] -= 0.6 * tilt  # shoulders stay nearly level over a tilted pelvis
    turn = 0.2 * spine[:, 1]
    pelvis = rotations.quaternion_to_axis_angle(
        rotations.multiply(
            rotations.axis_angle_to_quaternion(np.stack([np.zeros_like(turn), turn, np.zeros_like(turn)], axis=1)),
            rotations.axis_angle_to_quaternion(np.stack([0.02 + 0.1 * spine[:, 0], np.zeros_like(tilt), tilt], axis=1)),
        )
    )
    trans = np.stack([side, np.full_like(side, -floor) - 0.0045 * height - 0.006 * height * shift**2, fore], axis=1)
    return Stance(trans=trans, pelvis=pelvis, spine=spine, breath=breath, poses=_legs(rest_joints, trans, pelvis, floor))


def spine_poses(stance: Stance) -> dict[str, Array]:
    """The spine's bend shared out over its three joints."""
    return {name: share * stance.spine for name, share in _SPINE_SHARE.items()}


def _leg_length(rest_joints: Array) -> float:
    return reach(
        *(
            rest_joints[JOINT[b]] - rest_joints[JOINT[a]]
            for a, b in (("left_hip", "left_knee"), ("left_knee", "left_ankle"))
        )
    )


def _weight(times: Array, phrases: Sequence[Phrase], styles: StyleSheet, seed: int) -> Array:
    """Weight from -1 (right foot) to 1 (left foot): shifts every few seconds, near the beginnings of phrases."""
    random = randomness(seed, "weight")
    end = float(times[-1]) if len(times) else 0.0
    beginnings = np.array([phrase.start for phrase in phrases])
    moves: list[Move] = []
    time, foot = float(random.uniform(1.5, 4.0)), float(random.choice([-1.0, 1.0]))
    while time < end:
        near = beginnings[np.abs(beginnings - time) < 1.2]
        start = max(float(near[0]) - 0.25 if len(near) else time, moves[-1].end if moves else 0.0)
        length = float(random.uniform(1.1, 1.7))
        size = float(random.uniform(0.45, 1.0)) * styles.at(start).sway
        moves.append(Move(start=start, end=start + length, target=np.array([foot * size])))
        foot = -foot if random.random() < 0.7 else float(random.uniform(-0.3, 0.3))
        foot = float(np.sign(foot)) if abs(foot) > 0.3 else foot
        time = start + length + float(random.uniform(2.5, 6.5))
    return Track(np.array([0.0]), moves).sample(times)[:, 0]


def _breath(times: Array, phrases: Sequence[Phrase], seed: int) -> Array:
    """Lungs fill in the pauses before phrases and empty along them; at rest they follow their own period."""
    random = randomness(seed, "breath")
    moves: list[Move] = []
    time = 0.0
    end = float(times[-1]) + _BREATH if len(times) else 0.0
    intakes = [max(phrase.start - 0.45, 0.0) for i, phrase in enumerate(phrases) if i == 0 or phrases[i - 1].pause > 0.25]
    while time < end:
        following = next((t for t in intakes if t >= time), np.inf)
        start = following if following - time < 0.8 * _BREATH else time
        rise = 0.45 if start == following else 1.4
        talking = any(p.start <= start + rise <= p.end for p in phrases)
        fall = float(random.uniform(2.4, 3.4)) if talking else float(random.uniform(1.8, 2.4))
        moves.append(Move(start=start, end=start + rise, target=np.array([1.0 if start == following else 0.6])))
        moves.append(Move(start=start + rise, end=start + rise + fall, target=np.array([-0.6])))
        time = start + rise + fall
    return Track(np.array([-0.6]), moves).sample(times)[:, 0]


def _spine(times: Array, phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], energy: Array, seed: int) -> Array:
    """(T, 3) forward, turn, tilt, rad: a stance for each phrase, a part in each stroke, a slow wander."""
    moves: list[Move] = []
    for number, phrase in enumerate(phrases):
        random = randomness(seed, "torso", number)
        target = np.array([random.normal(0.025, 0.02), random.normal(0, 0.035), random.normal(0, 0.015)])
        start = max(phrase.start - 0.3, moves[-1].end if moves else 0.0)
        if start < phrase.end:
            moves.append(Move(start=start, end=start + 0.9, target=target))
    if moves:
        start = max(phrases[-1].end, moves[-1].end)
        moves.append(Move(start=start, end=start + 1.2, target=np.zeros(3)))
    spine = Track(np.zeros(3), moves).sample(times)
    lean, turn, tilt = [], [], []
    for stroke in strokes:
        size = 0.02 + 0.022 * min(stroke.amplitude, 1.8)
        span = {"start": stroke.prepare, "apex": stroke.apex, "hold_end": stroke.hold_end, "end": stroke.hold_end + 0.8}
        side = 0.0 if stroke.hand == "both" else 1.0 if stroke.hand == "right" else -1.0  # the right hand turns us left
        lean.append(Pulse(**span, height=size))
        turn.append(Pulse(**span, height=0.9 * size * side))
        tilt.append(Pulse(**span, height=0.35 * size * side))
    for column, items in enumerate((lean, turn, tilt)):
        spine[:, column] = soft_limit(spine[:, column] + pulses(items, times), 0.16)
        spine[:, column] += (0.004 + 0.006 * energy) * noise(seed, f"torso {column}", times, 2.2)
    return spine


def _legs(rest_joints: Array, trans: Array, pelvis: Array, floor: float) -> dict[str, Array]:
    """Hips, knees and ankles that keep both feet exactly where they stand."""
    pelvis_matrix = rotations.axis_angle_to_matrix(pelvis)
    root = rest_joints[JOINT["pelvis"]] + trans
    poses: dict[str, Array] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee, ankle, toe = (rest_joints[JOINT[f"{side}_{name}"]] for name in ("hip", "knee", "ankle", "foot"))
        planted = np.array([_STANCE_WIDTH * hip[0], ankle[1] - floor, ankle[2]])
        socket = root + pelvis_matrix @ (hip - rest_joints[JOINT["pelvis"]])
        goal = (pelvis_matrix.swapaxes(-1, -2) @ (planted - socket)[..., None])[..., 0]
        outward = np.arctan2(toe[0] - ankle[0], toe[2] - ankle[2])
        heading = sign * _TOE_OUT - outward
        knee_way = np.array([np.sin(sign * _TOE_OUT * 0.8), 0.0, np.cos(_TOE_OUT)])
        pole = (pelvis_matrix.swapaxes(-1, -2) @ knee_way[:, None])[..., 0]
        upper, middle = two_bone(knee - hip, ankle - knee, np.array([1.0, 0.0, 0.0]), goal, pole, bend_limits=(0.02, 2.4))
        foot = rotations.axis_angle_to_matrix(np.array([0.0, heading, 0.0]))
        shin = pelvis_matrix @ upper @ middle
        poses[f"{side}_hip"] = rotations.matrix_to_axis_angle(upper)
        poses[f"{side}_knee"] = rotations.matrix_to_axis_angle(middle)
        poses[f"{side}_ankle"] = rotations.matrix_to_axis_angle(shin.swapaxes(-1, -2) @ foot)
    return poses
