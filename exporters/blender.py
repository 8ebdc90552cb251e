"""The formats that Blender writes: one child process for all files of a take."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import ExportError
from ..core.files import replacing
from ..core.report import Report
from .blender_job import Maker, Shot, save_tasks
from .blender_process import Blender, find_blender, run_job
from .character import Character, Performance
from .character_file import save
from .formats import Take, format_of


def write(take: Take, paths: Sequence[Path], report: Report) -> None:
    """Write ``take`` to ``paths``, all of formats that Blender writes.

    Everything is made in a temporary folder first; a path appears whole or not at all. Raises ExportError where there is
    no Blender, where it fails, or where a path cannot be written, and Cancelled by ``report``.
    """
    blender = find_blender()
    if take.body.pose_dirs is not None:
        names = " and ".join(path.name for path in paths)
        report.warn(f"Pose corrections of this body stay behind: {names} cannot hold them.")
    with tempfile.TemporaryDirectory(prefix="declaim-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        makers: list[Maker] = []
        try:
            for number, path in enumerate(paths):
                makers.append(_maker(take, path, folder / str(number)))
            through_blender(blender, take, makers, folder, report)
            for path, maker in zip(paths, makers):
                with replacing(path) as temporary:
                    maker.finish(temporary, report)
        finally:
            for maker in makers:
                maker.close()


def through_blender(blender: Blender, take: Take, makers: Sequence[Maker], folder: Path, report: Report) -> None:
    """Let ``blender`` do its part of what ``makers`` make of ``take``, in ``folder``."""
    by_place = {str(maker.task.place): maker for maker in makers}

    def hear(message: dict[str, Any]) -> None:
        by_place[message["place"]].take(
            Shot(
                frame=message["frame"],
                pictures=tuple(Path(path) for path in message["pictures"]),
                shadows=tuple(tuple(row) for row in message["shadows"]),
            )
        )

    try:
        save(Character.of(take.body, take.clip), Performance.of(take.clip, take.body, take.name), folder / "take.npz")
        save_tasks([maker.task for maker in makers], folder)
        run_job(blender, folder, report, hear)
    except OSError as error:
        raise ExportError(
            f"The temporary folder {folder.parent} could not be written: {(error.strerror or str(error)).lower()}.",
            hint="Free some space there, or set TMPDIR to another folder.",
        ) from error


def _maker(take: Take, path: Path, place: Path) -> Maker:
    module = importlib.import_module(f".{format_of(path).suffix[1:]}", __package__)
    maker: Maker = module.maker(take, path.name, place)
    return maker
