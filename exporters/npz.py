"""The clip itself, as npz."""

from __future__ import annotations

from pathlib import Path

from ..core.clip_file import save_clip
from ..core.report import Report
from .formats import Take


def write(take: Take, path: Path, report: Report | None = None) -> None:
    """Write the take's clip; the body stays behind, named in the file. Raises ExportError."""
    save_clip(take.clip, path)
