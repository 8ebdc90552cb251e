"""Sounds of the voice that are no words: audible breaths, sighs and laughs, from the audio alone.

A missed breath costs nothing; a body that laughs at a word does. So every rule here asks for more than it strictly needs.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.speech import HOP, SAMPLE_RATE, VocalSound

Array = NDArray[Any]

_HOP_SAMPLES = round(HOP * SAMPLE_RATE)
_WINDOW = 512  # samples, 32 ms
_PIECE = 6000  # frames analysed at a time, so that a long line does not fill the memory
_EDGES = np.array(
    [80, 200, 320, 440, 570, 720, 900, 1100, 1350, 1650, 2000, 2400, 2900, 3500, 4200, 5000, 6200, 7800]
)  # Hz
_AIR = slice(3, 15)  # the bands of breath: 440 to 5000 Hz, over hum and under hiss
_HISS = slice(15, 17)  # where S and SH are strongest
_DEEPEST = 60.0  # dB under the speech that a noise floor is believed: below lies digital silence

_AUDIBLE = 7.0  # dB over the noise floor
_UNDER_SPEECH = 9.0  # dB that a breath lies under the speech at least
_LOW = 4.0  # dB of the level that may come from under the bands of breath: more is a voice, or hum
_RELEASE = 18.0, 0.19  # dB under the speech and s: what is louder and shorter is a stop's release
_NARROW = 40.0  # dB that the loudest hiss lies under the speech where the band is cut off
_DIP = 5.0  # dB that the level falls between a breath and the speech beside it: the end of a word only decays
_QUIET = 12.0  # dB over the noise floor that the dip may reach: an F in a word has no silence before it
_SHORTEST, _LONGEST_BREATH, _LONGEST = 0.18, 0.8, 2.5  # s, of what is audible
_SIGH_FALL = 7.0  # dB from the first third of a sigh to its last
_SIGHED = 0.35, 0.6  # s: the silence before a voiced sigh, at least, and its voiced part, at most
_SWELL = 0.3  # dB a frame that a sigh may swell on its way down: no second word in it
_MOST_VOICING = 0.55  # mean autocorrelation of a breath
_RIPPLE = 1.3  # dB between neighbouring frames' spectra: noise ripples by twice that, a steady tone not at all
_HOLE = 2  # frames within a breath that need not look like one
_GAP = 0.25  # s without loud frames around a breath, at least, its own length included

_RATE = (3.0, 7.5)  # laugh bursts a second (Bachorowski, Smoski and Owren 2001, JASA 110, 1581: 4.4 on average)
_BURSTS = 4  # the fewest that make a laugh: three alike syllables are said now and then
_BURST_DIP = 6.0  # dB between bursts
_EVEN = 1.4  # ratio of neighbouring intervals
_ALIKE = 4.0  # dB between neighbouring bursts' spectra, at most, levels aside: a laugh keeps its vowel
_ASPIRATED = 29.0  # dB under the speech that an H is, where the line is too short of pauses to show its noise floor
_BREATHY = 0.62  # autocorrelation of the gaps, at most: they are aspirated


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Frames:
    """What is heard every HOP."""

    samples: Array  # (n,)
    bands: Array  # (T, B) dB
    air: Array  # (T,) dB, the level of the bands of breath
    hiss: Array  # (T,) dB
    whole: Array  # (T,) dB
    floor: float  # dB, the noise floor of ``air``
    speech: float  # dB, the speech's level in ``air``
    narrow: bool  # a telephone's band: an S cannot be told from breath but by its length


def find_sounds(samples: Array) -> tuple[VocalSound, ...]:
    """Breaths, sighs and laughs in ``samples`` (n,) at SAMPLE_RATE, in order of time and apart from each other."""
    if len(samples) < SAMPLE_RATE // 5 or not np.any(samples):
        return ()
    frames = _analysed(np.asarray(samples, np.float32))
    laughs = list(_laughs(frames))
    breaths = [b for b in _breaths(frames) if all(b.end <= laugh.start or b.start >= laugh.end for laugh in laughs)]
    return tuple(sorted([*laughs, *breaths], key=lambda sound: sound.start))


def _analysed(samples: Array) -> _Frames:
    count = -(-len(samples) // _HOP_SAMPLES)
    half = _WINDOW // 2
    padded = np.pad(samples, (half, half + _HOP_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP_SAMPLES][:count]
    taper = np.hanning(_WINDOW).astype(np.float32)
    bands = np.empty((count, len(_EDGES) - 1))
    for first in range(0, count, _PIECE):
        spectrum = np.fft.rfft(windows[first : first + _PIECE] * taper, axis=1)
        bands[first : first + _PIECE] = (spectrum.real**2 + spectrum.imag**2) @ _band_sums()
    bands /= float(np.sum(taper**2)) * _WINDOW / 2
    air = _decibels(bands[:, _AIR].sum(axis=1))
    speech = float(np.quantile(air, 0.9))
    # Few pauses of a reader are without a breath, so little of the line shows its floor.
    floor = max(float(np.quantile(air, 0.02)), speech - _DEEPEST)
    hiss = _decibels(bands[:, _HISS].sum(axis=1))
    return _Frames(
        samples=samples,
        bands=_decibels(bands),
        air=air,
        hiss=hiss,
        whole=_decibels(bands.sum(axis=1)),
        floor=floor,
        speech=speech,
        narrow=float(np.quantile(hiss, 0.98)) < speech - _NARROW,
    )


def _decibels(power: Array) -> Array:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


@functools.cache
def _band_sums() -> Array:
    """(257, B): sums the bins of a power spectrum into bands."""
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)[:, None]
    return np.asarray((hertz >= _EDGES[:-1]) & (hertz < _EDGES[1:]), dtype=np.float64)


def _breaths(frames: _Frames) -> Iterator[VocalSound]:
    """Bumps of broad noise between stretches of speech."""
    air = np.convolve(np.pad(frames.air, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    loud = frames.whole > np.quantile(frames.whole, 0.9) - _UNDER_SPEECH
    breathy = (air > frames.floor + _AUDIBLE) & (frames.hiss < frames.air) & (frames.whole < frames.air + _LOW)
    spoken = np.concatenate([[-1], np.flatnonzero(loud), [len(air)]])
    for before, after in itertools.pairwise(spoken):
        if (after - before) * HOP < _GAP:
            continue
        gap = slice(before + 1, after)
        for start, end in _runs(breathy[gap]):
            first, last = _trimmed(air, before + 1 + start, before + 1 + end)
            if _is_breath(frames, air, first, last, before + 1, after):
                yield _sound(frames, air, first, last)
            elif start == 0 and _is_sighed(frames, air, loud, before, before + 1 + end):
                yield _sound(frames, air, before, before + 1 + end)


def _runs(mask: Array) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch that holds, with holes of up to _HOLE frames."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] - ends[:-1] > _HOLE
    return list(zip(starts[np.append(True, apart)].tolist(), ends[np.append(apart, True)].tolist())) if len(starts) else []


def _trimmed(air: Array, first: int, last: int) -> tuple[int, int]:
    """The run without the flanks of the speech beside it: from the lowest point before its bump to that after it."""
    peak = _bump(air, first, last)
    return first + int(np.argmin(air[first : peak + 1])), peak + int(np.argmin(air[peak:last])) + 1


def _bump(air: Array, first: int, last: int) -> int:
    """The highest frame that is no flank: what stands over the lower of what the ends fall to."""
    inner = air[first:last]
    forward = np.minimum.accumulate(inner)
    backward = np.minimum.accumulate(inner[::-1])[::-1]
    return first + int(np.argmax(inner - np.maximum(forward, backward)))


def _is_breath(frames: _Frames, air: Array, first: int, last: int, before: int, after: int) -> bool:
    if not _SHORTEST <= (last - first) * HOP <= _LONGEST:
        return False
    span = slice(first, last)
    top = float(air[span].max())
    left = air[before : first + 1].min() if before > 0 or first > 0 else -np.inf
    right = air[last - 1 : after].min() if after < len(air) or last < len(air) else -np.inf
    if top > frames.speech - _RELEASE[0] and (last - first) * HOP < _RELEASE[1]:
        return False
    if frames.narrow and (last - first) * HOP < _LONGEST_BREATH:
        return False
    if max(left, right) > min(top - _DIP, frames.floor + _QUIET):
        return False
    middle = span if last - first < 9 else slice(first + 3, last - 3)
    if float(np.mean(frames.hiss[middle] - frames.air[middle])) > -1.0:  # S, SH or a hissing tape
        return False
    ripple = np.abs(np.diff(frames.bands[middle, _AIR], axis=0)).mean() if last - first > 4 else 0.0
    return bool(ripple > _RIPPLE and _voicing(frames, middle) < _MOST_VOICING)


def _is_sighed(frames: _Frames, air: Array, loud: Array, before: int, last: int) -> bool:
    """Whether the noise up to ``last`` is the rest of a sigh that began with a voice: one short sound, and breath long after."""
    alone, voiced = (round(seconds / HOP) for seconds in _SIGHED)
    if (last - before) * HOP < _LONGEST_BREATH or not _SHORTEST <= (last - before) * HOP <= _LONGEST:
        return False
    if before < 0 or loud[max(0, before - voiced - alone) : max(0, before - voiced)].any():
        return False
    tail = slice(before + (last - before) // 3, last)
    falls = float(air[before : before + 10].mean() - air[last - 10 : last].mean()) > 2 * _SIGH_FALL
    steady = float(np.diff(np.convolve(air[before:last], np.full(15, 1 / 15), mode="valid")).max(initial=-1.0)) < _SWELL
    quiet = float(np.mean(frames.hiss[tail] - frames.air[tail])) < -1.0
    return falls and steady and quiet and not frames.narrow and _voicing(frames, tail) < _MOST_VOICING


def _sound(frames: _Frames, air: Array, first: int, last: int) -> VocalSound:
    third = max(1, (last - first) // 3)
    fall = float(air[first : first + third].mean() - air[last - third : last].mean())
    sigh = (last - first) * HOP > _LONGEST_BREATH and fall > _SIGH_FALL
    over = (float(air[first:last].max()) - frames.floor - _AUDIBLE) / max(frames.speech - frames.floor - _AUDIBLE, 6.0)
    return VocalSound(
        kind="sigh" if sigh else "breath",
        start=max(0.0, first * HOP - HOP / 2),
        end=min(last * HOP - HOP / 2, len(frames.samples) / SAMPLE_RATE),
        strength=float(np.clip(0.3 + over, 0.1, 1.0)),
    )


def _voicing(frames: _Frames, span: slice) -> float:
    """The mean height of the autocorrelation's peak within 70-400 Hz: near 1 for a vowel."""
    low, high = SAMPLE_RATE // 400, SAMPLE_RATE // 70
    half = 400
    places = np.arange(0, max(span.stop - span.start, 1), 2) * _HOP_SAMPLES
    first = span.start * _HOP_SAMPLES - half
    piece = np.zeros(int(places[-1]) + 2 * half)
    heard = frames.samples[max(first, 0) : max(first + len(piece), 0)]
    piece[max(-first, 0) : max(-first, 0) + len(heard)] = heard
    windows = np.stack([piece[place : place + 2 * half] for place in places])
    windows -= windows.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(windows * np.hanning(2 * half), 2048, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    power[:, : round(70 / SAMPLE_RATE * 2048)] = 0.0  # hum
    lags = np.fft.irfft(power, axis=1)[:, : high + 1] / _taper_lags(half, high)
    return float(np.mean(lags[:, low:].max(axis=1) / np.maximum(lags[:, 0], 1e-12)))


@functools.cache
def _taper_lags(half: int, high: int) -> Array:
    spectrum = np.fft.rfft(np.hanning(2 * half), 2048)
    lags = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: high + 1]
    return np.asarray(lags / lags[0])


def _laughs(frames: _Frames) -> Iterator[VocalSound]:
    """Even trains of bursts with one vowel and breath between them."""
    level = np.convolve(np.pad(frames.whole, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    peaks, dips = _bursts(level, frames.speech - 25.0)
    train: list[int] = []
    for number in range(len(peaks)):
        if train and not _follows(frames, level, peaks, dips, train, number):
            yield from _laugh(frames, level, peaks, train)
            train = []
        train.append(number)
    yield from _laugh(frames, level, peaks, train)


def _bursts(level: Array, least: float) -> tuple[list[int], list[int]]:
    """Peaks of the level that stand out by _BURST_DIP, and the lowest frame between each and the next."""
    peaks: list[int] = []
    dips: list[int] = []
    top = low = 0
    rising = True
    for frame, value in enumerate(level.tolist()):
        if rising:
            if value > level[top]:
                top = frame
            elif level[top] - value >= _BURST_DIP:
                if level[top] > least:
                    peaks.append(top)
                    dips.append(frame)
                low, rising = frame, False
        elif value < level[low]:
            low = frame
            if dips:
                dips[-1] = low
        elif value - level[low] >= _BURST_DIP:
            top, rising = frame, True
    return peaks, dips


def _follows(
    frames: _Frames, level: Array, peaks: Sequence[int], dips: Sequence[int], train: Sequence[int], number: int
) -> bool:
    last = train[-1]
    step = (peaks[number] - peaks[last]) * HOP
    if not 1 / _RATE[1] <= step <= 1 / _RATE[0]:
        return False
    if len(train) > 1:
        ratio = step / ((peaks[last] - peaks[train[-2]]) * HOP)
        if not 1 / _EVEN <= ratio <= _EVEN:
            return False
    dip = dips[last]
    if level[peaks[number]] - level[dip] < _BURST_DIP or frames.air[dip] < min(
        frames.floor + _AUDIBLE, frames.speech - _ASPIRATED
    ):
        return False  # a stop's silence, not a laugh's breath
    if frames.air[dip] < frames.whole[dip] - 2 * _LOW or frames.hiss[dip] > frames.air[dip] - 1.0:
        return False  # a hum, as in M and B, or a hiss
    if float((_colour(frames, peaks[last]) - _colour(frames, peaks[number])).std()) > _ALIKE:
        return False
    return _voicing(frames, slice(dip - 1, dip + 2)) < _BREATHY


def _colour(frames: _Frames, peak: int) -> Array:
    """(5,) dB, a burst's levels in bands as wide as formants wander: its pitch, high or low, does not show."""
    power = 10 ** (frames.bands[max(peak - 1, 0) : peak + 2, : _AIR.stop].mean(axis=0) / 10)
    return _decibels(np.add.reduceat(power, (0, 3, 6, 9, 12)))


def _laugh(frames: _Frames, level: Array, peaks: Sequence[int], train: Sequence[int]) -> Iterator[VocalSound]:
    if len(train) < _BURSTS:
        return
    first, last = peaks[train[0]], peaks[train[-1]]
    step = (last - first) / (len(train) - 1)
    strength = float(np.mean(level[[peaks[n] for n in train]])) - frames.speech
    yield VocalSound(
        kind="laugh",
        start=max(0.0, (first - step / 2) * HOP),
        end=min((last + 0.7 * step) * HOP, len(frames.samples) / SAMPLE_RATE),
        strength=float(np.clip(0.8 + strength / 20, 0.2, 1.0)),
    )
