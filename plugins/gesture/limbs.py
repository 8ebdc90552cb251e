"""Arms and hands together: from planned strokes to the rotations of every joint from the collars to the fingertips."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.body import Body
from ...core.lexicon import SHAPE_SIZE, THUMB_OUT, Lexicon, Posture
from ...core.skeleton import JOINT
from . import arms, contacts, hands, keep_out, lap, paths, surfaces
from .curves import Track, minimum_jerk, noise
from .echoes import Echoes
from .planning import SIDES, PlannedStroke, Side
from .steadying import ChestCourse, on_head, steadied
from .stopping import Lateness

Array = NDArray[Any]
_GRID = 1 / 120  # s, of the path that the hand's sway is worked out on
_MEMORY = 0.36  # s after which the hand has forgotten a push
_ELBOW_DELAY = 0.05  # s, the elbow behind the hand
_SWAY_RATE, _SWAY_DAMPING = 2 * np.pi * 3.0, 0.55  # rad/s and share of critical: the hand on its wrist
_SYMPATHY = (0.03, 0.07, 0.05, 0.10, 0.15)  # of the other arm's way across, up and out, of its turn and its bend
_SYMPATHY_DELAY = 0.05  # s
_IDLE = 0.55  # from rest, in coordinates, at which an arm has its own work
_SWAY = 0.42  # rad for a wrist speed of 1 m/s gained at once
_DRAG = 0.10  # rad for a steady 1 m/s
_FINGER_SWAY = np.array([0.55, 0.45, 0.25])  # of the hand's, at a finger's joints
_CURL_WANDER = 0.045  # rad
_TENSE = np.radians([46.0, 60.0, 30.0])  # curl at full tension
_TENSE_SHARE = 0.45


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Build:
    """What is measured on a body's shape, whatever the line."""

    arms: dict[Side, arms.Arm]
    fingers: dict[Side, tuple[hands.Finger, ...]]
    bones: dict[Side, hands.Bones]
    links: contacts.Links
    surfaces: surfaces.Surfaces


@functools.lru_cache(maxsize=8)
def _build(body: Body, betas: bytes, seated: bool) -> _Build:
    shape = np.frombuffer(betas, dtype=np.float32)
    rest = np.asarray(body.rest_joints(shape), dtype=np.float64)
    both = {side: arms.read_arm(rest, side) for side in SIDES}
    return _Build(
        arms=both,
        fingers={side: hands.read_fingers(rest, both[side]) for side in SIDES},
        bones={side: hands.read_bones(body, shape, rest, both[side]) for side in SIDES},
        links=contacts.read_links(body, shape, rest),
        surfaces=surfaces.measured(body, shape, seated=seated),
    )


class Limbs:
    """A body's arms over a line. Blocks of moments can be worked out one by one: each moment stands for itself."""

    def __init__(
        self,
        body: Body,
        betas: Array,
        rest_joints: Array,
        strokes: Sequence[PlannedStroke],
        lexicon: Lexicon,
        *,
        seed: int,
        seated: bool,
        echoes: Mapping[Side, Echoes] | None = None,
    ) -> None:
        self.rest, self.seed, self.strokes, self.echoes = rest_joints, seed, strokes, echoes or {}
        self.build = _build(body, np.asarray(betas, dtype=np.float32).tobytes(), seated)
        self.lexicon, self.seated = lexicon, seated
        shape = lexicon.shapes["hanging"]
        self.resting: dict[Side, Posture] = {}
        self.laps: dict[Side, lap.Lap] = {}
        for side in SIDES:
            resting = arms.rest_posture(self.build.arms[side], body, betas, rest_joints, shape, seated=seated)
            if seated:
                resting = lap.seated_posture(resting, lexicon.shapes["flat"], side)
                self.laps[side] = self._lap(side, resting)
                fingers, bones = self.build.fingers[side], self.build.bones[side]
                thigh = self.build.surfaces.thighs[SIDES.index(side)]
                shape = lap.draped(resting.shape, self.laps[side], thigh, fingers, bones)
                resting = dataclasses.replace(resting, shape=shape)
            self.resting[side] = resting
        self.tracks = self._tracks({})

    def put_off(self, late: Lateness) -> None:
        """From now on the strokes named in ``late`` end as much later, s."""
        self.tracks = self._tracks(late)

    def _tracks(self, late: Lateness) -> dict[Side, Track]:
        return {
            side: paths.posture_track(self.strokes, side, self.lexicon, self.resting[side], seated=self.seated, late=late)
            for side in SIDES
        }

    def poses(
        self, times: Array, poses: Array, *, course: ChestCourse, frames: Array, shoulders: Array, tension: Array
    ) -> tuple[dict[int, Array], Array]:
        """Joint -> its axis-angle (T, 3); and the wrists (T, 2, 3), m in the world.

        ``times`` (T,) s, increasing, with gaps or without; ``poses`` (T, 55, 3) the rest of the body, already posed;
        ``course`` the chest's over the whole line, of which these are the ``frames`` (T,); ``shoulders`` (T, 2) rad, lifted
        and brought forward; ``tension`` (T,) 0..1, from an easy hand to a tight one.
        """
        carried = surfaces.chest_frames(poses, self.rest)
        aims: dict[Side, arms.Aim] = {}
        balls: dict[Side, hands.HandBalls] = {}
        angles: dict[Side, dict[str, Array]] = {}
        for side in SIDES:
            arm, grid = self.build.arms[side], self._grid(side, times)
            free = 1 - on_head(times, self.strokes, side)  # nothing wanders that touches
            coordinates = paths.with_drift(self.tracks[side].sample(times), times, self.seed, side, free)
            coordinates += self._sympathy(side, times, coordinates)
            if side in self.echoes:
                upward, bent = self.echoes[side].at(times, paths.wrist_path(coordinates)[:, 1])
                coordinates[:, paths.UPWARD] += upward
                coordinates[:, paths.BEND] += bent
            goal = self._place(side, coordinates)
            goal = steadied(goal, times, frames, course, self.strokes, side, carried["head"], self.rest[JOINT["spine3"]])
            coordinates[:, paths.ELBOW] = grid.at(times - _ELBOW_DELAY)[:, paths.ELBOW]
            delayed = self._place(side, grid.at(times - _ELBOW_DELAY))
            resting = self.laps[side].share(goal) if side in self.laps else np.zeros(len(times))
            if side in self.laps:
                goal, delayed = (self.laps[side].carried(place, carried) for place in (goal, delayed))
            ease = 1 - 0.5 * tension[:, None]
            sway = grid.sway()
            aims[side] = arms.aimed(arm, goal, delayed, coordinates, ease * sway.at(times), shoulders)
            angles[side] = hands.finger_angles(self.build.fingers[side], self._shapes(side, times, tension))
            self._sway_fingers(angles[side], arm, aims[side], sway, times, ease)
            if side in self.laps:
                aims[side] = self.laps[side].laid(aims[side], resting, carried)
            balls[side] = hands.hand_balls(arm, self.build.fingers[side], self.build.bones[side], angles[side])
        aims = _uncrossed(aims, self.build.arms)
        chest = self.rest[JOINT["spine3"]]
        around = keep_out.Surroundings(surfaces=self.build.surfaces, frames=carried, chest=chest)
        aims, opened = keep_out.kept_out(self.build.arms, aims, balls, self.build.links, around)
        moved: dict[int, Array] = {}
        wrists = np.empty((len(times), len(SIDES), 3))
        for side in SIDES:
            wrists[:, SIDES.index(side)] = (
                arms.reached(self.build.arms[side], aims[side]).wrist * self.build.arms[side].sign
            )
            solved = arms.rotations_of(self.build.arms[side], aims[side])
            moved |= {JOINT[name]: values for name, values in solved.items()}
            angles[side]["thumb"][:, 0] -= opened[side]
            moved |= hands.finger_poses(self.build.arms[side], self.build.fingers[side], angles[side])
        return moved, course.in_world(wrists, frames)

    def _sympathy(self, side: Side, times: Array, coordinates: Array) -> Array:
        """(T, D) what an idle arm does along with the other one's effort: a part of it, a moment later, or nearly nothing.

        ``coordinates`` (T, D): its own. An arm that is up has its own work.
        """
        other: Side = "left" if side == "right" else "right"
        place, rest = slice(0, 3), paths.coordinates_of(self.resting[side])
        columns = [0, 1, 2, paths.TURN, paths.BEND]
        effort = self.tracks[other].sample(times - _SYMPATHY_DELAY, columns)
        effort -= paths.coordinates_of(self.resting[other])[columns]
        away = np.sqrt(((coordinates[:, place] - rest[place]) ** 2).sum(axis=1))
        moved = np.zeros_like(coordinates)
        moved[:, columns] = (1 - minimum_jerk(away / _IDLE))[:, None] * _SYMPATHY * effort
        return moved

    def _place(self, side: Side, coordinates: Array) -> Array:
        """(T, 3) m from spine3, as a left arm."""
        arm = self.build.arms[side]
        return np.asarray(arm.collar + arm.shoulder + arm.length * paths.wrist_path(coordinates))

    def _lap(self, side: Side, resting: Posture) -> lap.Lap:
        arm, fingers = self.build.arms[side], self.build.fingers[side]
        angles = hands.finger_angles(fingers, {finger.name: resting.shape[None] for finger in fingers})
        balls = hands.hand_balls(arm, fingers, self.build.bones[side], angles)
        thigh = self.build.surfaces.thighs[SIDES.index(side)]
        return lap.find_lap(
            arm,
            thigh,
            balls,
            chest=self.rest[JOINT["spine3"]],
            hip=self.rest[JOINT[f"{side}_hip"]],
            knee=self.rest[JOINT[f"{side}_knee"]],
            planned=arm.collar + arm.shoulder + arm.length * resting.wrist,
        )

    def _grid(self, side: Side, times: Array) -> _Grid:
        gaps = np.flatnonzero(np.diff(times) > 2 * _MEMORY)
        begins = np.floor((times[[0, *(gaps + 1)]] - 2 * _MEMORY) / _GRID).astype(np.intp).tolist()
        ends = (np.ceil(times[[*gaps, -1]] / _GRID).astype(np.intp) + 3).tolist()
        numbers = np.unique(np.concatenate([np.arange(begin, end) for begin, end in zip(begins, ends)]))
        values = self.tracks[side].sample(numbers * _GRID, slice(0, paths.SHAPE_START))
        return _Grid(numbers=numbers, values=values, places=self._place(side, values))

    def _shapes(self, side: Side, times: Array, tension: Array) -> dict[str, Array]:
        """Finger -> (T, SHAPE_SIZE) rad: each a little later than the one before, never quite still, never all alike."""
        shapes = {}
        for number, finger in enumerate(self.build.fingers[side]):
            curl = slice(3 * number, 3 * number + 3)
            aside = THUMB_OUT if finger.name == "thumb" else SHAPE_SIZE - 1
            columns = [*range(curl.start, curl.stop), aside]  # this finger's, and the spread
            shape = np.zeros((len(times), SHAPE_SIZE))
            shape[:, columns] = self.tracks[side].sample(times - finger.delay, [paths.SHAPE_START + c for c in columns])
            wander = _CURL_WANDER * noise(self.seed, f"finger {side} {finger.name}", times, 1.9 + 0.17 * number)
            shape[:, curl] += wander[:, None] * np.array([1.0, 0.9, 0.5])
            if finger.name != "thumb":
                shape[:, curl] += _TENSE_SHARE * tension[:, None] * (_TENSE - shape[:, curl])
            shapes[finger.name] = shape
        return shapes

    def _sway_fingers(
        self, angles: dict[str, Array], arm: arms.Arm, aim: arms.Aim, sway: _Grid, times: Array, ease: Array
    ) -> None:
        palm = (arms.reached(arm, aim).forearm @ aim.twist @ aim.twist) @ arm.palm
        for finger in self.build.fingers[arm.side]:
            if finger.name != "thumb":
                left_behind = (palm * sway.at(times - 0.015 - finger.delay)).sum(axis=1)[:, None]
                angles[finger.name][:, :3] += ease * left_behind * _FINGER_SWAY


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Grid:
    """A hand's path on moments ``_GRID`` apart, which do not depend on the block of frames asked for.

    Before a gap's end it begins early enough for what the hand remembers.
    """

    numbers: Array  # (N,) of the moments, increasing
    values: Array  # (N, D)
    places: Array  # (N, 3) m

    def at(self, times: Array) -> Array:
        """(T, D) by cubic interpolation (Catmull-Rom)."""
        position = times / _GRID
        index = np.searchsorted(self.numbers, np.floor(position))
        s = (position - self.numbers[index])[:, None]
        a, b, c, d = (self.values[index + k] for k in (-1, 0, 1, 2))
        return np.asarray(b + 0.5 * s * (c - a + s * (2 * a - 5 * b + 4 * c - d + s * (3 * (b - c) + d - a))))

    def sway(self) -> _Grid:
        """How the hand is left behind and swings through, (N, 3) rad along each direction in space.

        The hand is a damped pendulum on an accelerated wrist, theta'' + 2 z w theta' + w^2 theta = -k a: its answer to the
        wrist's velocity is the derivative of exp(-z w t) sin(w_d t) / w_d. A little drag comes on top.
        """
        delays = np.arange(int(_MEMORY / _GRID)) * _GRID
        damped = _SWAY_RATE * np.sqrt(1 - _SWAY_DAMPING**2)
        fading = np.exp(-_SWAY_DAMPING * _SWAY_RATE * delays)
        ratio = _SWAY_DAMPING / np.sqrt(1 - _SWAY_DAMPING**2)
        swing = fading * (np.cos(damped * delays) - ratio * np.sin(damped * delays))
        swing *= _SWAY * _SWAY_RATE * _GRID
        drag = delays * np.exp(-delays / 0.03)
        kernel = -(swing - swing.mean() + _DRAG * drag / drag.sum())
        velocity = np.diff(self.places, axis=0, prepend=self.places[:1]) / _GRID
        swayed = np.stack([np.convolve(velocity[:, k], kernel)[: len(velocity)] for k in range(3)], axis=1)
        return _Grid(numbers=self.numbers, values=swayed, places=self.places)


def _uncrossed(aims: Mapping[Side, arms.Aim], both: Mapping[Side, arms.Arm]) -> dict[Side, arms.Aim]:
    """Aims whose wrists do not change sides, so that each hand gives way to its own side."""
    length = both["left"].length
    apart = aims["left"].goal[:, 0] + aims["right"].goal[:, 0]  # each is mirrored: outward is positive
    least, soft = 0.10 * length, 0.03 * length
    push = (least + soft * np.logaddexp(0.0, (apart - least) / soft) - apart) / 2
    return {
        side: dataclasses.replace(aim, goal=aim.goal + push[:, None] * np.array([1.0, 0.0, 0.0]))
        for side, aim in aims.items()
    }
