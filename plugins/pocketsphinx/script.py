"""A script as it is spoken: its words, each with how it is written and what is said for it."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True, kw_only=True)
class Token:
    """A word of the script."""

    text: str  # as written, without the punctuation around it
    spoken: tuple[str, ...]  # lower-case words: "1984" is nineteen, eighty, four
    break_after: str = ""  # as in core.timeline.Word


def tokens(script: str) -> list[Token]:
    found = []
    for part in re.findall(r"\S+", script):
        words = tuple(re.findall(r"[a-z]+(?:'[a-z]+)*", part.lower().replace("\u2019", "'")))
        if words:
            tail = re.search(r"([,;:.?!\u2014-])[^\w]*$", part)
            found.append(Token(text=part.strip(".,;:?!\"()-"), spoken=words, break_after=tail.group(1) if tail else ""))
    return found
