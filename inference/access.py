"""The engine's token: a secret in a file that only its user can read."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
import time
from pathlib import Path

from ..core.errors import EngineError

_SHORTEST = 16  # characters of a token that is worth having


def default_token_file() -> Path:
    """One token a user, in the user's own data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("declaim", appauthor=False)) / "engine-token"


def read_or_make_token(path: Path) -> str:
    """The token in ``path``; a new one, readable by its user alone, where there is no such file.

    Raises EngineError where the file cannot be made or read, other users can read it, or it holds no token.
    """
    token = secrets.token_urlsafe(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read(path)
        try:
            with os.fdopen(file, "w", encoding="ascii") as opened:
                opened.write(f"{token}\n")
        except OSError:
            path.unlink(missing_ok=True)  # half a token would stand in the way of the next engine
            raise
    except OSError as error:
        raise EngineError(
            f"The token file {path} cannot be used: {(error.strerror or str(error)).lower()}.",
            hint="Check the folder's permissions and the free space.",
        ) from None
    return token


def _read(path: Path) -> str:
    # On Windows the user's own profile folder keeps other users out, and mode bits say nothing.
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise EngineError(
            f"Other users can read the token file {path}.", hint="Delete it; the engine makes a new one when it starts."
        )
    for _ in range(50):  # another engine may have made the file just now and not written to it yet
        with contextlib.suppress(UnicodeDecodeError):
            token = path.read_text(encoding="ascii").strip()
            if len(token) >= _SHORTEST and token.isprintable() and " " not in token:
                return token
            if token:
                break
        time.sleep(0.02)
    raise EngineError(f"{path} holds no token.", hint="Delete it; the engine makes a new one when it starts.")


def allows(token: str, authorization: bytes) -> bool:
    """Whether an ``Authorization`` header bears the token. Takes the same time however much of it is right."""
    return hmac.compare_digest(authorization, b"Bearer " + token.encode())
