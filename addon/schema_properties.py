"""One parameter of a plugin's JSON Schema as one Blender property, and its value there and back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import keyword
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import bpy
from bpy.app.translations import pgettext_iface as _

from ..core.errors import InputError

Kind = Literal["number", "integer", "boolean", "choice", "text", "json"]

_INT_MAX = 2**31 - 1
_FLOAT_MAX = 3.4e38
_LONGEST = 40  # characters of a property's identifier; Blender takes 63
_RESERVED = frozenset(dir(bpy.types.PropertyGroup)) | {"name", "rna_type", "bl_rna", "id_data"}


def safe_name(name: str) -> str:
    """``name`` as a Python identifier that Blender takes: itself where it can be, else marked with a short hash."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if plain == name and plain[:1].isalpha() and len(plain) <= _LONGEST and not keyword.iskeyword(plain):
        if plain not in _RESERVED:
            return plain
    return f"p_{plain[:_LONGEST]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter: its name, its property's identifier, and what the schema says of it."""

    name: str
    attribute: str
    kind: Kind
    rules: Mapping[str, Any]
    identifiers: Mapping[str, Any]  # of a choice: enum identifier -> value

    @property
    def default(self) -> Any:
        return self.rules.get("default")

    @property
    def is_slider(self) -> bool:
        return self.kind in ("number", "integer") and "minimum" in self.rules and "maximum" in self.rules

    def property(self) -> Any:
        """The bpy property that holds it."""
        return _PROPERTIES[self.kind](self, _titles(self))

    def is_changed(self, group: Any) -> bool:
        held = getattr(group, self.attribute)
        return bool(held != self._stored(self.default))

    def value(self, group: Any) -> Any:
        """The value that the plugin is given. Raises InputError for a text that is no JSON."""
        held = getattr(group, self.attribute)
        if self.kind == "choice":
            return self.identifiers.get(held, self.default)
        if self.kind == "json":
            if problem := self.problem(group):
                raise InputError(problem, hint=_("Correct it in the plugin's settings."))
            return json.loads(held)
        return _shortest(held) if self.kind == "number" else held

    def set(self, group: Any, value: Any) -> None:
        setattr(group, self.attribute, self._stored(value))

    def problem(self, group: Any) -> str:
        """What is wrong with what the artist typed; "" for nothing."""
        if self.kind != "json":
            return ""
        try:
            json.loads(getattr(group, self.attribute))
        except ValueError as error:
            return _("{name} is not valid JSON: {error}.").format(name=self.name, error=error)
        return ""

    def check(self, plugin: str, value: Any) -> None:
        """Raise InputError where ``value`` does not fit."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "number": number,
            "integer": number and isinstance(value, int),
            "boolean": isinstance(value, bool),
            "choice": value in self.identifiers.values(),
            "text": isinstance(value, str),
            "json": True,
        }[self.kind]
        low, high = self.rules.get("minimum", value), self.rules.get("maximum", value)
        if not fits or (number and not low <= value <= high):
            raise InputError(
                _("{plugin}: {name} cannot be {value!r}.").format(plugin=plugin, name=self.name, value=value),
                hint=str(self.rules.get("description", "")),
            )

    def _stored(self, value: Any) -> Any:
        """``value`` as the property holds it."""
        if self.kind == "number":
            return struct.unpack("f", struct.pack("f", value))[0]
        if self.kind == "choice":
            return next((key for key, item in self.identifiers.items() if item == value), "")
        if self.kind == "json":
            return json.dumps(value, ensure_ascii=False)
        return value


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters of a plugin's schema, in its order."""
    properties = schema.get("properties", {})
    return tuple(_parameter(name, rules) for name, rules in properties.items())


def _parameter(name: str, rules: Any) -> Parameter:
    rules = rules if isinstance(rules, Mapping) else {}
    kind = _kind(rules)
    identifiers = {}
    if kind == "choice":
        identifiers = {_text(value) or "(empty)": value for value in rules["enum"]}
    return Parameter(name=name, attribute=safe_name(name), kind=kind, rules=rules, identifiers=identifiers)


def _kind(rules: Mapping[str, Any]) -> Kind:
    default = rules.get("default")
    if isinstance(rules.get("enum"), list | tuple) and default in rules["enum"]:
        return "choice"
    if rules.get("type") == "number" and isinstance(default, int | float) and abs(default) <= _FLOAT_MAX:
        return "number"
    if rules.get("type") == "integer" and isinstance(default, int) and abs(default) <= _INT_MAX:
        return "integer"
    if rules.get("type") == "boolean" and isinstance(default, bool):
        return "boolean"
    if rules.get("type") == "string" and isinstance(default, str):
        return "text"
    return "json"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _titles(parameter: Parameter) -> dict[str, str]:
    title = parameter.rules.get("title") or parameter.name.replace("_", " ").title()
    return {"name": str(title), "description": str(parameter.rules.get("description", "")).rstrip(".")}


def _number(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    low = max(float(parameter.rules.get("minimum", -_FLOAT_MAX)), -_FLOAT_MAX)
    high = min(float(parameter.rules.get("maximum", _FLOAT_MAX)), _FLOAT_MAX)
    span = high - low if parameter.is_slider else 10.0 * max(abs(parameter.default), 0.1)
    precision = 1 if span > 50 else 2 if span > 0.5 else 4
    step = max(1, round(span))  # hundredths: a click on the arrow moves a hundredth of the range
    return bpy.props.FloatProperty(
        **titles, default=parameter.default, min=low, max=high, precision=precision, step=step
    )


def _integer(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    low = max(int(parameter.rules.get("minimum", -_INT_MAX)), -_INT_MAX)
    high = min(int(parameter.rules.get("maximum", _INT_MAX)), _INT_MAX)
    return bpy.props.IntProperty(**titles, default=parameter.default, min=low, max=high)


def _boolean(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    return bpy.props.BoolProperty(**titles, default=parameter.default)


def _choice(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    items, taken = [], set()
    for identifier in parameter.identifiers:  # numbered by their text: Blender stores the number
        number = zlib.crc32(identifier.encode()) & 0x7FFFFFFF
        while number in taken:
            number = (number + 1) & 0x7FFFFFFF
        taken.add(number)
        items.append((identifier, identifier.replace("_", " ").capitalize(), "", number))
    return bpy.props.EnumProperty(**titles, items=items, default=parameter._stored(parameter.default))


def _string(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    examples = [text for text in parameter.rules.get("examples", ()) if isinstance(text, str)]
    if not examples:
        return bpy.props.StringProperty(**titles, default=parameter.default)

    def search(self: Any, context: Any, edit_text: str) -> list[str]:
        return examples

    return bpy.props.StringProperty(
        **titles, default=parameter.default, search=search, search_options={"SUGGESTION"}
    )


def _json(parameter: Parameter, titles: Mapping[str, str]) -> Any:
    return bpy.props.StringProperty(**titles, default=parameter._stored(parameter.default))


_PROPERTIES = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "choice": _choice,
    "text": _string,
    "json": _json,
}


def _shortest(number: float) -> float:
    """The shortest decimal that Blender's 32 bits hold as ``number``: 0.1 rather than 0.10000000149."""
    held = struct.pack("f", number)
    return next(d for n in range(1, 10) if struct.pack("f", d := float(f"{number:.{n}g}")) == held)
