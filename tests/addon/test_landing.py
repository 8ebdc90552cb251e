"""Takes as Blender actions: where the rig really goes, and what is left of what the artist had."""

from __future__ import annotations

from .conftest import BlenderPython
from .landing_scene import run

MOTION = """
clip = make_clip()
found = {}
for name, placement, units in (("metres", blender_scene.Z_UP, 1.0), ("centimetres", blender_scene.Y_UP_CENTIMETRES, 100.0)):
    rig = make_rig(placement)
    if name == "metres":
        rig.location, rig.rotation_euler, rig.scale = (3, 1, 2), (0.1, 0.2, 1.3), (1.5, 1.5, 1.5)
    before = np.array(rig.matrix_basis)
    landed, how = put(rig, clip)
    axes = placement.axes
    true = (body.pose_clip(clip)[1] - (0, floor, 0)) @ axes.T
    frames = np.linspace(0, FRAMES - 1, 10).round().astype(int)
    off = max(np.abs(seen_joints(rig, FIRST + int(frame)) / units - true[frame]).max() for frame in frames)
    found[name] = {"off": float(off), "moved": not landing.stillness(rig, landed, how), "stays": bool((np.array(rig.matrix_basis) == before).all())}
    shapes = character.shape_names(rig)
    scene.frame_set(FIRST + 7)
    values = {block.name: block.value for key in keys_of_meshes() for block in key.key_blocks}
    wanted = dict(zip(module("core.face").ARKIT, clip.blendshapes[7])) | dict(
        zip((c.name for c in body.correctives), body.corrective_weights(body.face_pose(clip.poses)[0])[7])
    )
    found[name]["shapes"] = float(max(abs(values[n] - wanted[n]) for n in shapes if n in wanted))
    found[name]["all shapes"] = {n for n in wanted if n in shapes} == set(shapes)
    found[name]["actions"] = len({landed.action, landed.face_action or landed.action})
    curves = blender_action.curves_in(landed.action, "OBJECT")
    key = curves[5].keyframe_points[3]
    found[name]["key"] = [key.co.x, key.interpolation, key.handle_left_type]
    found[name]["groups"] = all(curve.group is not None and curve.group.name in JOINTS for curve in curves)
    for mesh in [o for o in bpy.data.objects if o.type == "MESH"]:
        bpy.data.objects.remove(mesh)
print(json.dumps(found))
"""


def test_the_rig_goes_where_the_clip_says(each_blender: str, blender_python: BlenderPython) -> None:
    for name, seen in run(blender_python, MOTION, version=each_blender).items():
        assert seen["off"] < 1e-4, (name, seen)
        assert seen["moved"] and seen["stays"] and seen["shapes"] < 1e-5 and seen["all shapes"], (name, seen)
        assert seen["actions"] == (2 if each_blender == "4.2" else 1)
        assert seen["key"] == [14.0, "LINEAR", "AUTO_CLAMPED"] and seen["groups"]


RESTS = """
clip = make_clip(size=0.3)
true = body.pose_clip(clip.replace(poses=np.where(np.isin(np.arange(55), skeleton.FACE_JOINTS)[None, :, None], 0, clip.poses)))[1]
found = {}
for name, turns in {
    "A": {"left_shoulder": (0, 0, -0.8), "right_shoulder": (0, 0, 0.8)},
    "down": {"left_shoulder": (0.2, 0, -1.4), "right_shoulder": (-0.1, 0, 1.4), "left_elbow": (0, -0.3, 0)},
    "curled": {f"left_{finger}{part}": (0, 0, -0.5) for finger in ("index", "middle", "ring", "pinky") for part in (1, 2, 3)},
}.items():
    for object_turn in (0.0, 1.2):
        rig = make_rig(parts=())
        rig.rotation_euler.z = object_turn
        for bone, vector in turns.items():
            rest = np.array(rig.data.bones[bone].matrix_local)[:3, :3]
            turn = rest.T @ Z_UP @ rotations.axis_angle_to_matrix(np.array(vector, float)) @ Z_UP.T @ rest
            rig.pose.bones[bone].rotation_quaternion = rotations.matrix_to_quaternion(turn)
        bpy.context.view_layer.objects.active = rig
        bpy.ops.object.mode_set(mode="POSE")
        bpy.ops.pose.armature_apply()
        bpy.ops.object.mode_set(mode="OBJECT")
        put(rig, clip)
        worst = 0.0
        for frame in (0, 13, 31, 47):
            seen = seen_joints(rig, FIRST + frame) @ Z_UP
            for child, parent in enumerate(skeleton.PARENTS):
                if parent >= 0 and child not in skeleton.FACE_JOINTS:
                    one = rotations.normalised(seen[child] - seen[parent])
                    other = rotations.normalised(true[frame, child] - true[frame, parent])
                    worst = max(worst, float(np.rad2deg(np.arccos(min(1, one @ other)))))
        found[f"{name} {object_turn}"] = worst
        bpy.data.objects.remove(rig)
print(json.dumps(found))
"""


def test_rigs_at_rest_in_other_poses_point_the_same_way(each_blender: str, blender_python: BlenderPython) -> None:
    for name, degrees in run(blender_python, RESTS, version=each_blender).items():
        assert degrees < 0.2, (name, degrees)


KEPT = """
clip, other = make_clip(), make_clip(seed=4)
rig = make_rig()
own = walk(rig)
own_curves = [[tuple(p.co) for p in c.keyframe_points] for c in blender_action.curves_in(own, "OBJECT")]
key = keys_of_meshes()[0]
key.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
own_face = key.animation_data.action
found = {}
first, _ = put(rig, clip)
found["in use"] = rig.animation_data.action == first.action
found["kept"] = [own.users > 0, own_face.users > 0]
found["notes"] = list(first.notes)
found["same keys"] = own_curves == [[tuple(p.co) for p in c.keyframe_points] for c in blender_action.curves_in(own, "OBJECT")]
second, _ = put(rig, other, name="line 2")
found["first kept"] = first.action.users > 0
landing.use(rig, first.action, first.face_action, [second.action])
true = joints_of(clip)
found["first"] = float(np.abs(seen_joints(rig, FIRST + 20) - true[20]).max())
found["face"] = float(abs(key.key_blocks["jawOpen"].value - clip.blendshapes[20, module("core.face").ARKIT.index("jawOpen")]))
landing.use(rig, second.action, second.face_action, [first.action])
found["second"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(other)[20]).max())
landing.discard(rig, second.action)
if second.face_action:
    landing.discard(rig, second.face_action)
found["left"] = sorted(action.name for action in bpy.data.actions)
found["no action"] = rig.animation_data.action is None
print(json.dumps(found))
"""


def test_nothing_of_the_artists_is_lost(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, KEPT, version=each_blender)
    assert seen["in use"] and seen["kept"] == [True, True] and seen["same keys"] and seen["first kept"]
    assert any('"walk"' in note for note in seen["notes"])
    assert seen["first"] < 1e-4 and seen["second"] < 1e-4 and seen["face"] < 1e-5
    assert "walk" in seen["left"] and "line 1" in seen["left"] and "line 2" not in seen["left"] and seen["no action"]


PARTS = """
clip = make_clip()
found = {}
for part in ("body", "hands", "face", "root"):
    rig = make_rig(parts=("skin",))
    landed, how = put(rig, clip, channels=frozenset({part}))
    found[part] = {
        "bones": sorted({c.data_path.split('"')[1] for c in blender_action.curves_in(landed.action, "OBJECT")}),
        "shapes": sorted({character.shape_of(c.data_path) for c in blender_action.curves_in(landed.face_action or landed.action, "KEY")}),
        "location": any(c.data_path.endswith("location") for c in blender_action.curves_in(landed.action, "OBJECT")),
    }
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
print(json.dumps(found))
"""


def test_parts_are_switched_apart(blender_python: BlenderPython) -> None:
    seen = run(blender_python, PARTS)
    assert seen["root"]["bones"] == ["pelvis"] and seen["root"]["location"] and not seen["root"]["shapes"]
    assert len(seen["hands"]["bones"]) == 30 and not seen["hands"]["shapes"]
    assert len(seen["body"]["bones"]) == 21 and "pelvis" not in seen["body"]["bones"]
    assert all(name.startswith("corrective_") for name in seen["body"]["shapes"])
    assert "jawOpen" in seen["face"]["shapes"] and not any(name.startswith("corr") for name in seen["face"]["shapes"])
    assert set(seen["face"]["bones"]) == {"jaw", "left_eye_smplhf", "right_eye_smplhf"}
    assert not any(seen[part]["location"] for part in ("body", "hands", "face"))


MOUTH = """
ARKIT = module("core.face").ARKIT
clip = make_clip()
rig = make_rig(parts=("skin",))
key = keys_of_meshes()[0]
how = options(mouth_strength=0.5)
prepared = landing.prepare(clip, character.rest_of(rig), character.shape_names(rig), how)
landed = landing.land(rig, prepared, how)

def at(frame):
    scene.frame_set(FIRST + frame)
    return {name: key.key_blocks[name].value for name in ("jawOpen", "mouthFunnel", "browInnerUp", "eyeBlinkLeft")}

def wanted(frame, strength):
    return {n: float(clip.blendshapes[frame, ARKIT.index(n)]) * (strength if n[:3] in ("jaw", "mou") else 1) for n in at(frame)}

def off(strength):
    return max(abs(at(f)[n] - wanted(f, strength)[n]) for f in (0, 17, 40) for n in wanted(f, strength))

found = {"prepared": off(0.5)}
landing.rescale_mouth(rig, landed.action, landed.face_action, 0.4 / 0.5)
found["rescaled"] = off(0.4)
landing.rescale_mouth(rig, landed.action, landed.face_action, 1.0 / 0.4)
found["back"] = off(1.0)
again = landing.land(rig, prepared, options(mouth_strength=0.25))
found["changed meanwhile"] = off(0.25)

# a rig without shapes: the jaw's bone
for thing in list(bpy.data.objects):
    bpy.data.objects.remove(thing)
for mode in ("QUATERNION", "XYZ"):
    rig = make_rig(parts=())
    rig.pose.bones["jaw"].rotation_mode = mode
    landed, _ = put(rig, clip)
    turns = {f: channels_at(rig, ["jaw"], FIRST + f)[0]["jaw"] for f in (3, 20)}
    landing.rescale_mouth(rig, landed.action, landed.face_action, 0.5)
    found[f"jaw {mode}"] = max(
        apart(rotations.multiply(half, half), turns[f]) for f in turns for half in [channels_at(rig, ["jaw"], FIRST + f)[0]["jaw"]]
    )
    found[f"jaw moves {mode}"] = max(apart(turn, np.array([1, 0, 0, 0])) for turn in turns.values())
print(json.dumps(found))
"""


def test_mouth_strength(blender_python: BlenderPython) -> None:
    seen = run(blender_python, MOUTH)
    assert max(seen[name] for name in ("prepared", "rescaled", "back", "changed meanwhile")) < 1e-5, seen
    for mode in ("QUATERNION", "XYZ"):
        assert seen[f"jaw {mode}"] < 0.05 and seen[f"jaw moves {mode}"] > 5


STILL = """
clip = make_clip()
found = {}

def fresh():
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    rig = make_rig(parts=("skin",))
    return rig

rig = fresh()
landed, how = put(rig, clip)
scene.frame_set(5)
found["fine"] = landing.stillness(rig, landed, how)
found["frame"] = scene.frame_current
limit = rig.pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION")
limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
limit.owner_space = "LOCAL"
rig.data.bones["left_elbow"].name = 'an "odd" elbow'
found["constraint"] = landing.stillness(rig, landed, how)
rig.data.bones['an "odd" elbow'].name = "left_elbow"
rig.pose.bones["left_elbow"].constraints.remove(limit)
rig.data.pose_position = "REST"
found["rest"] = landing.stillness(rig, landed, how)
rig.data.pose_position = "POSE"
block = keys_of_meshes()[0].key_blocks["jawOpen"]
block.mute = True
found["muted"] = landing.stillness(rig, landed, how)
block.mute = False
driver = block.driver_add("value")
driver.driver.expression = "0.123"
found["driver"] = landing.stillness(rig, landed, how)
block.driver_remove("value")
found["fine again"] = not landing.stillness(rig, landed, how)
rig.animation_data.action = None
found["no action"] = not landing.stillness(rig, landed, how)
rig = fresh()
walk(rig)
landed, how = put(rig, clip, use_nla=True, layer="ADDITIVE")
found["additive"] = landing.stillness(rig, landed, how)
rig.animation_data.nla_tracks[-1].mute = True
print(json.dumps(found))
"""


def test_a_rig_that_is_held_is_told(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, STILL, version=each_blender)
    assert seen["fine"] == "" and seen["frame"] == 5 and seen["fine again"] and seen["additive"] == ""
    assert 'an "odd" elbow' in seen["constraint"] and "rest position" in seen["rest"]
    assert "jawOpen" in seen["muted"] and "jawOpen" in seen["driver"] and not seen["no action"]
