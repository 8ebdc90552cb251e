"""Keeps one engine: starts it, watches it, says why it ended, ends it. Threads and no bpy: nothing here waits for Blender.

States: STOPPED, STARTING, READY, CRASHED. A start that fails, and an end that nobody asked for, are CRASHED with a reason.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..core.errors import Cancelled, DeclaimError, EngineError
from . import plugin_list
from .engine_plan import Plan, remove_old_logs

if TYPE_CHECKING:
    from ..core.client import EngineClient
    from ..core.engine_process import EngineProcess

START_S = 60.0  # a first start under a virus scanner is slow
_GRACE_S = 2.0  # what an engine that is no longer wanted gets to end by itself
_ASK_S = 0.1  # how often someone who waits looks whether he still wants to
_HEADING = "--- {time}: Declaim {version} on {system}, {python}"
_LOST_CODES = ("engine_unreachable", "engine_garbled", "engine_stopped")
_ENDINGS = {
    "SIGKILL": "it was killed, perhaps because memory ran out",
    "SIGTERM": "it was told to end",
    "exit code 0": "it was told to end",
}


class Run:
    """One start of an engine, from the attempt to its end."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.begun = threading.Event()  # the thread waits for it: its imports would hold up whoever starts it
        self.unwanted = threading.Event()
        self.settled = threading.Event()  # it answers, or has failed
        self.error: DeclaimError | None = None
        self.client: EngineClient | None = None
        self.process: EngineProcess | None = None
        self.log_begin = 0

    def end(self) -> None:
        """End its process now; waits for it."""
        self.unwanted.set()
        if self.process is not None:
            self.process.stop(grace_s=_GRACE_S)


class EngineHost:
    """The one engine of this Blender. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.state = "STOPPED"
        self.reason = ""
        self._jobs: set[Callable[[], None]] = set()  # how to cancel each that is under way
        self.plugins: tuple[dict[str, Any], ...] | None = None  # the last list that an engine gave
        self._lock = threading.RLock()
        self._run: Run | None = None
        self._thread: threading.Thread | None = None

    def start(self, plan: Plan, *, anew: bool = False, jobs: int = 0) -> Run:
        """Start an engine unless one runs or starts. Returns at once.

        One that runs by another plan is replaced where no more than ``jobs`` jobs, the caller's own, are under way; with
        ``anew`` in any case.
        """
        with self._lock:
            run = self._run
            if run is not None and self.state in ("STARTING", "READY") and not anew:
                same = run.plan == plan and plan.problem is None
                if same or self.working > jobs:
                    return run
            former, former_thread = run, self._thread
            run = self._run = Run(plan)
            self.state, self.reason = "STARTING", ""
            self._thread = threading.Thread(
                target=self._keep, args=(run, former, former_thread), name="declaim-engine", daemon=True
            )
            self._thread.start()
        run.begun.set()
        return run

    def client(self, run: Run, *, timeout: float, wanted: Callable[[], bool]) -> EngineClient:
        """The client of a start, once it answers. Raises EngineError, and Cancelled when it is not wanted any more."""
        deadline = time.monotonic() + timeout
        while not run.settled.wait(_ASK_S):
            if not wanted():
                raise Cancelled()
            if time.monotonic() > deadline:
                raise EngineError(
                    f"The engine did not start within {timeout:g} seconds.", hint="Restart it in the preferences."
                )
        if run.error is not None:
            raise run.error
        if run.client is None:
            raise _stopped()
        return run.client

    def stop(self, *, wait: bool = False) -> None:
        """End the engine. With ``wait`` it is gone on return; otherwise it ends in a thread."""
        with self._lock:
            run, thread, self._run, self._thread = self._run, self._thread, None, None
            self.state, self.reason = "STOPPED", ""
        if run is None:
            return
        run.unwanted.set()
        if wait:
            run.end()
            if thread is not None:
                thread.join(_GRACE_S + START_S if run.process is None else _GRACE_S)
        else:
            threading.Thread(target=run.end, name="declaim-engine-end", daemon=True).start()

    @property
    def working(self) -> int:
        """Jobs under way."""
        return len(self._jobs)

    @contextlib.contextmanager
    def job(self, cancel: Callable[[], None]) -> Iterator[None]:
        """A job under way."""
        with self._lock:
            self._jobs.add(cancel)
        try:
            yield
        finally:
            with self._lock:
                self._jobs.discard(cancel)

    def cancel_jobs(self, *, within: float) -> None:
        """Cancel all that are under way; an engine elsewhere would go on with them. Waits so many seconds at most."""
        with self._lock:
            cancels = list(self._jobs)
        for cancel in cancels:
            cancel()
        deadline = time.monotonic() + within
        while self._jobs and time.monotonic() < deadline:
            time.sleep(0.02)

    def explained(self, error: DeclaimError) -> DeclaimError:
        """An error of a job, in words for an artist; an engine that has fallen silent is ended."""
        with self._lock:
            run = self._run
        if run is not None:
            error = in_words(error, run.plan.url)
        if error.code not in _LOST_CODES or not isinstance(error, EngineError):
            return error
        if run is None:
            return _stopped()
        if run.plan.url:
            self._settle(run, "CRASHED", error)
            return error
        for _ in range(20):  # the thread that watches it may not have seen its end yet
            if self.state != "READY" or self._run is not run:
                break
            time.sleep(0.05)
        else:
            silent = EngineError(
                "The engine stopped answering and was ended.", hint="Try again: it starts anew.", code="engine_silent"
            )
            self._settle(run, "CRASHED", silent)
            run.end()
            return silent
        if run.error is None:
            return _stopped()
        return EngineError(run.error.message, hint="Try again: it starts anew. Its log tells more.", code="engine_died")

    def url(self) -> str:
        with self._lock:
            client = self._run.client if self._run is not None and self.state == "READY" else None
        return client.url if client is not None else ""

    def note(self, text: str) -> None:
        """Add to the log."""
        with self._lock:
            run = self._run
        if run is not None:
            _write(run.plan, text)

    def _keep(self, run: Run, former: Run | None, former_thread: threading.Thread | None) -> None:
        """The thread of one engine, from its start to its end."""
        run.begun.wait()
        try:
            if former is not None:
                former.end()
                if former_thread is not None:
                    former_thread.join(_GRACE_S)
            self._start(run)
            self._settle(run, "READY")
            self._fetch_plugins(run)
            if run.process is not None:
                ending = run.process.wait()
                self._settle(run, "CRASHED", _ended(run, ending))
        except Cancelled:
            self._settle(run, "STOPPED")
        except DeclaimError as error:
            self._settle(run, "CRASHED", in_words(error, run.plan.url))
        except Exception as error:
            _write(run.plan, traceback.format_exc())
            mistake = EngineError(
                f"The engine could not be started ({type(error).__name__}: {error}).", hint="Report this with its log."
            )
            self._settle(run, "CRASHED", mistake)
        finally:
            if run.process is not None and run.unwanted.is_set():
                run.process.stop(grace_s=_GRACE_S)

    def _start(self, run: Run) -> None:
        from ..core.client import EngineClient
        from ..core.engine_process import EngineProcess, engine_command

        plan = run.plan
        if plan.problem is not None:
            raise plan.problem
        if plan.url:
            run.client = EngineClient(plan.url, plan.token)
            run.client.health()
            return
        with contextlib.suppress(OSError):  # what cannot be written is told below
            plan.log.parent.mkdir(parents=True, exist_ok=True)
        remove_old_logs(plan.log)
        run.log_begin = _write(
            plan, _HEADING.format(version=__version__, system=platform.platform(), python=plan.python, time=time.ctime())
        )
        run.process = EngineProcess.start(
            engine_command(plan.options, python=plan.python, paths=plan.paths),
            log=plan.log,
            env={**os.environ, **plan.environment},
            timeout=START_S,
            unwanted=run.unwanted,
        )
        if run.unwanted.is_set():
            raise Cancelled()
        run.client = run.process.client()

    def _fetch_plugins(self, run: Run) -> None:
        if run.client is None:
            return
        try:
            found = plugin_list.plain(run.client.plugins())
        except DeclaimError as error:  # it works without sliders of newer plugins
            _write(run.plan, str(error))
            return
        with self._lock:
            if self._run is run:
                self.plugins = found
        plugin_list.keep(run.plan.notes, found)

    def _settle(self, run: Run, state: str, error: DeclaimError | None = None) -> None:
        with self._lock:
            if self._run is run and not run.unwanted.is_set():
                self.state, self.reason = state, str(error or "")
                run.error = error
            elif error is not None and run.error is None and not run.settled.is_set():
                run.error = _stopped()
            run.settled.set()


def _ended(run: Run, ending: str) -> EngineError:
    from ..core.engine_process import last_words

    words = last_words(run.plan.log, run.log_begin) if ending not in _ENDINGS else ""
    why = _ENDINGS.get(ending, ending) + (f": {words}" if words else "")
    return EngineError(
        f"The engine ended unexpectedly ({why}).", hint="Restart it; its log tells more.", code="engine_died"
    )


def _stopped() -> EngineError:
    return EngineError("The engine was stopped.", hint="Try again: it starts anew.", code="engine_stopped")


def in_words(error: DeclaimError, url: str) -> DeclaimError:
    """What the engine at ``url`` (or our own, without one) has answered, with what an artist can do about it."""
    if error.code == "unauthorized":
        hint = "Copy the one line of its token file into Declaim's preferences." if url else "Restart it."
        return EngineError(f"The engine{f' at {url}' if url else ''} refuses the token.", hint=hint, code=error.code)
    if error.code == "other_version":
        hint = f"Use the same version of Declaim on both sides; this is {__version__}."
        return EngineError(error.message, hint=hint, code=error.code)
    if error.code == "engine_unreachable" and url:
        return EngineError(
            error.message, hint="Start it there, or correct its address in Declaim's preferences.", code=error.code
        )
    if error.code == "engine_garbled" and url:
        return EngineError(error.message, hint="Correct its address in Declaim's preferences.", code=error.code)
    return error


def _write(plan: Plan, text: str) -> int:
    """Add a line to the log; the log's size after it."""
    try:
        with plan.log.open("ab") as file:
            file.write(f"{text.rstrip()}\n".encode(errors="replace"))
            return file.tell()
    except OSError:
        return 0
