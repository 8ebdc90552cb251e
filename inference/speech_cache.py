"""Analyses of a voice, kept on disk, so that the same line is heard once."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.speech import Speech
from ..core.typed_json import decoded, encoded, parsed
from .cache import Cache

_ARRAYS = ("samples", "energy", "pitch")


class SpeechCache:
    """What ``pipeline.SpeechStore`` asks for. ``code`` is the fingerprint of the code that hears."""

    def __init__(self, cache: Cache, *, code: str) -> None:
        self._cache = cache
        self._code = code

    def get(self, key: str) -> Speech | None:
        body = self._cache.get(self._key(key))
        return None if body is None else _speech(body)

    def put(self, key: str, speech: Speech) -> None:
        self._cache.put(self._key(key), _bytes(speech))

    def _key(self, key: str) -> str:
        return f"speech {self._code} {key}"


def _bytes(speech: Speech) -> bytes:
    arrays: dict[str, Any] = {name: getattr(speech, name) for name in _ARRAYS if getattr(speech, name) is not None}
    rest = {
        field.name: _plain(getattr(speech, field.name)) for field in dataclasses.fields(speech) if field.name not in _ARRAYS
    }
    buffer = io.BytesIO()
    np.savez(buffer, speech=np.array(encoded(rest)), **arrays)
    return buffer.getvalue()


def _speech(body: bytes) -> Speech | None:
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        rest = decoded(Speech, parsed(str(arrays.pop("speech"))), name="speech")
    except (ValueError, KeyError, OSError, InputError):
        return None
    return dataclasses.replace(rest, **arrays)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [dataclasses.asdict(item) if dataclasses.is_dataclass(item) else item for item in value]  # type: ignore[arg-type]
    return value
