"""JSON to frozen dataclasses, checked against their annotations, so that a wrong field is named before work starts."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from .errors import InputError

_T = TypeVar("_T")
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
_HINT = "Correct it and send the request again."


def encoded(value: Any) -> str:
    """Compact JSON on one line of a dataclass, mapping or list. Raises InputError for numbers that are not finite."""
    plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    try:
        return json.dumps(plain, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"This cannot be sent as JSON: {error}.", hint=_HINT) from None


def parsed(text: str | bytes) -> Any:
    """The JSON value in ``text``. Raises InputError for anything that is not strict JSON in UTF-8."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"This is not valid JSON: {error}.", hint=_HINT) from None


def decoded(kind: type[_T], value: Any, *, name: str, strict: bool = True) -> _T:
    """``value``, plain JSON, as the dataclass ``kind``; ``name`` is what errors call it.

    Understands texts, paths, numbers, booleans, tuples, mappings, literals, optional values and nested dataclasses. Where
    ``strict`` is off, unknown fields are passed over: a newer engine may send them. Raises InputError.
    """
    return typing.cast(_T, _read(kind, value, name, strict))


def _read(kind: Any, value: Any, name: str, strict: bool) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        inner = [argument for argument in arguments if argument is not type(None)]
        return _read(inner[0], value, name, strict)
    if origin is typing.Literal:
        if value not in arguments:
            raise InputError(f"{name} is {_shown(value)}.", hint=f"It may be {', '.join(map(str, arguments))}.")
        return value
    if origin is tuple:
        return _read_tuple(arguments, value, name, strict)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _wrong(name, value, "an object")
        return {
            _read(arguments[0], key, f"a key of {name}", strict): _read(arguments[1], item, f"{name}.{key}", strict)
            for key, item in value.items()
        }
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, name, strict)
    return _read_plain(kind, value, name)


def _read_tuple(arguments: tuple[Any, ...], value: Any, name: str, strict: bool) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(name, value, "a list")
    if arguments[-1] is Ellipsis:
        return tuple(_read(arguments[0], item, f"{name}[{i}]", strict) for i, item in enumerate(value))
    if len(value) != len(arguments):
        raise InputError(f"{name} has {len(value)} values, not {len(arguments)}.", hint=_HINT)
    return tuple(_read(kind, item, f"{name}[{i}]", strict) for i, (kind, item) in enumerate(zip(arguments, value)))


def _read_dataclass(kind: Any, value: Any, name: str, strict: bool) -> Any:
    if not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields and strict:
            near = difflib.get_close_matches(str(key), fields, n=1)
            raise InputError(
                f'{name} has no field "{key}".', hint=f"Did you mean {near[0]}?" if near else f"It has {', '.join(fields)}."
            )
    hints = _hints(kind)
    for field in fields.values():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in value:
            raise InputError(f"{name} lacks {field.name}.", hint=_HINT)
    given = {key: _read(hints[key], item, f"{name}.{key}", strict) for key, item in value.items() if key in fields}
    return kind(**given)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read_plain(kind: Any, value: Any, name: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number:
        if not math.isfinite(value):
            raise _wrong(name, value, "a finite number")
        return float(value)
    if kind is int and number and isinstance(value, int):
        return value
    if kind is Path:
        return Path(_read_plain(str, value, name))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputError(f"{name} holds half of a character.", hint="Send whole Unicode characters.") from None
        return value
    raise _wrong(name, value, _WORDS.get(kind, str(kind)))


def _wrong(name: str, value: Any, wanted: str) -> InputError:
    return InputError(f"{name} should be {wanted}, not {_shown(value)}.", hint=_HINT)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number")
