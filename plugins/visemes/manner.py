"""How somebody speaks at each moment: a style's preset under the sliders, and other ones inside styled ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.report import Report
from ..contracts import Brief
from .table import Manner

Array = NDArray[Any]

_SPEECH_FADE = 0.3  # s over which a styled range comes and goes in what is said
_MOOD_FADE = 1.0  # s, in the mood: a smile takes its time
_MULTIPLIED = ("strength", "jaw", "loudness", "blending")
_MOODS = ("smile", "tension", "snarl")
_NEUTRAL = "neutral"
_FIELDS = dataclasses.fields(Manner)


class Manners:
    """The manner of the line and those of its styled ranges."""

    def __init__(self, brief: Brief, styles: Mapping[str, Manner], report: Report) -> None:
        """A style that the mouth has no preset for is a warning, once: it may be one of the body's."""
        named: dict[str, None] = {}
        self._base = _manner(brief.parameters, styles, named)
        self._ranges = [
            (r.start, r.end, _manner({**brief.parameters, **r.parameters}, styles, named))
            for r in brief.direction.styles
            if any(name in brief.parameters for name in r.parameters)
        ]
        for name in named:
            if name not in styles:
                report.warn(f'The mouth has no style "{name}" and speaks as in neutral; there are {", ".join(styles)}.')

    def curve(self, name: str, times: Array) -> Array:
        """The value of Manner's field ``name`` at ``times`` (T,), s. Where ranges overlap, the later in the list wins."""
        fade = _MOOD_FADE if name in _MOODS else _SPEECH_FADE
        values = np.full(len(times), float(getattr(self._base, name)))
        for start, end, manner in self._ranges:
            share = np.clip(0.5 + np.minimum(times - start, end - times) / fade, 0.0, 1.0)
            values += share * share * (3 - 2 * share) * (getattr(manner, name) - values)
        return values


def _manner(parameters: Mapping[str, Any], styles: Mapping[str, Manner], named: dict[str, None]) -> Manner:
    """``named`` collects the styles that are used."""
    share = float(parameters["blend"])
    named[parameters["style"]] = None
    first = second = styles.get(parameters["style"], styles[_NEUTRAL])
    if share:
        named[parameters["blend_with"]] = None
        second = styles.get(parameters["blend_with"], styles[_NEUTRAL])
    values = {f.name: getattr(first, f.name) * (1 - share) + getattr(second, f.name) * share for f in _FIELDS}
    values |= {name: values[name] * float(parameters[name]) for name in _MULTIPLIED}
    values["smile"] = min(max(values["smile"] + float(parameters["smile"]), -1.0), 1.0)
    return Manner(**values)
