"""From phones to a gapless run of mouth shapes in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.timeline import Phone, Viseme
from .table import VISEMES, Table, Target

Array = NDArray[Any]

SILENCE = "SIL"
_PAD = 1.0  # s of silence taken before and after the line
_STRESS = {2: 0.95, 0: 0.8}  # unstressed vowels are reduced; primary stress and unknown take the whole shape
_UNDERSHOOT, _UNDERSHOOT_FADES = 0.42, 0.05  # of a vowel's shape that is lost at no length, and s in which that fades
_EDGE = 0.05  # s; a sound longer than twice this holds its shape in between
_SILENT_EDGE = 0.11  # s; the mouth gets ready for speech this long before it, and comes to rest this long after
_SHORT_SILENCE, _LONG_SILENCE = 0.06, 0.26  # s; under the first the mouth passes over it, from the second on it rests
_FIRST_LEAD = 0.1  # more: out of a rest the mouth opens about a tenth of a second ahead of the first sound
_STAND_IN = "HH"  # for a sound that is not in the table: the mouth of its neighbours


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Segments:
    """N mouth shapes one after the other, from before the line to after it."""

    start: Array  # (N,) s
    end: Array  # (N,) s
    edge: Array  # (N,) s at either end in which the shape comes and goes
    viseme: Array  # (N,) index into VISEMES
    shapes: Array  # (N, S) weights
    dominance: Array  # (N, G)
    lead: Array  # (N,) how much earlier than usual the articulators set out for it
    weight: Array  # (N,) for the timeline
    confidence: Array  # (N,)

    def visemes(self, duration: float) -> tuple[Viseme, ...]:
        """What a timeline shows of them. A viseme peaks in its middle; glides and all, they are in order."""
        start, end = np.clip(self.start, 0.0, duration), np.clip(self.end, 0.0, duration)
        middle = (start + end) / 2
        return tuple(
            Viseme(name=VISEMES[v], start=s, peak=p, end=e, weight=w, confidence=c)
            for v, s, p, e, w, c in zip(
                self.viseme.tolist(),
                start.tolist(),
                middle.tolist(),
                end.tolist(),
                self.weight.tolist(),
                self.confidence.tolist(),
            )
            if e > s or VISEMES[v] != "sil"
        )


def unknown_symbols(phones: Sequence[Phone], table: Table) -> list[str]:
    """The symbols that the table lacks, each once, in order of appearance."""
    return list(dict.fromkeys(p.symbol for p in phones if _plain(p.symbol) not in table.phones))


def segments(phones: Sequence[Phone], duration: float, table: Table) -> Segments:
    """The mouth shapes of ``phones``: glides cut in two, gaps filled with silence, silence before and after the line."""
    rows: list[tuple[float, float, Target, float, float]] = []
    for symbol, stress, start, end, confidence in _gapless(phones, duration):
        targets = table.phones.get(symbol, table.phones[_STAND_IN])
        reduced = _STRESS.get(stress, 1.0)
        begin = start
        for target in targets:
            finish = end if target is targets[-1] else begin + target.share * (end - start)
            rows.append((begin, finish, target, reduced, confidence))
            begin = finish
    starts = np.array([row[0] for row in rows])
    ends = np.array([row[1] for row in rows])
    viseme = np.array([row[2].viseme for row in rows])
    scale = np.array([row[3] for row in rows])
    lasting = ends - starts
    silent = viseme == VISEMES.index("sil")
    share = np.clip((lasting - _SHORT_SILENCE) / (_LONG_SILENCE - _SHORT_SILENCE), 0.0, 1.0)
    # Who speaks fast does not get there: the shortfall falls off exponentially with a vowel's length (Lindblom 1963).
    vowel = viseme >= VISEMES.index("aa")
    reached = np.where(vowel, 1.0 - _UNDERSHOOT * np.exp(-lasting / _UNDERSHOOT_FADES), 1.0)
    dominance = np.array([row[2].dominance for row in rows])
    resting = np.where(silent, share * share * (3 - 2 * share), 0.0)
    dominance *= np.where(silent, resting, 1.0)[:, None]
    return Segments(
        start=starts,
        end=ends,
        edge=np.minimum(lasting / 2, np.where(silent, _SILENT_EDGE, _EDGE)),
        viseme=viseme,
        shapes=np.array([row[2].shapes for row in rows]) * (scale * reached)[:, None],
        dominance=dominance,
        lead=1.0 + _FIRST_LEAD * np.concatenate([[0.0], resting[:-1]]),
        weight=np.minimum(1.0, scale * np.array([row[2].scale for row in rows])),
        confidence=np.array([row[4] for row in rows]),
    )


def _gapless(phones: Sequence[Phone], duration: float) -> list[tuple[str, int, float, float, float]]:
    """(symbol, stress, start, end, confidence) without gaps or overlaps, silences in one piece, padded at both ends."""
    found: list[tuple[str, int, float, float, float]] = [(SILENCE, -1, -_PAD, 0.0, 1.0)]

    def add(symbol: str, stress: int, start: float, end: float, confidence: float) -> None:
        last_symbol, last_stress, last_start, last_end, last_confidence = found[-1]
        if start > last_end and symbol != SILENCE:
            add(SILENCE, -1, last_end, start, 1.0)
            last_symbol, last_stress, last_start, last_end, last_confidence = found[-1]
        start = max(start, last_end) if last_symbol == SILENCE else start
        if symbol == SILENCE and last_symbol == SILENCE:
            found[-1] = (SILENCE, -1, last_start, max(last_end, end), min(last_confidence, confidence))
            return
        if start < last_end:  # sounds that overlap share the middle
            start = max(last_start, min(start, last_end))
            found[-1] = (last_symbol, last_stress, last_start, start, last_confidence)
        found.append((symbol, stress, start, max(start, end), confidence))

    for phone in sorted(phones, key=lambda phone: phone.start):
        add(_plain(phone.symbol), phone.stress, phone.start, phone.end, phone.confidence)
    end = max(found[-1][3], duration)
    add(SILENCE, -1, found[-1][3], end + _PAD, 1.0)
    return found


def _plain(symbol: str) -> str:
    """Without the stress digit that some dictionaries write."""
    return symbol.upper().rstrip("012")
