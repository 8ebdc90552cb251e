"""Lids and brows: blinks that shut and keep their rate, brows on accents and questions, moods, laughs and sighs."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from made_speech import spoken
from numpy.typing import NDArray

from declaim.core.body import builtin_body
from declaim.core.face import ARKIT, CHANNEL_SHAPES
from declaim.core.speech import Speech, VocalSound
from declaim.plugins.gesture import gaze, lids, upper_face
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.phrases import Phrase, find_phrases
from declaim.plugins.gesture.roles import find_roles
from declaim.plugins.gesture.style import StyleSheet, style_sheet

Array = NDArray[Any]
LINE = "The sailors carried heavy timber to the harbour. Were you ever afraid of thunder? Nobody noticed the lantern, friends! "


def phrased(speech: Speech) -> list[Phrase]:
    return find_phrases(speech, find_accents(speech))


def blinked(speech: Speech, *, seed: int = 1, **parameters: Any) -> list[lids.Blink]:
    styles, phrases, sounds = style_sheet(parameters, []), phrased(speech), speech.sounds or ()
    rest = np.asarray(builtin_body().rest_joints(np.zeros(10)), dtype=np.float64)
    looks = gaze.plan_looks(speech.duration, phrases, [], sounds, rest, styles, seed)
    _, shifts = gaze.gaze_track(np.arange(2) / 30, speech.duration, looks, seed)
    return lids.plan_blinks(speech.duration, phrases, shifts, sounds, styles, seed)


def faced(speech: Speech, *, seed: int = 1, fps: float = 30.0, down: float = 0.0, **parameters: Any) -> dict[str, Array]:
    times = np.arange(int(speech.duration * fps)) / fps
    phrases = phrased(speech)
    return upper_face.upper_face(
        times,
        fps,
        speech,
        phrases,
        [],
        find_roles(speech, phrases),
        blinked(speech, seed=seed, **parameters),
        np.full(len(times), down),
        style_sheet(parameters, []),
        seed,
    )


@pytest.fixture(scope="module")
def speech() -> Speech:
    return spoken(LINE * 3)


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 30.0, 48.0, 60.0])
def test_every_blink_shuts_both_eyes_on_a_frame_and_opens_again(speech: Speech, fps: float) -> None:
    weights = faced(speech, fps=fps)
    for blink in blinked(speech):
        frame = round(blink.time * fps)
        for side in ("Left", "Right"):
            shut = weights[f"eyeBlink{side}"]
            assert shut[frame] == pytest.approx(blink.depth, abs=0.02)
            assert weights[f"eyeWide{side}"][frame] <= 0.1 * (1 - blink.depth) + 0.1
            assert shut[frame - round(0.12 * fps)] < 0.05
            assert 0.3 < blink.depth <= 1 and (blink.depth == 1 or blink.depth < 0.8)


def test_lids_fall_faster_than_they_rise_and_not_quite_together(speech: Speech) -> None:
    (blink, *_) = blinked(speech)
    times = np.arange(int(speech.duration * 1000)) / 1000
    left, right = (lids.closure([blink], times, 1000, side) for side in ("Left", "Right"))
    middle = round(blink.time * 1000)
    falls, rises = (left[:middle] > 0.05).sum(), (left[middle:] > 0.05).sum()
    assert 0.04 < falls / 1000 < 0.1 and 1.2 * falls < rises < 300
    assert 0.02 < np.abs(left - right).max() < 0.2


@pytest.mark.parametrize("said", [True, False])
def test_blinks_keep_the_rate_asked_for_in_speech_and_in_silence(said: bool) -> None:
    long = spoken(LINE * 6) if said else Speech(audio_sha256="", duration=90.0)
    for rate in (0.0, 6.0, 17.0, 34.0):
        counts = [len(blinked(long, seed=seed, blinks=rate / 17)) * 60 / long.duration for seed in range(8)]
        assert np.mean(counts) == pytest.approx(rate, rel=0.2, abs=1.0)


@pytest.mark.parametrize("style", ["neutral", "calm", "energetic", "formal", "shy", "angry", "happy"])
def test_nobody_stares(style: str) -> None:
    """Six seconds at the most at the neutral rate, nine when angry; from the line's beginning to its end."""
    rate = style_sheet({"style": style}, []).base.blinks
    longest = min(6.3 * 17 / rate, 9.3)
    lines: list[tuple[Speech, list[Phrase]]] = []
    for times in (1, 2, 6):
        said = spoken(LINE * times)
        silent = Speech(audio_sha256="", duration=said.duration)
        lines += [(said, phrased(said)), (silent, [])]
    rest = np.asarray(builtin_body().rest_joints(np.zeros(10)), dtype=np.float64)
    styles = style_sheet({"style": style}, [])
    gaps = []
    for seed, (line, phrases) in itertools.product(range(10), lines):
        looks = gaze.plan_looks(line.duration, phrases, [], line.sounds or (), rest, styles, seed)
        _, shifts = gaze.gaze_track(np.arange(2) / 30, line.duration, looks, seed)
        blinks = lids.plan_blinks(line.duration, phrases, shifts, line.sounds or (), styles, seed)
        open_from = [0.0, *(blink.time for blink in blinks if blink.depth == 1), line.duration]
        gaps.append(np.diff(open_from).max())
        assert len(blinks) == 0 or np.diff([blink.time for blink in blinks]).min(initial=1.0) > 0.4
    assert max(gaps) <= longest
    assert np.std(gaps) > 0.1, "no clockwork"


def test_nobody_stares_from_one_style_to_the_next() -> None:
    slow, quick = (style_sheet({"blinks": b}, []).base for b in (0.6, 1.5))
    for seed, start in itertools.product(range(10), (7.0, 8.3, 9.1, 12.0)):
        sheet = StyleSheet(base=slow, ranges=((start, start + 6.0, quick), (start + 6.0, start + 9.0, slow)))
        times = [0.0, *(b.time for b in lids.plan_blinks(30.0, [], [], [], sheet, seed)), 30.0]
        assert np.diff(times).max() < 6.3 / 0.6 and np.diff(times[1:-1]).min() > 0.4


def test_blinks_prefer_the_ends_of_phrases_and_keep_apart(speech: Speech) -> None:
    ends = np.array([phrase.end for phrase in phrased(speech)])
    near, wanted = [], []
    for seed in range(12):
        times = np.array([blink.time for blink in blinked(speech, seed=seed)])
        assert np.diff(times).min() > 0.4
        near.append((np.abs(times[:, None] - ends).min(axis=1) < 0.2).mean())
        wanted.append((np.abs(np.arange(0, speech.duration, 0.01)[:, None] - ends).min(axis=1) < 0.2).mean())
    assert np.mean(near) > 1.8 * np.mean(wanted)
    assert (np.std(np.diff(times)) / np.mean(np.diff(times))) > 0.3, "no clockwork"


def test_the_eyes_are_open(speech: Speech) -> None:
    weights = faced(speech)
    assert (weights["eyeBlinkLeft"] > 0.3).mean() < 0.1
    assert np.median(weights["eyeBlinkLeft"]) == 0
    assert np.median(weights["eyeWideLeft"]) > 0.08 > np.median(weights["eyeSquintLeft"]) > 0


def test_brows_go_up_on_accents_and_stay_up_over_a_question(speech: Speech) -> None:
    phrases = phrased(speech)
    times = np.arange(int(speech.duration * 30)) / 30
    asked = [phrase for phrase in phrases if phrase.mark == "?"]
    assert asked
    rises = []
    for seed in range(6):
        raised = faced(speech, seed=seed)["browOuterUpLeft"] + faced(speech, seed=seed)["browInnerUp"]
        accents = np.array([a.time for phrase in phrases for a in phrase.accents if a.strength > 0.6])
        rises.append(np.interp(accents, times, raised).mean() - raised.mean())
        for phrase in asked:
            assert np.interp(phrase.end, times, raised) > 0.45
    assert np.mean(rises) > 0.04


def test_what_is_denied_is_frowned_at(speech: Speech) -> None:
    weights = faced(speech)
    times = np.arange(len(weights["browDownLeft"])) / 30
    assert speech.words is not None
    denied = [(w.start + w.end) / 2 for w in speech.words if w.text == "Nobody"]
    assert len(denied) == 3
    frown = np.interp(denied, times, weights["browDownLeft"])
    assert frown.min() > 0.1 > 5 * np.median(weights["browDownLeft"])


def test_forceful_denials_press_the_brows_down_and_mild_ones_raise_them() -> None:
    for text, firm in (("No, never! ", True), ("That is not quite how the sailors told it to the others. ", False)):
        line = spoken(text * 3)
        denied = {n: p for n, p in find_roles(line, phrased(line)).items() if p.role == "negation"}
        times = np.arange(int(line.duration * 30)) / 30
        assert line.words is not None
        at = [(line.words[n].start + line.words[n].end) / 2 for n in denied]
        weights = faced(line)
        low, high = (np.interp(at, times, weights[name]) for name in ("browDownLeft", "browInnerUp"))
        if firm:
            assert low.min() > 0.25 and (low > high).all()
        else:
            assert high.min() > 0.12 and (high > low).all()


def test_styles_show_in_the_face(speech: Speech) -> None:
    mean = {
        style: {name: float(np.median(values)) for name, values in faced(speech, style=style).items()}
        for style in ("neutral", "happy", "angry", "shy", "energetic")
    }
    assert mean["happy"]["cheekSquintLeft"] > mean["neutral"]["cheekSquintLeft"] + 0.3
    assert mean["happy"]["eyeSquintLeft"] > mean["neutral"]["eyeSquintLeft"] + 0.1
    assert mean["angry"]["browDownLeft"] > 0.5 > 0.1 > mean["neutral"]["browDownLeft"]
    assert mean["angry"]["eyeSquintLeft"] > mean["neutral"]["eyeSquintLeft"] + 0.2
    assert mean["angry"]["noseSneerLeft"] > 0.1 > mean["neutral"]["noseSneerLeft"]
    assert mean["shy"]["browInnerUp"] > mean["neutral"]["browInnerUp"] + 0.1
    assert mean["shy"]["browOuterUpLeft"] < mean["shy"]["browInnerUp"]
    assert mean["energetic"]["eyeWideLeft"] > mean["neutral"]["eyeWideLeft"]


def test_weights_stay_weights_whatever_comes_together(speech: Speech) -> None:
    allowed = {ARKIT[i] for i in CHANNEL_SHAPES["upper_face"]}
    loud = tuple(VocalSound(kind=kind, start=t, end=t + 1.5, strength=1.0) for t, kind in ((1.0, "laugh"), (1.5, "sigh")))  # type: ignore[arg-type]
    for style, down in itertools.product(("happy", "angry", "shy"), (-0.3, 0.0, 0.4)):
        weights = faced(dataclasses.replace(speech, sounds=loud), style=style, blend_with="energetic", blend=0.5, down=down)
        assert set(weights) <= allowed
        for name, values in weights.items():
            assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1, name


def test_left_and_right_are_not_mirrored_and_not_strangers(speech: Speech) -> None:
    weights = faced(speech)
    left, right = weights["browOuterUpLeft"], weights["browOuterUpRight"]
    assert np.abs(left - right).max() > 0.05
    assert np.corrcoef(left, right)[0, 1] > 0.5


def test_a_laugh_squeezes_the_eyes_a_sigh_weighs_on_the_lids(speech: Speech) -> None:
    times = np.arange(int(speech.duration * 30)) / 30
    plain = faced(speech, blinks=0.0)
    for kind in ("laugh", "sigh", "breath"):
        sound = VocalSound(kind=kind, start=3.0, end=4.2, strength=0.8)  # type: ignore[arg-type]
        weights = faced(dataclasses.replace(speech, sounds=(sound,)), blinks=0.0)
        here, far = (times > 3.3) & (times < 4.1), (times < 2.0) | (times > 6.2)
        change = {name: (weights[name] - plain[name])[here].mean() for name in weights}
        for name in weights:
            assert weights[name][far].tobytes() == plain[name][far].tobytes()
        if kind == "laugh":
            assert change["cheekSquintLeft"] > 0.4 and change["eyeSquintLeft"] > 0.25
            assert weights["eyeBlinkLeft"][here].max() < 0.25, "squeezed, not asleep"
        elif kind == "sigh":
            assert 0.1 < change["eyeBlinkLeft"] < 0.4 and change["browInnerUp"] > 0.1
        else:
            assert 0.02 < change["browInnerUp"] < 0.15


def test_a_moved_word_changes_nothing_beyond_its_phrase_and_two_seconds(speech: Speech) -> None:
    times = np.arange(int(speech.duration * 30)) / 30
    phrases = phrased(speech)
    assert speech.words is not None
    for number in range(1, len(speech.words), 4):
        word = speech.words[number]
        inside = next(p for p in phrases if p.start <= (word.start + word.end) / 2 <= p.end)
        far = (times < inside.start - 2.07) | (times > inside.end + 2.07)
        for by in (0.07, -0.07):
            here, there = (
                faced(speech, seed=number, blinks=1.5),
                faced(spoken(LINE * 3, moved=number, by=by), seed=number, blinks=1.5),
            )
            for name in here:
                assert here[name][far].tobytes() == there[name][far].tobytes(), (number, name)


def test_twenty_seeds_are_twenty_faces(speech: Speech) -> None:
    faces = [np.stack(list(faced(speech, seed=seed).values())) for seed in range(20)]
    for one, other in itertools.combinations(faces, 2):
        assert np.abs(one - other).mean() > 0.01
    assert np.stack(list(faced(speech, seed=4).values())).tobytes() == faces[4].tobytes()


@pytest.mark.parametrize("duration", [0.0, 0.02, 0.4, 5.0])
def test_nothing_said_is_fine(duration: float) -> None:
    weights = faced(Speech(audio_sha256="", duration=duration, gain=0.0))
    assert all(np.isfinite(values).all() for values in weights.values())
