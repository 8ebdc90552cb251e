"""Lids and brows: blinks at phrase ends and by rate, brows on pitch, emphasis and questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .curves import Pulse, noise, pulses, randomness
from .phrases import Phrase
from .planning import PlannedStroke
from .style import StyleSheet

Array = NDArray[Any]
_CLOSING, _OPENING = 0.1, 0.16  # s; the lids meet for a frame and open at once
_OPEN = 0.06  # eyeWide of an attentive look: lids off the pupils
_FRIENDLY = 0.1  # eyeSquint of a kind face at rest; more than a third of it in the inner brows would look worried
_APART = 0.5  # s between blinks


def blink_times(
    duration: float, phrases: Sequence[Phrase], gaze_shifts: Sequence[float], styles: StyleSheet, seed: int
) -> list[float]:
    """When the lids meet: where a phrase ends or the gaze leaves, and in between as the rate asks."""
    wanted: list[float] = []
    for number, phrase in enumerate(phrases):
        random = randomness(seed, "blink", number)
        if random.random() < 0.6 * min(1.0, styles.at(phrase.end).blinks / 17):
            wanted.append(phrase.end + float(random.uniform(-0.05, 0.2)))
    for number, time in enumerate(gaze_shifts):
        if randomness(seed, "blink shift", number).random() < 0.35 * min(1.0, styles.at(time).blinks / 17):
            wanted.append(time + 0.04)
    random = randomness(seed, "blink rate")
    fixed = np.array(sorted(wanted))
    a_minute = 60 * len(fixed) / max(duration, 1.0)
    time = float(random.uniform(0.8, 2.5))
    while time < duration:
        rate = styles.at(time).blinks
        clear = min(1.2, 20 / max(rate, 1.0))  # s to the next one
        if len(fixed) and np.abs(fixed - time).min() < clear:
            time += clear / 2
            continue
        if rate > a_minute:
            wanted.append(time)
        # Phrase ends and gaze shifts bring their share, so these come at what is left of the rate.
        time += float(random.gamma(3.0, 1 / 3.0)) * 60 / max(rate - a_minute, 2.0)
    spaced: list[float] = []
    for moment in sorted(wanted):
        if 0.2 < moment < duration - 0.1 and (not spaced or moment - spaced[-1] > _APART):
            spaced.append(moment)
    return spaced


def upper_face(
    times: Array,
    fps: float,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    blinks: Sequence[float],
    look_down: Array,
    styles: StyleSheet,
    seed: int,
) -> dict[str, Array]:
    """Weights (T,) by shape. ``look_down`` (T,): the eyeLookDown weight, which the lids follow."""
    snapped = [round(time * fps) / fps for time in blinks]  # a blink that shuts between frames would be half a blink
    lids = _lids(snapped, times)
    energy = styles.curve("energy", times)
    raised = np.clip(pulses(_raises(phrases, strokes, seed), times), 0, 0.9) * (0.6 + 0.8 * energy)
    lowered = np.clip(pulses(_frowns(strokes), times), 0, 0.8) * (0.6 + 0.8 * energy)
    skew = 0.12 * noise(seed, "brow skew", times, 4.0)
    drift = 0.05 + 0.025 * noise(seed, "brow", times, 2.7)
    open_eye = 1 - lids
    return {
        "eyeBlinkLeft": lids + open_eye * 0.1 * look_down,
        "eyeBlinkRight": lids + open_eye * 0.1 * look_down,
        "eyeWideLeft": (_OPEN + 0.25 * raised) * open_eye,
        "eyeWideRight": (_OPEN + 0.25 * raised) * open_eye,
        "eyeSquintLeft": _FRIENDLY + 0.35 * lowered + 0.25 * lids,
        "eyeSquintRight": _FRIENDLY + 0.35 * lowered + 0.25 * lids,
        "browInnerUp": 0.75 * raised + drift + 0.3 * _FRIENDLY,
        "browOuterUpLeft": (0.7 + skew) * raised + drift,
        "browOuterUpRight": (0.7 - skew) * raised + drift,
        "browDownLeft": lowered,
        "browDownRight": lowered,
    }


def _lids(blinks: Sequence[float], times: Array) -> Array:
    """How far the lids are shut (T,) 0..1: they fall evenly, and rise fast at first and slower at the end."""
    shut = np.zeros(len(times))
    for blink in blinks:
        first, last = np.searchsorted(times, (blink - _CLOSING, blink + _OPENING))
        falling = np.clip((times[first:last] - blink) / _CLOSING + 1, 0, 1)
        rising = np.clip((times[first:last] - blink) / _OPENING, 0, 1)
        shut[first:last] = np.maximum(shut[first:last], falling**2 * (3 - 2 * falling) * (1 - rising) ** 2)
    return shut


def _raises(phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], seed: int) -> list[Pulse]:
    struck = {stroke.accent.time for stroke in strokes if stroke.unit.head != "shake"}
    found: list[Pulse] = []
    for phrase in phrases:
        for accent in phrase.accents:
            draw = randomness(seed, "brow", round(accent.time * 100)).random()
            eager = 0.5 * accent.strength + 0.08 * max(accent.pitch, 0.0) + 0.2 * (accent.time in struck)
            if draw < eager - 0.25 and (not found or accent.time - found[-1].apex > 0.6):
                height = 0.2 + 0.3 * accent.strength + 0.04 * max(accent.pitch, 0.0)
                t = accent.time
                found.append(Pulse(start=t - 0.18, apex=t, hold_end=t + 0.12, end=t + 0.5, height=min(height, 0.7)))
        if phrase.mark == "?":
            t = phrase.accents[-1].time
            found.append(Pulse(start=t - 0.3, apex=t, hold_end=phrase.end + 0.15, end=phrase.end + 0.7, height=0.55))
    return found


def _frowns(strokes: Sequence[PlannedStroke]) -> list[Pulse]:
    return [
        Pulse(start=s.prepare, apex=s.apex, hold_end=s.hold_end, end=s.hold_end + 0.6, height=0.35)
        for s in strokes
        if s.unit.head == "shake"
    ]
