"""Giving heard words the spelling and punctuation of the script, where the two agree."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections.abc import Sequence

from ..core.report import Report
from ..core.timeline import Word

SAME_SOUND = 0.6  # likeness of letters from which a misheard stretch counts as the script's words
_SHOWN = 8  # words named in a warning
_WORD = re.compile(r"\w+(?:['’.,:-]\w+)*")  # with what binds: don't, well-known, 3.5, 10:30
_STRENGTH = "?!.;:—,"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScriptWord:
    text: str  # as written, without punctuation
    key: str  # lower case, letters, digits and apostrophes only
    break_after: str


def script_words(script: str) -> list[ScriptWord]:
    """The script's words, each with the strongest mark between it and the next."""
    matches = list(_WORD.finditer(script))
    ends = [match.start() for match in matches[1:]] + [len(script)]
    return [
        ScriptWord(text=match[0], key=_key(match[0]), break_after=_break(script[match.end() : end]))
        for match, end in zip(matches, ends, strict=True)
    ]


def follow_script(heard: Sequence[Word], script: str, report: Report) -> list[Word]:
    """``heard`` with the script's spelling where it matches, and the times and confidences that were heard.

    A misheard stretch whose letters are like the script's ("the claim" for "Declaim") takes the script's words too, its
    time shared out by their letters. What the script has and the voice has not is named in one warning.
    """
    written = script_words(script)
    keys = [_key(word.text) for word in heard]
    matcher = difflib.SequenceMatcher(None, keys, [word.key for word in written], autojunk=False)
    words: list[Word] = []
    missed: list[str] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            words += [_spelt(word, line) for word, line in zip(heard[a:b], written[c:d], strict=True)]
        elif kind == "replace" and _alike("".join(keys[a:b]), "".join(word.key for word in written[c:d])):
            words += _shared_out(heard[a:b], written[c:d])
        else:
            words += heard[a:b]
            missed += [word.text for word in written[c:d]]
    if missed:
        shown = ", ".join(missed[:_SHOWN]) + (f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else "")
        report.warn(f"These words of the script were not heard: {shown}.")
    return words


def _spelt(word: Word, line: ScriptWord) -> Word:
    return dataclasses.replace(word, text=line.text, break_after=line.break_after, unsure=False)  # two sources agree


def _shared_out(heard: Sequence[Word], written: Sequence[ScriptWord]) -> list[Word]:
    confidence = min(word.confidence for word in heard)
    if len(heard) == len(written):
        spans = [(word.start, word.end) for word in heard]
    else:
        start, end = heard[0].start, heard[-1].end
        letters = list(itertools.accumulate((len(word.key) for word in written), initial=0))
        spans = [
            (start + (end - start) * a / letters[-1], start + (end - start) * b / letters[-1])
            for a, b in itertools.pairwise(letters)
        ]
    return [
        Word(text=line.text, start=a, end=b, confidence=confidence, break_after=line.break_after)
        for line, (a, b) in zip(written, spans, strict=True)
    ]


def _alike(a: str, b: str) -> bool:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME_SOUND


def _key(text: str) -> str:
    return re.sub(r"[^\w']", "", text.replace("’", "'")).lower()


def _break(between: str) -> str:
    found = re.findall(r"[.?!]|--|[—–…:;,]|\s-\s", between)
    marks = ["." if mark == "…" else "—" if mark not in _STRENGTH else mark for mark in found]
    return min(marks, key=_STRENGTH.index, default="")
