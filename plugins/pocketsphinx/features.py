"""The acoustic model's features, in numpy: 13 mel cepstra every 10 ms.

PocketSphinx would compute the same (its fe_interface with the en-us model's feat.params) once for every pass over the
sound, and take the mean of every piece it is handed. Doing it here costs 0.0006 s a second, once; centres each window
on its frame, so that a boundary at frame i is at ``i * HOP``; and lets all pieces of a long line share one mean, so
that they come out as in one piece.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import HOP, SAMPLE_RATE

Array = NDArray[Any]

CEPSTRA = 13
_WINDOW = 410  # samples: 25.625 ms
_HOP = round(HOP * SAMPLE_RATE)
_FFT = 512
_FILTERS, _LOWEST, _HIGHEST = 25, 130.0, 6800.0  # Hz; feat.params of the en-us model
_LIFTER = 22
_EMPHASIS = 0.97
_SMOOTH, _OVERSUBTRACTION, _GAIN_FLOOR = 5, 2.0, 0.05
_PIECE = 3000  # frames at a time, to keep memory flat


def cepstra(samples: Array) -> Array:
    """(ceil(n / 160), 13) float32, less the mean over the speech; frame i is centred on ``(i + 0.5) * HOP``.

    ``samples`` (n,) float32 at SAMPLE_RATE, full scale 1.
    """
    bands = _denoised(_bands(samples))
    out = np.empty((len(bands), CEPSTRA), np.float32)
    cosines = _cosines().T
    for begin in range(0, len(bands), _PIECE):
        out[begin : begin + _PIECE] = np.log(np.maximum(bands[begin : begin + _PIECE], 1.0)) @ cosines
    return out - _speech_mean(out)


def _bands(samples: Array) -> Array:
    """(frames, filters) float32: power in each mel band."""
    frames = -(-len(samples) // _HOP)
    out = np.empty((frames, _FILTERS), np.float32)
    window = np.hamming(_WINDOW)
    filters = _mel_filters().T
    lead = (_WINDOW - _HOP) // 2
    for begin in range(0, frames, _PIECE):
        end = min(frames, begin + _PIECE)
        first = begin * _HOP - lead - 1  # one more, for the pre-emphasis
        wanted = np.arange(first, (end - 1) * _HOP - lead + _WINDOW)
        piece = np.zeros(len(wanted))
        inside = (wanted >= 0) & (wanted < len(samples))
        piece[inside] = np.rint(np.clip(samples[wanted[inside]], -1.0, 1.0) * 32767.0)
        emphasised = piece[1:] - _EMPHASIS * piece[:-1]
        windows = np.lib.stride_tricks.sliding_window_view(emphasised, _WINDOW)[::_HOP] * window
        power = np.abs(np.fft.rfft(windows, _FFT)) ** 2
        out[begin:end] = power @ filters
    return out


def _denoised(bands: Array) -> Array:
    """Steady noise taken out of each band: what is there in the quietest twentieth of the line.

    The gain follows the band over 50 ms, so that it does not crackle, and keeps a floor. On ten read sentences with pink
    noise at 15 dB and reverberation this takes the 90 % word-start deviation from the clean alignment from 70 to 40 ms.
    """
    if len(bands) < 2 * _SMOOTH:
        return bands
    smooth = np.empty_like(bands)
    for band in range(bands.shape[1]):
        padded = np.pad(bands[:, band], _SMOOTH // 2, mode="edge")
        smooth[:, band] = np.convolve(padded, np.full(_SMOOTH, 1.0 / _SMOOTH), mode="valid")
    noise = np.quantile(smooth, 0.05, axis=0).astype(np.float32)
    gain = np.maximum(1.0 - _OVERSUBTRACTION * noise / np.maximum(smooth, 1e-9), _GAIN_FLOOR)
    return np.asarray(bands * gain)


def _speech_mean(cepstrum: Array) -> Array:
    """The mean over the louder frames: long silence around a line must not shift what its sounds look like."""
    if not len(cepstrum):
        return np.zeros(CEPSTRA, np.float32)
    loudness = cepstrum[:, 0]
    spread = float(np.quantile(loudness, 0.95)) - float(np.quantile(loudness, 0.05))
    threshold = float(np.quantile(loudness, 0.95)) - max(0.75 * spread, 1e-3)
    return np.asarray(cepstrum[loudness >= threshold].mean(axis=0, dtype=np.float64), np.float32)


def _mel_filters() -> Array:
    """(filters, bins): triangles of equal area on the mel scale, their corners on FFT bins."""
    mel_lowest, mel_highest = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (_LOWEST, _HIGHEST))
    mels = np.linspace(mel_lowest, mel_highest, _FILTERS + 2)
    bin_hz = SAMPLE_RATE / _FFT
    corners = np.floor(700.0 * (10.0 ** (mels / 2595.0) - 1.0) / bin_hz + 0.5) * bin_hz
    hz = np.arange(_FFT // 2 + 1) * bin_hz
    left, middle, right = (corners[i : i + _FILTERS, None] for i in range(3))
    triangles = np.minimum((hz - left) / (middle - left), (right - hz) / (right - middle))
    return np.asarray(np.maximum(triangles, 0.0) * 2.0 / (right - left))


def _cosines() -> Array:
    """(cepstra, filters): the unitary DCT-II, liftered."""
    order = np.arange(CEPSTRA)[:, None]
    basis = np.cos(np.pi * order * (np.arange(_FILTERS) + 0.5) / _FILTERS) * np.sqrt(2.0 / _FILTERS)
    basis[0] = np.sqrt(1.0 / _FILTERS)
    return np.asarray(basis * (1.0 + _LIFTER / 2.0 * np.sin(order * np.pi / _LIFTER)))
