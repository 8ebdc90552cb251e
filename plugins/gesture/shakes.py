"""Shakes of the head over what is denied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .accents import Accent
from .curves import Pulse, randomness, soft_limit
from .style import StyleSheet

_SWING = 0.22  # s, from one side to the other as the head is shaken
_SHAKE, _FARTHEST = 0.19, 0.27  # rad to either side, of a strong word, and however lively the head
_RUN = 1.1  # s; words denied closer to each other than this are one shake
_QUICKEST = 0.17  # s, of a swing in a run


def shakes(denied: Sequence[Accent], styles: StyleSheet, seed: int) -> list[Pulse]:
    """Turns to the left, rad, for the accents of denied words, in order of time.

    Side to side, dying away, farthest a moment after each word's accent; words in a row go on with one shake.
    """
    odd = int(randomness(seed, "shake").random() < 0.5)
    marks: list[tuple[float, float]] = []  # where the head turns back: s, rad to the left
    for number, accent in enumerate(denied):
        style = styles.at(accent.time)
        energy, lively = style.energy, max(style.head, 0.01)
        draws = randomness(seed, "shake", round(accent.time * 100)).random(2)
        # By the word's number and not by the mark before, so that a word that moves changes its neighbours' swings alone.
        sign = 1.0 if (accent.word + odd) % 2 else -1.0
        size = _SHAKE * (0.4 + 0.85 * accent.strength) * (0.8 + 0.4 * energy)
        size = sign * float(soft_limit(np.array(size * lively), _FARTHEST)) / lively
        swing = _SWING * (1.15 - 0.3 * energy) * (0.95 + 0.15 * draws[0])
        top = accent.time + 0.35 * swing
        if number == 0 or accent.time - denied[number - 1].time >= _RUN:
            rest = marks[-1][0] + 0.1 if marks else -np.inf
            marks += [(max(top - 2.2 * swing, rest), 0.0), (top - swing, -0.75 * size)]
        marks.append((top, size))
        following = denied[number + 1] if number + 1 < len(denied) else None
        if following is not None and following.time - accent.time < _RUN:
            way = following.time - accent.time
            least = 2 - (following.word - accent.word) % 2  # an even number of swings comes back to the same side
            counts = range(least, max(int(way / _QUICKEST), 2) + 1, 2)
            swings = min(counts, key=lambda count: abs(np.log(count * _SWING / way)))
            between = (0.8 if following.word - accent.word <= 1 else 0.55) * size * min(1.0, way / swings / _QUICKEST) ** 2
            marks += [(top + way * k / swings, between * (-1) ** k) for k in range(1, swings)]
        else:
            end = np.inf if following is None else following.time - 2.4 * _SWING
            tail = ((1.0, -0.75), (2.0, 0.4)) if draws[1] < 0.75 else ((1.0, -0.6),)
            marks += [(top + late * swing, share * size) for late, share in tail if top + (late + 0.6) * swing < end]
            marks.append((marks[-1][0] + 1.4 * swing, 0.0))
    return [
        Pulse(start=before[0], apex=this[0], hold_end=this[0], end=after[0], height=this[1])
        for before, this, after in zip(marks, marks[1:], marks[2:])
        if this[1]
    ]
