"""Which words call for which gesture: the entries of a gesture dictionary and the one matcher that serves them all.

The default generator's lexicon and the artist's key poses are both dictionaries of entries with words; one call
matches them together, so a word never fires twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

from .lemmas import lemmas, plain
from .timeline import Word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A gesture's id and the words that call for it."""

    id: str  # empty: its words are taken and call for nothing
    words: tuple[str, ...]  # each a word or several with spaces, in any case; a base form stands for all of its forms
    priority: int = 0  # the higher wins where two entries want the same words and are equally long


@dataclasses.dataclass(frozen=True, kw_only=True)
class Match:
    """An entry and the words it takes: ``first`` to ``last``, both included."""

    id: str
    first: int
    last: int


@dataclasses.dataclass
class _Node:
    """What can follow the words so far, and the entry that they make up."""

    next: dict[str, _Node] = dataclasses.field(default_factory=dict)
    entry: Entry | None = None


def match(
    words: Sequence[Word], entries: Sequence[Entry], *, excluded: Collection[int] = (), language: str = "en"
) -> list[Match]:
    """The matches in the order of the words; each word is taken at most once.

    The longest run of words wins, then the higher priority, then the run that an entry has as it was spoken over one it
    has as another form ("left" is not "leave" where both are there), then the earlier entry. Words that are unsure, or
    in ``excluded``, match nothing. Forms are known in English only (core.lemmas).
    """
    start = _tree(entries)
    tokens = [() if word.unsure or i in excluded else lemmas(plain(word.text), language) for i, word in enumerate(words)]
    rank = {entry: number for number, entry in reversed(list(enumerate(entries)))}
    found, position = [], 0
    while position < len(tokens):
        runs = [
            (length, entry.priority, -changed, -rank[entry], entry)
            for length, changed, entry in _runs(start, tokens, position)
        ]
        if not runs:
            position += 1
            continue
        length, *_, entry = max(runs, key=lambda run: run[:4])
        if entry.id:
            found.append(Match(id=entry.id, first=position, last=position + length - 1))
        position += length
    return found


def words_of(phrase: str) -> tuple[str, ...]:
    """The words of an entry's phrase as the matcher compares them; none if there is nothing to compare."""
    return tuple(filter(None, map(plain, phrase.split())))


def _tree(entries: Sequence[Entry]) -> _Node:
    start = _Node()
    for entry in entries:
        for phrase in entry.words:
            node = start
            for word in words_of(phrase):
                node = node.next.setdefault(word, _Node())
            if node is not start and (node.entry is None or entry.priority > node.entry.priority):
                node.entry = entry
    return start


def _runs(start: _Node, tokens: Sequence[tuple[str, ...]], position: int) -> Iterator[tuple[int, int, Entry]]:
    """Every run of words from ``position`` that an entry has: its length, how many words are in another form, the entry."""
    ends = [(start, 0)]
    for length, forms in enumerate(tokens[position:], start=1):
        ends = [
            (node.next[form], changed + (number > 0))
            for node, changed in ends
            for number, form in enumerate(forms)
            if form in node.next
        ]
        if not ends:
            return
        for node, changed in ends:
            if node.entry is not None:
                yield length, changed, node.entry
