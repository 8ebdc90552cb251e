"""Beat consistency as EMAGE measures it (Liu et al. 2024; first in BEAT, Liu et al. 2022, equation 8): do audio onsets
and motion beats fall together?

Motion beats are the local minima of each upper-body joint's speed. The score is the mean over those joints, and over the
onsets, of exp(-dt^2 / (2 sigma^2)), dt from the onset to the joint's nearest beat, sigma 0.1 s as in
the papers (the released code has 0.3 s). A joint without beats
scores 0. Speech has an onset every 0.2 s or so, and dense onsets are near to anything: so the score is given with its
chance level, the mean under eight circular shifts of the voice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.skeleton import JOINT
from ..core.speech import SAMPLE_RATE
from .metrics import SHIFTS, Trace

Array = NDArray[Any]

BEAT_SIGMA = 0.1  # s
UPPER_BODY = tuple(
    JOINT[name]
    for name in (
        *("spine1", "spine2", "spine3", "neck", "left_collar", "right_collar", "head"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    )
)
_BESIDE = 0.2  # s on either side of a beat without anything slower
_MOVING = 0.1  # share of the joint's mean speed under which a minimum is rest and no beat
_WINDOW, _HOP = 2048, 512  # samples
_BANDS = 128
_AROUND = round(0.1 * SAMPLE_RATE) // _HOP  # hops before and after, over whose mean an onset stands out
_DELTA = 0.07  # of the strongest onset, by which it does


@dataclasses.dataclass(frozen=True, kw_only=True)
class BeatConsistency:
    """EMAGE's BC with its chance level."""

    score: float  # 0..1
    chance: float  # the same, mean over eight circular shifts of the voice
    onsets: int
    beats: float  # a joint, mean


def onsets(samples: Array) -> Array:
    """Times (N,), s, at which the voice sets in, of ``samples`` (n,) at SAMPLE_RATE.

    What librosa's ``onset_detect``, which the published code calls, does at its defaults for 16 kHz: spectral flux over 128
    mel bands, hop 512 samples; at this hop its peak picking comes to standing out of the mean of 0.1 s on either side.
    """
    count = 1 + len(samples) // _HOP
    if count < 3 or not np.any(samples):
        return np.zeros(0)
    padded = np.pad(np.asarray(samples, dtype=np.float64), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    bands = _mel_bands()
    power = np.concatenate(
        [np.abs(np.fft.rfft(block * np.hanning(_WINDOW + 1)[:-1], axis=1)) ** 2 @ bands.T for block in _blocks(frames)]
    )
    level = 10 * np.log10(np.maximum(power, 1e-10))
    level = np.maximum(level, level.max() - 80.0)
    strength = np.concatenate([[0.0], np.maximum(np.diff(level, axis=0), 0.0).mean(axis=1)])
    # The flux between two windows belongs to the later one's first half.
    strength = np.pad(strength, (_WINDOW // (2 * _HOP), 0))[:count]
    strength = (strength - strength.min()) / max(float(np.ptp(strength)), 1e-12)
    sums = np.concatenate([[0.0], np.cumsum(strength)])
    places = np.arange(len(strength))
    first, last = np.maximum(places - _AROUND, 0), np.minimum(places + _AROUND + 1, len(strength))
    mean = (sums[last] - sums[first]) / (last - first)
    return np.flatnonzero(strength >= mean + _DELTA) * _HOP / SAMPLE_RATE


def _blocks(frames: Array) -> list[Array]:
    return [frames[start : start + 2000] for start in range(0, len(frames), 2000)]


def _mel_bands() -> Array:
    """(bands, bins) triangles, evenly spaced on Slaney's mel scale: linear to 1 kHz, logarithmic above."""
    step = np.log(6.4) / 27
    mels = np.linspace(0, 15 + np.log(SAMPLE_RATE / 2 / 1000) / step, _BANDS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    bins = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(np.minimum(rise, fall), 0.0) * (2 / (edges[2:] - edges[:-2]))[:, None])


def motion_beats(traced: Trace) -> list[Array]:
    """For each of UPPER_BODY the times (N,), s, of its beats: local minima of its speed seen from the pelvis, while it moves."""
    fps = traced.fps
    points = traced.positions[:, UPPER_BODY] - traced.positions[:, :1]
    if len(points) < 3:
        return [np.zeros(0) for _ in UPPER_BODY]
    speed = np.linalg.norm(np.gradient(points, 1 / fps, axis=0), axis=-1)
    reach = max(1, round(_BESIDE * fps))
    found = []
    for joint in range(speed.shape[1]):
        row = speed[:, joint]
        beside = np.pad(row, reach, constant_values=np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(beside, 2 * reach + 1)
        least = row < np.minimum(windows[:, :reach].min(axis=1), windows[:, reach + 1 :].min(axis=1))
        least[:1], least[-1:] = False, False
        found.append(np.flatnonzero(least & (row > _MOVING * row.mean())) / fps)
    return found


def beat_consistency(beats: Sequence[Array], onset_times: Array, duration: float) -> BeatConsistency | None:
    """``beats``: times (N,), s, of each joint; ``onset_times`` (M,), s, of a voice of ``duration`` s; None without onsets."""
    if not len(onset_times) or not len(beats) or duration <= 0:
        return None
    offsets = np.arange(1, SHIFTS + 1) * duration / (SHIFTS + 1)
    shifted = [_score(beats, (onset_times + offset) % duration) for offset in offsets]
    return BeatConsistency(
        score=_score(beats, onset_times),
        chance=float(np.mean(shifted)),
        onsets=len(onset_times),
        beats=float(np.mean([len(row) for row in beats])),
    )


def _score(beats: Sequence[Array], onset_times: Array) -> float:
    return float(
        np.mean(
            [
                np.exp(-(np.abs(onset_times[:, None] - row).min(axis=1) ** 2) / (2 * BEAT_SIGMA**2)).mean()
                if len(row)
                else 0.0
                for row in beats
            ]
        )
    )
