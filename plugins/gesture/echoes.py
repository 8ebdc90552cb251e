"""Small beats of hands that are up and wait: they keep time with the accents that carry no stroke of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accents import Accent
from .curves import Pulse, minimum_jerk, pulses, randomness
from .planning import PlannedStroke, Side
from .style import StyleSheet

Array = NDArray[Any]
_DROP = 0.075  # rad in gesture space for a middling accent: about 3 cm of the wrist
_BEND = 0.16  # rad of the wrist with it
_CHANCE = 0.85  # of an accent of full strength
_LOWEST, _UP = -0.86, -0.64  # arm lengths over the shoulder between which a hand comes to count as up
_CLEAR, _RISE = 0.1, 0.47  # s: before a stroke of the same hand; about what a beat takes before and after its accent
_APART = 0.5  # s between two


class Echoes:
    """One hand's small beats."""

    def __init__(
        self, accents: Sequence[Accent], strokes: Sequence[PlannedStroke], side: Side, styles: StyleSheet, seed: int
    ) -> None:
        busy = [(min(s.prepare, s.apex - _RISE) - _CLEAR, s.last + _RISE) for s in strokes if side in s.sides]
        self._pulses: list[Pulse] = []
        last = -np.inf
        for accent in accents:
            draw = randomness(seed, "echo", side, round(accent.time * 100)).random()
            weak = draw > _CHANCE * min(1.0, 0.45 + accent.strength) or not (accent.content or accent.strength > 0.6)
            t = accent.time
            if weak or any(begin < t < end for begin, end in busy) or t - last < _APART:
                continue
            last = t
            style = styles.at(t)
            size = _DROP * (0.4 + accent.strength) * (0.7 + 0.6 * style.energy) * style.amplitude
            size *= (0.75 + 0.5 * draw) * (style.rate > 0)
            self._pulses += [
                Pulse(start=t - 0.50, apex=t - 0.24, hold_end=t - 0.26, end=t, height=0.45 * size),
                Pulse(start=t - 0.28, apex=t, hold_end=t + 0.02, end=t + 0.46, height=-size),
            ]

    def at(self, times: Array, heights: Array) -> tuple[Array, Array]:
        """Upward (T,) and towards the palm (T,), rad. ``heights`` (T,): the wrist's over the shoulder, arm lengths."""
        up = minimum_jerk((heights - _LOWEST) / (_UP - _LOWEST)) * pulses(self._pulses, times)
        return up, -up * (_BEND / _DROP)
