"""Finished jobs in the cache: the takes' files, and the events that belong to them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError
from ..core.typed_json import encoded, parsed
from ..core.wire import EVENT_NAMES, Event, read_event
from .cache import Cache
from .worker import take_file


def keep_result(cache: Cache, key: str, folder: Path, *, takes: int, events: Sequence[Event]) -> None:
    """Keep the takes in ``folder`` and ``events`` under ``key``. The events come last: with them the result is whole."""
    with contextlib.suppress(OSError):
        for take in range(takes):
            cache.put(f"take {take} {key}", take_file(folder, take).read_bytes())
        rows = [[EVENT_NAMES[type(event)], dataclasses.asdict(event)] for event in events]
        cache.put(f"result {key}", encoded({"takes": takes, "events": rows}).encode())


def kept_result(cache: Cache, key: str, folder: Path) -> list[Event] | None:
    """Put the takes kept under ``key`` into ``folder`` and return their events; None where they are not all there."""
    body = cache.get(f"result {key}")
    if body is None:
        return None
    try:
        kept = parsed(body)
        for take in range(kept["takes"]):
            content = cache.get(f"take {take} {key}")
            if content is None:
                return None
            take_file(folder, take).write_bytes(content)
        return [read_event(name, data) for name, data in kept["events"]]
    except (InputError, KeyError, TypeError, ValueError, OSError):
        return None
