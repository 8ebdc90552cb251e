"""What Declaim is doing, for panels and the status bar: one job at a time, its stage, and the last failure."""

from __future__ import annotations

import dataclasses
import traceback

import bpy

from ..core.errors import Cancelled, DeclaimError
from . import places


@dataclasses.dataclass
class Status:
    """Shared by all windows. Written on the main thread only."""

    busy: bool = False
    text: str = ""  # the stage, in words
    fraction: float = 0.0  # 0..1 of the whole job
    error: DeclaimError | None = None  # why the last job failed
    warnings: tuple[str, ...] = ()
    cancel_wanted: bool = False


STATUS = Status()
_SHOWING = frozenset(
    ("VIEW_3D", "DOPESHEET_EDITOR", "GRAPH_EDITOR", "NLA_EDITOR", "SEQUENCE_EDITOR", "STATUSBAR", "PREFERENCES")
)


def begin(text: str) -> None:
    """A job starts: forget the last one's failure."""
    STATUS.busy, STATUS.text, STATUS.fraction = True, text, 0.0
    STATUS.error, STATUS.warnings, STATUS.cancel_wanted = None, (), False
    redraw()


def stage(text: str, fraction: float) -> None:
    if (text, fraction) != (STATUS.text, STATUS.fraction):
        STATUS.text, STATUS.fraction = text, fraction
        redraw()


def warn(text: str) -> None:
    if text not in STATUS.warnings:
        STATUS.warnings = (*STATUS.warnings, text)


def end(error: DeclaimError | None = None) -> None:
    """The job is over. A wish to stop is no failure."""
    STATUS.busy, STATUS.fraction = False, 0.0
    STATUS.error = None if isinstance(error, Cancelled) else error
    STATUS.text = str(error) if isinstance(error, Cancelled) else ""
    redraw()


def redraw() -> None:
    """Draw again what shows the status: sidebars and animation editors of every window."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type in _SHOWING:
                area.tag_redraw()


def unexpected(error: Exception) -> DeclaimError:
    """A mistake of ours as one sentence; the traceback goes to a file that can be sent to us."""
    path = places.folder("logs") / "errors.log"
    with path.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    return DeclaimError(f"Declaim made a mistake: {error or type(error).__name__}.", hint=f"Please report it with {path}.")


def fail(operator: bpy.types.Operator, error: DeclaimError) -> set[str]:
    """Show ``error`` as one sentence with its hint. From a script it is raised as RuntimeError."""
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}
