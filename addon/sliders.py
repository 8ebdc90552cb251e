"""Each plugin's own parameters as sliders, boxes and menus: drawn, read, set, and reset."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import DeclaimError, InputError
from . import engine, plugin_groups, status
from .plugin_groups import group, parameters
from .schema_properties import Parameter

_DEFAULTS = {"gesture", "visemes", "pocketsphinx"}  # numbered 0 in menus, which Blender takes for unset

Items = list[tuple[str, str, str, str, int]]


def values(scene: bpy.types.Scene, plugins: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Plugin id -> parameter -> value, of those that differ from their default; of ``plugins`` only, where given.

    Raises InputError for a text that should be JSON and is not; without ``plugins`` only where the scene's own choice of
    plugins has it.
    """
    settings = scene.declaim
    chosen = set(plugins) if plugins is not None else {settings.generator, settings.mouth, settings.transcriber}
    found: dict[str, dict[str, Any]] = {}
    for plugin_id in plugin_groups.ids():
        if plugins is not None and plugin_id not in chosen:
            continue
        held = group(scene, plugin_id)
        changed = [p for p in parameters(plugin_id) if p.is_changed(held) and (plugin_id in chosen or not p.problem(held))]
        if changed:
            found[plugin_id] = {p.name: p.value(held) for p in changed}
    return found


def apply(scene: bpy.types.Scene, given: Mapping[str, Mapping[str, Any]]) -> None:
    """Set ``given`` (as ``values`` gives it), and all other parameters of its plugins to their defaults.

    Raises InputError, with nothing changed, for a plugin or parameter that is not there and a value that does not fit.
    """
    steps = []
    for plugin_id, wanted in given.items():
        held = group(scene, plugin_id)
        known = {p.name: p for p in parameters(plugin_id)}
        for name, value in wanted.items():
            if name not in known:
                raise _unknown(plugin_id, name)
            known[name].check(plugin_id, value)
        steps.append((held, known, wanted))
    with plugin_groups.Alone():
        for held, known, wanted in steps:
            for name, parameter in known.items():
                if name in wanted:
                    parameter.set(held, wanted[name])
                else:
                    held.property_unset(parameter.attribute)


def reset(scene: bpy.types.Scene, plugin_id: str, name: str = "") -> None:
    """Set the parameter, or all, to the default. Raises InputError for an unknown plugin or parameter."""
    held, wanted = group(scene, plugin_id), [p for p in parameters(plugin_id) if name in ("", p.name)]
    if name and not wanted:
        raise _unknown(plugin_id, name)
    for parameter in wanted:
        held.property_unset(parameter.attribute)
        plugin_groups.follow(scene, plugin_id, parameter)


def _unknown(plugin_id: str, name: str) -> InputError:
    known = ", ".join(p.name for p in parameters(plugin_id))
    return InputError(
        rpt_('{id} has no parameter "{name}".').format(id=plugin_id, name=name),
        hint=rpt_("It has {names}.").format(names=known) if known else rpt_("It has none."),
    )


def draw_style(layout: bpy.types.UILayout, scene: bpy.types.Scene, plugin_id: str) -> None:
    """The plugin's style alone, where it has one: for the top of the tab. Says so where the plugin is not here."""
    if not plugin_id:
        layout.label(text="What this file asks for is not here", icon="ERROR")
    for parameter in parameters(plugin_id):
        if parameter.name == "style":
            _draw_parameter(layout, scene, plugin_id, parameter, steady=False)


def draw(layout: bpy.types.UILayout, scene: bpy.types.Scene, plugin_id: str, *, with_style: bool = True) -> None:
    """The plugin's parameters: its style first, a reset button beside each that was changed."""
    shown = [p for p in parameters(plugin_id) if with_style or p.name != "style"]
    column = layout.column()
    for parameter in sorted(shown, key=lambda p: p.name != "style"):
        _draw_parameter(column, scene, plugin_id, parameter)


def _draw_parameter(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, plugin_id: str, parameter: Parameter, *, steady: bool = True
) -> None:
    """``steady``: the place of the reset button stays free, or a slider would shrink under the pointer that drags it."""
    held = group(scene, plugin_id)
    row = layout.row(align=True)
    row.use_property_split, row.use_property_decorate = True, False
    problem = parameter.problem(held)
    row.alert = bool(problem)
    row.prop(held, parameter.attribute, slider=parameter.is_slider)
    if parameter.is_changed(held):
        button = row.operator("declaim.reset_sliders", text="", icon="LOOP_BACK", emboss=False)
        button.plugin, button.parameter = plugin_id, parameter.name
    elif steady:
        row.label(text="", icon="BLANK1")
    if problem:
        from .panels import draw_sentence  # panels.py draws with this module

        draw_sentence(layout, problem, "ERROR")


def draw_problems(layout: bpy.types.UILayout) -> None:
    """A greyed row for each plugin that does not work, and below it why."""
    from .panels import draw_sentence

    for plugin_id, sentence in plugin_groups.problems():
        column = layout.column(align=True)
        column.enabled = False
        column.label(text=plugin_id, icon="PLUGIN", translate=False)
        draw_sentence(column, sentence, "BLANK1")


def generator_items(channel: str) -> Items:
    """The generators that make ``channel``, as items of an EnumProperty."""
    return _items(plugin_groups.rows(), "generator", channel)


def transcriber_items() -> Items:
    """The transcribers, as items of an EnumProperty."""
    return _items(plugin_groups.rows(), "transcriber", "")


_LISTS: dict[tuple[str, str], tuple[Any, Items]] = {}
_KEPT: list[Items] = []  # Blender takes no copy of an enum's texts: they are kept, for a menu may be open


def _items(rows: tuple[plugin_groups.Row, ...], kind: str, channel: str) -> Items:
    """Numbered by the id, for Blender stores the number: a plugin that comes or goes must not change the choice."""
    made_of, items = _LISTS.get((kind, channel), (None, []))
    if made_of is not rows:
        items = [
            (row["id"], row.get("title") or row["id"], row.get("summary", "").rstrip("."), "NONE", _number(row["id"]))
            for row in plugin_groups.sound(kind)
            if not channel or channel in row.get("channels", ())
        ]
        items.sort(key=lambda item: item[4] != 0)  # the default first
        _LISTS[kind, channel] = rows, items
        _KEPT.append(items)
    return items


@functools.cache
def _number(plugin_id: str) -> int:
    return 0 if plugin_id in _DEFAULTS else zlib.crc32(plugin_id.encode()) & 0x7FFFFFFF or 1


class DECLAIM_OT_reset_sliders(bpy.types.Operator):
    bl_idname = "declaim.reset_sliders"
    bl_label = "Reset to Default"
    bl_description = "Set this back to the plugin's own default"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    plugin: bpy.props.StringProperty(name="Plugin", description="Whose settings are reset")
    parameter: bpy.props.StringProperty(name="Parameter", description="Which one; left empty, all")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            reset(context.scene, self.plugin, self.parameter)
        except DeclaimError as error:
            return status.fail(self, error)
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_reset_sliders,)


def use_engines_plugins() -> None:
    """The engine has told its plugins: have their sliders. Main thread only."""
    if plugin_groups.use_plugins(engine.plugins() or plugin_groups.snapshot()):
        status.redraw()


def register() -> None:
    engine.on_plugins(use_engines_plugins)
    use_engines_plugins()


def unregister() -> None:
    plugin_groups.unregister()
    _LISTS.clear()
    _KEPT.clear()
