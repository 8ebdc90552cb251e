"""TOML files that people write, read so that whatever is wrong is told with its line, and the rest stays usable."""

from __future__ import annotations

import difflib
import functools
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .errors import InputError
from .toml_lines import Key, key_lines

_T = TypeVar("_T")


class WrongField(InputError):
    """A field of a file has not what it should have; the message says in which line."""

    code = "wrong_field"


class TomlTable:
    """One table of a file. What reads a field raises WrongField where it is missing or not as it should be."""

    def __init__(self, file: str, key: Key, values: Mapping[str, Any], lines: Mapping[Key, int]) -> None:
        """``lines``: the line of each value in the whole file, counted from 1."""
        self._file, self._key, self._values, self._lines = file, key, values, lines

    @property
    def name(self) -> str:
        """Its own name: "beat" of [units.beat]."""
        return str(self._key[-1]) if self._key else ""

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def wrong(self, name: str, why: str) -> WrongField:
        """The error for the field ``name`` (or "" for the table itself): file, line, table and ``why``, which has no stop."""
        place = ".".join(str(part) for part in self._key if isinstance(part, str))
        return WrongField(
            f"{self._file}, line {self.line(name)}{f', [{place}]' if place else ''}: {why}.", hint="Correct that line."
        )

    def line(self, name: str = "") -> int:
        """Where the field stands in the file, or the table if the field is not there."""
        key = (*self._key, name)
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)

    def only(self, *names: str) -> None:
        """Refuse fields that are none of ``names``."""
        for name in self._values:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                raise self.wrong(name, f'"{name}" is no field' + (f"; did you mean {near[0]}" if near else ""))

    def number(self, name: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from ``low`` to ``high``; without ``default`` it must be there."""
        value = self._get(name, default)
        if not _is_number(value):
            raise self.wrong(name, f"{name} should be a number, not {_shown(value)}")
        return self._within(name, float(value), low, high)

    def integer(self, name: str, default: int | None = None, *, low: float = -math.inf, high: float = math.inf) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(name, f"{name} should be a whole number, not {_shown(value)}")
        return int(self._within(name, value, low, high))

    def flag(self, name: str, default: bool | None = None) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, f"{name} should be true or false, not {_shown(value)}")
        return value

    def numbers(
        self,
        name: str,
        size: int,
        default: Sequence[float] | None = None,
        *,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> tuple[float, ...]:
        """A list of ``size`` finite numbers from ``low`` to ``high``."""
        value = self._get(name, default)
        if (
            not isinstance(value, Sequence)
            or isinstance(value, str)
            or len(value) != size
            or not all(map(_is_number, value))
        ):
            raise self.wrong(name, f"{name} should be a list of {size} numbers, not {_shown(value)}")
        return tuple(self._within(name, float(item), low, high) for item in value)

    def text(self, name: str, default: str | None = None, *, choices: Sequence[str] = ()) -> str:
        """A text that is not empty; one of ``choices`` where these are given."""
        value = self._get(name, default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise self.wrong(name, f"{name} should be a text, not {_shown(value)}")
        return self._chosen(name, value, choices)

    def texts(self, name: str, default: Sequence[str] | None = (), *, choices: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts, none of them empty or twice there."""
        value = self._get(name, default)
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.wrong(name, f'{name} should be a list of texts such as ["a", "b"], not {_shown(value)}')
        for item in value:
            if not isinstance(item, str) or not item.strip():
                raise self.wrong(name, f"{name} should hold texts, not {_shown(item)}")
            self._chosen(name, item, choices)
            if list(value).count(item) > 1:
                raise self.wrong(name, f"{name} has {_shown(item)} twice")
        return tuple(value)

    def table(self, name: str) -> TomlTable:
        """The table ``name``; an empty one if it is not there."""
        return self._table((name,), self._values.get(name, {}))

    def tables(self, name: str) -> tuple[TomlTable, ...]:
        """The list of tables ``name``; an empty one if it is not there."""
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name, f"{name} should be a list of tables such as [{{...}}, {{...}}], not {_shown(value)}")
        return tuple(self._table((name, number), item) for number, item in enumerate(value))

    def each(self, read: Callable[[TomlTable], _T], warn: Callable[[str], None] | None) -> dict[str, _T]:
        """What ``read`` makes of every table in this one, by name, in the file's order.

        Where it raises WrongField, ``warn`` hears the sentence and the table is passed over; without ``warn`` it raises.
        """
        wrong = object()
        made: dict[str, Any] = {}
        for name, value in self._values.items():
            made[name] = read_or(wrong, functools.partial(self._read_table, read, name, value), warn)
        return {name: value for name, value in made.items() if value is not wrong}

    def _read_table(self, read: Callable[[TomlTable], _T], name: str, value: Any) -> _T:
        return read(self._table((name,), value))

    def _get(self, name: str, default: Any) -> Any:
        if name in self._values:
            return self._values[name]
        if default is None:
            raise self.wrong("", f"{name} is missing")
        return default

    def _table(self, way: Key, value: Any) -> TomlTable:
        if not isinstance(value, dict):
            raise self.wrong(str(way[0]), f"{way[0]} should be a table, not {_shown(value)}")
        return TomlTable(self._file, (*self._key, *way), value, self._lines)

    def _within(self, name: str, value: float, low: float, high: float) -> float:
        if not math.isfinite(value):
            raise self.wrong(name, f"{name} should be finite, not {value}")
        if not low <= value <= high:
            wanted = f"from {low:g} to {high:g}" if math.isfinite(low + high) else f"{low:g} or more"
            raise self.wrong(name, f"{name} should be {wanted if low > -math.inf else f'{high:g} or less'}, not {value:g}")
        return value

    def _chosen(self, name: str, value: str, choices: Sequence[str]) -> str:
        if choices and value not in choices:
            near = difflib.get_close_matches(value, choices, n=1)
            rest = f"did you mean {near[0]}" if near else f"it may be {', '.join(choices)}"
            raise self.wrong(name, f"{name} has {_shown(value)}, which there is not; {rest}")
        return value


def read_or(default: Any, read: Callable[[], Any], warn: Callable[[str], None] | None) -> Any:
    """What ``read`` returns, or ``default`` where it raises WrongField: ``warn`` hears the sentence; without it, it raises."""
    try:
        return read()
    except WrongField as error:
        if warn is None:
            raise
        warn(f"{error.message} It is passed over.")
        return default


def read_toml(path: Path, what: str) -> TomlTable:
    """The whole of a file; ``what`` is what errors call it ("The lexicon"). Raises InputError where it is not TOML."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
        values = tomllib.loads(text)
    except FileNotFoundError:
        raise InputError(f"{what} {path} does not exist.", hint="Check its name.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{what} {path} cannot be read: {reason}.", hint="Save it as UTF-8 text.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{what} {path.name} is not valid TOML: {error}.", hint="Correct that line.") from None
    return TomlTable(path.name, (), values, key_lines(text))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
