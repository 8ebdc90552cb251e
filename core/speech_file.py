"""Speech as bytes: an npz with its arrays and the rest as one JSON string. Never pickle."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from typing import Any

import numpy as np

from .errors import InputError
from .speech import Speech
from .typed_json import decoded, encoded, parsed

_ARRAYS = ("samples", "energy", "pitch")


def speech_to_bytes(speech: Speech) -> bytes:
    arrays: dict[str, Any] = {name: getattr(speech, name) for name in _ARRAYS if getattr(speech, name) is not None}
    fields = (field.name for field in dataclasses.fields(speech) if field.name not in _ARRAYS)
    rest = {name: _plain(getattr(speech, name)) for name in fields}
    buffer = io.BytesIO()
    np.savez(buffer, speech=np.array(encoded(rest)), **arrays)
    return buffer.getvalue()


def speech_from_bytes(data: bytes) -> Speech:
    """Raises InputError where ``data`` is not what ``speech_to_bytes`` gave."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        rest = decoded(Speech, parsed(str(arrays.pop("speech"))), name="speech")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"This is not an analysed voice ({error}).", hint="Hear the voice again.") from None
    return dataclasses.replace(rest, **{name: arrays[name] for name in _ARRAYS if name in arrays})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [dataclasses.asdict(item) if dataclasses.is_dataclass(item) else item for item in value]  # type: ignore[arg-type]
    return value
