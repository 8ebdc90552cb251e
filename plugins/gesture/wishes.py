"""Which accents wish for a stroke: what the artist asks, what the words mean and do, where the voice puts its weight."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...core.gestures import match
from ...core.lexicon import Lexicon, Unit
from ...core.speech import Speech
from ..contracts import Direction
from .accents import Accent
from .curves import randomness
from .phrases import Phrase
from .roles import Part
from .style import Style

_RESERVED_MARGIN = 0.3  # s kept clear around a word that a key pose takes
_WEAKEST = 0.3  # strength under which rhythm alone never brings a stroke, unless the phrase has nothing better
_DUE = 0.8  # s; a longer phrase is not left without a stroke ...
_SHORT_CRY = 0.35  # s; what is exclaimed has a stroke even if it is as short as this
_DUE_STROKES = 0.26  # ... where the rate brings this many in its time: at the usual rate, 0.8 s
_IDLE = 3.6  # s; longer than this, at the usual rate, the hands do not wait inside a phrase
_EDGE = 0.66  # of that, from a phrase's border: its neighbour's stroke may be as far away on the other side
_USUAL_RATE = 20.0  # strokes a minute
_FORMAL_END = 0.35  # how often the line's last stress is marked as an end
_TELLING = 0.4  # strength from which a word with a meaning may add to the rate's strokes ...
_TELLING_APART = 2.4  # s; ... but not closer than this, on average
_CLOSING = 1.0  # score that the line's last stress has over the others
_LENT = 0.5  # s before it, from which it takes a meaning if it has none: what "every word" means strikes on "word"
_ROLE_SCORE: Mapping[str, float] = {
    "negation": 0.5, "contrast": 0.5, "list": 0.45, "question": 0.4, "closing": 0.3, "you": 0.05, "self": 0.05,
}  # fmt: skip


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
    unit: Unit | None  # by meaning; None: chosen by role or rhythm
    part: Part | None  # what its word does in the sentence
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
    for hit in match(words, lexicon.entries, excluded=barred | set(direction.gestures), language=speech.language):
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


def is_due(phrase: Phrase, style: Style, *, last: bool) -> bool:
    """Whether the phrase must not go without a stroke: it is long enough, or it closes the line or exclaims."""
    length = phrase.end - phrase.start
    if style.rate <= 0:
        return False
    return (phrase.mark == "!" and length > _SHORT_CRY) or (
        length > _DUE and (last or length * style.rate / 60 > _DUE_STROKES)
    )


def find_wishes(
    phrase: Phrase,
    meant: Mapping[int, Meaning],
    parts: Mapping[int, Part],
    speech: Speech,
    direction: Direction,
    seed: int,
    *,
    last: bool,
) -> list[Wish]:
    """All that could strike in the phrase; words that are muted, reserved or without emphasis cannot.

    In the ``last`` phrase, and in one that exclaims, the last stress goes before the others.
    """
    words = speech.words or ()
    kept_clear = [
        (words[i].start - _RESERVED_MARGIN, words[i].end + _RESERVED_MARGIN) for i in direction.reserved if i < len(words)
    ]
    strongest = max(accent.strength for accent in phrase.accents)
    weakest = min(_WEAKEST, strongest)
    stresses = [accent.time for accent in phrase.accents if accent.strength >= max(weakest, 0.5 * strongest)]
    closing = stresses[-1] if last or phrase.mark == "!" else None
    lent: dict[float, Meaning] = {}
    for accent in phrase.accents:
        if closing is not None and closing - _LENT < accent.time <= closing and accent.word in meant:
            lent = {} if meant[accent.word].forced else {closing: meant[accent.word]}
    best: dict[int, Wish] = {}
    wishes = []
    for accent in phrase.accents:
        emphasis = direction.emphasis.get(accent.word, 1.0)
        meaning, part = meant.get(accent.word) or lent.get(accent.time), parts.get(accent.word)
        ends = accent.time == closing and part is None
        if ends and randomness(seed, "closing", round(accent.time * 100)).random() < _FORMAL_END:
            part = Part(role="closing")
        plain = meaning is None and part is None and emphasis <= 1
        weak = plain and (accent.strength < weakest or (not accent.content and any(a.content for a in phrase.accents)))
        if weak or accent.word in direction.muted or emphasis <= 0 or any(a < accent.time < b for a, b in kept_clear):
            continue
        score = accent.strength * emphasis + 0.3 * randomness(seed, "score", round(accent.time * 100)).random()
        if meaning is not None:  # what paints a picture goes before what only stresses
            score += (0.35 if "emphasis" in meaning.unit.roles else 0.8) + 0.5 * accent.strength
        score += 0.5 * (emphasis > 1.2)
        score += _CLOSING * (accent.time == closing) + (_ROLE_SCORE.get(part.role, 0.0) if part else 0.0)
        wish = Wish(
            accent=accent,
            unit=meaning.unit if meaning else None,
            part=part,
            score=score,
            forced=emphasis >= 1.5 or (meaning is not None and meaning.forced),
            emphasis=emphasis,
        )
        if meaning is None:
            wishes.append(wish)
        elif meaning.first not in best or wish.score > best[meaning.first].score:
            best[meaning.first] = wish
    return [*wishes, *best.values()]


def chosen_wishes(wishes: Sequence[Wish], phrase: Phrase, style: Style, seed: int, *, due: bool) -> list[Wish]:
    """The best wishes that keep apart, as many as the rate allows; forced ones always; one if ``due``. In order of time.

    Where the hands would wait longer than people's do, the best in between strikes too.
    """
    if style.rate <= 0:
        return sorted((w for w in wishes if w.forced), key=lambda w: w.accent.time)
    length = phrase.end - phrase.start + min(phrase.pause, 0.4)
    count = int(length * style.rate / 60 + randomness(seed, "count", phrase.key).random() * 0.9 + 0.05)
    telling = sum(wish.unit is not None and wish.accent.strength > _TELLING for wish in wishes)
    count = max(count, min(telling, round(length / _TELLING_APART)), int(due))
    apart = float(np.clip(20 / style.rate, 0.5, 1.1))
    taken: list[Wish] = []
    ranked = sorted(wishes, key=lambda w: (-w.forced, -w.score, w.accent.time))
    for wish in ranked:
        gap = min((abs(wish.accent.time - other.accent.time) for other in taken), default=np.inf)
        if wish.forced or (len(taken) < count and gap >= apart):
            taken.append(wish)
    idle = _IDLE * max(_USUAL_RATE / style.rate, 0.7)
    while due:
        times = sorted([phrase.start, *(wish.accent.time for wish in taken), phrase.end])
        gaps = [
            (a, b)
            for a, b in itertools.pairwise(times)
            if b - a > (idle if phrase.start < a and b < phrase.end else _EDGE * idle)
        ]
        filling = [w for w in ranked for a, b in gaps if a + apart <= w.accent.time <= b - min(apart, 0.4)]
        if not filling:
            break
        taken.append(filling[0])
    return sorted(taken, key=lambda w: w.accent.time)
