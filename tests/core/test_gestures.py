"""The matcher: longest run first, each word once, nothing on unsure or excluded words."""

from __future__ import annotations

from declaim.core.gestures import Entry, Match, match
from declaim.core.timeline import Word

ENTRIES = (
    Entry(id="you", words=("you", "your")),
    Entry(id="hand", words=("hand",)),
    Entry(id="one_hand", words=("on the one hand",)),
    Entry(id="no", words=("don't", "no"), priority=1),
    Entry(id="plain_no", words=("no",)),
)


def words(text: str, *unsure: int) -> list[Word]:
    return [Word(text=t, start=i, end=i + 0.5, unsure=i in unsure) for i, t in enumerate(text.split())]


def test_the_longest_run_takes_its_words() -> None:
    assert match(words("On the one hand, You"), ENTRIES) == [
        Match(id="one_hand", first=0, last=3),
        Match(id="you", first=4, last=4),
    ]


def test_priority_decides_between_equals() -> None:
    assert match(words("no"), ENTRIES) == match(words("no"), ENTRIES[::-1]) == [Match(id="no", first=0, last=0)]


def test_case_punctuation_and_curly_apostrophes_do_not_matter() -> None:
    assert [m.id for m in match(words('"YOUR" Don’t!'), ENTRIES)] == ["you", "no"]


def test_unsure_and_excluded_words_match_nothing() -> None:
    assert match(words("you no", 0), ENTRIES, excluded={1}) == []
    assert match(words("on the one hand", 1), ENTRIES) == [Match(id="hand", first=3, last=3)]
    assert match(words("on the one hand"), ENTRIES, excluded={0}) == [Match(id="hand", first=3, last=3)]
