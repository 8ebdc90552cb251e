"""What words do in their sentence: negate, ask, contrast, list, speak of me or of you. English; other languages by marks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

from ...core.lexicon import Role
from ...core.speech import Speech
from ...core.timeline import Word
from .accents import Accent
from .phrases import Phrase

Side = Literal["left", "right"]
_NEGATIONS = frozenset("no not never none nothing nobody nowhere neither nor cannot without hardly barely".split())  # noqa: SIM905
_SELF = frozenset("i me my mine myself we us our ours ourselves".split())  # noqa: SIM905
_YOU = frozenset("you your yours yourself yourselves".split())  # noqa: SIM905
_TURNS = frozenset("but however although though yet instead rather whereas unlike versus otherwise".split())  # noqa: SIM905
_ASKING = frozenset("who whom whose what which when where why how".split())  # noqa: SIM905
_ASKED = frozenset(  # verbs that stand before their subject in a question
    "is are was were am do does did have has had can could will would shall should may might must".split()  # noqa: SIM905
)
_SUBJECTS = frozenset("i you he she it we they this that these those there the a an your my his her our their".split())  # noqa: SIM905
_JOINS = frozenset(("and", "or"))
_LONGEST_ITEM = 5  # words
_CLAUSES = frozenset("i you he she we they it who which but because if when while that".split())  # noqa: SIM905
_FORMER = 4.0  # s before the turn within which the other side of a contrast is looked for


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """The role that a word plays, and where in space it belongs."""

    role: Role
    side: Side | None = None  # of a contrast: the former on the left, the latter on the right
    place: int = 0  # in a list, from 0


def find_roles(speech: Speech, phrases: Sequence[Phrase]) -> dict[int, Part]:
    """Word -> its part, for the words that have one. Words that are unsure mean nothing; empty where none are known."""
    words = speech.words or ()
    if not words:
        return {}
    texts = ["" if word.unsure else _plain(word.text) for word in words]
    marked = any(word.break_after for word in words)
    found: dict[int, Part] = {}
    for text, number in zip(texts, range(len(texts))):
        if text in _SELF:
            found[number] = Part(role="self")
        elif text in _YOU:
            found[number] = Part(role="you")
    for phrase in phrases:
        if _asks(phrase, phrases, texts, marked=marked):
            found[_nucleus(phrase.accents).word] = Part(role="question")
    for phrase, before in zip(phrases, [None, *phrases]):
        found |= _contrast(phrase, before, texts)
    for items in _lists(speech, phrases, texts):
        for place, item in enumerate(items):
            found[item] = Part(role="list", place=place)
    for number, text in enumerate(texts):
        if text in _NEGATIONS or text.endswith("n't"):
            found[number] = Part(role="negation")
    return found


def _asks(phrase: Phrase, phrases: Sequence[Phrase], texts: Sequence[str], *, marked: bool) -> bool:
    """A question by its mark; where the words came without any marks, by how its utterance begins."""
    if phrase.mark or marked:
        return phrase.mark == "?"
    if not phrase.closes:
        return False
    opening = next((p for p in reversed(phrases[: phrases.index(phrase) + 1]) if p.opens), phrase)
    first = opening.accents[0].word
    if texts[first] in _ASKED:
        return first + 1 < len(texts) and texts[first + 1] in _SUBJECTS
    return texts[first] in _ASKING and first + 1 < len(texts) and texts[first + 1] in _ASKED


def _contrast(phrase: Phrase, before: Phrase | None, texts: Sequence[str]) -> dict[int, Part]:
    """ "... A, but B": A on the left, B on the right."""
    for accent in phrase.accents:
        if texts[accent.word] not in _TURNS:
            continue
        latter = [a for a in phrase.accents if a.word > accent.word]
        former = [a for a in phrase.accents if a.word < accent.word]
        if len(former) < 2 and before is not None and not before.closes and phrase.start - before.end < _FORMER:
            former = list(before.accents)
        if not latter:
            return {}
        parts = {_nucleus(latter).word: Part(role="contrast", side="right")}
        if former:
            parts[_nucleus(former).word] = Part(role="contrast", side="left")
        return parts
    return {}


def _lists(speech: Speech, phrases: Sequence[Phrase], texts: Sequence[str]) -> Iterator[list[int]]:
    """Each list of three items or more ("a, b and c", "a, b, and c"): the stressed word of every item."""
    strength = {accent.word: accent.strength + accent.content for phrase in phrases for accent in phrase.accents}
    for join, text in enumerate(texts):
        if text not in _JOINS:
            continue
        items = _items(speech.words or (), join)
        alike = all(0 < len(item) <= _LONGEST_ITEM and not _CLAUSES & {texts[n] for n in item} for item in items)
        if len(items) >= 3 and alike:
            yield [max(item, key=lambda n: (strength.get(n, 0.0), n)) for item in items]


def _items(words: Sequence[Word], join: int) -> list[range]:
    """What the words before and after the "and" at ``join`` enumerate, as far as commas tell."""
    last = next((n for n in range(join + 1, len(words)) if words[n].break_after), len(words) - 1)
    items = [range(join + 1, min(last, join + 3) + 1)]
    end = join - 1
    while end >= 0:
        before = next((n for n in range(end - 1, -1, -1) if words[n].break_after), -1)
        if before < 0 or words[before].break_after != ",":  # the first item: its own words begin anywhere
            return [range(max(before + 1, end - 1), end + 1), *items]
        items.insert(0, range(before + 1, end + 1))
        if len(items[0]) > _LONGEST_ITEM:
            return [range(max(before + 1, end - 1), end + 1), *items[1:]]
        end = before
    return items


def _nucleus(accents: Sequence[Accent]) -> Accent:
    """The accent that a listener hears as the phrase's: the last of the strong ones."""
    strongest = max(accent.strength for accent in accents)
    return [accent for accent in accents if accent.strength >= 0.8 * strongest][-1]


def _plain(text: str) -> str:
    return text.lower().replace("\u2019", "'").strip("'\".,;:!?")
