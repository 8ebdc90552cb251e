"""The words beneath a preview film, the one being said marked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from ..core.timeline import Word

_SIZE = 22
_LEAD_S, _LINGER_S = 0.15, 0.35  # how early a line comes and how long it stays, where nothing is being said
_LONGEST_PAUSE_S = 0.6  # a caption ends at a longer one


class Captions:
    """Lines of ``words`` no wider than ``width`` pixels, cut at pauses and sentence ends."""

    def __init__(self, words: Sequence[Word], width: int) -> None:
        self._width = width
        self._lines = _lines(words, int(width * 0.86))

    def draw(self, picture: Any, time: float) -> None:
        """Write the line of ``time`` (s) at the foot of ``picture``; none in long pauses."""
        from PIL import ImageDraw

        from .pictures import ACCENT, FAINT, INK, font

        line = self._line_at(time)
        if line is None:
            return
        texts = [word.text + word.break_after for word in line]
        face = font(" ".join(texts), _SIZE)
        draw = ImageDraw.Draw(picture)
        space = draw.textlength(" ", face)
        place = (self._width - sum(draw.textlength(text, face) for text in texts) - space * (len(texts) - 1)) / 2
        if unicodedata.bidirectional((texts[0] or " ")[0]) in ("R", "AL"):
            line, texts = line[::-1], texts[::-1]
        for word, text in zip(line, texts):
            said = word.start <= time < word.end
            draw.text(
                (place, picture.height - 20), text, ACCENT if said else INK if word.end <= time else FAINT, face, "ls"
            )
            place += draw.textlength(text, face) + space

    def _line_at(self, time: float) -> list[Word] | None:
        """The line being said; in a pause the one before for a moment, then the next a moment early."""
        begun = [line for line in self._lines if line[0].start <= time]
        if begun and time < begun[-1][-1].end:
            return begun[-1]
        following = self._lines[len(begun)] if len(begun) < len(self._lines) else None
        if following and time >= following[0].start - _LEAD_S:
            return following
        return begun[-1] if begun and time < begun[-1][-1].end + _LINGER_S else None


def _lines(words: Sequence[Word], width: int) -> list[list[Word]]:
    from .pictures import font

    lines: list[list[Word]] = []
    for word in words:
        line = lines[-1] if lines else []
        text = " ".join(item.text + item.break_after for item in [*line, word])
        ends = not line or line[-1].break_after in (".", "?", "!") or word.start - line[-1].end > _LONGEST_PAUSE_S
        if ends or font(text, _SIZE).getlength(text) > width:
            lines.append([word])
        else:
            line.append(word)
    return lines
