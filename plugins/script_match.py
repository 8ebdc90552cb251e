"""Giving heard words the spelling and punctuation of the script, where the two agree."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
from collections.abc import Sequence

from ..core.report import Report
from ..core.timeline import Word
from .pocketsphinx.script import Token, tokens

SAME_SOUND = 0.6  # likeness of letters from which a misheard stretch counts as the script's words
_SHOWN = 8  # words named in a warning


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Stretch:
    """Heard words and the script's words that stand for each other."""

    heard: range
    written: range
    same: bool  # every word was heard as it is read


def follow_script(heard: Sequence[Word], script: str, report: Report) -> list[Word]:
    """``heard`` with the script's spelling where it matches, and the times and confidences that were heard.

    "1984" is matched by nineteen, eighty, four. A misheard stretch whose letters are like the script's ("the claim" for
    "Declaim") takes the script's words too, its time shared out by their letters. What the script has and the voice has
    not is named in one warning.
    """
    keys = [_key(word.text) for word in heard]
    written = tokens(script, set(keys).__contains__)
    readings = [_likeliest(token, set(keys)) for token in written]
    words: list[Word] = []
    missed: list[str] = []
    for stretch in _stretches(keys, readings):
        a, b = stretch.heard.start, stretch.heard.stop
        there = [written[n] for n in stretch.written]
        letters = ["".join(readings[n]) for n in stretch.written]
        if there and a < b and (stretch.same or _alike("".join(keys[a:b]), "".join(letters))):
            words += _spelt(heard[a:b], there, letters)
        else:
            words += heard[a:b]
            missed += [token.text for token in there]
    if missed:
        shown = ", ".join(missed[:_SHOWN]) + (f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else "")
        report.warn(f"These words of the script were not heard: {shown}.")
    return words


def _stretches(keys: Sequence[str], readings: Sequence[Sequence[str]]) -> list[_Stretch]:
    """The whole of both, in order, cut wherever whole script words meet heard words."""
    spoken = [word for reading in readings for word in reading]
    edges = {edge: n for n, edge in enumerate(itertools.accumulate(map(len, readings), initial=0))}
    found: list[_Stretch] = []
    heard_from = written_from = 0
    same = True
    for kind, a, b, c, d in difflib.SequenceMatcher(None, keys, spoken, autojunk=False).get_opcodes():
        steps = [(a + n, c + n) for n in range(1, d - c + 1)] if kind == "equal" else [(b, d)]
        same &= kind == "equal"
        for heard_to, spoken_to in steps:
            if spoken_to in edges and (heard_to > heard_from or edges[spoken_to] > written_from):
                found.append(
                    _Stretch(heard=range(heard_from, heard_to), written=range(written_from, edges[spoken_to]), same=same)
                )
                heard_from, written_from, same = heard_to, edges[spoken_to], kind == "equal"
    return found


def _spelt(heard: Sequence[Word], written: Sequence[Token], letters: Sequence[str]) -> list[Word]:
    """The script's words in the time of the heard ones. Two sources agree on them: none is unsure."""
    confidence = min(word.confidence for word in heard)
    if len(written) == 1:
        spans = [(heard[0].start, heard[-1].end)]
    elif len(heard) == len(written):
        spans = [(word.start, word.end) for word in heard]
    else:
        start, end = heard[0].start, heard[-1].end
        sums = list(itertools.accumulate((max(1, len(word)) for word in letters), initial=0))
        spans = [(start + (end - start) * a / sums[-1], start + (end - start) * b / sums[-1])
                 for a, b in itertools.pairwise(sums)]  # fmt: skip
    return [
        Word(text=token.text, start=a, end=b, confidence=confidence, break_after=token.break_after)
        for token, (a, b) in zip(written, spans, strict=True)
    ]


def _likeliest(token: Token, heard: set[str]) -> tuple[str, ...]:
    """The reading of which most was heard anywhere; the first of equals."""
    return max(token.readings, key=lambda reading: sum(word in heard for word in reading) / len(reading))


def _alike(a: str, b: str) -> bool:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME_SOUND


def _key(text: str) -> str:
    return "".join(character for character in text.lower().replace("’", "'") if character.isalnum() or character == "'")
