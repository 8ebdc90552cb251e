"""Timelines: order, cutting, joining, reading back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from declaim.core.errors import ClipError
from declaim.core.timeline import KeyPose, Phone, Stroke, Timeline, Viseme, Word


@pytest.fixture
def line() -> Timeline:
    """Three words in two seconds, with something of each kind."""
    return Timeline(
        words=(
            Word(text="please", start=0.1, end=0.5, confidence=0.9, break_after=","),
            Word(text="stop", start=0.6, end=1.0, unsure=True),
            Word(text="here", start=1.2, end=1.9),
        ),
        phones=(
            Phone(symbol="P", start=0.1, end=0.2, word=0),
            Phone(symbol="IY", start=0.2, end=0.5, stress=1, word=0),
            Phone(symbol="SIL", start=0.5, end=0.6),
            Phone(symbol="AA", start=0.6, end=1.0, stress=1, word=1),
            Phone(symbol="IH", start=1.2, end=1.9, stress=1, word=2),
        ),
        visemes=(Viseme(name="PP", start=0.05, peak=0.1, end=0.2), Viseme(name="aa", start=0.6, peak=0.8, end=1.0)),
        strokes=(Stroke(hand="left", start=0.3, apex=0.7, hold_end=0.9, end=1.5, unit="palm_up", word=1),),
        key_poses=(KeyPose(name="point", start=1.0, apex=1.3, hold_end=1.6, end=1.8, word=2),),
    )


def test_reads_back_what_it_wrote(line: Timeline) -> None:
    assert Timeline.from_dict(json.loads(json.dumps(line.to_dict()))) == line
    assert Timeline.from_dict({}) == Timeline()


def test_unknown_fields_are_passed_over_and_defaults_filled_in() -> None:
    found = Timeline.from_dict({"words": [{"text": "hi", "start": 0, "end": 1, "mood": "calm"}], "smells": []})
    assert found.words == (Word(text="hi", start=0.0, end=1.0, confidence=1.0),)
    assert isinstance(found.words[0].start, float)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"words": [{"text": "hi", "start": 0}]}, "end"),
        ({"words": [{"text": "hi", "start": "0", "end": 1}]}, "start should be a number"),
        ({"words": [{"text": "hi", "start": True, "end": 1}]}, "start should be a number"),
        ({"words": [{"text": 3, "start": 0, "end": 1}]}, "text should be a text"),
        ({"words": ["hi"]}, "should be an object"),
        ({"phones": [{"symbol": "P", "start": 0, "end": 1, "word": 0.5}]}, "word should be a whole number"),
        ({"strokes": [{"hand": "third", "start": 0, "apex": 1, "hold_end": 1, "end": 2, "unit": "x"}]}, "hand is 'third'"),
    ],
)
def test_damaged_rows(rows: dict[str, Any], says: str) -> None:
    with pytest.raises(ClipError, match=says) as caught:
        Timeline.from_dict(rows)
    assert caught.value.hint


def test_between_cuts_and_renumbers(line: Timeline) -> None:
    cut = line.between(0.55, 1.25)
    assert [word.text for word in cut.words] == ["stop", "here"]
    assert (cut.words[0].start, cut.words[1].end) == (0.6, 1.25)
    assert [(phone.symbol, phone.word) for phone in cut.phones] == [("SIL", -1), ("AA", 0), ("IH", 1)]
    assert cut.strokes[0].word == 0 and cut.key_poses[0].word == 1
    assert (cut.strokes[0].start, cut.strokes[0].apex, cut.strokes[0].end) == (0.55, 0.7, 1.25)
    assert [viseme.name for viseme in cut.visemes] == ["aa"]
    assert cut.problems() == []


def test_a_stroke_whose_word_is_cut_off_keeps_no_index(line: Timeline) -> None:
    cut = line.between(1.1, 2.0)
    assert cut.strokes[0].word == -1 and [word.text for word in cut.words] == ["here"]


def test_joined_shifts_word_numbers(line: Timeline) -> None:
    both = line.joined(line.map_times(lambda time: time + 2))
    assert len(both.words) == 6 and both.words[3].start == pytest.approx(2.1)
    assert [phone.word for phone in both.phones] == [0, 0, -1, 1, 2, 3, 3, -1, 4, 5]
    assert [pose.word for pose in both.key_poses] == [2, 5]
    assert both.problems() == []


def test_mirrored_swaps_hands(line: Timeline) -> None:
    assert line.mirrored().strokes[0].hand == "right"
    assert line.mirrored().mirrored() == line


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"start": float("nan")}, "not a number"),
        ({"end": float("inf")}, "not a number"),
        ({"end": 0.0}, "run backwards"),
        ({"start": 0.0, "end": 0.05}, "not sorted"),
    ],
)
def test_problems(line: Timeline, changes: dict[str, float], says: str) -> None:
    words = (line.words[0], dataclasses.replace(line.words[1], **changes), line.words[2])  # type: ignore[arg-type]
    (problem,) = dataclasses.replace(line, words=words).problems()
    assert says in problem and "words" in problem
    assert line.problems() == []
