"""The child's side of a job: read it, do it, tell of it. Runs inside Blender."""

from __future__ import annotations

import importlib
import os
import shutil
import threading
import time
import traceback
from pathlib import Path

from ..core.errors import DeclaimError, ExportError
from .blender_job import Channel, load_tasks
from .character_file import load


def run(folder: Path) -> int:
    """Do the job in ``folder``; the exit code."""
    channel = Channel()
    _end_with_parent(folder)
    try:
        _check_blender()
        character, performance = load(folder / "take.npz")
        for task in load_tasks(folder):
            channel.stage(f"Writing {task.title}")
            importlib.import_module(f".{task.format}", __package__).in_blender(character, performance, task, channel)
    except DeclaimError as error:
        channel.send("error", message=error.message, hint=error.hint)
        return 1
    except Exception as error:
        traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = " ".join(str(error).split())
        channel.send(
            "error",
            message=f"Blender failed ({type(error).__name__}: {reason}, {Path(last.filename).name}:{last.lineno}).",
            hint="Report this with the sentence above.",
        )
        return 1
    channel.send("done")
    return 0


def _check_blender() -> None:
    try:
        import bpy
    except ImportError as error:
        raise ExportError(
            f"Blender's Python module cannot be loaded ({error}).",
            hint="Install the system library it names, or set DECLAIM_BLENDER to a Blender executable.",
        ) from None
    if bpy.app.version < (4, 2, 0):
        raise ExportError(
            f"Blender {bpy.app.version_string} is too old.", hint="Install 4.2 or newer and set DECLAIM_BLENDER to it."
        )


def _end_with_parent(folder: Path) -> None:
    """End this process, leaving nothing, when the parent's end of our standard input closes, whatever it died of."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        for _ in range(30):
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)  # a picture in the making may bring the folder back
            if not folder.exists():
                break
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
