"""The matcher: by words and their forms, the longest run first, each word once, nothing on unsure or excluded words."""

from __future__ import annotations

import time

import pytest

from declaim.core.gestures import Entry, Match, match
from declaim.core.lemmas import lemmas, plain
from declaim.core.lexicon import read_lexicon
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


def ids(text: str, *entries: Entry, language: str = "en") -> list[str]:
    return [hit.id for hit in match(words(text), entries, language=language)]


def test_the_longest_run_takes_its_words() -> None:
    assert match(words("On the one hand, You"), ENTRIES) == [
        Match(id="one_hand", first=0, last=3),
        Match(id="you", first=4, last=4),
    ]


def test_priority_decides_between_equals() -> None:
    assert match(words("no"), ENTRIES) == match(words("no"), ENTRIES[::-1]) == [Match(id="no", first=0, last=0)]


def test_the_earlier_entry_wins_where_all_else_is_equal() -> None:
    assert ids("up", Entry(id="a", words=("up",)), Entry(id="b", words=("up",))) == ["a"]


def test_case_punctuation_and_curly_apostrophes_do_not_matter() -> None:
    assert [m.id for m in match(words('"YOUR" Don’t!'), ENTRIES)] == ["you", "no"]


def test_unsure_and_excluded_words_match_nothing() -> None:
    assert match(words("you no", 0), ENTRIES, excluded={1}) == []
    assert match(words("on the one hand", 1), ENTRIES) == [Match(id="hand", first=3, last=3)]
    assert match(words("on the one hand"), ENTRIES, excluded={0}) == [Match(id="hand", first=3, last=3)]


def test_a_base_form_stands_for_its_forms_and_another_form_for_itself() -> None:
    grow = Entry(id="grow", words=("grow", "hold on"))
    assert ids("grows grew grown growing grow", grow) == ["grow"] * 5
    assert ids("held on. Holding on", grow) == ["grow", "grow"]
    assert ids("growth ground grower", grow) == []
    assert ids("thing", Entry(id="things", words=("things",))) == []


def test_what_was_spoken_goes_before_what_it_is_a_form_of() -> None:
    leave, left = Entry(id="leave", words=("leave",)), Entry(id="left", words=("left",))
    assert ids("left leaves", leave, left) == ids("left leaves", left, leave) == ["left", "leave"]
    assert ids("left", leave) == ["leave"]


def test_priority_goes_before_the_form_and_order_comes_last() -> None:
    leave, left = Entry(id="leave", words=("leave",), priority=1), Entry(id="left", words=("left",))
    assert ids("left", leave, left) == ids("left", left, leave) == ["leave"]
    leaf, parts = Entry(id="leaf", words=("leaf",)), Entry(id="parts", words=("leave",))
    assert ids("leaves", leaf, parts) == ["leaf"] and ids("leaves", parts, leaf) == ["parts"]


def test_an_entry_without_id_takes_its_words_and_gives_nothing() -> None:
    right = Entry(id="right", words=("right",))
    quiet = Entry(id="", words=("all right",))
    found = match(words("All right. Turn right"), (right, quiet))
    assert found == [Match(id="right", first=3, last=3)]


def test_a_word_fires_once() -> None:
    found = match(words("no no on the one hand you your hand no"), ENTRIES)
    taken = [word for hit in found for word in range(hit.first, hit.last + 1)]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize(
    ("forms", "base"),
    [
        ("grows grew grown growing", "grow"),
        ("rises rose risen rising", "rise"),
        ("stops stopped stopping", "stop"),
        ("hopes hoped hoping", "hope"),
        ("tries tried trying", "try"),
        ("falls fell fallen falling", "fall"),
        ("goes went gone going", "go"),
        ("opens opened opening", "open"),
        ("controls controlled controlling", "control"),
        ("says said saying", "say"),
        ("lies lying lay", "lie"),
        ("leaves leaving left", "leave"),
        ("boxes", "box"),
        ("stories", "story"),
        ("women", "woman"),
        ("worlds world's", "world"),
        ("bigger biggest", "big"),
        ("higher highest", "high"),
        ("happier happiest", "happy"),
        ("wider widest", "wide"),
        ("better best", "good"),
        ("i'm i've i'll i'd", "i"),
        ("don't isn't cannot won't couldn't", "not"),
    ],
)
def test_english_forms_are_known(forms: str, base: str) -> None:
    assert all(base in lemmas(form) for form in forms.split())


def test_figures_are_read_as_numbers() -> None:
    assert lemmas("1") == ("1", "one") and lemmas("2nd") == ("2nd", "second")


@pytest.mark.parametrize(
    "word",
    "thing under during this bus his nothing evening bring king number offer water red bed".split(),  # noqa: SIM905
)
def test_words_that_only_look_like_forms_stand_for_themselves(word: str) -> None:
    assert lemmas(word) == (word,)


@pytest.mark.parametrize(
    ("word", "never"),
    [
        ("noted", "not"),
        ("used", "us"),
        ("needed", "ne"),
        ("hoping", "hop"),
        ("offering", "off"),
        ("united", "us"),
        ("other", "oth"),
    ],
)
def test_no_word_is_taken_for_another(word: str, never: str) -> None:
    assert never not in lemmas(word)


def test_other_languages_match_the_exact_word() -> None:
    salir = Entry(id="out", words=("sing", "Größe", "你好"))
    assert ids("sings singing", salir, language="es") == []
    assert ids("sings", salir, language="en-us") == ["out"]
    assert ids("GRÖSSE 你好", salir, language="de") == ["out", "out"]
    assert plain("cafe\u0301") == plain("café") and plain("हिन्दी") == "हिन्दी"


def test_a_book_is_matched_in_a_moment() -> None:
    text = "Now the people said they had never seen such a huge house growing on the one hand, and no more of it. " * 500
    line = words(text)[:10000]
    entries = read_lexicon().entries
    start = time.perf_counter()
    assert len(match(line, entries)) > 1000
    assert time.perf_counter() - start < 1.0  # 0.1 s where it was written
