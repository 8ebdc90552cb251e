"""From what a file says to words in order inside the voice: splitting, filling gaps, clamping, repairing overlaps."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Sequence

from ...core.errors import ScriptError
from ...core.report import Report
from ...core.timeline import Word

SPREAD_CONFIDENCE = 0.5  # of words whose times were shared out over a longer stretch
UNSURE_BELOW = 0.5  # a service's confidence under which a word counts as unsure
SHORTEST = 0.01  # s, of a repaired word
OVERLAP_WORTH_A_WARNING = 0.05  # s

_SPOKEN = re.compile(r"[\w&+@%°$€£=]")
_EDGES = re.compile(r"^[^\w&+@%°$€£=#]+|[^\w&+@%°$€£=]+$")
_BREAKS = re.compile(r"[,;:.?!—–…]|--")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A stretch of text with times, as a file has it. One word or several."""

    text: str
    start: float | None  # s; None where the file has none for it
    end: float | None  # s
    confidence: float = 1.0
    unsure: bool | None = None  # None: by the confidence
    break_after: str = ""  # in addition to the punctuation in ``text``


def weight(word: str) -> float:
    """How long ``word`` takes beside others: its syllables (vowel groups) and its letters."""
    return max(1, len(re.findall(r"[aeiouyàâäéèêëîïôöùûüæœ]+", word.lower()))) + 0.25 * len(word)


def words_from_rows(
    rows: Sequence[Row], *, name: str, duration: float, pauses: Sequence[tuple[float, float]], report: Report
) -> tuple[Word, ...]:
    """Sorted words inside 0..``duration`` s. ``pauses`` (s) place the words of a stretch that holds several.

    Raises ScriptError where nothing is left; what was repaired is said through ``report``.
    """
    rows = [row for row in rows if _texts(row.text)]
    if not rows:
        raise ScriptError(f"{name} holds no words.", hint="Choose another file.")
    timed = _filled(rows, duration)
    spread = sum(len(_texts(row.text)) > 1 for row in rows)
    words = sorted((word for row in timed for word in _split(row, pauses)), key=lambda word: word.start)
    inside = [
        dataclasses.replace(word, start=max(word.start, 0.0), end=min(max(word.end, 0.0), duration))
        for word in words
        if word.start < duration and word.end > 0.0
    ]
    if not inside:
        raise ScriptError(
            f"Every word of {name} lies outside the voice (from {words[0].start:.2f} s; the voice ends at {duration:.2f} s).",
            hint="It belongs to another recording, or its times are offset.",
        )
    lost = len(words) - len(inside)
    moved = sum(word.start < -SHORTEST or word.end > duration + SHORTEST for word in words) - lost
    if lost:
        verb = ("lies", "is") if lost == 1 else ("lie", "are")
        report.warn(f"{_many(lost, 'word')} of {name} {verb[0]} outside the voice and {verb[1]} left out.")
    if moved > 0:
        report.warn(f"The times of {_many(moved, 'word')} of {name} reached past the voice and were cut.")
    if spread * 2 > len(rows):
        report.warn(
            f"{name} times whole phrases, not words: the words were spread over them; for exact times give its text as "
            "the script to a transcriber that listens."
        )
    return tuple(_apart(inside, duration, name, report))


def _texts(text: str) -> list[str]:
    """The words of a text, each with the punctuation after it, also where that stands apart."""
    found: list[str] = []
    for token in re.sub(r"(?<=\w)(--|—|–)(?=\w)", r"\1 ", text).split():
        if _SPOKEN.search(token):
            found.append(token)
        elif found:
            found[-1] += token
    return found


def _filled(rows: Sequence[Row], duration: float) -> list[Row]:
    """Rows without times take an equal share of the gap between their neighbours."""
    rows = list(rows)
    for missing, group in itertools.groupby(range(len(rows)), key=lambda i: rows[i].start is None or rows[i].end is None):
        if not missing:
            continue
        indices = list(group)
        before = rows[indices[0] - 1].end if indices[0] else 0.0
        after = rows[indices[-1] + 1].start if indices[-1] + 1 < len(rows) else duration
        left = before or 0.0
        right = max(after or 0.0, left)
        sums = list(itertools.accumulate((weight(rows[i].text) for i in indices), initial=0.0))
        for n, i in enumerate(indices):
            rows[i] = dataclasses.replace(
                rows[i],
                start=left + (right - left) * sums[n] / sums[-1],
                end=left + (right - left) * sums[n + 1] / sums[-1],
                confidence=min(rows[i].confidence, SPREAD_CONFIDENCE),
                unsure=bool(rows[i].unsure),
            )
    return rows


def _split(row: Row, pauses: Sequence[tuple[float, float]]) -> list[Word]:
    assert row.start is not None and row.end is not None
    start, end = row.start, max(row.end, row.start)
    tokens = _texts(row.text)
    confidence = min(max(row.confidence, 0.0), 1.0) if math.isfinite(row.confidence) else 1.0
    unsure = confidence < UNSURE_BELOW if row.unsure is None else row.unsure
    spans = [(start, end)]
    if len(tokens) > 1:
        spans = spread_over(tokens, start, end, pauses)
        confidence = min(confidence, SPREAD_CONFIDENCE)
    words = [
        Word(text=_EDGES.sub("", token), start=a, end=b, confidence=confidence, unsure=unsure, break_after=_break(token))
        for token, (a, b) in zip(tokens, spans, strict=True)
    ]
    if row.break_after:
        words[-1] = dataclasses.replace(words[-1], break_after=row.break_after)
    return words


def spread_over(
    tokens: Sequence[str], start: float, end: float, pauses: Sequence[tuple[float, float]] = ()
) -> list[tuple[float, float]]:
    """Times (s) of ``tokens`` spoken between ``start`` and ``end``, by their weights, with no word across a pause."""
    inner = [(max(a, start), min(b, end)) for a, b in pauses if b > start and a < end]
    if sum(b - a for a, b in inner) > 0.9 * (end - start):
        inner = []
    spoken = (end - start) - sum(b - a for a, b in inner)
    sums = list(itertools.accumulate(map(weight, tokens), initial=0.0))
    edges = [spoken * s / sums[-1] for s in sums]  # in seconds of speech, pauses taken out
    taken, held = 0.0, {}  # edge index -> the pause at it
    for a, b in inner:
        at = a - start - taken
        taken += b - a
        if a <= start:
            held[0] = b - a
        elif b >= end:
            held[len(tokens)] = b - a
        else:
            free = [i for i in range(1, len(tokens)) if i > max(held, default=0)]
            if not free:
                continue
            # A pause stands rather after punctuation than after any other word.
            near = min(free, key=lambda i: abs(edges[i] - at) - (0.25 if _break(tokens[i - 1]) else 0.0))
            edges[near], held[near] = at, b - a
    edges = list(itertools.accumulate(edges, max))
    spans, shift = [], start
    for i in range(len(tokens)):
        shift += held.get(i, 0.0)
        spans.append((edges[i] + shift, edges[i + 1] + shift))
    return spans


def _break(token: str) -> str:
    found = _BREAKS.findall(re.sub(r".*\w", "", token))
    return {"--": "—", "–": "—", "…": "."}.get(found[0], found[0]) if found else ""


def _apart(words: list[Word], duration: float, name: str, report: Report) -> list[Word]:
    """No word over the next one; words that start together share their time."""
    worst = max((a.end - b.start for a, b in itertools.pairwise(words)), default=0.0)
    if worst > OVERLAP_WORTH_A_WARNING:
        report.warn(f"Words of {name} overlap by up to {worst:.2f} s; the earlier ones were shortened.")
    apart: list[Word] = []
    first = 0
    while first < len(words):
        last = first + 1
        while last < len(words) and words[last].start < words[first].start + SHORTEST:
            last += 1
        limit = words[last].start if last < len(words) else duration
        if last - first == 1:
            word = words[first]
            apart.append(dataclasses.replace(word, end=min(max(word.end, word.start + SHORTEST), limit)))
        else:
            group = words[first:last]
            end = min(max(max(word.end for word in group), group[0].start + SHORTEST * len(group)), limit)
            spans = spread_over([word.text for word in group], group[0].start, end)
            apart += [dataclasses.replace(word, start=a, end=b) for word, (a, b) in zip(group, spans, strict=True)]
        first = last
    return apart


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
