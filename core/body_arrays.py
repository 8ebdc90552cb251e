"""Arrays of a body's npz: checked one by one as they are read, and written with the same bytes each time."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BodyError
from .files import replacing

Array = NDArray[Any]


class Arrays:
    """Arrays of an npz, checked one by one as they are taken."""

    def __init__(self, archive: Mapping[str, Any], path: Path) -> None:
        self._archive, self._path = archive, path

    def take(self, name: str, shape: tuple[int | None, ...], kind: Any = np.float32) -> Array:
        if name not in self._archive:
            raise BodyError(
                f"The body {self._path} has no array {name!r}.", hint="It is not a complete body file in SMPL-X layout."
            )
        try:
            array = np.asarray(self._archive[name])
        except ValueError:
            raise BodyError(
                f"The array {name!r} of the body {self._path} is pickled, and Declaim never unpickles.",
                hint="Save it again as a plain numeric array.",
            ) from None
        if array.dtype.kind not in "fiu":
            raise BodyError(
                f"The array {name!r} of the body {self._path} holds no numbers.", hint="Save it as a numeric array."
            )
        if len(array.shape) != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape)):
            wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
            raise BodyError(
                f"The array {name!r} of the body {self._path} has the shape {array.shape} where {wanted} is needed.",
                hint="Declaim reads bodies with SMPL-X's 55 joints.",
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BodyError(
                f"The array {name!r} of the body {self._path} has values that are not numbers.", hint="The file is damaged."
            )
        return array.astype(kind, copy=False)


def indices(values: Array, limit: int, name: str, path: Path) -> Array:
    """``values`` as int32, if there are any and all lie in 0..``limit`` - 1. Raises BodyError."""
    if values.size == 0 or values.min() < 0 or values.max() >= limit:
        raise BodyError(f"The array {name!r} of the body {path} points outside the mesh.", hint="The file is damaged.")
    return values.astype(np.int32)


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """A compressed npz with the same bytes for the same arrays, put in place whole. Raises ExportError."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, whatever the clock says
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)  # type: ignore[no-untyped-call]
