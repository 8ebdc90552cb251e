"""USD, through Blender's own exporter. ``in_blender`` runs inside Blender, in a scene of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ..core.errors import ExportError
from ..core.files import replacing
from ..core.report import Report
from .blender_job import Channel, Task, WholeFile
from .blender_scene import Z_UP, build_character, perform, set_frame_range, set_frame_rate
from .blender_stage import empty_scene
from .character import Character, Performance
from .formats import Take


class UsdFile(WholeFile):
    """The file and, where the body has any, its textures in a folder beside it."""

    def finish(self, path: Path, report: Report) -> None:
        super().finish(path, report)
        for texture in sorted((self.task.place.parent / "textures").glob("*")):
            folder = path.parent / "textures"
            folder.mkdir(exist_ok=True)
            with replacing(folder / texture.name) as temporary:
                shutil.copyfile(texture, temporary)


def maker(take: Take, title: str, place: Path) -> UsdFile:
    place.mkdir()  # of its own: Blender puts textures beside the file
    return UsdFile(Task(format="usd", place=place / "take.usd", title=title))


def in_blender(character: Character, performance: Performance, task: Task, channel: Channel) -> None:
    """Y up, metres; a skeleton with its animation and blend shapes (UsdSkel); time codes are frames from 0."""
    import bpy

    if not bpy.app.build_options.usd:
        raise ExportError(
            f"This Blender ({bpy.app.version_string}) was built without USD.",
            hint="Set DECLAIM_BLENDER to a Blender from blender.org, or pip install 'declaim[blender]'.",
        )
    scene = empty_scene(performance.name)
    character = character.with_shapes_in_one_mesh()  # or the second mesh's shapes get numbers behind their names
    figure = build_character(character, Z_UP)
    set_frame_rate(scene, performance.fps)
    perform(figure, character, performance)
    set_frame_range(scene, len(performance))
    channel.stage(f"Writing {task.title}", 0.2)
    options: dict[str, Any] = {
        "filepath": str(task.place),
        "export_animation": True,
        "export_armatures": True,
        "export_shapekeys": True,
        "export_uvmaps": True,
        "export_normals": True,
        "export_materials": True,
        "generate_preview_surface": True,
        "export_custom_properties": False,
        "convert_orientation": True,
        "export_global_forward_selection": "NEGATIVE_Z",
        "export_global_up_selection": "Y",
        "convert_world_material": False,
        "root_prim_path": "/root",
    }
    bpy.ops.wm.usd_export(**options)
