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
class Pose:
    """One pose of the whole character, for the start or the end of a take."""

    poses: tuple[float, ...]  # 165 numbers: 55 joints, axis-angle, rad
    trans: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m
    blendshapes: Mapping[str, float] = dataclasses.field(default_factory=dict)  # ARKit name -> 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerformRequest:
    """How a line is to be performed. The voice itself travels beside it."""

    script: str | None = None
    language: str = "en"
    transcriber: str = DEFAULT_TRANSCRIBER
    generators: Mapping[Channel, str] = dataclasses.field(default_factory=lambda: dict(DEFAULT_GENERATORS))
    seeds: tuple[int, ...] = (0,)  # one take a seed
    fps: float = 30.0
    betas: tuple[float, ...] = ()  # the character's shape, in the body's own directions
    start_pose: Pose | None = None
    end_pose: Pose | None = None
    body: str | None = None  # path of a body file on the engine's machine; None: the built-in body
    parameters: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # plugin id -> its parameters
    pronunciations: Mapping[str, str] = dataclasses.field(default_factory=dict)  # lower-case word -> ARPAbet, spaced
