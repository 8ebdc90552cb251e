"""What the tests of landing share: a script that begins with the add-on's modules, a clip, and the built-in body as a rig."""

from __future__ import annotations

from typing import Any

from .conftest import BlenderPython

SCENE = '''
import dataclasses, importlib, json
import numpy as np

def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")

landing, character, nla = module("addon.landing"), module("addon.character"), module("addon.nla")
rotations, modes, skeleton = module("core.rotations"), module("core.rotation_modes"), module("core.skeleton")
clips, bodies, timeline = module("core.clip"), module("core.body"), module("core.timeline")
blender_scene, blender_action = module("exporters.blender_scene"), module("exporters.blender_action")
characters = module("exporters.character")
JOINTS, FIRST, FRAMES = skeleton.JOINTS, 11, 48
Z_UP = blender_scene.Z_UP.axes
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base = 24, 1.0
body = bodies.builtin_body()
floor = -float(body.shaped()[:, 1].min())


def make_clip(frames=FRAMES, fps=24.0, seed=0, size=0.5):
    generator = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None] / fps

    def wave(count):
        return np.sin(seconds * generator.uniform(0.5, 4, count) + generator.uniform(0, 6, count))

    strokes = tuple(timeline.Stroke(hand="left", start=t - 0.2, apex=t, hold_end=t + 0.1, end=t + 0.3, unit="beat") for t in (0.5, 1.25))
    return clips.MotionClip(
        fps=fps, body=clips.BodyRef(id=body.id, sha256=body.sha256), poses=size * wave(165).reshape(-1, 55, 3),
        trans=0.2 * wave(3) + (0, floor, 0), blendshapes=0.5 + 0.5 * wave(52),
        timeline=timeline.Timeline(strokes=strokes),
    )


def make_rig(placement=None, parts=("skin", "teeth")):
    figure = characters.Character.of(body)
    kept = tuple(part for part in figure.parts if part.name in parts)
    return blender_scene.build_character(dataclasses.replace(figure, parts=kept), placement or blender_scene.Z_UP).rig


def options(**given):
    return landing.Landing(**{"name": "line 1", "start_frame": FIRST, "fps": 24.0, **given})


def put(rig, clip, **given):
    how = options(**given)
    prepared = landing.prepare(clip, character.rest_of(rig), character.shape_names(rig), how)
    return landing.land(rig, prepared, how), how


def joints_of(clip):
    """(T, 55, 3) where the clip has the joints, Z up, with the pelvis at the origin where it stands on the floor."""
    return (body.pose_clip(clip)[1] - (0, floor, 0)) @ Z_UP.T


def seen_joints(rig, frame):
    scene.frame_set(frame)
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([posed.pose.bones[name].head for name in JOINTS])


def channels_at(rig, names, frame):
    """Each bone's rotation as a quaternion, and the pelvis's location, as the animation has them."""
    scene.frame_set(frame)
    turns = {name: np.array(rig.pose.bones[name].matrix_basis.to_quaternion()) for name in names}
    return turns, np.array(rig.pose.bones["pelvis"].location)


def apart(one, other):
    """Degrees between quaternions."""
    return float(np.rad2deg(2 * np.arccos(min(1.0, abs(float(np.dot(one, other)))))))


def walk(rig, name="walk", frames=(1, 80)):
    """An action of the artist's own."""
    generator = np.random.default_rng(9)
    for frame in frames:
        for bone in rig.pose.bones:
            turn = rotations.axis_angle_to_quaternion(0.3 * generator.normal(size=3))
            values = modes.channels(turn[None], bone.rotation_mode)[0]
            path = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(bone.rotation_mode, "rotation_euler")
            setattr(bone, path, values)
            bone.keyframe_insert(path, frame=frame)
        rig.pose.bones["pelvis"].location = 0.2 * generator.normal(size=3)
        rig.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    rig.animation_data.action.name = name
    return rig.animation_data.action


def keys_of_meshes():
    return [mesh.data.shape_keys for mesh in bpy.data.objects if mesh.type == "MESH" and mesh.data.shape_keys]
'''


def run(blender_python: BlenderPython, script: str, *arguments: object, version: str | None = None, **options: Any) -> Any:
    return blender_python(SCENE + script, *arguments, version=version, kind="slim", **options).json
