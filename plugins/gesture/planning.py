"""Which gesture strikes where: strokes chosen on accents, with a hand and with times that a body can keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...core.lexicon import Lexicon, Posture, Unit
from ...core.speech import Speech
from ...core.timeline import Hand
from ..contracts import Direction
from .accents import Accent
from .curves import randomness
from .phrases import Phrase
from .style import Style, StyleSheet
from .wishes import Wish, chosen_wishes, find_wishes, is_due, meant_units

Array = NDArray[Any]
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

REST_GAP = 3.0  # s without a stroke after which a hand goes back to rest
_FROM_REST, _FROM_AIR = 0.72, 0.40  # s, preparation
_EARLIEST = 0.62  # s; a hand at rest cannot well strike sooner
_SHORTEST_PREPARATION = 0.24
_LONGEST_WAIT = 0.35  # s between preparation and stroke
_FLOW = 0.3  # share of the stroke into which the preparation flows
_ARRIVED = 0.88  # share of a move after which the hand seems to have stopped: a fifth of its highest speed
_COARTICULATED = 0.9  # s between an apex and the next preparation within which the hand just holds
RETRACTION = 0.85  # s, down to rest
SETTLING = 0.6  # s, towards the ready posture
_SHORTEST_RETRACTION = 0.55
_LAST_HOLD = 0.12  # s that an apex is seen before the line's end
_ROOM = np.array([0.08, 0.0, 0.0])  # arm lengths outward, where both hands make a one-handed unit
_INNERMOST = -0.10  # arm lengths, for each of two hands: nearer, and their fingers would meet
HOME = np.array([0.05, -0.51, 0.51])  # arm lengths; where a raised hand waits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release:
    """How a hand leaves a stroke."""

    hold_end: float  # s
    end: float  # s
    to: Literal["next", "ready", "rest"]  # straight into the next stroke, to wait for it, or down


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PlannedStroke:
    """A stroke with its times, s: ``prepare`` < ``ready`` <= about ``start`` < ``apex`` <= ``hold_end`` <= ``end``."""

    unit: Unit
    hand: Hand
    accent: Accent
    amplitude: float
    before: dict[Side, Posture]
    after: dict[Side, Posture]
    via: dict[Side, tuple[Posture, ...]] = dataclasses.field(default_factory=dict)  # passed between before and after
    then: tuple[tuple[float, dict[Side, Posture]], ...] = ()  # turning points after the apex: when each is reached, s
    prepare: float
    ready: float  # the preparation ends; a little after ``start`` where one flows into the other
    start: float
    apex: float
    hold: float  # how long the hands would hold
    releases: dict[Side, Release] = dataclasses.field(default_factory=dict)

    @property
    def hold_end(self) -> float:
        return max(release.hold_end for release in self.releases.values())

    @property
    def end(self) -> float:
        return max(release.end for release in self.releases.values())

    @property
    def sides(self) -> tuple[Side, ...]:
        return SIDES if self.hand == "both" else (self.hand,)


def plan_strokes(
    speech: Speech,
    phrases: Sequence[Phrase],
    *,
    lexicon: Lexicon,
    direction: Direction,
    styles: StyleSheet,
    seed: int,
    fps: float,
    frames: int,
    warn: Callable[[str], None],
) -> list[PlannedStroke]:
    """The line's strokes in order of time, apexes on frames."""
    meant = meant_units(speech, lexicon, direction, seed, warn)
    nuclei = np.array([nucleus.time for nucleus in speech.nuclei or ()])
    planner = _Planner(lexicon=lexicon, styles=styles, nuclei=nuclei, seed=seed, fps=fps, frames=frames, warn=warn)
    for number, phrase in enumerate(phrases):
        style, last = styles.at(phrase.start), phrase is phrases[-1]
        wishes = [
            wish
            for wish in find_wishes(phrase, meant, speech, direction, seed, last=last)
            if wish.forced or _EARLIEST <= wish.accent.time <= planner.latest_apex
        ]
        due = is_due(phrase, style, last=last)
        struck = planner.add(number, phrase, chosen_wishes(wishes, phrase, style, seed, number, due=due))
        for wish in sorted(wishes, key=lambda w: (-w.score, w.accent.time)):
            if struck or not due:
                break
            struck = planner.add(number, phrase, [wish], pressed=True)
    return planner.finished()


class _Planner:
    """Gives the chosen wishes hands, postures and times, one after the other."""

    def __init__(
        self,
        *,
        lexicon: Lexicon,
        styles: StyleSheet,
        nuclei: Array,
        seed: int,
        fps: float,
        frames: int,
        warn: Callable[[str], None],
    ) -> None:
        self.lexicon, self.styles, self.seed, self.fps, self.warn = lexicon, styles, seed, fps, warn
        self.last_time = (frames - 1) / fps
        self.latest_apex = self.last_time - _LAST_HOLD
        self.latest_return = self.last_time - _SHORTEST_RETRACTION - 0.04  # of an apex from which the hand comes down
        self.nuclei = nuclei
        self.strokes: list[PlannedStroke] = []
        self.last_apex: dict[Side, float] = {"left": -np.inf, "right": -np.inf}
        self.recent: list[str] = []

    def add(self, number: int, phrase: Phrase, wishes: Sequence[Wish], *, pressed: bool = False) -> bool:
        """Whether any of the wishes struck. ``pressed``: better in a hurry than not at all."""
        struck = False
        mode = self._phrase_hand(number, self.styles.at(phrase.start))
        for wish in wishes:
            apex = round(wish.accent.time * self.fps) / self.fps
            in_time = apex <= (self.last_time if wish.forced else self.latest_apex)
            done = in_time and self._strike(wish, apex, mode, number, hurry=pressed or wish.forced)
            struck = struck or done
            if wish.forced and not (done or pressed):
                self.warn(f"The stroke asked for at {wish.accent.time:.2f} s has no room between its neighbours.")
        return struck

    def _phrase_hand(self, number: int, style: Style) -> Hand:
        draw = randomness(self.seed, "hand", number).random()
        if style.handedness == "both":
            return "both" if draw < 0.5 else "right" if draw < 0.75 else "left"
        other: Side = "left" if style.handedness == "right" else "right"
        return style.handedness if draw < 0.60 else "both" if draw < 0.86 else other

    def _strike(self, wish: Wish, apex: float, mode: Hand, phrase: int, *, hurry: bool) -> bool:
        style = self.styles.at(apex)
        random = randomness(self.seed, "stroke", round(wish.accent.time * 100))
        unit = wish.unit or self._beat(random)
        hand = _hand(unit, mode, style)
        sides = SIDES if hand == "both" else (hand,)
        amplitude = (0.65 + 0.7 * style.energy) * style.amplitude * (0.75 + 0.5 * wish.accent.strength) * (0.5 + 0.5 * wish.emphasis)
        before, after = {}, {}
        for side in sides:
            share = 1.0 if side == sides[-1] or len(sides) == 1 else 0.9
            offset = self._phrase_offset(phrase, side)
            if hand == "both" and unit.hands == "any":
                offset = offset + _ROOM
            before[side], after[side] = _varied(unit, amplitude * share, random, offset, both=hand == "both")
        travel = max(float(np.linalg.norm(after[s].wrist - before[s].wrist)) for s in sides)
        duration = float(np.clip(0.30 * np.sqrt(travel / 0.25) * (1.15 - 0.3 * style.energy), 0.2, 0.42))
        start = apex - duration
        free = max(self.last_apex[s] for s in sides) + 0.06
        resting = any(apex - self.last_apex[s] > REST_GAP + 0.3 for s in sides)
        wanted = _FROM_REST if resting else _FROM_AIR
        shortest = 0.42 if resting else _SHORTEST_PREPARATION
        latest = start + _FLOW * duration
        ready = self._landing(latest - wanted, latest, start - _LONGEST_WAIT, latest)
        prepare = max(ready - wanted, free, 0.0)
        if ready - prepare < shortest:  # no time to wait before the stroke
            ready, prepare = latest, max(latest - wanted, free, 0.0)
        if ready - prepare < (0.8 if hurry else 1.0) * shortest:
            return False
        self.strokes.append(
            PlannedStroke(
                unit=unit,
                hand=hand,
                accent=wish.accent,
                amplitude=amplitude,
                before=before,
                after=after,
                prepare=prepare,
                ready=ready,
                start=start,
                apex=apex,
                hold=float(0.16 + 0.3 * random.random()),
            )
        )
        self.recent = [*self.recent[-1:], unit.id]
        for side in sides:
            self.last_apex[side] = apex
        return True

    def _beat(self, random: np.random.Generator) -> Unit:
        weights = np.array([u.beat * (0.25 if u.id in self.recent else 1.0) for u in self.lexicon.beats])
        return self.lexicon.beats[int(random.choice(len(weights), p=weights / weights.sum()))]

    def _phrase_offset(self, phrase: int, side: Side) -> Array:
        return randomness(self.seed, "place", phrase, side).normal(0.0, 0.035, 3)

    def _landing(self, start: float, end: float, earliest: float, latest: float) -> float:
        """The end of a move, shifted so that the hand seems to stop on a syllable, where one is near."""
        tail = (1 - _ARRIVED) * (end - start)
        options = [
            float(n) + tail for n in self.nuclei[slice(*np.searchsorted(self.nuclei, (earliest - tail, latest - tail)))]
        ]
        return min(options, key=lambda option: abs(option - end), default=end)

    def finished(self) -> list[PlannedStroke]:
        """The strokes with each hand's release fitted to what follows on that hand."""
        upcoming: dict[Side, float | None] = {"left": None, "right": None}
        done = []
        for stroke in reversed(self.strokes):
            releases = {side: self._release(stroke, upcoming[side]) for side in stroke.sides}
            done.append(dataclasses.replace(stroke, releases=releases))
            for side in stroke.sides:
                upcoming[side] = stroke.prepare
        return done[::-1]

    def _release(self, stroke: PlannedStroke, following: float | None) -> Release:
        if following is not None and following - stroke.apex < _COARTICULATED:
            return Release(hold_end=following, end=following, to="next")
        hold_end = stroke.apex + stroke.hold
        if following is None and stroke.apex > self.latest_return + 1e-9:  # too late to come down, not to relax
            hold_end = min(hold_end, max(stroke.apex + _LAST_HOLD, self.last_time - 0.4), self.last_time)
            return Release(hold_end=hold_end, end=self.last_time, to="ready")
        if following is not None and following - stroke.apex < REST_GAP - 0.5:
            return Release(hold_end=hold_end, end=min(hold_end + SETTLING, following), to="ready")
        limit = self.last_time if following is None else following
        hold_end = max(stroke.apex, min(hold_end, limit - _SHORTEST_RETRACTION))
        end = min(hold_end + RETRACTION, limit)
        return Release(hold_end=hold_end, end=self._landing(hold_end, end, end - 0.2, min(end + 0.25, limit)), to="rest")


def _hand(unit: Unit, mode: Hand, style: Style) -> Hand:
    if unit.hands in ("left", "right"):
        return "left" if unit.hands == "left" else "right"
    if unit.hands == "two":
        return "both"
    if unit.hands == "one" and mode == "both":
        return "left" if style.handedness == "left" else "right"
    return mode


def _varied(
    unit: Unit, amplitude: float, random: np.random.Generator, offset: Array, *, both: bool
) -> tuple[Posture, Posture]:
    """The unit's postures, sized and never twice the same."""
    size = float(np.clip(amplitude, 0.35, 1.8))
    to = HOME + (unit.after.wrist - HOME) * (0.55 + 0.45 * size) + offset + random.normal(0, 0.02, 3)
    start = to + (unit.before.wrist - unit.after.wrist) * size + random.normal(0, 0.02, 3)
    turn = random.normal(0, 0.09)
    if both:
        to[0], start[0] = max(to[0], _INNERMOST), max(start[0], _INNERMOST)
    before = dataclasses.replace(unit.before, wrist=start, turn=unit.before.turn + turn)
    after = dataclasses.replace(
        unit.after, wrist=to, turn=unit.after.turn + turn, bend=unit.after.bend + random.normal(0, 0.06)
    )
    return before, after
