"""Finding Blender and running one job in it: a child process that tells of its progress and never outlives us."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..core.errors import ExportError
from ..core.report import Report
from .blender_job import MARK

_SILENCE_LIMIT_S = 1800.0  # the longest single step, an export of hours of motion, takes a fraction of this
_CHILD = Path(__file__).with_name("blender_child.py")
_HINT = (
    "Install Blender 4.2 or newer and set DECLAIM_BLENDER to its executable, "
    "or run pip install 'declaim[blender]' on Python 3.11 or 3.13."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blender:
    """A way to run Blender: ``command`` is followed by ``--`` and the job."""

    command: tuple[str, ...]
    title: str


def find_blender() -> Blender:
    """The first there is: DECLAIM_BLENDER (a blender executable, or a Python that has ``bpy``), the Blender we run in,
    this Python's ``bpy``, ``blender`` on the path, and where installers put it.

    Raises ExportError, saying how to get one, where there is none.
    """
    chosen = os.environ.get("DECLAIM_BLENDER", "")
    if chosen:
        path = shutil.which(chosen)
        if path is None:
            raise ExportError(f"DECLAIM_BLENDER names {chosen}, which is not a program.", hint=_HINT)
        return _executable(path)
    host = getattr(getattr(sys.modules.get("bpy"), "app", None), "binary_path", "")
    if host:
        return _executable(host)
    if importlib.util.find_spec("bpy") is not None:
        return _module(sys.executable)
    found = shutil.which("blender") or next((str(path) for path in _usual_places() if path.is_file()), None)
    if found is None:
        raise ExportError("This format is written by Blender, and none was found.", hint=_HINT)
    return _executable(found)


def _executable(path: str) -> Blender:
    if Path(path).name.lower().startswith("python"):
        return _module(path)
    command = (path, "--background", "--factory-startup", "--python-exit-code", "1", "--python", str(_CHILD))
    return Blender(command=command, title=path)


def _module(python: str) -> Blender:
    # -P: the script's folder holds modules with short names that must not hide others.
    return Blender(command=(python, "-P", str(_CHILD)), title=f"the bpy module of {python}")


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        return [base / "Applications/Blender.app/Contents/MacOS/Blender" for base in (Path("/"), Path.home())]
    if sys.platform == "win32":
        base = Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "Blender Foundation"
        return sorted(base.glob("Blender */blender.exe"), reverse=True)
    return [Path("/snap/bin/blender"), Path("/var/lib/flatpak/exports/bin/org.blender.Blender")]


def run_job(blender: Blender, folder: Path, report: Report, on_message: Callable[[dict[str, Any]], None]) -> None:
    """Run the job in ``folder`` to its end; ``on_message`` gets what is neither progress nor an error.

    Raises ExportError where Blender reports one, stops, or falls silent, and Cancelled by ``report``. In every case the
    child and its children have ended when this returns.
    """
    chatter = folder / "blender.log"
    # Nobody's start-up scripts or settings; and what Blender leaves in its temporary folder goes when ours goes.
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "user"), "PYTHONIOENCODING": "utf-8"}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    with chatter.open("wb") as log:
        try:
            process = subprocess.Popen(
                [*blender.command, "--", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ExportError(f"Blender could not be started from {blender.title}: {reason}.", hint=_HINT) from error
        lines: queue.Queue[bytes | None] = queue.Queue()
        assert process.stdout is not None and process.stdin is not None
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            done = _follow(lines, report, on_message)
            if not done:
                raise ExportError(_last_words(process, chatter))
        finally:
            _end(process)
            reader.join(5)


def _follow(lines: queue.Queue[bytes | None], report: Report, on_message: Callable[[dict[str, Any]], None]) -> bool:
    """Hand on the child's messages until it says that it is done (True) or its output ends (False)."""
    text, fraction, heard = "Starting Blender", 0.0, time.monotonic()
    report.stage(text)
    while True:
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            if time.monotonic() - heard > _SILENCE_LIMIT_S:
                raise ExportError("Blender has not moved for half an hour and was stopped.") from None
            report.stage(text, fraction)  # so that a wish to stop is heard meanwhile
            continue
        heard = time.monotonic()
        if line is None:
            return False
        if not line.startswith(MARK.encode()) or not line.endswith(b"\n"):
            continue
        message = json.loads(line[len(MARK) :])
        kind = message.pop("kind")
        if kind == "done":
            return True
        if kind == "error":
            raise ExportError(message["message"], hint=message["hint"])
        if kind == "stage":
            text, fraction = message["text"], message["fraction"]
            report.stage(text, fraction)
        elif kind == "warning":
            report.warn(message["text"])
        else:
            on_message({"kind": kind, **message})


def _read(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def _last_words(process: subprocess.Popen[bytes], chatter: Path) -> str:
    try:
        code = process.wait(10)
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    except (subprocess.TimeoutExpired, ValueError):
        how = "answering"
    text = chatter.read_text("utf-8", "replace")
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return f"Blender stopped {how} before the work was done" + (f" ({last[:300]})." if last else ".")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and all that it started. Nothing is lost: what it wrote lies in the job's folder."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
