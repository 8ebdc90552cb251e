"""Enabling costs nothing, disabling leaves nothing, and a file with our data is a file of Blender's."""

from __future__ import annotations

from pathlib import Path

from .conftest import BlenderPython

INVENTORY = """
import gc, json, threading
import addon_utils

def inventory():
    return {
        "classes": sorted(
            kind.__name__ for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.UIList, bpy.types.Header,
             bpy.types.PropertyGroup, bpy.types.AddonPreferences, bpy.types.FileHandler)
            for kind in base.__subclasses__() if "declaim" in kind.__module__ and getattr(kind, "is_registered", False)
        ),
        "properties": sorted(
            f"{kind}.{name}" for kind in ("Scene", "Object", "WindowManager", "Armature", "Action", "Mesh", "Text", "Sequence", "Strip",
            "SoundStrip", "SoundSequence", "Key", "Bone", "PoseBone", "Collection", "NlaTrack", "NlaStrip", "TimelineMarker")
            if hasattr(bpy.types, kind) for name in getattr(bpy.types, kind).bl_rna.properties.keys()
        ),
        "operators": sorted(name for name in dir(bpy.ops.declaim)),
        "handlers": {
            name: len(getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers)
            if isinstance(getattr(bpy.app.handlers, name), list)
        },
        "draws": sorted(
            f"{kind}.{function.__name__}" for kind in dir(bpy.types) if hasattr(getattr(bpy.types, kind), "draw")
            for function in getattr(getattr(bpy.types, kind).draw, "_draw_funcs", ()) if "declaim" in function.__module__
        ),
        "keymaps": sum(len(m.keymap_items) for m in getattr(bpy.context.window_manager.keyconfigs.addon, "keymaps", ())),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "preset_paths": sorted(map(str, bpy.utils.preset_paths("declaim"))),
        "assets": sorted(library.path for library in bpy.context.preferences.filepaths.asset_libraries),
    }

def enable():
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    assert EXTENSION in bpy.context.preferences.addons and hasattr(bpy.types.Scene, "declaim")

def disable():
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    assert EXTENSION not in bpy.context.preferences.addons

def difference(one, other):
    found = {}
    for name in one:
        if one[name] != other[name]:
            both = isinstance(one[name], list)
            gone = sorted(set(one[name]) - set(other[name])) if both else one[name]
            came = sorted(set(other[name]) - set(one[name])) if both else other[name]
            found[name] = {"gone": gone, "came": came}
    return found
"""
CYCLES = (
    INVENTORY
    + """
before = inventory()
enable()
first = inventory()
bpy.context.scene.declaim.seed = 7
disable()
after = inventory()
enable()
second = inventory()
bpy.ops.script.reload()
reloaded = inventory()
seed = bpy.context.scene.declaim.seed
disable()
last = inventory()
print(json.dumps({
    "left": difference(before, after),
    "differs": difference(first, second),
    "reload": difference(first, reloaded),
    "left_at_last": difference(before, last),
    "seed": seed,
    "operators": first["operators"],
    "came": len(first["classes"]) - len(before["classes"]),
}), flush=True)
import os
os._exit(0)  # after script.reload, with or without us, the module bpy crashes (4.2) or hangs (4.5) on its way out
"""
)
COST = """
import importlib, json, time
before = set(sys.modules)
start = time.process_time()  # the wall clock's would be that of whatever else this machine does
package = importlib.import_module(EXTENSION)
package.register()
seconds = time.process_time() - start
new = sorted({name.split(".")[0] for name in set(sys.modules) - before if not name.startswith("bl_ext")})
ours = sorted(name[len(EXTENSION) + 1:] for name in set(sys.modules) - before if name.startswith(EXTENSION + "."))
package.unregister()
print(json.dumps({"seconds": seconds, "new": new, "ours": ours}))
"""
HEAVY = """
import json
heavy = {"numpy", "scipy", "fastapi", "uvicorn", "pydantic", "soundfile", "parselmouth", "pocketsphinx", "vosk", "requests", "aud"}
before = {name.split(".")[0] for name in sys.modules}
bpy.ops.preferences.addon_enable(module=EXTENSION)
after = {name.split(".")[0] for name in sys.modules}
print(json.dumps(sorted(heavy & (after - before))))
"""
SAVE = """
import json
scene = bpy.context.scene
scene.declaim.seed = 4321
scene.declaim.script = "To be, or not to be"
rig = bpy.data.objects.new("Hero", bpy.data.armatures.new("Hero"))
scene.collection.objects.link(rig)
scene.declaim.character = rig
take = rig.declaim.takes.add()
take.name, take.seed = "Line 1", 9
word = take.words.add()
word.name, word.start, word.stroke = "be", 1.5, True
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
print(json.dumps(True))
"""
OPEN = """
import json
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
found = {"objects": [o.name for o in scene.objects], "known": hasattr(scene, "declaim")}
if found["known"]:
    take = bpy.data.objects["Hero"].declaim.takes[0]
    found |= {"seed": scene.declaim.seed, "script": scene.declaim.script, "character": scene.declaim.character.name,
              "take": [take.name, take.seed], "word": [take.words[0].name, take.words[0].start, take.words[0].stroke]}
else:
    bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
print(json.dumps(found))
"""


def test_nothing_is_left(each_blender: str, blender_python: BlenderPython) -> None:
    done = blender_python(CYCLES, version=each_blender, enable=False)
    found = done.json
    assert found["came"] > 10 and "perform" in found["operators"]
    assert found["left"] == {} and found["left_at_last"] == {}
    assert found["differs"] == {} and found["reload"] == {}
    assert found["seed"] == 7, "settings of the scene outlive a reload"
    assert "Traceback" not in done.stdout + done.stderr
    assert not done.leftovers


def test_enabling_costs_nothing(each_blender: str, blender_python: BlenderPython) -> None:
    found = [blender_python(COST, version=each_blender, enable=False).json for _ in range(3)]
    assert min(row["seconds"] for row in found) < 0.1, found
    core = {name for name in found[0]["ours"] if name.startswith(("core.", "exporters", "inference", "plugins"))}
    assert core <= {"core.errors", "core.files"}, core  # the rest needs numpy or costs time


def test_enabling_imports_nothing_heavy(each_blender: str, blender_python: BlenderPython) -> None:
    assert blender_python(HEAVY, version=each_blender, enable=False).json == []


def test_a_file_with_our_data_opens_without_us(each_blender: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    file = tmp_path / "scene.blend"
    blender_python(SAVE, file, version=each_blender)
    without = blender_python(OPEN, file, version=each_blender, enable=False)
    assert without.json["known"] is False and "Hero" in without.json["objects"]
    assert "Error" not in without.stdout + without.stderr
    back = blender_python(OPEN, file, version=each_blender).json  # saved without us in between
    assert (back["seed"], back["script"], back["character"]) == (4321, "To be, or not to be", "Hero")
    assert back["take"] == ["Line 1", 9] and back["word"] == ["be", 1.5, True]
