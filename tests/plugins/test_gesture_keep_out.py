"""Arms and hands keep out of the body and of each other: every gesture, any body, and goals that no planner would set."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from declaim.core.body import Body, builtin_body
from declaim.core.clip import MotionClip
from declaim.core.lexicon import FINGERS, Lexicon, read_lexicon
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT, JOINT_COUNT
from declaim.core.speech import HOP, Nucleus, Pause, Speech
from declaim.core.timeline import Word
from declaim.inference.joint_limits import joint_angles
from declaim.inference.metrics import shake, trace
from declaim.inference.penetration import penetration
from declaim.plugins.contracts import Brief, Direction
from declaim.plugins.gesture.arms import Aim, Arm, aimed, reached, read_arm, rotations_of
from declaim.plugins.gesture.contacts import arm_points, read_links
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.hands import finger_angles, hand_balls, read_bones, read_fingers
from declaim.plugins.gesture.keep_out import Surroundings, kept_out
from declaim.plugins.gesture.paths import SHAPE_START
from declaim.plugins.gesture.planning import SIDES
from declaim.plugins.gesture.surfaces import chest_frames, measured

DEEPEST = 0.005  # m
STEP = 1.9  # s between two gestures
MAN, WOMAN = np.r_[-1.0, np.zeros(9)], np.r_[1.0, np.zeros(9)]
HEAVY, THIN = np.r_[0.4, 0, 2.0, np.zeros(7)], np.r_[-0.4, 0, -2.0, np.zeros(7)]


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@functools.cache
def lexicon() -> Lexicon:
    return read_lexicon()


def named(units: list[str]) -> tuple[Speech, Direction]:
    """A word for each unit, a phrase for each word, and the direction that asks for them."""
    words = tuple(Word(text="ah", start=1.2 + STEP * k, end=1.5 + STEP * k, break_after=".") for k in range(len(units)))
    duration = 1.2 + STEP * len(units) + 0.8
    grid = np.arange(int(duration / HOP)) * HOP
    level = np.full(len(grid), -70.0)
    for word in words:
        level = np.maximum(level, -14 - 900 * (grid - (word.start + word.end) / 2) ** 2)
    edges = [0.0, *(edge for word in words for edge in (word.start, word.end)), duration]
    speech = Speech(
        audio_sha256="",
        duration=duration,
        words=words,
        energy=level.astype(np.float32),
        nuclei=tuple(Nucleus(time=(w.start + w.end) / 2, prominence=6.0) for w in words),
        pauses=tuple(Pause(start=a, end=b) for a, b in zip(edges[::2], edges[1::2])),
    )
    return speech, Direction(gestures=dict(enumerate(units)))


def perform(body: Body, units: list[str], betas: np.ndarray, **parameters: object) -> MotionClip:
    speech, direction = named(units)
    brief = Brief(
        fps=30.0,
        seed=int(abs(betas).sum() * 10),
        body=body,
        betas=betas.astype(np.float32),
        direction=direction,
        parameters={"handedness": "both", "energy": 0.8, "amplitude": 1.2, **parameters},
    )
    return GestureGenerator().generate(speech, [brief], SilentReport())[0]


@pytest.mark.parametrize("betas", [MAN, WOMAN, HEAVY, THIN], ids=["man", "woman", "heavy", "thin"])
def test_no_gesture_of_the_lexicon_goes_into_the_body(body: Body, betas: np.ndarray) -> None:
    units = list(lexicon().units)
    clip = perform(body, units, betas)
    struck = {stroke.unit for stroke in clip.timeline.strokes}
    assert len(struck) > 0.9 * len(units)
    apexes = np.array([round(stroke.apex * clip.fps) for stroke in clip.timeline.strokes])
    frames = np.unique(np.clip(np.concatenate([apexes, apexes - 6, apexes + 14]), 0, len(clip) - 1))
    found = penetration(clip, body, frames=frames)
    worst = int(found.depth.argmax())
    assert found.depth.max() < DEEPEST, f"{found.pairs[worst]} at {found.frames[worst] / clip.fps:.2f} s"
    assert shake(trace(clip, body).wrists, clip.fps) < 0.01
    for angle in joint_angles(clip, body.rest_joints(clip.betas)):
        assert angle.excess.max() == 0, angle.name


@pytest.mark.parametrize("betas", [MAN, WOMAN, HEAVY], ids=["man", "woman", "heavy"])
def test_hands_of_a_seated_body_rest_on_its_thighs(body: Body, betas: np.ndarray) -> None:
    clip = perform(body, ["beat", "big", "offer"], betas, seated=True)
    frames = np.arange(0, len(clip), 6)
    assert penetration(clip, body, frames=frames).depth.max() < DEEPEST
    spatial = pytest.importorskip("scipy.spatial")
    vertices = body.vertices(poses=clip.poses[:1], trans=clip.trans[:1], betas=clip.betas)[0]
    owner, used = body.weights.argmax(axis=1), np.unique(body.triangles)
    for side, first in (("left", 25), ("right", 40)):
        thigh = used[owner[used] == JOINT[f"{side}_hip"]]
        hand = used[(owner[used] >= first) & (owner[used] < first + 15)]
        distance = spatial.cKDTree(vertices[thigh]).query(vertices[hand])[0]
        assert distance.min() < 0.03 and vertices[hand, 1].min() > vertices[thigh, 1].min()


class Bench:
    """Both arms of a standing body, hands flat, and what they keep out of, for goals that a test sets."""

    def __init__(self, body: Body, betas: np.ndarray, moments: int) -> None:
        self.rest = body.rest_joints(betas.astype(np.float32)).astype(float)
        self.arms = {side: read_arm(self.rest, side) for side in SIDES}
        self.links = read_links(body, betas, self.rest)
        self.surfaces = measured(body, betas)
        frames = chest_frames(np.zeros((moments, JOINT_COUNT, 3)), self.rest)
        self.around = Surroundings(surfaces=self.surfaces, frames=frames, chest=self.rest[JOINT["spine3"]])
        flat = dict.fromkeys(FINGERS, np.tile(lexicon().shapes["flat"], (moments, 1)))
        self.balls = {}
        for side, arm in self.arms.items():
            fingers = read_fingers(self.rest, arm)
            self.balls[side] = hand_balls(
                arm, fingers, read_bones(body, betas, self.rest, arm), finger_angles(fingers, flat)
            )

    def aims(self, left: np.ndarray, right: np.ndarray) -> dict[str, Aim]:
        """Goals (T, 3) m from spine3, each as a left arm."""
        return {side: aim_at(self.arms[side], goal) for side, goal in (("left", left), ("right", right))}

    def kept(self, aims: dict[str, Aim]) -> dict[str, Aim]:
        return kept_out(self.arms, aims, self.balls, self.links, self.around)[0]  # type: ignore[arg-type,return-value]


def aim_at(arm: Arm, goal: np.ndarray) -> Aim:
    still = np.zeros((len(goal), 3))
    return aimed(arm, goal, goal, np.zeros((len(goal), SHAPE_START)), still, still[:, :2])


@pytest.mark.parametrize("betas", [np.zeros(10), WOMAN, HEAVY], ids=["mean", "woman", "heavy"])
def test_a_goal_inside_the_body_leads_past_it_smoothly(body: Body, betas: np.ndarray) -> None:
    """A hand drawn straight through belly, chest and face stays outside and never jumps."""
    away = np.tile([0.35, -0.35, 0.25], (241, 1))
    share = np.linspace(0, 1, 241)[:, None]
    belly, chest = ((0.30, -0.15, 0.20), (-0.05, -0.15, 0.20)), ((0.28, 0.05, 0.22), (0.0, -0.05, 0.10))
    face = ((0.22, 0.28, 0.30), (0.07, 0.30, 0.16))
    for start, end in (belly, chest, face):
        bench = Bench(body, betas, 241)
        aims = bench.aims(np.array(start) + share * (np.array(end) - start), away)
        kept = bench.kept(aims)
        assert np.array_equal(kept["left"].goal[0], aims["left"].goal[0]), "free at first"
        assert np.abs(kept["left"].goal[-1] - aims["left"].goal[-1]).max() > 0.02, "and in the way at last"
        arm = bench.arms["left"]
        place = reached(arm, kept["left"])
        points = arm_points(arm, kept["left"], place, bench.balls["left"], bench.rest[JOINT["spine3"]])
        palm = points[:, : len(bench.balls["left"].radii) - 3]
        for surface in (bench.surfaces.trunk, bench.surfaces.head):
            gap = surface.distances(palm, bench.around.frames)[0] - bench.balls["left"].radii[:-3]
            assert gap.min() > -DEEPEST
        asked = np.linalg.norm(np.diff(aims["left"].goal, axis=0), axis=1).max()
        assert np.linalg.norm(np.diff(place.wrist, axis=0), axis=1).max() < 6 * asked


def test_hands_that_meet_are_parted_and_stay_on_their_sides(body: Body) -> None:
    share = np.linspace(0, 1, 161)[:, None]
    inward = np.array([0.25, -0.1, 0.32]) + share * np.array([-0.32, 0.0, 0.0])
    bench = Bench(body, np.zeros(10), 161)
    aims = bench.aims(np.maximum(inward, [0.03, -1, -1]), np.maximum(inward, [0.03, -1, -1]))
    kept = bench.kept(aims)
    points = {}
    for side in SIDES:
        arm = bench.arms[side]
        hand = len(bench.balls[side].radii)
        points[side] = arm_points(arm, kept[side], reached(arm, kept[side]), bench.balls[side], np.zeros(3))[:, :hand]
    radii = bench.balls["left"].radii
    apart = np.linalg.norm(points["left"][:, :, None] - points["right"][:, None], axis=-1) - radii[:, None] - radii
    assert apart[:, :-3, :-3].min() > -DEEPEST
    assert np.abs(np.diff(kept["left"].goal, axis=0)).max() < 0.012


def test_what_is_far_from_everything_is_left_alone(body: Body) -> None:
    goal = np.array([[0.3, -0.1, 0.35], [0.4, 0.1, 0.3]])
    bench = Bench(body, np.zeros(10), 2)
    aims = bench.aims(goal, goal)
    for side, aim in bench.kept(aims).items():
        assert np.array_equal(aim.goal, aims[side].goal) and not aim.swivel.any()


def test_a_moment_is_solved_alone(body: Body) -> None:
    """The same moment comes out the same whatever moments are worked out with it."""
    share = np.linspace(0, 1, 64)[:, None]
    goals = np.array([0.28, 0.05, 0.22]) + share * np.array([-0.28, -0.1, -0.12])
    bench = Bench(body, np.zeros(10), 64)
    whole = bench.kept(bench.aims(goals, goals))["left"].goal
    few = Bench(body, np.zeros(10), 16)
    part = few.kept(few.aims(goals[48:], goals[48:]))["left"].goal
    assert np.abs(whole[48:] - part).max() < 1e-12


def test_a_target_out_of_reach_straightens_the_arm_smoothly(body: Body) -> None:
    """From near to far beyond reach: the elbow opens steadily, never snaps straight, and the hand never jumps."""
    arm = read_arm(body.rest_joints().astype(float), "left")
    socket = arm.collar + arm.shoulder
    reach = np.linspace(0.5, 2.0, 301)[:, None] * arm.length
    for way in ([0.1, -0.4, 0.9], [0.5, 0.1, 0.8], [0.1, -0.95, 0.1], [0.3, 0.8, 0.4]):
        aim = aim_at(arm, socket + reach * np.array(way) / np.linalg.norm(way))
        place = reached(arm, aim)
        upper, lower = place.elbow - place.shoulder, place.wrist - place.elbow
        cosine = (upper * lower).sum(axis=1) / np.linalg.norm(upper, axis=1) / np.linalg.norm(lower, axis=1)
        bend = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        assert bend.min() > 5 and np.abs(np.diff(bend)).max() < 2.5
        assert np.linalg.norm(np.diff(place.wrist, axis=0), axis=1).max() < 1.5 * 0.005 * arm.length
        turned = rotations_of(arm, aim)["left_elbow"]
        assert np.abs(np.diff(turned, n=2, axis=0)).max() < 0.01, "no kink where the target leaves reach"
