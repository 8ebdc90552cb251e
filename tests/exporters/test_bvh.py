"""BVH: what bvhio makes of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.body import Body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.rotations import axis_angle_to_matrix
from declaim.core.skeleton import JOINT, JOINTS
from declaim.exporters import bvh
from declaim.exporters.formats import Take

bvhio = pytest.importorskip("bvhio", reason="bvhio is not installed: pip install -e .[dev]")


def agree(path: Path, body: Body, clip: MotionClip) -> None:
    """Assert that bvhio puts the 55 joints where our kinematics do, at six frames."""
    root = bvhio.readAsHierarchy(str(path), loadKeyFrames=True)
    frames = np.unique(np.linspace(0, len(clip) - 1, 6).astype(int))
    _, expected = body.joints(
        poses=clip.poses[frames], trans=clip.trans[frames], betas=clip.betas, expressions=clip.expressions[frames]
    )
    for frame, places in zip(frames.tolist(), expected):
        root.loadPose(frame, recursive=True)
        seen = {joint.Name: np.array(joint.PositionWorld) / 100 for joint, _, _ in root.layout()}
        for joint, name in enumerate(JOINTS):
            assert np.abs(seen[name] - places[joint]).max() < 1e-4, (frame, name)


@pytest.mark.parametrize("face", ["blendshapes", "expressions"])
def test_joints_agree(face: str, body: Body, expressive_body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.bvh"
    chosen = body if face == "blendshapes" else expressive_body
    bvh.write(Take(clip=clip, body=chosen, name="line"), path)
    agree(path, chosen, clip)


_IN_BLENDER = """
import json, sys
import bpy
path, frames = sys.argv[1], json.loads(sys.argv[2])
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(filepath=path, global_scale=0.01, frame_start=0, axis_forward="-Z", axis_up="Y")
rig = bpy.context.object
first = round(rig.animation_data.action.frame_range[0])
seen = []
for frame in frames:
    bpy.context.scene.frame_set(first + frame)
    seen.append({bone.name: list(rig.matrix_world @ bone.head) for bone in rig.pose.bones})
print("SEEN" + json.dumps(seen))
"""


def test_blender_agrees(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    """Blender's own importer, which treats the root's OFFSET otherwise than bvhio does."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed: pip install -e .[blender]")
    path = tmp_path / "line.bvh"
    bvh.write(Take(clip=clip, body=body, name="line"), path)
    frames = [0, 9, 18, 27, 36, 44]
    command = [sys.executable, "-c", _IN_BLENDER, str(path), json.dumps(frames)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert "SEEN" in run.stdout, run.stderr
    seen = json.loads(run.stdout.split("SEEN")[1].splitlines()[0])
    _, expected = body.joints(poses=clip.poses[frames], trans=clip.trans[frames], betas=clip.betas)
    for bones, places in zip(seen, expected):
        for name, place in zip(JOINTS, places):
            x, y, z = bones[name]
            assert np.abs(np.array([x, z, -y]) - place).max() < 1e-4, name


def test_one_frame(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.bvh"
    one = clip.sliced(0, 1 / clip.fps)
    bvh.write(Take(clip=one, body=body, name="line"), path)
    agree(path, body, one)


def test_header(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.bvh"
    bvh.write(Take(clip=clip, body=body, name="line"), path)
    lines = path.read_text().splitlines()
    assert lines[:5] == [
        "HIERARCHY",
        "ROOT pelvis",
        "{",
        "\tOFFSET 0.000000 0.000000 0.000000",
        "\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
    ]
    motion = lines[lines.index("MOTION") :]
    assert motion[1] == f"Frames: {len(clip)}"
    assert float(motion[2].split(": ")[1]) == pytest.approx(1 / 30, abs=1e-9)
    assert all(len(line.split()) == 3 + 3 * len(JOINTS) for line in motion[3:]) and len(motion) == 3 + len(clip)


def test_no_jumps_through_gimbal_lock_and_whole_turns() -> None:
    # A wrist that tumbles: two full turns about y while x swings through a quarter turn and back.
    turns = np.linspace(0, 4 * np.pi, 400)
    swings = 1.75 * np.sin(np.linspace(0, 3 * np.pi, 400)) + 1e-3
    y, x = (np.zeros((400, 1, 3)) for _ in range(2))
    y[:, 0, 1], x[:, 0, 0] = turns, swings
    matrices = axis_angle_to_matrix(x) @ axis_angle_to_matrix(y)
    angles = bvh.zxy_angles(matrices)
    assert np.abs(np.diff(angles, axis=0)).max() < 0.1
    z, x, y = (np.zeros((400, 1, 3)) for _ in range(3))
    z[..., 2], x[..., 0], y[..., 1] = np.moveaxis(angles, -1, 0)
    again = axis_angle_to_matrix(z) @ axis_angle_to_matrix(x) @ axis_angle_to_matrix(y)
    np.testing.assert_allclose(again, matrices, atol=1e-9)


@pytest.mark.parametrize("quarter", [np.pi / 2, -np.pi / 2])
def test_exact_gimbal_lock_keeps_the_rotation(quarter: float) -> None:
    def turn(axis: int, angle: float) -> NDArray[np.float64]:
        return np.asarray(axis_angle_to_matrix(np.eye(3)[axis] * angle))

    matrix = turn(2, 0.7) @ turn(0, quarter) @ turn(1, 0.4)
    z, x, y = bvh.zxy_angles(matrix[None, None])[0, 0]
    assert y == 0
    np.testing.assert_allclose(turn(2, z) @ turn(0, x) @ turn(1, y), matrix, atol=1e-7)


def test_same_take_same_bytes(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    take = Take(clip=clip, body=body, name="line")
    for name in ("a.bvh", "b.bvh"):
        bvh.write(take, tmp_path / name)
    assert (tmp_path / "a.bvh").read_bytes() == (tmp_path / "b.bvh").read_bytes()


def test_jaw_rests_where_blendshapes_carry_the_face(body: Body, expressive_body: Body, tmp_path: Path) -> None:
    poses = np.zeros((2, 55, 3))
    poses[:, JOINT["jaw"], 0] = 0.3
    still = MotionClip.still(frames=2, fps=30, body=BodyRef(id="balls", sha256="")).replace(poses=poses)
    written = []
    for chosen in (body, expressive_body):
        bvh.write(Take(clip=still, body=chosen, name="line"), tmp_path / "line.bvh")
        written.append((tmp_path / "line.bvh").read_text().split("MOTION")[1])
    assert "17.18873" not in written[0] and "17.18873" in written[1]
