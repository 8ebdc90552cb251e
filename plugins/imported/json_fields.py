"""Fetching fields out of JSON that others wrote, with the place of each for the sentence that names a bad one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .rows import Row

MILLISECONDS, TICKS = 1e-3, 1e-7  # s


class BadField(Exception):
    """A field that is missing or of the wrong kind; becomes a ScriptError where the file's name is known."""


def at(data: Any, *keys: str | int) -> Any:
    """data[key][key]..., or None where the structure is another one."""
    for key in keys:
        if isinstance(key, int):
            if not isinstance(data, list) or len(data) <= key:
                return None
        elif not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def objects(data: Any, where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    if not isinstance(data, list):
        raise BadField(f"{where} is not a list")
    for n, row in enumerate(data):
        if not isinstance(row, dict):
            raise BadField(f"{where}[{n}] is not an object")
        yield row, f"{where}[{n}]"


def text_of(row: Mapping[str, Any], where: str, *keys: str) -> str:
    for key in keys:
        if key in row:
            if not isinstance(row[key], str):
                raise BadField(f"{where}.{key} is not a text")
            return str(row[key])
    raise BadField(f"{where} has no {keys[0]}")


def seconds_of(row: Any, where: str, key: str, unit: float = 1.0) -> float:
    """A time in s: a number or a text of one in ``unit``, "1.200s", or {"seconds": 1, "nanos": 200000000}."""
    if not isinstance(row, dict) or key not in row:
        raise BadField(f"{where} has no {key}")
    value = row[key]
    if isinstance(value, dict):
        parts = [value.get("seconds", 0), value.get("nanos", 0)]
        if all(isinstance(part, int | float | str) for part in parts):
            return number_of(parts[0], f"{where}.{key}.seconds") + number_of(parts[1], f"{where}.{key}.nanos") * 1e-9
    if isinstance(value, str) and value.endswith("s"):
        return number_of(value[:-1], f"{where}.{key}")
    return number_of(value, f"{where}.{key}") * unit


def number_of(value: Any, where: str) -> float:
    try:
        number = float(value) if not isinstance(value, bool) and isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadField(f"{where} is {json.dumps(value)[:40]}, not a time")
    return number


def confidence_of(row: Mapping[str, Any], *keys: str) -> float:
    value = next((row[key] for key in keys if key in row), 1.0)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 1.0


def first_has(data: Any, *keys: str) -> bool:
    """A list that is not empty and whose first object has all the keys."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and all(key in data[0] for key in keys)


def any_has(rows: Any, *keys: str) -> bool:
    """A list in which some object has all the keys."""
    return isinstance(rows, list) and any(isinstance(row, dict) and all(key in row for key in keys) for row in rows)


def plain_rows(
    rows: Any, where: str, text: Sequence[str], start: str, end: str, confidence: Sequence[str] = ()
) -> list[Row]:
    return [
        Row(
            text=text_of(row, here, *text),
            start=seconds_of(row, here, start),
            end=seconds_of(row, here, end),
            confidence=confidence_of(row, *confidence),
        )
        for row, here in objects(rows, where)
    ]
