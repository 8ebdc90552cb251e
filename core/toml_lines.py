"""In which line of a TOML file each value stands. The library's parser says so of broken syntax only."""

from __future__ import annotations

import re
import tomllib

Key = tuple[str | int, ...]  # the way to a value: names of tables and fields, numbers of list items
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(  # what a text in TOML may be; longer quotes first
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2}(?!"))' r"|'''.*?'''(?:'{0,2}(?!'))" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[Key, int]:
    """The line, from 1, of every table, field and list item in ``text``, which must be valid TOML."""
    return _Scanner(text).lines


class _Scanner:
    """Walks over valid TOML. The library's parser knows no lines once it has read a value."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._line, self._counted = 1, 0  # the line of the character ``_counted``
        self._lists: dict[Key, int] = {}  # lists of tables: number of the last
        self.lines: dict[Key, int] = {}
        table: Key = ()
        while self._peek():
            if self._peek() == "[":
                table = self._header()
            else:
                self._field(table)

    def _header(self) -> Key:
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        self._peek()
        line, names = self._here(), self._names()
        self._peek()
        self._at += 2 if double else 1
        key: Key = ()
        for place, name in enumerate(names):
            key += (name,)
            if double and place == len(names) - 1:
                self._lists[key] = self._lists.get(key, -1) + 1
            if key in self._lists:
                self.lines.setdefault(key, line)
                key += (self._lists[key],)
            self.lines.setdefault(key, line)
        self.lines[key] = line  # rather than that of a table inside it, which may stand before
        return key

    def _field(self, table: Key) -> None:
        line, names = self._here(), self._names()
        for place in range(len(names)):
            self.lines.setdefault((*table, *names[: place + 1]), line)
        self._peek()
        self._at += 1  # =
        self._peek()
        self._value((*table, *names))

    def _names(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            self._peek()
            found = _BARE.match(self._text, self._at) or _TEXT.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            names.append(next(iter(tomllib.loads(f"{found[0]} = 0"))))
            if self._peek() != ".":
                return tuple(names)
            self._at += 1

    def _value(self, key: Key) -> None:
        first = self._text[self._at]
        if first in "[{":
            self._at += 1
            number = 0
            while self._peek() not in "]}":
                if first == "[":
                    self.lines[(*key, number)] = self._here()
                    self._value((*key, number))
                    number += 1
                else:
                    self._field(key)
                if self._peek() == ",":
                    self._at += 1
            self._at += 1
        else:
            found = _TEXT.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            assert found is not None
            self._at = found.end()

    def _peek(self) -> str:
        """The next character that is neither space nor comment, or "" at the end."""
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
