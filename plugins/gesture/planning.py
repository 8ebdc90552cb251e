"""Which gesture strikes where: an idea a phrase, strokes on its accents, each with a unit, a hand and a place in space."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...core.lexicon import Lexicon, Posture, Role, Unit
from ...core.speech import Speech
from ...core.timeline import Hand
from ..contracts import Direction
from .accents import Accent
from .curves import randomness
from .phrases import Phrase
from .roles import Part, find_roles
from .style import Style, StyleSheet
from .wishes import Meaning, Wish, chosen_wishes, find_wishes, is_due, meant_units

Array = NDArray[Any]
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

HOME = np.array([0.05, -0.51, 0.51])  # arm lengths; where a raised hand waits
SETTLING = 0.7  # s, of a hand on its way to wait
EARLIEST = 0.62  # s; a hand at rest cannot well strike sooner
_CLASH = 0.42  # s; of two strokes in neighbouring phrases that are nearer, one goes
_ROOM = np.array([0.08, 0.0, 0.0])  # arm lengths outward, where both hands make a one-handed unit
_INNERMOST = -0.10  # arm lengths, for each of two hands: nearer, and their fingers would meet, unless that is meant
_CROSSING = -0.16  # of one hand alone, unless its unit is written farther in: it would run into the other one
_NEAREST = 0.42  # forward, unless its unit is written nearer: it would run into the chest
_LIST_STEP = 0.085  # arm lengths outward from one item of a list to the next
_THEMED = 0.65  # share of a phrase's beats that keep to its idea's hand shape and move
_FAVOUR = 8.0  # what a style's favourites count more
_EMPHATIC = 0.8  # strength from which a stroke may be an emphatic one
_SPOKEN_ROLES = frozenset(("negation", "contrast", "list", "question", "closing"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release:
    """How a hand leaves a stroke."""

    hold_end: float  # s
    end: float  # s
    to: Literal["next", "ready", "rest"]  # straight into the next stroke, to wait for it, or down


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sketch:
    """A stroke that is wished for, with all but its times."""

    phrase: int  # its phrase's key
    unit: Unit
    hand: Hand
    accent: Accent
    part: Part | None
    forced: bool  # the artist's: it must happen
    amplitude: float
    before: dict[Side, Posture]
    via: dict[Side, tuple[Posture, ...]]  # passed between before and after
    after: dict[Side, Posture]
    turns: tuple[dict[Side, Posture], ...]  # wished for after the apex
    tempo: tuple[float, float, float]  # s: the shortest, the natural and the longest stroke
    quickness: float  # what preparations are faster by, 1 neutral
    hold: float  # s that the hands would hold

    @property
    def sides(self) -> tuple[Side, ...]:
        return SIDES if self.hand == "both" else (self.hand,)

    def by(self, side: Side) -> Sketch:
        """This stroke with one of its hands only."""
        one: dict[str, Any] = {name: {side: getattr(self, name)[side]} for name in ("before", "via", "after")}
        return dataclasses.replace(self, hand=side, turns=tuple({side: turn[side]} for turn in self.turns), **one)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PlannedStroke(Sketch):
    """A stroke with its times, s: ``prepare`` < ``ready`` <= about ``start`` < ``apex`` <= ``hold_end`` <= ``end``."""

    prepare: float
    ready: float  # the preparation ends; a little after ``start``, so that one flows into the other
    start: float
    apex: float
    fluent: bool = False  # preparation and stroke are one move, without a turn between them
    then: tuple[tuple[float, dict[Side, Posture]], ...] = ()  # turning points after the apex: when each is reached, s
    releases: dict[Side, Release] = dataclasses.field(default_factory=dict)

    @property
    def sets_off(self) -> float:
        """When the move begins that ends at the apex, s."""
        return self.prepare if self.fluent else self.start

    @property
    def last(self) -> float:
        """When its last point is reached, s."""
        return self.then[-1][0] if self.then else self.apex

    @property
    def hold_end(self) -> float:
        return max(release.hold_end for release in self.releases.values())

    @property
    def end(self) -> float:
        return max(release.end for release in self.releases.values())


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Idea:
    """What a phrase's strokes have in common: people keep a hand shape and a place as long as they keep to a thought."""

    hand: Hand
    theme: Unit
    place: dict[Side, Array]  # arm lengths


def sketch_strokes(
    speech: Speech,
    phrases: Sequence[Phrase],
    *,
    lexicon: Lexicon,
    direction: Direction,
    styles: StyleSheet,
    seed: int,
    latest_apex: float,
    warn: Callable[[str], None],
) -> list[Sketch]:
    """The line's strokes in order of time.

    Each phrase chooses by itself; a neighbour matters only where two strokes would clash.
    """
    meant = meant_units(speech, lexicon, direction, seed, warn)
    parts = find_roles(speech, phrases)
    ideas = _ideas(phrases, lexicon, styles, seed)
    chosen = [
        _wishes(phrase, meant, parts, speech, direction, styles, seed, latest_apex, last=phrase is phrases[-1])
        for phrase in phrases
    ]
    sketches = []
    for phrase, idea, wishes in zip(phrases, ideas, _without_clashes(chosen)):
        for wish in wishes:
            sketches.append(_sketch(wish, phrase, idea, lexicon, styles.at(wish.accent.time), seed))
    return sketches


def _wishes(
    phrase: Phrase,
    meant: Mapping[int, Meaning],
    parts: Mapping[int, Part],
    speech: Speech,
    direction: Direction,
    styles: StyleSheet,
    seed: int,
    latest_apex: float,
    *,
    last: bool,
) -> list[Wish]:
    style = styles.at(phrase.start)
    wishes = [
        wish
        for wish in find_wishes(phrase, meant, parts, speech, direction, seed, last=last)
        if wish.forced or EARLIEST <= wish.accent.time <= latest_apex
    ]
    return chosen_wishes(wishes, phrase, style, seed, due=is_due(phrase, style, last=last))


def _without_clashes(chosen: Sequence[list[Wish]]) -> list[list[Wish]]:
    """Where the last stroke of a phrase and the first of the next are too close, the one that matters less goes."""
    kept = [list(wishes) for wishes in chosen]
    for number, (before, after) in enumerate(itertools.pairwise(chosen)):
        if before and after and after[0].accent.time - before[-1].accent.time < _CLASH:
            weaker = min((before[-1], number), (after[0], number + 1), key=lambda w: (w[0].forced, w[0].score))
            if not weaker[0].forced and weaker[0] in kept[weaker[1]]:
                kept[weaker[1]].remove(weaker[0])
    return kept


def _ideas(phrases: Sequence[Phrase], lexicon: Lexicon, styles: StyleSheet, seed: int) -> list[_Idea]:
    ideas = []
    previous: Unit | None = None
    for phrase in phrases:
        random = randomness(seed, "idea", phrase.key)
        beats, weights = _beats(lexicon, styles.at(phrase.start))
        first = int(random.choice(len(weights), p=weights / weights.sum()))
        others = np.where(np.arange(len(weights)) == first, 0.0, weights)
        second = int(random.choice(len(weights), p=others / others.sum())) if others.any() else first
        theme, previous = beats[second if beats[first] is previous else first], beats[first]
        ideas.append(
            _Idea(
                hand=_leading_hand(styles.at(phrase.start), float(random.random())),
                theme=theme,
                place={
                    side: randomness(seed, "place", phrase.key, side).normal(0.0, (0.055, 0.06, 0.04)) for side in SIDES
                },
            )
        )
    return ideas


def _beats(lexicon: Lexicon, style: Style) -> tuple[tuple[Unit, ...], Array]:
    """The units that rhythm may choose in this style, with their weights (N,), none of them zero."""
    favoured = tuple(lexicon.units[name] for name in style.favours if name in lexicon.units)
    units = (*favoured, *(unit for unit in lexicon.beats if unit not in favoured))
    weights = [_FAVOUR * max(u.beat, 0.5) if u in favoured else u.beat for u in units]
    return units, np.array(weights)


def _leading_hand(style: Style, draw: float) -> Hand:
    if style.handedness == "both":
        return "both" if draw < 0.46 else "right" if draw < 0.73 else "left"
    other: Side = "left" if style.handedness == "right" else "right"
    return style.handedness if draw < 0.66 else "both" if draw < 0.82 else other


def _sketch(wish: Wish, phrase: Phrase, idea: _Idea, lexicon: Lexicon, style: Style, seed: int) -> Sketch:
    random = randomness(seed, "stroke", round(wish.accent.time * 100))
    unit = wish.unit or _unit(wish, phrase, idea, lexicon, style, seed, random)
    hand = _hand(unit, idea.hand, style, wish.part, seed)
    sides = SIDES if hand == "both" else (hand,)
    size = style.amplitude * (0.72 + 0.56 * style.energy) * (0.8 + 0.4 * wish.accent.strength)
    size *= (1 + 0.13 * wish.accent.loudness) * (0.5 + 0.5 * wish.emphasis)
    # What the artist emphasises may leave the unit's own range.
    amplitude = float(np.clip(size, unit.amplitude[0], unit.amplitude[1] * max(wish.emphasis, 1.0)))
    looseness = float(np.clip((unit.amplitude[1] - unit.amplitude[0]) / 0.6, 0.0, 1.0))
    paths: dict[Side, list[Posture]] = {}
    for side in sides:
        offset = looseness * (idea.place[side] + np.array([style.width, style.height, 0.0]))
        if hand == "both" and unit.hands == "any":
            offset = offset + _ROOM
        if wish.part and wish.part.role == "list":
            offset = offset + np.array([_LIST_STEP * min(wish.part.place, 4) - 0.05, 0.0, 0.0])
        share = 1.0 if side == sides[-1] or len(sides) == 1 else 0.88
        points = unit.points(second=hand == "both" and side != SIDES[-1])
        paths[side] = _path(unit, points, amplitude * share, random, offset, looseness, both=hand == "both")
    via, then = len(unit.via), len(unit.then)
    shortest, longest = unit.tempo
    travel = max(_length(path[: via + 2]) for path in paths.values())
    natural = 0.34 * np.sqrt(travel / 0.25) * (1.15 - 0.3 * style.energy)
    return Sketch(
        phrase=phrase.key,
        unit=unit,
        hand=hand,
        accent=wish.accent,
        part=wish.part,
        forced=wish.forced,
        amplitude=amplitude,
        before={side: path[0] for side, path in paths.items()},
        via={side: tuple(path[1 : via + 1]) for side, path in paths.items()},
        after={side: path[via + 1] for side, path in paths.items()},
        tempo=(shortest, float(np.clip(natural, shortest, longest)), longest),
        quickness=0.8 + 0.4 * style.energy,
        hold=float(unit.hold[0] + (unit.hold[1] - unit.hold[0]) * random.random()),
        turns=tuple({side: path[via + 2 + n] for side, path in paths.items()} for n in range(then)),
    )


def _unit(
    wish: Wish, phrase: Phrase, idea: _Idea, lexicon: Lexicon, style: Style, seed: int, random: np.random.Generator
) -> Unit:
    """By role, else by rhythm."""
    role: Role | None = wish.part.role if wish.part and wish.part.role in _SPOKEN_ROLES else None
    if role is None and wish.accent.strength > _EMPHATIC and random.random() < 0.4:
        role = "emphasis"
    units = lexicon.having(role) if role else ()
    units = tuple(unit for unit in units if unit.id in style.favours) or units
    if units:
        if role == "contrast":  # both its sides are said with one gesture
            random = randomness(seed, "contrast")
        elif role == "list":
            random = randomness(seed, "list", phrase.key)
        return units[int(random.integers(len(units)))]
    if random.random() < _THEMED:
        return idea.theme
    beats, weights = _beats(lexicon, style)
    return beats[int(random.choice(len(weights), p=weights / weights.sum()))]


def _hand(unit: Unit, leading: Hand, style: Style, part: Part | None, seed: int) -> Hand:
    if unit.hands in ("left", "right"):
        return "left" if unit.hands == "left" else "right"
    if unit.hands == "two":
        return "both"
    if part is not None and part.side is not None:
        return part.side
    if unit.same_hand or (part is not None and part.role == "list"):  # what is enumerated stays on one hand
        if style.handedness == "both":
            return "left" if randomness(seed, "count").random() < 0.5 else "right"
        return style.handedness
    if unit.hands == "one" and leading == "both":
        return "left" if style.handedness == "left" else "right"
    return leading


def _path(
    unit: Unit,
    points: Sequence[Posture],
    amplitude: float,
    random: np.random.Generator,
    offset: Array,
    looseness: float,
    *,
    both: bool,
) -> list[Posture]:
    """``points`` of the unit, from before to the last turning point, sized and never twice the same.

    A unit whose amplitude has no range means a place on the body: it is made exactly there.
    """
    size = 1 + looseness * (float(np.clip(amplitude, 0.3, 1.9)) - 1)
    to = HOME + (unit.after.wrist - HOME) * (0.55 + 0.45 * size) + offset + looseness * random.normal(0, 0.02, 3)
    turn, bend = looseness * random.normal(0, 0.09), looseness * random.normal(0, 0.06)
    path = []
    for posture in points:
        stray = 0.0 if posture is unit.after else looseness * random.normal(0, 0.016, 3)
        wrist = to + (posture.wrist - unit.after.wrist) * size + stray
        wrist[0] = max(wrist[0], min(_INNERMOST if both else _CROSSING, posture.wrist[0]))
        wrist[2] = max(wrist[2], min(_NEAREST, posture.wrist[2]))
        path.append(dataclasses.replace(posture, wrist=wrist, turn=posture.turn + turn, bend=posture.bend + bend))
    return path


def _length(path: Sequence[Posture]) -> float:
    """Arm lengths along the path."""
    return float(sum(np.linalg.norm(b.wrist - a.wrist) for a, b in itertools.pairwise(path)))
