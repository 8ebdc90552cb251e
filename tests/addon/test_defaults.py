"""Settings kept for new files."""

from __future__ import annotations


def test_new_files_start_with_what_was_kept(blender_python, each_blender: str) -> None:
    script = """
import json
def look():
    scene = bpy.context.scene
    return [scene.declaim.keys, round(scene.declaim.blend_in, 3)]
bpy.ops.wm.read_homefile(use_empty=True)
found = {"before": look()}
found["nothing kept"] = bpy.ops.declaim.forget_defaults.poll()
scene = bpy.context.scene
scene.declaim.keys, scene.declaim.blend_in = "REDUCED", 0.7
bpy.ops.declaim.keep_defaults()
bpy.ops.wm.read_homefile(use_empty=True)
found["new"] = look()
bpy.context.scene.declaim.keys = "EVERY"
import os, tempfile
path = os.path.join(tempfile.gettempdir(), "own.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.wm.open_mainfile(filepath=path)
found["a file of its own"] = look()
bpy.ops.declaim.forget_defaults()
bpy.ops.wm.read_homefile(use_empty=True)
found["after"] = look()
print(json.dumps(found))
"""
    found = blender_python(script, version=each_blender, kind="slim").json
    assert found["before"][:2] == ["EVERY", 0.3] and not found["nothing kept"]
    assert found["new"][:2] == ["REDUCED", 0.7]
    assert found["a file of its own"][:2] == ["EVERY", 0.7]
    assert found["after"] == found["before"]
