"""What happens when: words, phones, visemes, strokes and key poses, each in seconds of the voice file."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from .errors import ClipError, InputError
from .typed_json import decoded

Hand = Literal["left", "right", "both"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word:
    """A spoken word. ``text`` as written in the script (or as recognised), without punctuation."""

    text: str
    start: float  # s
    end: float  # s
    confidence: float = 1.0  # 0..1, calibrated: the chance that the word is right
    unsure: bool = False  # recognised under the calibrated threshold: shown so, never chosen by meaning
    break_after: str = ""  # the script's punctuation after the word: one of "" , ; : . ? ! and the dash


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phone:
    """A speech sound in ARPAbet (39 phones of CMUdict, upper case) or "SIL"."""

    symbol: str
    start: float  # s
    end: float  # s
    stress: int = -1  # 1 primary, 2 secondary, 0 none; -1 for consonants and where unknown
    word: int = -1  # index into the words; -1 for silence
    confidence: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Viseme:
    """A mouth shape: its name (Oculus's 15), with its peak."""

    name: str
    start: float  # s
    peak: float  # s
    end: float  # s
    weight: float = 1.0
    confidence: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stroke:
    """A gesture's stroke. The hand rests in the stroke's last pose from ``apex`` to ``hold_end``."""

    hand: Hand
    start: float  # s; preparation begins
    apex: float  # s; the stroke ends, the hand stops
    hold_end: float  # s
    end: float  # s; retraction ends, or the next preparation begins
    unit: str  # the gesture's id
    word: int = -1  # index into the words
    confidence: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeyPose:
    """A key pose that struck on a word."""

    name: str
    start: float  # s; ramp in begins
    apex: float  # s
    hold_end: float  # s
    end: float  # s; ramp out ends
    word: int = -1
    confidence: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timeline:
    """All that is known of a line in time. Each tuple is sorted by start."""

    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    visemes: tuple[Viseme, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    key_poses: tuple[KeyPose, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Timeline:
        """Raises ClipError where a field is missing or has the wrong kind; unknown fields are passed over."""
        try:
            return decoded(cls, dict(data), name="The timeline", strict=False)
        except InputError as error:
            raise ClipError(error.message, hint="The file was damaged or written by another program.") from None

    def map_times(self, change: Callable[[float], float]) -> Timeline:
        """Every time replaced by ``change(time)``, which must not decrease."""
        return Timeline(**{name: tuple(_mapped(item, change) for item in getattr(self, name)) for name in _KINDS})

    def between(self, start: float, end: float) -> Timeline:
        """The items that overlap [start, end), times as they were, cut at the ends; word indices follow."""
        kept = {i: n for n, i in enumerate(i for i, w in enumerate(self.words) if w.end > start and w.start < end)}
        cut = {
            name: tuple(item for item in getattr(self, name) if item.end > start and item.start < end) for name in _KINDS
        }
        moved = {
            name: tuple(
                dataclasses.replace(item, word=kept.get(item.word, -1)) if hasattr(item, "word") else item for item in items
            )
            for name, items in cut.items()
        }
        return Timeline(**moved).map_times(lambda time: min(max(time, start), end))

    def joined(self, other: Timeline) -> Timeline:
        """This timeline followed by ``other``, whose times already lie behind it."""
        offset = len(self.words)
        merged: dict[str, Any] = {}
        for name in _KINDS:
            later = tuple(
                dataclasses.replace(item, word=item.word + offset) if getattr(item, "word", -1) >= 0 else item
                for item in getattr(other, name)
            )
            merged[name] = getattr(self, name) + later
        return Timeline(**merged)

    def mirrored(self) -> Timeline:
        swap: dict[Hand, Hand] = {"left": "right", "right": "left", "both": "both"}
        return dataclasses.replace(self, strokes=tuple(dataclasses.replace(s, hand=swap[s.hand]) for s in self.strokes))

    def problems(self) -> list[str]:
        """Each breach of order in one sentence; empty when the timeline is sound."""
        found = []
        for name in _KINDS:
            last = float("-inf")
            for item in getattr(self, name):
                times = [getattr(item, field) for field in _TIME_FIELDS if hasattr(item, field)]
                if not all(t == t and abs(t) != float("inf") for t in times):
                    found.append(f"A time in {name} is not a number.")
                elif any(b < a - 1e-9 for a, b in itertools.pairwise(times)):
                    found.append(f"The times of an item in {name} run backwards at {times[0]:.3f} s.")
                elif item.start < last - 1e-9:
                    found.append(f"The {name} are not sorted at {item.start:.3f} s.")
                else:
                    last = item.start
        return found


_KINDS: dict[str, Any] = {"words": Word, "phones": Phone, "visemes": Viseme, "strokes": Stroke, "key_poses": KeyPose}
_TIME_FIELDS = ("start", "peak", "apex", "hold_end", "end")
_T = TypeVar("_T")


def _mapped(item: _T, change: Callable[[float], float]) -> _T:
    times = {field: change(getattr(item, field)) for field in _TIME_FIELDS if hasattr(item, field)}
    return dataclasses.replace(item, **times)  # type: ignore[type-var]
