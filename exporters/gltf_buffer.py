"""glTF's binary side: accessors over one buffer, and the GLB container around it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT4"]
ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
_WIDTH: Mapping[Kind, int] = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_COMPONENT = {np.dtype(t): c for t, c in (("<u1", 5121), ("<u2", 5123), ("<u4", 5125), ("<f4", 5126))}


class GlbBuffer:
    """Collects arrays and hands out indices of their accessors (glTF 2.0, section 3.6)."""

    def __init__(self) -> None:
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self._chunks: list[bytes] = []
        self._length = 0

    def view(self, data: bytes, target: int | None = None) -> int:
        """Index of a new buffer view over ``data``, aligned to four bytes."""
        view = {"buffer": 0, "byteOffset": self._length, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        padding = -len(data) % 4
        self._chunks.extend((data, bytes(padding)) if padding else (data,))
        self._length += len(data) + padding
        self.views.append(view)
        return len(self.views) - 1

    def accessor(self, array: Array, kind: Kind, *, target: int | None = None, bounds: bool = False) -> int:
        """Index of a new accessor over ``array`` (n, ...) of uint8, uint16, uint32 or float32."""
        rows = _rows(array, kind)
        accessor = _header(rows, kind, bounds)
        accessor["bufferView"] = self.view(rows.tobytes(), target)
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def accessors_of_columns(self, array: Array, kind: Kind) -> list[int]:
        """Indices of one accessor for each ``array[:, i]``, (n, m, ...), all in one buffer view."""
        columns = np.ascontiguousarray(np.swapaxes(array, 0, 1))
        if not len(columns):
            return []
        view = self.view(columns.tobytes())
        first = len(self.accessors)
        for number, column in enumerate(columns):
            header = _header(_rows(column, kind), kind, False)
            self.accessors.append({"bufferView": view, "byteOffset": number * column.nbytes, **header})
        return list(range(first, len(self.accessors)))

    def sparse(self, count: int, indices_view: int, indices: Array, values: Array, *, bounds: bool = False) -> int:
        """Index of a new VEC3 accessor of ``count`` zeros but for ``values`` (n, 3) at ``indices`` (n,), ascending, n > 0.

        ``indices_view`` is the buffer view that holds ``indices``; several accessors may share it.
        """
        rows = _rows(values, "VEC3")
        accessor: dict[str, Any] = {"componentType": 5126, "count": count, "type": "VEC3"}
        if bounds:
            accessor |= _bounds(rows if len(rows) == count else np.concatenate([rows, np.zeros((1, 3), rows.dtype)]))
        accessor["sparse"] = {
            "count": len(rows),
            "indices": {"bufferView": indices_view, "componentType": _COMPONENT[indices.dtype]},
            "values": {"bufferView": self.view(rows.tobytes())},
        }
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def pack(self, document: Mapping[str, Any]) -> bytes:
        """The GLB file: ``document`` with this buffer's accessors and views, then the buffer (glTF 2.0, section 4)."""
        whole = {
            **document,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self._length}],
        }
        text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        head = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + self._length)
        json_head = struct.pack("<I4s", len(text), b"JSON")
        return b"".join([head, json_head, text, struct.pack("<I4s", self._length, b"BIN\0"), *self._chunks])


def index_type(vertices: int) -> Any:
    """The narrowest type that numbers ``vertices``, leaving its highest value free for glTF's primitive restart."""
    return np.dtype("<u2") if vertices <= 65535 else np.dtype("<u4")


def _rows(array: Array, kind: Kind) -> Array:
    return np.ascontiguousarray(array).reshape(-1, _WIDTH[kind])


def _header(rows: Array, kind: Kind, bounds: bool) -> dict[str, Any]:
    header: dict[str, Any] = {"componentType": _COMPONENT[rows.dtype], "count": len(rows), "type": kind}
    return header | _bounds(rows) if bounds else header


def _bounds(rows: Array) -> dict[str, Any]:
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
