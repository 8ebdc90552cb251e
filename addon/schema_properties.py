"""One parameter of a plugin's JSON Schema as one Blender property, and its value there and back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import keyword
import math
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import InputError

Kind = Literal["number", "integer", "boolean", "choice", "text", "json"]  # json: whatever Blender has no property for

CONTEXT = "Declaim"  # of translations: a plugin's "Fast" is not the one that Blender's dictionary knows
_INT_MAX = 2**31 - 1
_FLOAT_MAX = 3.4e38
_LONGEST = 40  # characters of an identifier; Blender takes 63, of a class's with its prefix
_RESERVED = frozenset(dir(bpy.types.PropertyGroup)) | {"name", "rna_type", "bl_rna", "id_data"}
_PATHS = {"file": "FILE_PATH", "folder": "DIR_PATH"}


def safe_name(name: str) -> str:
    """``name`` as an identifier that Blender takes: itself where it can be, else its letters and a short hash."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if (
        plain == name
        and re.match(r"(?!p_.*_[0-9a-f]{8}$)[A-Za-z]", plain)
        and len(plain) <= _LONGEST
        and not keyword.iskeyword(plain)
        and plain not in _RESERVED
    ):
        return plain
    return f"p_{plain[: _LONGEST - 11]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter: its name, its property's identifier, and what the schema says of it."""

    name: str
    attribute: str
    kind: Kind
    rules: Mapping[str, Any]
    choices: Mapping[str, Any]  # enum identifier -> value; of a choice only

    @property
    def title(self) -> str:
        return str(self.rules.get("title") or self.name.replace("_", " ").title())

    @property
    def default(self) -> Any:
        return self.rules.get("default")

    @property
    def is_slider(self) -> bool:
        return self.kind in ("number", "integer") and "minimum" in self.rules and "maximum" in self.rules

    def as_property(self, update: Callable[[Any, Any], None] | None) -> Any:
        """The bpy property that holds it. ``update`` is called when the artist changes it."""
        description = str(self.rules.get("description", "")).rstrip(".")  # Blender's tooltips put their own
        fields = {"name": self.title, "description": description, "default": self._stored(self.default)}
        fields["translation_context"] = CONTEXT
        return _MAKERS[self.kind](self, fields | ({"update": update} if update else {}))

    def is_changed(self, group: Any) -> bool:
        return bool(getattr(group, self.attribute) != self._stored(self.default))

    def value(self, group: Any) -> Any:
        """The value that the plugin is given. Raises InputError for a text that is no JSON."""
        if problem := self.problem(group):
            raise InputError(problem, hint=rpt_("Correct it in the plugin's settings."))
        value = self.meaning(getattr(group, self.attribute))
        if self.kind == "text" and self.rules.get("format") in _PATHS and value.startswith("//"):
            return bpy.path.abspath(value)
        return value

    def meaning(self, held: Any) -> Any:
        """The value that the property's own value stands for; what it cannot stand for as it is, for ``check`` to refuse.

        Raises ValueError for a text that is no JSON.
        """
        if self.kind == "json":
            return json.loads(held)
        if self.kind == "choice":
            return self.choices.get(held, held or self.default)  # "": what was chosen is gone
        is_number = isinstance(held, int | float) and abs(held) <= _FLOAT_MAX
        return shortest(held) if self.kind == "number" and is_number else held

    def set(self, group: Any, value: Any) -> None:
        """Raises nothing that ``check`` lets through."""
        setattr(group, self.attribute, self._stored(value))

    def problem(self, group: Any) -> str:
        """What is wrong with what the artist typed; "" for nothing."""
        if self.kind != "json":
            return ""
        try:
            return self.problem_of(json.loads(getattr(group, self.attribute)))
        except ValueError as error:
            return rpt_("{title} is not valid JSON: {error}.").format(title=self.title, error=error)

    def problem_of(self, value: Any) -> str:
        """Why ``value`` does not fit; "" where it does."""
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        whole = number and isinstance(value, int)
        kind, text = self.rules.get("type"), isinstance(value, str)
        fits = {
            "number": number,
            "integer": whole,
            "boolean": isinstance(value, bool),
            "string": text,
            "array": isinstance(value, list),
            "object": isinstance(value, dict),
        }.get(str(kind), True)
        if self.kind == "choice":
            fits = fits and value in self.rules["enum"]
        if self.kind == "integer":
            fits = fits and abs(value) <= _INT_MAX
        low, high = self.rules.get("minimum", -math.inf), self.rules.get("maximum", math.inf)
        if fits and not (number and not low <= value <= high):
            return ""
        return rpt_("{title} cannot be {value}.").format(title=self.title, value=json.dumps(value, ensure_ascii=False))

    def check(self, plugin: str, value: Any) -> None:
        """Raise InputError where ``value`` does not fit."""
        if problem := self.problem_of(value):
            raise InputError(f"{plugin}: {problem}", hint=str(self.rules.get("description", "")))

    def _stored(self, value: Any) -> Any:
        """``value`` as the property holds it."""
        if self.kind == "number":
            return _single(value)
        if self.kind == "choice":
            return next((key for key, item in self.choices.items() if item == value), "")
        if self.kind == "json":
            return json.dumps(value, ensure_ascii=False)
        return value


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters of a plugin's schema, in its order."""
    found = schema.get("properties", {})
    return tuple(_parameter(name, rules) for name, rules in found.items()) if isinstance(found, Mapping) else ()


def _parameter(name: str, rules: Any) -> Parameter:
    rules = rules if isinstance(rules, Mapping) else {}
    kind = _kind(rules)
    choices = {_identifier(value): value for value in rules["enum"]} if kind == "choice" else {}
    return Parameter(name=name, attribute=safe_name(name), kind=kind, rules=rules, choices=choices)


def _kind(rules: Mapping[str, Any]) -> Kind:
    kind, default, enum = rules.get("type"), rules.get("default"), rules.get("enum")
    if isinstance(enum, list | tuple) and default in enum and all(isinstance(v, str | int | float) for v in enum):
        return "choice"
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if kind == "number" and number and abs(default) <= _FLOAT_MAX:
        return "number"
    if kind == "integer" and number and isinstance(default, int) and abs(default) <= _INT_MAX:
        return "integer"
    if kind == "boolean" and isinstance(default, bool):
        return "boolean"
    if kind == "string" and isinstance(default, str):
        return "text"
    return "json"


def _identifier(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text or "(none)"  # Blender draws an empty identifier as a separator


def _number(parameter: Parameter, fields: dict[str, Any]) -> Any:
    low = max(parameter.rules.get("minimum", -_FLOAT_MAX), -_FLOAT_MAX)
    high = min(parameter.rules.get("maximum", _FLOAT_MAX), _FLOAT_MAX)
    span = high - low if parameter.is_slider else 10.0 * max(abs(parameter.default), 0.1)
    precision = min(6, max(1, 2 - math.floor(math.log10(span)))) if span > 0 else 2  # three figures of the range
    step = min(100, max(1, round(span)))  # in hundredths: a click on the arrow is a hundredth of the range
    return bpy.props.FloatProperty(**fields, min=low, max=high, precision=precision, step=step)


def _integer(parameter: Parameter, fields: dict[str, Any]) -> Any:
    low = max(math.ceil(parameter.rules.get("minimum", -_INT_MAX)), -_INT_MAX)
    high = min(math.floor(parameter.rules.get("maximum", _INT_MAX)), _INT_MAX)
    return bpy.props.IntProperty(**fields, min=low, max=high)


def _boolean(parameter: Parameter, fields: dict[str, Any]) -> Any:
    return bpy.props.BoolProperty(**fields)


def _choice(parameter: Parameter, fields: dict[str, Any]) -> Any:
    """Numbered by the texts, for Blender stores the number: an item that comes first must not change the choice."""
    items: list[tuple[str, str, str, int]] = []
    for identifier in parameter.choices:
        number = zlib.crc32(identifier.encode()) & 0x7FFFFFFF
        while number in {item[3] for item in items}:
            number = (number + 1) & 0x7FFFFFFF
        items.append((identifier, identifier.replace("_", " ").capitalize(), "", number))
    return bpy.props.EnumProperty(**fields, items=items)


def _text(parameter: Parameter, fields: dict[str, Any]) -> Any:
    if parameter.rules.get("format") in _PATHS:
        return bpy.props.StringProperty(**fields, subtype=_PATHS[parameter.rules["format"]])
    examples = [text for text in parameter.rules.get("examples", ()) if isinstance(text, str)]
    if not examples:
        return bpy.props.StringProperty(**fields)

    def search(self: Any, context: Any, edit_text: str) -> list[str]:
        return examples

    return bpy.props.StringProperty(**fields, search=search, search_options={"SUGGESTION"})


def _json(parameter: Parameter, fields: dict[str, Any]) -> Any:
    return bpy.props.StringProperty(**fields)


_MAKERS: Mapping[Kind, Callable[[Parameter, dict[str, Any]], Any]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "choice": _choice,
    "text": _text,
    "json": _json,
}


def _single(number: float) -> float:
    """As 32 bits hold it, as Blender's properties do."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


def shortest(number: float) -> float:
    """The shortest decimal that 32 bits hold as they do ``number``: 0.1 rather than 0.10000000149."""
    held = _single(number)
    return next(short for n in range(1, 18) if _single(short := float(f"{held:.{n}g}")) == held)
