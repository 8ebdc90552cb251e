"""Keys of a take: rotation modes, fewer keys, smooth keys, other frame rates."""

from __future__ import annotations

import pytest

from .conftest import BlenderPython
from .landing_scene import run

MODES = """
clip = make_clip(size=0.9)
rig = make_rig(parts=())
kinds = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE", "YZX")
for number, bone in enumerate(rig.pose.bones):
    bone.rotation_mode = kinds[number % len(kinds)]
before = [bone.rotation_mode for bone in rig.pose.bones]
landed, how = put(rig, clip)
found = {"off": max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (0, 11, 29, 47))}
found["modes"] = before == [bone.rotation_mode for bone in rig.pose.bones]
found["moved"] = not landing.stillness(rig, landed, how)
rest = character.rest_of(rig)
prepared = landing.prepare(clip, rest, (), how)
rig.pose.bones["head"].rotation_mode = "QUATERNION" if before[JOINTS.index("head")] != "QUATERNION" else "XYZ"
try:
    landing.land(rig, prepared, how)
except module("core.errors").DeclaimError as error:
    found["error"] = str(error)
print(json.dumps(found))
"""


def test_bones_keep_their_rotation_modes(each_blender: str, blender_python: BlenderPython) -> None:
    seen = run(blender_python, MODES, version=each_blender)
    assert seen["off"] < 1e-4 and seen["modes"] and seen["moved"]
    assert '"head"' in seen["error"]


REDUCED = """
clip = make_clip(frames=120)
found = {}
for interpolation in ("LINEAR", "BEZIER"):
    for tolerance in (0.3, 2.0):
        rig = make_rig(parts=("skin",))
        exact, _ = put(rig, clip)
        exact_of = {"OBJECT": exact.action, "KEY": exact.face_action or exact.action}
        exact_curves = [c for kind, action in exact_of.items() for c in blender_action.curves_in(action, kind)]
        true = {(c.data_path, c.array_index): c for c in exact_curves}
        thin, _ = put(rig, clip, keys="REDUCED", tolerance=tolerance, interpolation=interpolation)
        groups = {}
        for kind in ("OBJECT", "KEY"):
            action = (thin.face_action or thin.action) if kind == "KEY" else thin.action
            for curve in blender_action.curves_in(action, kind):
                groups.setdefault(curve.data_path, []).append(curve)
        worst = {"turn": 0.0, "place": 0.0, "shape": 0.0}
        count = 0
        # Smooth curves are held against every frame; straight ones between frames too.
        frames = np.arange(FIRST, FIRST + 119.01, 0.5 if interpolation == "LINEAR" else 1.0)
        for path, curves in groups.items():
            curves.sort(key=lambda c: c.array_index)
            count += sum(len(c.keyframe_points) for c in curves)
            seen = np.array([[c.evaluate(f) for c in curves] for f in frames])
            want = np.array([[true[path, c.array_index].evaluate(f) for c in curves] for f in frames])
            if path.endswith("rotation_quaternion"):
                a, b = rotations.normalised(seen), rotations.normalised(want)
                cosine = np.minimum(1, np.abs((a * b).sum(axis=1)))
                worst["turn"] = max(worst["turn"], float(np.rad2deg(2 * np.arccos(cosine)).max()))
            elif path.endswith("location"):
                worst["place"] = max(worst["place"], float(np.linalg.norm(seen - want, axis=1).max() * 1000))
            else:
                worst["shape"] = max(worst["shape"], float(np.abs(seen - want).max() * 100))
        every = sum(len(c.keyframe_points) for c in true.values())
        wrist = [p.co.x for p in groups['pose.bones["left_wrist"].rotation_quaternion'][0].keyframe_points]
        apex = all(any(abs(x - FIRST - f) < 1e-3 for x in wrist) for f in (12, 30))
        found[f"{interpolation} {tolerance}"] = {**worst, "tolerance": tolerance, "share": count / every, "apex": apex}
        bpy.data.objects.remove(rig)
        for mesh in [o for o in bpy.data.objects if o.type == "MESH"]:
            bpy.data.objects.remove(mesh)
print(json.dumps(found))
"""


def test_reduced_keys_stay_within_the_error_in_blender(each_blender: str, blender_python: BlenderPython) -> None:
    for name, seen in run(blender_python, REDUCED, version=each_blender).items():
        for what in ("turn", "place", "shape"):
            assert seen[what] <= seen["tolerance"] * 1.02 + 0.03, (name, seen)
        assert seen["apex"] and seen["share"] < 0.6, (name, seen)


RATE = """
clip = make_clip(frames=60, fps=30.0)
rig = make_rig(parts=())
how = options()
prepared = landing.prepare(clip, character.rest_of(rig), (), how)
landed = landing.land(rig, prepared, how)
found = {"range": list(landed.action.frame_range)}
at = clip.resampled(24.0)
found["off"] = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(at)[f]).max()) for f in (0, 12, 40))
try:
    landing.land(rig, prepared, options(fps=25.0))
except module("core.errors").DeclaimError as error:
    found["error"] = str(error)
print(json.dumps(found))
"""


def test_clips_of_another_rate_are_resampled(blender_python: BlenderPython) -> None:
    seen = run(blender_python, RATE)
    assert seen["range"] == [11, 58] and seen["off"] < 1e-4 and "25" in seen["error"]


@pytest.mark.parametrize("interpolation", ["LINEAR", "BEZIER"])
def test_every_frame_is_exact_in_either_interpolation(interpolation: str, blender_python: BlenderPython) -> None:
    script = f"""
rig, clip = make_rig(parts=()), make_clip()
landed, _ = put(rig, clip, interpolation="{interpolation}")
off = max(float(np.abs(seen_joints(rig, FIRST + f) - joints_of(clip)[f]).max()) for f in (0, 11, 29, 47))
print(json.dumps([off, blender_action.curves_in(landed.action, "OBJECT")[0].keyframe_points[0].interpolation]))
"""
    off, kind = run(blender_python, script)
    assert off < 1e-4 and kind == interpolation


HANDLES = """
reduction = module("core.key_reduction")
generator = np.random.default_rng(2)
worst = 0.0
for _ in range(20):
    keys = np.unique(np.concatenate([[0, 119], generator.choice(118, generator.integers(2, 40)) + 1]))
    values = np.zeros((120, 1))
    values[keys, 0] = np.cumsum(generator.normal(size=len(keys)) * generator.choice([0.1, 1, 3], len(keys)))
    curve = module("core.rig_curves").Curve(data_path="location", index=0, group="", values=values[keys, 0], frames=keys)
    action = blender_action.new_action("curve", "rig", [curve], (), 0, "BEZIER").action
    made = blender_action.curves_in(action, "OBJECT")[0]
    seen = np.array([made.evaluate(frame) for frame in range(120)])
    worst = max(worst, float(np.abs(seen - reduction._smooth(values, keys, np.arange(120))[:, 0]).max() / np.ptp(seen)))
print(json.dumps(worst))
"""


def test_smooth_keys_are_foreseen_as_blender_joins_them(each_blender: str, blender_python: BlenderPython) -> None:
    assert run(blender_python, HANDLES, version=each_blender) < 1e-4
