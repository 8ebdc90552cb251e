"""The extension's preferences: the engine, its models, plugins and cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from . import EXTENSION

DEFAULT_CACHE_GB = 1.0


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
    )
    engine_url: StringProperty(
        name="Address", description="Where the engine listens, as in http://192.168.1.20:8765", default=""
    )
    engine_token: StringProperty(
        name="Token", description="The one line of the engine's token file", default="", subtype="PASSWORD"
    )
    models_folder: StringProperty(
        name="Vosk Model",
        description="An unpacked Vosk model, or a folder that holds one: it hears words without a script",
        default="",
        subtype="DIR_PATH",
    )
    plugins_folder: StringProperty(
        name="Plugins",
        description="A folder of generators and transcribers of your own, each with its plugin.toml",
        default="",
        subtype="DIR_PATH",
    )
    cache_gb: FloatProperty(
        name="Limit",
        description="How much the engine may keep of what it has performed, in gigabytes",
        default=DEFAULT_CACHE_GB,
        min=0.0,
        max=100.0,
        precision=1,
    )
    show_first_steps: BoolProperty(
        name="First Steps", description="Show the first steps at the top of the Declaim tab", default=True
    )


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
    try:
        inner = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        inner = []
    return next((path for path in (folder, *inner) if _is_model(path)), folder)


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("am/final.mdl", "final.mdl"))


CLASSES = (DeclaimPreferences,)
