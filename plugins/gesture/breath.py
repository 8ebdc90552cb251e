"""Breath: lungs that fill in the pauses and empty along the words, and what sighs and laughs do to a body.

All of it follows the audio alone, its pauses and its sounds, so that no word's time moves it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import Pause, Speech, VocalSound
from .curves import Move, Pulse, Track, pulses, randomness
from .style import StyleSheet

Array = NDArray[Any]
_TIDE = 3.7  # s, of a breath at rest
_EMPTY = -0.55  # the lungs' level at the end of a quiet breath
_INTAKE = 0.5  # s, before speech
_LONGEST_EXHALE = 7.0  # s, before a breath is snatched in a small pause
_SHORTEST_PAUSE = 0.25  # s, that a breath is drawn in
_SIGH_IN, _SIGH_OUT = 0.9, 1.1  # s
_LAUGH_RATE = 4.6  # Hz: Bachorowski et al. 2001, vocal laughs have 4 to 5 bursts a second


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Breath:
    """What breathing does to the trunk, over time."""

    level: Array  # (T,) 1 with full lungs, -1 empty; a sigh goes a little beyond
    heave: Array  # (T,) -1..1, the beats of a laugh
    rock: Array  # (T,) rad, forward, of a laugh's bend
    slack: Array  # (T,) 0..1, the drop of a sigh


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Intake:
    start: float  # s
    end: float  # s
    depth: float  # the level reached


def breathe(times: Array, speech: Speech, styles: StyleSheet, seed: int) -> Breath:
    """The breath of a line, deeper or shallower by the style's ``breath``."""
    sounds = speech.sounds or ()
    level = np.full(len(times), _EMPTY)
    intakes = _intakes(speech.duration, speech.pauses or (), sounds, seed)
    if intakes:
        level = Track(np.array([_EMPTY]), _moves(intakes, sounds, seed)).sample(times)[:, 0]
    heave, rock = _laughs(times, sounds, seed)
    slack = pulses([_slack(sound) for sound in sounds if sound.kind == "sigh"], times)
    return Breath(level=styles.curve("breath", times) * level, heave=heave, rock=rock, slack=slack)


def _intakes(duration: float, pauses: Sequence[Pause], sounds: Sequence[VocalSound], seed: int) -> list[_Intake]:
    """Where air comes in: as heard, else at the end of pauses, else by the rhythm of rest. In order, apart."""
    heard = [intake for sound in sounds for intake in _drawn(sound)]
    guessed: list[_Intake] = []
    for pause in pauses:
        draw = randomness(seed, "intake", round(100 * pause.end))
        length = pause.end - pause.start
        last = pause.end >= duration - 0.3  # nothing is said after it
        if length >= _SHORTEST_PAUSE and not last:
            begin = max(pause.start + 0.02, pause.end - _INTAKE)
            depth = float(np.clip(0.35 + 0.5 * length + 0.15 * draw.normal(), 0.35, 1.0))
            guessed.append(_Intake(start=begin, end=pause.end + 0.05, depth=depth))
        guessed += _tides(pause.start, pause.end - (0.0 if last else _INTAKE), draw)
    taken = sorted(heard, key=lambda intake: intake.start)
    for intake in sorted(guessed, key=lambda intake: intake.start):
        clear = all(intake.end + 0.3 < other.start or intake.start > other.end + 0.3 for other in taken)
        if clear and not any(s.start < intake.end and intake.start < s.end for s in sounds):
            taken.append(intake)
    taken.sort(key=lambda intake: intake.start)
    if not any(pause.start < 0.05 and pause.end - pause.start >= _SHORTEST_PAUSE for pause in pauses):
        taken.insert(0, _Intake(start=-_INTAKE, end=0.0, depth=0.5))  # it speaks at once: the breath was drawn before
    return _apart(_snatched(taken, duration, seed))


def _drawn(sound: VocalSound) -> list[_Intake]:
    """The breaths that a sound needs: a sigh and a laugh are drawn before they are heard, and a laugh leaves one gasping."""
    if sound.kind == "breath":
        return [_Intake(start=sound.start, end=max(sound.end, sound.start + 0.2), depth=0.7 + 0.5 * sound.strength)]
    if sound.kind == "sigh":
        return [_Intake(start=sound.start - _SIGH_IN, end=sound.start, depth=1.1 + 0.3 * sound.strength)]
    before = _Intake(start=sound.start - 0.4, end=sound.start, depth=0.7)
    return [before, _Intake(start=sound.end + 0.05, end=sound.end + 0.5, depth=0.6 + 0.4 * sound.strength)]


def _tides(start: float, end: float, draw: np.random.Generator) -> list[_Intake]:
    """Quiet breaths over a silence, none where it is short."""
    count = round((end - start - 0.6 * _TIDE) / _TIDE)
    span = (end - start) / max(count, 1)
    found = []
    for n in range(count):
        begin = start + span * (n + 0.45 + 0.12 * draw.uniform(-1, 1))
        found.append(_Intake(start=begin, end=begin + 0.38 * span, depth=float(draw.uniform(0.35, 0.65))))
    return found


def _snatched(intakes: list[_Intake], duration: float, seed: int) -> list[_Intake]:
    """With small breaths where the lungs would have to last too long, in fixed cells of time."""
    found = list(intakes)
    edges = [0.0, *(intake.end for intake in intakes)]
    for begin, end in zip(edges, [*(intake.start for intake in intakes), duration]):
        count = int((end - begin) / _LONGEST_EXHALE)
        for n in range(1, count + 1):
            middle = begin + (end - begin) * n / (count + 1)
            depth = float(randomness(seed, "snatch", round(100 * middle)).uniform(0.1, 0.4))
            found.append(_Intake(start=middle - 0.2, end=middle + 0.2, depth=depth))
    return sorted(found, key=lambda intake: intake.start)


def _apart(intakes: list[_Intake]) -> list[_Intake]:
    """Without those that begin before the one before them has ended."""
    kept: list[_Intake] = []
    for intake in intakes:
        if not kept or intake.start >= kept[-1].end + 0.2:
            kept.append(intake)
    return kept


def _moves(intakes: Sequence[_Intake], sounds: Sequence[VocalSound], seed: int) -> list[Move]:
    """In and out, out along the whole way to the next breath, at first faster: the lungs' own spring."""
    sighs = {sound.start: sound for sound in sounds if sound.kind == "sigh"}
    moves: list[Move] = []
    for intake, following in zip(intakes, [*(i.start for i in intakes[1:]), intakes[-1].end + 4.5]):
        moves.append(Move(start=intake.start, end=intake.end, target=np.array([intake.depth])))
        sigh = sighs.get(intake.end)
        if sigh is not None:
            end = min(intake.end + float(np.clip(sigh.end - sigh.start, 0.5, _SIGH_OUT)), following)
            moves.append(Move(start=intake.end, end=end, target=np.array([-1.0])))
            if following - end > 0.8:
                moves.append(Move(start=end, end=following, target=np.array([_EMPTY])))
            continue
        low = _EMPTY + 0.12 * float(randomness(seed, "exhale", round(100 * intake.end)).uniform(-1, 1))
        out = min(following - intake.end, 4.5)
        moves.append(Move(start=intake.end, end=intake.end + out, target=np.array([low])))
    return moves


def _slack(sigh: VocalSound) -> Pulse:
    out = float(np.clip(sigh.end - sigh.start, 0.5, _SIGH_OUT))
    end = sigh.start + out
    return Pulse(start=sigh.start, apex=end, hold_end=end + 0.4, end=end + 2.0, height=0.5 + 0.5 * sigh.strength)


def _laughs(times: Array, sounds: Sequence[VocalSound], seed: int) -> tuple[Array, Array]:
    """The beats of laughs, -1..1, and the bend that carries them, rad: forward into them, a little back after."""
    heave = np.zeros(len(times))
    bends: list[Pulse] = []
    for sound in (sound for sound in sounds if sound.kind == "laugh"):
        draw = randomness(seed, "laugh", round(100 * sound.start))
        rate = _LAUGH_RATE + float(draw.uniform(-0.3, 0.3))
        length, strength = max(sound.end - sound.start, 0.3), 0.5 + 0.5 * sound.strength
        fade = min(0.3, length / 3)
        envelope = pulses(
            [Pulse(start=sound.start, apex=sound.start + fade, hold_end=sound.start + length - fade,
                   end=sound.start + length + 0.1, height=strength)], times,
        )  # fmt: skip
        heave += envelope * np.sin(2 * np.pi * rate * (times - sound.start))
        top = sound.start + 0.55 * length
        back = 0.35 * float(draw.uniform(0.6, 1.4))
        bends.append(Pulse(start=sound.start - 0.35, apex=sound.start + 0.1, hold_end=sound.start + 0.1, end=top,
                           height=-0.10 * strength * back))  # fmt: skip
        bends.append(Pulse(start=sound.start, apex=top, hold_end=top, end=sound.start + length + 0.9,
                           height=0.19 * strength))  # fmt: skip
    return heave, pulses(bends, times)
