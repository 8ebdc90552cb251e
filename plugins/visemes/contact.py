"""Lips that must touch: bilabials close on a frame, F and V reach the teeth, however short the sound."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .segments import Segments
from .table import VISEMES, Table

Array = NDArray[Any]

_HELD_SILENCE = 0.3  # s; lips closed for the first or last sound of a phrase stay closed through the rest beside it
_RESTING = 0.1  # s; a silence at least this long is a rest
_MARGIN = 0.25  # share of the sound at either end in which the lips may still move
_JAW_LEAD = 1.9  # the jaw takes this many times the lips' attack and release: it is the heavier one


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Contacts:
    """N contacts of the lips in order of time."""

    row: Array  # (N,) into the segments
    viseme: Array  # (N,)
    due: Array  # (N,) s, of the frame on which the contact is whole
    since: Array  # (N,) s; it is whole from here
    until: Array  # (N,) s; to here
    attack: Array  # (N,) s, before since
    release: Array  # (N,) s, after until

    def of(self, chosen: Array) -> _Contacts:
        return _Contacts(**{field.name: getattr(self, field.name)[chosen] for field in dataclasses.fields(self)})


def enforce(weights: Array, segments: Segments, table: Table, fps: float, strength: Array) -> Array:
    """``weights`` (T, S) with every contact whole on the frame nearest to its sound's middle.

    Between two contacts the lips part for whatever is said there, if only for a frame. ``strength`` (T,): under one, it
    scales what a contact adds (the pressing, the rolled lip), never the closing.
    """
    times = np.arange(len(weights)) / fps
    amplitude = np.sqrt(np.clip(strength, 0.0, 1.0))[:, None]
    contacts = _contacts(segments, table, fps, len(weights))
    result = weights
    closed = np.zeros(len(weights))
    for viseme, contact in sorted(table.contacts.items(), key=lambda item: item[1].sealed):
        own = contacts.viseme == viseme
        others = np.setdiff1d(contacts.due[~own], contacts.due[own])
        held = contacts.of(own)
        lips = _engaged(times, held, others, held.attack, held.release)
        # The jaw is slower, and where there is too little time for it, it hurries less than the lips do.
        attack, release = np.sqrt(held.attack * contact.attack), np.sqrt(held.release * contact.release)
        jaw = _engaged(times, held, others, _JAW_LEAD * attack, _JAW_LEAD * release)
        touching = np.minimum(result * contact.keep, contact.limit) + contact.shapes * amplitude
        share = np.repeat(lips[:, None], weights.shape[1], axis=1)
        share[:, table.jaw] = jaw
        result = result + share * (touching - result)
        if contact.sealed:
            closed = lips
    result[:, table.close] = closed * result[:, table.jaw]
    return result


def _contacts(segments: Segments, table: Table, fps: float, count: int) -> _Contacts:
    row = np.flatnonzero(np.isin(segments.viseme, list(table.contacts)))
    viseme = segments.viseme[row]
    kinds = [table.contacts[number] for number in viseme.tolist()]
    sealed = np.array([contact.sealed for contact in kinds], dtype=bool)
    frame = _due_frames(segments, row, sealed, fps, count)
    due = frame / fps
    start, end = segments.start[row], segments.end[row]
    margin = _MARGIN * (end - start)
    since, until = np.minimum(start + margin, due), np.maximum(end - margin, due)
    # No gulp of air before a phrase that begins with closed lips, nor after one that ends so.
    resting = (segments.viseme == VISEMES.index("sil")) & (segments.end - segments.start >= _RESTING)
    since = np.where(sealed & resting[row - 1], np.maximum(start - _HELD_SILENCE, segments.start[row - 1]), since)
    until = np.where(sealed & resting[row + 1], np.minimum(end + _HELD_SILENCE, segments.end[row + 1]), until)
    attack, release = (np.array([getattr(contact, name) for contact in kinds], dtype=float) for name in _SPEEDS)
    contacts = _Contacts(row=row, viseme=viseme, due=due, since=since, until=until, attack=attack, release=release)
    _part_between(contacts, segments, frame, fps)
    return contacts


_SPEEDS = ("attack", "release")


def _due_frames(segments: Segments, row: Array, sealed: Array, fps: float, count: int) -> Array:
    """The frame (N,) of each contact. Where two kinds fall on one frame, the bilabial has it and the other moves to the
    next frame on its own side."""
    middle = ((segments.start + segments.end) / 2)[row]
    frame = np.clip(np.round(middle * fps).astype(np.int64), 0, count - 1)
    taken, first = np.unique(frame[sealed], return_index=True)
    clash = np.flatnonzero(~sealed & np.isin(frame, taken))
    rival = middle[sealed][first[np.searchsorted(taken, frame[clash])]] if len(clash) else clash
    frame[clash] = np.clip(frame[clash] + np.where(middle[clash] > rival, 1, -1), 0, count - 1)
    return np.asarray(frame)


def _part_between(contacts: _Contacts, segments: Segments, frame: Array, fps: float) -> None:
    """Shortens holds, releases and attacks (in place) so that the lips have parted on one frame at least between two
    contacts, where a sound lies between them and the contacts leave a frame to it."""
    open_sound = (segments.viseme != VISEMES.index("sil")) & ~np.isin(np.arange(len(segments.viseme)), contacts.row)
    sounds = np.concatenate([[0], np.cumsum(open_sound)])
    row = contacts.row
    between = sounds[row[1:]] - sounds[row[:-1] + 1] > 0
    here = np.flatnonzero(between & (frame[1:] - frame[:-1] >= 2))
    middle = (segments.end[row[here]] + segments.start[row[here + 1]]) / 2
    apart = np.clip(np.round(middle * fps), frame[here] + 1, frame[here + 1] - 1) / fps
    contacts.until[here] = np.minimum(contacts.until[here], np.maximum(apart - 0.6 / fps, contacts.due[here]))
    contacts.since[here + 1] = np.maximum(contacts.since[here + 1], np.minimum(apart + 0.6 / fps, contacts.due[here + 1]))
    contacts.release[here] = np.minimum(contacts.release[here], apart - contacts.until[here])
    contacts.attack[here + 1] = np.minimum(contacts.attack[here + 1], contacts.since[here + 1] - apart)


def _engaged(times: Array, contacts: _Contacts, others: Array, attack: Array, release: Array) -> Array:
    """How far the lips or the jaw are in contacts of one kind (T,), 0..1; one while each is whole.

    ``attack``, ``release`` (N,) s.
    At ``others``, the times of contacts of another kind, it is zero, and none reaches across them.
    """
    if not len(contacts.row):
        return np.zeros(len(times))
    # Bounded by infinities, so that every moment has a contact before it and one after it.
    since = np.concatenate([[-np.inf], contacts.since, [np.inf]])
    until = np.concatenate([[-np.inf], np.maximum.accumulate(contacts.until), [np.inf]])
    attack, release = (np.concatenate([[1.0], speed, [1.0]]) for speed in (attack, release))
    others = np.concatenate([[-np.inf], np.sort(others), [np.inf]])
    last = np.searchsorted(since, times, side="right") - 1
    ahead, behind = since[last + 1] - times, times - until[last]
    next_other = others[np.searchsorted(others, times)]
    last_other = others[np.searchsorted(others, times, side="right") - 1]
    ahead = np.where(next_other < since[last + 1], np.inf, ahead)
    behind = np.where(last_other > until[last], np.inf, behind)
    return np.maximum(_ease(ahead / attack[last + 1]), _ease(behind / release[last]))


def _ease(distance: Array) -> Array:
    """1 at distance 0 or less, 0 from 1 on, smooth between."""
    x = 1.0 - np.clip(distance, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
