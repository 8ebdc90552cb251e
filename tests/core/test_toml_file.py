"""TOML that people write: every value's line is known, a wrong field is told with it, and the rest is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from declaim.core.errors import InputError
from declaim.core.toml_file import TomlTable, WrongField, read_toml
from declaim.core.toml_lines import Key, key_lines

ROOT = Path(__file__).resolve().parents[2]
TEXT = '''# a comment with = and [brackets]
format = 1
"quoted key".'and another' = 2   # = [
[units]
[units.beat]
words = [ # many
  "one", 'two # not a comment',
  """three ""\\" """, \'\'\'four ' \'\'\',

  "five]" ]
before = { at = [1.0, -2, 3], shape = "cup", deeper = {a = 1, b = []} }
text = """
[not.a.table]
x = 1"""
via = [{at = [1, 2]}, {at = [
  3]}]

  [[rows]]
  a = 1
  [rows.inner]
  b = 1979-05-27 07:32:00
  [[rows]]
  a = 2
[units.chop]
hands = "one"
'''


def keys(value: Any, way: Key = ()) -> list[Key]:
    if isinstance(value, dict):
        inner = [key for name, item in value.items() for key in keys(item, (*way, name))]
    elif isinstance(value, list):
        inner = [key for number, item in enumerate(value) for key in keys(item, (*way, number))]
    else:
        inner = []
    return [*([way] if way else []), *inner]


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_value_has_its_line() -> None:
    lines = key_lines(TEXT)
    assert sorted(map(str, lines)) == sorted(map(str, keys(tomllib.loads(TEXT))))
    wanted = {
        ("format",): 2,
        ("quoted key", "and another"): 3,
        ("units", "beat"): 5,
        ("units", "beat", "words", 0): 7,
        ("units", "beat", "words", 3): 8,
        ("units", "beat", "words", 4): 10,
        ("units", "beat", "before", "deeper", "b"): 11,
        ("units", "beat", "via", 1, "at", 0): 16,
        ("rows", 0, "inner", "b"): 21,
        ("rows", 1, "a"): 23,
        ("units", "chop"): 24,
        ("units", "chop", "hands"): 25,
    }
    assert {key: lines[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "path", sorted((*ROOT.glob("assets/**/*.toml"), *ROOT.glob("plugins/**/*.toml"), ROOT / "pyproject.toml"))
)
def test_our_own_files_have_a_line_for_every_value(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = key_lines(text)
    assert set(lines) == set(keys(tomllib.loads(text)))
    rows = text.splitlines()
    assert all(str(key[-1]) in rows[line - 1] for key, line in lines.items() if isinstance(key[-1], str))


def read(table: TomlTable) -> float:
    table.only("size", "kind", "names", "at", "count", "on")
    table.text("kind", "a", choices=("apple", "a"))
    table.texts("names")
    table.numbers("at", 2, (0, 0), low=-1)
    table.integer("count", 0, high=9)
    table.flag("on", False)
    return table.number("size", low=0, high=2)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("sise = 1", '"sise" is no field; did you mean size'),
        ("kind = 'apples'", 'kind has "apples", which there is not; did you mean apple'),
        ("kind = 'z'", 'kind has "z", which there is not; it may be apple, a'),
        ("kind = ''", 'kind should be a text, not ""'),
        ("names = 'x'", "names should be a list of texts such as"),
        ("names = ['x', 3]", "names should hold texts, not 3"),
        ("names = ['x', 'x']", 'names has "x" twice'),
        ("at = [1]", r"at should be a list of 2 numbers, not \[1\]"),
        ("at = [1, true]", r"at should be a list of 2 numbers"),
        ("at = [1, nan]", r"at should be finite, not nan"),
        ("at = [1, -2]", r"at should be -1 or more, not -2"),
        ("count = 10", r"count should be 9 or less, not 10"),
        ("count = true", r"count should be a whole number, not true"),
        ("count = 1.5", r"count should be a whole number, not 1.5"),
        ("on = 1", r"on should be true or false, not 1"),
        ("at = 'here'", r'at should be a list of 2 numbers, not "here"'),
    ],
)
def test_a_wrong_field_is_told_with_its_line_and_the_rest_is_read(tmp_path: Path, field: str, told: str) -> None:
    file = read_toml(
        write(tmp_path, f"[good]\nsize = 1\n[bad]\nsize = 1\n{field}\n[also.good]\n[last]\nsize = 2\n"), "The file"
    )
    heard: list[str] = []
    assert file.each(lambda t: 0.0 if t.name == "also" else read(t), heard.append) == {
        "good": 1.0,
        "also": 0.0,
        "last": 2.0,
    }
    assert len(heard) == 1
    with pytest.raises(WrongField, match=rf"^mine.toml, line 5, \[bad\]: {told}.*\."):
        file.each(lambda t: 0.0 if t.name == "also" else read(t), None)


def test_what_is_missing_or_of_another_kind_is_told_where_the_table_begins(tmp_path: Path) -> None:
    file = read_toml(write(tmp_path, "\n[rows]\nx = 3\n[rows.y]\nsize = 3\n[rows.z]\n"), "The file")
    heard: list[str] = []
    assert file.table("rows").each(read, heard.append) == {}
    assert [sentence.split(":")[0] for sentence in heard] == [
        "mine.toml, line 3, [rows]",
        "mine.toml, line 5, [rows.y]",
        "mine.toml, line 6, [rows.z]",
    ]
    assert "x should be a table" in heard[0] and "from 0 to 2, not 3" in heard[1] and "size is missing" in heard[2]
    assert not list(file.table("none")) and file.tables("none") == ()
    with pytest.raises(WrongField, match="line 2: rows should be a list of tables"):
        file.tables("rows")


def test_a_field_inside_an_inline_table_has_its_own_line(tmp_path: Path) -> None:
    file = read_toml(write(tmp_path, "[u]\nvia = [\n  {at = 1},\n  {at = 'x'},\n]\n"), "The file")
    first, second = file.table("u").tables("via")
    assert first.number("at") == 1
    with pytest.raises(WrongField, match=r"line 4, \[u.via\]: at should be a number"):
        second.number("at")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[units\n", "The file mine.toml is not valid TOML: .*line 1"),
        (b"a = 1\na = 2\n", "not valid TOML: .*line 2"),
        (b"\xff\xfe", "cannot be read"),
        (b"x = " + b"[" * 9000, "not valid TOML"),
    ],
)
def test_what_is_not_toml_raises(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_toml(path, "The file")


def test_a_missing_file_raises_and_a_byte_order_mark_does_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_toml(tmp_path / "none.toml", "The file")
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbfsize = 1\r\n[t]\r\n")
    file = read_toml(path, "The file")
    assert file.number("size") == 1
    assert file.table("t").line() == 2
