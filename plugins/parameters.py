"""A plugin's parameters: a flat JSON Schema object, checked and filled in."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.errors import InputError

_TYPES = ("number", "integer", "boolean", "string")
_KEYS = ("type", "title", "description", "default", "minimum", "maximum", "enum", "examples", "format")
_FORMATS = ("file", "folder")  # of a string that is a path


def schema_problems(schema: Any) -> Iterator[str]:
    """What is wrong with a manifest's ``parameters``, each in one sentence.

    The part of JSON Schema that is understood: an object whose properties are numbers, integers, booleans or strings,
    with title, description, default, minimum, maximum, enum, examples (proposals for a text) and format ("file" or
    "folder": the text is a path). All of it can be drawn as sliders, boxes and menus.
    """
    if not schema:
        return
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        yield "parameters must be a JSON Schema object with properties."
        return
    for name, rules in schema["properties"].items():
        if not isinstance(rules, dict) or rules.get("type") not in _TYPES:
            yield f"the parameter {name} must have a type out of {', '.join(_TYPES)}."
            continue
        for key in rules:
            if key not in _KEYS:
                yield f'the parameter {name} has "{key}", which Declaim does not understand.'
        if "format" in rules and (rules["type"] != "string" or rules["format"] not in _FORMATS):
            yield f"the format of {name} is {rules['format']!r}; only a string has one: {' or '.join(_FORMATS)}."
        if "default" not in rules:
            yield f"the parameter {name} needs a default."
        elif (problem := _problem(name, rules["default"], rules)) is not None:
            yield f"the default does not fit: {problem}"


def complete(plugin: str, schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter with its value: the given ones checked, the others at their defaults.

    Raises InputError for an unknown name (naming the near ones) or a value that does not fit.
    """
    properties = schema.get("properties", {})
    for name in given:
        if name not in properties:
            near = difflib.get_close_matches(name, properties, n=3)
            raise InputError(
                f'{plugin} has no parameter "{name}".',
                hint=f"Did you mean {' or '.join(near)}?"
                if near
                else (f"It has {', '.join(properties)}." if properties else "It has none."),
            )
    values = {}
    for name, rules in properties.items():
        value = given.get(name, rules["default"])
        problem = _problem(name, value, rules)
        if problem:
            raise InputError(f"{plugin}: {problem}", hint=rules.get("description", ""))
        values[name] = float(value) if rules["type"] == "number" else value
    return values


def from_text(schema: Mapping[str, Any], name: str, text: str) -> Any:
    """The value that ``text`` (from a command line) means for the parameter ``name``; the text itself where unclear."""
    kind = schema.get("properties", {}).get(name, {}).get("type")
    try:
        if kind == "number":
            return float(text)
        if kind == "integer":
            return int(text)
    except ValueError:
        return text
    if kind == "boolean" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    return text


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _problem(name: str, value: Any, rules: Mapping[str, Any]) -> str | None:
    kind = rules["type"]
    fits = {
        "number": isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "string": isinstance(value, str),
    }[kind]
    if not fits:
        return f"{name} must be {'an' if kind[0] == 'i' else 'a'} {kind}, not {value!r}."
    if "enum" in rules and value not in rules["enum"]:
        return f'{name} is "{value}"; it may be {", ".join(map(str, rules["enum"]))}.'
    if "minimum" in rules and value < rules["minimum"]:
        return f"{name} is {value}; the least is {rules['minimum']}."
    if "maximum" in rules and value > rules["maximum"]:
        return f"{name} is {value}; the most is {rules['maximum']}."
    return None
