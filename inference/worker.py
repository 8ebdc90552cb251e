"""The worker: a process of its own that performs one job after another, so that native code can cost one job at most.

Orders come in on standard input as lines of JSON, events go out on standard output likewise. The end of the input means
that the engine is gone: the worker removes the engine's temporary files and ends at once, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

from ..core.errors import Cancelled, DeclaimError
from ..core.typed_json import decoded, encoded, parsed
from ..core.wire import EVENT_NAMES, Done, ErrorInfo, Event, Failed, PerformRequest, Progress, Stopped, Warned, Words

_PROGRESS_S = 0.05  # progress within one stage is told at most this often
_STUCK_S = 300.0  # Python does not get to run for so long only where native code hangs for good


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """What a worker is told at its start."""

    work_folder: str  # the engine's temporary files
    cache_folder: str
    cache_bytes: int
    duration_s: float  # a longer voice is refused
    code: str  # fingerprint of the code, for the cache


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """What the engine tells its worker to do."""

    do: Literal["perform", "cancel"]
    job: str
    voice: str = ""  # path of the voice
    filename: str = ""  # what the user calls it
    folder: str = ""  # where the takes go
    request: PerformRequest | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Message:
    """What the worker tells the engine: an event of a job, or (with neither) that it is ready."""

    job: str = ""
    event: str = ""
    data: Any = None


def take_file(folder: Path, take: int) -> Path:
    """Where a worker puts a take."""
    return folder / f"take-{take}.npz"


class _Line:
    """The two pipes. Standard input and output themselves are closed to plugins and their children."""

    def __init__(self) -> None:
        _open_errors()
        self.orders: IO[bytes] = os.fdopen(os.dup(0), "rb")
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb")
        self._lock = threading.Lock()
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def tell(self, message: Message) -> None:
        # The leading line feed ends whatever a library may have printed into the pipe.
        with self._lock, contextlib.suppress(OSError):
            self._out.write(f"\n{encoded(message)}\n".encode())
            self._out.flush()


def _open_errors() -> None:
    """Give standard error a place where whoever started the engine has none, as programs without a console do."""
    try:
        os.fstat(2)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != 2:
            os.dup2(nothing, 2)
            os.close(nothing)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")


class _JobReport:
    """Tells a job's progress to the engine, and hears of its cancellation."""

    def __init__(self, line: _Line, order: Order, cancelled: set[str]) -> None:
        self.last_stage = "starting"
        self._line, self._order, self._cancelled = line, order, cancelled
        self._told = 0.0

    def stage(self, text: str, fraction: float = 0.0) -> None:
        if self.cancelled:
            raise Cancelled()
        now = time.monotonic()
        if text != self.last_stage or now - self._told >= _PROGRESS_S:
            self.last_stage, self._told = text, now
            self.event(Progress(stage=self.named(text), fraction=min(1.0, max(0.0, float(fraction)))))

    def warn(self, text: str) -> None:
        self.event(Warned(text=self.named(text)))

    @property
    def cancelled(self) -> bool:
        return self._order.job in self._cancelled

    def event(self, event: Event) -> None:
        self._line.tell(Message(job=self._order.job, event=EVENT_NAMES[type(event)], data=dataclasses.asdict(event)))

    def named(self, text: str) -> str:
        """The voice under the name that its user knows."""
        return text.replace(self._order.voice, self._order.filename)


def main(arguments: Sequence[str]) -> None:
    """``arguments``: a Setup as JSON."""
    line = _Line()
    setup = decoded(Setup, parsed(arguments[0]), name="setup")
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    cancelled: set[str] = set()
    threading.Thread(target=_listen, args=(line, setup, orders, cancelled), daemon=True).start()
    threading.Thread(target=_guard, daemon=True).start()
    pipeline = _pipeline(setup)
    line.tell(Message())
    while True:
        order = orders.get()
        _perform(pipeline, line, order, cancelled)
        cancelled.discard(order.job)


def _pipeline(setup: Setup) -> Any:
    from .cache import Cache
    from .pipeline import Pipeline
    from .speech_cache import SpeechCache

    cache = Cache(Path(setup.cache_folder), limit_bytes=setup.cache_bytes)

    class TellingPipeline(Pipeline):
        """Tells the words as soon as they are heard."""

        def hear(self, voice: Path, request: PerformRequest, report: Any, **castings: Any) -> Any:
            speech = super().hear(voice, request, report, **castings)
            if speech.words is not None:
                report.event(Words(words=speech.words))
            return speech

    return TellingPipeline(speeches=SpeechCache(cache, code=setup.code), limit_s=setup.duration_s)


def _perform(pipeline: Any, line: _Line, order: Order, cancelled: set[str]) -> None:
    from ..core.clip_file import save_clip

    report = _JobReport(line, order, cancelled)
    try:
        clips = pipeline.perform(Path(order.voice), order.request, report)
        for take, clip in enumerate(clips):
            report.stage("Saving the takes", take / len(clips))
            save_clip(clip, take_file(Path(order.folder), take))
        report.event(Done(takes=len(clips)))
    except Cancelled:
        report.event(Stopped())
    except DeclaimError as error:
        info = ErrorInfo(code=error.code, message=report.named(error.message), hint=report.named(error.hint))
        report.event(Failed(error=info))
    except SystemExit as error:
        report.event(Failed(error=_left(error, report.last_stage)))
    except Exception as error:
        traceback.print_exc()
        report.event(Failed(error=_unexpected(error, report.last_stage)))


def _left(error: SystemExit, stage: str) -> ErrorInfo:
    return ErrorInfo(
        code="plugin_failed",
        message=f'A plugin tried to end the engine at the stage "{stage}" ({error}).',
        hint="Choose another generator or transcriber, or report it to its author.",
    )


def _unexpected(error: Exception, stage: str) -> ErrorInfo:
    if isinstance(error, MemoryError):
        return ErrorInfo(
            code="out_of_memory", message="The engine ran out of memory.", hint="Cut the line into shorter ones."
        )
    return ErrorInfo(
        code="internal",
        message=f"The engine failed while {stage[:1].lower()}{stage[1:]} ({type(error).__name__}: {error}).",
        hint="Report this with the engine's log.",
    )


def _listen(line: _Line, setup: Setup, orders: queue.SimpleQueue[Order], cancelled: set[str]) -> None:
    with contextlib.suppress(OSError):
        for text in line.orders:
            order = decoded(Order, parsed(text), name="order")
            if order.do == "cancel":
                cancelled.add(order.job)
            else:
                orders.put(order)
    shutil.rmtree(setup.work_folder, ignore_errors=True)
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # children of plugins too
    os._exit(0)


def _guard() -> None:
    """End the process from outside Python where native code has locked Python out for good."""
    while True:
        faulthandler.dump_traceback_later(_STUCK_S, exit=True)
        time.sleep(_STUCK_S / 10)
