"""The trunk: postures, an attitude for each phrase, and a part in each stroke that begins in the pelvis.

Everywhere a bend is (T, 3) rad: forward, turned to the left, tilted to the right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .breath import Breath
from .curves import Move, Pulse, Track, noise, pulses, randomness, soft_limit
from .phrases import Phrase
from .planning import PlannedStroke
from .style import StyleSheet

Array = NDArray[Any]

# How the bend between pelvis and chest is shared: the loins bend more, the chest turns more (White and Panjabi 1990).
_SHARES = np.array([[0.42, 0.18, 0.34], [0.32, 0.34, 0.34], [0.26, 0.48, 0.32]])  # (spine1..3, forward turn tilt)
_PELVIS_SHARE = np.array([0.30, 0.28, 0.12])  # what the pelvis adds to it
_LEADS = (0.13, 0.09, 0.05, 0.01)  # s; pelvis and spine1..3 before the hand
_SLUMP = np.array([0.09, 0.10, 0.16])  # rad, spine1..3 forward, fully slumped
_UPRIGHT = np.array([-0.05, -0.03, -0.07])
_LIMIT = np.array([0.24, 0.34, 0.14])  # rad, of attitudes and strokes
_SEATED = np.array([1.5, 1.2, 1.4])
_LONG = 2.2  # s; a longer phrase gets a second attitude
_TURN_HOLD = 0.8  # s, that the trunk takes to come back from a stroke


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Trunk:
    """The bends of the pelvis, before the legs have their say, and of the spine's joints."""

    pelvis: Array  # (T, 3)
    joints: tuple[Array, Array, Array]  # (T, 3) each: spine1, spine2, spine3
    shoulders: Array  # (T, 2) rad, collars lifted and brought forward
    dip: Array  # (T,) 0..1, the body's weight sinking into strokes


def move_trunk(
    times: Array, phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], breath: Breath, styles: StyleSheet, seed: int
) -> Trunk:
    """Everything but the weight."""
    attitude = _attitudes(times, phrases, styles, seed)
    if styles.base.seated >= 0.5:  # without feet to shift, more of it goes into the trunk
        attitude *= _SEATED
    attitude[:, 0] += styles.curve("lean", times)
    pulls = _pulls(strokes)
    posture, energy = styles.curve("posture", times), styles.curve("energy", times)
    slump, upright = np.maximum(-posture, 0.0), np.maximum(posture, 0.0)
    drift = _drift(times, seed, "pelvis", 0.5 + energy)
    pelvis = _PELVIS_SHARE * _within(attitude + _pulled(pulls, times + _LEADS[0])) + 0.3 * drift
    pelvis[:, 0] += 0.005 - 0.11 * slump + 0.04 * upright + 0.3 * breath.rock
    joints = []
    for level in range(3):
        bend = _within(attitude + _pulled(pulls, times + _LEADS[level + 1]))
        bend = _SHARES[level] * (bend + _drift(times, seed, f"spine{level + 1}", 0.5 + energy))
        bend[:, 0] += _SLUMP[level] * slump + _UPRIGHT[level] * upright + 0.25 * breath.rock
        joints.append(bend)
    # The chest rises with the breath, the loins give way a little; a sigh lets it sink.
    joints[2][:, 0] += -0.032 * breath.level + 0.018 * breath.heave + 0.06 * breath.slack
    joints[1][:, 0] += 0.009 * breath.level + 0.009 * breath.heave + 0.03 * breath.slack
    lift = 0.034 * breath.level + 0.045 * breath.heave - 0.05 * breath.slack + 0.04 * slump + 0.34 * _shrugs(strokes, times)
    forward = 0.42 * slump - 0.14 * upright - 0.02 * breath.level + 0.05 * breath.slack
    dip = pulses([_dip(stroke) for stroke in strokes], times + _LEADS[0])
    return Trunk(
        pelvis=pelvis, joints=(joints[0], joints[1], joints[2]), shoulders=np.stack([lift, forward], axis=1), dip=dip
    )


def _within(bend: Array) -> Array:
    return _LIMIT * soft_limit(bend / _LIMIT, 1.0)


def _attitudes(times: Array, phrases: Sequence[Phrase], styles: StyleSheet, seed: int) -> Array:
    """What the trunk thinks of each phrase: towards the listener when it has something to say, back when it waits."""
    moves: list[Move] = []
    for phrase in phrases:
        random = randomness(seed, "torso", phrase.key)
        energy = styles.at(phrase.start).energy
        draws = random.normal(0.0, 1.0, 9)
        spread = np.array([0.040, 0.080, 0.032]) * (0.55 + 0.9 * energy)
        target: Array = np.array([0.005 + 0.025 * energy, 0.0, 0.0]) + np.clip(draws[:3], -1.8, 1.8) * spread
        if phrase.mark == "?":
            target += np.array([0.03 * np.sign(draws[3]), 0.0, 0.03 * np.sign(draws[4])])  # in or back, and aslant
        elif phrase.mark == "!":
            target[0] += 0.035
        length = float(np.clip(0.9 - 0.2 * energy + 0.06 * draws[5], 0.6, 1.0))
        start = phrase.start - 0.35
        moves.append(Move(start=start, end=phrase.start + 0.45, target=target))
        span = phrase.end - phrase.start
        if span > _LONG:
            # The second thought is mostly to the other side.
            again: Array = target * (1.0, -0.6, -0.5) + 0.6 * draws[6:9] * spread
            start = phrase.start + 0.5 * span
            moves.append(Move(start=start, end=min(start + length, phrase.end), target=again))
            target = again
        if phrase.pause > 0.55 or phrase is phrases[-1]:
            moves.append(Move(start=phrase.end - 0.1, end=phrase.end + 0.55, target=0.35 * target - (0.018, 0.0, 0.0)))
    moves.sort(key=lambda move: move.end)
    return Track(np.zeros(3), moves).sample(times)


def _pulls(strokes: Sequence[PlannedStroke]) -> list[tuple[Pulse, Array]]:
    """When and how far (3,) each stroke bends the trunk: a little the other way in its preparation, then with the hand."""
    found: list[tuple[Pulse, Array]] = []
    for stroke in strokes:
        size = np.zeros(3)
        for side in stroke.sides:
            sign = 1.0 if side == "left" else -1.0
            (out, up, ahead), start = stroke.after[side].wrist, stroke.before[side].wrist
            raised = float(np.clip(up + 0.15, 0.0, 0.6))
            fall = float(np.clip(start[1] - up, -0.3, 0.3))
            size += (
                0.022 + 0.06 * fall - 0.05 * raised - 0.03 * float(np.clip(out - 0.3, 0.0, 0.4)),
                # A hand that goes out takes the chest along; one that goes ahead brings its shoulder with it.
                sign * (0.17 * float(np.clip(out - 0.14, -0.3, 0.5)) - 0.11 * float(np.clip(ahead - 0.22, -0.1, 0.6))),
                -sign * (0.026 - 0.06 * raised),
            )
        size *= 0.3 + 0.8 * min(stroke.amplitude, 1.7)
        if len(stroke.sides) == 2:
            size *= (0.65, 0.7, 0.7)
        turning = min(stroke.start, stroke.prepare + 0.6 * (stroke.start - stroke.prepare) + 1e-3)
        back = stroke.hold_end + _TURN_HOLD
        before = Pulse(start=stroke.prepare, apex=turning, hold_end=turning, end=stroke.apex, height=-0.22)
        found.append((before, size))
        found.append((Pulse(start=turning, apex=stroke.apex, hold_end=stroke.hold_end, end=back, height=1.0), size))
    return found


def _pulled(pulls: Sequence[tuple[Pulse, Array]], times: Array) -> Array:
    """The pulls' sum (T, 3)."""
    bend = np.zeros((len(times), 3))
    for pulse, size in pulls:
        span = slice(*np.searchsorted(times, (pulse.start, pulse.end)))
        bend[span] += pulses([pulse], times[span])[:, None] * size
    return bend


def _dip(stroke: PlannedStroke) -> Pulse:
    height = 0.5 * min(stroke.amplitude, 1.6)
    return Pulse(start=stroke.start - 0.1, apex=stroke.apex, hold_end=stroke.apex, end=stroke.apex + 0.7, height=height)


def _shrugs(strokes: Sequence[PlannedStroke], times: Array) -> Array:
    """0..1: the shoulders of units that raise them."""
    raised = [
        Pulse(
            start=stroke.start - 0.1,
            apex=stroke.apex,
            hold_end=max(stroke.hold_end - 0.1, stroke.apex),
            end=stroke.hold_end + 0.5,
            height=stroke.unit.shoulders * float(np.clip(stroke.amplitude, 0.6, 1.2)),
        )
        for stroke in strokes
        if stroke.unit.shoulders > 0
    ]
    return np.minimum(pulses(raised, times), 1.2)


def _drift(times: Array, seed: int, name: str, size: Array) -> Array:
    """The slow wander of somebody who is alive."""
    deviations = (0.008, 0.012, 0.006)
    rows = [d * noise(seed, f"{name} drift {column}", times, 2.4) for column, d in enumerate(deviations)]
    return np.asarray(size[:, None] * np.stack(rows, axis=1))
