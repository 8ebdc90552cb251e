"""What the engine keeps of what it has performed: how large it is, and clearing it. The engine holds it to its limit."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from pathlib import Path

from . import places

_SUFFIX = ".entry"  # as inference.cache names them
_FRESH_S = 2.0  # panels are drawn often, and a cache may hold thousands of files

_seen = (-_FRESH_S, 0)  # (when, bytes)


@functools.cache
def folder() -> Path:
    return places.folder("engine") / "cache"


def size_bytes() -> int:
    """As it was a moment ago."""
    global _seen
    if time.monotonic() - _seen[0] >= _FRESH_S:
        _seen = (time.monotonic(), sum(size for _, size in _entries()))
    return _seen[1]


def clear() -> int:
    """Remove everything; how many bytes that freed. An engine that runs goes on: it performs anew."""
    global _seen
    freed = 0
    for path, size in _entries():
        with contextlib.suppress(OSError):
            path.unlink()
            freed += size
    _seen = (-_FRESH_S, 0)
    return freed


def _entries() -> list[tuple[Path, int]]:
    found = []
    with contextlib.suppress(OSError), os.scandir(folder()) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name.endswith(_SUFFIX):
                    found.append((Path(entry.path), entry.stat().st_size))
    return found
