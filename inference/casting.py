"""Casting: which generators perform a line, each with its channels and complete parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..core.errors import InputError
from ..core.skeleton import CHANNELS, Channel
from ..core.wire import PerformRequest
from ..plugins import registry
from ..plugins.manifest import Manifest
from ..plugins.parameters import complete

FPS_RANGE = (1.0, 240.0)
SHAPE_LIMIT = 10.0  # standard deviations; bodies come apart long before


@dataclasses.dataclass(frozen=True, kw_only=True)
class Casting:
    """Which generator makes which channels, with its parameters complete."""

    manifest: Manifest
    channels: tuple[Channel, ...]
    parameters: Mapping[str, Any]


def cast(request: PerformRequest) -> tuple[Casting, ...]:
    """The generators of a request, each with its channels and complete parameters. Raises for whatever does not fit."""
    chosen: dict[str, list[Channel]] = {}
    for channel in CHANNELS:
        if channel in request.generators:
            chosen.setdefault(request.generators[channel], []).append(channel)
    for channel in request.generators:
        if channel not in CHANNELS:
            raise InputError(f'There is no channel "{channel}".', hint=f"The channels are {', '.join(CHANNELS)}.")
    castings = []
    for plugin_id, channels in chosen.items():
        manifest = registry.find("generator", plugin_id)
        for channel in channels:
            if channel not in manifest.channels:
                raise InputError(
                    f"{manifest.title} does not make the channel {channel}.",
                    hint=f"It makes {', '.join(manifest.channels)}.",
                )
        parameters = complete(manifest.id, manifest.parameters, request.parameters.get(manifest.id, {}))
        castings.append(Casting(manifest=manifest, channels=tuple(channels), parameters=parameters))
    known = {*chosen, request.transcriber}
    for plugin_id in request.parameters:
        if plugin_id not in known:
            raise InputError(
                f'Parameters were given for "{plugin_id}", which takes no part.',
                hint=f"Taking part: {', '.join(sorted(known))}.",
            )
    return tuple(castings)


def check_request(request: PerformRequest) -> None:
    """Raise InputError for numbers that no line can be performed with."""
    low, high = FPS_RANGE
    if not low <= request.fps <= high:
        raise InputError(f"{request.fps:g} frames a second is out of range.", hint=f"Choose from {low:g} to {high:g}.")
    if not request.seeds:
        raise InputError("No take was asked for.", hint="Give at least one seed.")
    if any(seed < 0 for seed in request.seeds):
        raise InputError("A seed is negative.", hint="Choose 0 or a larger whole number.")
    if len(request.betas) > 10:
        raise InputError(f"{len(request.betas)} shape numbers were given.", hint="Give at most 10.")
    for value in request.betas:
        if not abs(value) <= SHAPE_LIMIT:
            raise InputError(
                f"The shape number {value:g} is out of range.", hint=f"Choose from {-SHAPE_LIMIT:g} to {SHAPE_LIMIT:g}."
            )
