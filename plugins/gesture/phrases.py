"""A line cut into utterances and phrases: at pauses, at the script's punctuation, and where the melody starts anew."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from ...core.speech import Pause, Speech
from .accents import Accent

_HARD_MARKS = frozenset([*";:.?!—–-"])
_ENDS = frozenset([*".?!"])
_PAUSE = 0.2  # s of silence that ends a phrase
_LONG_PAUSE = 0.6  # s of silence that ends an utterance
_SHORTEST = 0.8  # s; a comma ends a phrase where the parts on both its sides are longer
_LONGEST = 5.0  # s; a longer stretch is cut where the melody starts anew
_PIECE = 1.2  # s, the least that such a cut leaves on either side


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phrase:
    """A stretch of speech that one idea fills.

    ``key`` names it for random draws: the number of its first word, or its first syllable's time where there are no words,
    so that a change elsewhere in the line does not touch its draws.
    """

    key: int
    start: float  # s
    end: float  # s
    accents: tuple[Accent, ...]
    mark: str  # the punctuation at its end; "" where a pause ends it
    pause: float  # s of silence after it
    opens: bool  # an utterance begins with it
    closes: bool  # ... ends with it


def find_phrases(speech: Speech, accents: Sequence[Accent]) -> list[Phrase]:
    """The line's phrases in order; none where nothing is said.

    Every cut depends on what is near it alone, so that moving one word leaves the phrases farther off as they are.
    """
    if not accents:
        return []
    pauses = [_pause_between(speech.pauses or (), a.time, b.time) for a, b in itertools.pairwise(accents)]
    marks = [_mark_between(speech, a.word, b.word) for a, b in itertools.pairwise(accents)]
    hard = [n for n in range(len(marks)) if pauses[n] >= _PAUSE or marks[n] in _HARD_MARKS]
    cuts: list[int] = []
    for first, last in _between(hard, len(accents)):
        commas = [n for n in range(first, last) if marks[n] == ","]
        parts = _between(commas, last + 1, first)
        lengths = [_length(speech, accents[a : b + 1]) for a, b in parts]
        soft = [n for n, before, after in zip(commas, lengths, lengths[1:]) if min(before, after) >= _SHORTEST]
        for a, b in _between(soft, last + 1, first):
            cuts += _split(speech, accents, a, b)
        cuts += [*soft, last]
    groups = _between(sorted(cuts)[:-1], len(accents))
    return _phrases(speech, accents, groups, marks, pauses)


def _between(cuts: Sequence[int], end: int, start: int = 0) -> list[tuple[int, int]]:
    """First and last of the runs of ``start`` .. ``end`` - 1 that the cuts, each after an item, leave."""
    firsts = [start, *(cut + 1 for cut in cuts)]
    return list(zip(firsts, [*cuts, end - 1]))


def _split(speech: Speech, accents: Sequence[Accent], first: int, last: int) -> list[int]:
    """Where to cut a stretch that is too long: at a gap between words or where the falling pitch is reset (declination)."""
    start, end = _bounds(speech, accents[first : last + 1])
    if end - start <= _LONGEST:
        return []
    best, best_score = -1, 0.0
    for n in range(first, last):
        left, right = _bounds(speech, accents[first : n + 1])[1], _bounds(speech, accents[n + 1 : last + 1])[0]
        if min(left - start, end - right) < _PIECE:
            continue
        before, after = accents[max(first, n - 1) : n + 1], accents[n + 1 : n + 3]
        reset = sum(a.pitch for a in after) / len(after) - sum(a.pitch for a in before) / len(before)
        balance = 1 - abs(left + right - start - end) / (end - start)
        score = min(max(right - left, 0.0), 0.2) / 0.1 + min(max(reset, 0.0), 6.0) / 3 + 1.5 * balance
        if score > best_score:
            best, best_score = n, score
    return [] if best < 0 else [*_split(speech, accents, first, best), best, *_split(speech, accents, best + 1, last)]


def _phrases(
    speech: Speech,
    accents: Sequence[Accent],
    groups: Sequence[tuple[int, int]],
    marks: Sequence[str],
    pauses: Sequence[float],
) -> list[Phrase]:
    bounds = [_bounds(speech, accents[first : last + 1]) for first, last in groups]
    starts = [start for start, _ in bounds[1:]] + [speech.duration]
    final = accents[-1].word
    all_marks = [*marks, speech.words[final].break_after if speech.words and final >= 0 else ""]
    ended = [all_marks[last] in _ENDS or [*pauses, 0.0][last] >= _LONG_PAUSE for _, last in groups]
    ended[-1] = True
    return [
        Phrase(
            key=accents[first].word if accents[first].word >= 0 else round(100 * accents[first].time),
            start=start,
            end=min(end, following),
            accents=tuple(accents[first : last + 1]),
            mark=all_marks[last],
            pause=max(0.0, following - end),
            opens=n == 0 or ended[n - 1],
            closes=ended[n],
        )
        for n, ((first, last), (start, end), following) in enumerate(zip(groups, bounds, starts))
    ]


def _length(speech: Speech, accents: Sequence[Accent]) -> float:
    start, end = _bounds(speech, accents)
    return end - start


def _mark_between(speech: Speech, word: int, following: int) -> str:
    if not speech.words or word < 0:
        return ""
    return next((w.break_after for w in speech.words[word : max(following, word + 1)] if w.break_after), "")


def _pause_between(pauses: Sequence[Pause], start: float, end: float) -> float:
    return max((p.end - p.start for p in pauses if start < (p.start + p.end) / 2 < end), default=0.0)


def _bounds(speech: Speech, accents: Sequence[Accent]) -> tuple[float, float]:
    if speech.words and accents[0].word >= 0:
        return speech.words[accents[0].word].start, speech.words[accents[-1].word].end
    return max(0.0, accents[0].time - 0.12), min(speech.duration, accents[-1].time + 0.15)
