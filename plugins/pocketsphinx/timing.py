"""From the decoder's frames to words and phones in seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ...core.speech import HOP
from ...core.timeline import Phone, Word
from ..contracts import Transcript, Voice
from .decoder import WordSpan
from .pronunciation import Pronouncer

SILENCE = "SIL"
# A sound is scored by windows of 26 ms around its frames, and the model moves to the next one only when most of a window
# is past the border: on two synthesisers, clean and noisy, it does so 5 to 10 ms late.
_LATE = 0.008  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heard:
    """A word of the result: as written, with the spoken words that make it up."""

    text: str
    spans: tuple[WordSpan, ...]
    break_after: str = ""
    confidence: float = 1.0
    unsure: bool = False


def transcript(heard: Sequence[Heard], voice: Voice, pronouncer: Pronouncer, names: Mapping[str, str]) -> Transcript:
    """Words and phones in order, without overlap, within the voice; what lies between words is silence."""
    words: list[Word] = []
    phones: list[Phone] = []
    now = 0.0
    for index, item in enumerate(heard):
        start = min(max(_seconds(item.spans[0].start), now), voice.duration)
        if start > now:
            phones.append(Phone(symbol=SILENCE, start=now, end=start))
            now = start
        for span in item.spans:
            stress = pronouncer.stress(span.name.split("/")[0], [phone.symbol for phone in span.phones], names)
            for phone, level in zip(span.phones, stress, strict=True):
                end = min(max(_seconds(phone.end), now), voice.duration)
                phones.append(Phone(symbol=phone.symbol, start=now, end=end, stress=level, word=index))
                now = end
        words.append(
            Word(
                text=item.text,
                start=start,
                end=now,
                confidence=item.confidence,
                unsure=item.unsure,
                break_after=item.break_after,
            )
        )
    if words and voice.duration > now:
        phones.append(Phone(symbol=SILENCE, start=now, end=voice.duration))
    return Transcript(words=tuple(words), phones=tuple(phones))


def _seconds(frame: int) -> float:
    return round(max(0.0, frame * HOP - _LATE), 3)
