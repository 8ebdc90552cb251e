"""Lips that must touch: bilabials close on a frame, F and V reach the teeth, however short the sound."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .segments import Segments
from .table import VISEMES, Contact, Table

Array = NDArray[Any]

_HELD_SILENCE = 0.3  # s; lips closed for the first or last sound of a phrase stay closed through the rest beside it
_RESTING = 0.1  # s; a silence at least this long is a rest
_MARGIN = 0.25  # share of the sound at either end in which the lips may still move
_JAW_LEAD = 1.6  # the jaw takes this many times the lips' attack and release: it is the heavier one


def enforce(weights: Array, segments: Segments, table: Table, fps: float, strength: Array) -> Array:
    """``weights`` (T, S) with every contact whole on the frame nearest to its sound's middle.

    ``strength`` (T,): under one, it scales what a contact adds (the pressing, the rolled lip), never the closing.
    """
    times = np.arange(len(weights)) / fps
    amplitude = np.minimum(strength, 1.0)[:, None]
    frames = _due_frames(segments, table, fps, len(weights))
    result = weights
    closed = np.zeros(len(weights))
    for viseme, contact in sorted(table.contacts.items(), key=lambda item: item[1].sealed):
        others = np.concatenate([rows for other, rows in frames.items() if other != viseme])
        others = np.setdiff1d(others, frames[viseme]) / fps
        lips, jaw = _engaged(times, segments, viseme, contact, frames[viseme] / fps, others)
        touching = np.minimum(result * contact.keep, contact.limit) + contact.shapes * amplitude
        share = np.repeat(lips[:, None], weights.shape[1], axis=1)
        share[:, table.jaw] = jaw
        result = result + share * (touching - result)
        if contact.sealed:
            closed = lips
    result[:, table.close] = closed * result[:, table.jaw]
    return result


def _due_frames(segments: Segments, table: Table, fps: float, count: int) -> dict[int, Array]:
    """The frame of each contact, by viseme. Where two kinds fall on one frame, the bilabial has it and the other moves
    to the next frame on its own side."""
    middle = (segments.start + segments.end) / 2
    middles = {viseme: middle[segments.viseme == viseme] for viseme in table.contacts}
    frames = {viseme: np.clip(np.round(times * fps).astype(np.int64), 0, count - 1) for viseme, times in middles.items()}
    sealed = next(viseme for viseme, contact in table.contacts.items() if contact.sealed)
    for viseme, own in frames.items():
        clash = np.isin(own, frames[sealed])
        if viseme != sealed and clash.any():
            rival = middles[sealed][np.searchsorted(frames[sealed], own[clash])]
            own[clash] = np.clip(own[clash] + np.where(middles[viseme][clash] > rival, 1, -1), 0, count - 1)
    return frames


def _engaged(
    times: Array, segments: Segments, viseme: int, contact: Contact, due: Array, others: Array
) -> tuple[Array, Array]:
    """How far the lips (T,) and the jaw (T,) are in the contact, 0..1; one at each of the times ``due``.

    At ``others``, the times of contacts of another kind, it is zero, and none reaches across them.
    """
    rows = np.flatnonzero(segments.viseme == viseme)
    if not len(rows):
        return np.zeros(len(times)), np.zeros(len(times))
    start, end = segments.start[rows], segments.end[rows]
    margin = _MARGIN * (end - start)
    since, until = np.minimum(start + margin, due), np.maximum(end - margin, due)
    if contact.sealed:  # no gulp of air before a phrase that begins with closed lips, nor after one that ends so
        resting = (segments.viseme == VISEMES.index("sil")) & (segments.end - segments.start >= _RESTING)
        since = np.where(resting[rows - 1], np.maximum(start - _HELD_SILENCE, segments.start[rows - 1]), since)
        until = np.where(resting[rows + 1], np.minimum(end + _HELD_SILENCE, segments.end[rows + 1]), until)
    # Bounded by infinities, so that every moment has a contact before it and one after it.
    since = np.concatenate([[-np.inf], since, [np.inf]])
    until = np.concatenate([[-np.inf], np.maximum.accumulate(until), [np.inf]])
    others = np.concatenate([[-np.inf], np.sort(others), [np.inf]])
    last = np.searchsorted(since, times, side="right") - 1
    ahead, behind = since[last + 1] - times, times - until[last]
    next_other = others[np.searchsorted(others, times)]
    last_other = others[np.searchsorted(others, times, side="right") - 1]
    ahead = np.where(next_other < since[last + 1], np.inf, ahead)
    behind = np.where(last_other > until[last], np.inf, behind)
    lips, jaw = (
        np.maximum(_ease(ahead / (slower * contact.attack)), _ease(behind / (slower * contact.release)))
        for slower in (1.0, _JAW_LEAD)
    )
    return lips, jaw


def _ease(distance: Array) -> Array:
    """1 at distance 0 or less, 0 from 1 on, smooth between."""
    x = 1.0 - np.clip(distance, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
