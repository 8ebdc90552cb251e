"""Writing files so that a failure leaves nothing half-written."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from .errors import ExportError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to, with the same suffix; renamed to ``path`` on success.

    On any failure the temporary file is removed and ``path`` stays as it was. Raises ExportError, in one sentence, for
    what the file system refuses (no such folder, no permission, a full disk).
    """
    if not path.parent.is_dir():
        raise ExportError(
            f"The folder {path.parent} does not exist.", hint="Create it, or choose another place for the output."
        )
    # Part of the name tells people what it is; all of it might be longer than file systems allow.
    temporary = path.with_name(f".{path.stem[:32]}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        if not temporary.exists():
            raise ExportError(f"Nothing was written for {path}.", hint="Report this: the exporter ended without a file.")
        temporary.replace(path)
    except OSError as error:
        raise ExportError(
            f"{path} could not be written: {(error.strerror or str(error)).lower()}.",
            hint="Check the folder's permissions and the free space, or choose another place for the output.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def writable(path: Path) -> None:
    """Raise ExportError now if a file could not be written at ``path`` later, so that no work is done in vain."""
    if path.is_dir():
        raise ExportError(f"{path} is a folder.", hint="Add a file name.")
    if path.exists() and not os.access(path, os.W_OK):  # renaming over it would succeed, but somebody locked it
        raise ExportError(f"{path} is write-protected.", hint="Unlock it, or choose another name for the output.")
    with contextlib.suppress(_Tried), replacing(path) as temporary:
        temporary.touch()
        raise _Tried


class _Tried(Exception):  # a signal, not an error
    """The trial file could be made: leave ``replacing`` without renaming it."""
