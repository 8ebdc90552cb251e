"""How somebody speaks at each moment: a style's preset under the sliders, and other ones inside styled ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..contracts import Brief
from .table import Manner

Array = NDArray[Any]

_SPEECH_FADE = 0.3  # s over which a styled range comes and goes in what is said
_MOOD_FADE = 1.0  # s, in the mood: a smile takes its time
_MULTIPLIED = ("strength", "jaw", "loudness", "blending")
_MOODS = ("smile", "tension", "snarl")
_LEAST = {"smile": -1.0}


class Manners:
    """The manner of the line and those of its styled ranges."""

    def __init__(self, brief: Brief, styles: Mapping[str, Manner]) -> None:
        """Raises InputError for a style that there is not."""
        self._base = _manner(brief.parameters, styles)
        self._ranges = [
            (r.start, r.end, _manner({**brief.parameters, **r.parameters}, styles))
            for r in brief.direction.styles
            if any(name in brief.parameters for name in r.parameters)
        ]

    def curve(self, name: str, times: Array) -> Array:
        """The value of Manner's field ``name`` at ``times`` (T,), s. Where ranges overlap, the later in the list wins."""
        fade = _MOOD_FADE if name in _MOODS else _SPEECH_FADE
        values = np.full(len(times), float(getattr(self._base, name)))
        for start, end, manner in self._ranges:
            share = np.clip(0.5 + np.minimum(times - start, end - times) / fade, 0.0, 1.0)
            values += share * share * (3 - 2 * share) * (getattr(manner, name) - values)
        return values


def _manner(parameters: Mapping[str, Any], styles: Mapping[str, Manner]) -> Manner:
    style = parameters["style"]
    if style not in styles:
        raise InputError(f'There is no style "{style}" for the mouth.', hint=f"Choose one of {', '.join(styles)}.")
    preset = styles[style]
    values = {name: getattr(preset, name) * float(parameters[name]) for name in _MULTIPLIED}
    moods = {
        name: min(max(getattr(preset, name) + float(parameters.get(name, 0.0)), _LEAST.get(name, 0.0)), 1.0)
        for name in _MOODS
    }
    return dataclasses.replace(preset, **values, **moods)
