"""Measurements on motion whose answers are known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.face import ARKIT_INDEX
from declaim.core.rotations import axis_angle_to_matrix, axis_angle_to_quaternion, matrix_to_axis_angle
from declaim.core.skeleton import JOINT
from declaim.core.timeline import Timeline, Viseme
from declaim.inference import lips, metrics
from declaim.inference.joint_limits import joint_angles

Array = NDArray[Any]
FPS = 30.0


def still(frames: int = 90, fps: float = FPS) -> MotionClip:
    body = builtin_body()
    return MotionClip.still(frames=frames, fps=fps, body=BodyRef(id=body.id, sha256=body.sha256))


def posed(frames: int = 90, **joints: Array) -> MotionClip:
    """A still clip with some joints' axis-angle rotations (3,) or (T, 3), rad."""
    clip = still(frames)
    poses = clip.poses.copy()
    for name, value in joints.items():
        poses[:, JOINT[name]] = value
    return clip.replace(poses=poses)


def syllables(random: np.random.Generator, duration: float) -> Array:
    """Times of nuclei, s: four to five a second, with pauses."""
    times = [0.3]
    while times[-1] < duration - 0.4:
        pause = random.uniform(0.3, 0.6) if random.random() < 0.12 else 0.0
        times.append(times[-1] + random.uniform(0.14, 0.32) + pause)
    return np.array(times)


def minimum_jerk(ends: Array, lengths: Array, seconds: Array, frames: int, random: np.random.Generator) -> Array:
    """(frames, 3) m: a wrist that strikes at ``ends``, s, holds, drifts idly, and never shakes."""
    times = np.arange(frames) / FPS
    point = np.zeros((frames, 3))
    for end, length, took in zip(ends, lengths, seconds):
        x = np.clip((times - (end - took)) / took, 0, 1)[:, None]
        direction = random.normal(size=3)
        direction *= length / np.linalg.norm(direction)
        point += direction * (10 * x**3 - 15 * x**4 + 6 * x**5)
    for axis in range(3):
        point[:, axis] += 0.004 * np.sin(2 * np.pi * random.uniform(0.2, 0.5) * times + random.uniform(0, 6))
    return point


def strokes(random: np.random.Generator, candidates: Array) -> Array:
    """Some of ``candidates``, 0.6 to 1.4 s apart."""
    chosen = [candidates[2]]
    while True:
        later = candidates[candidates > chosen[-1] + random.uniform(0.6, 1.2)]
        if not len(later):
            return np.array(chosen)
        chosen.append(later[0])


def test_speeds_of_a_circling_point() -> None:
    turn = 2 * np.pi * np.arange(300) / 300
    circle = 0.3 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=-1)[:, None]
    speed = metrics.speeds(circle, FPS)
    assert speed.shape == (299, 1)
    assert speed == pytest.approx(2 * np.pi * 0.3 / 10, rel=1e-3)
    assert metrics.jerk(circle, FPS) == pytest.approx(0.3 * (2 * np.pi / 10) ** 3, rel=1e-2)


def test_shake_is_the_share_above_six_hertz() -> None:
    times = np.arange(600) / 60.0
    slow, fast = np.zeros((600, 2, 3)), np.zeros((600, 2, 3))
    slow[:, 0, 0] = np.sin(2 * np.pi * 1.0 * times)
    fast[:, 0, 1] = np.sin(2 * np.pi * 10.0 * times) / 10.0  # the same speed
    assert metrics.shake(slow, 60.0) < 1e-4
    assert metrics.shake(fast, 60.0) > 0.999
    assert metrics.shake(slow + fast, 60.0) == pytest.approx(0.48, abs=0.02)  # steps of 10 Hz fall short by 9 %
    gliding = fast.copy()
    gliding[:, 0, 0] = 2 * np.pi / np.sqrt(2) * times  # as much power at a steady speed
    assert metrics.shake(gliding, 60.0) == pytest.approx(0.48, abs=0.02)
    assert metrics.shake(np.zeros((600, 2, 3)), 60.0) == 0.0


def test_turn_rate_of_a_steady_turn() -> None:
    angles = np.radians(12.0) * np.arange(60) / FPS
    matrices = axis_angle_to_matrix(np.stack([0 * angles, angles, 0 * angles], axis=-1))
    assert np.degrees(metrics.turn_rates(matrices, FPS)) == pytest.approx(12.0, rel=1e-6)


def test_apexes_are_where_strokes_end() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    ends = np.array([1.0, 2.0, 3.5, 5.0])
    point = minimum_jerk(ends, np.array([0.2, 0.15, 0.3, 0.05]), np.full(4, 0.4), 200, random)
    found = metrics.apexes(point, FPS) / FPS
    assert len(found) == 3  # the last is too short to be one
    # A minimum-jerk stroke of 0.4 s is under a fifth of its peak speed for its last 55 ms.
    assert (ends[:3] - found).min() > 0.0 and (ends[:3] - found).max() < 0.075
    assert not len(metrics.apexes(np.zeros((50, 3)), FPS)) and not len(metrics.apexes(np.zeros((1, 3)), FPS))


def test_two_strokes_without_a_hold_are_two() -> None:
    # Back and forth: the speed dips to nothing between; one way in two pushes: it dips to a third.
    times = np.arange(90) / FPS
    back_and_forth = np.zeros((90, 3))
    back_and_forth[:, 1] = 0.1 * np.cos(2 * np.pi * times)
    assert len(metrics.apexes(back_and_forth, FPS)) in (5, 6)
    pushes = np.cumsum(np.where(times < 2, 0.3 * (1 - 0.5 * np.cos(2 * np.pi * times)), 0.0)) / FPS
    one_way = np.stack([pushes, 0 * pushes, 0 * pushes], axis=-1)
    assert len(metrics.apexes(one_way, FPS)) == 2


def sync_scores(where: str, count: int = 12) -> Array:
    scores = []
    for seed in range(count):
        random = np.random.Generator(np.random.PCG64(seed))
        duration = 12.0
        nuclei = syllables(random, duration)
        ends = strokes(random, nuclei if where != "anywhere" else np.sort(random.uniform(0.5, duration - 0.3, 60)))
        if where == "a frame early":
            ends = ends - 1 / FPS
        found = []
        for hand in range(2):
            mine = ends[hand::2]
            point = minimum_jerk(
                mine,
                random.uniform(0.1, 0.3, len(mine)),
                random.uniform(0.2, 0.35, len(mine)),
                round(duration * FPS),
                random,
            )
            found.append(metrics.apexes(point, FPS) / FPS)
        sync = metrics.stroke_sync(np.concatenate(found), nuclei, duration)
        assert sync is not None
        scores.append(sync.score)
    return np.array(scores)


def test_stroke_sync_tells_strokes_on_syllables_from_chance() -> None:
    on, early, anywhere = (sync_scores(where) for where in ("nuclei", "a frame early", "anywhere"))
    assert 0.25 <= on.mean() <= 0.49
    assert abs(anywhere.mean()) < 0.1 and np.abs(anywhere).max() < 0.35
    assert anywhere.mean() < early.mean() < on.mean() - 0.1


def test_stroke_sync_of_exact_apexes() -> None:
    nuclei = np.array([0.9, 2.1, 3.7, 5.2, 6.1, 8.3])
    sync = metrics.stroke_sync(nuclei, nuclei, 10.0)
    assert sync is not None and sync.hit == pytest.approx(1.0) and sync.count == 6
    assert sync.score == pytest.approx(1.0 - sync.chance)
    late = metrics.stroke_sync(nuclei + 0.05, nuclei, 10.0)
    assert late is not None and late.hit == pytest.approx(np.exp(-0.5))
    assert metrics.stroke_sync([], nuclei, 10.0) is None and metrics.stroke_sync(nuclei, [], 10.0) is None


def test_foot_slide_counts_planted_points_only() -> None:
    positions = np.zeros((10, 55, 3))
    positions[:, JOINT["left_foot"], 0] = 0.002 * np.arange(10)
    positions[:, JOINT["right_foot"], 1] = 0.01 * np.arange(10)  # upwards is no slide
    contacts = np.ones((10, 4))
    contacts[5:, 1] = 0.0
    slide = metrics.foot_slide(positions, contacts)
    assert slide.shape == (9, 4)
    assert slide[:4, 1] == pytest.approx(0.002) and not slide[4:].any() and not slide[:, [0, 2, 3]].any()


def test_pops_stand_out_of_however_fast_a_motion() -> None:
    def degrees(angles: Array) -> Array:
        turned = np.radians(np.stack([0 * angles, angles, 0 * angles], axis=-1))[:, None]
        return np.degrees(metrics.pops(axis_angle_to_quaternion(turned)))

    steady = 20.0 * np.arange(40.0)  # 600 degrees a second
    assert degrees(steady).max() < 0.1
    x = np.clip((np.arange(40) / 24 - 0.5) / 0.25, 0, 1)
    assert degrees(90.0 * (10 * x**3 - 15 * x**4 + 6 * x**5)).max() < 6.0  # as fast as strokes get, at 24 fps
    spike, step = steady.copy(), steady.copy()
    spike[12] += 25.0
    step[12:] += 25.0
    assert degrees(spike).argmax() == 12 and degrees(spike).max() == pytest.approx(25.0, rel=0.05)
    assert degrees(step).argmax() in (11, 12) and degrees(step).max() == pytest.approx(12.5, rel=0.05)
    assert not degrees(np.zeros(3)).any()


def test_stillness_finds_the_longest_hold() -> None:
    speed = np.full((120, 2), 0.3)
    speed[10:25] = 0.01
    speed[60:105] = 0.02
    speed[50:60, 0] = 0.0  # one hand alone does not rest
    found = metrics.stillness(speed, FPS)
    assert (found.longest, found.start) == (1.5, 2.0) and found.share == pytest.approx(0.5)
    assert metrics.stillness(np.full((5, 2), 1.0), FPS).longest == 0.0
    assert metrics.stillness(np.zeros((0, 2)), FPS).share == 1.0


@pytest.mark.parametrize("side,sign", [("left", 1.0), ("right", -1.0)])
def test_joint_limits_know_which_way_limbs_bend(side: str, sign: float) -> None:
    rest = builtin_body().rest_joints()

    def worst(**joints: Array) -> dict[str, float]:
        angles = joint_angles(posed(1, **joints), rest)
        return {angle.name: float(angle.excess[0]) for angle in angles if angle.excess[0] > 0}

    degree = np.radians(1.0)
    assert not worst()
    assert not worst(**{f"{side}_elbow": np.array([0, -sign * 90 * degree, 0])})
    assert set(worst(**{f"{side}_elbow": np.array([0, sign * 50 * degree, 0])})) == {f"{side} elbow bend"}
    assert not worst(**{f"{side}_knee": np.array([80 * degree, 0, 0])})
    assert set(worst(**{f"{side}_knee": np.array([-50 * degree, 0, 0])})) == {f"{side} knee bend"}
    assert not worst(**{f"{side}_wrist": np.array([0, 0, -sign * 80 * degree])})  # the palm towards the forearm
    assert set(worst(**{f"{side}_wrist": np.array([0, 0, sign * 90 * degree])})) == {f"{side} wrist bend"}
    assert not worst(**{f"{side}_wrist": np.array([80 * degree, 0, 0])})  # the forearm's turn
    assert not worst(**{f"{side}_wrist": np.array([-80 * degree, 0, 0])})
    assert set(worst(**{f"{side}_wrist": np.array([110 * degree, 0, 0])})) == {f"{side} forearm turn"}
    assert set(
        worst(**{f"{side}_elbow": np.array([-70 * degree, 0, 0]), f"{side}_wrist": np.array([-50 * degree, 0, 0])})
    ) == {f"{side} forearm turn"}
    assert not worst(**{f"{side}_middle2": np.array([0, 0, -sign * 90 * degree])})
    assert set(worst(**{f"{side}_middle2": np.array([0, 0, sign * 30 * degree])})) == {f"{side} finger middle bend"}
    assert set(worst(neck=np.array([0, 60 * degree, 0]), head=np.array([0, 50 * degree, 0]))) == {"neck turn"}


@pytest.mark.parametrize(("side", "sign"), [("left", 1.0), ("right", -1.0)])
def test_joint_limits_of_shoulders_hips_ankles_thumb_and_spine(side: str, sign: float) -> None:
    rest = builtin_body().rest_joints()
    degree = np.radians(1.0)
    lowered = axis_angle_to_matrix(np.array([0, 0, -sign * 90 * degree]))

    def turn(x: float, y: float, z: float) -> Array:
        return axis_angle_to_matrix(np.array([x, y, z]) * degree)

    def angles(**joints: Array) -> dict[str, float]:
        named = {name: matrix_to_axis_angle(value) for name, value in joints.items()}
        return {angle.name: float(angle.degrees[0]) for angle in joint_angles(posed(1, **named), rest)}

    def worst(**joints: Array) -> set[str]:
        named = {name: matrix_to_axis_angle(value) for name, value in joints.items()}
        return {angle.name for angle in joint_angles(posed(1, **named), rest) if angle.excess[0] > 0}

    shoulder, elbow = f"{side}_shoulder", f"{side}_elbow"
    for ahead in (-60, 0, 90, 170):  # the hanging arm, swung in the body's own plane
        raised = {shoulder: turn(-ahead, 0, 0) @ lowered}
        assert not worst(**raised), ahead
        assert angles(**raised)[f"{side} shoulder rotation"] == pytest.approx(0, abs=0.1)
    assert worst(**{shoulder: turn(85, 0, 0) @ lowered}) == {f"{side} shoulder swing"}  # straight back, too high
    assert worst(**{shoulder: turn(0, sign * 70, 0)}) == {f"{side} shoulder swing"}  # level, and too far back
    assert not worst(**{shoulder: turn(0, -sign * 130, 0), elbow: turn(0, -sign * 60, 0)})  # a hug
    assert worst(**{shoulder: turn(0, -sign * 160, 0)}) >= {f"{side} shoulder swing"}
    assert angles(**{shoulder: turn(-60, 0, 0)})[f"{side} shoulder rotation"] == pytest.approx(60, abs=0.1)  # outwards
    assert angles(**{shoulder: lowered @ turn(40, 0, 0)})[f"{side} shoulder rotation"] == pytest.approx(-40, abs=0.1)
    assert worst(**{shoulder: lowered @ turn(90, 0, 0)}) == {f"{side} shoulder rotation"}
    assert worst(**{shoulder: turn(-110, 0, 0)}) == {f"{side} shoulder rotation"}
    # Collar and shoulder count together; each alone is within the range.
    assert not worst(**{shoulder: turn(0, sign * 40, 0)})
    assert worst(**{f"{side}_collar": turn(0, sign * 25, 0), shoulder: turn(0, sign * 40, 0)}) == {f"{side} shoulder swing"}

    assert not worst(**{f"{side}_hip": turn(-110, 0, 0), f"{side}_knee": turn(100, 0, 0)})  # seated
    assert worst(**{f"{side}_hip": turn(55, 0, 0)}) == {f"{side} hip bend"}
    assert worst(**{f"{side}_hip": turn(0, 0, sign * 60)}) == {f"{side} hip spread"}
    assert worst(**{f"{side}_hip": turn(0, 0, -sign * 45)}) == {f"{side} hip spread"}
    assert worst(**{f"{side}_hip": turn(0, 60, 0)}) == {f"{side} hip rotation"}
    assert worst(**{f"{side}_ankle": turn(-40, 0, 0)}) == {f"{side} ankle bend"}
    assert not worst(**{f"{side}_ankle": turn(40, 0, 0)})
    assert worst(**{f"{side}_ankle": turn(0, 0, sign * 40)}) == {f"{side} ankle tilt"}  # the sole outwards
    assert not worst(**{f"{side}_ankle": turn(0, 0, -sign * 40)})
    assert worst(**{f"{side}_foot": turn(60, 0, 0)}) == {f"{side} toes bend"}
    assert worst(**{f"{side}_thumb3": turn(0, 100, 0)}) == {f"{side} thumb tip turn"}
    assert worst(**{f"{side}_thumb2": turn(0, 0, 70)}) == {f"{side} thumb middle turn"}
    assert not worst(spine1=turn(30, 0, 0), spine2=turn(30, 0, 0), spine3=turn(25, 0, 0))
    assert worst(spine1=turn(0, 20, 0), spine2=turn(0, 20, 0), spine3=turn(0, 20, 0)) == {"spine turn"}
    assert worst(spine1=turn(0, 0, 25), spine3=turn(0, 0, 25)) == {"spine tilt"}
    assert worst(spine1=turn(-45, 0, 0)) == {"spine bend"}


def speaking(*weights: tuple[int, dict[str, float]], peaks: tuple[float, ...] = (1.0,), name: str = "PP") -> MotionClip:
    clip = still(60)
    shapes = clip.blendshapes.copy()
    shapes[:, ARKIT_INDEX["jawOpen"]] = 0.3
    for frame, row in weights:
        for shape, value in row.items():
            shapes[frame, ARKIT_INDEX[shape]] = value
    visemes = tuple(Viseme(name=name, start=peak - 0.1, peak=peak, end=peak + 0.1) for peak in peaks)
    return clip.replace(blendshapes=shapes, timeline=Timeline(visemes=visemes))


def test_lip_closure_is_measured_on_the_mesh() -> None:
    body = builtin_body()
    open_mouth = lips.lip_closures(speaking(), body)
    assert len(open_mouth) == 1 and 0.007 < open_mouth[0].gap < 0.013  # a jaw opening of 0.3 of 34 mm
    sealed = lips.lip_closures(speaking((31, {"mouthClose": 0.3})), body)[0]
    assert sealed.frame == 31 and abs(sealed.gap) < 0.001
    too_late = lips.lip_closures(speaking((32, {"mouthClose": 0.3})), body)[0]
    assert too_late.gap > 0.007
    shut = lips.lip_closures(speaking((30, {"jawOpen": 0.0})), body)[0]
    assert shut.frame == 30 and abs(shut.gap) < 0.001
    assert lips.lip_closures(still(), body) == ()


def test_lip_closure_on_a_body_that_applies_expressions() -> None:
    body = dataclasses.replace(builtin_body(), face="expressions", blendshapes=())
    clip = speaking()
    poses = clip.poses.copy()
    poses[:30, JOINT["jaw"], 0] = poses[32:, JOINT["jaw"], 0] = 0.25
    apart = lips.lip_gaps(clip.replace(poses=poses), body, np.array([10, 30, 31]))
    assert apart[0] > 0.005 and np.abs(apart[1:]).max() < 1e-5
    closure = lips.lip_closures(clip.replace(poses=poses), body)[0]
    assert closure.frame in (30, 31) and abs(closure.gap) < 1e-5


def test_shut_vowels_and_the_jaws_speed() -> None:
    shut = [(frame, {"jawOpen": 0.0}) for frame in range(25, 36)]
    assert lips.shut_vowels(speaking(*shut, name="aa")) == (1.0,)
    assert lips.shut_vowels(speaking(name="aa")) == ()
    assert lips.jaw_speed(speaking((20, {"jawOpen": 0.8}))).max() == pytest.approx(0.5 * FPS, rel=1e-5)


def test_trace_is_the_body_in_the_world() -> None:
    clip = still(3).replace(trans=np.tile(np.float32([0.1, 0.0, -0.2]), (3, 1)))
    traced = metrics.trace(clip, builtin_body())
    expected = builtin_body().rest_joints() + np.array([0.1, 0.0, -0.2])
    assert traced.positions[2] == pytest.approx(expected, abs=1e-5)
    assert traced.wrists.shape == (3, 2, 3) and traced.wrists[0, 0, 0] > traced.wrists[0, 1, 0]  # the left hand at +X
