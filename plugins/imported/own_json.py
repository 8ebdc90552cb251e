"""Declaim's own transcript JSON (``format``: "declaim.transcript"), as ``declaim transcribe -o words.json`` writes it."""

from __future__ import annotations

from typing import Any

from ...core.errors import ClipError, ScriptError
from ...core.timeline import Timeline
from ..contracts import Transcript

FORMAT = "declaim.transcript"
VERSION = 1


def is_own(data: Any) -> bool:
    return isinstance(data, dict) and data.get("format") == FORMAT


def read_own(data: dict[str, Any], name: str) -> Transcript:
    """Raises ScriptError where it is of a later version or damaged."""
    version = data.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ScriptError(f"{name} was written by a later Declaim (version {version}).", hint="Update Declaim.")
    try:
        rows = {"words": data.get("words", []), "phones": data.get("phones") or []}
        if not all(isinstance(items, list) and all(isinstance(item, dict) for item in items) for items in rows.values()):
            raise ScriptError(f"{name}: words and phones must be lists of objects.", hint="Write it again.")
        timeline = Timeline.from_dict(rows)
    except ClipError as error:
        raise ScriptError(
            f"{name}: {error.message.removeprefix('The timeline.')}", hint="Write it again with declaim transcribe."
        ) from None
    problems = timeline.problems()
    problems += [f"words[{n}].text is empty." for n, word in enumerate(timeline.words) if not word.text.strip()]
    problems += [
        f"phones[{n}].word is {phone.word}, but there are {len(timeline.words)} words."
        for n, phone in enumerate(timeline.phones)
        if not -1 <= phone.word < len(timeline.words)
    ]
    if problems:
        raise ScriptError(f"{name}: {problems[0]}", hint="Correct it, or write it again with declaim transcribe.")
    return Transcript(words=timeline.words, phones=timeline.phones if data.get("phones") is not None else None)
