"""When strokes prepare, strike, hold and let go: preparations that flow into them, hands that stay up between them."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.lexicon import Posture
from .paths import turn_time
from .planning import HOME, SETTLING, SIDES, PlannedStroke, Release, Side, Sketch

Array = NDArray[Any]

_FROM_REST, _FROM_AIR = 0.70, 0.44  # s, preparation
_OPTIONS = (  # other lengths of a stroke, in its natural one, and waits before it, s
    (0.9, 0.0), (1.1, 0.0), (1.0, 0.05), (0.8, 0.0), (1.2, 0.0), (1.0, 0.12), (0.9, 0.08), (1.0, 0.2), (1.3, 0.0), (1.0, 0.28),
    (0.85, 0.24), (1.1, 0.08), (1.1, 0.16), (0.9, 0.36),
)  # fmt: skip
_EASY = 0.12  # strain that needs no other option
_OFF_BEAT = 12.0  # strain of a turn off a syllable, a second: 50 ms weigh as much as a stroke 0.6 of its length longer
_FLUENT = 0.2  # strain of leaving out the turn between preparation and stroke
_UNHURRIED = 1.2  # of its natural time, the preparation then
_CORNER = -0.35  # cosine between the ways of both, under which the hand must turn
_HANGING = np.array([0.2, -0.96, 0.08])  # arm lengths; about where a hand hangs
_FLOW = 0.35  # share of the stroke into which the preparation flows
_AT_LEAST = 0.07  # s that a hand stays at an apex before it prepares the next stroke
_HASTE = 0.6  # share of their natural times under which a preparation is left out
_SHORTEST_GAP = 0.3  # s between two apexes of a hand
_STAYS = 0.85  # s from a hold's natural end to the next apex under which the hand goes straight on
_WAITS = 1.95  # s ... under which it sinks a little and waits; else it goes down: no state is handed on for longer
_RETRACTION, _SHORTEST_RETRACTION = 0.95, 0.8  # s, down to rest
LAST_HOLD = 0.12  # s that an apex is seen before the line's end
_CLEAR = 0.5  # s that are kept from the last turning point to the hand's next apex
_TURN_SHARE = 0.85  # of the stroke's time that each turning point after it takes
_TAIL = 0.12  # share of a move that is left when the hand seems to have stopped


def timed(
    sketches: Sequence[Sketch], *, nuclei: Array, fps: float, frames: int, warn: Callable[[str], None]
) -> list[PlannedStroke]:
    """The strokes with their times, apexes on frames. One for which a hand has no time is left out; an artist's is told of."""
    last_time = (frames - 1) / fps
    kept = _with_room(sketches, fps, last_time, warn)
    previous: dict[Side, PlannedStroke] = {}
    strokes: list[PlannedStroke] = []
    for number, sketch in enumerate(kept):
        sketch = _with_hands_free(sketch, previous, fps)
        following = (_apex(k, fps) for k in kept[number + 1 :] if set(k.sides) & set(sketch.sides))
        limit = next(following, last_time + _CLEAR - LAST_HOLD)
        stroke = _struck(sketch, [previous.get(side) for side in sketch.sides], limit, nuclei, fps)
        strokes.append(stroke)
        previous |= dict.fromkeys(stroke.sides, stroke)
    return _released(strokes, nuclei, last_time)


def _apex(sketch: Sketch, fps: float) -> float:
    return round(sketch.accent.time * fps) / fps


def _with_room(sketches: Sequence[Sketch], fps: float, last_time: float, warn: Callable[[str], None]) -> list[Sketch]:
    kept: list[Sketch] = []
    for sketch in sketches:
        apex = _apex(sketch, fps)
        busy = next((k for k in reversed(kept) if set(k.sides) & set(sketch.sides)), None)
        crowded = busy is not None and apex - _apex(busy, fps) < _SHORTEST_GAP
        if crowded and busy is not None and sketch.forced and not busy.forced:
            kept.remove(busy)
            crowded = False
        if not crowded and apex <= last_time and apex >= 0.25:
            kept.append(sketch)
        elif sketch.forced:
            warn(f"The stroke asked for at {sketch.accent.time:.2f} s has no room between its neighbours.")
    return kept


def _with_hands_free(sketch: Sketch, previous: Mapping[Side, PlannedStroke], fps: float) -> Sketch:
    """A two-handed stroke of which one hand comes up from rest, but must wait for the busy other one, is made by that one."""
    if sketch.hand != "both" or sketch.unit.hands != "any":
        return sketch
    apex = _apex(sketch, fps)
    last = {side: previous[side].last if side in previous else -np.inf for side in SIDES}
    busy: Side = max(SIDES, key=lambda side: last[side])
    idle: Side = "left" if busy == "right" else "right"
    hurried = apex - last[busy] < _FROM_REST + sketch.tempo[1]
    return sketch.by(busy) if hurried and apex - last[idle] > _WAITS else sketch


def _struck(
    sketch: Sketch, before: Sequence[PlannedStroke | None], limit: float, nuclei: Array, fps: float
) -> PlannedStroke:
    """``before``: each hand's stroke before this one; ``limit``: the hand's next apex, s."""
    apex = _apex(sketch, fps)
    free = max((stroke.last + _AT_LEAST for stroke in before if stroke), default=0.0)
    resting = any(stroke is None or apex - stroke.last > _WAITS + stroke.hold for stroke in before)
    wanted = (_FROM_REST if resting else _FROM_AIR) / sketch.quickness
    shortest, natural, longest = sketch.tempo
    side = sketch.sides[-1]
    place = _start_place(before[-1], apex, side, resting=resting)

    def strain(option: PlannedStroke) -> float:
        """How far it is from its natural time, and its turn from a syllable, where the hand stops there at all."""
        late = abs(option.apex - option.start - natural) / natural + 1.5 * max(option.start - option.ready, 0.0)
        late += _FLUENT * option.fluent
        turn = turn_time(option, side, place)
        return late + (_OFF_BEAT * _distance(turn, nuclei) if turn is not None else 0.0)

    def option(length: float, wait: float, *, slower: float = 1.0) -> PlannedStroke:
        return _with_length(sketch, before, length, slower * wanted, wait, free, resting=resting, fps=fps)

    best = option(natural, 0.0)
    least = strain(best) if len(nuclei) else 0.0
    for length, wait in _OPTIONS:
        if least < _EASY:
            break
        other = option(float(np.clip(length * natural, shortest, longest)), wait)
        if (new := strain(other)) < least:
            best, least = other, new
    if least > _FLUENT and all(_flows(sketch, side, place) for side in sketch.sides):
        other = dataclasses.replace(option(natural, 0.0, slower=_UNHURRIED), fluent=True)
        if strain(other) < least:
            best = other
    return dataclasses.replace(best, then=_turns(sketch, apex, apex - best.start, limit, fps))


def _flows(sketch: Sketch, side: Side, place: Array) -> bool:
    """Whether a hand from ``place`` may go through preparation and stroke in one move.

    Not where it would turn back, nor where its way is bent already, nor onto a place on the body.
    """
    come, go = sketch.before[side].wrist - place, sketch.after[side].wrist - sketch.before[side].wrist
    lengths = float(np.linalg.norm(come) * np.linalg.norm(go))
    free = not sketch.via[side] and sketch.unit.amplitude[0] < sketch.unit.amplitude[1]
    return free and float(come @ go) > _CORNER * lengths


def _with_length(
    sketch: Sketch,
    before: Sequence[PlannedStroke | None],
    duration: float,
    wanted: float,
    wait: float,
    free: float,
    *,
    resting: bool,
    fps: float,
) -> PlannedStroke:
    """The stroke ``duration`` s long if there is time, its preparation ``wanted`` s, with a ``wait`` between if both fit."""
    apex = _apex(sketch, fps)
    share = (apex - free) / (wanted + (1 - _FLOW) * duration)
    start = dict(sketch.before)
    if share < _HASTE and not resting:  # coarticulated: straight from one stroke to the next
        start = {
            side: _between(stroke.after[side], sketch.after[side]) for side, stroke in zip(sketch.sides, before) if stroke
        }
        duration, prepare = 0.75 * (apex - free), free
        ready = apex - 0.2 * duration
    else:
        duration = max(duration * min(1.0, share), min(sketch.tempo[0], 0.6 * (apex - free)))
        ready = apex - (1 - _FLOW) * duration
        if wait and ready - wait - wanted >= free:
            ready -= wait + _FLOW * duration
        prepare = max(ready - wanted, free)
    return PlannedStroke(
        **{field.name: getattr(sketch, field.name) for field in dataclasses.fields(Sketch) if field.name != "before"},
        before=start,
        prepare=prepare,
        ready=ready,
        start=apex - duration,
        apex=apex,
    )


def _start_place(before: PlannedStroke | None, apex: float, side: Side, *, resting: bool) -> Array:
    """About where the hand sets off, arm lengths: where its last stroke left it, where it waits, or at the side."""
    if before is None or resting:
        return _HANGING
    last = before.then[-1][1].get(side, before.after[side]) if before.then else before.after[side]
    waits = apex - before.last - before.hold > _STAYS
    return np.asarray(last.wrist + 0.4 * (HOME - last.wrist) if waits else last.wrist)


def _distance(time: float, nuclei: Array) -> float:
    """Seconds to the nearest nucleus, up to two deviations of the sync measure."""
    place = bisect.bisect_left(nuclei, time)
    return min((abs(float(n) - time) for n in nuclei[max(place - 1, 0) : place + 1]), default=0.1)


def _between(a: Posture, b: Posture) -> Posture:
    mean = {f.name: (getattr(a, f.name) + getattr(b, f.name)) / 2 for f in dataclasses.fields(Posture)}
    return Posture(**mean)


def _turns(
    sketch: Sketch, apex: float, duration: float, limit: float, fps: float
) -> tuple[tuple[float, dict[Side, Posture]], ...]:
    """The turning points after the apex that there is time for."""
    step = max(round(_TURN_SHARE * duration * fps), 1) / fps
    room = limit - apex - _CLEAR
    return tuple((apex + step * (n + 1), turn) for n, turn in enumerate(sketch.turns) if step * (n + 1) <= room)


def _released(strokes: Sequence[PlannedStroke], nuclei: Array, last_time: float) -> list[PlannedStroke]:
    """The strokes with each hand's release fitted to what follows on that hand."""
    upcoming: dict[Side, PlannedStroke | None] = {"left": None, "right": None}
    done = []
    for stroke in reversed(strokes):
        releases = {side: _release(stroke, upcoming[side], nuclei, last_time) for side in stroke.sides}
        done.append(dataclasses.replace(stroke, releases=releases))
        upcoming |= dict.fromkeys(stroke.sides, stroke)
    return done[::-1]


def _release(stroke: PlannedStroke, following: PlannedStroke | None, nuclei: Array, last_time: float) -> Release:
    hold_end = stroke.last + stroke.hold
    ahead = following.apex - hold_end if following else np.inf
    if following and ahead < _STAYS:
        return Release(hold_end=following.prepare, end=following.prepare, to="next")
    if following and ahead < _WAITS:
        hold_end = min(hold_end, following.prepare)
        end = min(_landing(hold_end, min(hold_end + SETTLING, following.prepare), nuclei), following.prepare)
        return Release(hold_end=hold_end, end=end, to="ready")
    late = following is None and hold_end + _SHORTEST_RETRACTION > last_time  # too late to come down, not to relax
    if late and stroke.last + _SHORTEST_RETRACTION > last_time:
        hold_end = min(hold_end, max(stroke.last + LAST_HOLD, last_time - 0.4), last_time)
        return Release(hold_end=hold_end, end=last_time, to="ready")
    limit = following.prepare if following else last_time
    hold_end = max(stroke.last, min(hold_end, limit - _SHORTEST_RETRACTION))
    return Release(hold_end=hold_end, end=min(_landing(hold_end, hold_end + _RETRACTION, nuclei), limit), to="rest")


def _landing(start: float, end: float, nuclei: Array) -> float:
    """The end of a move, shifted so that the hand seems to stop on a syllable, where one is near."""
    tail = _TAIL * (end - start)
    earliest = max(end - 0.2, start + 0.6 * (end - start))
    first, last = bisect.bisect_left(nuclei, earliest - tail), bisect.bisect_right(nuclei, end + 0.25 - tail)
    return min((float(n) + tail for n in nuclei[first:last]), key=lambda option: abs(option - end), default=end)
