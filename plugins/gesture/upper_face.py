"""Brows, cheeks and the eyes' opening: on pitch and emphasis, questions and doubts, moods, laughs and sighs; over the lids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.face import ARKIT, ARKIT_INDEX
from ...core.speech import Speech, VocalSound
from .curves import Pulse, noise, pulses, randomness
from .head import UNSURE, plain
from .lids import Blink, closure
from .phrases import Phrase
from .planning import PlannedStroke
from .roles import Part
from .style import StyleSheet

Array = NDArray[Any]
_OPEN = 0.10  # eyeWide of an attentive look: lids off the pupils
_FRIENDLY = 0.06  # eyeSquint of a face at ease
_CREASED = 0.25  # eyeSquint of shut eyes
_APART = 0.55  # s between raises of the brows
_FORCE = 0.42  # from which what is denied is frowned at ...
_TOGETHER = 1.2  # s; ... and what is denied as near to it as this
_MOST_RAISED, _MOST_LOWERED = 0.85, 0.8


def upper_face(
    times: Array,
    fps: float,
    speech: Speech,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    parts: Mapping[int, Part],
    blinks: Sequence[Blink],
    look_down: Array,
    styles: StyleSheet,
    seed: int,
) -> dict[str, Array]:
    """Weights (T,) by shape. ``look_down`` (T,) rad: the eyes' way down, which the lids follow; negative is up."""

    def curve(name: str) -> Array:
        return styles.curve(name, times)

    sounds = speech.sounds or ()
    smile, squint, worry, wide = curve("smile"), curve("squint"), curve("worry"), curve("wide")
    high, low = np.maximum(curve("brows"), 0.0), np.maximum(-curve("brows"), 0.0)
    vivid = (0.65 + 0.7 * curve("energy")) * (1 - 0.5 * low)
    frowns, doubts = _denials(phrases, strokes, parts, styles)
    both, left, right = _raises(phrases, strokes, parts, speech, doubts, times, seed)
    frown = np.clip(pulses(frowns, times), 0, 0.65) * vivid
    laugh, sigh, breath = (pulses(_answers(sounds, kind), times) for kind in ("laugh", "sigh", "breath"))
    drift = 0.04 + 0.02 * noise(seed, "brow", times, 2.7)
    skew = 0.25 * noise(seed, "brow skew", times, 4.0)

    inner = 0.7 * both * vivid + 0.65 * worry + 0.3 * high + 0.22 * laugh + 0.3 * sigh + 0.08 * breath + drift
    lowered = np.clip(frown + 0.95 * low + 0.12 * worry, 0, _MOST_LOWERED)
    weights = {"browInnerUp": np.clip(inner * (1 - 0.6 * lowered), 0, _MOST_RAISED)}
    for side, own, lean in (("Left", left, 1 + skew), ("Right", right, 1 - skew)):
        shut = closure(blinks, times, fps, side)
        open_eye = 1 - shut
        rest_shut = 0.12 * laugh + 0.22 * sigh  # lids that come together without a blink
        weights[f"eyeBlink{side}"] = shut + open_eye * rest_shut
        # The eyeLook shapes bring the lids along; a waking eye's go a little less far down.
        opened = _OPEN + 0.5 * wide + 0.22 * both * vivid + 0.45 * np.abs(look_down) + 0.06 * breath
        weights[f"eyeWide{side}"] = opened * open_eye * (1 - np.clip(2 * rest_shut, 0, 1))
        narrow = _FRIENDLY + 0.3 * frown + 0.25 * low + 0.65 * squint + 0.3 * smile + 0.55 * laugh
        weights[f"eyeSquint{side}"] = np.clip(narrow, 0, 0.8) * open_eye + _CREASED * shut
        weights[f"cheekSquint{side}"] = np.clip(0.65 * smile + 0.85 * laugh + 0.2 * squint, 0, 0.9)
        weights[f"noseSneer{side}"] = np.clip(0.3 * low + 0.2 * frown + 0.12 * laugh, 0, 0.5)
        raised = (0.7 * both * lean + own) * vivid + 0.35 * high + 0.15 * laugh + drift
        weights[f"browOuterUp{side}"] = np.clip(raised * (1 - 0.5 * lowered), 0, _MOST_RAISED)
        weights[f"browDown{side}"] = np.clip(lowered * (1 + 0.4 * (lean - 1)), 0, _MOST_LOWERED)
    return weights


def _raises(
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    parts: Mapping[int, Part],
    speech: Speech,
    doubts: Sequence[Pulse],
    times: Array,
    seed: int,
) -> tuple[Array, Array, Array]:
    """(T,) each: how far both brows are raised, and the left and the right one alone. ``doubts`` raise both.

    Brows go up with pitch accents (Cave et al. 1996, ICSLP), for a question and for what is not sure.
    """
    struck = {stroke.accent.time for stroke in strokes if stroke.unit.head != "shake"}
    both: list[Pulse] = list(doubts)
    single: tuple[list[Pulse], list[Pulse]] = ([], [])
    for phrase in phrases:
        last = -np.inf
        for accent in phrase.accents:
            t = accent.time
            draws = randomness(seed, "brow", round(t * 100)).random(5)
            eager = 0.5 * accent.strength + 0.08 * max(accent.pitch, 0.0) + 0.15 * (t in struck) - 0.14
            unsure = accent.word >= 0 and plain(speech, accent.word) in UNSURE
            part = parts.get(accent.word)
            if part and part.role == "negation":  # brows have their say of that
                continue
            if not unsure and (draws[0] >= eager or t - last < _APART):
                continue
            last = t
            height = min(0.2 + 0.36 * accent.strength + 0.04 * max(accent.pitch, 0.0), 0.65) * (0.75 + 0.5 * draws[1])
            # Brows lead the syllable a little, stay up for a while and sink slowly.
            rise, stay, fall = 0.14 + 0.08 * draws[2], 0.06 + 0.22 * draws[3], 0.35 + 0.3 * draws[3]
            pulse = Pulse(start=t - 0.03 - rise, apex=t - 0.03, hold_end=t + stay, end=t + stay + fall, height=height)
            if draws[4] < 0.22 and not unsure:
                single[round(draws[4] / 0.22)].append(pulse)
            else:
                both.append(pulse)
        if phrase.mark == "?" or (parts.get(phrase.accents[-1].word) or Part(role="beat")).role == "question":
            t = phrase.accents[-1].time
            hold_end = max(phrase.end, t) + 0.2
            both.append(Pulse(start=t - 0.3, apex=t, hold_end=hold_end, end=hold_end + 0.6, height=0.5))
    return (
        np.clip(pulses(both, times), 0, 0.85),
        np.clip(pulses(single[0], times), 0, 0.7),
        np.clip(pulses(single[1], times), 0, 0.7),
    )


def _denials(
    phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], parts: Mapping[int, Part], styles: StyleSheet
) -> tuple[list[Pulse], list[Pulse]]:
    """Brows pressed down over what is denied with force, and both raised over what is denied mildly."""
    frowns = [
        Pulse(start=s.apex - 0.3, apex=s.apex, hold_end=s.apex + 0.3, end=s.apex + 1.0, height=0.4)
        for s in strokes
        if s.unit.head == "shake"
    ]
    doubts: list[Pulse] = []
    denied = [
        (accent, accent.strength + 0.3 * (phrase.mark == "!") - 0.4 * styles.at(accent.time).brows)
        for phrase in phrases
        for accent in phrase.accents
        if (parts.get(accent.word) or Part(role="beat")).role == "negation"
    ]
    for accent, _ in denied:
        t = accent.time
        mild = max(force for other, force in denied if abs(other.time - t) < _TOGETHER) < _FORCE
        if mild or all(abs(t - pulse.apex) > 0.6 for pulse in frowns):
            height = (0.2 if mild else 0.3) + 0.3 * accent.strength
            pulse = Pulse(start=t - 0.25, apex=t, hold_end=t + 0.2, end=t + 0.75, height=height)
            (doubts if mild else frowns).append(pulse)
    return frowns, doubts


def _answers(sounds: Sequence[VocalSound], kind: str) -> list[Pulse]:
    """How the eyes' surroundings answer the voice's sounds of one kind."""
    early, late = {"laugh": (0.15, 0.9), "sigh": (0.1, 0.8), "breath": (0.1, 0.5)}[kind]
    return [
        Pulse(
            start=s.start - early,
            apex=min(s.start + 0.25, s.end),
            hold_end=max(s.end - 0.1, min(s.start + 0.25, s.end)),
            end=s.end + late,
            height=0.4 + 0.6 * s.strength,
        )
        for s in sounds
        if s.kind == kind
    ]


def shape_rows(weights: Mapping[str, Array], frames: int) -> Array:
    """Named weights (T,) as blend shapes (T, 52)."""
    rows = np.zeros((frames, len(ARKIT)))
    for name, values in weights.items():
        rows[:, ARKIT_INDEX[name]] = np.clip(values, 0, 1)
    return rows
