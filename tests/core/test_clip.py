"""MotionClip: cutting, resampling, mirroring, joining, layering, and what it refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rotations
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.errors import ClipError
from declaim.core.face import ARKIT, ARKIT_INDEX, CHANNEL_SHAPES
from declaim.core.kinematics import forward
from declaim.core.skeleton import CHANNEL_JOINTS, CHANNELS, JOINT, JOINT_COUNT, MIRROR
from declaim.core.timeline import KeyPose, Phone, Stroke, Timeline, Viseme, Word

Array = NDArray[Any]
BODY = BodyRef(id="someone", sha256="1" * 64)


def moving(*, frames: int = 60, fps: float = 30.0, seed: int = 0, timeline: Timeline | None = None) -> MotionClip:
    """Smooth motion in every channel."""
    generator = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / fps

    def wave(*shape: int) -> Array:
        count = int(np.prod(shape))
        speeds, phases = generator.uniform(1, 6, count), generator.uniform(0, 6, count)
        return np.asarray(np.sin(time * speeds + phases).reshape(frames, *shape))

    return MotionClip(
        fps=fps,
        body=BODY,
        poses=wave(JOINT_COUNT, 3),
        trans=wave(3),
        blendshapes=0.5 + 0.5 * wave(52),
        expressions=wave(6),
        betas=np.arange(10) / 10,
        contacts=0.5 + 0.5 * wave(4),
        timeline=timeline or Timeline(),
    )


def same(one: MotionClip, other: MotionClip, tolerance: float = 1e-6) -> None:
    assert one.fps == other.fps and one.body == other.body and len(one) == len(other)
    np.testing.assert_allclose(one.matrices(), other.matrices(), atol=tolerance)
    for name in ("trans", "blendshapes", "expressions", "betas", "contacts"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=tolerance, err_msg=name)


# --- construction ---


def test_arrays_are_float32_copies_that_cannot_be_written() -> None:
    clip = moving()
    for name in ("poses", "trans", "blendshapes", "expressions", "betas", "contacts"):
        array = getattr(clip, name)
        assert array.dtype == np.float32 and array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert clip.duration == 2.0 and len(clip) == 60


def test_callers_keep_their_arrays() -> None:
    poses = np.zeros((2, JOINT_COUNT, 3), dtype=np.float32)
    clip = MotionClip(fps=30, body=BODY, poses=poses, trans=np.zeros((2, 3)), blendshapes=np.zeros((2, 52)))
    poses[0, 0, 0] = 1.0
    assert clip.poses[0, 0, 0] == 0
    assert clip.expressions.shape == (2, 0) and clip.contacts.shape == (2, 4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"poses": np.zeros((5, 22, 3))}, r"poses have the shape \(5, 22, 3\), not \(5, 55, 3\)"),
        ({"poses": np.zeros((0, 55, 3)), "trans": np.zeros((0, 3)), "blendshapes": np.zeros((0, 52))}, "no frames"),
        ({"trans": np.zeros((4, 3))}, r"trans have the shape \(4, 3\), not \(5, 3\)"),
        ({"blendshapes": np.zeros((5, 51))}, "blendshapes have the shape"),
        ({"blendshapes": np.full((5, 52), 1.2)}, "blendshapes leave the range 0..1"),
        ({"contacts": np.full((5, 4), -0.1)}, "contacts leave the range 0..1"),
        ({"expressions": np.zeros((3, 10))}, "expressions have the shape"),
        ({"betas": np.zeros((1, 10))}, "betas have the shape"),
        ({"fps": 0.0}, "frame rate is 0.0"),
        ({"fps": float("nan")}, "frame rate is nan"),
        ({"trans": np.array([[0, 0, 0]] * 3 + [[0, np.nan, 0]] * 2)}, "trans hold a value that is not a number at frame 3"),
        ({"betas": np.full(10, np.inf)}, "betas hold a value that is not a number"),
        ({"timeline": Timeline(words=(Word(text="a", start=1.0, end=0.5),))}, "run backwards"),
    ],
)
def test_what_it_refuses(changes: dict[str, Any], says: str) -> None:
    sound: dict[str, Any] = {"fps": 30.0, "poses": np.zeros((5, 55, 3)), "trans": np.zeros((5, 3))}
    sound["blendshapes"] = np.zeros((5, 52))
    with pytest.raises(ClipError, match=says) as caught:
        MotionClip(body=BODY, **{**sound, **changes})
    assert caught.value.hint and "\n" not in str(caught.value)


# --- slicing and joining ---


def test_slice() -> None:
    words = (Word(text="one", start=0.1, end=0.4), Word(text="two", start=1.05, end=1.3))
    clip = moving(timeline=Timeline(words=words))
    part = clip.sliced(1.0, 1.5)
    assert len(part) == 15 and part.fps == clip.fps
    np.testing.assert_array_equal(part.poses, clip.poses[30:45])
    assert [(word.text, round(word.start, 6)) for word in part.timeline.words] == [("two", 0.05)]
    assert len(clip.sliced(0.5, 0.5)) == 1
    assert len(clip.sliced(-1, 99)) == len(clip)
    with pytest.raises(ClipError, match=r"outside the clip of 2\.00 s"):
        clip.sliced(2.5, 3)


def test_slices_join_to_the_whole() -> None:
    words = (Word(text="one", start=0.1, end=0.4), Word(text="two", start=1.05, end=1.3))
    phones = (Phone(symbol="AH", start=0.1, end=0.4, word=0), Phone(symbol="UW", start=1.05, end=1.3, word=1))
    clip = moving(timeline=Timeline(words=words, phones=phones))
    whole = clip.sliced(0, 0.7).joined(clip.sliced(0.7, 2.0))
    np.testing.assert_array_equal(whole.poses, clip.poses)
    np.testing.assert_array_equal(whole.contacts, clip.contacts)
    assert [phone.word for phone in whole.timeline.phones] == [0, 1]
    assert whole.timeline.words[1].start == pytest.approx(1.05)


def test_join_refuses_strangers() -> None:
    clip = moving()
    others = [
        clip.replace(fps=24.0),
        clip.replace(body=BodyRef(id="other", sha256="")),
        clip.replace(betas=np.zeros(10)),
        clip.replace(expressions=np.zeros((60, 3))),
    ]
    for other in others:
        with pytest.raises(ClipError, match="differ"):
            clip.joined(other)


# --- resampling ---


def test_resampling_follows_the_motion() -> None:
    slow, fast = moving(fps=30, frames=61).resampled(120), moving(fps=120, frames=241)
    assert abs(len(slow) - 244) <= 1 and slow.fps == 120
    turns = rotations.matrix_to_axis_angle(np.swapaxes(slow.matrices()[:241], -1, -2) @ fast.matrices())
    assert np.linalg.norm(turns, axis=-1).max() < 0.02  # rad; slerp between frames of 6 rad/s waves
    np.testing.assert_allclose(slow.trans[:241], fast.trans, atol=0.01)


def test_rotations_resample_by_slerp_along_the_shorter_arc() -> None:
    poses = np.zeros((2, JOINT_COUNT, 3))
    poses[0, 3, 1], poses[1, 3, 1] = 3.0, -3.0  # 0.28 rad apart through half a turn, 6 rad the other way
    clip = MotionClip.still(frames=2, fps=1, body=BODY).replace(poses=poses).resampled(2)
    assert abs(abs(clip.poses[1, 3, 1]) - np.pi) < 1e-3


@pytest.mark.parametrize(("there", "back"), [(60, 30), (90, 30)])
def test_whole_multiples_come_back_exactly(there: float, back: float) -> None:
    clip = moving()
    same(clip.resampled(there).resampled(back), clip, 2e-6)


def test_film_games_film() -> None:
    """24 -> 30 -> 60 -> 24: a moment that must survive does, the length stays, the motion hardly changes."""
    apex, closure = 0.729, 1.231
    timeline = Timeline(
        strokes=(Stroke(hand="both", start=0.5, apex=apex, hold_end=0.8, end=1.2, unit="beat"),),
        visemes=(Viseme(name="PP", start=1.2, peak=closure, end=1.26),),
    )
    clip = moving(fps=24, frames=48, timeline=timeline)
    poses, shapes = clip.poses.copy(), clip.blendshapes.copy()
    poses[round(apex * 24), JOINT["left_elbow"]] = (0, 2.0, 0)  # one frame only
    shapes[:, ARKIT_INDEX["mouthClose"]] = 0
    shapes[round(closure * 24), ARKIT_INDEX["mouthClose"]] = 1
    clip = clip.replace(poses=poses, blendshapes=shapes)
    passed = clip
    for fps in (30, 60, 25, 24):
        passed = passed.resampled(fps)
        assert abs(len(passed) - 2 * fps) <= 1
        assert passed.timeline == timeline
        assert passed.blendshapes[:, ARKIT_INDEX["mouthClose"]].max() == 1
        frame = int(passed.blendshapes[:, ARKIT_INDEX["mouthClose"]].argmax())
        assert abs(frame / fps - closure) <= 0.5 / fps + 1e-9
        assert passed.poses[:, JOINT["left_elbow"], 1].max() == pytest.approx(2.0, abs=1e-5)
        assert abs(int(passed.poses[:, JOINT["left_elbow"], 1].argmax()) / fps - apex) <= 0.5 / fps + 1e-9
    np.testing.assert_allclose(passed.trans, clip.trans, atol=0.04)


def test_a_closure_moves_the_mouth_alone() -> None:
    closure = Timeline(
        visemes=(Viseme(name="PP", start=0.95, peak=1.0, end=1.05), Viseme(name="aa", start=1.05, peak=1.1, end=2))
    )
    clip = moving()
    with_closure = clip.replace(timeline=closure).resampled(24)
    without = clip.resampled(24)
    np.testing.assert_array_equal(with_closure.trans, without.trans)
    body = [joint for joint in range(JOINT_COUNT) if joint != JOINT["jaw"]]
    np.testing.assert_array_equal(with_closure.poses[:, body], without.poses[:, body])
    mouth = list(CHANNEL_SHAPES["mouth"])
    np.testing.assert_array_equal(with_closure.blendshapes[24, mouth], clip.blendshapes[30, mouth])


def test_frames_never_run_backwards() -> None:
    times = np.linspace(0.03, 1.9, 40)
    poses = tuple(KeyPose(name="x", start=t - 0.01, apex=t, hold_end=t, end=t + 0.01) for t in times.tolist())
    ramp = np.zeros((60, 3))
    ramp[:, 0] = np.arange(60) / 30
    clip = moving(timeline=Timeline(key_poses=poses)).replace(trans=ramp)
    for fps in (12, 24, 25, 50, 60, 120):
        steps = np.diff(clip.resampled(fps).trans[:, 0])
        assert steps.min() >= 0
        assert steps.max() <= 1.5 / fps + 0.5 / 30 + 1e-6


def test_one_frame_and_bad_rates() -> None:
    one = moving(frames=1)
    assert len(one.resampled(60)) == 2 and len(one.resampled(24)) == 1
    assert one.resampled(30) is one
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ClipError, match="not possible"):
            one.resampled(fps)


# --- mirroring ---


def test_mirrored_twice_is_the_same() -> None:
    stroke = Stroke(hand="right", start=0, apex=0.2, hold_end=0.3, end=0.4, unit="beat")
    clip = moving(timeline=Timeline(strokes=(stroke,)))
    again = clip.mirrored().mirrored()
    same(again, clip, 0)
    assert again.timeline == clip.timeline and clip.mirrored().timeline.strokes[0].hand == "left"


def test_mirrored_positions() -> None:
    generator = np.random.default_rng(1)
    rest = generator.normal(size=(JOINT_COUNT, 3))
    rest = (rest + rest[MIRROR] * (-1, 1, 1)) / 2  # a symmetric skeleton
    clip = moving()
    other = clip.mirrored()
    _, ours = forward(rest, clip.matrices().astype(np.float64), clip.trans.astype(np.float64))
    _, theirs = forward(rest, other.matrices().astype(np.float64), other.trans.astype(np.float64))
    np.testing.assert_allclose(theirs, ours[:, MIRROR] * (-1, 1, 1), atol=1e-5)
    names = {"eyeBlinkLeft": "eyeBlinkRight", "jawLeft": "jawRight", "mouthLeft": "mouthRight", "jawOpen": "jawOpen"}
    for name, partner in names.items():
        np.testing.assert_array_equal(other.blendshapes[:, ARKIT_INDEX[name]], clip.blendshapes[:, ARKIT_INDEX[partner]])
    np.testing.assert_array_equal(other.contacts[:, :2], clip.contacts[:, 2:])


# --- layering ---


def test_layers_touch_their_channel_alone() -> None:
    under, over = moving(seed=1), moving(seed=2)
    for channel in CHANNELS:
        mixed = under.layered(over, channels=[channel])
        joints, shapes = list(CHANNEL_JOINTS[channel]), list(CHANNEL_SHAPES[channel])
        others = [joint for joint in range(JOINT_COUNT) if joint not in joints]
        np.testing.assert_array_equal(mixed.poses[:, joints], over.poses[:, joints])
        np.testing.assert_array_equal(mixed.poses[:, others], under.poses[:, others])
        np.testing.assert_array_equal(mixed.blendshapes[:, shapes], over.blendshapes[:, shapes])
        rest = [shape for shape in range(len(ARKIT)) if shape not in shapes]
        np.testing.assert_array_equal(mixed.blendshapes[:, rest], under.blendshapes[:, rest])
        for name, owner in (("trans", "body"), ("contacts", "body"), ("expressions", "mouth")):
            np.testing.assert_array_equal(getattr(mixed, name), getattr(over if channel == owner else under, name))
    same(under.layered(over, channels=CHANNELS), over, 0)


def test_every_value_has_one_channel() -> None:
    assert sorted(j for channel in CHANNELS for j in CHANNEL_JOINTS[channel]) == list(range(JOINT_COUNT))
    assert sorted(s for channel in CHANNELS for s in CHANNEL_SHAPES[channel]) == list(range(len(ARKIT)))


def test_layer_weights() -> None:
    under, over = moving(seed=1), moving(seed=2)
    same(under.layered(over, channels=CHANNELS, weight=0.0), under)
    half = under.layered(over, channels=CHANNELS, weight=0.5)
    np.testing.assert_allclose(half.trans, (under.trans + over.trans) / 2, atol=1e-6)
    from_under = rotations.matrix_to_axis_angle(np.swapaxes(under.matrices(), -1, -2) @ half.matrices())
    to_over = rotations.matrix_to_axis_angle(np.swapaxes(half.matrices(), -1, -2) @ over.matrices())
    np.testing.assert_allclose(from_under, to_over, atol=2e-4)  # halfway along the arc
    fade = np.linspace(0, 1, 60)
    faded = under.layered(over, channels=CHANNELS, weight=fade)
    np.testing.assert_allclose(faded.trans, under.trans + fade[:, None] * (over.trans - under.trans), atol=1e-6)
    same(faded.sliced(0, 0.01), under.sliced(0, 0.01))
    np.testing.assert_array_equal(faded.poses[-1], over.poses[-1])


def test_layering_bodies_with_and_without_expressions() -> None:
    with_face, without = moving(), moving(seed=2).replace(expressions=np.zeros((60, 0)))
    np.testing.assert_array_equal(without.layered(with_face, channels=["mouth"]).expressions, with_face.expressions)
    assert not with_face.layered(without, channels=["mouth"]).expressions.any()
    half = with_face.layered(without, channels=["mouth"], weight=0.5)
    np.testing.assert_allclose(half.expressions, with_face.expressions / 2, atol=1e-7)


def test_layers_must_match() -> None:
    for other in (moving(fps=24), moving(frames=59)):
        with pytest.raises(ClipError, match="same frame rate and length"):
            moving().layered(other, channels=["body"])


def test_still_and_quaternions() -> None:
    still = MotionClip.still(frames=4, fps=25, body=BODY, expressions=3, betas=[1.0, 2.0])
    assert still.problems() == [] and still.expressions.shape == (4, 3) and still.betas.tolist() == [1, 2]
    np.testing.assert_array_equal(still.quaternions(), np.broadcast_to([1, 0, 0, 0], (4, JOINT_COUNT, 4)))
    spin = still.replace(poses=np.linspace(0, 3, 4)[:, None, None] * np.full((4, JOINT_COUNT, 3), 1.5))
    quaternions = spin.quaternions()
    assert ((quaternions[1:] * quaternions[:-1]).sum(axis=-1) > 0).all()


def test_clips_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        moving().fps = 24  # type: ignore[misc]
