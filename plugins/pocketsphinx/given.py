"""Phones for words whose times are known already: another transcriber's, or imported ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.report import Report
from ...core.speech import HOP
from ...core.timeline import Phone, Word
from ..contracts import Transcript, Voice
from .decoder import Array, Decoder, Step
from .pronunciation import VOWELS, Pronouncer
from .script import tokens
from .timing import SILENCE

_MARGIN = 3  # frames beyond a word that help to hear its first and last sound
_UNKNOWN = ("AH",)  # what a mouth does for a word that nobody can pronounce


def phones_within(
    voice: Voice, words: Sequence[Word], features: Array, decoder: Decoder, pronouncer: Pronouncer, report: Report
) -> Transcript:
    """``words`` as they are, with phones that fill each from its start to its end; silence between them."""
    names = {word.lower(): phones for word, phones in voice.pronunciations.items()}
    ways = [_ways(word.text, decoder, pronouncer, names) for word in words]
    entries = pronouncer.entries([part for found in ways for way in found for part in way], names)
    phones: list[Phone] = []
    now = 0.0
    for index, (word, found) in enumerate(zip(words, ways, strict=True)):
        report.stage("Placing the sounds in the words", index / len(words))
        start, end = (min(max(time, now), voice.duration) for time in (word.start, word.end))
        if start > now:
            phones.append(Phone(symbol=SILENCE, start=now, end=start))
        sayable = tuple(tuple(entries[part] for part in way) for way in found if all(part in entries for part in way))
        said = _heard(features, sayable, start, end, decoder) or _spread(sayable, start, end, decoder)
        symbols = [(part, [symbol for symbol, _ in sounds]) for part, sounds in said]
        levels = [level for part, row in symbols for level in pronouncer.stress(part, row, names)] if sayable else [0]
        ends = [time for _, sounds in said for _, time in sounds]
        for symbol, level, time in zip((s for _, row in symbols for s in row), levels, ends, strict=True):
            phones.append(Phone(symbol=symbol, start=start, end=time, stress=level, word=index, confidence=word.confidence))
            start = time
        now = max(now, end)
    if words and now < voice.duration:
        phones.append(Phone(symbol=SILENCE, start=now, end=voice.duration))
    return Transcript(words=tuple(words), phones=tuple(phones))


_Said = list[tuple[str, list[tuple[str, float]]]]  # spoken words with their phones and when each ends, s


def _ways(text: str, decoder: Decoder, pronouncer: Pronouncer, names: Mapping[str, str]) -> Step:
    """The readings of a word that may be written in any way; several tokens are one word here."""
    parts = tokens(text, decoder.knows if pronouncer.english else lambda word: False, names)
    if len(parts) == 1:
        return parts[0].readings
    return (tuple(word for part in parts for word in part.readings[0]),) if parts else ()


def _heard(features: Array, ways: Step, start: float, end: float, decoder: Decoder) -> _Said | None:
    first, last = max(0, round(start / HOP) - _MARGIN), min(len(features), round(end / HOP) + _MARGIN)
    if not ways or last - first < 3 * min(map(len, ways)):
        return None
    spans = decoder.place(features[first:last], [ways])
    if not spans:
        return None
    times = [min(max((first + phone.end) * HOP, start), end) for span in spans for phone in span.phones]
    times[-1] = end
    if any(b - a < HOP / 2 for a, b in zip([start, *times], times)):
        return None
    said: _Said = []
    for span in spans:
        said.append((span.name.split("/")[0], [(phone.symbol, times.pop(0)) for phone in span.phones]))
    return said


def _spread(ways: Step, start: float, end: float, decoder: Decoder) -> _Said:
    """The first reading's phones over the word, vowels half as long again as consonants."""
    rows = [(part.split("/")[0], (decoder.pronunciation(part) or "AH").split()) for part in ways[0]] if ways else []
    rows = rows or [("", list(_UNKNOWN))]
    weights = [1.5 if symbol in VOWELS else 1.0 for _, row in rows for symbol in row]
    said: _Said = []
    done = 0
    for part, row in rows:
        sounds = []
        for symbol in row:
            done += 1
            time = end if done == len(weights) else start + (end - start) * sum(weights[:done]) / sum(weights)
            sounds.append((symbol, time))
        said.append((part, sounds))
    return said
