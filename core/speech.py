"""Speech: what we heard in a line. Only what something needs is filled in; the rest is None."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from numpy.typing import NDArray

from .timeline import Phone, Word

Array = NDArray[Any]
Need = Literal["samples", "energy", "nuclei", "pitch", "pauses", "sounds", "words", "phones"]
NEEDS: tuple[Need, ...] = ("samples", "energy", "nuclei", "pitch", "pauses", "sounds", "words", "phones")

SAMPLE_RATE = 16_000  # Hz, of ``Speech.samples``
HOP = 0.01  # s, of every envelope below: frame i is centred on i * HOP


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nucleus:
    """A syllable nucleus: a peak of the energy envelope."""

    time: float  # s
    prominence: float  # dB over the deeper of the dips beside it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pause:
    """A stretch without speech, at least 0.15 s long."""

    start: float  # s
    end: float  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocalSound:
    """A sound of the voice that is no word."""

    kind: Literal["breath", "laugh", "sigh"]
    start: float  # s
    end: float  # s
    strength: float  # 0..1, against the line's speech


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Speech:
    """A line's voice and what was heard in it. Times are seconds in the original file, whatever its rate."""

    audio_sha256: str
    duration: float  # s
    script: str | None = None
    language: str = "en"
    samples: Array | None = None  # (n,) float32 mono at SAMPLE_RATE, RMS-normalised; silence stays silence
    gain: float = 1.0  # what the normalisation multiplied the original by
    energy: Array | None = None  # (n / 160,) float32 dB re full scale after normalisation, every HOP
    nuclei: tuple[Nucleus, ...] | None = None
    pitch: Array | None = None  # (n / 160,) float32 Hz, 0 where unvoiced, every HOP
    pauses: tuple[Pause, ...] | None = None
    sounds: tuple[VocalSound, ...] | None = None  # laughs, sighs and audible breaths
    words: tuple[Word, ...] | None = None
    phones: tuple[Phone, ...] | None = None
    warnings: tuple[str, ...] = ()  # sentences for the user: unplaced words, silence, ...

    @property
    def silent(self) -> bool:
        """Nothing audible in the whole line."""
        return self.gain == 0.0
