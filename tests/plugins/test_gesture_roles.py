"""What words do in their sentence, and where a line is cut into phrases."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from declaim.core.speech import HOP, Pause, Speech
from declaim.core.timeline import Word
from declaim.plugins.gesture.accents import find_accents
from declaim.plugins.gesture.phrases import Phrase, find_phrases
from declaim.plugins.gesture.roles import Part, find_roles


def said(text: str, *, marks: bool = True, pauses: bool = True) -> Speech:
    """Words of 0.3 s, 0.4 s of silence after . ? ! and 0.25 s after ; where ``pauses``."""
    words, gaps, time = [], [], 0.5
    for part in text.split():
        bare = part.rstrip(".,;!?")
        mark = part[len(bare) :]
        words.append(Word(text=bare, start=time, end=time + 0.3, break_after=mark if marks else ""))
        time += 0.3
        silence = 0.7 if mark in (".", "?", "!") and mark else 0.25 if mark == ";" else 0.0
        if silence and pauses:
            gaps.append(Pause(start=time, end=time + silence))
            time += silence
    grid = np.arange(int((time + 0.5) / HOP)) * HOP
    level = np.full(len(grid), -70.0)
    for word in words:
        level = np.maximum(level, -15 - 900 * (grid - (word.start + word.end) / 2) ** 2)
    return Speech(
        audio_sha256="x", duration=time + 0.5, energy=level.astype(np.float32), words=tuple(words), pauses=tuple(gaps)
    )


def phrases_of(speech: Speech) -> list[Phrase]:
    return find_phrases(speech, find_accents(speech))


def texts(speech: Speech, phrase: Phrase) -> str:
    assert speech.words
    return " ".join(speech.words[accent.word].text for accent in phrase.accents)


def roles(text: str, *, marks: bool = True) -> dict[str, Part]:
    speech = said(text, marks=marks)
    assert speech.words
    return {speech.words[word].text: part for word, part in find_roles(speech, phrases_of(speech)).items()}


def test_negations_and_persons() -> None:
    found = roles("You know I won't leave; nobody asked for gold.")
    assert found["won't"].role == found["nobody"].role == "negation"
    assert found["You"].role == "you" and found["I"].role == "self"
    assert "gold" not in found


def test_questions_by_mark_or_by_their_beginning() -> None:
    assert roles("Where did the captain sleep?")["sleep"].role == "question"
    assert not any(p.role == "question" for p in roles("Where the captain sleeps is dark.").values())
    assert roles("where did the captain sleep", marks=False)["sleep"].role == "question"
    assert not any(p.role == "question" for p in roles("where the captain sleeps", marks=False).values())


def test_a_list_has_its_items_in_order() -> None:
    found = roles("They carried apples, heavy timber, silver and wine.")
    places = {word: part.place for word, part in found.items() if part.role == "list"}
    assert places == {"apples": 0, "timber": 1, "silver": 2, "wine": 3}
    found = roles("You may take the money, the car, and the whole house, but my dog stays.")
    assert {word: part.place for word, part in found.items() if part.role == "list"}.keys() == {"money", "car", "house"}
    for plain in ("They waited, and went home.", "You would run, but I just stood there, and laughed.", "bread and butter"):
        assert not any(p.role == "list" for p in roles(plain).values()), plain


def test_a_contrast_has_two_sides() -> None:
    found = roles("The harbour was quiet, but the mountain was burning.")
    sides = {word: part.side for word, part in found.items() if part.role == "contrast"}
    assert sorted(sides.values()) == ["left", "right"]
    latter = next(word for word, side in sides.items() if side == "right")
    assert latter in ("mountain", "burning")


def test_a_comma_ends_a_phrase_only_between_long_parts() -> None:
    speech = said("The sailors carried heavy timber, down to the quiet harbour.")
    assert next(texts(speech, p) for p in phrases_of(speech)).endswith("timber")
    speech = said("They carried apples, wine, timber.")
    assert len(phrases_of(speech)) == 1


def test_utterances_open_and_close() -> None:
    speech = said("The quiet harbour slept; nobody saw it. Then morning came.")
    found = phrases_of(speech)
    assert [(p.opens, p.closes) for p in found] == [(True, False), (False, True), (True, True)]


def test_a_long_stretch_is_cut_where_the_pitch_starts_anew() -> None:
    speech = said("red " * 24, marks=False)
    assert speech.words
    falling = np.zeros(len(speech.energy))  # type: ignore[arg-type]
    for number, word in enumerate(speech.words):  # declination over ten words, then anew
        span = slice(int(word.start / HOP), int(word.end / HOP))
        falling[span] = 200 - 6 * (number if number < 10 else number - 10)
    found = phrases_of(dataclasses.replace(speech, pitch=falling.astype(np.float32)))
    assert [p.accents[0].word for p in found] == [0, 10]


@pytest.mark.parametrize("move", [-0.08, 0.06])
def test_moving_a_word_leaves_far_phrases_and_roles_as_they_are(move: float) -> None:
    text = "The sailors rowed home, and the harbour slept; nobody saw it. Was the lantern lit? They ate bread, cheese and wine."
    speech = said(text)
    assert speech.words
    changed = list(speech.words)
    changed[4] = dataclasses.replace(changed[4], start=changed[4].start + move, end=changed[4].end + move)
    moved = dataclasses.replace(speech, words=tuple(changed))
    before, after = phrases_of(speech), phrases_of(moved)
    assert before != after
    assert before[-2:] == after[-2:]
    assert find_roles(speech, before)[len(changed) - 1] == find_roles(moved, after)[len(changed) - 1]
