"""Which armatures can perform, what is said of those that cannot, and what is found on those that can."""

from __future__ import annotations

from .conftest import BlenderPython
from .landing_scene import SCENE

PROBLEMS = """
found = {"none": character.problem(None)}
rig = make_rig(parts=("teeth",))
found["fine"] = character.problem(rig)
found["mesh"] = character.problem(rig.children[0])
bpy.context.view_layer.objects.active = rig
bpy.ops.object.mode_set(mode="POSE")
found["pose mode"] = character.problem(rig)
bpy.ops.object.mode_set(mode="EDIT")
found["edit mode"] = character.problem(rig)
rig.data.edit_bones.remove(rig.data.edit_bones["left_elbow"])
rig.data.edit_bones["jaw"].name = "chin"
bpy.ops.object.mode_set(mode="OBJECT")
found["one missing"] = character.problem(rig)
try:
    character.rest_of(rig)
except module("core.errors").InputError as error:
    found["raised"] = str(error)
other = bpy.data.objects.new("Human", bpy.data.armatures.new("Human"))
scene.collection.objects.link(other)
found["empty"] = character.problem(other)
print(json.dumps(found))
"""


def test_what_keeps_a_rig_from_performing(each_blender: str, blender_python: BlenderPython) -> None:
    seen = blender_python(SCENE + PROBLEMS, version=each_blender, kind="slim").json
    assert seen["fine"] == seen["pose mode"] == ""
    assert "select its armature" in seen["none"] and "no armature" in seen["mesh"] and "edit mode" in seen["edit mode"]
    assert "left_elbow" in seen["one missing"] and "jaw" not in seen["one missing"]
    assert seen["raised"].startswith(seen["one missing"])
    assert "pelvis" in seen["empty"] and "more" in seen["empty"]


FOUND = """
rig = make_rig(parts=("teeth", "tongue", "eyes"))
bound, child, stranger = sorted(rig.children, key=lambda mesh: mesh.name)
bound.parent = None  # its modifier still binds it
child.modifiers.clear()  # it is still a child
stranger.parent = None
stranger.modifiers.clear()
block = bound.data.shape_keys.key_blocks[1]
block.name = "Jaw_Open"
found = {"meshes": [mesh.name for mesh in character.face_meshes(rig)], "expected": sorted([bound.name, child.name])}
found["names"] = character.shape_names(rig)
found["betas"] = character.betas(rig)
rig["declaim_betas"] = [0.5, -1.0]
found["kept betas"] = character.betas(rig)

rest = character.rest_of(rig)
found["parents first"] = all(parent < bone for bone, parent in enumerate(rest.parents))
found["joints"] = sorted(rest.joints) == list(range(55))
found["unit"] = rest.unit
rig.scale = (0.01, 0.01, 0.01)
bpy.context.view_layer.update()
found["small unit"] = character.rest_of(rig).unit

# a root bone that the pelvis is joined to carries the location
bpy.context.view_layer.objects.active = rig
bpy.ops.object.mode_set(mode="EDIT")
bones = rig.data.edit_bones
root = bones.new("root")
root.head, root.tail = (0, 0, -1), bones["pelvis"].head
bones["pelvis"].parent, bones["pelvis"].use_connect = root, True
bpy.ops.object.mode_set(mode="OBJECT")
rig.scale = (1, 1, 1)
bpy.context.view_layer.update()
rest = character.rest_of(rig)
found["mover"] = rest.bones[rest.root]
clip = make_clip()
put(rig, clip)
found["off"] = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (0, 20, 47))
rig.data.bones["root"].use_local_location = False
put(rig, clip, name="again")
found["off, not local"] = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (0, 20, 47))
print(json.dumps(found))
"""


def test_what_is_found_on_a_rig(each_blender: str, blender_python: BlenderPython) -> None:
    seen = blender_python(SCENE + FOUND, version=each_blender, kind="slim").json
    assert seen["meshes"] == seen["expected"]
    assert "Jaw_Open" in seen["names"] and "Basis" not in seen["names"] and len(set(seen["names"])) == len(seen["names"])
    assert seen["betas"] == [] and seen["kept betas"] == [0.5, -1.0]
    assert seen["parents first"] and seen["joints"] and seen["unit"] == 1.0 and abs(seen["small unit"] - 0.01) < 1e-6
    assert seen["mover"] == "root" and seen["off"] < 1e-4 and seen["off, not local"] < 1e-4, seen


OWN = """
module("addon.avatar")
rig = module("addon.avatar").add_builtin(bpy.context)
clip = make_clip()
clip = clip.replace(betas=np.array(character.betas(rig), dtype=np.float32))
landed, how = put(rig, clip)
true = body.pose_clip(clip)[1] @ Z_UP.T
found = {"problem": character.problem(rig), "moved": landing.stillness(rig, landed, how)}
found["off"] = max(float(np.abs(seen_joints(rig, FIRST + f) - true[f])[skeleton.JOINT["pelvis"] :].max()) for f in (0, 20, 47))
shapes = {character.shape_of(c.data_path) for c in blender_action.curves_in(landed.face_action or landed.action, "KEY")}
found["arkit"] = len(shapes & set(module("core.face").ARKIT))
strip, how = put(rig, clip, name="line 2", use_nla=True)
found["strip"] = landing.stillness(rig, strip, how)
print(json.dumps(found))
"""


def test_the_built_in_avatar_performs(each_blender: str, blender_python: BlenderPython) -> None:
    seen = blender_python(SCENE + OWN, version=each_blender, kind="slim").json
    assert seen["problem"] == seen["moved"] == seen["strip"] == "", seen
    assert seen["arkit"] == 52 and seen["off"] < 1e-4, seen
