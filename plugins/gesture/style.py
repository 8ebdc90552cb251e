"""The generator's parameters, as they hold at each moment of the line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..contracts import StyledRange
from .curves import minimum_jerk

Array = NDArray[Any]
_FADE = 0.4  # s, over which a styled range comes and goes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Style:
    """How somebody moves. The defaults are the neutral style."""

    energy: float = 0.5  # 0..1, how quick and sharp strokes and head moves are
    rate: float = 28.0  # strokes a minute
    amplitude: float = 1.0  # what stroke sizes are multiplied by
    handedness: Literal["right", "left", "both"] = "right"
    height: float = 0.0  # arm lengths that strokes and the waiting hand are raised
    width: float = 0.0  # arm lengths that strokes and the waiting hand go outward
    tension: float = 0.0  # 0..1, from an easy hand to a tight one, curled towards a fist
    head: float = 1.0  # what the head's moves are multiplied by
    head_down: float = 0.0  # rad, that the head hangs
    gaze: float = 1.0  # how often the eyes leave the listener, 1 natural
    gaze_down: float = 0.0  # 0..1, how many of those looks go down
    posture: float = 0.0  # -1 slumped .. 1 upright, chest out
    lean: float = 0.0  # rad, of the trunk, forward
    sway: float = 1.0  # how far the weight shifts
    steps: float = 1.0  # how often a foot is set anew
    breath: float = 1.0  # depth
    blinks: float = 17.0  # a minute
    smile: float = 0.0  # 0..1 in the eyes and cheeks
    brows: float = 0.0  # -1 lowered .. 1 raised
    worry: float = 0.0  # 0..1, inner brows up
    squint: float = 0.0  # 0..1
    wide: float = 0.0  # 0..1, opened lids
    seated: float = 0.0  # 0 standing, 1 on a chair: for the whole line


@dataclasses.dataclass(frozen=True, kw_only=True)
class StyleSheet:
    """A style for the line and others for ranges of it."""

    base: Style
    ranges: tuple[tuple[float, float, Style], ...] = ()  # start s, end s; a later one wins

    def at(self, time: float) -> Style:
        found = self.base
        for start, end, style in self.ranges:
            if start <= time < end:
                found = style
        return found

    def curve(self, name: str, times: Array) -> Array:
        """The parameter ``name`` (T,), fading into and out of the ranges."""
        values = np.full(len(times), float(getattr(self.base, name)))
        for start, end, style in self.ranges:
            inside = minimum_jerk((times - start) / _FADE + 0.5) * (1 - minimum_jerk((times - end) / _FADE + 0.5))
            values += inside * (float(getattr(style, name)) - values)
        return values


def style_sheet(parameters: Mapping[str, Any], ranges: Sequence[StyledRange]) -> StyleSheet:
    """The style that ``parameters`` give, and those of the ranges on top. Foreign names are passed over."""
    known = {field.name for field in dataclasses.fields(Style)}

    def style(*layers: Mapping[str, Any]) -> Style:
        return Style(**{key: value for layer in layers for key, value in layer.items() if key in known})

    return StyleSheet(
        base=style(parameters),
        ranges=tuple((r.start, r.end, style(parameters, r.parameters)) for r in ranges),
    )
