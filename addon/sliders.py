"""Each plugin's own parameters as Blender properties, drawn as sliders, boxes and menus from its JSON Schema.

``scene.declaim_parameters`` has one group a plugin. When the engine reports other plugins the classes are made anew;
Blender keeps the values by their names, those of plugins that are absent, too.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as _

from ..core.errors import InputError
from .schema_properties import Parameter, parameters_of, safe_name

SNAPSHOT = Path(__file__).with_name("plugins.json")  # the built-in plugins, as the engine describes them
_DEFAULTS = {"body": "gesture", "mouth": "visemes", "transcriber": "pocketsphinx"}  # have the enum's number 0: unset


class _Registered:
    """What is registered now. ``groups``: plugin id -> its parameters."""

    rows: tuple[Mapping[str, Any], ...] = ()
    classes: tuple[type, ...] = ()  # in the order of their registration
    groups: Mapping[str, tuple[Parameter, ...]] = {}  # noqa: RUF012: replaced, never changed


@functools.cache
def _snapshot() -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(SNAPSHOT.read_text(encoding="utf-8"))["plugins"])


def rows() -> tuple[Mapping[str, Any], ...]:
    """All plugins as the engine last described them (``core.wire.PluginInfo`` as JSON), or ours where it never ran."""
    return _Registered.rows or _snapshot()


def row(plugin_id: str, kind: str = "") -> Mapping[str, Any] | None:
    """The plugin of that id (and kind), if it is there and sound."""
    return next((r for r in rows() if r["id"] == plugin_id and not r.get("error") and kind in ("", r.get("kind"))), None)


def values(scene: bpy.types.Scene, plugins: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Plugin id -> parameter -> value, of those that differ from their default; of ``plugins`` only, where given.

    Raises InputError for a text that should be JSON and is not.
    """
    found: dict[str, dict[str, Any]] = {}
    for plugin_id in _Registered.groups if plugins is None else dict.fromkeys(plugins):
        group = _group(scene, plugin_id)
        changed = {p.name: p.value(group) for p in _Registered.groups.get(plugin_id, ()) if p.is_changed(group)}
        if changed:
            found[plugin_id] = changed
    return found


def apply(scene: bpy.types.Scene, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Set every parameter: ``given`` as ``values`` gives it, all others of its plugins to their defaults.

    Raises InputError, with nothing changed, for a plugin or a parameter that is not there or a value that does not fit.
    """
    steps = []
    for plugin_id, wanted in given.items():
        if plugin_id not in _Registered.groups:
            raise InputError(
                _("The plugin {id} is not here.").format(id=plugin_id), hint=_("Install it, or choose another.")
            )
        known = {p.name: p for p in _Registered.groups[plugin_id]}
        for name, value in wanted.items():
            if name not in known:
                raise InputError(
                    _('{id} has no parameter "{name}".').format(id=plugin_id, name=name),
                    hint=_("It has {names}.").format(names=", ".join(known)) if known else _("It has none."),
                )
            known[name].check(plugin_id, value)
        steps.append((_group(scene, plugin_id), known, wanted))
    for group, known, wanted in steps:
        for name, parameter in known.items():
            if name in wanted:
                parameter.set(group, wanted[name])
            else:
                group.property_unset(parameter.attribute)


def has_sliders(plugin_id: str) -> bool:
    return bool(_Registered.groups.get(plugin_id))


def draw(layout: bpy.types.UILayout, scene: bpy.types.Scene, plugin_id: str) -> None:
    """The plugin's parameters: its style first, a reset button beside each that was changed."""
    parameters = _Registered.groups.get(plugin_id, ())
    if not parameters:
        layout.label(text="This plugin has no settings", icon="INFO")
        return
    group = _group(scene, plugin_id)
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    for parameter in sorted(parameters, key=lambda p: p.name != "style"):
        line = column.row(align=True)
        line.prop(group, parameter.attribute, slider=parameter.is_slider)
        if parameter.is_changed(group):
            button = line.operator("declaim.reset_sliders", text="", icon="LOOP_BACK", emboss=False)
            button.plugin, button.parameter = plugin_id, parameter.name
        if problem := parameter.problem(group):
            note = column.row()
            note.alert = True
            note.label(text=problem, icon="ERROR", translate=False)
        if parameter.name == "style" and len(parameters) > 1:
            column.separator()


def problems() -> list[tuple[str, str]]:
    """(plugin, what keeps it from working) of every broken plugin."""
    return [(r["id"], f"{r['error']['message']} {r['error'].get('hint', '')}".strip()) for r in rows() if r.get("error")]


def draw_problems(layout: bpy.types.UILayout) -> None:
    """A disabled row for each plugin that does not work, with the reason as far as it fits."""
    for plugin_id, sentence in problems():
        line = layout.row()
        line.enabled = False
        line.label(text=f"{plugin_id}: {sentence}", icon="ERROR", translate=False)


def generator_items(channel: str) -> list[tuple[str, str, str, str, int]]:
    """The generators that make ``channel``, as items of an EnumProperty."""
    return _items(f"generator {channel}", tuple(r for r in _sound("generator") if channel in r.get("channels", ())))


def transcriber_items() -> list[tuple[str, str, str, str, int]]:
    return _items("transcriber", tuple(_sound("transcriber")))


def _sound(kind: str) -> Iterable[Mapping[str, Any]]:
    return (r for r in rows() if not r.get("error") and r.get("kind") == kind)


_KEPT: dict[str, Any] = {}  # Blender holds no reference to an enum's texts; ours live here


def _items(what: str, found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str, int]]:
    """Numbered by the id, for Blender stores the number: a plugin that comes or goes must not change the choice."""
    default = _DEFAULTS[what.rpartition(" ")[2]] if what.rpartition(" ")[2] in _DEFAULTS else ""
    items = [
        (r["id"], r["title"], r["summary"], "NONE", 0 if r["id"] == default else zlib.crc32(r["id"].encode()) & 0x7FFFFFFF)
        for r in found
    ]
    items.sort(key=lambda item: item[4] != 0)
    known = _KEPT.setdefault(what, {})
    key = tuple(items)
    return known.setdefault(key, items)


def _group(scene: bpy.types.Scene, plugin_id: str) -> Any:
    return getattr(scene.declaim_parameters, safe_name(plugin_id)) if plugin_id in _Registered.groups else None


class DECLAIM_OT_reset_sliders(bpy.types.Operator):
    bl_idname = "declaim.reset_sliders"
    bl_label = "Reset to Default"
    bl_description = "Set this back to the plugin's own default"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012

    plugin: bpy.props.StringProperty(name="Plugin")
    parameter: bpy.props.StringProperty(name="Parameter", description="Left empty: all of them")

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return "" if properties.parameter else _("Set all settings of this plugin back to its own defaults")

    def execute(self, context: Any) -> set[str]:
        group = _group(context.scene, self.plugin)
        for parameter in _Registered.groups.get(self.plugin, ()):
            if self.parameter in ("", parameter.name):
                group.property_unset(parameter.attribute)
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_reset_sliders,)


def use_plugins(found: Sequence[Mapping[str, Any]]) -> None:
    """Make the properties of these plugins, where they differ from those that are there. Main thread only."""
    found = tuple(found)
    if _Registered.classes and found == _Registered.rows:
        return
    _unregister_groups()
    _Registered.rows = found
    _register_groups()


def _register_groups() -> None:
    groups: dict[str, tuple[Parameter, ...]] = {}
    classes: list[type] = []
    members: dict[str, Any] = {}
    for found in rows():
        if found.get("error") or found["id"] in groups:
            continue
        parameters = parameters_of(found.get("parameters") or {})
        groups[found["id"]] = parameters
        safe = safe_name(found["id"])
        fields = {p.attribute: p.property() for p in parameters}
        kind = type(f"DECLAIM_PG_{safe}"[:60], (bpy.types.PropertyGroup,), {"__annotations__": fields})
        bpy.utils.register_class(kind)
        classes.append(kind)
        members[safe] = bpy.props.PointerProperty(type=kind, name=found.get("title") or found["id"])
    root = type("DECLAIM_PG_parameters", (bpy.types.PropertyGroup,), {"__annotations__": members})
    bpy.utils.register_class(root)
    classes.append(root)
    bpy.types.Scene.declaim_parameters = bpy.props.PointerProperty(type=root, name="Plugin Settings")
    _Registered.groups, _Registered.classes = groups, tuple(classes)


def _unregister_groups() -> None:
    if _Registered.classes:
        del bpy.types.Scene.declaim_parameters
    for kind in reversed(_Registered.classes):
        bpy.utils.unregister_class(kind)
    _Registered.groups, _Registered.classes = {}, ()


def register() -> None:
    use_plugins(_snapshot())


def unregister() -> None:
    _unregister_groups()
    _Registered.rows = ()
    _KEPT.clear()
