"""A script for Blender: import FILE and print, as one JSON line, where its bones are at each FRAME.

... blender_reader.py -- FILE FRAME...
"""

import json
import os
import sys

import bpy


def main(file: str, frames: list[int]) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    if file.endswith(".fbx"):
        import addon_utils

        addon_utils.enable("io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0)
    else:
        bpy.ops.wm.usd_import(filepath=file)
    rig = next(thing for thing in scene.objects if thing.type == "ARMATURE")
    places = []
    for frame in frames:
        scene.frame_set(frame)
        seen = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append({bone.name: list(seen.matrix_world @ bone.head) for bone in seen.pose.bones})
    meshes = [thing for thing in scene.objects if thing.type == "MESH"]
    shapes = {block.name for mesh in meshes if mesh.data.shape_keys for block in mesh.data.shape_keys.key_blocks}
    print("seen:" + json.dumps({"places": places, "shapes": sorted(shapes)}), flush=True)
    os._exit(0)


arguments = sys.argv[sys.argv.index("--") + 1 :]
main(arguments[0], [int(frame) for frame in arguments[1:]])
