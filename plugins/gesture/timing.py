"""When strokes prepare, strike, hold and let go: preparations that flow into them, hands that stay up between them."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.lexicon import Posture
from .planning import SETTLING, PlannedStroke, Release, Side, Sketch

Array = NDArray[Any]

_FROM_REST, _FROM_AIR = 0.70, 0.44  # s, preparation
_FLOW = 0.35  # share of the stroke into which the preparation flows
_AT_LEAST = 0.07  # s that a hand stays at an apex before it prepares the next stroke
_HASTE = 0.6  # share of their natural times under which a preparation is left out
_SHORTEST_GAP = 0.3  # s between two apexes of a hand
_STAYS = 0.85  # s from a hold's natural end to the next apex under which the hand goes straight on
_WAITS = 1.95  # s ... under which it sinks a little and waits; all that a hand does looks no farther ahead
_RETRACTION, _SHORTEST_RETRACTION = 0.95, 0.6  # s, down to rest
LAST_HOLD = 0.12  # s that an apex is seen before the line's end
_CLEAR = 0.5  # s that are kept from the last turning point to the hand's next apex
_TURN_SHARE = 0.85  # of the stroke's time that each turning point after it takes
_ARRIVED = 0.88  # share of a move after which the hand seems to have stopped: a fifth of its highest speed


def timed(
    sketches: Sequence[Sketch], *, nuclei: Array, fps: float, frames: int, warn: Callable[[str], None]
) -> list[PlannedStroke]:
    """The strokes with their times, apexes on frames. One for which a hand has no time is left out; an artist's is told of."""
    last_time = (frames - 1) / fps
    kept = _with_room(sketches, fps, last_time, warn)
    previous: dict[Side, PlannedStroke] = {}
    strokes: list[PlannedStroke] = []
    for number, sketch in enumerate(kept):
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


def _struck(
    sketch: Sketch, before: Sequence[PlannedStroke | None], limit: float, nuclei: Array, fps: float
) -> PlannedStroke:
    """``before``: each hand's stroke before this one; ``limit``: the hand's next apex, s."""
    apex = _apex(sketch, fps)
    free = max((stroke.last + _AT_LEAST for stroke in before if stroke), default=0.0)
    resting = any(stroke is None or (stroke.settles and apex - stroke.last > _WAITS + stroke.hold) for stroke in before)
    wanted = (_FROM_REST if resting else _FROM_AIR) / sketch.quickness
    duration = _on_a_syllable(sketch, apex, nuclei)
    share = (apex - free) / (wanted + (1 - _FLOW) * duration)
    start = dict(sketch.before)
    if share < _HASTE and not resting:  # coarticulated: straight from one stroke to the next
        start = {
            side: _between(stroke.after[side], sketch.after[side]) for side, stroke in zip(sketch.sides, before) if stroke
        }
        duration, prepare = 0.75 * (apex - free), free
        ready = apex - duration + 0.8 * duration
    else:
        duration = max(duration * min(1.0, share), min(sketch.tempo[0], 0.6 * (apex - free)))
        ready = apex - (1 - _FLOW) * duration
        prepare = max(ready - wanted, free)
    return PlannedStroke(
        **{field.name: getattr(sketch, field.name) for field in dataclasses.fields(Sketch) if field.name != "before"},
        before=start,
        prepare=prepare,
        ready=ready,
        start=apex - duration,
        apex=apex,
        then=_turns(sketch, apex, duration, limit, fps),
    )


def _on_a_syllable(sketch: Sketch, apex: float, nuclei: Array) -> float:
    """The stroke's length, s: near its natural one, so that the hand turns into it on a syllable if there is one."""
    shortest, natural, longest = sketch.tempo
    low, high = max(shortest, 0.8 * natural), min(longest, 1.3 * natural)
    lead = 0.94  # seen from the apex: a fifth of the preparation's speed is left a little after the stroke's start
    first, last = bisect.bisect_left(nuclei, apex - lead * high), bisect.bisect_right(nuclei, apex - lead * low)
    options = [(apex - float(n)) / lead for n in nuclei[first:last]]
    return min(options, key=lambda option: abs(option - natural), default=natural)


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
        return Release(hold_end=hold_end, end=min(hold_end + SETTLING, following.prepare), to="ready")
    late = following is None and hold_end + _SHORTEST_RETRACTION > last_time  # too late to come down, not to relax
    if late and stroke.last + _SHORTEST_RETRACTION > last_time:
        hold_end = min(hold_end, max(stroke.last + LAST_HOLD, last_time - 0.4), last_time)
        return Release(hold_end=hold_end, end=last_time, to="ready")
    limit = following.prepare if following else last_time
    hold_end = max(stroke.last, min(hold_end, limit - _SHORTEST_RETRACTION))
    if not stroke.settles and following:
        return Release(hold_end=hold_end, end=min(_landing(hold_end, hold_end + SETTLING, nuclei), limit), to="ready")
    return Release(hold_end=hold_end, end=min(_landing(hold_end, hold_end + _RETRACTION, nuclei), limit), to="rest")


def _landing(start: float, end: float, nuclei: Array) -> float:
    """The end of a move, shifted so that the hand seems to stop on a syllable, where one is near."""
    tail = (1 - _ARRIVED) * (end - start)
    first, last = bisect.bisect_left(nuclei, end - 0.2 - tail), bisect.bisect_right(nuclei, end + 0.25 - tail)
    return min((float(n) + tail for n in nuclei[first:last]), key=lambda option: abs(option - end), default=end)
