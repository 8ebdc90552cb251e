"""Where the extension may write: folders of its own, as Blender's rules have it."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import EXTENSION


def folder(name: str = "") -> Path:
    """The extension's own folder of that name, made where it is missing. Outside of an extension, beside Blender's settings."""
    try:
        return Path(bpy.utils.extension_path_user(EXTENSION, path=name, create=True))
    except ValueError:  # run from a checkout
        return Path(bpy.utils.user_resource("CONFIG", path=str(Path("declaim") / name), create=True))
