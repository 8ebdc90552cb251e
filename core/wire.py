"""What the engine and its clients say to each other: requests, states and events, as JSON. Used by both ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from .skeleton import CHANNELS, Channel

DEFAULT_GENERATORS: Mapping[Channel, str] = {
    channel: "visemes" if channel == "mouth" else "gesture" for channel in CHANNELS
}
DEFAULT_TRANSCRIBER = "pocketsphinx"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerformRequest:
    """How a line is to be performed. The voice itself travels beside it."""

    script: str | None = None
    language: str = "en"
    transcriber: str = DEFAULT_TRANSCRIBER
    generators: Mapping[Channel, str] = dataclasses.field(default_factory=lambda: dict(DEFAULT_GENERATORS))
    seeds: tuple[int, ...] = (0,)  # one take a seed
    fps: float = 30.0
    body: str | None = None  # path of a body file on the engine's machine; None: the built-in body
    parameters: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # plugin id -> its parameters
    pronunciations: Mapping[str, str] = dataclasses.field(default_factory=dict)  # lower-case word -> ARPAbet, spaced
