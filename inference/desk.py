"""The command line's edge: progress, warnings and results for a person or for a machine, and every error in one sentence."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import time
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..core.errors import Cancelled, DeclaimError

_COUNT = re.compile(r",? (frame |moment |piece |take )?\d+ of \d+")  # "Rendering frame 3 of 90" is the stage "Rendering"


class Outcome(Protocol):
    """What a command has to say at its end."""

    def to_dict(self) -> dict[str, Any]: ...

    def print(self, console: Console) -> None: ...


class Desk:
    """A context for one command; also the Report that its work tells of its progress.

    Errors of ours end the program with exit code 1 and one sentence; an interrupt with 130.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet or as_json
        self._as_json = as_json
        _make_printable(as_json)
        self._stdout = sys.stdout
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._task: Any = None
        self._stopped = False
        self._previous: dict[signal.Signals, Any] = {}
        self.warnings: list[str] = []
        self.stages: list[tuple[str, float]] = []  # each stage, its counts left out, with its start, s

    def __enter__(self) -> Desk:
        if not self._quiet and self._err.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._err, transient=True)
            self._progress.start()
            self._task = self._progress.add_task("Starting", total=1.0)
        if self._as_json:
            sys.stdout = sys.stderr  # what a plugin prints is not for the machine that reads our object
        self._previous = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        sys.stdout = self._stdout
        self._end_progress()
        if error is None or isinstance(error, SystemExit) or not isinstance(error, Exception | KeyboardInterrupt):
            return
        if type(error).__module__.startswith(("click.", "typer.")):
            return  # Exit and usage errors are typer's own to show
        # An interrupt in the middle of an import comes out as that library's ImportError.
        if self._stopped or isinstance(error, KeyboardInterrupt | Cancelled):
            self._say_error(Cancelled())
            sys.exit(130)
        if not isinstance(error, DeclaimError):
            error = _unforeseen(error)
        self._say_error(error)
        sys.exit(1)

    def stage(self, text: str, fraction: float = 0.0) -> None:
        if self._stopped:
            raise Cancelled()
        name = _COUNT.sub("", text)
        if not self.stages or self.stages[-1][0] != name:
            self.stages.append((name, time.perf_counter()))
            if self._progress is None and not self._quiet:
                self._err.print(name, style="dim", markup=False)
        if self._progress is not None:
            self._progress.update(self._task, description=text, completed=fraction)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        if not self._quiet:
            self._err.print("[yellow]Note:[/yellow]", end=" ")
            self._err.print(text, markup=False)

    @property
    def cancelled(self) -> bool:
        return self._stopped

    def finish(self, outcome: Outcome) -> None:
        """Show what came of the command; an outcome with a true ``failed`` ends the program with exit code 1."""
        self._end_progress()
        if self._as_json:
            self._print_json({**outcome.to_dict(), "warnings": self.warnings})
        elif not self._quiet:
            outcome.print(self._out)
        if getattr(outcome, "failed", False):
            sys.exit(1)

    def _stop(self, *_: object) -> None:
        self._stopped = True
        raise KeyboardInterrupt

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _say_error(self, error: DeclaimError) -> None:
        if self._as_json:
            self._print_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        else:
            self._err.print("[bold red]Error:[/bold red]", end=" ")
            self._err.print(str(error), markup=False)

    def _print_json(self, data: dict[str, Any]) -> None:
        self._stdout.write(json.dumps(data, ensure_ascii=False, indent=1, default=str) + "\n")


def _make_printable(as_json: bool) -> None:
    """Let every word and file name be printed: JSON in UTF-8, the rest as far as the terminal's encoding goes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if as_json and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def _unforeseen(error: BaseException) -> DeclaimError:
    """What no other place foresaw: still one sentence; the traceback goes to a file that a report can carry."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="declaim-error-", suffix=".txt", delete=False, encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    if isinstance(error, MemoryError):
        return DeclaimError(
            "There is not enough memory for this.", hint="Close other programs, or cut the voice into pieces."
        )
    if isinstance(error, OSError) and error.strerror:
        return DeclaimError(f"{error.filename or 'A file'}: {error.strerror.lower()}.", hint=f"Details are in {log.name}.")
    return DeclaimError(
        f"Something in Declaim failed ({type(error).__name__}: {error}).",
        hint=f"Please report it with {log.name}.",
        code="internal",
    )
