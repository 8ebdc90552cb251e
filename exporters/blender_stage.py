"""Scenes of our own inside the child: emptied, lit and seen through cameras. Runs inside Blender 4.2 to 5.2."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .blender_scene import Z_UP, build_character, perform, set_frame_range, set_frame_rate
from .character import Character, Performance
from .framing import View

Array = NDArray[Any]
_SENSOR_MM = 36.0
_LIGHTS = (  # towards the light as the camera sees it, colour, highlight, softness: key, fill, rim, the floor's return
    ((-0.38, 0.52, 0.76), (0.92, 0.86, 0.80), 0.26, 0.45),
    ((0.86, 0.16, 0.48), (0.74, 0.73, 0.74), 0.08, 0.95),
    ((0.62, 0.40, -0.68), (0.62, 0.64, 0.68), 0.10, 0.10),
    ((-0.1, -0.9, 0.3), (0.36, 0.31, 0.285), 0.0, 0.95),
)
_AMBIENT = (0.085, 0.078, 0.076)  # little: Workbench makes a grey sheen of it, even on black
_EXPOSURE = 1.3  # stops


def empty_scene(name: str) -> Any:
    """Blender as from the factory with nothing in it; its one scene, named ``name``. Only for a child process."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = name
    return scene


def studio(character: Character, performance: Performance, *, samples: int) -> Any:
    """A scene with the performing character in Workbench's soft light, on nothing; ``samples`` (1 or 8) smooth edges."""
    import bpy

    scene = empty_scene(performance.name)
    figure = build_character(character, Z_UP)
    set_frame_rate(scene, performance.fps)
    perform(figure, character, performance)
    set_frame_range(scene, len(performance))
    scene.render.engine = "BLENDER_WORKBENCH"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.studio_light = "Default"  # the four lights of the preferences, which here are ours
    _light(bpy.context.preferences.system)
    shading.color_type = "TEXTURE"  # and the material's colour where it has none
    shading.show_specular_highlight = True
    shading.show_cavity = samples > 1
    shading.cavity_type = "WORLD"
    shading.cavity_ridge_factor, shading.cavity_valley_factor = 0.0, 1.0
    scene.view_settings.exposure = _EXPOSURE
    scene.display.render_aa = "8" if samples > 1 else "OFF"
    scene.render.dither_intensity = 0.0  # the backdrop has its own grain
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.render.use_file_extension = False
    images = scene.render.image_settings
    images.file_format = "TARGA_RAW"
    images.color_mode = "RGBA"
    return scene


def _light(preferences: Any) -> None:
    preferences.light_ambient = _AMBIENT
    for light, (direction, colour, highlight, smooth) in zip(preferences.solid_lights, _LIGHTS):
        light.use = True
        light.direction, light.diffuse_color, light.smooth = direction, colour, smooth
        light.specular_color = (highlight,) * 3


def add_camera(scene: Any, view: View) -> Any:
    """A camera that sees ``view``, at its first frame."""
    import bpy

    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    data.lens, data.sensor_width, data.sensor_fit = _SENSOR_MM * view.distance / view.width, _SENSOR_MM, "HORIZONTAL"
    data.clip_start, data.clip_end = 0.05, view.distance + 50
    camera.rotation_euler = (math.pi / 2 - view.tilt, 0.0, view.turn)
    return camera


def take_pictures(
    scene: Any, views: Sequence[View], frames: Sequence[int], folder: Path, ahead: int
) -> Iterator[tuple[int, list[Path]]]:
    """Render ``frames``, each through all of ``views``; yields (frame, pictures).

    Waits while the reader is more than ``ahead`` frames behind, so that the disk never holds more than these.
    """
    import bpy

    folder.mkdir()
    cameras = [add_camera(scene, view) for view in views]
    scene.render.resolution_percentage = 100
    waiting: list[Path] = []
    for frame in frames:
        scene.frame_set(frame)
        pictures = []
        for number, (camera, view) in enumerate(zip(cameras, views)):
            camera.location = (Z_UP.axes @ view.eye(frame)).tolist()
            scene.camera = camera
            scene.render.resolution_x, scene.render.resolution_y = view.pixels
            pictures.append(folder / f"{frame}-{number}.tga")
            scene.render.filepath = str(pictures[-1])
            bpy.ops.render.render(write_still=True)
        yield frame, pictures
        waiting.append(pictures[-1])
        if len(waiting) > ahead:
            _wait_until_gone(waiting.pop(0))


def _wait_until_gone(path: Path) -> None:
    while path.exists():
        time.sleep(0.005)
