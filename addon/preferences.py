"""The extension's preferences: the engine, its models, plugins and cache."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from . import EXTENSION

DEFAULT_CACHE_GB = 1.0


_STATES = {
    "STOPPED": ("Stopped; it starts with the next line", "RADIOBUT_OFF"),
    "STARTING": ("Starting", "SORTTIME"),
    "READY": ("Ready", "RADIOBUT_ON"),
    "BUSY": ("Performing", "SORTTIME"),
    "CRASHED": ("It does not run", "ERROR"),
}


def _changed(self: Any, context: Any) -> None:
    from . import engine, engine_buttons

    engine_buttons.forget_test()
    engine.settings_changed()


class DeclaimPreferences(bpy.types.AddonPreferences):
    """What holds for every file of this artist."""

    bl_idname = EXTENSION

    engine_source: EnumProperty(
        name="Engine",
        description="Which engine performs the lines",
        items=(
            ("OWN", "On This Computer", "Declaim starts its engine when it is needed and ends it with Blender"),
            ("URL", "Elsewhere", "An engine that runs already, here or on another computer (declaim serve)"),
        ),
        update=_changed,
    )
    engine_url: StringProperty(
        name="Address", description="Where the engine listens, as in http://192.168.1.20:8765", default="", update=_changed
    )
    engine_token: StringProperty(
        name="Token",
        description="The one line of the engine's token file",
        default="",
        subtype="PASSWORD",
        update=_changed,
    )
    models_folder: StringProperty(
        name="Vosk Model",
        description="An unpacked Vosk model, or a folder that holds one: it hears words without a script, in its language",
        default="",
        subtype="DIR_PATH",
        update=_changed,
    )
    plugins_folder: StringProperty(
        name="Your Plugins",
        description="A folder of generators and transcribers of your own, each in a folder with its plugin.toml",
        default="",
        subtype="DIR_PATH",
        update=_changed,
    )
    cache_gb: FloatProperty(
        name="Cache Limit (GB)",
        description="How much the engine may keep of what it has performed, in gigabytes. 0 keeps nothing",
        default=DEFAULT_CACHE_GB,
        min=0.0,
        max=100.0,
        step=10,
        precision=1,
        update=_changed,
    )

    show_first_steps: BoolProperty(
        name="First Steps", description="Show the first steps at the top of the Declaim tab", default=True
    )

    def draw(self, context: bpy.types.Context) -> None:
        from . import defaults

        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "engine_source", expand=True)
        if self.engine_source == "URL":
            _draw_elsewhere(self, layout)
        else:
            _draw_engine(layout, context)
            layout.separator()
            layout.prop(self, "models_folder")
            _draw_model(self, layout)
            layout.prop(self, "plugins_folder")
            _draw_plugins(self, layout)
            layout.separator()
            _draw_cache(self, layout)
        layout.separator()
        defaults.draw(layout)
        layout.prop(self, "show_first_steps")


class _Defaults:
    """The preferences where Blender holds none for us: run from a checkout."""

    engine_source = "OWN"
    engine_url = engine_token = models_folder = plugins_folder = ""
    cache_gb = DEFAULT_CACHE_GB
    show_first_steps = False


def get() -> Any:
    """The artist's preferences. Main thread only."""
    addon = bpy.context.preferences.addons.get(EXTENSION)
    return addon.preferences if addon is not None and addon.preferences is not None else _Defaults


def model_folder(chosen: Any) -> Path | None:
    """The Vosk model that the preferences name: the folder itself, or the first model inside it."""
    if not chosen.models_folder:
        return None
    folder = Path(bpy.path.abspath(chosen.models_folder))
    return next((path for path in (folder, *_inner(folder)) if _is_model(path)), folder)


def plugin_folders(chosen: Any) -> list[Path]:
    """The artist's plugins in the folder that the preferences name."""
    if not chosen.plugins_folder:
        return []
    folder = Path(bpy.path.abspath(chosen.plugins_folder))
    return [path for path in (folder, *_inner(folder)) if (path / "plugin.toml").is_file()]


def _inner(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("am/final.mdl", "final.mdl"))


def _draw_elsewhere(chosen: Any, layout: bpy.types.UILayout) -> None:
    from . import engine_buttons

    layout.prop(chosen, "engine_url", placeholder="http://127.0.0.1:8765")
    layout.prop(chosen, "engine_token")
    column = _indented(layout)
    column.operator("declaim.engine_test", icon="LINKED")
    _draw_sentence(column, *engine_buttons.tested())


def _draw_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    from . import engine, engine_buttons, engine_setup

    column = _indented(layout)
    problem = engine.capture().problem
    if problem is not None and engine.state() == "STOPPED":
        _draw_sentence(column, problem.message, "INFO")
    else:
        text, icon = _STATES[engine.state()]
        column.label(text=text, icon=icon)
        _draw_sentence(column, engine.reason(), "BLANK1")
    column.separator()
    engine_buttons.draw_state(column)
    engine_setup.draw(column.column(), context)


def _draw_model(chosen: Any, layout: bpy.types.UILayout) -> None:
    found = model_folder(chosen)
    if found is not None:
        good = _is_model(found)
        text = found.name if good else iface_("There is no Vosk model in this folder")
        _indented(layout).label(text=text, icon="CHECKMARK" if good else "ERROR", translate=False)


def _draw_plugins(chosen: Any, layout: bpy.types.UILayout) -> None:
    """What lies in the folder, and what the engine says of it."""
    from . import engine

    if not chosen.plugins_folder:
        return
    column = _indented(layout)
    found = plugin_folders(chosen)
    if not found:
        column.label(text="There is no plugin.toml in this folder", icon="ERROR")
    broken = {row["id"]: row["error"] for row in engine.plugins() if row["origin"] == "user" and row["error"]}
    for path in found:
        error = broken.get(path.name)
        column.label(text=path.name, icon="ERROR" if error else "CHECKMARK", translate=False)
        if error:
            _draw_sentence(column, f"{error['message']} {error['hint']}", "BLANK1")


def _draw_cache(chosen: Any, layout: bpy.types.UILayout) -> None:
    from . import engine_cache

    layout.prop(chosen, "cache_gb")
    row = _indented(layout).row()
    used = iface_("{used:.2f} GB used").format(used=engine_cache.size_bytes() / (1 << 30))
    row.label(text=used, translate=False)
    row.operator("declaim.cache_clear", text="Clear Cache", icon="TRASH")


def _indented(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column under the values of what is split into name and value."""
    split = layout.split(factor=0.4)
    split.label(text="")
    return split.column(align=True)


def _draw_sentence(layout: bpy.types.UILayout, text: str, icon: str) -> None:
    for number, line in enumerate(textwrap.wrap(text, 60)):
        layout.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


CLASSES = (DeclaimPreferences,)
