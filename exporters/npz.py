"""The clip itself, as npz."""

from __future__ import annotations

from pathlib import Path

from ..core.clip_file import save_clip
from .formats import Take


def write(take: Take, path: Path) -> None:
    save_clip(take.clip, path)
