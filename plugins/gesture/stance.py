"""The body below the arms: weight over planted feet or on a seat, steps, and a trunk that breathes and joins in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.skeleton import JOINT
from ...core.speech import Speech
from .breath import breathe
from .curves import minimum_jerk, noise
from .footwork import plan_footwork
from .legs import Foot, Leg, hip_height, leg_poses, lower_of, move_feet, read_leg
from .phrases import Phrase
from .planning import SIDES, PlannedStroke, Side
from .seat import find_seat, seated_bends, seated_feet, seated_root
from .spine import Trunk, move_trunk
from .style import StyleSheet

Array = NDArray[Any]
_LEG = 0.83  # m, the length that the amounts here are meant for
_OVER = 0.42  # how far the pelvis goes towards the foot that bears it: 5 cm
_TILT, _YAW = 0.10, 0.07  # rad, of the pelvis with the weight on one foot: the free hip sinks and comes forward
_COUNTER = (1.40, 1.75)  # the shoulders tilt and turn the other way; over what undoes the pelvis's
_HIKE, _HIKED = 0.6, 0.05  # share of the tilt that the hip of a foot in the air is held up by; from this height, m
_KNEE = 0.14  # rad, that the knee of the bearing leg is bent: nobody at ease locks it
_AHEAD = 0.030  # m, the hips before the ankles


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stance:
    """The body below the arms over time, and what the rest adds itself to."""

    trans: Array  # (T, 3) m
    poses: dict[str, Array]  # joint -> (T, 3) axis-angle: pelvis, spine1..3, legs and feet
    trunk: Array  # (T, 3) rad, how the chest (spine3) is turned in the world: forward, to the left, tilted to the right
    breath: Array  # (T,) 1 with full lungs, -1 empty
    shoulders: Array  # (T, 2) rad, for the collars: lifted (breath, laughs, sighs, shrugs) and brought forward (posture)
    contacts: Array  # (T, 4) left heel, left toes, right heel, right toes: 1 planted, 0.5 turning on it, 0 in the air
    seated: bool


def stand(
    rest_joints: Array,
    vertices: Array,
    times: Array,
    speech: Speech,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    styles: StyleSheet,
    seed: int,
) -> Stance:
    """A body standing on a floor at height 0, or seated over it. ``rest_joints`` (55, 3) and ``vertices`` (V, 3) at rest, m."""
    legs = {side: read_leg(rest_joints, vertices, side) for side in SIDES}
    scale = float(np.mean([leg.reach(0.0) for leg in legs.values()])) / _LEG
    hips = (legs["left"].hip + legs["right"].hip) / 2
    breath = breathe(times, speech, styles, seed)
    trunk = move_trunk(times, phrases, strokes, breath, styles, seed)
    seated = styles.base.seated >= 0.5
    work = plan_footwork(speech, strokes, styles, seed, scale=scale, hips=abs(float(legs["left"].hip[0])), steps=not seated)
    weight = work.weight.sample(times)[:, 0]
    if seated:
        seat = find_seat(legs, scale, seed)
        feet = seated_feet(seat, legs, len(times))
        bend, added = seated_bends(trunk.pelvis, styles.curve("posture", times), weight)
        pelvis = _turned(bend)
        root = seated_root(seat, hips, pelvis, times, weight, scale, seed)
    else:
        feet = move_feet(times, legs, work, scale)
        bend, added = _weighed(trunk, weight, feet, _hiked(legs, feet, scale))
        pelvis = _turned(bend)
        root = _borne(times, legs, feet, pelvis, hips, trunk, weight, styles, scale, seed)
    poses = {"pelvis": rotations.matrix_to_axis_angle(pelvis)}
    for level in range(3):
        poses[f"spine{level + 1}"] = trunk.joints[level] + added[level]
    for side in SIDES:
        knee_out = 0.85 * feet[side].heading + 0.15 * bend[:, 1]
        poses |= leg_poses(legs[side], root, pelvis, feet[side], knee_out)
    return Stance(
        trans=root - rest_joints[JOINT["pelvis"]],
        poses=poses,
        trunk=rotations.matrix_to_axis_angle(_chest(pelvis, poses)),
        breath=breath.level,
        shoulders=trunk.shoulders,
        contacts=np.concatenate([feet[side].contact for side in SIDES], axis=1),
        seated=seated,
    )


def _turned(bend: Array) -> Array:
    """(T, 3, 3): forward and tilt in a frame that is turned first."""
    zero = np.zeros(len(bend))
    return np.asarray(
        rotations.axis_angle_to_matrix(np.stack([zero, bend[:, 1], zero], axis=1))
        @ rotations.axis_angle_to_matrix(np.stack([bend[:, 0], zero, bend[:, 2]], axis=1))
    )


def _hiked(legs: dict[Side, Leg], feet: dict[Side, Foot], scale: float) -> Array:
    """(T,) 0..1, how far a foot is off the ground: its hip does not hang then, or the knee would have to come up high."""
    return np.asarray(sum(minimum_jerk((feet[s].ankle[:, 1] - legs[s].height) / (_HIKED * scale)) for s in SIDES))


def _weighed(trunk: Trunk, weight: Array, feet: dict[Side, Foot], hiked: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """Contrapposto: the pelvis's bend (T, 3), and what the spine's joints add so that the shoulders go the other way."""
    bend = trunk.pelvis.copy()
    bend[:, 1] += (feet["left"].heading + feet["right"].heading) / 2 + _YAW * weight
    tilt = _TILT * weight * (1 - _HIKE * hiked)
    bend[:, 2] += tilt
    added = []
    for lean, turn in ((0.40, 0.20), (0.34, 0.35), (0.26, 0.45)):
        joint = np.zeros_like(bend)
        joint[:, 1] = -turn * _COUNTER[1] * _YAW * weight
        joint[:, 2] = -lean * _COUNTER[0] * tilt
        added.append(joint)
    return bend, (added[0], added[1], added[2])


def _borne(
    times: Array,
    legs: dict[Side, Leg],
    feet: dict[Side, Foot],
    pelvis: Array,
    hips: Array,
    trunk: Trunk,
    weight: Array,
    styles: StyleSheet,
    scale: float,
    seed: int,
) -> Array:
    """The pelvis joint (T, 3), m: over the feet by weight, as high as the straighter leg lets it, balanced fore and aft."""
    slump, sway = np.maximum(-styles.curve("posture", times), 0.0), 0.4 + 0.6 * styles.curve("sway", times)
    flexed = trunk.joints[0][:, 0] + trunk.joints[1][:, 0] + trunk.joints[2][:, 0]
    left, right = feet["left"].over, feet["right"].over
    over = (left + right) / 2 + _OVER * weight[:, None] * (left - right) / 2
    over[:, 0] += scale * sway * 0.005 * noise(seed, "sway side", times, 2.6) - hips[0]
    # The hips go back as the trunk goes forward, and a slumped body hangs in them.
    over[:, 1] += scale * (_AHEAD - 0.11 * trunk.pelvis[:, 0] - 0.05 * flexed + 0.035 * slump) - hips[2]
    over[:, 1] += scale * sway * 0.0035 * noise(seed, "sway fore", times, 3.1)
    bend = _KNEE + 0.03 * slump + 0.12 * trunk.dip
    heights = [hip_height(legs[side], pelvis, over, feet[side], bend) for side in SIDES]
    return np.stack([over[:, 0], lower_of(heights[0], heights[1]), over[:, 1]], axis=1)


def _chest(pelvis: Array, poses: dict[str, Array]) -> Array:
    """The chest's rotation (T, 3, 3) in the world."""
    turned = pelvis
    for name in ("spine1", "spine2", "spine3"):
        turned = turned @ rotations.axis_angle_to_matrix(poses[name])
    return turned
