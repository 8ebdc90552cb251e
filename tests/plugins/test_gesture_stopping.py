"""Where strokes end: on their frame, at a head that waits, without a turn where the way is open, on one hand; idle arms."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from made_speech import babble, spoken

from declaim.core.body import Body, builtin_body
from declaim.core.clip import MotionClip
from declaim.core.lexicon import read_lexicon
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT, JOINTS
from declaim.core.speech import Speech
from declaim.inference.penetration import penetration
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Direction
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.curves import crisp
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.limbs import Limbs
from declaim.plugins.gesture.paths import posture_track, wrist_path
from declaim.plugins.gesture.phrases import find_phrases
from declaim.plugins.gesture.planning import PlannedStroke, sketch_strokes
from declaim.plugins.gesture.steadying import at_head, chest_course, stilled
from declaim.plugins.gesture.stopping import corrected
from declaim.plugins.gesture.style import style_sheet
from declaim.plugins.gesture.timing import timed
from declaim.plugins.parameters import complete

LINE = "Somebody carried heavy timber over the harbour wall. Everybody noticed the silver lantern burning there. "
COUNT = "First we mend the boats. Second we carry the sails. Third we bring the ropes along. "
FPS = 60.0


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


def perform(
    speech: Speech, body: Body, *, seed: int = 0, gestures: dict[int, str] | None = None, **given: Any
) -> MotionClip:
    parameters = complete("gesture", registry.find("generator", "gesture").parameters, given)
    brief = Brief(
        fps=30.0,
        seed=seed,
        body=body,
        betas=np.zeros(10, np.float32),
        direction=Direction(gestures=gestures or {}),
        parameters=parameters,
    )
    return GestureGenerator().generate(speech, [brief], SilentReport())[0]


def plan(speech: Speech, seed: int) -> list[PlannedStroke]:
    told: list[str] = []
    sketches = sketch_strokes(
        speech,
        find_phrases(speech, find_accents(speech)),
        lexicon=read_lexicon(),
        direction=Direction(),
        styles=style_sheet({}, ()),
        seed=seed,
        latest_apex=speech.duration - 0.2,
        warn=told.append,
    )
    nuclei = np.array([nucleus.time for nucleus in speech.nuclei or ()])
    return timed(sketches, nuclei=nuclei, fps=FPS, frames=int(speech.duration * FPS), warn=told.append)


def at_the_head() -> list[PlannedStroke]:
    """Strokes of which two, a third of a second apart, go to the head."""
    think = read_lexicon().units["think"]
    return [dataclasses.replace(s, unit=think, apex=at) for s, at in zip(plan(spoken(LINE), 1), (2.0, 2.34))]


def stopping(strokes: list[PlannedStroke], late: int) -> np.ndarray:
    """Wrists (T, 2, 3) that go 0.3 m with each stroke and seem to stop ``late`` frames after its apex."""
    times = np.arange(int((strokes[-1].end + 1) * FPS)) / FPS
    wrists = np.zeros((len(times), 2, 3))
    for stroke in strokes:
        end = stroke.apex + (late - 0.5) / FPS
        length = (end - stroke.start) / 0.903  # of the whole move, a fifth of whose highest speed is left then
        wrists[:, [("left", "right").index(side) for side in stroke.sides], 1] += (
            0.3 * crisp((times - stroke.start) / length)[:, None]
        )
    return wrists


def test_what_stops_late_is_ended_sooner_and_what_stops_in_time_is_left_alone() -> None:
    strokes = [stroke for stroke in plan(spoken(LINE), 1) if not stroke.then][:1]
    assert corrected(strokes, stopping(strokes, 0), FPS) is None
    for late in (-1, 1, 2):
        correction = corrected(strokes, stopping(strokes, late), FPS)
        assert correction is not None
        assert {round(shift * FPS, 6) for shift in correction.late.values()} == {-late}
        assert np.all(np.diff(correction.frames) == 1)
        assert correction.frames[0] <= strokes[0].sets_off * FPS
        assert correction.frames[-1] > (strokes[0].apex + 0.3) * FPS
        half = corrected(strokes, stopping(strokes, late), FPS, correction.late, 0.5)
        assert half is not None and {round(shift * FPS, 6) for shift in half.late.values()} == {-1.5 * late}


def test_frames_moved_anew_by_themselves_move_as_in_the_whole_line(body: Body) -> None:
    speech, betas = spoken(LINE * 2), np.zeros(10, np.float32)
    strokes = plan(speech, 2)
    rest = np.asarray(body.rest_joints(betas), dtype=np.float64)
    frames = int(speech.duration * FPS)
    times, poses = np.arange(frames) / FPS, np.zeros((frames, len(JOINTS), 3))
    poses[:, JOINT["spine3"], 1] = 0.2 * np.sin(times)
    course = chest_course(poses, np.zeros((frames, 3)), rest, FPS)
    limbs = Limbs(body, betas, rest, strokes, read_lexicon(), seed=2, seated=False)

    def moved(some: np.ndarray) -> np.ndarray:
        given, wrists = limbs.poses(
            times[some],
            poses[some],
            course=course,
            frames=some,
            shoulders=np.zeros((len(some), 2)),
            tension=np.full(len(some), 0.3),
        )
        return np.concatenate([given[joint] for joint in sorted(given)] + list(wrists.swapaxes(0, 1)), axis=1)

    some = np.concatenate([np.arange(100, 180), np.arange(190, 230), np.arange(400, 470)])
    np.testing.assert_array_equal(moved(some), moved(np.arange(frames))[some])


def test_the_head_waits_for_a_hand_that_arrives_at_it() -> None:
    strokes = at_the_head()
    times = np.arange(0.0, 8.0, 0.01)
    shown = stilled(times, strokes)
    assert all(map(at_head, strokes)) and np.all(np.diff(shown) >= 0)
    for stroke in strokes:
        near = np.abs(times - stroke.apex)
        assert np.ptp(shown[near < 0.05]) < 0.03, "hardly any time passes for the head"
    far = np.min([np.abs(times - stroke.apex) for stroke in strokes], axis=0) > 0.45
    assert far.any() and np.all(shown[far] == times[far])


def test_fluent_strokes_do_not_stop_between_preparation_and_apex() -> None:
    lexicon, onward = read_lexicon(), []
    rest = lexicon.units["beat"].before
    for seed in range(6):
        strokes = plan(spoken(LINE * 2), seed)
        for stroke in (s for s in strokes if s.fluent):
            side = stroke.sides[-1]
            times = np.arange(stroke.prepare, stroke.apex, 0.01)
            track = posture_track([s for s in strokes if s.apex <= stroke.apex], side, lexicon, rest, seated=False)
            speed = np.linalg.norm(np.diff(wrist_path(track.sample(times, slice(0, 3))), axis=0), axis=1)
            first = int(np.flatnonzero(np.diff(speed) < 0)[0])
            onward.append(float(speed[first : -len(speed) // 5].min() / speed[first]))
    assert len(onward) > 5 and np.median(onward) > 0.3 and min(onward) > 0.15, sorted(onward)


@pytest.mark.parametrize("seated", [False, True], ids=["standing", "seated"])
def test_a_thinking_hand_stays_at_the_chin_wherever_the_head_goes(body: Body, seated: bool) -> None:
    spatial = pytest.importorskip("scipy.spatial")
    owner, used = body.weights.argmax(axis=1), np.unique(body.triangles)
    face = used[np.isin(owner[used], [JOINT["head"], JOINT["jaw"]])]
    speech = spoken(LINE)
    for seed in range(3):
        clip = perform(speech, body, seed=seed, gestures={4: "think"}, head=2.0, seated=seated)
        (stroke,) = (s for s in clip.timeline.strokes if s.unit == "think")
        hand = used[[JOINTS[joint].startswith(stroke.hand) and joint >= JOINT["left_index1"] for joint in owner[used]]]
        frames = np.array([round((stroke.apex + after) * clip.fps) for after in (0.03, 0.1, 0.2)])
        posed = body.vertices(poses=clip.poses[frames], trans=clip.trans[frames], betas=clip.betas)
        away = [float(spatial.cKDTree(points[face]).query(points[hand])[0].min()) for points in posed]
        assert max(away) < 0.02, f"seed {seed}: {[round(1000 * a) for a in away]} mm"
        assert penetration(clip, body, frames=frames).depth.max() < 0.005


def test_a_count_stays_on_the_leading_hand(body: Body) -> None:
    for leading in ("right", "left", "both"):
        for seed in range(5):
            clip = perform(spoken(COUNT), body, seed=seed, handedness=leading, rate=2.0)
            hands = {stroke.hand for stroke in clip.timeline.strokes if stroke.unit.startswith("count")}
            assert len(hands) <= 1 and "both" not in hands
            assert leading == "both" or hands <= {leading}


def test_an_idle_arm_moves_a_little_with_the_other_ones_effort(body: Body) -> None:
    speech = spoken(LINE)
    still, moving = (perform(speech, body, gestures=given, rate=0.0, sway=0.0) for given in ({}, {4: "tall"}))
    (stroke,) = moving.timeline.strokes
    apex = round(stroke.apex * moving.fps)
    idle = JOINT["left_wrist" if stroke.hand == "right" else "right_wrist"], JOINT["spine3"]

    def place(clip: MotionClip) -> np.ndarray:
        turned, joints = body.joints(poses=clip.poses[[apex]], trans=clip.trans[[apex]], betas=clip.betas)
        return np.asarray(turned[0, idle[1]].T @ (joints[0, idle[0]] - joints[0, idle[1]]))

    assert 0.005 < float(np.linalg.norm(place(moving) - place(still))) < 0.06


def test_shy_hands_stay_close_and_happy_ones_go_high_and_wide(body: Body) -> None:
    reach = {}
    for style in ("shy", "neutral", "happy"):
        ends = []
        for seed in range(4):
            clip = perform(babble(20.0), body, seed=seed, style=style)
            joints = body.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas)[1]
            for stroke in clip.timeline.strokes:
                side = "right" if stroke.hand == "both" else stroke.hand
                frame = joints[round(stroke.apex * clip.fps)]
                ends.append(frame[JOINT[f"{side}_wrist"]] - frame[JOINT["pelvis"]])
        reach[style] = np.abs(ends).mean(axis=0)
    assert reach["shy"][0] + 0.02 < reach["neutral"][0] < reach["happy"][0] - 0.02
    assert reach["neutral"][1] < reach["happy"][1] - 0.03
