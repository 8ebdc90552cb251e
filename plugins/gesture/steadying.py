"""Hands that stop in the world: what the trunk does while a stroke ends, the arm takes back. At the head they go with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.skeleton import JOINT, PARENTS
from .curves import minimum_jerk, soft_limit
from .planning import PlannedStroke, Side

Array = NDArray[Any]
_BEFORE, _AFTER = 0.22, 0.45  # s, over which it comes before the stop and goes after it
_FULL_BEFORE, _FULL_AFTER = 0.05, 0.07  # s on either side of the apex
_FARTHEST = 0.10  # m that it moves a hand
_STILL = 0.45  # s on either side of a hand's arrival at the head within which the head comes to a halt and goes on
_HEAD_HIGH = 0.1  # arm lengths over the shoulder


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ChestCourse:
    """Where the chest is in each frame of the whole line."""

    fps: float
    rotations: Array  # (T, 3, 3) of spine3
    places: Array  # (T, 3) m

    def in_world(self, points: Array, frames: Array) -> Array:
        """``points`` (T, N, 3), m seen from spine3 in ``frames`` (T,), in the world."""
        return np.asarray(points @ self.rotations[frames].swapaxes(-1, -2) + self.places[frames, None])


def chest_course(poses: Array, trans: Array, rest_joints: Array, fps: float) -> ChestCourse:
    """``poses`` (T, 55, 3) axis-angle, rad; ``trans`` (T, 3) m; ``rest_joints`` (55, 3) m."""
    chain = [JOINT["spine3"]]
    while PARENTS[chain[-1]] >= 0:
        chain.append(PARENTS[chain[-1]])
    turned: Array | None = None
    place = np.asarray(trans, dtype=np.float64) + rest_joints[chain[-1]]
    for joint, parent in zip(reversed(chain), [-1, *reversed(chain[1:])]):
        local = rotations.axis_angle_to_matrix(poses[:, joint].astype(np.float64))
        if turned is None:
            turned = local
        else:
            place = place + turned @ (rest_joints[joint] - rest_joints[parent])
            turned = turned @ local
    assert turned is not None
    return ChestCourse(fps=fps, rotations=turned, places=place)


def at_head(stroke: PlannedStroke) -> bool:
    """Whether the stroke means a place on the head, such as the chin: there its hand goes wherever the head goes."""
    return stroke.unit.amplitude[0] == stroke.unit.amplitude[1] and float(stroke.unit.after.wrist[1]) > _HEAD_HIGH


def stilled(times: Array, strokes: Sequence[PlannedStroke]) -> Array:
    """The moments of the head's own motion that are shown at ``times`` (T,), s, increasing: it waits for a hand to arrive.

    A hand that goes to the head would be carried on by it otherwise, and never be seen to stop. What the head does then is
    a little ahead before the apex and makes up for the wait after it.
    """
    apexes = sorted({stroke.apex for stroke in strokes if at_head(stroke)})
    shown = times.copy()
    for apex, before, after in zip(apexes, [-np.inf, *apexes], [*apexes[1:], np.inf]):
        reach = min(_STILL, (apex - before) / 2, (after - apex) / 2)
        rows = slice(*np.searchsorted(times, (apex - reach, apex + reach)))
        away = times[rows] - apex
        shown[rows] -= away * (1 - (away / reach) ** 2) ** 3
    return shown


def on_head(times: Array, strokes: Sequence[PlannedStroke], side: Side) -> Array:
    """(T,) 0..1, how far the hand is at a place on the head. ``times`` (T,) s."""
    share = np.zeros(len(times))
    for stroke in strokes:
        if side in stroke.sides and at_head(stroke):
            left = stroke.releases[side].hold_end
            come = minimum_jerk((times - stroke.apex + _FULL_BEFORE + _BEFORE) / _BEFORE)
            share = np.maximum(share, come * (1 - minimum_jerk((times - left) / _AFTER)))
    return share


def steadied(
    goal: Array,
    times: Array,
    frames: Array,
    course: ChestCourse,
    strokes: Sequence[PlannedStroke],
    side: Side,
    head: tuple[Array, Array],
    chest: Array,
) -> Array:
    """``goal`` (T, 3), a wrist seen from the chest as a left arm's, m, made to stop in the world where its strokes stop.

    ``times`` (T,) s are those of the course's ``frames`` (T,), increasing. ``head``: its frame in them, see
    ``surfaces.Frames``; ``chest`` (3,) m, spine3 at rest.
    """
    sign = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
    own = [stroke for stroke in strokes if side in stroke.sides]
    result = goal.copy()
    for stroke, following in zip(own, [*own[1:], None]):
        if at_head(stroke):
            continue
        begin, end = stroke.apex - _FULL_BEFORE - _BEFORE, stroke.apex + _FULL_AFTER + _AFTER
        if following is not None:  # over before the next stop has begun
            end = min(end, following.apex - _FULL_BEFORE - _BEFORE)
        rows = slice(*np.searchsorted(times, (begin, end)))
        span = times[rows]
        if not len(span):
            continue
        share = minimum_jerk((span - begin) / _BEFORE)
        share *= 1 - minimum_jerk((span - stroke.apex - _FULL_AFTER) / max(end - stroke.apex - _FULL_AFTER, 1e-6))
        stop = min(round(stroke.apex * course.fps), len(course.places) - 1)
        here = goal[rows] * sign
        world = here @ course.rotations[stop].T + course.places[stop]
        seen = ((world - course.places[frames[rows]])[:, None] @ course.rotations[frames[rows]])[:, 0]
        result[rows] += share[:, None] * soft_limit(seen - here, _FARTHEST) * sign
    share = on_head(times, own, side)
    if share.any():
        here = goal * sign + chest
        turned, offset = head
        carried = (turned @ here[..., None])[..., 0] + offset
        result += share[:, None] * soft_limit(carried - here, _FARTHEST) * sign
    return result
