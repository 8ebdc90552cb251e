"""Pictures for a report: stills of chosen frames, and a film or a contact sheet, all by one Blender.

``in_blender`` runs inside Blender.
"""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..core.report import Report
from . import mp4, png
from .blender import through_blender
from .blender_job import Channel, Maker, Shot, Task
from .blender_process import find_blender
from .character import Character, Performance
from .formats import Take

Preview = Literal["film", "sheet", "none"]
View = Literal["figure", "upper body", "face"]
VIEWS: tuple[View, ...] = ("figure", "upper body", "face")
_SIZES = ((300, 420), (400, 420), (340, 420))  # pixels, of each view
_QUALITY = 82  # of JPEG


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportPictures:
    """What was rendered, as the bytes of files."""

    film: bytes = b""  # MP4
    sheet: bytes = b""  # JPEG
    stills: dict[int, dict[View, bytes]] = dataclasses.field(default_factory=dict)  # frame -> JPEG by view


def report_pictures(take: Take, frames: Sequence[int], preview: Preview, report: Report) -> ReportPictures:
    """Stills of ``frames`` and the ``preview`` of ``take``. Raises ExportError where there is no Blender."""
    blender = find_blender()
    with tempfile.TemporaryDirectory(prefix="declaim-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        stills = _Stills(Task(format="report_pictures", place=folder / "stills", title="the stills", frames=tuple(frames)))
        makers: list[Maker] = [stills] if frames else []
        shown: Maker | None = None
        if preview == "film":
            shown = mp4.maker(take, "the film", folder / "film")
        elif preview == "sheet":
            shown = png.maker(take, "the contact sheet", folder / "sheet")
        if shown is not None:
            makers.append(shown)
        try:
            if makers:
                through_blender(blender, take, makers, folder, report)
            made = b""
            if shown is not None:
                file = folder / ("made.mp4" if preview == "film" else "made.png")
                shown.finish(file, report)
                made = file.read_bytes()
        finally:
            for maker in makers:
                maker.close()
    if preview == "sheet" and made:
        return ReportPictures(sheet=_as_jpeg(made), stills=stills.pictures)
    return ReportPictures(film=made, stills=stills.pictures)


def in_blender(character: Character, performance: Performance, task: Task, channel: Channel) -> None:
    """The task's frames from each of VIEWS."""
    from .blender_stage import studio, take_pictures
    from .framing import Framing

    scene = studio(character, performance, samples=8)
    framing = Framing(character, performance)
    views = [framing.figure(_SIZES[0]), framing.upper_body(_SIZES[1]), framing.face(_SIZES[2])]
    for count, (frame, pictures) in enumerate(take_pictures(scene, views, task.frames, task.place, len(task.frames))):
        channel.stage(f"Rendering still {count + 1} of {len(task.frames)}", (count + 1) / len(task.frames))
        channel.shot(task, frame, pictures, framing.shadows(views[0], frame))


class _Stills:
    """The parent's side: each picture before its backdrop, as JPEG."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.pictures: dict[int, dict[View, bytes]] = {}

    def take(self, shot: Shot) -> None:
        from .pictures import composed

        made: dict[View, bytes] = {}
        for view, size, path in zip(VIEWS, _SIZES, shot.pictures):
            picture = composed(path, *size, shot.shadows if view == "figure" else ())
            made[view] = _jpeg(picture)
            path.unlink()
        self.pictures[shot.frame] = made

    def finish(self, path: Path, report: Report) -> None:
        raise AssertionError("stills are taken from here, not written to a file")

    def close(self) -> None:
        pass


def _as_jpeg(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return _jpeg(picture)


def _jpeg(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
