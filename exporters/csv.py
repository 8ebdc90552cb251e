"""Oculus's fifteen visemes as a table: a row a frame, its time and fifteen weights that sum to one."""

from __future__ import annotations

from pathlib import Path

from ..core.files import replacing
from ..core.oculus import VISEMES, oculus_weights
from ..core.report import Report
from .formats import Take


def write(take: Take, path: Path, report: Report | None = None) -> None:
    """Write ``time,sil,PP,...,ou``, times in seconds; a mouth at rest, with a warning, where the clip knows of no visemes.

    Raises ExportError where the file cannot be written.
    """
    clip = take.clip
    if report and not clip.timeline.visemes:
        report.warn(f"{take.name} knows of no visemes, so {path.name} holds a mouth at rest.")
    rows = [",".join(("time", *VISEMES))]
    for frame, weights in enumerate(oculus_weights(clip).tolist()):
        rows.append(",".join((f"{frame / clip.fps:.6f}", *(f"{weight:.4f}" for weight in weights))))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(rows) + "\n", encoding="ascii", newline="\n")
