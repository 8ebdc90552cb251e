"""Paths of the hands in gesture space: planned strokes to one smooth track of moves a hand.

A posture's coordinates are [across, upward, distance, turn, bend, swing, elbow, hand shape...]: the wrist's direction from
the shoulder as two angles from the middle of gesture space (rad), its distance (arm lengths), then the rest as it is.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.lexicon import Lexicon, Posture
from .curves import Move, Track, noise
from .planning import HOME, PlannedStroke, Release, Side

Array = NDArray[Any]
_CENTRE = rotations.normalised(np.array([0.12, -0.80, 0.58]))  # gesture space's middle, seen from the shoulder
_ACROSS = rotations.normalised(np.cross(_CENTRE, np.array([0.0, 0.0, 1.0])) * -1)
_UPWARD = np.cross(_ACROSS, _CENTRE) * -1
UPWARD, TURN, BEND, SWING, ELBOW = 1, 3, 4, 5, 6  # columns of a track
SHAPE_START = 7
_PLACE = slice(0, 3)
_SCALE = np.array([0.75, 0.75, 1.0])  # of the first three columns to arm lengths, near gesture space's middle
_ASIDE = np.array([0.27, -0.70, 0.40])  # arm lengths; a hand on its way down passes here, clear of the thigh's front
_OVER_LAP = np.array([0.03, 0.10, 0.02])  # arm lengths from the lap; a hand on its way there comes down onto it
_SETTLING = 0.7  # s, of a full move towards the ready posture
_SINKING = 0.10  # arm lengths that a waiting hand moves at most
_NEAR = 0.32  # arm lengths
_LOOP_SPEED = 1.0  # of a loop's crossing, over the highest speed of the preparation before it
_LOOP_TIME = 0.30  # s
_LOOP_ROOM = np.array([0.9, 0.0, 0.45])  # across, upward, distance: where a loop opens if nothing else tells
_WIDEST_LOOP = 0.18  # arm lengths
_TAIL = 0.107  # share of a stroke that is left when a fifth of its highest speed is: then the hand seems to stop
_RECOIL, _RECOIL_TIME = 0.09, 0.34  # share of the stroke, s
_WAIT = 0.03  # s between preparation and stroke from which the hand is to stop there


def posture_track(
    strokes: Sequence[PlannedStroke],
    side: Side,
    lexicon: Lexicon,
    rest: Posture,
    *,
    seated: bool,
    late: Mapping[tuple[int, Side], float] | None = None,
) -> Track:
    """The hand's path: its coordinates over time, from ``rest`` and, where there is time, back to it.

    ``late``: (number of the stroke, hand) -> s that the end of its move is put off.
    """
    resting = coordinates_of(rest)
    ready = coordinates_of(Posture(wrist=HOME, turn=np.radians(14), bend=0.02, shape=lexicon.shapes["relaxed"]))
    over = rest.wrist + _OVER_LAP if seated else _ASIDE
    aside = coordinates_of(dataclasses.replace(rest, wrist=over))[_PLACE]
    moves: list[Move] = []
    place = resting
    for number, stroke in enumerate(strokes):
        if side not in stroke.sides:
            continue
        moves += _strike(stroke, side, place, (late or {}).get((number, side), 0.0))
        place = moves[-1].target
        moves += _let_go(stroke.releases[side], place, ready, resting, aside)
        place = moves[-1].target
    return Track(resting, moves)


def _strike(stroke: PlannedStroke, side: Side, place: Array, late: float = 0.0) -> list[Move]:
    """From ``place`` through preparation and stroke, ending ``late`` s later than planned, to the last turning point."""
    before, after = coordinates_of(stroke.before[side]), coordinates_of(stroke.after[side])
    via = tuple(coordinates_of(posture) for posture in stroke.via.get(side, ()))
    moves = [] if stroke.fluent else [Move(start=stroke.prepare, end=stroke.ready, target=before)]
    if not stroke.fluent and stroke.ready > stroke.start + _WAIT:
        loop = _loop(before - place, (via or (after,))[0] - before, stroke.ready - stroke.prepare)
        middle = (stroke.start + stroke.ready) / 2
        begin, end = max(middle - _LOOP_TIME / 2, stroke.prepare), min(middle + _LOOP_TIME / 2, stroke.apex)
        if np.any(loop) and end - begin > 0.6 * _LOOP_TIME:
            moves = [
                Move(start=stroke.prepare, end=stroke.ready, target=before - loop / 2),
                Move(start=begin, end=end, target=before + loop / 2),
            ]
    end = stroke.apex + late + _TAIL * (stroke.apex + late - stroke.sets_off)
    passed = (before, *via) if stroke.fluent else via
    moves.append(Move(start=stroke.sets_off, end=end, target=after, via=passed, crisp=True))
    loose = stroke.unit.amplitude[1] - stroke.unit.amplitude[0] > 0.2
    if loose and not stroke.then:  # springs back a little, where it does not touch anything
        recoil = after.copy()
        recoil[:SHAPE_START] += _RECOIL * ((via or (before,))[-1] - after)[:SHAPE_START]
        moves.append(Move(start=stroke.apex + 0.02, end=stroke.apex + _RECOIL_TIME, target=recoil))
    begin = stroke.apex
    for end, turn in stroke.then:
        if side in turn:
            moves.append(Move(start=begin, end=end, target=coordinates_of(turn[side])))
            begin = end
    return moves


def turn_time(stroke: PlannedStroke, side: Side, start: Array) -> float | None:
    """When the hand seems to stop between preparation and stroke, s; None where one flows into the other.

    It stops where its speed falls under a fifth of the preparation's highest, or under half of it before it rises again.
    ``start`` (3,): where the wrist sets off, arm lengths.
    """
    place = coordinates_of(stroke.before[side]).copy()
    place[_PLACE] = _direction(start)
    times = np.arange(stroke.prepare, stroke.apex, 0.01)
    if len(times) < 5:
        return None
    path = wrist_path(Track(place, _strike(stroke, side, place)).sample(times, _PLACE))
    way = path[1:] - path[:-1]
    speed = np.sqrt((way * way).sum(axis=1))
    turning = (times[:-1] > stroke.start - 0.2) & (times[:-1] < stroke.apex - 0.4 * (stroke.apex - stroke.start))
    if not turning.any():
        return None
    lowest = int(np.argmin(np.where(turning, speed, np.inf)))
    top = float(speed[: lowest + 1].max())
    if speed[lowest] > 0.5 * top:
        return None
    under = np.flatnonzero(speed[:lowest] > 0.2 * top)
    stopped = int(under[-1]) + 1 if len(under) and speed[lowest] < 0.2 * top else lowest
    return float(times[stopped])


def _loop(arrival: Array, departure: Array, time: float) -> Array:
    """How far a hand crosses over, in coordinates, where it turns back from preparation to stroke: it never stops there."""
    loop = np.zeros_like(arrival)
    come, go = arrival[_PLACE] * _SCALE, departure[_PLACE] * _SCALE
    distance, length = float(np.linalg.norm(come)), float(np.linalg.norm(go))
    if distance < 1e-6 or length < 1e-6 or time <= 0:
        return loop
    come, go = come / distance, go / length
    back = np.clip(0.5 - come @ go, 0.0, 1.0)
    free = _LOOP_ROOM - (_LOOP_ROOM @ go) * go
    turning = come - (come @ go) * go
    aim = turning + 0.4 * free * (1.0 if turning @ free >= 0 else -1.0)
    width = min(_LOOP_SPEED * distance / time * _LOOP_TIME, _WIDEST_LOOP)
    loop[_PLACE] = back * width * rotations.normalised(aim) / _SCALE
    return loop


def _let_go(release: Release, place: Array, ready: Array, resting: Array, aside: Array) -> list[Move]:
    start, span = release.hold_end, release.end - release.hold_end
    if release.to == "next" or span <= 0:
        return []
    if release.to == "ready":  # sinks towards the ready posture, as far as it has time
        way = 0.7 * min(1.0, span / _SETTLING) * (ready - place)
        far = float(np.linalg.norm(way[_PLACE] * _SCALE))
        whole = float(np.linalg.norm((ready - place)[_PLACE] * _SCALE))
        least = max(_SINKING, whole - _NEAR)  # one far from where hands wait comes at least near
        way[_PLACE] *= min(1.0, least / max(far, 1e-9))
        return [Move(start=start, end=release.end, target=place + way)]
    # A hand that is done goes out sideways, then down.
    passed = 0.3 * place + 0.7 * resting
    passed[_PLACE] = aside
    return [
        Move(start=start, end=start + 0.7 * span, target=passed),
        Move(start=start + 0.25 * span, end=release.end, target=resting),
    ]


@functools.lru_cache(maxsize=4096)
def coordinates_of(posture: Posture) -> Array:
    """(SHAPE_START + SHAPE_SIZE,) the posture's coordinates, not to be written to."""
    values = np.array(
        [*_direction(posture.wrist), posture.turn, posture.bend, posture.swing, posture.elbow, *posture.shape]
    )
    values.flags.writeable = False
    return values


def _direction(wrist: Array) -> tuple[float, float, float]:
    """Across, upward, rad, and distance, arm lengths, of a ``wrist`` (3,) seen from the shoulder."""
    distance = math.sqrt(float(wrist @ wrist))
    towards = wrist / distance
    angle = math.acos(min(max(float(towards @ _CENTRE), -1.0), 1.0))
    scale = angle / max(math.sin(angle), 1e-9)
    return float(towards @ _ACROSS) * scale, float(towards @ _UPWARD) * scale, distance


def wrist_path(coordinates: Array) -> Array:
    """(T, >=3) coordinates -> (T, 3) outward, up, forward from the shoulder, arm lengths."""
    plane = coordinates[:, :2]
    angle = np.sqrt(plane[:, 0] ** 2 + plane[:, 1] ** 2)[:, None]
    scale = np.sinc(angle / np.pi)
    towards = np.cos(angle) * _CENTRE + scale * (plane[:, :1] * _ACROSS + plane[:, 1:2] * _UPWARD)
    return np.asarray(towards * coordinates[:, 2:3])


def with_drift(coordinates: Array, times: Array, seed: int, side: Side, share: Array) -> Array:
    """The coordinates with a ``share`` (T,) of the small wander of a living arm."""
    moved = coordinates.copy()
    for column, (deviation, period) in enumerate(((0.014, 1.7), (0.014, 1.9), (0.005, 2.3), (0.04, 2.1), (0.03, 1.5))):
        moved[:, column] += share * deviation * noise(seed, f"arm {side} {column}", times, period)
    return moved
