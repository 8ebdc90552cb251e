"""A job's events: numbered, kept for those who come late, bounded."""

from __future__ import annotations

import asyncio

from declaim.core.wire import Done, Event, Progress, Stopped, Warned, Words
from declaim.inference.event_log import EventLog


async def _followed(log: EventLog, after: int = 0) -> list[tuple[int, Event]]:
    return [item async for item in log.follow(after, heartbeat_s=5) if item is not None]


def test_late_followers_get_what_still_matters() -> None:
    async def run() -> None:
        log = EventLog()
        for step in range(10):
            log.add(Progress(stage="one", fraction=step / 10))
        log.add(Words(words=()))
        log.add(Progress(stage="two"))
        log.add(Done(takes=1))
        log.add(Stopped())  # too late
        expected = [
            (10, Progress(stage="one", fraction=0.9)),
            (11, Words(words=())),
            (12, Progress(stage="two")),
            (13, Done(takes=1)),
        ]
        assert await _followed(log) == expected
        assert await _followed(log, after=10) == expected[1:]
        assert await _followed(log, after=99) == []
        assert log.progress == Progress(stage="two")

    asyncio.run(run())


def test_live_followers_get_every_step() -> None:
    async def run() -> None:
        log = EventLog()
        followers = [asyncio.create_task(_followed(log)) for _ in range(3)]
        for step in range(5):
            await asyncio.sleep(0.01)
            log.add(Progress(stage="one", fraction=step / 5))
        log.add(Stopped())
        for events in await asyncio.gather(*followers):
            assert [number for number, _ in events] == [1, 2, 3, 4, 5, 6]

    asyncio.run(run())


def test_silence_is_broken() -> None:
    async def run() -> None:
        log = EventLog()
        beats = 0
        async for item in log.follow(0, heartbeat_s=0.02):
            if item is None:
                beats += 1
                if beats == 3:
                    log.add(Stopped())
        assert beats == 3

    asyncio.run(run())


def test_a_job_that_talks_without_end_is_bounded() -> None:
    async def run() -> None:
        log = EventLog()
        log.add(Words(words=()))
        for number in range(10_000):
            log.add(Warned(text=str(number)))
            log.add(Progress(stage=str(number)))
        log.add(Done(takes=1))
        events = await _followed(log)
        assert len(events) <= 2000
        assert events[0] == (1, Words(words=()))
        assert events[-1] == (20_002, Done(takes=1))

    asyncio.run(run())
