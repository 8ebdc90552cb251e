"""Paths of the hands: moves that overlap and bend, strokes that stop where they should, hands that swing through."""

from __future__ import annotations

import numpy as np
import pytest
from made_speech import babble

from declaim.core.body import Body, builtin_body
from declaim.core.clip import MotionClip
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT
from declaim.inference.metrics import apexes, shake, speeds, stillness, trace
from declaim.plugins.contracts import Brief
from declaim.plugins.gesture.curves import Move, Track
from declaim.plugins.gesture.generator import GestureGenerator


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@pytest.fixture(scope="module", params=[0, 7])
def clip(body: Body, request: pytest.FixtureRequest) -> MotionClip:
    brief = Brief(fps=30.0, seed=request.param, body=body, betas=np.zeros(10, np.float32), parameters={})
    return GestureGenerator().generate(babble(40.0, line=3), [brief], SilentReport())[0]


def moves(*ends: float) -> list[Move]:
    return [Move(start=end - 0.5, end=end, target=np.array([end, -end, 2 * end])) for end in ends]


def test_a_track_is_the_same_to_the_bit_where_no_move_differs() -> None:
    times = np.arange(0, 12, 1 / 30)
    before = Track(np.zeros(3), moves(1, 2, 3, 9, 10)).sample(times)
    after = Track(np.zeros(3), [*moves(1), Move(start=1.2, end=2.6, target=np.ones(3), crisp=True), *moves(3, 9, 10)])
    changed = after.sample(times)
    assert np.array_equal(before[times <= 1.2], changed[times <= 1.2])
    assert np.array_equal(before[times >= 3.0], changed[times >= 3.0])
    assert not np.array_equal(before, changed)


def test_moves_may_end_in_any_order() -> None:
    """A move that outlasts the next is added up with it, without a step."""
    track = Track(
        np.zeros(1), [Move(start=0, end=2, target=np.array([1.0])), Move(start=0.5, end=1, target=np.array([3.0]))]
    )
    values = track.sample(np.arange(0, 3, 0.001))[:, 0]
    assert values[0] == 0 and values[-1] == 3 and np.abs(np.diff(values)).max() < 0.01
    assert np.array_equal(track.sample(np.array([0.7, 1.5]), slice(0, 1)), track.sample(np.array([0.7, 1.5])))


def test_a_move_passes_its_points_without_slowing_down() -> None:
    corner = np.array([1.0, 0.5, 0.0])
    track = Track(np.zeros(3), [Move(start=0, end=1, target=np.array([2.0, 0.0, 0.0]), via=(corner,), crisp=True)])
    times = np.arange(0, 1, 0.001)
    path = track.sample(times)
    assert np.linalg.norm(path - corner, axis=1).min() < 2e-3
    speed = np.linalg.norm(np.diff(path, axis=0), axis=1)
    turning = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] < speed[2:])) + 1
    assert all(speed[k] > 0.7 * speed.max() for k in turning), "no stop at the corner"


def test_strokes_stop_on_their_apex(body: Body, clip: MotionClip) -> None:
    wrists = trace(clip, body).wrists
    stops = {side: apexes(wrists[:, k], clip.fps) for k, side in enumerate(("left", "right"))}
    hits = []
    for stroke in clip.timeline.strokes:
        sides = ("left", "right") if stroke.hand == "both" else (stroke.hand,)
        nearest = min(np.abs(stops[side] - stroke.apex * clip.fps).min() for side in sides if len(stops[side]))
        hits.append(nearest <= 1.5)
    assert np.mean(hits) > 0.85
    assert len(hits) > 8


def test_hands_stop_for_strokes_and_seldom_else(body: Body, clip: MotionClip) -> None:
    wrists = trace(clip, body).wrists
    count = sum(len(apexes(wrists[:, k], clip.fps)) for k in range(2))
    assert 10 < count / clip.duration * 60 < 95  # babble has more stresses than speech: there it is 57 to 126 a minute
    assert shake(wrists, clip.fps) < 0.01
    still = stillness(speeds(wrists, clip.fps), clip.fps)
    assert 0.05 < still.share < 0.45


def test_hands_swing_through_after_a_stroke(body: Body, clip: MotionClip) -> None:
    """The hand goes on about its wrist when the wrist has stopped: it turns most within 0.15 s after the apex."""
    found = trace(clip, body)
    late = []
    for stroke in clip.timeline.strokes:
        side = "left" if stroke.hand == "left" else "right"
        frame = round(stroke.apex * clip.fps)
        local = found.rotations[:, JOINT[f"{side}_elbow"]].swapaxes(-1, -2) @ found.rotations[:, JOINT[f"{side}_wrist"]]
        near = local[frame : frame + 8]
        if len(near) == 8:
            turned = [np.degrees(np.arccos(np.clip((np.trace(near[0].T @ m) - 1) / 2, -1, 1))) for m in near]
            late.append(max(turned[1:5]))
    assert np.median(late) > 2.0 and np.max(late) < 45


def test_fingers_are_never_all_alike_and_never_still(clip: MotionClip) -> None:
    for side in ("left", "right"):
        curls = np.stack(
            [np.linalg.norm(clip.poses[:, JOINT[f"{side}_{f}2"]], axis=1) for f in ("index", "middle", "ring", "pinky")]
        )
        assert np.degrees(np.quantile(np.ptp(curls, axis=0), 0.02)) > 1.5
        assert np.degrees(curls.std(axis=1)).min() > 1.0
        moving = np.abs(np.diff(curls, axis=1)).max(axis=0) > 1e-5
        assert moving.mean() > 0.98
