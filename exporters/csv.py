"""Oculus's fifteen visemes as a table: a row a frame, its time and fifteen weights that sum to one."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ExportError
from ..core.files import replacing
from ..core.oculus import VISEMES, oculus_weights
from ..core.report import Report, SilentReport
from .formats import Take


def write(take: Take, path: Path, report: Report | None = None) -> None:
    """Write ``time,sil,PP,...,ou``; times in seconds. Raises ExportError where the clip knows of no visemes."""
    clip = take.clip
    if not clip.timeline.visemes:
        raise ExportError(
            f"{take.name} has no visemes to write.",
            hint="They come with a performance whose mouth the visemes plugin made.",
        )
    (report or SilentReport()).check()
    rows = [",".join(("time", *VISEMES))]
    for frame, weights in enumerate(oculus_weights(clip).tolist()):
        rows.append(",".join((f"{frame / clip.fps:.6f}", *(f"{weight:.4f}".rstrip("0").rstrip(".") for weight in weights))))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(rows) + "\n", encoding="ascii", newline="\n")
