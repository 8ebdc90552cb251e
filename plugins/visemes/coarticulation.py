"""Coarticulation: every sound pulls every articulator, the nearer the harder."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .segments import Segments
from .table import Table

Array = NDArray[Any]

_REACH = 14  # neighbours on either side that are heard; beyond, a dominance is under 1e-4 even for the shortest sounds
_EDGE_SHARE = 0.5  # of a sound's edge that its dominance takes over


def blended(times: Array, segments: Segments, table: Table, blending: Array) -> Array:
    """Weights (T, S) at ``times`` (T,), s, by dominance functions (Cohen & Massaro 1993, equations 1-3).

    F_p(t) = sum_s D_sp(t) T_sp / sum_s D_sp(t), with D_sp = alpha_sp exp(-(u / theta_sp)^2): u is the time to the part
    of the sound that holds its shape, theta differs before and after it and with the articulator. The exponent is two
    where theirs is one, for an articulator that neither starts nor stops with a jerk. ``blending`` (N,) stretches theta.
    """
    count = len(segments.start)
    hold_start, hold_end = segments.start + segments.edge, segments.end - segments.edge
    own = _EDGE_SHARE * segments.edge[:, None]
    before = (blending * segments.lead)[:, None] * (table.before + own)
    after = blending[:, None] * (table.after + own)
    here = np.clip(np.searchsorted(segments.start, times, side="right") - 1, 0, count - 1)
    total = np.full((len(times), len(table.before)), 1e-12)
    pulled = np.zeros((len(times), len(table.shapes)))
    # A fixed order of neighbours, so that a sound far away never changes a bit here.
    for step in range(-_REACH, _REACH + 1):
        index = here + step
        valid = (index >= 0) & (index < count)
        index = np.clip(index, 0, count - 1)
        early, late = hold_start[index] - times, times - hold_end[index]
        width = np.where((early > 0)[:, None], before[index], after[index])
        distance = np.maximum(np.maximum(early, late), 0.0)[:, None] / width
        dominance = segments.dominance[index] * np.exp(-(distance**2)) * valid[:, None]
        total += dominance
        pulled += dominance[:, table.articulator] * segments.shapes[index]
    return np.asarray(pulled / total[:, table.articulator])
