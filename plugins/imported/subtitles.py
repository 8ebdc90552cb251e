"""SubRip (.srt) and WebVTT (.vtt): cues, and the word times inside WebVTT cues."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ...core.errors import ScriptError
from .rows import Row

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?$")
_STAMP = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"</?(?:[biucv]|font|ruby|rt|lang)(?:[ .][^>]*)?>|\{\\[^}]*\}", re.IGNORECASE)
_NOT_SPOKEN = re.compile(r"\[[^\]]*\]|♪|♫")  # [door slams], music


def read_subtitles(text: str, name: str) -> list[Row]:
    """One row a cue, or a row a word where WebVTT has time stamps inside the cue. Raises ScriptError naming the line."""
    cues = list(_cues(text, name))
    if not cues:
        raise ScriptError(f"{name} holds no cues.", hint="Each needs a line like 00:00:01,000 --> 00:00:02,500.")
    stamped = any(_STAMP.search(line) for _, _, lines in cues for line in lines)
    rows: list[Row] = []
    shown: list[str] = []  # the cue before, as shown
    for start, end, lines in cues:
        plain = [_spoken(line) for line in lines]
        # Rolling captions (YouTube's) show the last line of one cue again at the top of the next.
        again = 1 if stamped and shown and plain[:1] == shown[-1:] else 0
        shown = [line for line in plain if line] or shown
        rows += _rows("\n".join(lines[again:]), start, end)
    return rows


def _cues(text: str, name: str) -> Iterator[tuple[float, float, list[str]]]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        if "-->" not in line or line.startswith("NOTE"):
            number += 1
            continue
        timing = _TIMING.match(line)
        if not timing:
            raise ScriptError(
                f'{name}, line {number + 1}: "{line.strip()[:60]}" is no pair of times.',
                hint="It must read like 00:00:01,000 --> 00:00:02,500.",
            )
        start, end = _seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:])
        if end < start:
            raise ScriptError(f"{name}, line {number + 1}: the cue ends before it starts.", hint="Correct its times.")
        number += 1
        body = []
        while number < len(lines) and lines[number].strip() and "-->" not in lines[number]:
            body.append(lines[number])
            number += 1
        if number < len(lines) and "-->" in lines[number] and body and body[-1].strip().isdigit():
            body.pop()  # the next cue's number, where the blank line between them is missing
        yield start, end, body


def _rows(text: str, start: float, end: float) -> list[Row]:
    stamps = list(_STAMP.finditer(text))
    edges = [start, *(_seconds(*stamp.groups()) for stamp in stamps), end]
    cuts = [0, *(stamp.start() for stamp in stamps), len(text)]
    rows = []
    for n in range(len(edges) - 1):
        piece = _spoken(_STAMP.sub("", text[cuts[n] : cuts[n + 1]]))
        if piece:
            begin = min(max(edges[n], start), end)
            rows.append(Row(text=piece, start=begin, end=max(min(edges[n + 1], end), begin)))
    return rows


def _spoken(text: str) -> str:
    text = _NOT_SPOKEN.sub(" ", html.unescape(_TAG.sub("", _STAMP.sub("", text))))
    return " ".join(text.split())


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")
