"""The registered property groups: one a plugin, made from its JSON Schema, in ``scene.declaim_parameters``.

When the engine reports other plugins the classes are made anew; Blender keeps the values by their names, those of plugins
that are absent, too. Keep no reference to a group.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import InputError
from .schema_properties import Parameter, parameters_of, safe_name

_SNAPSHOT = Path(__file__).with_name("plugins.json")  # the built-in plugins, as the engine describes them
_MANNER = ("style", "blend_with", "blend")  # what lips and body have in common

Row = Mapping[str, Any]  # core.wire.PluginInfo as JSON


class _Registered:
    """What is registered now. ``groups``: plugin id -> its parameters."""

    rows: tuple[Row, ...] = ()
    classes: tuple[type, ...] = ()  # in the order of their registration
    groups: Mapping[str, tuple[Parameter, ...]] = {}
    faults: Mapping[str, str] = {}  # plugin id -> why Blender cannot draw its parameters
    following = True  # lips take over the manner of the body


@functools.cache
def snapshot() -> tuple[Row, ...]:
    """Our own plugins, from before any engine ran."""
    return tuple(json.loads(_SNAPSHOT.read_text(encoding="utf-8"))["plugins"])


def rows() -> tuple[Row, ...]:
    """All plugins, those that do not work, too."""
    return _Registered.rows


def problems() -> list[tuple[str, str]]:
    """(plugin, what keeps it or its sliders from working) of every broken plugin."""
    found = [(row["id"], row["error"]) for row in _Registered.rows if row.get("error")]
    told = [(name, f"{error.get('message', '')} {error.get('hint', '')}".strip()) for name, error in found]
    return [*told, *_Registered.faults.items()]


def sound(kind: str) -> Iterator[Row]:
    """The plugins of that kind that work."""
    return (row for row in _Registered.rows if not row.get("error") and row.get("kind") == kind)


def ids() -> tuple[str, ...]:
    """The plugins that have a group."""
    return tuple(_Registered.groups)


def parameters(plugin_id: str) -> tuple[Parameter, ...]:
    """The plugin's parameters; none where there is no such plugin."""
    return _Registered.groups.get(plugin_id, ())


def group(scene: bpy.types.Scene, plugin_id: str) -> Any:
    """The property group that holds the plugin's values. Raises InputError where there is no such plugin."""
    if not plugin_id:
        raise InputError(
            rpt_("The plugin that this file asks for is not here."),
            hint=rpt_("Install it, start the engine that has it, or choose another."),
        )
    if plugin_id not in _Registered.groups:
        raise InputError(
            rpt_('The plugin "{id}" is not here.').format(id=plugin_id),
            hint=rpt_("Install it, start the engine that has it, or choose another."),
        )
    return getattr(scene.declaim_parameters, safe_name(plugin_id))


def at(attribute: str) -> str:
    """The plugin whose group is ``scene.declaim_parameters.<attribute>``; "" for none."""
    return next((name for name in _Registered.groups if safe_name(name) == attribute), "")


def follow(scene: bpy.types.Scene, plugin_id: str, parameter: Parameter) -> None:
    """The body's manner was changed: the lips speak in it, too. They can be given their own afterwards."""
    lips = scene.declaim.mouth
    if not _Registered.following or plugin_id != scene.declaim.generator or lips in ("", plugin_id):
        return
    twin = next((p for p in parameters(lips) if p.name == parameter.name), None)
    if parameter.name in _MANNER and twin is not None and twin.kind == parameter.kind:
        value = parameter.value(group(scene, plugin_id))
        if not twin.problem_of(value):
            twin.set(group(scene, lips), value)


class Alone:
    """Inside of it the lips do not follow the body: both are given their values."""

    def __enter__(self) -> None:
        _Registered.following = False

    def __exit__(self, *error: object) -> None:
        _Registered.following = True


def use_plugins(found: Sequence[Row]) -> bool:
    """Make the groups of these plugins; False where they are those that are there. Main thread only."""
    if _Registered.classes and tuple(found) == _Registered.rows:
        return False
    unregister()
    _Registered.rows = tuple(found)
    _register()
    return True


def _register() -> None:
    groups: dict[str, tuple[Parameter, ...]] = {}
    faults: dict[str, str] = {}
    classes: list[type] = []
    members: dict[str, Any] = {}
    for row in (*sound("generator"), *sound("transcriber")):
        name = row["id"]
        if name in groups:
            continue
        try:
            groups[name] = parameters_of(row.get("parameters") or {})
            made = _class(name, groups[name])
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # no engine of ours lets such a schema through, and none may keep the add-on from working
            faults[name] = rpt_("Its settings cannot be drawn: {error}.").format(error=error)
            groups[name], made = (), _class(name, ())
        classes.append(made)
        members[safe_name(name)] = bpy.props.PointerProperty(type=made, name=row.get("title") or name)
    root = type("DECLAIM_PG_parameters", (bpy.types.PropertyGroup,), {"__annotations__": members})
    bpy.utils.register_class(root)
    bpy.types.Scene.declaim_parameters = bpy.props.PointerProperty(type=root, name="Declaim's Sliders")
    _Registered.groups, _Registered.faults, _Registered.classes = groups, faults, (*classes, root)


def _class(plugin_id: str, known: tuple[Parameter, ...]) -> type:
    """The registered group of a plugin."""
    fields = {p.attribute: p.as_property(_changed(plugin_id, p) if p.name in _MANNER else None) for p in known}
    made = type(f"DECLAIM_PG_{safe_name(plugin_id)}", (bpy.types.PropertyGroup,), {"__annotations__": fields})
    bpy.utils.register_class(made)
    return made


def _changed(plugin_id: str, parameter: Parameter) -> Any:
    def update(self: Any, context: bpy.types.Context) -> None:
        follow(self.id_data, plugin_id, parameter)

    return update


def unregister() -> None:
    """Take the groups away; the values stay in the file."""
    if _Registered.classes:
        del bpy.types.Scene.declaim_parameters
    for kind in reversed(_Registered.classes):
        bpy.utils.unregister_class(kind)
    _Registered.groups, _Registered.faults, _Registered.classes, _Registered.rows = {}, {}, (), ()
