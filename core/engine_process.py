"""Starting an engine as a child process, and ending it."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .client import EngineClient, read_announcement
from .errors import EngineError
from .typed_json import encoded
from .wire import Announcement

_LAUNCHER = Path(__file__).with_name("launch.py").resolve()


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
    ) -> EngineProcess:
        """Start an engine and wait until it listens. What it logs is appended to ``log``, or goes where our errors go.

        Raises EngineError with the engine's own last words where it does not start in ``timeout`` seconds.
        """
        with contextlib.ExitStack() as stack:
            errors = stack.enter_context(log.open("ab")) if log else None
            try:
                process = subprocess.Popen(
                    list(command or engine_command()),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=dict(env) if env is not None else None,
                    creationflags=_hidden(),
                )
            except OSError as error:
                raise EngineError(
                    f"The engine cannot be started ({(error.strerror or str(error)).lower()}).",
                    hint="Check the path of the Python that runs it.",
                ) from None
        assert process.stdout is not None
        try:
            line = _first_line(process.stdout, timeout)
            if not line:
                raise EngineError(*_last_words(process, log, timeout))
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


def _first_line(stream: IO[bytes], timeout: float) -> str:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=timeout).decode(errors="replace").strip()
    except queue.Empty:
        return ""


def _last_words(process: subprocess.Popen[bytes], log: Path | None, timeout: float) -> tuple[str]:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    if process.poll() is None:
        return (f"The engine did not start within {timeout:g} seconds.",)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log else []
    return (f"The engine did not start: {lines[-1] if lines else f'it ended with exit code {process.returncode}'}",)


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
