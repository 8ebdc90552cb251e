"""Where the eyes look: on the listener's face, aside while the next phrase is thought of, at hands that show something.

All times come from phrases, strokes, the voice's sounds or fixed cells of time, and all draws are keyed by them: a word
that moves takes only the looks around it along.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.skeleton import JOINT
from ...core.speech import VocalSound
from .curves import Move, Track, noise, randomness
from .eyes import between_eyes
from .phrases import Phrase
from .planning import PlannedStroke
from .style import StyleSheet

Array = NDArray[Any]
LISTENER = 1.6  # m away, as high as the eyes
_FACE = np.radians(
    [[0.0, 1.15], [0.0, -1.15], [1.7, 0.0]]
)  # down, left: the listener's eyes (6.4 cm apart), nose and mouth
_CELL = 0.55  # s, in which the eyes shift once or not
_STAYS = 0.22  # share of cells without a shift
_IDLE_CELL = 1.6  # s of silence in which there may be one look aside
_IDLE_CHANCE = 0.28
_APART = 0.16  # s between shifts
_SHORTEST = 0.3  # s of a look
_SLACK = np.radians(0.06)  # rad, the drift of a fixation
_NEAREST = 0.35  # m
_LOWEST = np.radians(26.0)  # of a look at the hands
_HEAD_FREE = np.radians(7.0)  # that the eyes do alone; beyond, the head takes a share (Stahl 1999, Exp Brain Res 126)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """A stretch of time with the eyes somewhere else than on the listener's face."""

    start: float  # s
    end: float  # s
    down: float  # rad, from the listener
    left: float  # rad
    distance: float  # m
    head: float  # share that the head follows, beyond what the eyes do alone

    @property
    def turned(self) -> Array:
        """(2,) rad, down and left, that the head turns for it."""
        angle = float(np.hypot(self.down, self.left))
        share = self.head * max(0.0, angle - _HEAD_FREE) / max(angle, 1e-9)
        return np.array([share * self.down, share * self.left])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shift:
    """A saccade."""

    start: float  # s
    degrees: float


def plan_looks(
    duration: float,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    sounds: Sequence[VocalSound],
    rest_joints: Array,
    styles: StyleSheet,
    seed: int,
) -> list[Look]:
    """The line's looks in order of time, apart from each other. ``rest_joints`` (55, 3) m."""
    looks = _kept(_sound_looks(sounds, seed), [])
    looks = _kept(_stroke_looks(strokes, rest_joints, styles), looks)
    looks = _kept([look for phrase in phrases for look in _phrase_looks(phrase, styles, seed)], looks)
    looks = _kept(_idle_looks(duration, phrases, styles, seed), looks)
    return sorted((look for look in looks if look.start < duration), key=lambda look: look.start)


def _kept(new: Sequence[Look], before: Sequence[Look]) -> list[Look]:
    """``before``, which go first, and what they leave of the ``new`` ones; of two new ones the later cuts the earlier."""
    looks = list(before)
    for look, following in itertools.zip_longest(new, new[1:]):
        start, end = look.start, look.end if following is None else min(look.end, following.start - _APART)
        for other in before:
            if other.start - _APART < end and start < other.end + _APART:
                if start < other.start - _APART - _SHORTEST:
                    end = other.start - _APART
                else:
                    start = other.end + _APART
        if end - start >= _SHORTEST:
            looks.append(dataclasses.replace(look, start=start, end=end))
    return looks


def _sound_looks(sounds: Sequence[VocalSound], seed: int) -> list[Look]:
    """A sigh goes down and aside."""
    looks = []
    for sound in sounds:
        if sound.kind == "sigh":
            side = 1.0 if randomness(seed, "sigh", round(sound.start * 100)).random() < 0.5 else -1.0
            down, left = np.radians([13.0, side * 7.0])
            looks.append(Look(start=sound.start, end=sound.end + 0.3, down=down, left=left, distance=1.5, head=0.3))
    return looks


def _stroke_looks(strokes: Sequence[PlannedStroke], rest: Array, styles: StyleSheet) -> list[Look]:
    """Looks that gestures bring: at the hand, aside or up; a shy or absent gaze makes more of them, none at 0."""
    looks = []
    for stroke in strokes:
        kind = stroke.unit.gaze
        if kind == "listener" or styles.at(stroke.apex).gaze <= 0:
            continue
        sign = 1.0 if stroke.sides[0] == "left" else -1.0
        if kind == "hands":
            down, left, distance = _hand_place(stroke, rest)
            span = max(stroke.prepare, stroke.start - 0.12), max(stroke.apex, min(stroke.hold_end, stroke.apex + 0.25))
            looks.append(Look(start=span[0], end=span[1], down=down, left=left, distance=distance, head=0.6))
        else:
            down, left = np.radians([-11.0, 9.0 * sign]) if kind == "up" else np.radians([3.0, 17.0 * sign])
            end = min(stroke.hold_end, stroke.apex + 1.2)
            looks.append(Look(start=stroke.start - 0.1, end=end, down=down, left=left, distance=2.5, head=0.5))
    return sorted(looks, key=lambda look: look.start)


def _hand_place(stroke: PlannedStroke, rest: Array) -> tuple[float, float, float]:
    """Down, left (rad) and distance (m) of the stroke's apex, seen by the eyes."""
    places = []
    for side in stroke.sides:
        shoulder, elbow, wrist = (rest[JOINT[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist"))
        arm = np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)
        outward = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
        places.append(shoulder + arm * stroke.after[side].wrist * outward)
    x, y, z = np.mean(places, axis=0) - between_eyes(rest)
    flat = float(np.hypot(x, z))
    down, left = float(np.arctan2(-y, flat)), float(np.arctan2(x, z))
    return min(down, float(_LOWEST)), float(np.clip(left, -0.8, 0.8)), max(_NEAREST, float(np.hypot(flat, y)))


def _phrase_looks(phrase: Phrase, styles: StyleSheet, seed: int) -> list[Look]:
    """Aside while a phrase is thought of, more so at an utterance's beginning; now and then once more in a long one."""
    style = styles.at(phrase.start)
    random = randomness(seed, "look", phrase.key)
    draws = random.random(10)
    looks = []
    length = phrase.end - phrase.start
    latest = phrase.end - (0.35 if phrase.closes else 0.1)  # the listener is looked at when it is their turn
    if draws[0] < style.gaze * (0.6 if phrase.opens else 0.3):
        start = max(phrase.start - (0.12 + 0.33 * draws[1]), 0.1)
        end = min(phrase.start + (0.15 + 0.65 * draws[2]) * (1 + 0.8 * style.gaze_down), latest)
        looks.append(_aside(start, end, draws[3:6], style.gaze_down, 1.0))
    if length > 2.2 and phrase.mark != "?" and draws[6] < style.gaze * (0.4 + 0.3 * style.gaze_down):
        start = phrase.start + length * (0.45 + 0.2 * draws[7])
        end = min(start + (0.35 + 0.45 * draws[8]) * (1 + 0.8 * style.gaze_down), latest)
        looks.append(_aside(start, end, draws[[9, 1, 2]], style.gaze_down, 0.7))
    return looks


def _aside(start: float, end: float, draws: Array, gaze_down: float, size: float) -> Look:
    """``draws`` (3,): the side, up or down, how far."""
    side = 1.0 if draws[0] < 0.5 else -1.0
    far = size * (9.0 + 9.0 * draws[2])
    if draws[1] < 0.35 + 0.65 * gaze_down:  # down: at the floor between the two, or at one's own thoughts
        down, left = 7.0 + 6.0 * draws[2] + 5.0 * gaze_down, 0.75 * far * side
    elif draws[1] < 0.7 + 0.3 * gaze_down:
        down, left = 1.5 - 3.0 * draws[2], 1.15 * far * side
    else:
        down, left = -5.0 - 4.0 * draws[2], 0.8 * far * side
    radians = np.radians([down, left])
    return Look(start=start, end=end, down=radians[0], left=radians[1], distance=2.5, head=0.25 + 0.35 * draws[2])


def _idle_looks(duration: float, phrases: Sequence[Phrase], styles: StyleSheet, seed: int) -> list[Look]:
    """Looks aside where nothing is said. A cell is short, so that a phrase's end reaches no farther than that."""
    cells = int(duration / _IDLE_CELL) + 1
    draws = randomness(seed, "idle look").random((cells, 6))
    starts = np.array([phrase.start for phrase in phrases])
    ends = np.array([phrase.end for phrase in phrases])
    looks = []
    for cell in range(cells):
        begin, end = cell * _IDLE_CELL, (cell + 1) * _IDLE_CELL
        if np.any((starts < end + 0.3) & (ends > begin - 0.3)):
            continue
        row = draws[cell]
        style = styles.at(begin)
        if row[0] < _IDLE_CHANCE * style.gaze:
            start = begin + 0.1 + 0.4 * row[1]
            looks.append(_aside(start, start + 0.45 + 0.5 * row[2], row[3:6], style.gaze_down, 1.1))
    return looks


def gaze_track(times: Array, duration: float, looks: Sequence[Look], seed: int) -> tuple[Array, list[Shift]]:
    """Where the eyes look (T, 3): rad down and left of the listener, and 1 / m away; and the saccades that bring them there."""
    changes = _changes(duration, looks, seed)
    moves: list[Move] = []
    shifts: list[Shift] = []
    place = np.array([0.0, 0.0, 1 / LISTENER])
    for time, goal in changes:
        degrees = float(np.degrees(np.linalg.norm(goal[:2] - place[:2])))
        # The main sequence (Bahill, Clark and Stark 1975): 2.2 ms a degree over 21; a little more for the curve's slow ends.
        moves.append(Move(start=time, end=time + 0.026 + 0.0027 * degrees, target=goal))
        shifts.append(Shift(start=time, degrees=degrees))
        place = goal
    track = Track(np.array([0.0, 0.0, 1 / LISTENER]), moves).sample(times)
    for column, tag in enumerate(("drift down", "drift left")):
        track[:, column] += _SLACK * noise(seed, tag, times, 0.35)
    return track, shifts


def _changes(duration: float, looks: Sequence[Look], seed: int) -> list[tuple[float, Array]]:
    """(time, (3,) goal) of every saccade, in order of time."""
    cells = int(duration / _CELL) + 1
    random = randomness(seed, "fixations")
    uniform, normal = random.random((cells, 3)), randomness(seed, "fixation places").standard_normal((cells, 2))
    # From each place to one of the other two. The cells know nothing of the words, so they may depend on each other.
    places = _FACE[np.cumsum(1 + (uniform[:, 1] < 0.5)) % len(_FACE)] + np.radians(0.35) * normal
    at = (np.arange(cells) + 0.15 + 0.7 * uniform[:, 2]) * _CELL
    shifting = uniform[:, 0] >= _STAYS
    at, places, wander = at[shifting], places[shifting], np.radians(0.8) * normal[shifting]
    starts = np.array([look.start for look in looks])
    ends = np.array([look.end for look in looks])
    inside = np.searchsorted(starts, at, side="right") - 1  # the look that each shift falls into, if it has not ended
    changes: list[tuple[float, Array]] = []
    for time, place, off, number in zip(at.tolist(), places, wander, inside.tolist(), strict=True):
        if len(looks) and min(np.abs(starts - time).min(), np.abs(ends - time).min()) < _APART:
            continue
        if number >= 0 and time < ends[number]:
            look = looks[number]
            changes.append((time, np.array([look.down + off[0], look.left + off[1], 1 / look.distance])))
        else:
            changes.append((time, np.array([*place, 1 / LISTENER])))
    for look in looks:
        changes.append((look.start, np.array([look.down, look.left, 1 / look.distance])))
        back = np.searchsorted(at, look.end + _APART) - 1  # where the eyes would be had they not looked away
        changes.append((look.end, np.array([*(places[back] if back >= 0 else np.zeros(2)), 1 / LISTENER])))
    return sorted(changes, key=lambda change: change[0])
