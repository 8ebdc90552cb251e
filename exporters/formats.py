"""The formats a take can leave in, and the one door to them."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.errors import ExportError
from ..core.files import writable
from ..core.report import Report


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
    """A file format. ``blender``: written by Blender in a child process."""

    suffix: str
    title: str
    blender: bool


FORMATS: dict[str, Format] = {
    row.suffix: row
    for row in (
        Format(suffix=".npz", title="Declaim clip, AMASS and BEAT2 layout", blender=False),
        Format(suffix=".glb", title="glTF 2.0 binary", blender=False),
        Format(suffix=".bvh", title="Biovision hierarchy", blender=False),
        Format(suffix=".csv", title="Oculus's 15 visemes, a row a frame", blender=False),
        Format(suffix=".fbx", title="Autodesk FBX", blender=True),
        Format(suffix=".usd", title="Universal Scene Description", blender=True),
        Format(suffix=".mp4", title="preview film with sound", blender=True),
        Format(suffix=".png", title="contact sheet of 12 moments", blender=True),
    )
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Take:
    """What an exporter is handed."""

    clip: MotionClip
    body: Body
    name: str  # of the line: names the animation inside the file
    audio: Path | None = None  # the voice, for formats that carry sound


def format_of(path: Path) -> Format:
    """The format that ``path``'s suffix names. Raises ExportError for an unknown one, naming those there are."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        near = difflib.get_close_matches(path.suffix.lower(), FORMATS, n=1)
        raise ExportError(
            f'"{path.name}" does not end in a format that Declaim writes.',
            hint=f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(FORMATS)}.",
        )
    return found


def export(take: Take, paths: Sequence[Path], report: Report) -> None:
    """Write ``take`` to each of ``paths``; those that need Blender share one child process.

    Raises ExportError. Every path's folder is tried before the first byte is written.
    """
    formats = {path: format_of(path) for path in paths}
    for path in paths:
        writable(path)
    for path, kind in formats.items():
        if not kind.blender:
            report.stage(f"Writing {path.name}")
            importlib.import_module(f".{kind.suffix[1:]}", __package__).write(take, path, report)
    through_blender = [path for path, kind in formats.items() if kind.blender]
    if through_blender:
        from . import blender

        blender.write(take, through_blender, report)
