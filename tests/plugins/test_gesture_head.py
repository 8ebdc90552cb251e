"""Head and gaze: eyes that stay on what they look at, a head that follows them and the words, and nothing that reaches far."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_speech import spoken
from numpy.typing import NDArray

from declaim.core.body import Body, builtin_body
from declaim.core.face_solver import look_angles
from declaim.core.kinematics import forward
from declaim.core.report import SilentReport
from declaim.core.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from declaim.core.skeleton import JOINT, JOINT_COUNT
from declaim.core.speech import Speech, VocalSound
from declaim.inference.joint_limits import joint_angles
from declaim.plugins.contracts import Brief
from declaim.plugins.gesture import gaze, head
from declaim.plugins.gesture.accents import Accent, find_accents
from declaim.plugins.gesture.curves import pulses
from declaim.plugins.gesture.eyes import aim
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.phrases import Phrase, find_phrases
from declaim.plugins.gesture.roles import find_roles
from declaim.plugins.gesture.shakes import shakes
from declaim.plugins.gesture.style import style_sheet

Array = NDArray[Any]
TEXT = (
    "Every morning the sailors carried heavy timber down to the harbour. You were never afraid of thunder? "
    "Nobody noticed the silver lantern, but somebody lit it. Maybe tomorrow we gather again, bring your stories! "
)
FPS = 30.0


def phrased(speech: Speech) -> list[Phrase]:
    return find_phrases(speech, find_accents(speech))


def at_rate(speech: Speech, fps: float = FPS) -> Array:
    return np.arange(int(speech.duration * fps)) / fps


def turned(speech: Speech, *, seed: int = 1, roles: bool = True, **parameters: Any) -> Array:
    """(T, 3) degrees, the head in the world, no gestures of the hands."""
    phrases, styles = phrased(speech), style_sheet(parameters, [])
    parts = find_roles(speech, phrases) if roles else {}
    looks = planned(speech, seed=seed, **parameters)
    return np.degrees(head.head_turn(at_rate(speech), speech, phrases, [], parts, looks, styles, seed))


def planned(speech: Speech, *, seed: int = 1, **parameters: Any) -> list[gaze.Look]:
    rest = np.asarray(builtin_body().rest_joints(np.zeros(10)), dtype=np.float64)
    styles = style_sheet(parameters, [])
    return gaze.plan_looks(speech.duration, phrased(speech), [], speech.sounds or (), rest, styles, seed)


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@pytest.fixture(scope="module")
def speech() -> Speech:
    return spoken(TEXT * 2)


@pytest.mark.parametrize("seated", [False, True])
def test_both_eyes_stay_on_their_target_whatever_trunk_and_head_do(body: Body, speech: Speech, seated: bool) -> None:
    times = at_rate(speech)
    rest = np.asarray(body.rest_joints(np.zeros(10)), dtype=np.float64)
    sole = float(body.shaped(np.zeros(10))[:, 1].min())
    sway = np.stack([np.sin(times), np.cos(1.3 * times), np.sin(0.7 * times)], axis=1)
    named = {name: size * sway for name, size in (("pelvis", 0.05), ("spine1", 0.04), ("spine2", 0.03), ("spine3", 0.05))}
    drop = np.array([0.0, -sole - (0.4 if seated else 0.0), 0.0])
    trans = drop + 0.03 * sway
    poses = np.zeros((len(times), JOINT_COUNT, 3), np.float32)
    for name, values in named.items():
        poses[:, JOINT[name]] = values
    chest = matrix_to_axis_angle(body.joints(poses=poses, trans=trans)[0][:, JOINT["spine3"]])
    turn = np.radians(turned(speech))
    named |= head.neck_and_head(turn, chest)
    track, _ = gaze.gaze_track(times, speech.duration, planned(speech), 1)
    eyes = aim(track, named, trans, rest, sole=sole, seated=seated)
    for name, values in (named | eyes.poses()).items():
        poses[:, JOINT[name]] = values
    turns, places = forward(rest, axis_angle_to_matrix(poses.astype(np.float64)), trans)
    for side in ("left", "right"):
        joint = JOINT[f"{side}_eye_smplhf"]
        sight = turns[:, joint, :, 2].astype(np.float64)
        way = eyes.targets - places[:, joint]
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        off = np.degrees(np.arccos(np.clip((sight * way).sum(axis=1), -1, 1)))
        down, left = np.degrees(eyes.turns[side]).T
        full = {way: np.degrees(look_angles()[f"eyeLook{way}{side.capitalize()}"]) for way in ("Up", "Down", "In", "Out")}
        inside = (
            (down < 0.8 * full["Down"]) & (down > -0.8 * full["Up"]) & (np.abs(left) < 0.8 * min(full["In"], full["Out"]))
        )
        assert inside.mean() > 0.9
        assert off[inside].max() < 0.1
        assert (
            np.abs(left).max() <= max(full["In"], full["Out"]) and down.max() <= full["Down"] and -down.min() <= full["Up"]
        )
    inward = np.degrees(eyes.turns["right"][:, 1] - eyes.turns["left"][:, 1])
    assert 1.0 < np.median(inward) < 3.5, "the eyes meet at the listener"


def test_the_performer_looks_at_the_listener_mostly_and_is_never_frozen_nor_darting(speech: Speech) -> None:
    fast, aside = [], []
    for seed in range(6):
        looks = planned(speech, seed=seed)
        track, shifts = gaze.gaze_track(at_rate(speech, 100), speech.duration, looks, seed)
        starts = np.array([shift.start for shift in shifts])
        assert np.diff(starts).min() > 0.1 and np.diff(starts).max() < 3.0
        assert (np.diff(starts) > 0.15).mean() > 0.95
        fast.append(len(shifts) / speech.duration)
        aside.append((np.degrees(np.hypot(*track[:, :2].T)) > 4).mean())
        still = np.degrees(np.linalg.norm(np.diff(track[:, :2], axis=0), axis=1)) * 100
        assert 0.85 < (still < 20).mean() < 0.98, "fixations, and ways between them"
        assert still.max() < 700
        assert all(b.start - a.end > 0.1 for a, b in itertools.pairwise(looks))
    assert 1.0 < np.mean(fast) < 3.0
    assert 0.05 < np.mean(aside) < 0.35


def test_saccades_keep_the_main_sequence(speech: Speech) -> None:
    times = at_rate(speech, 1000)
    looks = planned(speech)
    track, _ = gaze.gaze_track(times, speech.duration, looks, 1)
    for look in looks:
        first = round(look.start * 1000)
        speed = np.degrees(np.linalg.norm(np.diff(track[first : first + 120, :2], axis=0), axis=1)) * 1000
        way = np.degrees(np.linalg.norm(track[first + 110, :2] - track[first, :2]))
        lasts = (speed > 30).sum() / 1000
        assert 0.018 + 0.0015 * way < lasts < 0.05 + 0.003 * way


def test_gaze_zero_stays_and_shy_looks_down(speech: Speech) -> None:
    assert planned(speech, gaze=0.0) == []
    downs, counts = {}, {}
    for style in ("neutral", "shy", "angry"):
        looks = [look for seed in range(8) for look in planned(speech, seed=seed, style=style)]
        downs[style], counts[style] = np.degrees(np.mean([look.down for look in looks])), len(looks)
    assert downs["shy"] > downs["neutral"] + 4
    assert counts["shy"] > 1.3 * counts["neutral"] > 2 * counts["angry"]


def test_the_listener_is_looked_at_where_an_utterance_ends() -> None:
    speech = spoken("Yes, indeed. The lantern burned. Nobody noticed it above the narrow doorway of the harbour. Why? " * 2)
    phrases = [phrase for phrase in phrased(speech) if phrase.closes]
    assert len(phrases) == 8
    away = 0
    for seed in range(30):
        looks = planned(speech, seed=seed, gaze=2.0, style="shy")
        away += len(looks)
        for phrase in phrases:
            assert all(not look.start < phrase.end - 0.3 < look.end for look in looks)
    assert away > 100


def test_the_head_goes_after_the_eyes_on_their_long_ways() -> None:
    look = gaze.Look(start=1.0, end=2.0, down=0.0, left=np.radians(18), distance=2.0, head=0.5)
    times = np.arange(0, 4, 0.01)
    followed = head._following([look]).sample(times)
    moved = times[np.abs(followed[:, 1]) > np.radians(0.3)]
    assert 0.1 <= moved[0] - look.start < 0.22
    assert np.degrees(followed[:, 1].max()) == pytest.approx(0.5 * (18 - 7), abs=0.3)
    assert moved[-1] > look.end + 0.2 and np.abs(followed[-1]).max() < 1e-9
    short = dataclasses.replace(look, left=np.radians(6))
    assert np.abs(head._following([short]).sample(times)).max() < 1e-9, "short ways are the eyes' alone"


def test_denied_words_are_shaken_and_only_they() -> None:
    speech = spoken("This is never the answer that the people wanted. The others looked quietly at the table again.")
    phrases = phrased(speech)
    parts = {n: part for n, part in find_roles(speech, phrases).items() if part.role == "negation"}
    (word,) = parts
    assert speech.words is not None and speech.words[word].text == "never"
    times = at_rate(speech)
    with_it, without = (
        head._gestures(phrases, [], some, speech, style_sheet({}, []), 1).sample(times) for some in (parts, {})
    )
    shake = np.degrees(with_it - without)[:, 1]
    middle = (speech.words[word].start + speech.words[word].end) / 2
    assert np.ptp(shake) > 6
    turns = np.flatnonzero(np.diff(np.sign(np.diff(shake)), prepend=0) != 0)
    assert (np.abs(times[turns] - middle) < 0.8).sum() >= 3
    assert np.abs(shake[np.abs(times - middle) > 1.2]).max() == 0


def shaken(text: str, seed: int = 1, **parameters: Any) -> tuple[Speech, Array]:
    """The speech, and the head's shakes (T,) degrees to the left at 100 Hz, as large as the style has them."""
    speech, styles = spoken(text), style_sheet(parameters, [])
    phrases = phrased(speech)
    parts = {n: part for n, part in find_roles(speech, phrases).items() if part.role == "negation"}
    bobs = [head._gestures(phrases, [], some, speech, styles, seed).sample(at_rate(speech, 100)) for some in (parts, {})]
    return speech, np.degrees(bobs[0] - bobs[1])[:, 1] * styles.base.head


def test_no_no_never_is_one_large_shake() -> None:
    text = "No, no, never! The others looked quietly at the table again and again."
    for seed in range(5):
        speech, shake = shaken(text, seed)
        assert speech.words is not None
        for number, least in ((0, 8.5), (1, 4.5), (2, 8.5)):  # the second one hardly has a stress here
            middle = (speech.words[number].start + speech.words[number].end) / 2
            here = shake[round(100 * (middle - 0.3)) : round(100 * (middle + 0.35))]
            assert least < np.abs(here).max() < 13
        turns = shake[1:-1][np.diff(np.sign(np.diff(shake))) != 0]
        turns = turns[np.abs(turns) > 1]
        assert 7 <= len(turns) <= 14 and (np.diff(np.sign(turns)) != 0).all(), "from side to side, never twice the same way"
        assert np.abs(np.diff(shake, 2)).max() < 0.7, "smoothly"
        assert np.abs(shake[round(100 * speech.words[2].end) + 90 :]).max() == 0
    reach = {style: np.abs(shaken(text, style=style)[1]).max() for style in ("neutral", "angry", "shy")}
    assert 1.15 * reach["neutral"] < reach["angry"] < 18 and reach["shy"] < 0.95 * reach["neutral"]
    assert np.abs(shaken(text, head=3.0)[1]).max() < 18, "as far as heads are shaken"


def test_shakes_of_words_on_each_others_heels_do_not_reach_beyond_their_neighbours() -> None:
    speech, styles = spoken("No, no, no, no! No, no, no, no! No, no, no, no!"), style_sheet({}, [])
    denied = [accent for phrase in phrased(speech) for accent in phrase.accents]
    times = at_rate(speech, 100)
    assert len(denied) == 12

    def turn(accents: Sequence[Accent]) -> Array:
        return pulses(shakes(accents, styles, 1), times)

    for number, accent in enumerate(denied):
        for by in (-0.1, -0.05, 0.05, 0.1):
            other = [*denied]
            other[number] = dataclasses.replace(accent, time=accent.time + by)
            at = times[turn(other) != turn(denied)]
            assert len(at) and at.min() > accent.time - 1.6 and at.max() < accent.time + 1.6


def test_who_is_slumped_holds_the_head_aslant(speech: Speech) -> None:
    tilts = [np.median(turned(speech, seed=seed, posture=-1.0)[:, 2]) for seed in range(8)]
    assert min(np.abs(tilts)) > 3 and np.ptp(np.sign(tilts)) == 2


def test_questions_tilt_and_lift_the_chin(speech: Speech) -> None:
    times = at_rate(speech)
    phrases = phrased(speech)
    moves = np.degrees(head._gestures(phrases, [], {}, speech, style_sheet({}, []), 1).sample(times))
    asked = [phrase for phrase in phrases if phrase.mark == "?"]
    assert asked
    for phrase in asked:
        here = np.abs(times - phrase.end) < 0.2
        assert np.abs(moves[here, 2]).max() > 3.5 and moves[here, 0].min() < -2


def test_accents_bring_nods_of_many_sizes(speech: Speech) -> None:
    sinks = []
    for seed in range(4):
        turn = turned(speech, seed=seed)
        for accent in head.nod_accents(phrased(speech), [], seed):
            frame = round(accent.time * FPS)
            sinks.append(turn[frame, 0] - turn[frame - 6, 0])
    assert np.mean(sinks) > 1.0
    assert np.mean(np.array(sinks) > 0.5) > 0.55, "mostly down"
    assert np.std(sinks) > 0.8, "never the same twice"


def test_laughs_throw_the_head_back_sighs_drop_it_breaths_lift_it(speech: Speech) -> None:
    times = at_rate(speech)
    plain = turned(speech)[:, 0]
    for kind, sign, least in (("laugh", -1, 4.0), ("sigh", 1, 4.0), ("breath", -1, 1.0)):
        end = 3.2 if kind != "breath" else 2.4
        sound = VocalSound(kind=kind, start=2.0, end=end, strength=0.8)  # type: ignore[arg-type]
        change = turned(dataclasses.replace(speech, sounds=(sound,)))[:, 0] - plain
        here = (times > 2.0) & (times < end + 0.4)
        assert (sign * change[here]).max() > least, kind
        assert np.abs(change[(times < 1.3) | (times > end + 2.0)]).max() < 1e-9
        if kind == "laugh":
            pulses = change[(times > 2.4) & (times < 3.0)]
            assert (np.diff(np.sign(np.diff(pulses))) != 0).sum() >= 3, "it shakes"


def test_the_head_stays_level_and_within_its_neck(body: Body) -> None:
    random = np.random.Generator(np.random.PCG64(3))
    wild = random.normal(0, 0.5, (400, 3))
    leaning = np.tile([0.35, 0.2, 0.1], (400, 1))
    named = head.neck_and_head(np.zeros((400, 3)), leaning)
    poses = np.zeros((400, JOINT_COUNT, 3), np.float32)
    poses[:, JOINT["pelvis"]] = leaning
    for name, values in named.items():
        poses[:, JOINT[name]] = values
    tilted = matrix_to_axis_angle(body.joints(poses=poses, trans=np.zeros((400, 3)))[0][:, JOINT["head"]])
    assert np.abs(tilted[0]).max() < 0.25 * 0.35
    for turn in (wild, 3 * wild):
        for trunk in (np.zeros((400, 3)), leaning, -leaning):
            named = head.neck_and_head(turn, trunk)
            whole = np.degrees(named["neck"] + named["head"])
            assert np.all(np.abs(whole) <= (34.01, 50.01, 28.01))


def test_in_a_whole_performance_the_head_keeps_to_human_limits_and_speeds(body: Body, speech: Speech) -> None:
    for style, seed in (("neutral", 1), ("energetic", 2)):
        brief = Brief(
            fps=FPS, seed=seed, body=body, betas=np.zeros(10, np.float32), parameters={"style": style, "head": 1.5}
        )
        (clip,) = GestureGenerator().generate(speech, [brief], SilentReport())
        for angle in joint_angles(clip, body.rest_joints(np.zeros(10))):
            if angle.name.startswith("neck"):
                assert angle.excess.max() == 0, angle.name
        turns = body.joints(poses=clip.poses, trans=clip.trans)[0][:, JOINT["head"]].astype(np.float64)
        steps = matrix_to_axis_angle(turns[:-1].swapaxes(-1, -2) @ turns[1:])
        speed = np.degrees(np.linalg.norm(steps, axis=1)) * FPS
        assert 8 < speed.mean() < 45 and speed.max() < 300


def test_a_moved_word_changes_nothing_beyond_its_phrase_and_two_seconds(speech: Speech) -> None:
    times = at_rate(speech)
    phrases = phrased(speech)
    assert speech.words is not None
    for number in range(1, len(speech.words), 4):
        word = speech.words[number]
        inside = next(p for p in phrases if p.start <= (word.start + word.end) / 2 <= p.end)
        for by, style in ((0.07, "neutral"), (-0.07, "shy")):
            other = spoken(TEXT * 2, moved=number, by=by)
            far = (times < inside.start - 2.07) | (times > inside.end + 2.07)
            here, there = (turned(s, seed=number, style=style)[far] for s in (speech, other))
            assert here.tobytes() == there.tobytes(), number
            tracks = [
                gaze.gaze_track(times, s.duration, planned(s, seed=number, style=style), 5)[0][far] for s in (speech, other)
            ]
            assert tracks[0].tobytes() == tracks[1].tobytes(), number


def test_twenty_seeds_are_twenty_performances(speech: Speech) -> None:
    turns = [turned(speech, seed=seed) for seed in range(20)]
    looks = [gaze.gaze_track(at_rate(speech), speech.duration, planned(speech, seed=s), s)[0][:, :2] for s in range(20)]
    for (turn, look), (other, elsewhere) in itertools.combinations(zip(turns, looks, strict=True), 2):
        assert np.linalg.norm(turn - other, axis=1).mean() > 2
        assert np.degrees(np.linalg.norm(look - elsewhere, axis=1)).mean() > 0.8
    assert turned(speech, seed=3).tobytes() == turned(speech, seed=3).tobytes()


@pytest.mark.parametrize("duration", [0.0, 0.02, 0.5, 4.0])
def test_nothing_said_is_fine(duration: float) -> None:
    for silent in (Speech(audio_sha256="", duration=duration, gain=0.0), Speech(audio_sha256="", duration=duration)):
        times = np.arange(int(duration * FPS) + 1) / FPS
        looks = planned(silent)
        track, _ = gaze.gaze_track(times, duration, looks, 1)
        turn = head.head_turn(times, silent, [], [], {}, looks, style_sheet({}, []), 1)
        assert track.shape == turn.shape == (len(times), 3)
        assert np.isfinite(track).all() and np.isfinite(turn).all()
