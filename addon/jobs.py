"""A job: one line on its way through the engine, in a thread, from the voice file to curves that can land.

job = Job(order, prepare).start()   # main thread
for kind, *rest in job.poll(): ...  # main thread, in a timer or modal operator, until job.finished
job.wait()                          # or, for scripts: to the end, raising its error
"""

from __future__ import annotations

import _thread
import contextlib
import dataclasses
import queue
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Cancelled, DeclaimError
from . import engine

if TYPE_CHECKING:
    from ..core.client import EngineClient
    from ..core.clip import MotionClip

_POLL_S = 0.02
_STARTED, _SENT, _PERFORMED = 0.1, 0.15, 0.85  # of the whole job, as its phases end
_STAGE = 0.3  # of what is left to perform: stages are not known beforehand


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be performed."""

    voice: Path
    filename: str = ""  # what the artist calls the voice, for messages
    request: dict[str, Any] = dataclasses.field(default_factory=dict)  # fields of core.wire.PerformRequest
    ready: Callable[[], None] = lambda: None  # makes the voice where it is not there yet; runs in the job's thread


class Job:
    """Events are ("stage", text, 0..1 of the whole job), ("warning", text) and ("words", words)."""

    def __init__(self, order: Order, prepare: Callable[[MotionClip], Any] = lambda clip: None) -> None:
        self.order = order
        self.prepare = prepare
        self.takes: list[tuple[MotionClip, Any]] = []  # in the order of the seeds; complete once finished
        self.cached = False  # the engine had performed the line before
        self._error: DeclaimError | None = None
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._begun = threading.Event()
        self._ended = threading.Event()
        self._cancelled = threading.Event()
        self._fraction = 0.0
        self._client: EngineClient | None = None
        self._number = ""  # the engine's name for this job
        self._thread = threading.Thread(target=self._run, name="declaim-job", daemon=True)

    def start(self) -> Job:
        """Returns at once. Main thread only."""
        engine.capture()
        self._thread.start()
        self._begun.set()
        return self

    def poll(self) -> list[tuple[Any, ...]]:
        """The events since the last call."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._events.get_nowait())
        return found

    @property
    def finished(self) -> bool:
        """Nothing follows; a job that was cancelled is finished at once."""
        return self._ended.is_set() or self._cancelled.is_set()

    @property
    def error(self) -> DeclaimError | None:
        """Why there are no takes; Cancelled where that was wanted."""
        return Cancelled() if self._cancelled.is_set() else self._error

    def cancel(self) -> None:
        """Stop, whatever it is doing. Returns at once; one that has ended stays as it is."""
        if not self._ended.is_set() and not self._cancelled.is_set():
            self._cancelled.set()
            with contextlib.suppress(RuntimeError):  # Python is ending, and the engine with it
                _thread.start_new_thread(self._tell_engine, ())  # unlike Thread.start it does not wait for the thread

    def wait(self, timeout: float | None = None) -> list[tuple[MotionClip, Any]]:
        """The takes, when the job is done; raises its error. Blocks: for scripts. Main thread only."""
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while not self.finished and time.monotonic() < deadline:
            self._ended.wait(_POLL_S)
            engine.look()
        if not self.finished:
            self.cancel()
            raise DeclaimError(f"The line was not performed within {timeout:g} seconds.", hint="Allow more time.")
        if self.error is not None:
            raise self.error
        return self.takes

    # The thread.

    def _run(self) -> None:
        self._begun.wait()  # its imports would hold up whoever starts it
        try:
            with engine.HOST.job(self.cancel):
                takes = self._perform()
            if not self._cancelled.is_set():
                self.takes = takes
        except DeclaimError as error:
            self._error = error
        except Exception as error:
            engine.HOST.note(traceback.format_exc())
            self._error = DeclaimError(
                f"The line could not be performed ({type(error).__name__}: {error}).",
                hint="Report this with the engine's log.",
            )
        finally:
            self._ended.set()

    def _perform(self) -> list[tuple[MotionClip, Any]]:
        from ..core.wire import PerformRequest

        run = engine.begin(jobs=1)  # it starts while the voice is made
        self._stage("Sending the voice" if run.settled.is_set() else "Starting the engine", 0.0)
        try:
            self.order.ready()
            client = self._client = engine.client(run=run, wanted=self._wanted)
            self._stage("Sending the voice", _STARTED)
            number = self._number = client.submit(
                self.order.voice,
                PerformRequest(**self.order.request),
                filename=self.order.filename,
                unwanted=self._cancelled,
            )
            if self._cancelled.is_set():  # while it was sent
                self._tell_engine()
            count = self._follow(client, number)
            return [self._take(client, number, take, count) for take in range(count)]
        except DeclaimError as error:
            self._check()
            raise engine.HOST.explained(error) from None

    def _tell_engine(self) -> None:
        """That the job is not wanted any more. An engine that does not heed is ended."""
        if self._client is not None and self._number:
            try:
                self._client.cancel(self._number)
            except DeclaimError as error:
                engine.HOST.explained(error)

    def _follow(self, client: EngineClient, number: str) -> int:
        """Pass the engine's events on, to the last; how many takes there are."""
        from ..core import wire

        base, stage = _SENT, ""
        for event in client.events(number):
            self._check()
            if isinstance(event, wire.Progress):
                if event.stage != stage:
                    base += _STAGE * (_PERFORMED - base) if stage else 0.0
                    stage = event.stage
                self._stage(event.stage, base + _STAGE * event.fraction * (_PERFORMED - base))
            elif isinstance(event, wire.Words):
                self._events.put(("words", event.words))
            elif isinstance(event, wire.Warned):
                self._events.put(("warning", event.text))
            elif isinstance(event, wire.Failed):
                raise event.error.error()
            elif isinstance(event, wire.Done):
                self.cached = event.cached
                return event.takes
        raise Cancelled()

    def _take(self, client: EngineClient, number: str, take: int, count: int) -> tuple[MotionClip, Any]:
        self._stage("Preparing the keys", _PERFORMED + (1.0 - _PERFORMED) * take / count)
        clip = client.clip(number, take)
        self._check()
        return clip, self.prepare(clip)

    def _stage(self, text: str, fraction: float) -> None:
        self._check()
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._events.put(("stage", text, self._fraction))

    def _wanted(self) -> bool:
        return not self._cancelled.is_set()

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled()
