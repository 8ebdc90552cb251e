"""The built-in avatar in Blender: where it stands, how it bends and reshapes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .avatar_scene import SCENE
from .conftest import BlenderPython
from .landing_scene import SCENE as LANDING_SCENE


def run(blender_python: BlenderPython, script: str, *arguments: object, version: str | None = None) -> Any:
    return blender_python(SCENE + script, *arguments, version=version, kind="slim").json


ADDED = """
import mathutils
cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
cube.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
scene.collection.objects.link(cube)
bpy.context.view_layer.objects.active = cube
cube.select_set(True)
bpy.ops.object.mode_set(mode="EDIT")
bpy.context.tool_settings.mesh_select_mode = (False, True, False)
scene.cursor.location = (1, 2, 0.5)
started = time.process_time()
bpy.ops.declaim.add_avatar(shape="man")
seconds = time.process_time() - started
rig = bpy.context.object
bpy.context.view_layer.update()
points = np.concatenate([seen(mesh) for mesh in rig.children])
names = {block.name for mesh in rig.children for block in mesh.data.shape_keys.key_blocks}
heads = {b.name: np.array(b.head_local) for b in rig.data.bones}
flip = np.diag([-1.0, 1, 1])
mirror = 0.0
for bone in rig.data.bones:
    if bone.name.startswith("left_"):
        left, right = (np.array(row.matrix_local) for row in (bone, rig.data.bones["right_" + bone.name[5:]]))
        mirror = max(mirror, np.abs(flip @ left[:3, :3] @ flip - right[:3, :3]).max(), np.abs(flip @ left[:3, 3] - right[:3, 3]).max())

def bend(name):
    "Where a positive turn about X takes the bone's tip, in our axes."
    bone = rig.data.bones[name]
    return (Z_UP.T @ np.array(bone.matrix_local)[:3, :3] @ (0, 0, 1)).tolist()

flipped = rig.pose.bones["left_elbow"]
flipped.rotation_quaternion = (0.8, 0.6, 0, 0)
print(json.dumps({
    "seconds": seconds,
    "names": sorted(o.name for o in bpy.data.objects),
    "object": [rig.name, rig.declaim.is_builtin, list(rig.location), list(rig.scale), list(rig.rotation_euler)],
    "bones": sorted(b.name for b in rig.data.bones) == sorted(JOINTS),
    "problem": character.problem(rig),
    "floor": float(points[:, 2].min()), "height": float(np.ptp(points[:, 2])),
    "front": bool(heads["left_eye_smplhf"][1] < heads["head"][1]), "left": bool(heads["left_wrist"][0] > 0),
    "mirror": float(mirror),
    "bends": {n: bend(n) for n in ("left_elbow", "right_elbow", "left_knee", "left_index2", "right_pinky1", "head", "left_thumb3")},
    "collections": {c.name: len(c.bones) for c in rig.data.collections},
    "visible": [c.name for c in rig.data.collections if c.is_visible],
    "wires": all(b.custom_shape is not None for b in rig.pose.bones),
    "widgets shown": [o.name for o in bpy.context.view_layer.objects if o.get("declaim_widget") and o.visible_get()],
    "quaternions": all(b.rotation_mode == "QUATERNION" for b in rig.pose.bones),
    "arkit": sorted(set(module("core.face").ARKIT) - names),
    "shapes": sorted({*body.shape_names, *(f"expression_{n:02d}" for n in range(10)), *(c.name for c in body.correctives)} - names),
    "zero": all(b.value == 0 for m in rig.children for b in m.data.shape_keys.key_blocks if not b.name.startswith(("corrective_", "Basis"))),
    "artist": [cube.mode, list(bpy.context.tool_settings.mesh_select_mode), cube.select_get(), len(cube.data.vertices)],
    "selected": [o.name for o in bpy.context.selected_objects], "scene": scene.declaim.character == rig,
    "betas": [round(v, 4) for v in character.betas(rig)],
}))
"""


def test_it_stands_at_the_cursor_ready_to_perform(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, ADDED, version=each_blender)
    assert seen["seconds"] < 2.0
    assert seen["object"] == ["Declaim Man", True, [1, 2, 0.5], [1, 1, 1], [0, 0, 0]]
    parts = ("body", "eyes", "hair", "lashes", "suit", "teeth", "tongue")
    assert [name for name in seen["names"] if name.startswith("Declaim Man ")] == [f"Declaim Man {part}" for part in parts]
    assert seen["bones"] and not seen["problem"] and seen["scene"] and seen["selected"] == ["Declaim Man"]
    assert abs(seen["floor"] - 0.5) < 1e-4 and 1.7 < seen["height"] < 1.9 and seen["front"] and seen["left"]
    assert not seen["arkit"] and not seen["shapes"] and seen["zero"]
    assert seen["betas"] == [-1.0, 0.35, 0.1, 0.5, 0, 0, 0, 0, 0, 0]
    assert seen["artist"] == ["OBJECT", [False, True, False], False, 3]


def test_bones_bend_about_x_and_mirror(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, ADDED, version=each_blender)
    assert seen["mirror"] < 2e-5
    ways = seen["bends"]
    assert ways["left_elbow"][2] > 0.99 and ways["right_elbow"][2] > 0.99  # forearms forward
    assert ways["left_knee"][2] < -0.9 and ways["head"][2] > 0.9  # shins back, the face down
    assert ways["left_index2"][1] < -0.99 and ways["right_pinky1"][1] < -0.99  # towards the palm, which looks down
    assert ways["left_thumb3"][2] < -0.5
    assert seen["wires"] and seen["quaternions"] and not seen["widgets shown"]
    assert seen["collections"] == {"Body": 6, "Arms": 8, "Legs": 8, "Left Hand": 15, "Right Hand": 15, "Face": 3}
    assert seen["visible"] == ["Body", "Arms", "Legs", "Left Hand", "Right Hand"]


POSED = """
rig = avatar.add_builtin(bpy.context, shape="woman", added={"height": 1.0})
betas = list(rig["declaim_betas"])
poses, face = some_pose(), np.random.default_rng(5).uniform(0, 0.6, (1, 52)).astype(np.float32)
rest = off_from_body(rig, np.zeros((55, 3)), betas)
pose(rig, poses)
for mesh in rig.children:
    for name, value in zip(module("core.face").ARKIT, face[0]):
        if block_of(mesh, name):
            block_of(mesh, name).value = float(value)
bpy.context.view_layer.update()
drivers = [f.driver for m in rig.children for f in m.data.shape_keys.animation_data.drivers]
weights = body.corrective_weights(poses[None])[0]
keys = parts_of(rig)["body"].data.shape_keys.key_blocks
worst = max(abs(keys[c.name].value - w) for c, w in zip(body.correctives, weights) if c.name in keys)
print(json.dumps({"rest": rest, "posed": off_from_body(rig, poses, betas, face), "weights": float(worst),
    "brought in": int((weights > 0.1).sum()),
    "python": [d.expression for d in drivers if d.type == "SCRIPTED" and not d.is_simple_expression],
    "invalid": [d.expression for d in drivers if not d.is_valid]}))
"""


def test_flesh_follows_bones_posed_by_hand(each_blender: str, blender_python: BlenderPython) -> None:
    """Skin, face shapes and correctives in Blender are the body's own."""
    seen = run(blender_python, POSED, version=each_blender)
    assert seen["rest"] < 1e-5 and seen["brought in"] >= 3
    assert seen["posed"] < 1e-4 and seen["weights"] < 1e-3
    assert not seen["python"] and not seen["invalid"]  # nothing that a Blender that runs no scripts would bar


RESHAPED = """
rig = avatar.add_builtin(bpy.context, shape="woman")
before = np.array(rig["declaim_betas"])
added = {"height": 2.0, "weight": 1.0, "man to woman": -1.5, "bust": -1.0}
for name, value in added.items():
    rig[name] = value
rig.update_tag()
bpy.context.view_layer.update()
fitted = shapes.bones_fit(rig)
points = np.concatenate([seen(mesh) for mesh in rig.children])
betas = shapes.betas_now(rig)
wanted = before + [added.get(name, 0.0) for name in body.shape_names]
bpy.ops.object.mode_set(mode="POSE")
bpy.ops.declaim.fit_bones()
mode = rig.mode
poses = some_pose()
pose(rig, poses)
joints = np.array([np.array(rig.data.bones[name].head_local) for name in JOINTS]) @ Z_UP
true = body.rest_joints(wanted)
print(json.dumps({"fitted": [fitted, shapes.bones_fit(rig)], "floor": float(points[:, 2].min()), "mode": mode,
    "betas": float(np.abs(np.array(character.betas(rig)) - wanted).max()),
    "joints": float(np.abs((joints - joints[0]) - (true - true[0])).max()),
    "posed": off_from_body(rig, poses, wanted)}))
"""


def test_bones_follow_the_shape_when_asked(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, RESHAPED, version=each_blender)
    assert seen["fitted"] == [False, True] and seen["mode"] == "POSE"
    assert seen["betas"] < 1e-6 and seen["joints"] < 1e-5 and seen["posed"] < 2e-4
    assert abs(seen["floor"]) < 0.005


MODES = """
def start(kind):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    {"MESH": bpy.ops.mesh.primitive_cube_add, "ARMATURE": bpy.ops.object.armature_add, "CURVE": bpy.ops.curve.primitive_bezier_curve_add}[kind]()
    return bpy.context.object

found = {}
for kind, mode in (("MESH", "EDIT"), ("MESH", "SCULPT"), ("MESH", "WEIGHT_PAINT"), ("ARMATURE", "EDIT"), ("ARMATURE", "POSE"), ("CURVE", "EDIT")):
    theirs = start(kind)
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.declaim.add_avatar()
    found[f"{kind} {mode}"] = [bpy.context.object.name, bpy.context.object.mode, theirs.mode, len(bpy.data.objects)]
start("MESH")
bpy.ops.ed.undo_push(message="Before")
bpy.ops.declaim.add_avatar("EXEC_DEFAULT", True)
added = len(bpy.data.objects)
bpy.ops.ed.undo()
undone = len(bpy.data.objects), len(bpy.data.armatures), len([m for m in bpy.data.meshes if "Declaim" in m.name])
bpy.ops.ed.redo()
other = bpy.data.scenes.new("Other")
refused = ""
with bpy.context.temp_override(scene=other, view_layer=other.view_layers[0]):
    try:
        bpy.ops.declaim.add_avatar()
    except RuntimeError as error:
        refused = str(error)
redone = len(bpy.data.objects)
print(json.dumps({"modes": found, "added": added, "undone": undone, "redone": redone, "other": len(other.objects), "refused": refused}))
"""


def test_it_comes_from_any_mode_and_goes_in_one_step(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, MODES, version=each_blender)
    assert all(row == ["Declaim Woman", "OBJECT", "OBJECT", 11] for row in seen["modes"].values()), seen["modes"]
    assert seen["added"] == 11 and seen["undone"] == [1, 0, 0] and seen["redone"] == 11
    assert seen["other"] == 0 and "is not the one shown" in seen["refused"]


TWO = """
bpy.ops.declaim.add_avatar(shape="woman")
first = bpy.context.object
counts = len(bpy.data.materials), len(bpy.data.images), len([o for o in bpy.data.objects if o.get("declaim_widget")])
scene.cursor.location.x = 1
bpy.ops.declaim.add_avatar(shape="woman")
second = bpy.context.object
a, b = parts_of(first)["body"], parts_of(second)["body"]
b.data.shape_keys.key_blocks["jawOpen"].value = 1.0
second["weight"] = 2.0
second.update_tag()
second.pose.bones["head"].rotation_quaternion = (0, 1, 0, 0)
bpy.context.view_layer.update()
asset = first.users_collection[0].asset_data
preview = first.users_collection[0].preview
print(json.dumps({
    "names": [first.name, second.name, b.name, second.data.name, second.users_collection[0].name],
    "shared": counts == (len(bpy.data.materials), len(bpy.data.images), len([o for o in bpy.data.objects if o.get("declaim_widget")])),
    "same materials": list(a.data.materials) == list(b.data.materials),
    "own": a.data != b.data and a.data.shape_keys != b.data.shape_keys and first.data != second.data,
    "untouched": [*(block_of(a, name).value for name in ("jawOpen", "weight")), first.pose.bones["head"].rotation_quaternion[0]],
    "weight": b.data.shape_keys.key_blocks["weight"].value,
    "asset": [asset.author, asset.license, sorted(t.name for t in asset.tags), bool(asset.description), asset.catalog_id],
    "preview": list(preview.image_size) if preview else None,
    "pixels": len(set(preview.image_pixels[:])) if preview else 0,
}))
"""


def test_two_avatars_share_only_materials(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, TWO, version=each_blender)
    second = "Declaim Woman 2"
    assert seen["names"] == ["Declaim Woman", second, f"{second} body", second, second]
    assert seen["shared"] and seen["same materials"] and seen["own"]
    assert seen["untouched"] == [0.0, 0.0, 1.0] and seen["weight"] == 2.0
    author, licence, tags, description, catalogue = seen["asset"]
    assert (author, licence, description) == ("Declaim", "CC0-1.0", True) and "ARKit" in tags and len(catalogue) == 36
    assert seen["preview"] == [256, 256] and seen["pixels"] > 1000


SAVED = """
import os
folder = sys.argv[1]
bpy.ops.preferences.asset_library_add(directory=folder)
library = bpy.context.preferences.filepaths.asset_libraries[-1].name
polled = bpy.ops.declaim.save_avatar_asset.poll()
bpy.ops.declaim.add_avatar(shape="woman")
bpy.ops.declaim.save_avatar_asset(library=library)
bpy.ops.declaim.save_avatar_asset(library=library)
path = os.path.join(folder, "Declaim Woman.blend")
files = sorted(os.listdir(folder))
catalogs = open(os.path.join(folder, "blender_assets.cats.txt")).read()
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
with bpy.data.libraries.load(path, link=True, assets_only=True) as (there, wanted):
    wanted.collections = there.collections
linked = wanted.collections[0]
marked = linked.asset_data is not None
override = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
rig = next(o for o in override.all_objects if o.type == "ARMATURE")
mesh = next(o for o in override.all_objects if o.name.startswith("Declaim Woman body"))
bpy.context.view_layer.update()
before = seen(mesh)
problem = character.problem(rig)
rig.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0, 0, -0.6)
keys = mesh.data.shape_keys
keys.key_blocks["jawOpen"].value = 1.0
rig["weight"] = 2.0
rig.update_tag()
bpy.context.view_layer.update()
after = seen(mesh)
moved = np.abs(after - before).max(axis=1)
chin = keys.key_blocks["jawOpen"]
print(json.dumps({"polled": polled, "files": files, "catalogs": catalogs.count("Characters/Declaim"), "marked": marked,
    "problem": problem, "arm": float(moved.max()), "moved": int((moved > 0.005).sum()), "all": len(moved),
    "jaw": chin.value, "corrective": keys.key_blocks["corrective_left_shoulder_down"].value, "weight": keys.key_blocks["weight"].value,
    "builtin": rig.declaim.is_builtin, "wires": all(b.custom_shape for b in rig.pose.bones),
    "shown": [o.name for o in bpy.context.view_layer.objects if o.get("declaim_widget") and o.visible_get()]}))
"""


def test_a_saved_asset_links_into_another_file(each_blender: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    seen = run(blender_python, SAVED, folder, version=each_blender)
    assert not seen["polled"] and seen["marked"] and seen["builtin"] and not seen["problem"]
    assert seen["files"] == ["Declaim Woman.blend", "blender_assets.cats.txt"] and seen["catalogs"] == 1
    assert seen["arm"] > 0.3 and seen["jaw"] == 1.0 and seen["corrective"] > 0.3
    assert seen["weight"] == 2.0 and seen["moved"] > 0.25 * seen["all"]
    assert seen["wires"] and not seen["shown"]


FLIPPED = """
rig = avatar.add_builtin(bpy.context)
bpy.ops.object.mode_set(mode="POSE")
rig.pose.bones["left_elbow"].rotation_quaternion = (0.8, 0.6, 0, 0)
bpy.ops.pose.select_all(action="SELECT")
bpy.ops.pose.copy()
bpy.ops.pose.paste(flipped=True)
flipped = [list(rig.pose.bones[name].rotation_quaternion) for name in ("left_elbow", "right_elbow")]
bpy.ops.object.mode_set(mode="OBJECT")
for child in rig.children:
    child.select_set(True)
bpy.ops.object.duplicate()
twin = bpy.context.object
targets = {
    target.id.name for child in twin.children for curve in child.data.shape_keys.animation_data.drivers
    for variable in curve.driver.variables for target in variable.targets
}
print(json.dumps({"flipped": np.array(flipped).round(4).tolist(), "twin": twin.name, "targets": sorted(targets)}))
"""


def test_poses_flip_and_copies_follow_their_own_bones(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, FLIPPED, version=each_blender)
    assert [[abs(value) for value in row] for row in seen["flipped"]] == [[1, 0, 0, 0], [0.8, 0.6, 0, 0]]
    assert seen["twin"] == "Declaim Woman.001" and seen["targets"] == ["Declaim Woman.001"]


LANDED = """
rig = module("addon.avatar").add_builtin(bpy.context, shape="man", added={"height": -1.0})
rig.location = (1, 2, 3)
betas = np.array(character.betas(rig), np.float32)
clip = dataclasses.replace(make_clip(), betas=betas)
how = landing.Landing(name="Line 1", start_frame=FIRST, fps=24)
landed = landing.land(rig, landing.prepare(clip, character.rest_of(rig), character.shape_names(rig), how), how)
true = body.pose_clip(clip)[1] @ Z_UP.T + (1, 2, 3)
worst = 0.0
for frame in range(0, FRAMES, 5):
    scene.frame_set(FIRST + frame)
    seen = np.array([np.array(rig.matrix_world @ rig.pose.bones[name].head) for name in JOINTS])
    worst = max(worst, float(np.abs(seen - true[frame]).max()))
weights = body.corrective_weights(body.face_pose(clip.poses)[0])[frame]
mesh = next(child for child in rig.children if child.name.endswith(" body"))
keys = mesh.data.shape_keys.key_blocks
off = max(abs(keys[c.name].value - w) for c, w in zip(body.correctives, weights) if c.name in keys)
print(json.dumps({"worst": worst, "correctives": float(off), "jaw": abs(keys["jawOpen"].value - float(clip.blendshapes[frame, 17]))}))
"""


def test_takes_land_on_it_to_the_hair(each_blender: str, blender_python: BlenderPython) -> None:
    seen = blender_python(LANDING_SCENE + LANDED, version=each_blender, kind="slim").json
    assert seen["worst"] < 1e-4 and seen["correctives"] < 1e-3 and seen["jaw"] < 1e-5
