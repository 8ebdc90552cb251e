"""Takes as NLA strips: in their place above the artist's animation, added to it, and on linked characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import BlenderPython
from .landing_scene import run

STRIPS = """
clip, other, later = make_clip(), make_clip(seed=4), make_clip(seed=5)
rig = make_rig()
own = walk(rig)
names = ["left_elbow", "head", "left_index2", "pelvis"]
for curve in blender_action.curves_in(own, "OBJECT"):  # the same turn with the other sign
    if "head" in curve.data_path:
        for key in curve.keyframe_points:
            key.co.y *= -1
        curve.update()
scene.frame_set(FIRST)
before = {frame: channels_at(rig, names, frame) for frame in (FIRST - 5, FIRST + FRAMES + 5)}
strip = {"use_nla": True, "blend_in": 0.25, "blend_out": 0.5}
first, how = put(rig, clip, **strip)
second, _ = put(rig, other, name="line 2", **strip)
third, _ = put(rig, later, name="line 3", start_frame=FIRST + 100, **strip)
found = {"notes": list(first.notes), "more notes": list(second.notes)}
found["own is below"] = [track.strips[0].action.name for track in rig.animation_data.nla_tracks]
landing.use(rig, first.action, first.face_action, [second.action, third.action])
found["muted"] = [track.mute for track in rig.animation_data.nla_tracks]
found["face tracks"] = [track.name for track in keys_of_meshes()[0].animation_data.nla_tracks][-3:]
found["face muted"] = [track.mute for track in keys_of_meshes()[0].animation_data.nla_tracks]
strips = [track.strips[0] for track in rig.animation_data.nla_tracks]
found["strip"] = [strips[1].frame_start, strips[1].frame_end, strips[1].blend_in, strips[1].blend_out, strips[1].extrapolation]
found["inside"] = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (6, 20, 34))
found["later"] = float(np.abs(seen_joints(rig, FIRST + 120) - joints_of(later)[20]).max())
landing.use(rig, second.action, second.face_action, [first.action, third.action])
found["second"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(other)[20]).max())
found["moved"] = landing.stillness(rig, second, how)
found["around"] = max(
    max(apart(channels_at(rig, names, frame)[0][name], turns[name]) for name in names) for frame, (turns, _) in before.items()
)
on_its_way = []
for f in range(13):
    scene.frame_set(FIRST + f // 2, subframe=(f % 2) / 2)
    on_its_way.append(np.array(rig.pose.bones["head"].matrix_basis.to_quaternion()))
found["steps"] = max(apart(a, b) for a, b in zip(on_its_way, on_its_way[1:]))
landing.discard(rig, second.action)
found["tracks left"] = [track.name for track in rig.animation_data.nla_tracks]
found["own still plays"] = any(s.action == own for t in rig.animation_data.nla_tracks for s in t.strips)
# the artist picks an action of his own up again: a take in use must not be hidden by it
mine = walk(rig, "more")
landing.use(rig, first.action, first.face_action, [third.action])
found["above more"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(clip)[20]).max())
found["more is kept"] = mine.users > 0
print(json.dumps(found))
"""


def test_strips_on_tracks_of_their_own(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, STRIPS, version=each_blender)
    assert seen["own is below"] == ["walk", "line 1", "line 2", "line 3"]
    assert any('"walk"' in note for note in seen["notes"]) and not any('"walk"' in note for note in seen["more notes"])
    assert seen["muted"] == [False, False, True, False] and seen["face muted"] == [False, False, True, False]
    assert seen["face tracks"] == ["line 1", "line 2", "line 3"]
    assert seen["strip"] == [11, 58, 6, 12, "NOTHING"]
    assert seen["inside"] < 1e-4 and seen["later"] < 1e-4 and seen["second"] < 1e-4 and seen["moved"] == ""
    assert seen["steps"] < 15  # blending in, no bone tumbles
    assert seen["around"] < 0.1  # before and after the take the artist's own action plays
    assert "line 2" not in seen["tracks left"] and seen["own still plays"]
    assert seen["above more"] < 1e-4 and seen["more is kept"]


ADDITIVE = """
clip = make_clip()
found = {}
names = [n for n in JOINTS if skeleton.JOINT[n] not in skeleton.FACE_JOINTS]
for mode in ("QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"):
    rig = make_rig(parts=("skin",) if mode == "QUATERNION" else ())
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    key = keys_of_meshes()[0] if mode == "QUATERNION" else None
    if key:
        key.key_blocks["browInnerUp"].value = 0.2
        key.key_blocks["browInnerUp"].keyframe_insert("value", frame=1)
    own = walk(rig)
    base = {frame: channels_at(rig, names, frame) for frame in (FIRST, FIRST + 9, FIRST + 33, FIRST + 60)}
    rest = character.rest_of(rig)
    take = module("core.retarget").keys_of(clip, body, rest)
    landed, how = put(rig, clip, layer="ADDITIVE")
    worst, shift = 0.0, 0.0
    for frame, (turns, place) in base.items():
        seen, where = channels_at(rig, names, frame)
        number = frame - FIRST
        for name in names:
            bone = rest.bones.index(name)
            delta = np.array([1.0, 0, 0, 0])
            if number < FRAMES:
                delta = rotations.multiply(rotations.conjugate(take.quaternions[0, bone]), take.quaternions[number, bone])
            worst = max(worst, apart(seen[name], rotations.multiply(turns[name], delta)))
        moved = take.location[number] - take.location[0] if number < FRAMES else 0
        shift = max(shift, float(np.abs(where - place - moved).max()))
    found[mode] = {"turn": worst, "place": shift, "moved": not landing.stillness(rig, landed, how), "own": own.users > 0}
    if key:
        scene.frame_set(FIRST + 9)
        index = module("core.face").ARKIT.index("browInnerUp")
        found[mode]["shape"] = float(abs(key.key_blocks["browInnerUp"].value - min(1, 0.2 + clip.blendshapes[9, index])))
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)

# over the take's own first pose, held still, the result is the take
rig = make_rig(parts=())
take = module("core.retarget").keys_of(clip, body, character.rest_of(rig))
for bone, name in enumerate(character.rest_of(rig).bones):
    rig.pose.bones[name].rotation_quaternion = take.quaternions[0, bone]
rig.pose.bones["pelvis"].location = take.location[0]
put(rig, clip, layer="ADDITIVE", keys="REDUCED", tolerance=0.05)
found["over its first pose"] = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (0, 20, 47))
# over another take
rig = make_rig(parts=())
other = make_clip(seed=7)
under, _ = put(rig, clip)
over, _ = put(rig, other, name="line 2", layer="ADDITIVE")
landing.use(rig, over.action, over.face_action, [under.action])
both = channels_at(rig, ["head"], FIRST + 20)[0]["head"]
rest = character.rest_of(rig)
of_clip, of_other = (module("core.retarget").keys_of(c, body, rest).quaternions[:, rest.bones.index("head")] for c in (clip, other))
delta = rotations.multiply(rotations.conjugate(of_other[0]), of_other[20])
found["over a take"] = apart(both, rotations.multiply(of_clip[20], delta))
landing.use(rig, under.action, under.face_action, [over.action])
found["the take alone"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(clip)[20]).max())
# with nothing to add to, the take stands on its own
rig = make_rig(parts=())
alone, _ = put(rig, clip, layer="ADDITIVE")
found["alone"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(clip)[20]).max())
found["alone notes"] = list(alone.notes)
rig = make_rig(parts=("teeth",))
unheard = rig.animation_data_create().nla_tracks.new()
unheard.strips.new("unheard", 1, own)
unheard.mute = True
rig.pose.bones["head"].rotation_quaternion = (0.9, 0.1, -0.3, 0.2)
key = rig.children[0].data.shape_keys
key.key_blocks["jawOpen"].value = 0.15
posed, _ = put(rig, clip, use_nla=True)
turn = channels_at(rig, ["head", "left_shoulder"], FIRST + 200)[0]
found["held"] = apart(turn["head"], rotations.normalised(np.array([0.9, 0.1, -0.3, 0.2])))
found["held as it begins"] = apart(turn["left_shoulder"], channels_at(rig, ["left_shoulder"], FIRST)[0]["left_shoulder"])
scene.frame_set(FIRST + 200)
found["held shapes"] = [key.key_blocks[name].value for name in ("jawOpen", "mouthFunnel")]
landing.discard(rig, posed.action)
if posed.face_action:
    landing.discard(rig, posed.face_action)
found["tracks left"] = [len(owner.animation_data.nla_tracks) for owner in (rig, key)]
print(json.dumps(found))
"""


def test_an_additive_take_turns_what_is_below(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, ADDITIVE, version=each_blender)
    for mode in ("QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"):
        assert seen[mode]["turn"] < 0.1 and seen[mode]["place"] < 1e-5, (mode, seen[mode])
        assert seen[mode]["moved"] and seen[mode]["own"]
    assert seen["QUATERNION"]["shape"] < 1e-4
    assert seen["over its first pose"] < 5e-3  # keys are reduced
    assert seen["over a take"] < 0.1 and seen["the take alone"] < 1e-4
    assert seen["alone"] < 1e-4 and not seen["alone notes"]
    assert seen["held"] < 0.1 and seen["held as it begins"] < 0.1
    assert seen["held shapes"] == pytest.approx([0.15, 0.0], abs=1e-6)
    assert seen["tracks left"] == [1, 0]  # the artist's own


LIBRARY = """
path, saved = sys.argv[1:]
rig = make_rig(parts=("skin",))
rig.name = "Actor"
collection = bpy.data.collections.new("Actor set")
for thing in (rig, *rig.children):
    scene.collection.objects.unlink(thing)
    collection.objects.link(thing)
scene.collection.children.link(collection)
walk(rig)
bpy.ops.wm.save_as_mainfile(filepath=path)
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
scene = bpy.context.scene
scene.render.fps = 24
with bpy.data.libraries.load(path, link=True) as (source, target):
    target.collections = ["Actor set"]
empty = bpy.data.objects.new("Actor set", None)
empty.instance_type, empty.instance_collection = "COLLECTION", target.collections[0]
scene.collection.objects.link(empty)
linked = bpy.data.objects["Actor"]
found = {"linked": character.problem(linked)}
empty.instance_collection.override_hierarchy_create(scene, bpy.context.view_layer, reference=empty, do_fully_editable=True)
rig = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o.library is None)
found["override"] = character.problem(rig)
rig.override_library.is_system_override = True
found["system"] = character.problem(rig)
rig.override_library.is_system_override = False
clip = make_clip()
found["moved"], found["joints"], found["notes"] = [], [], []
for given in ({}, {"use_nla": True}, {"layer": "ADDITIVE"}):
    landed, how = put(rig, clip, name=f"line {len(found['joints'])}", **given)
    found["moved"].append(not landing.stillness(rig, landed, how))
    found["joints"].append(float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(clip)[20]).max()))
    found["notes"] += landed.notes
    if len(found["joints"]) == 2:
        rig_name = rig.name
        bpy.ops.wm.save_as_mainfile(filepath=saved)
        bpy.ops.wm.open_mainfile(filepath=saved)
        scene = bpy.context.scene
        rig = bpy.data.objects[rig_name]
        if rig.library is not None:
            rig = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o.library is None)
        found["after loading"] = float(np.abs(seen_joints(rig, FIRST + 20) - joints_of(clip)[20]).max())
key = rig.children[0].data.shape_keys
landing.use(rig, bpy.data.actions["line 1"], bpy.data.actions.get("line 1 face"), [landed.action])
scene.frame_set(FIRST + 20)
index = module("core.face").ARKIT.index("jawOpen")
found["face"] = float(abs(key.key_blocks["jawOpen"].value - clip.blendshapes[20, index]))
print(json.dumps(found))
"""


def test_an_override_of_a_linked_rig_performs(each_blender: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    seen = run(blender_python, LIBRARY, tmp_path / "actor.blend", tmp_path / "shot.blend", version=each_blender)
    assert "not editable" in seen["system"]
    assert "linked" in seen["linked"] and seen["override"] == ""
    assert seen["moved"] == [True, True, True]
    assert max(seen["joints"][:2]) < 1e-4 and seen["after loading"] < 1e-4
    assert seen["face"] < 1e-5 and sum("override" in note for note in seen["notes"]) == 1
