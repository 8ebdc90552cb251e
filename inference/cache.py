"""A cache of bytes on disk, found by content: bounded, and safe where several engines share it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from ..core.errors import ExportError
from ..core.files import replacing

_MAGIC = b"declaim cache 1\n"
_DIGEST = 32  # bytes
_SUFFIX = ".entry"
_ABANDONED_S = 3600.0  # a temporary file older than this belongs to an engine that died


class Cache:
    """Entries in ``folder``, the oldest unused ones removed once they exceed ``limit_bytes`` together.

    Nothing here fails: what cannot be stored is not stored, and an entry that is damaged is not there.
    """

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST
        body = content[start:]
        if content[:start] != _MAGIC + _digest(key, body):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used now: removed last
        return body

    def put(self, key: str, body: bytes) -> None:
        if len(body) > self._limit_bytes // 4:
            return
        with contextlib.suppress(OSError, ExportError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(self._path(key)) as temporary:
                temporary.write_bytes(_MAGIC + _digest(key, body) + body)
            self._trim()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def _trim(self) -> None:
        entries = []
        with os.scandir(self._folder) as found:
            for entry in found:
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                        entries.append((status.st_mtime_ns, status.st_size, entry.path))
                    elif time.time() - status.st_mtime > _ABANDONED_S:
                        os.unlink(entry.path)  # noqa: PTH108 - scandir gives texts
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._limit_bytes:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            total -= size


def _digest(key: str, body: bytes) -> bytes:
    digest = hashlib.sha256(key.encode())
    digest.update(b"\0")
    digest.update(body)
    return digest.digest()
