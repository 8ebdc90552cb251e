"""The engine's hold on its worker: starting it, telling it, hearing it, ending it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

from ..core import launch
from ..core.errors import InputError
from ..core.typed_json import decoded, encoded, parsed
from ..core.wire import Event, read_event
from .worker import Message, Order, Setup

_LONGEST_MESSAGE = 1 << 27  # bytes: the words of an hour are far fewer
_LAST_WORDS_S = 0.5  # what a dead worker has written is still in the pipe


class WorkerProcess:
    """One running worker. Use ``start``; ``kill`` when it is no longer wanted."""

    def __init__(self, process: asyncio.subprocess.Process, setup: Setup) -> None:
        self.setup = setup
        self.ready = False
        self._process = process
        self._events: asyncio.Queue[tuple[str, Event] | None] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, setup: Setup) -> WorkerProcess:
        # A session or group of its own: Ctrl-C in a terminal is for the engine, and plugins' children end with the worker.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        process = await asyncio.create_subprocess_exec(
            *launch.command("inference.worker", encoded(setup)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=_LONGEST_MESSAGE,
            **apart,
        )
        return cls(process, setup)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def send(self, order: Order) -> None:
        """Never waits. Orders to a worker that has died are lost: ``next_event`` tells."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"{encoded(order)}\n".encode())

    async def next_event(self) -> tuple[str, Event] | None:
        """The next event and its job; None when the worker has ended."""
        return await self._events.get()

    async def kill(self) -> None:
        """End the worker and its children now."""
        if self.alive:
            if os.name == "nt":
                ending = await asyncio.create_subprocess_exec(
                    *("taskkill", "/F", "/T", "/PID", str(self._process.pid)),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                await ending.wait()
            self._kill_group()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._listening), 5.0)

    @property
    def end_reason(self) -> str:
        """How a dead worker ended, for a sentence."""
        code = self._process.returncode or 0
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform != "win32":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    async def _listen(self) -> None:
        reading = asyncio.create_task(self._read())
        await self._process.wait()
        self._kill_group()  # whatever a plugin had started
        await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
        reading.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._events.put_nowait(None)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        line = b"\n"
        while line:
            with contextlib.suppress(InputError, ValueError):  # what a library printed, however long
                line = await self._process.stdout.readline()
                if line.startswith(b"{"):
                    self._hear(decoded(Message, parsed(line), name="message"))

    def _hear(self, message: Message) -> None:
        if message.event:
            self._events.put_nowait((message.job, read_event(message.event, message.data)))
        else:
            self.ready = True
