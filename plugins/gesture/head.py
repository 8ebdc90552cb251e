"""Head and gaze: nods on accents, turns and tilts by phrase, eyes that keep to the listener and come back to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.face import ARKIT, ARKIT_INDEX
from .accents import Accent
from .curves import Move, Pulse, Track, noise, pulses, randomness, soft_limit
from .phrases import Phrase
from .planning import PlannedStroke
from .style import StyleSheet

Array = NDArray[Any]
_STEADY = np.array([0.7, 0.75, 0.6])  # how much of the trunk's motion the head takes back
_NECK_SHARE = 0.45
_EYE_LIMIT = np.radians([17.0, 24.0])  # down or up, sideways
_FULL_DOWN, _FULL_UP, _FULL_SIDE = np.radians([22.0, 18.0, 25.0])  # the built-in body's eyes at an eyeLook weight of one
_HALF_VERGENCE = np.radians(1.1)  # eyes on somebody 1.6 m away


def nod_accents(phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], seed: int) -> list[Accent]:
    """The accents that the head marks: most of those with strokes, and some of the other strong ones."""
    struck = {stroke.accent.time for stroke in strokes}
    chosen: list[Accent] = []
    for phrase in phrases:
        for accent in phrase.accents:
            draw = randomness(seed, "nod", round(accent.time * 100)).random()
            if draw < (0.75 if accent.time in struck else accent.strength - 0.35) and (
                not chosen or accent.time - chosen[-1].time > 0.32
            ):
                chosen.append(accent)
    return chosen


def head_turn(
    times: Array, phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], trunk: Array, styles: StyleSheet, seed: int
) -> Array:
    """(T, 3) rad, the head seen from the chest: down, to the left, tilted to the right. ``trunk`` (T, 3): the chest's own."""
    turn = Track(np.zeros(3), _phrase_moves(phrases, seed)).sample(times)
    nods: list[Pulse] = []
    for accent in nod_accents(phrases, strokes, seed):
        random = randomness(seed, "nod size", round(accent.time * 100))
        size = float(0.045 + 0.06 * accent.strength * random.uniform(0.6, 1.4))
        t = accent.time
        nods.append(Pulse(start=t - 0.5, apex=t - 0.22, hold_end=t - 0.22, end=t, height=-0.3 * size))
        nods.append(Pulse(start=t - 0.22, apex=t, hold_end=t + 0.03, end=t + 0.5, height=size))
    shakes, tilts = _unit_moves(strokes, seed)
    turn[:, 0] += pulses(nods, times)
    turn[:, 1] += pulses(shakes, times)
    turn[:, 2] += pulses(tilts, times)
    for column, deviation in enumerate((0.010, 0.014, 0.008)):
        turn[:, column] += deviation * noise(seed, f"head {column}", times, 1.8)
    turn *= styles.curve("head", times)[:, None]
    return np.asarray(soft_limit(turn, 0.4) - _STEADY * trunk)


def _phrase_moves(phrases: Sequence[Phrase], seed: int) -> list[Move]:
    moves: list[Move] = []
    for number, phrase in enumerate(phrases):
        random = randomness(seed, "head", number)
        target = np.array([random.normal(0.0, 0.025), random.normal(0, 0.07), random.normal(0, 0.04)])
        start = max(phrase.start - 0.25, moves[-1].end if moves else 0.0)
        if start < phrase.end:
            moves.append(Move(start=start, end=start + float(random.uniform(0.6, 1.0)), target=target))
        if phrase.end - phrase.start > 2.2:  # a second thought
            again = target + random.normal(0, 1, 3) * np.array([0.02, 0.05, 0.03])
            start = max(phrase.start + 0.55 * (phrase.end - phrase.start), moves[-1].end)
            moves.append(Move(start=start, end=start + float(random.uniform(0.6, 1.0)), target=again))
    if moves:
        start = max(phrases[-1].end, moves[-1].end)
        moves.append(Move(start=start, end=start + 1.0, target=np.zeros(3)))
    return moves


def _unit_moves(strokes: Sequence[PlannedStroke], seed: int) -> tuple[list[Pulse], list[Pulse]]:
    shakes: list[Pulse] = []
    tilts: list[Pulse] = []
    for stroke in strokes:
        random = randomness(seed, "head move", round(stroke.accent.time * 100))
        sign = 1.0 if random.random() < 0.5 else -1.0
        if stroke.unit.head == "shake":
            for swing, share in enumerate((0.8, -1.0, 0.8, -0.45)):
                t = stroke.apex - 0.12 + 0.2 * swing
                shakes.append(Pulse(start=t - 0.2, apex=t, hold_end=t, end=t + 0.2, height=0.11 * share * sign))
        elif stroke.unit.head == "tilt":
            end = stroke.hold_end + 0.7
            tilts.append(
                Pulse(start=stroke.prepare, apex=stroke.apex, hold_end=stroke.hold_end + 0.1, end=end, height=0.09 * sign)
            )
    return shakes, tilts


def neck_and_head(turn: Array) -> dict[str, Array]:
    """The head's turn shared out over neck and head."""
    return {"neck": _NECK_SHARE * turn, "head": (1 - _NECK_SHARE) * turn}


def gaze(
    times: Array, duration: float, phrases: Sequence[Phrase], styles: StyleSheet, seed: int
) -> tuple[Array, list[float]]:
    """Where the eyes look (T, 2), rad, down and to the left of the listener, and the times of large gaze shifts."""
    away = _glances(phrases, styles, seed)
    random = randomness(seed, "fixations")
    moves: list[Move] = []
    shifts: list[float] = []
    time, place = 0.0, np.zeros(2)
    glance = iter([*away, (np.inf, np.inf, np.zeros(2))])
    begin, back, where = next(glance)
    while time < duration:
        step = float(random.gamma(2.5, 0.45)) + 0.25
        small = random.normal(0, 1, 2) * np.radians([0.9, 1.3])
        if time + step >= begin:
            for at, goal in ((begin, where), (back, small)):
                moves.append(_saccade(at, place, goal, moves))
                place = goal
                shifts.append(at)
            time = back
            begin, back, where = next(glance)
        else:
            time += step
            moves.append(_saccade(time, place, small, moves))
            place = small
    return Track(np.zeros(2), moves).sample(times), shifts


def _glances(phrases: Sequence[Phrase], styles: StyleSheet, seed: int) -> list[tuple[float, float, Array]]:
    """Looks aside while the next phrase is thought of: from, until, where (down, left)."""
    glances: list[tuple[float, float, Array]] = []
    for number, phrase in enumerate(phrases):
        random = randomness(seed, "glance", number)
        chance = 0.42 * styles.at(phrase.start).gaze
        start = max(phrase.start - float(random.uniform(0.05, 0.3)), 0.12)
        if random.random() < chance and (not glances or start > glances[-1][1] + 0.8):
            aside = float(random.choice([-1.0, 1.0]) * random.uniform(9, 19))
            where = np.radians([float(random.choice([-6.0, 9.0])) + random.normal(0, 2), aside])
            glances.append((start, start + float(random.uniform(0.5, 1.1)), where))
    return glances


def _saccade(time: float, place: Array, goal: Array, moves: Sequence[Move]) -> Move:
    """Duration by amplitude (the main sequence, about 2.2 ms a degree over 30 ms), stretched as min-jerk tails are slow."""
    degrees = float(np.degrees(np.linalg.norm(goal - place)))
    start = max(time, moves[-1].end if moves else 0.0)
    return Move(start=start, end=start + 0.04 + 0.0030 * degrees, target=goal)


def eyes(gaze_angles: Array, head_world: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """Eye joints' axis-angle (T, 3) and the eyeLook weights (T,) that say the same.

    ``gaze_angles`` (T, 2) from ``gaze``; ``head_world`` (T, 3) rad, the head's turn in the world: the eyes undo it.
    """
    relative = gaze_angles - head_world[:, :2]
    poses: dict[str, Array] = {}
    weights: dict[str, Array] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        down = soft_limit(relative[:, 0], _EYE_LIMIT[0])
        left = soft_limit(relative[:, 1] - sign * _HALF_VERGENCE, _EYE_LIMIT[1])
        poses[f"{side}_eye_smplhf"] = np.stack([down, left, np.zeros_like(down)], axis=1)
        name = side.capitalize()
        outward = sign * left
        weights[f"eyeLookDown{name}"] = np.clip(down / _FULL_DOWN, 0, 1)
        weights[f"eyeLookUp{name}"] = np.clip(-down / _FULL_UP, 0, 1)
        weights[f"eyeLookOut{name}"] = np.clip(outward / _FULL_SIDE, 0, 1)
        weights[f"eyeLookIn{name}"] = np.clip(-outward / _FULL_SIDE, 0, 1)
    return poses, weights


def shape_rows(weights: dict[str, Array], frames: int) -> Array:
    """Named weights (T,) as blend shapes (T, 52)."""
    rows = np.zeros((frames, len(ARKIT)))
    for name, values in weights.items():
        rows[:, ARKIT_INDEX[name]] = np.clip(values, 0, 1)
    return rows
