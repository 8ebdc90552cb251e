"""The gesture generator: strokes on their words, whatever the frame rate, body, direction or seed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core.body import Body, builtin_body
from declaim.core.clip import MotionClip
from declaim.core.face import ARKIT_INDEX
from declaim.core.face_solver import look_angles
from declaim.core.lexicon import read_lexicon
from declaim.core.report import SilentReport
from declaim.core.rotations import matrix_to_axis_angle
from declaim.core.skeleton import JOINT
from declaim.core.speech import HOP, Nucleus, Pause, Speech
from declaim.core.timeline import Phone, Word
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Direction, StyledRange, frame_count
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.phrases import find_phrases
from declaim.plugins.parameters import complete

PARAMETERS = complete("gesture", registry.find("generator", "gesture").parameters, {})
TEXT = (
    "Every morning the sailors carried heavy timber, down to the quiet harbour. "
    "You were never afraid of thunder; and nobody noticed the silver lantern, burning above the narrow doorway. "
    "Tomorrow we gather again, bring your stories!"
)


def spoken(text: str = TEXT, *, unsure: frozenset[int] = frozenset()) -> Speech:
    """Even speech, 0.42 s a word, a vowel in the middle of each, 0.5 s of silence where the text has a mark."""
    words: list[Word] = []
    phones: list[Phone] = []
    pauses = [Pause(start=0.0, end=0.8)]
    time = 0.8
    for i, part in enumerate(text.split()):
        bare = part.rstrip(".,;!?")
        mark = part[len(bare) :]
        end = time + 0.25 + 0.025 * len(bare)
        words.append(Word(text=bare, start=time, end=end, break_after=mark, unsure=i in unsure))
        third = (end - time) / 3
        phones += [
            Phone(symbol="T", start=time, end=time + third, word=i),
            Phone(symbol="AE", start=time + third, end=time + 2 * third, stress=1, word=i),
            Phone(symbol="N", start=time + 2 * third, end=end, word=i),
        ]
        time = end
        if mark:
            pauses.append(Pause(start=time, end=time + 0.5))
            time += 0.5
    duration = time + 0.9
    grid = np.arange(int(duration / HOP)) * HOP
    level = np.full(len(grid), -70.0)
    for word in words:
        level = np.maximum(level, -14 - 3 * (len(word.text) < 5) - 900 * (grid - (word.start + word.end) / 2) ** 2)
    centres = [(word.start + word.end) / 2 for word in words]
    return Speech(
        audio_sha256="test",
        duration=duration,
        energy=level.astype(np.float32),
        nuclei=tuple(Nucleus(time=round(c / HOP) * HOP, prominence=8.0) for c in centres),
        pitch=np.where(level > -40, 180 + 20 * np.sin(grid), 0).astype(np.float32),
        pauses=(*pauses, Pause(start=time, end=duration)),
        words=tuple(words),
        phones=tuple(phones),
    )


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@pytest.fixture(scope="module")
def speech() -> Speech:
    return spoken()


def perform(
    speech: Speech,
    body: Body,
    *,
    seed: int = 1,
    fps: float = 30.0,
    direction: Direction | None = None,
    betas: Any = None,
    **parameters: Any,
) -> MotionClip:
    brief = Brief(
        fps=fps,
        seed=seed,
        body=body,
        betas=np.zeros(10, np.float32) if betas is None else betas,
        parameters={**PARAMETERS, **parameters},
        direction=direction or Direction(),
    )
    generator = GestureGenerator()
    generator.load("cpu")
    report = SilentReport()
    (clip,) = generator.generate(speech, [brief], report)
    assert not report.warnings
    return clip


def test_every_apex_lies_on_the_frame_nearest_to_its_vowels_energy_peak(speech: Speech, body: Body) -> None:
    assert speech.words is not None and speech.nuclei is not None
    for fps in (24.0, 25.0, 30.0, 60.0):
        clip = perform(speech, body, fps=fps)
        assert len(clip) == frame_count(speech.duration, fps)
        assert len(clip.timeline.strokes) >= 6
        for stroke in clip.timeline.strokes:
            frame = stroke.apex * fps
            assert abs(frame - round(frame)) < 1e-6
            assert abs(stroke.apex - speech.nuclei[stroke.word].time) <= 0.5 / fps + 1e-9


def test_hands_stop_at_the_apex(speech: Speech, body: Body) -> None:
    """Fast before, slow after: the stroke ends there and not elsewhere."""
    clip = perform(speech, body, fps=60.0)
    _, joints = body.joints(poses=clip.poses, trans=clip.trans)
    for stroke in clip.timeline.strokes:
        side = "left" if stroke.hand == "left" else "right"
        speed = np.linalg.norm(np.diff(joints[:, JOINT[f"{side}_wrist"]], axis=0), axis=1) * 60
        apex = round(stroke.apex * 60)
        assert speed[apex - 12 : apex].max() > 0.25
        assert speed[apex : apex + 3].max() < 0.3 * speed[apex - 12 : apex].max()


def test_strokes_run_forward_and_each_hand_does_one_at_a_time(speech: Speech, body: Body) -> None:
    strokes = perform(speech, body, rate=2.5).timeline.strokes
    for side in ("left", "right"):
        mine = [s for s in strokes if s.hand in (side, "both")]
        for first, second in itertools.pairwise(mine):
            assert first.apex < second.start


def test_same_seed_same_bytes_and_other_seeds_other_takes(speech: Speech, body: Body) -> None:
    first, again, other = perform(speech, body), perform(speech, body), perform(speech, body, seed=2)
    for name in ("poses", "trans", "blendshapes"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.timeline == again.timeline
    wrists = [JOINT["left_wrist"], JOINT["right_wrist"]]
    places = [body.joints(poses=c.poses, trans=c.trans)[1][:, wrists] for c in (first, other)]
    assert np.linalg.norm(places[0] - places[1], axis=-1).mean() > 0.04


def test_muted_and_reserved_words_get_no_stroke(speech: Speech, body: Body) -> None:
    struck = {stroke.word for stroke in perform(speech, body).timeline.strokes}
    some = frozenset(sorted(struck)[::2])
    muted = perform(speech, body, direction=Direction(muted=some))
    assert not some & {stroke.word for stroke in muted.timeline.strokes}
    reserved = perform(speech, body, direction=Direction(reserved=some))
    assert speech.words is not None
    for stroke in reserved.timeline.strokes:
        assert all(not speech.words[w].start - 0.2 < stroke.apex < speech.words[w].end + 0.2 for w in some)


def test_emphasis_brings_a_stroke_and_none_takes_it_away(speech: Speech, body: Body) -> None:
    quiet = next(i for i in range(3, 30) if i not in {s.word for s in perform(speech, body).timeline.strokes})
    strokes = perform(speech, body, direction=Direction(emphasis={quiet: 2.0})).timeline.strokes
    assert quiet in {stroke.word for stroke in strokes}
    word = strokes[0].word
    assert word not in {s.word for s in perform(speech, body, direction=Direction(emphasis={word: 0.0})).timeline.strokes}


def test_emphasis_and_energy_make_strokes_larger(speech: Speech, body: Body) -> None:
    def drop(clip: MotionClip, word: int) -> float:
        (stroke,) = (s for s in clip.timeline.strokes if s.word == word)
        _, joints = body.joints(poses=clip.poses, trans=clip.trans)
        side = "left" if stroke.hand == "left" else "right"
        apex = round(stroke.apex * 30)
        heights = joints[apex - 12 : apex + 1, JOINT[f"{side}_wrist"], 1]
        return float(heights.max() - heights[-1])

    alone = frozenset(range(40)) - {5}
    plain = {"gestures": {5: "beat"}, "muted": alone}
    usual = drop(perform(speech, body, direction=Direction(**plain)), 5)
    assert drop(perform(speech, body, direction=Direction(**plain, emphasis={5: 2.0})), 5) > 1.2 * usual
    assert drop(perform(speech, body, direction=Direction(**plain), energy=2.0), 5) > 1.15 * usual
    assert drop(perform(speech, body, direction=Direction(**plain), energy=0.0), 5) < 0.8 * usual


def test_the_artists_gesture_is_made_and_an_unknown_one_is_told(speech: Speech, body: Body) -> None:
    clip = perform(speech, body, direction=Direction(gestures={6: "big"}))
    assert {s.word: s.unit for s in clip.timeline.strokes}[6] == "big"
    generator, report = GestureGenerator(), SilentReport()
    brief = Brief(
        fps=30, seed=1, body=body, betas=np.zeros(10), parameters=PARAMETERS, direction=Direction(gestures={6: "bigg"})
    )
    generator.generate(speech, [brief], report)
    assert report.warnings == ['There is no gesture "bigg" for the word "timber"; it gets a beat.']


def test_a_gesture_without_room_is_told_and_a_late_one_is_held(speech: Speech, body: Body) -> None:
    assert speech.words is not None
    last = len(speech.words) - 1
    cut = dataclasses.replace(speech, duration=speech.words[last].end)
    clip = perform(cut, body, direction=Direction(gestures={last: "big"}))
    assert clip.timeline.strokes[-1].unit == "big" and clip.timeline.strokes[-1].word == last
    assert np.degrees(np.abs(np.diff(clip.poses[-20:, JOINT["left_elbow"]], axis=0))).max() < 20
    soon = dataclasses.replace(
        speech,
        words=(Word(text="Now", start=0.02, end=0.2), *speech.words),
        phones=(),
        nuclei=(Nucleus(time=0.1, prominence=9.0), *(speech.nuclei or ())),
    )
    generator, report = GestureGenerator(), SilentReport()
    direction = Direction(gestures={0: "big"})
    brief = Brief(fps=30, seed=1, body=body, betas=np.zeros(10), parameters=PARAMETERS, direction=direction)
    (clip,) = generator.generate(soon, [brief], report)
    assert 0 not in {stroke.word for stroke in clip.timeline.strokes}
    assert report.warnings == ["The stroke asked for at 0.10 s has no room between its neighbours."]


def test_meaning_chooses_the_gesture_but_not_for_unsure_words(body: Body) -> None:
    sure, doubtful = spoken(), spoken(unsure=frozenset(range(60)))
    assert sure.words is not None
    lexicon = read_lexicon()
    by_rhythm = {u.id for u in (*lexicon.beats, *lexicon.having("emphasis"), *lexicon.having("closing"))}
    found = set()
    for seed in range(6):
        found |= {(s.unit, sure.words[s.word].text) for s in perform(sure, body, seed=seed).timeline.strokes}
        units = {s.unit for s in perform(doubtful, body, seed=seed).timeline.strokes}
        assert units <= by_rhythm, "an unsure word chose by meaning"
    assert ("negate", "never") in found or ("negate", "nobody") in found
    assert ("sweep", "Every") in found or ("fall", "down") in found


def test_own_gestures_and_styles_come_from_files_whose_wrong_lines_are_told(
    speech: Speech, body: Body, tmp_path: Path
) -> None:
    gestures = tmp_path / "mine.toml"
    gestures.write_text(
        "format = 1\n\n[units.lift]\nwords = ['timber']\npriority = 9\n"
        "before = { at = [0.1, -0.6, 0.4], turn = 30, shape = 'flat' }\nstroke = { at = [0.1, -0.2, 0.5] }\n\n"
        "[units.broken]\nwords = ['harbour']\nbefore = { at = [0.1, -0.6], shape = 'flat' }\nstroke = { at = [0.1, -0.2, 0.5] }\n"
    )
    styles = tmp_path / "styles.toml"
    styles.write_text("format = 1\n\n[styles.busy]\nrate = 60\n\n[styles.wrong]\nrate = 'much'\n")
    parameters = PARAMETERS | {"lexicon": str(gestures), "style_file": str(styles), "style": "busy"}
    brief = Brief(fps=30.0, seed=1, body=body, betas=np.zeros(10, np.float32), parameters=parameters)
    report = SilentReport()
    clip, other = GestureGenerator().generate(speech, [brief, dataclasses.replace(brief, seed=2)], report)
    assert "lift" in {stroke.unit for stroke in (*clip.timeline.strokes, *other.timeline.strokes)}
    assert len(report.warnings) == 2, "each is told once, however many takes"
    assert "mine.toml, line 11" in report.warnings[0] and "list of 3 numbers" in report.warnings[0]
    assert "styles.toml, line 7" in report.warnings[1] and "should be a number" in report.warnings[1]
    assert len(clip.timeline.strokes) > len(perform(speech, body).timeline.strokes)


def test_every_phrase_has_a_stroke_and_the_last_stress_above_all(body: Body) -> None:
    """Even where the voice ends a third of a second after its last vowel, and where all words are small."""
    lines = (TEXT, "You have been with us, and then there it was, but the lanterns of every harbour burn!")
    for text, seed in itertools.product(lines, range(5)):
        whole = spoken(text)
        assert whole.words is not None
        speech = dataclasses.replace(whole, duration=whole.words[-1].end + 0.15)
        clip = perform(speech, body, seed=seed, rate=36.0)
        apexes = [stroke.apex for stroke in clip.timeline.strokes]
        phrases = find_phrases(speech, find_accents(speech))
        assert len(phrases) >= 3
        for phrase in phrases:
            if phrase.end - phrase.start > 0.8:
                assert any(phrase.start <= apex <= phrase.end for apex in apexes), (seed, phrase.start)
        last = clip.timeline.strokes[-1]
        assert last.word == len(speech.words or ()) - 1
        assert last.hold_end - last.apex > 0.1 and last.end <= clip.duration
        _, joints = body.joints(poses=clip.poses[-6:], trans=clip.trans[-6:])
        side = "left" if last.hand == "left" else "right"
        assert joints[-1, JOINT[f"{side}_wrist"], 1] > joints[-1, JOINT["pelvis"], 1], "the last gesture stays up"


def test_rate_and_handedness_hold_and_ranges_override_them(speech: Speech, body: Body) -> None:
    assert perform(speech, body, rate=0.0).timeline.strokes == ()
    counts = [len(perform(speech, body, rate=rate).timeline.strokes) for rate in (0.4, 1.2, 2.3)]
    assert counts[0] < counts[1] < counts[2]

    def share(hand: str, **parameters: Any) -> float:
        strokes = [s for seed in range(4) for s in perform(speech, body, seed=seed, **parameters).timeline.strokes]
        return sum(s.hand == hand for s in strokes) / len(strokes)

    assert share("right") > 0.4 > share("left")
    assert share("left", handedness="left") > 0.4 > share("right", handedness="left")
    half = speech.duration / 2
    calm: Mapping[str, Any] = {"rate": 0.0}
    directed = Direction(styles=(StyledRange(start=0.0, end=half, parameters=calm),))
    assert min(s.apex for s in perform(speech, body, direction=directed).timeline.strokes) > half


def test_blinks_brows_and_gaze_live(speech: Speech, body: Body) -> None:
    for fps in (24.0, 60.0):
        shapes = perform(speech, body, fps=fps).blendshapes
        lids = shapes[:, ARKIT_INDEX["eyeBlinkLeft"]]
        blinks = int(((lids[1:] >= 0.98) & (lids[:-1] < 0.98)).sum())
        assert 8 <= blinks / speech.duration * 60 <= 45
        tops = (lids[1:-1] > 0.8) & (lids[1:-1] >= lids[:-2]) & (lids[1:-1] >= lids[2:])
        assert lids[1:-1][tops].min() >= 0.98, "a blink shuts on a frame, if it is not a half one"
        assert shapes[:, ARKIT_INDEX["browInnerUp"]].max() > 0.2
        assert (lids >= 0.9).sum() / fps / blinks < 0.045, "shut for a moment only"
        assert ((lids > 0.2) & (lids < 0.9)).sum() >= 2 * blinks, "lids take their time to fall and to rise"
    still = perform(speech, body, blinks=0.0).blendshapes[:, ARKIT_INDEX["eyeBlinkLeft"]]
    assert still.max() < 0.5


def test_blinks_come_at_the_rate_asked_for(body: Body) -> None:
    speech = spoken(" ".join([TEXT] * 8))
    counts = []
    for rate in (5.0, 17.0, 40.0):
        lids = perform(speech, body, blinks=rate / 17).blendshapes[:, ARKIT_INDEX["eyeBlinkLeft"]]
        shut = int(((lids[1:-1] > 0.9) & (lids[1:-1] >= lids[:-2]) & (lids[1:-1] > lids[2:])).sum())
        counts.append(shut * 60 / speech.duration)
    np.testing.assert_allclose(counts, (5, 17, 40), rtol=0.35, atol=3)


def test_eye_joints_and_eye_shapes_say_the_same(speech: Speech, body: Body) -> None:
    clip = perform(speech, body)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        eye = clip.poses[:, JOINT[f"{side.lower()}_eye_smplhf"]].astype(float)
        rows = {way: clip.blendshapes[:, ARKIT_INDEX[f"eyeLook{way}{side}"]] for way in ("Up", "Down", "In", "Out")}
        full = {way: look_angles()[f"eyeLook{way}{side}"] for way in rows}
        across = sign * (full["Out"] * rows["Out"] - full["In"] * rows["In"])
        down = full["Down"] * rows["Down"] - full["Up"] * rows["Up"]
        assert np.abs(eye[:, 1] - across).max() < 1e-5
        assert np.abs(eye[:, 0] - down).max() < 1e-5
        assert np.degrees(np.abs(eye[:, 1])).max() > 4


def test_head_nods_with_the_words_and_keeps_still_when_told(speech: Speech, body: Body) -> None:
    sinks = []
    for seed in range(4):
        clip = perform(speech, body, seed=seed)
        nod = clip.poses[:, [JOINT["neck"], JOINT["head"]], 0].sum(axis=1)
        sinks += [nod[round(s.apex * 30)] - nod[round(s.apex * 30) - 6] for s in clip.timeline.strokes]
    assert np.degrees(np.mean(sinks)) > 1.0, "the head goes down on the words that are struck"
    clip = perform(speech, body, head=0.0, rate=0.0)
    calm = matrix_to_axis_angle(body.joints(poses=clip.poses, trans=clip.trans)[0][:, JOINT["head"]])
    assert np.degrees(np.ptp(calm, axis=0)).max() < 4, "what the trunk does it takes back"


@pytest.mark.parametrize("duration", [0.03, 0.1, 0.5, 1.0, 6.0])
def test_silence_and_snippets_make_calm_clips(body: Body, duration: float) -> None:
    frames = int(duration / HOP)
    silent = Speech(
        audio_sha256="",
        duration=duration,
        gain=0.0,
        energy=np.full(frames, -100, np.float32),
        nuclei=(),
        pitch=np.zeros(frames, np.float32),
        pauses=(Pause(start=0, end=duration),),
    )
    speaking = dataclasses.replace(silent, gain=1.0, nuclei=(Nucleus(time=duration / 2, prominence=6.0),), pauses=())
    for speech in (silent, speaking):
        clip = perform(speech, body)
        assert len(clip) == frame_count(duration, 30.0)
        assert clip.timeline.strokes == ()
        limbs = np.delete(clip.poses, [JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"]], axis=1)  # eyes jump
        assert np.degrees(np.abs(np.diff(limbs, axis=0))).max(initial=0) < 12


def test_rhythm_alone_serves_where_there_are_no_words(speech: Speech, body: Body) -> None:
    wordless = dataclasses.replace(speech, words=None, phones=None)
    strokes = perform(wordless, body).timeline.strokes
    assert len(strokes) >= 5
    assert speech.nuclei is not None
    times = np.array([nucleus.time for nucleus in speech.nuclei])
    assert all(np.abs(times - stroke.apex).min() <= 0.5 / 30 + 1e-9 and stroke.word == -1 for stroke in strokes)


def test_words_without_phones_still_get_beats(speech: Speech, body: Body) -> None:
    assert len(perform(dataclasses.replace(speech, phones=()), body).timeline.strokes) >= 5
