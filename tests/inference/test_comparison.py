"""Takes held against each other, beats against onsets, strokes against words, soles against the ground: known answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.skeleton import JOINT
from declaim.core.speech import SAMPLE_RATE, Nucleus, Speech
from declaim.core.timeline import Phone, Stroke, Timeline, Word
from declaim.inference import beats, comparison, metrics, soles
from declaim.inference.stroke_targets import stroke_targets

Array = NDArray[Any]
FPS = 30.0


def still(frames: int = 90, fps: float = FPS) -> MotionClip:
    body = builtin_body()
    return MotionClip.still(frames=frames, fps=fps, body=BodyRef(id=body.id, sha256=body.sha256))


def traced(positions: Array, fps: float = FPS) -> metrics.Trace:
    return metrics.Trace(fps=fps, positions=positions, rotations=np.broadcast_to(np.eye(3), (len(positions), 55, 3, 3)))


def standing(frames: int, fps: float = FPS) -> metrics.Trace:
    joints = builtin_body().rest_joints().astype(np.float64)
    return traced(np.repeat(joints[None], frames, axis=0), fps)


def shifted(trace: metrics.Trace, joint: str, by: Array) -> metrics.Trace:
    positions = trace.positions.copy()
    positions[:, JOINT[joint]] += by
    return dataclasses.replace(trace, positions=positions)


def test_l1_and_pck_are_what_the_paper_writes() -> None:
    reference = standing(60)
    one = shifted(reference, "left_wrist", np.array([0.1, -0.2, 0.03]))
    near = comparison.likeness(one, reference)
    assert near.l1 == pytest.approx(0.33 / 52) and near.frames == 60  # one joint of 52
    assert near.pck == pytest.approx(51 / 52)  # 0.226 m is beyond 0.2
    assert comparison.likeness(reference, reference) == comparison.Likeness(l1=0.0, pck=1.0, frames=60)
    # Seen from the pelvis: where the character stands does not matter.
    moved = dataclasses.replace(one, positions=one.positions + [3.0, 0.0, -1.0])
    assert comparison.likeness(moved, reference).l1 == pytest.approx(near.l1)


def test_a_reference_at_another_rate_is_read_at_the_clips() -> None:
    times = np.arange(60) / 30.0
    slow = np.arange(48) / 24.0
    ours = shifted(standing(60), "right_wrist", np.stack([times, 0 * times, 0 * times], axis=1))
    theirs = shifted(standing(48, 24.0), "right_wrist", np.stack([slow, 0 * slow, 0 * slow], axis=1))
    near = comparison.likeness(ours, theirs)
    assert near.l1 == pytest.approx(0.0, abs=1e-9) and near.frames == 59


def test_diversity_and_multimodality_count_every_pair() -> None:
    assert comparison.diversity(standing(99)) is None  # under two stretches
    assert comparison.diversity(standing(200)) == 0.0
    step = np.repeat(np.array([0.0, 0.0, 0.3]), 50)[:, None] * [1.0, 0.0, 0.0]  # three stretches, the last apart
    assert comparison.diversity(shifted(standing(150), "head", step)) == pytest.approx(2 / 3 * 0.3 / 52)
    # The same time, not the same number of frames, at another rate.
    step = np.repeat(np.array([0.0, 0.0, 0.3]), 100)[:, None] * [1.0, 0.0, 0.0]
    assert comparison.diversity(shifted(standing(300, 60.0), "head", step)) == pytest.approx(2 / 3 * 0.3 / 52)
    takes = [shifted(standing(40), "left_wrist", np.array([x, 0.0, 0.0])) for x in (0.0, 0.1, 0.3)]
    assert comparison.multimodality(takes) == pytest.approx((0.1 + 0.2 + 0.3) / 3 / 52)
    assert comparison.multimodality(takes[:1]) is None
    assert comparison.wrist_distances(takes) == pytest.approx([0.05, 0.15, 0.10])  # of two wrists one moves
    spoken = np.arange(40) < 9
    assert comparison.wrist_distances(takes, spoken) == pytest.approx([0.05, 0.15, 0.10])


def clicks(times: Array, duration: float) -> Array:
    noise = np.random.Generator(np.random.PCG64(0))
    samples = noise.normal(0, 1e-4, round(duration * SAMPLE_RATE))
    for time in times:
        start = round(time * SAMPLE_RATE)
        decay = np.exp(-np.arange(1600) / 300)
        samples[start : start + 1600] += 0.5 * decay * noise.normal(size=len(samples[start : start + 1600]))
    return samples.astype(np.float32)


def test_onsets_are_where_sounds_begin() -> None:
    times = np.array([0.5, 1.1, 1.6, 2.4, 3.3])
    found = beats.onsets(clicks(times, 4.0))
    assert np.abs(times[:, None] - found).min(axis=1).max() < 0.04
    assert np.abs(found[:, None] - times).min(axis=1).max() < 0.08
    assert not len(beats.onsets(np.zeros(16000, np.float32))) and not len(beats.onsets(np.zeros(10, np.float32)))


def test_onsets_agree_with_librosas() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa is only a reference here, and is not installed")
    import soundfile

    samples, rate = soundfile.read(Path(__file__).parents[1] / "data" / "speech" / "flite_slt.flac", dtype="float32")
    samples = librosa.resample(samples, orig_sr=rate, target_sr=SAMPLE_RATE)
    theirs = librosa.onset.onset_detect(y=samples, sr=SAMPLE_RATE, hop_length=512, units="time")
    ours = beats.onsets(samples)
    apart = np.abs(theirs[:, None] - ours).min(axis=1)
    assert (apart < 0.04).mean() >= 0.95 and (np.abs(ours[:, None] - theirs).min(axis=1) < 0.04).mean() >= 0.95


def test_beats_on_onsets_score_one_and_chance_is_lower() -> None:
    ends = np.array([0.7, 1.9, 2.5, 3.9, 5.2, 6.1, 7.7, 9.1]) + 0.009
    times = np.arange(300) / FPS
    # Every joint stops for a moment at each end: its speed has a dip there, and never rests.
    speed = 0.4 - 0.3 * np.exp(-((times[:, None] - ends) ** 2).min(axis=1) / (2 * 0.06**2))
    path = np.cumsum(speed)[:, None, None] / FPS * [1.0, 0.0, 0.0]
    positions = standing(300).positions + path
    positions[:, 0] = standing(300).positions[:, 0]  # the pelvis stays
    found = beats.motion_beats(traced(positions))
    for row in found:
        assert len(row) == len(ends)
        assert np.abs(row[:, None] - ends).min(axis=1).max() < 0.05
    score = beats.beat_consistency(found, ends, 10.0)
    assert score is not None and score.score > 0.9 and score.chance < 0.6 and score.onsets == 8
    assert beats.beat_consistency(found, np.zeros(0), 10.0) is None


def striking(apex: float, *, late: float = 0.0, fps: float = FPS) -> tuple[MotionClip, Speech]:
    """An arm that swings in 0.4 s and stops ``late`` s after ``apex``, the energy peak of its word's vowel."""
    clip = still(90, fps)
    poses, times = clip.poses.copy(), np.arange(90) / fps
    x = np.clip((times - (apex + late - 0.35)) / 0.4, 0, 1)  # an eighth of the way is left when the hand seems to stop
    poses[:, JOINT["left_shoulder"], 1] = -0.8 * (10 * x**3 - 15 * x**4 + 6 * x**5)
    timeline = Timeline(
        words=(Word(text="so", start=0.3, end=0.5), Word(text="big", start=apex - 0.2, end=apex + 0.2)),
        phones=(
            Phone(symbol="B", start=apex - 0.2, end=apex - 0.1, word=1),
            Phone(symbol="IH", start=apex - 0.1, end=apex + 0.1, stress=1, word=1),
            Phone(symbol="G", start=apex + 0.1, end=apex + 0.2, word=1),
        ),
        strokes=(
            Stroke(hand="left", start=apex - 0.4, apex=apex, hold_end=apex + 0.2, end=apex + 0.8, unit="big", word=1),
            Stroke(hand="right", start=apex - 0.4, apex=apex, hold_end=apex + 0.2, end=apex + 0.8, unit="still", word=1),
        ),
    )
    hops = np.arange(300) * 0.01
    energy = (-60 + 40 * np.exp(-((hops - apex) ** 2) / (2 * 0.05**2))).astype(np.float32)
    speech = Speech(
        audio_sha256="", duration=3.0, energy=energy, nuclei=(Nucleus(time=apex, prominence=20.0),), samples=None
    )
    return clip.replace(poses=poses, timeline=timeline), speech


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("late", [0.0, 0.2])
def test_strokes_are_measured_where_the_hand_stops(fps: float, late: float) -> None:
    apex = 1.2 if fps != 60.0 else 0.8
    clip, speech = striking(apex, late=late, fps=fps)
    trace = metrics.trace(clip, builtin_body())
    moving, resting = stroke_targets(clip, trace, speech)
    assert moving.word == "big" and moving.unit == "big" and moving.moves and not resting.moves
    assert moving.target == pytest.approx(apex, abs=0.011) and moving.stopped is not None
    assert moving.off == pytest.approx(late, abs=1.0 / fps)
    assert resting.stopped is None and resting.off is None
    planned = stroke_targets(clip, trace)[0]
    assert planned.target is None and planned.off == pytest.approx(late, abs=1.0 / fps)  # against the timeline's apex


def test_soles_see_what_ankles_do_not() -> None:
    body, clip = builtin_body(), still(30)
    trace = metrics.trace(clip, body)
    assert not soles.slides(clip, body, trace).any()
    shaped, rest = body.shaped().astype(np.float64), body.rest_joints()
    floor = shaped[:, 1].min()
    for name in ("left_ankle", "left_foot"):
        points = soles.sole_points(body, shaped, JOINT[name])
        assert 2 <= len(points) <= 4 and (points[:, 1] < floor + 0.016).all()
    heel = soles.sole_points(body, shaped, JOINT["left_ankle"])
    assert heel[:, 2].min() < rest[JOINT["left_ankle"], 2] - 0.02  # behind the ankle
    # A foot that turns on its ankle: the ankle stays, the sole slides.
    poses = clip.poses.copy()
    poses[15:, JOINT["left_ankle"], 1] = 0.1
    turned = clip.replace(poses=poses)
    slid = soles.slides(turned, body, metrics.trace(turned, body))
    assert slid[14, 0] > 0.004 and slid[14, 1] > 0.01 and not slid[:, 2:].any() and not slid[15:].any()
    contacts = np.ones((30, 4))
    contacts[:, :2] = 0  # lifted, it may
    assert not soles.slides(turned.replace(contacts=contacts), body, metrics.trace(turned, body)).any()


def test_a_stop_on_the_way_is_not_the_strokes_end() -> None:
    clip, speech = striking(1.9)
    poses, times = clip.poses.copy(), np.arange(90) / FPS
    x = np.clip((times - 0.9) / 0.3, 0, 1)  # the preparation, over at 1.2 s
    poses[:, JOINT["left_shoulder"], 2] = 0.5 * (10 * x**3 - 15 * x**4 + 6 * x**5)
    strokes = tuple(dataclasses.replace(stroke, start=0.8) for stroke in clip.timeline.strokes)
    clip = clip.replace(poses=poses, timeline=dataclasses.replace(clip.timeline, strokes=strokes))
    moving = stroke_targets(clip, metrics.trace(clip, builtin_body()), speech)[0]
    assert moving.off == pytest.approx(0.0, abs=1.0 / FPS)
