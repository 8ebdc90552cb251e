"""The plan of a line: hands that have time for what they do, and a word's move that reaches no farther than it must."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.lexicon import Lexicon, read_lexicon
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT, JOINT_COUNT
from declaim.core.speech import HOP, Nucleus, Pause, Speech
from declaim.core.timeline import Phone, Word
from declaim.inference import metrics
from declaim.inference.stroke_targets import stroke_targets
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Direction
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.echoes import Echoes
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.phrases import find_phrases
from declaim.plugins.gesture.planning import PlannedStroke, sketch_strokes
from declaim.plugins.gesture.steadying import chest_course, steadied
from declaim.plugins.gesture.style import read_styles, style_sheet
from declaim.plugins.gesture.timing import timed
from declaim.plugins.parameters import complete

TEXT = (
    "The harbour never slept, and every morning the sailors carried heavy timber down to the quiet boats; nobody asked why. "
    "Was the lantern lit? They brought apples, silver, bread and wine, but you and I stood above the narrow doorway. "
    "Look at that enormous mountain over there, burning slowly in the dark! Tomorrow we gather again and bring our stories."
)


def voiced(text: str = TEXT, seed: int = 0) -> Speech:
    """Words of uneven length and loudness, pauses at the marks."""
    random = np.random.default_rng(seed)
    words: list[Word] = []
    phones: list[Phone] = []
    pauses = []
    time = 0.7
    for i, part in enumerate(text.split()):
        bare = part.rstrip(".,;!?")
        mark = part[len(bare) :]
        end = time + 0.09 + 0.055 * len(bare) + random.uniform(0, 0.05)
        words.append(Word(text=bare, start=time, end=end, break_after=mark))
        third = (end - time) / 3
        phones.append(Phone(symbol="T", start=time, end=time + third, word=i))
        phones.append(Phone(symbol="AE", start=time + third, end=time + 2 * third, stress=1, word=i))
        phones.append(Phone(symbol="N", start=time + 2 * third, end=end, word=i))
        time = end
        silence = {".": 0.7, "?": 0.7, "!": 0.7, ";": 0.3, ",": 0.1}.get(mark, 0.0)
        if silence >= 0.2:
            pauses.append(Pause(start=time, end=time + silence))
        time += silence
    duration = time + 0.9
    grid = np.arange(int(duration / HOP)) * HOP
    level = np.full(len(grid), -70.0)
    for word in words:
        level = np.maximum(level, random.uniform(-22, -12) - 900 * (grid - (word.start + word.end) / 2) ** 2)
    nuclei = tuple(Nucleus(time=round((w.start + w.end) / 2 / HOP) * HOP, prominence=8.0) for w in words)
    return Speech(
        audio_sha256="x",
        duration=duration,
        energy=level.astype(np.float32),
        nuclei=nuclei,
        pitch=np.where(level > -40, 180 + 30 * np.sin(grid), 0).astype(np.float32),
        pauses=(Pause(start=0.0, end=0.7), *pauses, Pause(start=time, end=duration)),
        words=tuple(words),
        phones=tuple(phones),
    )


def moved(speech: Speech, word: int, by: float) -> Speech:
    """The speech with one word and its phones elsewhere in time."""

    def shift(item: Any) -> Any:
        return dataclasses.replace(item, start=item.start + by, end=item.end + by)

    assert speech.words and speech.phones
    words, phones = list(speech.words), [shift(p) if p.word == word else p for p in speech.phones]
    words[word] = shift(words[word])
    return dataclasses.replace(speech, words=tuple(words), phones=tuple(phones))


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return read_lexicon()


def plan(speech: Speech, lexicon: Lexicon, *, seed: int = 0, fps: float = 30.0, **parameters: Any) -> list[PlannedStroke]:
    phrases = find_phrases(speech, find_accents(speech))
    frames = int(speech.duration * fps)
    told: list[str] = []
    sketches = sketch_strokes(
        speech,
        phrases,
        lexicon=lexicon,
        direction=Direction(),
        styles=style_sheet(parameters, ()),
        seed=seed,
        latest_apex=(frames - 1) / fps - 0.12,
        warn=told.append,
    )
    nuclei = np.array([nucleus.time for nucleus in speech.nuclei or ()])
    strokes = timed(sketches, nuclei=nuclei, fps=fps, frames=frames, warn=told.append)
    assert not told
    return strokes


@pytest.mark.parametrize("style", ["neutral", "shy", "energetic", "angry"])
def test_each_hand_has_time_for_what_it_does(lexicon: Lexicon, style: str) -> None:
    for seed in range(6):
        strokes = plan(voiced(), lexicon, seed=seed, style=style)
        assert len(strokes) > 5
        for side in ("left", "right"):
            own = [stroke for stroke in strokes if side in stroke.sides]
            for stroke in own:
                release = stroke.releases[side]
                assert stroke.start < stroke.apex <= stroke.last <= release.hold_end <= release.end
                assert 0 <= stroke.prepare < stroke.ready < stroke.apex
                assert stroke.apex - stroke.start >= 0.12
            for before, after in itertools.pairwise(own):
                assert before.releases[side].end <= after.prepare + 1e-9
                assert before.last < after.prepare


def test_strokes_that_follow_closely_leave_the_hand_up(lexicon: Lexicon) -> None:
    close = 0
    for seed in range(12):
        strokes = plan(voiced(), lexicon, seed=seed)
        for side in ("left", "right"):
            own = [stroke for stroke in strokes if side in stroke.sides]
            for before, after in itertools.pairwise(own):
                if after.apex - before.last < 0.9:
                    close += 1
                    assert before.releases[side].to != "rest"
    assert close > 5


def test_every_style_keeps_to_its_rate(lexicon: Lexicon) -> None:
    def rate(style: str) -> float:
        return (
            float(np.mean([len(plan(voiced(), lexicon, seed=s, style=style)) for s in range(6)])) / voiced().duration * 60
        )

    assert 10 < rate("shy") < rate("neutral") < rate("energetic") < 40


def test_a_style_chooses_its_favourites(lexicon: Lexicon) -> None:
    speech = voiced("Sailors carried timber into boats, lanterns burned in a harbour; a captain slept on a wooden bench.")

    def share(style: str, names: tuple[str, ...]) -> float:
        strokes = [s for seed in range(12) for s in plan(speech, lexicon, seed=seed, style=style, rate=2.5)]
        free = [s.unit.id for s in strokes if s.unit.beat or "emphasis" in s.unit.roles]
        return sum(name in names for name in free) / len(free)

    for style, times in (("angry", 1.5), ("happy", 1.05)):  # the neutral style opens its hands often, too
        names = read_styles()[style].favours
        assert share(style, names) > times * share("neutral", names), style


def test_hands_that_wait_keep_time(lexicon: Lexicon) -> None:
    speech = voiced()
    strokes = plan(speech, lexicon)
    accents = find_accents(speech)
    times = np.arange(int(speech.duration * 60)) / 60
    up = np.full(len(times), -0.5)
    for side in ("left", "right"):
        echoes = Echoes(accents, strokes, side, style_sheet({}, ()), 0)
        upward, bent = echoes.at(times, up)
        assert np.abs(upward).max() > 0.02 and np.abs(bent).max() > 0.04
        for stroke in strokes:
            if side in stroke.sides:
                assert np.abs(upward[(times > stroke.apex - 0.1) & (times < stroke.last)]).max(initial=0.0) < 1e-3
        lowest = times[1:-1][(upward[1:-1] < upward[:-2]) & (upward[1:-1] <= upward[2:]) & (upward[1:-1] < -0.02)]
        assert len(lowest) and all(min(abs(a.time - t) for a in accents) < 0.03 for t in lowest)
        assert not np.any(echoes.at(times, up - 0.46)[0]), "a hanging hand does not beat"


def test_a_list_steps_outward_and_a_contrast_changes_hands(lexicon: Lexicon) -> None:
    listing = voiced("Sailors carried apples, silver, lanterns and timber.")
    opposing = voiced("The harbour was silver in the morning, but the doorway was golden at noon.")
    steps = 0
    hands = set()
    for seed in range(12):
        listed = [s for s in plan(listing, lexicon, seed=seed, rate=2.5) if s.part and s.part.role == "list"]
        for before, after in itertools.pairwise(listed):
            assert before.part and after.part and before.part.place < after.part.place
            if before.unit is after.unit and before.hand == after.hand:
                steps += 1
                side = after.sides[0]
                assert after.after[side].wrist[0] > before.after[side].wrist[0] - 0.05
        for stroke in plan(opposing, lexicon, seed=seed, rate=2.5):
            if stroke.part and stroke.part.side and stroke.unit.hands in ("any", "one"):
                hands.add(stroke.hand)
                assert stroke.hand == stroke.part.side
    assert steps and hands == {"left", "right"}


@pytest.mark.parametrize("word", [3, 12, 24, 33, 47])
@pytest.mark.parametrize("by", [-0.08, 0.11])
def test_moving_a_word_changes_nothing_beyond_its_phrase_and_two_seconds(lexicon: Lexicon, word: int, by: float) -> None:
    speech = voiced()
    other = moved(speech, word, by)
    phrases = find_phrases(speech, find_accents(speech))
    phrase = next(p for p in phrases if any(a.word == word for a in p.accents))
    first, last = phrase.start - 2.0 - abs(by), phrase.end + 2.0 + abs(by)
    for seed in range(4):
        assert _far(plan(speech, lexicon, seed=seed), first, last) == _far(plan(other, lexicon, seed=seed), first, last)


def _far(strokes: list[PlannedStroke], first: float, last: float) -> list[tuple[Any, ...]]:
    """All that happens before ``first`` and after ``last``: the moves of each hand, each as what and when."""
    events: list[tuple[Any, ...]] = []
    for stroke in strokes:
        for side in stroke.sides:
            release = stroke.releases[side]
            target = tuple(stroke.after[side].wrist)
            events.append((stroke.prepare, stroke.apex, "strike", side, stroke.unit.id, target))
            if release.to != "next":
                events.append((release.hold_end, release.end, release.to, side, stroke.unit.id))
    return sorted(e for e in events if e[1] < first or e[0] > last)


@pytest.mark.parametrize("word", [4, 24, 40])
@pytest.mark.parametrize("style", ["neutral", "energetic"])
def test_every_frame_beyond_stays_bit_for_bit(word: int, style: str) -> None:
    speech = voiced()
    other = moved(speech, word, 0.09)
    phrases = find_phrases(speech, find_accents(speech))
    phrase = next(p for p in phrases if any(a.word == word for a in p.accents))
    manifest = registry.find("generator", "gesture")
    generator = GestureGenerator()
    generator.load("cpu")
    body = builtin_body()
    for seed in range(3):
        brief = Brief(
            fps=30.0,
            seed=seed,
            body=body,
            betas=np.zeros(10, np.float32),
            parameters=complete("gesture", manifest.parameters, {"style": style}),
        )
        (one,), (two,) = (generator.generate(s, [brief], SilentReport()) for s in (speech, other))
        times = np.arange(len(one)) / 30.0
        beyond = (times < phrase.start - 2.0) | (times > phrase.end + 2.0)
        for name in ("poses", "trans", "blendshapes", "contacts"):
            a, b = getattr(one, name), getattr(two, name)
            changed = times[(a != b).reshape(len(a), -1).any(axis=1)]
            assert not len(changed[np.isin(changed, times[beyond])]), (name, seed, phrase.start, phrase.end, changed)
        assert not np.array_equal(one.poses, two.poses)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_every_stroke_stops_within_a_frame_of_its_target(fps: float) -> None:
    body, speech = builtin_body(), voiced()
    restless = {"sway": 2.0, "steps": 2.0}
    parameters = complete("gesture", registry.find("generator", "gesture").parameters, restless)
    off = []
    for seed in range(3):
        brief = Brief(fps=fps, seed=seed, body=body, betas=np.zeros(10, np.float32), parameters=parameters)
        (clip,) = GestureGenerator().generate(speech, [brief], SilentReport())
        assert speech.words and speech.phones
        clip = clip.replace(timeline=dataclasses.replace(clip.timeline, words=speech.words, phones=speech.phones))
        moving = [t for t in stroke_targets(clip, metrics.trace(clip, body), speech) if t.moves]
        off += [t.off * fps if t.off is not None else np.inf for t in moving]
    assert len(off) > 20
    assert np.abs(off).max() <= 1 + 1e-6, sorted(off)


def test_a_hand_stays_where_it_stops_while_the_chest_moves_on(lexicon: Lexicon) -> None:
    strokes = [s for s in plan(voiced(), lexicon) if "right" in s.sides]
    frames, fps = 900, 60.0
    times = np.arange(frames) / fps
    poses = np.zeros((frames, JOINT_COUNT, 3))
    poses[:, 0, 1] = 0.3 * times / times[-1]  # the pelvis turns
    trans = np.stack([0.15 * np.sin(2 * times), 0 * times, 0 * times], axis=1)
    rest = np.asarray(builtin_body().rest_joints(), dtype=np.float64)
    course = chest_course(poses, trans, rest, fps)
    goal = np.tile([0.3, -0.2, 0.3], (frames, 1))

    def moving(span: slice) -> np.ndarray:
        head = (np.tile(np.eye(3), (len(times[span]), 1, 1)), np.zeros((len(times[span]), 3)))
        return steadied(
            goal[span], times[span], np.arange(frames)[span], course, strokes, "right", head, rest[JOINT["spine3"]]
        )

    whole = moving(slice(0, frames))
    moved = whole * np.array([-1.0, 1.0, 1.0])
    world = (course.rotations @ moved[..., None])[..., 0] + course.places
    for stroke in strokes:
        apex = round(stroke.apex * fps)
        if apex + 4 < frames:
            assert np.linalg.norm(world[apex - 2 : apex + 4] - world[apex], axis=1).max() < 1e-3
    # In blocks it is the same.
    np.testing.assert_array_equal(np.concatenate([moving(slice(0, 450)), moving(slice(450, 900))]), whole)
