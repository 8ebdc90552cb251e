"""A line cut into phrases, at pauses and at the script's punctuation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ...core.speech import Pause, Speech
from .accents import Accent

_BREAKS = frozenset(",;:.?!—–-")
_SHORTEST = 0.8  # s; a comma after less does not end a phrase
_LONGEST = 5.0  # s; a longer stretch is cut


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phrase:
    """A stretch of speech that one idea fills."""

    start: float  # s
    end: float  # s
    accents: tuple[Accent, ...]
    mark: str  # the punctuation at its end; "" where a pause ends it
    pause: float  # s of silence after it


def find_phrases(speech: Speech, accents: Sequence[Accent]) -> list[Phrase]:
    """The line's phrases in order; none where nothing is said."""
    if not accents:
        return []
    pauses = speech.pauses or ()
    groups: list[tuple[list[Accent], str]] = [([], "")]
    for accent, following in zip(accents, [*accents[1:], None]):
        groups[-1][0].append(accent)
        if following is None:
            break
        mark = _mark_between(speech, accent.word, following.word)
        length = accent.time - groups[-1][0][0].time
        start, end = _bounds(speech, groups[-1][0])
        gap = _pause_between(pauses, accent.time, following.time)
        if gap >= 0.2 or (mark and (mark not in "," or end - start >= _SHORTEST)) or length > _LONGEST:
            groups[-1] = (groups[-1][0], mark)
            groups.append(([], ""))
    if speech.words:
        last = groups[-1][0][-1].word
        groups[-1] = (groups[-1][0], speech.words[last].break_after if last >= 0 else "")
    bounds = [_bounds(speech, group) for group, _ in groups]
    starts = [start for start, _ in bounds[1:]] + [speech.duration]
    return [
        Phrase(start=start, end=min(end, following), accents=tuple(group), mark=mark, pause=max(0.0, following - end))
        for (group, mark), (start, end), following in zip(groups, bounds, starts)
    ]


def _mark_between(speech: Speech, word: int, following: int) -> str:
    if not speech.words or word < 0:
        return ""
    for index in range(word, max(following, word + 1)):
        if speech.words[index].break_after in _BREAKS and speech.words[index].break_after:
            return speech.words[index].break_after
    return ""


def _pause_between(pauses: Sequence[Pause], start: float, end: float) -> float:
    return max((p.end - p.start for p in pauses if start < (p.start + p.end) / 2 < end), default=0.0)


def _bounds(speech: Speech, accents: Sequence[Accent]) -> tuple[float, float]:
    if speech.words and accents[0].word >= 0:
        return speech.words[accents[0].word].start, speech.words[accents[-1].word].end
    return max(0.0, accents[0].time - 0.12), min(speech.duration, accents[-1].time + 0.15)
