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
    """The manifest's parameters."""

    energy: float = 0.5
    rate: float = 36.0  # strokes a minute
    handedness: Literal["right", "left", "both"] = "right"
    head: float = 1.0
    gaze: float = 1.0
    sway: float = 1.0
    blinks: float = 17.0  # a minute

    @property
    def amplitude(self) -> float:
        """What stroke sizes are multiplied by."""
        return 0.65 + 0.7 * self.energy


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
