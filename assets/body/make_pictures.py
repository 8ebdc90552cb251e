"""Render ``avatar_woman.png`` and ``avatar_man.png``, the avatar's previews in the asset browser. Build time only.

blender -b --factory-startup --python assets/body/make_pictures.py      # Blender 4.2 or later; Eevee
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from pathlib import Path

import bpy
from mathutils import Euler, Vector

HERE = Path(__file__).resolve().parent
PIXELS = 256
LIGHTS = (  # place, size, watts, colour: key, fill, rim
    ((-1.3, -1.9, 2.5), 1.0, 75, (1, 0.95, 0.9)),
    ((1.8, -1.2, 1.8), 1.2, 25, (0.9, 0.95, 1)),
    ((0.9, 1.6, 2.4), 0.8, 70, (1, 1, 1)),
)


def main() -> None:
    root = HERE.parents[1]
    spec = importlib.util.spec_from_file_location("declaim", root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None and spec.loader is not None
    package = sys.modules["declaim"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    importlib.import_module("declaim.addon").register()
    for shape in ("woman", "man"):
        picture(shape)


def picture(shape: str) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.declaim.add_avatar(shape=shape)
    rig, scene = bpy.context.object, bpy.context.scene
    for side, way in (("left", -1), ("right", 1)):
        rig.pose.bones[f"{side}_shoulder"].rotation_quaternion = Euler((0, 0, way * math.radians(66))).to_quaternion()
    for mesh in rig.children:
        for name in ("mouthSmileLeft", "mouthSmileRight"):
            if name in mesh.data.shape_keys.key_blocks:
                mesh.data.shape_keys.key_blocks[name].value = 0.3
    eyes = sum((rig.data.bones[f"{side}_eye_smplhf"].head_local for side in ("left", "right")), Vector()) / 2
    for place, size, watts, colour in LIGHTS:
        light = bpy.data.lights.new("Light", "AREA")
        light.size, light.energy, light.color = size, watts, colour
        put(scene, light, Vector(place), Vector((0, 0, 1.5)))
    camera = bpy.data.cameras.new("Camera")
    camera.lens = 112
    scene.camera = put(scene, camera, Vector((-0.62, -1.75, eyes.z + 0.05)), Vector((0.01, 0, eyes.z - 0.085)))
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    sky = scene.world.node_tree.nodes["Background"]
    sky.inputs["Color"].default_value, sky.inputs["Strength"].default_value = (0.42, 0.4, 0.4, 1), 0.55
    engines = scene.render.bl_rna.properties["engine"].enum_items.keys()
    scene.render.engine = "BLENDER_EEVEE_NEXT" if "BLENDER_EEVEE_NEXT" in engines else "BLENDER_EEVEE"
    scene.eevee.taa_render_samples = 24
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = PIXELS
    scene.render.image_settings.compression = 100
    scene.render.filepath = str(HERE / f"avatar_{shape}.png")
    bpy.ops.render.render(write_still=True)


def put(scene: bpy.types.Scene, data: bpy.types.ID, place: Vector, towards: Vector) -> bpy.types.Object:
    row = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(row)
    row.location, row.rotation_euler = place, (towards - place).to_track_quat("-Z", "Y").to_euler()
    return row


main()
