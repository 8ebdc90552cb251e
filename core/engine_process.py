"""Starting an engine as a child process, and ending it."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .client import EngineClient, read_announcement
from .errors import Cancelled, EngineError
from .typed_json import encoded
from .wire import Announcement

_LAUNCHER = Path(__file__).with_name("launch.py").resolve()
_LAST_BYTES = 1 << 14  # of a log: more than its last line
_HEED_S = 0.05  # how soon a start that is no longer wanted ends


def engine_command(
    options: Mapping[str, Any] | None = None, *, python: str = sys.executable, paths: Sequence[str] = ()
) -> list[str]:
    """The command line of an engine that ends with its parent.

    ``options`` are the fields of ``inference.server.ServeOptions``; ``paths`` are folders that the engine imports
    from beside its interpreter's own, such as those of an extension's wheels.
    """
    folders = [part for folder in paths for part in ("--path", folder)]
    settings = encoded({**(options or {}), "watch_parent": True})
    return [python, "-I", str(_LAUNCHER), *folders, "declaim.inference.server", settings]


class EngineProcess:
    """An engine that this process started. It ends with ``stop``, and by itself when this process ends or is killed."""

    def __init__(self, process: subprocess.Popen[bytes], announcement: Announcement, token: str) -> None:
        self.announcement = announcement
        self._process = process
        self._token = token

    @classmethod
    def start(
        cls,
        command: Sequence[str] | None = None,
        *,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        unwanted: threading.Event | None = None,
    ) -> EngineProcess:
        """Start an engine and wait until it listens. What it logs is appended to ``log``, or goes where our errors go.

        Raises EngineError with the engine's own last words where it does not start in ``timeout`` seconds, and
        Cancelled, leaving no process, soon after ``unwanted`` is set from another thread.
        """
        with contextlib.ExitStack() as stack:
            try:
                errors = stack.enter_context(log.open("ab")) if log else None
            except OSError as error:
                raise EngineError(
                    f"The engine's log {log} cannot be written: {(error.strerror or str(error)).lower()}.",
                    hint="Check the folder's permissions and the free space.",
                ) from None
            begin = errors.tell() if errors else 0  # what earlier engines logged is not this one's
            program = list(command or engine_command())
            try:
                process = subprocess.Popen(
                    program,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=dict(env) if env is not None else None,
                    creationflags=_hidden(),
                )
            except OSError as error:
                raise EngineError(
                    f"The engine cannot be started: {program[0]}: {(error.strerror or str(error)).lower()}.",
                    hint="Check the Python that is to run it.",
                ) from None
        assert process.stdout is not None
        try:
            line = _first_line(process.stdout, timeout, unwanted)
            if not line:
                raise _not_started(process, log, begin, timeout)
            announcement = read_announcement(line)
            token = Path(announcement.token_file).read_text(encoding="ascii").strip()
        except BaseException:
            _end(process, grace_s=0.0)
            raise
        return cls(process, announcement, token)

    def client(self, *, timeout: float = 10.0) -> EngineClient:
        return EngineClient(self.announcement.url, self._token, timeout=timeout)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> str:
        """Wait until the engine has ended, for whatever reason; how it ended, for a sentence."""
        self._process.wait()
        return _end_reason(self._process)

    def stop(self, *, grace_s: float = 3.0) -> None:
        """End the engine: gently at first, after ``grace_s`` seconds by force."""
        _end(self._process, grace_s=grace_s)

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _hidden() -> int:
    """No console window on Windows."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _first_line(stream: IO[bytes], timeout: float, unwanted: threading.Event | None) -> str:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        if unwanted is not None and unwanted.is_set():
            raise Cancelled()
        with contextlib.suppress(queue.Empty):
            return lines.get(timeout=min(left, _HEED_S) if unwanted else left).decode(errors="replace").strip()
    return ""


def _not_started(process: subprocess.Popen[bytes], log: Path | None, begin: int, timeout: float) -> EngineError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    hint = "Its log tells more." if log else ""
    if process.poll() is None:
        return EngineError(f"The engine did not start within {timeout:g} seconds.", hint=hint)
    words = last_words(log, begin) if log else ""
    return EngineError(f"The engine did not start: {words or f'it ended with {_end_reason(process)}'}", hint=hint)


def last_words(log: Path, begin: int = 0) -> str:
    """The last line of a log after its first ``begin`` bytes; nothing where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


def _end_reason(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode or 0
    if code >= 0 or sys.platform == "win32":
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _end(process: subprocess.Popen[bytes], *, grace_s: float) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()  # the end of its input tells the engine to stop
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()  # its worker sees the end of its own input and follows
        process.wait()
    if process.stdout is not None:
        process.stdout.close()  # not before: somebody may be reading from it
