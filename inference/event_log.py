"""A job's events, kept for those who come late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..core.wire import LAST_EVENTS, Event, Progress, Warned

_MOST = 2000  # events kept; a job that tells more loses its oldest progress and warnings


class EventLog:
    """Numbered events from 1. Progress that a later step of the same stage overtook is not kept."""

    def __init__(self) -> None:
        self._events: list[tuple[int, Event]] = []
        self._count = 0
        self._grown = asyncio.Event()

    def add(self, event: Event) -> None:
        """Nothing is added after the last event."""
        if self.ended:
            return
        self._count += 1
        if self._overtaken(event):
            self._events.pop()
        elif len(self._events) >= _MOST:
            old = next((i for i, (_, e) in enumerate(self._events) if isinstance(e, Progress | Warned)), 0)
            del self._events[old]
        self._events.append((self._count, event))
        self._grown.set()
        self._grown = asyncio.Event()

    @property
    def ended(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1][1], LAST_EVENTS)

    @property
    def progress(self) -> Progress:
        """The latest."""
        return next((e for _, e in reversed(self._events) if isinstance(e, Progress)), Progress(stage=""))

    def events(self) -> list[Event]:
        return [event for _, event in self._events]

    async def follow(self, after: int, *, heartbeat_s: float) -> AsyncIterator[tuple[int, Event] | None]:
        """Events after number ``after`` up to the last, as they come; None where nothing came for a while."""
        while True:
            grown = self._grown
            for number, event in [item for item in self._events if item[0] > after]:
                after = number
                yield number, event
            if self.ended:
                return
            try:
                await asyncio.wait_for(grown.wait(), heartbeat_s)
            except TimeoutError:
                yield None

    def _overtaken(self, event: Event) -> bool:
        last = self._events[-1][1] if self._events else None
        return isinstance(event, Progress) and isinstance(last, Progress) and last.stage == event.stage
