"""The head: nods on accents, shakes on negations, tilts on questions, turns with contrasts; after the eyes, over the trunk."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from ...core.speech import HOP, Speech, VocalSound
from .accents import Accent
from .curves import Move, Pulse, Track, noise, pulses, randomness
from .gaze import Look
from .phrases import Phrase
from .planning import PlannedStroke
from .roles import Part
from .shakes import shakes
from .steadying import stilled
from .style import StyleSheet

Array = NDArray[Any]
_STEADY = np.array([0.85, 0.8, 0.75])  # how much of the trunk's lean, turn and tilt the head takes back: it stays level
_NECK_SHARE = 0.45
_MOST = np.radians([34.0, 50.0, 28.0])  # down or up, sideways, tilted: well inside what a neck can (AAOS 1965: 45, 80, 45)
_LAG = 0.1  # s that the head starts after the eyes
_APART = 0.3  # s between nods
_ASLANT = 0.14  # rad, of a body that is fully slumped
UNSURE = frozenset(
    "maybe perhaps possibly probably guess suppose wonder unsure somehow hmm might seems seem roughly almost".split()  # noqa: SIM905
)
_AGREEING = frozenset("yes yeah yep indeed certainly exactly absolutely definitely sure agree agreed right true".split())  # noqa: SIM905
_LAUGH_RATE = 4.6  # Hz, its bursts


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Bobs:
    """Moves about the three axes: down, to the left, tilted to the right."""

    down: list[Pulse] = dataclasses.field(default_factory=list)
    left: list[Pulse] = dataclasses.field(default_factory=list)
    tilt: list[Pulse] = dataclasses.field(default_factory=list)

    def sample(self, times: Array) -> Array:
        return np.stack([pulses(items, times) for items in (self.down, self.left, self.tilt)], axis=1)


def head_turn(
    times: Array,
    speech: Speech,
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    parts: Mapping[int, Part],
    looks: Sequence[Look],
    styles: StyleSheet,
    seed: int,
) -> Array:
    """(T, 3) rad, the head in the world as far as it moves on its own: down, to the left, tilted to the right."""
    times = stilled(times, strokes)
    turn = _attitudes(phrases, styles, seed).sample(times)
    turn += _nods(phrases, strokes, parts, speech, styles, seed).sample(times)
    turn += _gestures(phrases, strokes, parts, speech, styles, seed).sample(times)
    turn[:, 0] += _melody(speech, times)
    for column, (deviation, period) in enumerate(((0.009, 1.7), (0.014, 2.3), (0.008, 2.9))):
        turn[:, column] += deviation * noise(seed, f"head {column}", times, period)
    lively = styles.curve("head", times)[:, None]
    # Who makes himself small holds the head aslant.
    side = 1.0 if randomness(seed, "aslant").random() < 0.5 else -1.0
    slump = np.maximum(-styles.curve("posture", times), 0.0)
    turn[:, 2] += side * _ASLANT * slump * (1 + 0.4 * noise(seed, "aslant", times, 4.0))
    turn *= lively
    # A lively head shakes and nods more; it does not look farther aside than there is something to see.
    turn += np.minimum(lively, 1.0) * (_following(looks).sample(times) + _answers(speech.sounds or (), times, seed))
    turn[:, 0] += styles.curve("head_down", times)
    return turn


def neck_and_head(turn: Array, trunk: Array) -> dict[str, Array]:
    """Axis-angle (T, 3) of neck and head for the wanted ``turn`` (T, 3), over the ``trunk`` (T, 3), the chest's turn
    in the world, axis-angle: the head keeps level.

    The head is turned, then bowed, then tilted, as a neck does; what a neck cannot do is gently held back.
    """
    chest = axis_angle_to_matrix(trunk)
    wanted = turn + (1 - _STEADY) * trunk
    zero = np.zeros(len(wanted))
    head = axis_angle_to_matrix(np.stack([zero, wanted[:, 1], zero], axis=1))
    head = head @ axis_angle_to_matrix(np.stack([wanted[:, 0], zero, zero], axis=1))
    head = head @ axis_angle_to_matrix(np.stack([zero, zero, wanted[:, 2]], axis=1))
    relative = matrix_to_axis_angle(chest.swapaxes(-1, -2) @ head)
    relative = relative / (1 + (relative / _MOST) ** 4) ** 0.25
    return {"neck": _NECK_SHARE * relative, "head": (1 - _NECK_SHARE) * relative}


def _attitudes(phrases: Sequence[Phrase], styles: StyleSheet, seed: int) -> Track:
    """How the head is held: another way for each phrase and each half of a long one, level when all is said."""
    moves: list[Move] = []
    target = np.zeros(3)
    for phrase, following in itertools.zip_longest(phrases, phrases[1:]):
        random = randomness(seed, "head", phrase.key)
        draws, lengths = random.standard_normal((2, 3)), random.uniform(0.55, 1.0, 2)
        quick = 1.25 - 0.5 * styles.at(phrase.start).energy
        target = np.clip(draws[0], -2, 2) * np.array([0.025, 0.065, 0.045]) + np.array([-0.015, 0.0, 0.0])
        start = phrase.start - 0.25
        moves.append(Move(start=start, end=start + quick * float(lengths[0]), target=target))
        if phrase.end - phrase.start > 2.0:  # a second thought
            again = 0.4 * target + np.clip(draws[1], -2, 2) * np.array([0.025, 0.06, 0.04])
            start = phrase.start + 0.55 * (phrase.end - phrase.start)
            moves.append(Move(start=start, end=start + quick * float(lengths[1]), target=again))
            target = again
        if phrase.pause > 0.9 or following is None:
            moves.append(Move(start=phrase.end + 0.05, end=phrase.end + 1.0, target=0.3 * target))
    return Track(np.zeros(3), moves)


def nod_accents(phrases: Sequence[Phrase], strokes: Sequence[PlannedStroke], seed: int) -> list[Accent]:
    """The accents that the head marks: most of those with strokes, and the stronger of the others."""
    struck = {stroke.accent.time for stroke in strokes if stroke.unit.head != "none"}
    chosen: list[Accent] = []
    for phrase in phrases:
        last = -np.inf
        for accent in phrase.accents:
            draw = randomness(seed, "nod", round(accent.time * 100)).random()
            eager = 0.8 if accent.time in struck else 0.95 * accent.strength - 0.28
            if draw < eager and accent.time - last > _APART:
                chosen.append(accent)
                last = accent.time
    return chosen


def _nods(
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    parts: Mapping[int, Part],
    speech: Speech,
    styles: StyleSheet,
    seed: int,
) -> _Bobs:
    """On the accents: mostly a nod, at times the chin goes up or the head aside; never the same twice."""
    bobs = _Bobs()
    shaken = {n for n, part in parts.items() if part.role == "negation"}
    shaken |= {stroke.accent.word for stroke in strokes if stroke.unit.head == "shake"}
    for accent in nod_accents(phrases, strokes, seed):
        if accent.word >= 0 and accent.word in shaken:
            continue
        random = randomness(seed, "nod size", round(accent.time * 100))
        draws = random.random(6)
        energy = styles.at(accent.time).energy
        size = (0.028 + 0.085 * accent.strength * (0.45 + 1.1 * draws[0])) * (0.7 + 0.6 * energy)
        # A quick head is down in a quarter of a second; the way back up takes its time.
        fall = (0.27 - 0.09 * energy) * (0.85 + 0.3 * draws[1])
        rise = (0.55 - 0.2 * energy) * (0.8 + 0.5 * draws[2])
        t = accent.time
        stays = 0.02 + 0.08 * draws[5]
        way = -0.6 if draws[3] < 0.16 else 0.45 if draws[3] < 0.36 else 1.0  # up; aside; down
        bobs.down.append(Pulse(start=t - fall - 0.25, apex=t - fall, hold_end=t - fall, end=t, height=-0.28 * size * way))
        bobs.down.append(Pulse(start=t - fall, apex=t, hold_end=t + stays, end=t + stays + rise, height=size * way))
        aside = 0.7 if way == 0.45 else 0.22
        side = 1.0 if draws[4] < 0.5 else -1.0
        span = {"start": t - fall, "apex": t + 0.02, "hold_end": t + 0.06 + stays, "end": t + stays + 1.15 * rise}
        bobs.tilt.append(Pulse(**span, height=aside * size * side))
        bobs.left.append(Pulse(**span, height=-0.6 * aside * size * side))
        if accent.word >= 0 and plain(speech, accent.word) in _AGREEING:
            again = t + 0.36 + 0.08 * draws[5]
            bobs.down.append(Pulse(start=again - 0.18, apex=again, hold_end=again, end=again + rise, height=0.6 * size))
    return bobs


def _gestures(
    phrases: Sequence[Phrase],
    strokes: Sequence[PlannedStroke],
    parts: Mapping[int, Part],
    speech: Speech,
    styles: StyleSheet,
    seed: int,
) -> _Bobs:
    """What words mean to the head: shakes, tilts and turns, of their own or with the hands' gesture."""
    bobs = _Bobs()
    denied: list[Accent] = []
    for phrase in phrases:
        for accent in phrase.accents:
            part = parts.get(accent.word)
            if part and part.role == "negation":
                denied.append(accent)
            elif part and part.role == "contrast":
                side = 1.0 if part.side == "left" else -1.0
                _lean(bobs, accent.time, phrase.end, 0.13 * side, -0.05 * side)
            elif part and part.role == "list":
                side = 1.0 if (part.place + seed) % 2 else -1.0
                _lean(bobs, accent.time, accent.time + 0.25, 0.07 * side, 0.03 * side)
            elif accent.word >= 0 and plain(speech, accent.word) in UNSURE:
                _tilt(bobs, accent.time, accent.time + 0.3, _side(seed, accent) * 0.1)
        if phrase.mark == "?" or (parts.get(phrase.accents[-1].word) or Part(role="beat")).role == "question":
            accent = phrase.accents[-1]
            _tilt(bobs, accent.time, phrase.end + 0.15, _side(seed, accent) * 0.085)
            bobs.down.append(
                Pulse(
                    start=accent.time - 0.2,
                    apex=phrase.end,
                    hold_end=phrase.end + 0.2,
                    end=phrase.end + 0.9,
                    height=-0.05,
                )
            )
    for stroke in strokes:
        if stroke.unit.head == "shake" and all(abs(stroke.apex - accent.time) > 0.5 for accent in denied):
            denied.append(stroke.accent)
        elif stroke.unit.head == "tilt":
            _tilt(bobs, stroke.apex, min(stroke.hold_end, stroke.apex + 1.0), _side(seed, stroke.accent) * 0.1)
    bobs.left.extend(shakes(sorted(denied, key=lambda accent: accent.time), styles, seed))
    return bobs


def _side(seed: int, accent: Accent) -> float:
    return 1.0 if randomness(seed, "head side", round(accent.time * 100)).random() < 0.5 else -1.0


def _tilt(bobs: _Bobs, time: float, until: float, angle: float) -> None:
    until = max(until, time + 0.1)
    bobs.tilt.append(Pulse(start=time - 0.4, apex=time + 0.05, hold_end=until, end=until + 0.7, height=angle))


def _lean(bobs: _Bobs, time: float, until: float, turn: float, tilt: float) -> None:
    until = max(until, time + 0.15)
    span = {"start": time - 0.45, "apex": time, "hold_end": until, "end": until + 0.8}
    bobs.left.append(Pulse(**span, height=turn))
    bobs.tilt.append(Pulse(**span, height=tilt))


def plain(speech: Speech, word: int) -> str:
    return speech.words[word].text.lower().strip("'\".,;:!?") if speech.words else ""


def _melody(speech: Speech, times: Array) -> Array:
    """(T,) rad down: the head rides on the voice, up with its pitch and down with its weight.

    Head motion goes with pitch and loudness even between accents (Busso et al. 2007, IEEE TASLP 15, 1075).
    """
    down = np.zeros(len(times))
    grid = None
    if speech.pitch is not None and (np.asarray(speech.pitch) > 0).any():
        hertz = np.asarray(speech.pitch, dtype=np.float64)
        voiced = hertz > 0
        semitones = np.where(voiced, 12 * np.log2(np.where(voiced, hertz, 1.0) / np.median(hertz[voiced])), 0.0)
        grid = _softened(np.clip(semitones, -7, 7) * voiced) / np.maximum(_softened(voiced.astype(np.float64)), 0.25)
        down -= 0.0055 * np.interp(times, np.arange(len(grid)) * HOP, grid)
    if speech.energy is not None and len(speech.energy):
        level = np.asarray(speech.energy, dtype=np.float64)
        loud = _softened(np.clip((level - (level.max() - 30)) / 30, 0, 1))
        down += 0.035 * np.interp(times, np.arange(len(loud)) * HOP, loud - 0.5) * (level.max() > -60)
    return down


def _softened(values: Array) -> Array:
    """(N,) every HOP, by a Gaussian of 0.13 s: slower than syllables, quicker than phrases."""
    reach = 40
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * HOP / 0.13) ** 2)
    return np.convolve(np.pad(values, reach), kernel / kernel.sum(), mode="valid")


def _following(looks: Sequence[Look]) -> _Bobs:
    """The head goes after the eyes on their longer ways, a tenth of a second later and slower."""
    bobs = _Bobs()
    for look in looks:
        down, left = look.turned
        degrees = float(np.degrees(np.hypot(down, left)))
        if degrees < 0.3:
            continue
        takes = 0.34 + 0.014 * degrees
        apex = look.start + _LAG + takes
        span = {"start": look.start + _LAG, "apex": apex, "hold_end": max(apex, look.end + _LAG)}
        bobs.down.append(Pulse(**span, end=span["hold_end"] + takes, height=float(down)))
        bobs.left.append(Pulse(**span, end=span["hold_end"] + takes, height=float(left)))
        bobs.tilt.append(Pulse(**span, end=span["hold_end"] + takes, height=float(-0.18 * left)))
    return bobs


def _answers(sounds: Sequence[VocalSound], times: Array, seed: int) -> Array:
    """(T, 3): a laugh throws the head back and shakes it a little, a sigh lets it drop, a breath lifts it."""
    bobs = _Bobs()
    shaking = np.zeros(len(times))
    for sound in sounds:
        start, end, size = sound.start, sound.end, 0.4 + 0.6 * sound.strength
        if sound.kind == "laugh":
            side = 1.0 if randomness(seed, "laugh", round(start * 100)).random() < 0.5 else -1.0
            span = {"start": start - 0.1, "apex": start + 0.35, "hold_end": max(end, start + 0.35), "end": end + 0.9}
            bobs.down.append(Pulse(**span, height=-0.15 * size))
            bobs.tilt.append(Pulse(**span, height=0.06 * size * side))
            envelope = pulses(
                [Pulse(start=start, apex=start + 0.2, hold_end=max(end - 0.2, start + 0.2), end=end + 0.2, height=1)], times
            )
            shaking += 0.018 * size * envelope * np.sin(2 * np.pi * _LAUGH_RATE * (times - start))
        elif sound.kind == "sigh":
            bobs.down.append(Pulse(start=start - 0.5, apex=start, hold_end=start, end=start + 0.6, height=-0.04 * size))
            bobs.down.append(
                Pulse(start=start, apex=start + 0.8, hold_end=max(end, start + 0.8), end=end + 1.1, height=0.14 * size)
            )
        else:
            bobs.down.append(Pulse(start=start - 0.05, apex=end, hold_end=end, end=end + 0.6, height=-0.035 * size))
    turn = bobs.sample(times)
    turn[:, 0] += shaking
    return turn
