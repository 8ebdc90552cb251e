"""What the parent asks of its Blender child, and how the child answers."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..core.report import Report

MARK = "declaim-message:"  # begins each line that is ours; whatever else Blender prints is passed over


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One file to make. ``place``: the file to write, or the folder for its pictures, inside the job's folder."""

    format: str  # the module of this folder that does it: its function ``in_blender``
    place: Path
    title: str  # of the file that the user asked for
    frames: tuple[int, ...] = ()  # to take pictures of; none for all


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shot:
    """One moment as Blender saw it."""

    frame: int
    pictures: tuple[Path, ...]  # a view each, RGBA; whoever takes them removes them
    shadows: tuple[tuple[float, float, float, float, float], ...]  # framing.Framing.shadows of the first view


class Maker(Protocol):
    """The parent's side of one file: what it asks Blender for and what it makes of the answer."""

    task: Task

    def take(self, shot: Shot) -> None:
        """Use up the pictures of ``shot``."""

    def finish(self, path: Path, report: Report) -> None:
        """Write the file at ``path``, now that Blender has done its part."""

    def close(self) -> None:
        """Let go of open files, done or not."""


class WholeFile:
    """A file that Blender writes by itself."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def take(self, shot: Shot) -> None:
        raise AssertionError(f"no pictures are taken for {self.task.title}")

    def finish(self, path: Path, report: Report) -> None:
        shutil.copyfile(self.task.place, path)

    def close(self) -> None:
        pass


def save_tasks(tasks: list[Task], folder: Path) -> None:
    rows = [{**dataclasses.asdict(task), "place": str(task.place)} for task in tasks]
    (folder / "job.json").write_text(json.dumps(rows), "utf-8")


def load_tasks(folder: Path) -> list[Task]:
    rows = json.loads((folder / "job.json").read_text("utf-8"))
    return [Task(**{**row, "place": Path(row["place"]), "frames": tuple(row["frames"])}) for row in rows]


class Channel:
    """The child's messages to the parent, one JSON line each, on a stream that Blender's own chatter cannot reach."""

    def __init__(self) -> None:
        own = os.dup(1)
        os.dup2(2, 1)  # from here on, what Blender prints goes to the log
        self._stream = os.fdopen(own, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def send(self, kind: str, **fields: Any) -> None:
        with self._lock:
            try:
                self._stream.write(f"{MARK}{json.dumps({'kind': kind, **fields})}\n")
                self._stream.flush()
            except OSError:
                # The parent is gone. Whoever watches for that ends this process; until then make no more files.
                time.sleep(30)
                os._exit(1)

    def shot(self, task: Task, frame: int, pictures: Sequence[Path], shadows: Sequence[Sequence[float]]) -> None:
        self.send("shot", place=str(task.place), frame=frame, pictures=[str(path) for path in pictures], shadows=shadows)

    def stage(self, text: str, fraction: float = 0.0) -> None:
        self.send("stage", text=text, fraction=fraction)
