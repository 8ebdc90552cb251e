"""What a voice does beside its words: energy, syllable nuclei, pauses and pitch, on one grid of 10 ms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.speech import HOP, SAMPLE_RATE, Nucleus, Pause

Array = NDArray[Any]

FLOOR = -100.0  # dB; energy of digital silence
SHORTEST_PAUSE = 0.15  # s
_HOP_SAMPLES = round(HOP * SAMPLE_RATE)
_TAPER = (0.5, 1.0, 1.0, 0.5)  # of the four half hops around a frame's centre
_PROMINENCE = 2.0  # dB, as in de Jong and Wempe (2009), Behavior Research Methods 41, 385-390
_RANGE = 20.0  # dB under the loudest that a nucleus may lie
_BLIP = 0.03  # s; a sound shorter than this does not end a pause
_PITCH_FLOOR, _PITCH_CEILING = 75.0, 600.0  # Hz, Praat's own
_PITCH_PIECE = 6000  # frames tracked at a time: Praat works in doubles, and a long line would fill the memory
_PITCH_MARGIN = 50  # frames on either side of a piece, so that the path finder knows what lies beyond


def energy(samples: Array) -> Array:
    """Level in dB re full scale, (ceil(n / 160),) float32; frame i spans 20 ms, tapered, around ``i * HOP``."""
    frames = -(-len(samples) // _HOP_SAMPLES)
    half = _HOP_SAMPLES // 2
    whole = len(samples) // half
    power = np.zeros(2 * frames + 4)
    blocks = samples[: whole * half].reshape(whole, half)
    power[2 : 2 + whole] = np.einsum("ij,ij->i", blocks, blocks)
    power[2 + whole] += float(np.dot(samples[whole * half :], samples[whole * half :]))
    # Entry k of ``power`` begins at sample (k - 2) * half, so frame i is centred where entry 2 i + 2 begins.
    centred = np.zeros(frames)
    for offset, weight in enumerate(_TAPER):
        centred += weight * power[offset : offset + 2 * frames : 2]
    centred /= sum(_TAPER) * half
    return np.asarray(np.maximum(10.0 * np.log10(np.maximum(centred, 1e-12)), FLOOR), np.float32)


def nuclei(level: Array) -> tuple[Nucleus, ...]:
    """Syllable nuclei: peaks of ``level`` (dB every HOP) that stand 2 dB out, within 20 dB of the loudest."""
    if len(level) < 3 or float(level.max()) <= FLOOR + 1.0:
        return ()
    smooth = np.convolve(np.pad(level.astype(np.float64), 2, mode="edge"), (0.1, 0.2, 0.4, 0.2, 0.1), mode="valid")
    loudest = float(np.quantile(smooth, 0.99, method="higher"))
    found: list[Nucleus] = []
    peak, dip_before, dip = -1, float(smooth[0]), float(smooth[0])
    for frame in _extremes(smooth):
        value = float(smooth[frame])
        if peak < 0:
            if value < dip:
                dip = value
            elif value - dip >= _PROMINENCE:
                peak, dip_before, dip = frame, dip, value
        elif value - dip >= _PROMINENCE and smooth[peak] - dip >= _PROMINENCE:
            _keep(found, smooth, peak, dip_before, dip, loudest)
            peak, dip_before, dip = frame, dip, value
        elif value > smooth[peak]:
            peak, dip = frame, value
        else:
            dip = min(dip, value)
    if peak >= 0 and smooth[peak] - dip >= _PROMINENCE:
        _keep(found, smooth, peak, dip_before, dip, loudest)
    return tuple(found)


def pauses(level: Array, duration: float) -> tuple[Pause, ...]:
    """Stretches of at least 0.15 s without speech in ``level`` (dB every HOP) of a line ``duration`` s long.

    The threshold lies between the line's noise floor and its speech level, so that it holds for a dry booth and for a
    noisy room.
    """
    if not len(level):
        return ()
    quiet = level < _threshold(level)
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2].astype(np.float64), edges[1::2].astype(np.float64)
    if len(starts) > 1:
        apart = (starts[1:] - ends[:-1]) * HOP > _BLIP
        starts, ends = starts[np.append(True, apart)], ends[np.append(apart, True)]
    # A quiet frame speaks for the 10 ms around its centre.
    spans = zip(np.maximum(starts * HOP - HOP / 2, 0.0), np.minimum(ends * HOP - HOP / 2, duration), strict=True)
    return tuple(
        Pause(start=float(start), end=float(duration if end > duration - HOP else end))
        for start, end in spans
        if end - start >= SHORTEST_PAUSE
    )


def pitch(samples: Array) -> Array:
    """Fundamental frequency in Hz by Praat's autocorrelation method, 0 where unvoiced, (ceil(n / 160),) float32."""
    import parselmouth

    frames = -(-len(samples) // _HOP_SAMPLES)
    out = np.zeros(frames, np.float32)
    # Praat centres its frames in the sound: with 21 ms on either side, frame i lies at i * HOP exactly.
    edge = round(0.021 * SAMPLE_RATE)
    for begin in range(0, frames, _PITCH_PIECE):
        end = min(frames, begin + _PITCH_PIECE)
        first, last = max(0, begin - _PITCH_MARGIN), min(frames, end + _PITCH_MARGIN)
        piece = np.zeros((last - first - 1) * _HOP_SAMPLES + 2 * edge)
        source = max(0, first * _HOP_SAMPLES - edge)
        voice = samples[source : (last - 1) * _HOP_SAMPLES + edge]
        at = source - (first * _HOP_SAMPLES - edge)
        piece[at : at + len(voice)] = voice
        if not piece.any():
            continue
        sound = parselmouth.Sound(piece, sampling_frequency=SAMPLE_RATE)
        tracked = sound.to_pitch_ac(time_step=HOP, pitch_floor=_PITCH_FLOOR, pitch_ceiling=_PITCH_CEILING)
        index = np.rint((tracked.xs() - edge / SAMPLE_RATE) / HOP).astype(int)
        values = np.zeros(last - first, np.float32)
        inside = (index >= 0) & (index < last - first)
        values[index[inside]] = tracked.selected_array["frequency"][inside]
        out[begin:end] = values[begin - first : end - first]
    return out


def _threshold(level: Array) -> float:
    audible = level[level > FLOOR + 1.0]
    if not len(audible):
        return float("inf")
    peak = float(np.quantile(level, 0.98))
    floor = float(np.quantile(level, 0.05))
    return float(np.clip(floor + 0.35 * (peak - floor), peak - 35.0, peak - 9.0))


def _extremes(values: Array) -> Array:
    """Indices where the curve turns, with its ends."""
    slope = np.sign(np.diff(values))
    turns = np.flatnonzero(slope[1:] != slope[:-1]) + 1
    return np.concatenate([[0], turns, [len(values) - 1]])


def _keep(found: list[Nucleus], smooth: Array, peak: int, before: float, after: float, loudest: float) -> None:
    height = float(smooth[peak])
    if height >= loudest - _RANGE:
        found.append(Nucleus(time=peak * HOP, prominence=height - min(before, after)))
