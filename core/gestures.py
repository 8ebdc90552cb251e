"""Which words call for which gesture: the entries of a gesture dictionary and the one matcher that serves them all.

The default generator's lexicon and the artist's key poses are both dictionaries of entries with words; one call
matches them together, so a word never fires twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from .timeline import Word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A gesture's id and the words that call for it."""

    id: str
    words: tuple[str, ...]  # each a word or several with spaces, in any case
    priority: int = 0  # the higher wins where two entries want the same words and are equally long


@dataclasses.dataclass(frozen=True, kw_only=True)
class Match:
    """An entry and the words it takes: ``first`` to ``last``, both included."""

    id: str
    first: int
    last: int


def match(words: Sequence[Word], entries: Sequence[Entry], *, excluded: Collection[int] = ()) -> list[Match]:
    """The matches in the order of the words; each word is taken at most once.

    The longest run of words wins, then the higher priority, then the earlier entry. Words that are unsure, or in
    ``excluded``, match nothing.
    """
    table: dict[tuple[str | None, ...], Entry] = {}
    for candidate in entries:
        for phrase in candidate.words:
            key = tuple(_plain(part) for part in phrase.split())
            if key and (key not in table or candidate.priority > table[key].priority):
                table[key] = candidate
    longest = max(map(len, table), default=0)
    tokens = [None if word.unsure or i in excluded else _plain(word.text) for i, word in enumerate(words)]
    found, position = [], 0
    while position < len(tokens):
        for length in range(min(longest, len(tokens) - position), 0, -1):
            entry = table.get(tuple(tokens[position : position + length]))
            if entry is not None:
                found.append(Match(id=entry.id, first=position, last=position + length - 1))
                position += length
                break
        else:
            position += 1
    return found


def _plain(text: str) -> str:
    """Lower case, straight apostrophes, nothing but letters, digits and apostrophes."""
    kept = "".join(c for c in text.lower().replace("\u2019", "'") if c.isalnum() or c == "'")
    return kept.strip("'")
