"""The Blender extension: everything artists see. Talks to the engine through ``core.wire`` alone."""

from __future__ import annotations

import importlib
from types import ModuleType

import bpy

EXTENSION = __package__.rpartition(".")[0]  # "bl_ext.user_default.declaim": the id that preferences and folders go by

_MODULES = (  # in the order of their registration
    "translations",
    "sliders",
    "properties",
    "preferences",
    "engine",
    "engine_buttons",
    "words",
    "word_markers",
    "word_light",
    "word_strip",
    "performing",
    "takes",
    "take_list",
    "avatar",
    "clip_files",
    "voice_drop",
    "presets",
    "defaults",
    "first_run",
    "engine_setup",
    "panels",
)


def register() -> None:
    """Each module's ``CLASSES`` in order, then its own ``register``."""
    for module in _modules():
        for kind in getattr(module, "CLASSES", ()):
            bpy.utils.register_class(kind)
        if hasattr(module, "register"):
            module.register()


def unregister() -> None:
    """The reverse: nothing of ours is left."""
    for module in reversed(_modules()):
        if hasattr(module, "unregister"):
            module.unregister()
        for kind in reversed(getattr(module, "CLASSES", ())):
            bpy.utils.unregister_class(kind)


def _modules() -> list[ModuleType]:
    return [importlib.import_module(f".{name}", __package__) for name in _MODULES]
