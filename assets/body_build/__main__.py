"""``python -m declaim.assets.body_build [PATH]``: build the built-in body."""

from __future__ import annotations

import sys
from pathlib import Path

from ...core.body_file import BUILTIN_PATH, write_compact
from .assembly import build_body
from .source import load_source

if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILTIN_PATH
    write_compact(build_body(load_source()), path)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1e6:.2f} MB\n")
