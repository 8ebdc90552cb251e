"""Fingerprints of what a result depends on beside the voice: code, plugins, libraries, files, settings.

Sizes and times of files stand for their content: looked at for every job, so that an edited plugin is used at once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.typed_json import encoded
from ..core.wire import PerformRequest
from ..plugins import registry

_OURS = ("core", "plugins", "inference", "assets")
_LIBRARIES = (
    "numpy", "soundfile", "soxr", "av", "pocketsphinx", "vosk", "praat-parselmouth", "espeakng-loader", "num2words",
    "onnxruntime",
)  # fmt: skip
_SETTINGS = ("DECLAIM_", "VOSK_MODEL_PATH")  # beginnings of names in the environment
_NOT_CODE = ("__pycache__", "node_modules", "venv")
_MOST_FILES = 2000  # of one folder: a plugin's folder may hold a researcher's data set


def code_fingerprint() -> str:
    """Changes when our code or data, a plugin, a library or a setting in the environment does."""
    root = Path(__file__).resolve().parents[1]
    folders = [root / name for name in _OURS]
    folders += [row.folder for row in registry.find_plugins() if row.origin != "built-in"]
    settings = sorted(item for item in os.environ.items() if item[0].startswith(_SETTINGS))
    parts = [__version__, sys.version, _library_versions(), settings, [list(_files(folder)) for folder in folders]]
    return hashlib.sha256(encoded(parts).encode()).hexdigest()


def request_fingerprint(request: PerformRequest, *, code: str, audio_sha256: str, filename: str) -> str:
    """The same for the same voice, request and code; files that the request names count too."""
    named = [request.body, *_texts(request.parameters)]
    files = [list(_files(Path(text))) for text in named if text and "\0" not in text and len(text) < 1000]
    return hashlib.sha256(encoded([code, audio_sha256, filename, encoded(request), files]).encode()).hexdigest()


@functools.cache
def _library_versions() -> tuple[str, ...]:
    found = []
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return tuple(found)


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    """(name, size, time of change) of a file, or of the files in a folder; nothing where there is none."""
    try:
        if path.is_file():
            status = path.stat()
            yield str(path), status.st_size, status.st_mtime_ns
            return
        left = _MOST_FILES
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if name not in _NOT_CODE and not name.startswith("."))
            for name in sorted(names)[:left]:
                left -= 1
                with contextlib.suppress(OSError):
                    status = Path(folder, name).stat()
                    yield str(Path(folder, name)), status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        return


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
