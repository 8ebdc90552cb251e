"""The generator's parameters, as they hold at each moment of the line."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.toml_file import TomlTable, read_toml
from ..contracts import StyledRange
from .curves import minimum_jerk

Array = NDArray[Any]
SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "gestures" / "styles.toml"
_FORMAT = 1
_SLIDERS = ("energy", "rate", "amplitude", "head", "gaze", "sway", "steps", "breath", "blinks")  # multiply the style's
_DEGREE = np.pi / 180
_DEGREES = ("head_down", "lean")  # written in degrees
_LIMITS: Mapping[str, tuple[float, float]] = {
    "energy": (0, 1), "rate": (0, 80), "amplitude": (0.2, 2), "height": (-0.2, 0.3), "width": (-0.2, 0.3),
    "tension": (0, 1), "head": (0, 3), "head_down": (-15, 25), "gaze": (0, 3), "gaze_down": (0, 1), "posture": (-1, 1),
    "lean": (-10, 15), "sway": (0, 3), "steps": (0, 3), "breath": (0, 3), "blinks": (0, 60), "smile": (0, 1),
    "brows": (-1, 1), "worry": (0, 1), "squint": (0, 1), "wide": (0, 1),
}  # fmt: skip
_FADE = 0.4  # s, over which a styled range comes and goes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Style:
    """How somebody moves. The defaults are the neutral style."""

    energy: float = 0.5  # 0..1, how quick and sharp strokes and head moves are
    rate: float = 20.0  # strokes a minute
    amplitude: float = 1.0  # what stroke sizes are multiplied by
    favours: tuple[str, ...] = ()  # gestures that rhythm and roles choose above others
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


def style_sheet(
    parameters: Mapping[str, Any], ranges: Sequence[StyledRange], styles: Mapping[str, Style] | None = None
) -> StyleSheet:
    """The style that ``parameters`` give, and those of the ranges on top. Foreign names are passed over.

    Raises InputError for a style that there is not among ``styles`` (the shipped ones if None).
    """
    known = read_styles() if styles is None else styles
    return StyleSheet(
        base=_chosen(parameters, known),
        ranges=tuple((r.start, r.end, _chosen({**parameters, **r.parameters}, known)) for r in ranges),
    )


def _chosen(parameters: Mapping[str, Any], styles: Mapping[str, Style]) -> Style:
    """The style named by the parameters, blended with another, then as the sliders have it."""
    first = _named(parameters.get("style", "neutral"), styles)
    share = float(parameters.get("blend", 0.0))
    if share:
        first = _blended(first, _named(parameters.get("blend_with", "neutral"), styles), share)
    values: dict[str, Any] = {name: getattr(first, name) * float(parameters.get(name, 1.0)) for name in _SLIDERS}
    values["energy"] = min(values["energy"], 1.0)
    values["posture"] = float(np.clip(first.posture + float(parameters.get("posture", 0.0)), -1.0, 1.0))
    values["handedness"] = parameters.get("handedness", first.handedness)
    values["seated"] = float(bool(parameters.get("seated", False)))
    return dataclasses.replace(first, **values)


def _named(name: str, styles: Mapping[str, Style]) -> Style:
    if name not in styles:
        near = difflib.get_close_matches(name, styles, n=1)
        raise InputError(
            f'There is no style "{name}".',
            hint=f"Did you mean {near[0]}?" if near else f"There are {', '.join(styles)}.",
        )
    return styles[name]


def _blended(one: Style, other: Style, share: float) -> Style:
    """Numbers in between; the rest from the nearer one."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Style):
        a, b = getattr(one, field.name), getattr(other, field.name)
        values[field.name] = a + share * (b - a) if isinstance(a, float | int) else (b if share > 0.5 else a)
    return Style(**values)


def read_styles(path: Path | None = None, warn: Callable[[str], None] | None = None) -> dict[str, Style]:
    """The shipped styles, with those of the file ``path`` on top.

    A style that is not as it should be is told to ``warn``, with the line and the reason, and passed over. Raises
    InputError for a file that cannot be read at all.
    """
    return _shipped() | _read(path, warn) if path else dict(_shipped())


@functools.cache
def _shipped() -> dict[str, Style]:
    return _read(SHIPPED, None)


def _read(path: Path, warn: Callable[[str], None] | None) -> dict[str, Style]:
    file = read_toml(path, "The style file")
    file.only("format", "styles")
    if file.integer("format") != _FORMAT:
        raise file.wrong("format", f"format should be {_FORMAT}")
    return file.table("styles").each(_style, warn)


def _style(table: TomlTable) -> Style:
    table.only("title", "favours", *_LIMITS)
    neutral = Style()
    values: dict[str, Any] = {}
    for name, (low, high) in _LIMITS.items():
        if name in table:
            values[name] = table.number(name, low=low, high=high) * (_DEGREE if name in _DEGREES else 1.0)
    if "title" in table:
        table.text("title")
    values["favours"] = table.texts("favours")
    return dataclasses.replace(neutral, **values)
