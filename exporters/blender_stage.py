"""Scenes of our own inside the child: emptied, lit and seen through a camera. Runs inside Blender 4.2 to 5.2."""

from __future__ import annotations

from typing import Any


def empty_scene(name: str) -> Any:
    """Blender as from the factory with nothing in it; its one scene, named ``name``. Only for a child process."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = name
    return scene
