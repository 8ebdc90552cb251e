"""What is found in a clip: each measurement with its verdict, in an animator's words."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Verdict = Literal["ok", "attention", "info"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement. ``verdict`` is "info" where there is nothing to judge."""

    key: str  # stable, for programs
    title: str
    value: float  # in ``unit``
    unit: str
    verdict: Verdict
    text: str  # what it means, in one sentence
    limit: str = ""  # what is right, in ``unit``: "at most 5"
    frame: int | None = None  # where to look
    time: float | None = None  # s
    chance: float | None = None  # what chance would score, for metrics that have such a level

    @property
    def shown(self) -> str:
        """The value as people read it, with its unit."""
        if abs(self.value) < 0.001:
            number = "0"
        else:
            number = f"{self.value:.0f}" if abs(self.value) >= 100 else f"{self.value:.3g}"
        return f"{number} {self.unit}".strip()


def told(
    key: str,
    title: str,
    value: float,
    unit: str,
    *,
    text: str = "",
    limit: str = "",
    at: tuple[int, float] | None = None,
    chance: float | None = None,
) -> Finding:
    """A measurement that is not judged. ``at``: the frame to look at and its time, s."""
    frame, time = at or (None, None)
    return Finding(
        key=key,
        title=title,
        value=value,
        unit=unit,
        verdict="info",
        text=text,
        limit=limit,
        frame=frame,
        time=time,
        chance=chance,
    )


def judged(
    key: str,
    title: str,
    value: float,
    unit: str,
    good: bool,
    text: str,
    *,
    limit: str,
    at: tuple[int, float] | None = None,
    chance: float | None = None,
) -> Finding:
    """A measurement that is right or wants looking at."""
    row = told(key, title, value, unit, text=text, limit=limit, at=at, chance=chance)
    return dataclasses.replace(row, verdict="ok" if good else "attention")


def place(frame: int | np.integer[Any], fps: float) -> tuple[int, float]:
    """A frame with its time, s."""
    return int(frame), int(frame) / fps


def where(values: Array, fps: float, *, offset: int = 0) -> tuple[int, float]:
    """The frame of the highest of ``values`` (T,), ``offset`` frames on."""
    return place(int(np.argmax(values)) + offset, fps)
