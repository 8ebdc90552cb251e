"""FBX, through Blender's own exporter. ``in_blender`` runs inside Blender, in a scene of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .blender_job import Channel, Task, WholeFile
from .blender_scene import Y_UP_CENTIMETRES, build_character, perform, set_frame_range, set_frame_rate, still_meshes
from .blender_stage import empty_scene
from .character import Character, Performance
from .formats import Take


def maker(take: Take, title: str, place: Path) -> WholeFile:
    return WholeFile(Task(format="fbx", place=place.with_suffix(".fbx"), title=title))


def in_blender(character: Character, performance: Performance, task: Task, channel: Channel) -> None:
    """Y up, centimetres, root without turn or scale; one animation, named as the line; every frame keyed as it is."""
    import addon_utils
    import bpy

    scene = empty_scene(performance.name)
    scene.unit_settings.scale_length = 0.01
    figure = build_character(character, Y_UP_CENTIMETRES)
    set_frame_rate(scene, performance.fps)
    perform(figure, character, performance)
    set_frame_range(scene, len(performance))
    still_meshes(figure)
    channel.stage(f"Writing {task.title}", 0.2)
    addon_utils.enable("io_scene_fbx")
    _same_bytes_each_time()
    options: dict[str, Any] = {
        "filepath": str(task.place),
        "object_types": {"ARMATURE", "MESH"},
        "use_mesh_modifiers": False,  # or the face shapes are lost
        "mesh_smooth_type": "OFF",
        "add_leaf_bones": False,
        "axis_forward": "-Z",
        "axis_up": "Y",
        "bake_anim": True,
        "bake_anim_use_all_bones": True,
        "bake_anim_use_nla_strips": False,
        "bake_anim_use_all_actions": False,
        "bake_anim_force_startend_keying": True,
        "bake_anim_simplify_factor": 0.0,  # the default shifts poses
        "path_mode": "COPY",
        "embed_textures": True,
    }
    bpy.ops.export_scene.fbx(**options)


def _same_bytes_each_time() -> None:
    """Take the clock, Python's random hashes and this machine's folders out of what Blender's exporter writes.

    Its numbers for objects are hashes of their names, its header holds the time of day, and its textures, which are inside
    the file, the folder that they came from.
    """
    import datetime
    import hashlib
    import types

    from io_scene_fbx import export_fbx_bin, fbx_utils

    fixed = datetime.datetime(1980, 1, 1)
    export_fbx_bin.datetime = types.SimpleNamespace(datetime=types.SimpleNamespace(now=lambda: fixed))

    def stable(key: object) -> int:
        return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:7], "little")

    fbx_utils.hash = stable

    in_full = export_fbx_bin._gen_vid_path

    def by_name(image: Any, scene_data: Any) -> tuple[str, str]:
        _, relative = in_full(image, scene_data)
        return relative, relative

    export_fbx_bin._gen_vid_path = by_name
