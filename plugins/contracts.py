"""What a plugin is: the classes it implements and what it is handed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.report import Report
from ..core.speech import Speech
from ..core.timeline import Phone, Word

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StyledRange:
    """Parameters that hold between two times only."""

    start: float  # s
    end: float  # s
    parameters: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Direction:
    """What the artist asks of single words and ranges. Word numbers are indices into ``Speech.words``."""

    emphasis: Mapping[int, float] = dataclasses.field(default_factory=dict)  # word -> 0 (none) .. 2 (double)
    muted: frozenset[int] = frozenset()  # words that must not carry a stroke
    reserved: frozenset[int] = frozenset()  # words that a key pose takes: plan around them
    gestures: Mapping[int, str] = dataclasses.field(default_factory=dict)  # word -> gesture id
    styles: tuple[StyledRange, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pin:
    """A range that must come out as ``clip`` has it. ``clip`` begins at ``start``."""

    start: float  # s
    clip: MotionClip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Brief:
    """One take that is asked of a generator."""

    fps: float
    seed: int
    body: Body
    betas: Array  # (B,) the character's shape
    parameters: Mapping[str, Any]  # complete: the manifest's defaults filled in, checked against its schema
    direction: Direction = Direction()
    start_pose: MotionClip | None = None  # a clip of one frame
    end_pose: MotionClip | None = None
    pinned: tuple[Pin, ...] = ()


@runtime_checkable
class Generator(Protocol):
    """Makes clips from speech. Constructed without arguments; ``load`` does what is slow, once."""

    def load(self, device: str) -> None:
        """Get ready on ``device`` ("cpu" or "cuda")."""

    def generate(self, speech: Speech, briefs: Sequence[Brief], report: Report) -> list[MotionClip]:
        """One clip a brief, each ``frame_count(speech.duration, fps)`` frames long, for this generator's channels.

        Values outside its channels are ignored. ``poses`` start from the body's rest pose (T-pose).
        """

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Voice:
    """What a transcriber is handed."""

    path: Path | None  # the file as the user gave it; None for audio that never was a file
    samples: Array  # (n,) float32 mono at core.speech.SAMPLE_RATE, RMS-normalised
    duration: float  # s
    script: str | None
    language: str = "en"
    words: tuple[Word, ...] | None = None  # given words with their times: only phones are wanted
    pronunciations: Mapping[str, str] = dataclasses.field(default_factory=dict)  # lower-case word -> ARPAbet, spaced
    pauses: tuple[tuple[float, float], ...] = ()  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a transcriber heard. ``phones`` is None where it makes words only."""

    words: tuple[Word, ...]
    phones: tuple[Phone, ...] | None = None


@runtime_checkable
class Transcriber(Protocol):
    """Makes words, phones or both from a voice."""

    def load(self, parameters: Mapping[str, Any]) -> None:
        """Get ready; raises ModelMissing where a model is not there."""

    def transcribe(self, voice: Voice, report: Report) -> Transcript: ...

    def close(self) -> None: ...


def frame_count(duration: float, fps: float) -> int:
    """Frames that a clip of ``duration`` seconds has: at least one, and the last not before the voice ends."""
    return max(1, int(-(-duration * fps // 1)) if duration * fps % 1 > 1e-6 else round(duration * fps))
