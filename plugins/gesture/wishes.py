"""Which accents wish for a stroke: what the artist asks, what the words mean, where the voice puts its weight."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ...core.gestures import match
from ...core.speech import Speech
from ..contracts import Direction
from .accents import Accent
from .curves import randomness
from .lexicon import Lexicon, Unit
from .phrases import Phrase
from .style import Style

_RESERVED_MARGIN = 0.3  # s kept clear around a word that a key pose takes
_WEAKEST = 0.3  # strength under which rhythm alone never brings a stroke


@dataclasses.dataclass(frozen=True, kw_only=True)
class Meaning:
    """The unit that a word has from what it says or from the artist."""

    unit: Unit
    first: int  # first of the run of words that share it: they get one stroke together
    forced: bool  # the artist's: it must happen


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wish:
    """An accent that could carry a stroke."""

    accent: Accent
    unit: Unit | None  # None: any beat
    score: float  # the higher goes first
    forced: bool  # whatever the rate
    emphasis: float  # 0..2, the artist's


def meant_units(
    speech: Speech, lexicon: Lexicon, direction: Direction, seed: int, warn: Callable[[str], None]
) -> dict[int, Meaning]:
    """Word -> its meaning, for the words that have one in this take. ``warn`` hears of gestures that are not there."""
    words = speech.words or ()
    barred = direction.muted | direction.reserved
    found: dict[int, Meaning] = {}
    for hit in match(words, lexicon.entries, excluded=barred | set(direction.gestures)):
        unit = lexicon.units[hit.id]
        if randomness(seed, "chance", hit.first).random() < unit.chance:
            for word in range(hit.first, hit.last + 1):
                found[word] = Meaning(unit=unit, first=hit.first, forced=False)
    for word, name in sorted(direction.gestures.items()):
        if word in barred or not 0 <= word < len(words):
            continue
        if name in lexicon.units:
            found[word] = Meaning(unit=lexicon.units[name], first=word, forced=True)
        else:
            warn(f'There is no gesture "{name}" for the word "{words[word].text}"; it gets a beat.')
            found[word] = Meaning(unit=lexicon.beats[0], first=word, forced=True)
    return found


def find_wishes(
    phrase: Phrase,
    meant: dict[int, Meaning],
    speech: Speech,
    direction: Direction,
    seed: int,
) -> list[Wish]:
    """All that could strike in the phrase; words that are muted, reserved or without emphasis cannot."""
    words = speech.words or ()
    kept_clear = [
        (words[i].start - _RESERVED_MARGIN, words[i].end + _RESERVED_MARGIN) for i in direction.reserved if i < len(words)
    ]
    best: dict[int, Wish] = {}
    wishes = []
    for accent in phrase.accents:
        emphasis = direction.emphasis.get(accent.word, 1.0)
        weak = accent.strength < _WEAKEST and accent.word not in meant and emphasis <= 1
        if weak or accent.word in direction.muted or emphasis <= 0 or any(a < accent.time < b for a, b in kept_clear):
            continue
        meaning = meant.get(accent.word)
        score = accent.strength * emphasis + 0.3 * randomness(seed, "score", round(accent.time * 100)).random()
        score += (0.35 + 0.5 * accent.strength) * (meaning is not None) + 0.5 * (emphasis > 1.2)
        wish = Wish(
            accent=accent,
            unit=meaning.unit if meaning else None,
            score=score,
            forced=emphasis >= 1.5 or (meaning is not None and meaning.forced),
            emphasis=emphasis,
        )
        if meaning is None:
            wishes.append(wish)
        elif meaning.first not in best or wish.score > best[meaning.first].score:
            best[meaning.first] = wish
    return [*wishes, *best.values()]


def chosen_wishes(wishes: Sequence[Wish], phrase: Phrase, style: Style, seed: int, number: int) -> list[Wish]:
    """The best wishes that keep apart, as many as the rate allows; forced ones always. In order of time."""
    if style.rate <= 0:
        return sorted((w for w in wishes if w.forced), key=lambda w: w.accent.time)
    length = phrase.end - phrase.start + min(phrase.pause, 0.4)
    count = int(length * style.rate / 60 + randomness(seed, "count", number).random() * 0.9 + 0.05)
    apart = float(np.clip(22 / style.rate, 0.45, 1.0))
    taken: list[Wish] = []
    for wish in sorted(wishes, key=lambda w: (-w.forced, -w.score, w.accent.time)):
        gap = min((abs(wish.accent.time - other.accent.time) for other in taken), default=np.inf)
        if wish.forced or (len(taken) < count and gap >= apart):
            taken.append(wish)
    return sorted(taken, key=lambda w: w.accent.time)
