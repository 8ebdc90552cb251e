"""GLB: what readers that we did not write make of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim import __version__
from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.errors import ExportError
from declaim.core.face import ARKIT
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT, JOINTS, PARENTS
from declaim.exporters import glb
from declaim.exporters.formats import Take
from declaim.exporters.gltf_mesh import influences

Array = NDArray[Any]
READERS = Path(__file__).parents[1] / "js"
TOLERANCE = 1e-4  # m


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None or not (READERS / "node_modules").is_dir():
        pytest.skip("the glTF readers are not installed: run make setup, which needs Node.js")
    return found


def validated(node: str, path: Path) -> dict[str, Any]:
    run = subprocess.run([node, READERS / "validate.mjs", path], capture_output=True, text=True, check=True, timeout=120)
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def through_three(node: str, path: Path, times: list[float]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What three.js sees, and for each time {"bones": {name: place}, "meshes": [corners (F, 3, 3)]}."""
    out = path.with_suffix(".f32")
    command = [node, str(READERS / "three_eval.mjs"), str(path), str(out), *(repr(time) for time in times)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    rows = np.fromfile(out, "<f4").reshape(len(times), -1, 3)
    moments = []
    for row in rows:
        bones = {bone["name"]: row[index] for index, bone in enumerate(seen["bones"])}
        start, corners = len(seen["bones"]), []
        for mesh in seen["meshes"]:
            corners.append(row[start : start + mesh["vertices"]][np.reshape(mesh["triangles"], (-1, 3))])
            start += mesh["vertices"]
        moments.append({"bones": bones, "meshes": corners})
    return seen, moments


def agree(node: str, path: Path, body: Body, clip: MotionClip, bones_within: float = TOLERANCE) -> dict[str, Any]:
    """Assert that bones and triangle corners at six times are where our own kinematics and skinning put them."""
    frames = np.unique(np.linspace(0, len(clip) - 1, 6).astype(int))
    seen, moments = through_three(node, path, [frame / clip.fps for frame in frames.tolist()])
    face = {"betas": clip.betas, "expressions": clip.expressions[frames]}
    _, joints = body.joints(poses=clip.poses[frames], trans=clip.trans[frames], **face)
    vertices = body.vertices(
        poses=clip.poses[frames], trans=clip.trans[frames], blendshapes=clip.blendshapes[frames], **face
    )
    assert {bone["name"]: bone["parent"] for bone in seen["bones"]} == {
        name: JOINTS[parent] if parent >= 0 else None for name, parent in zip(JOINTS, PARENTS)
    }
    by_material = [
        np.concatenate([np.arange(p.start, p.start + p.count) for p in body.parts if p.material == material])
        for material in sorted({part.material for part in body.parts if part.count})
    ]
    for moment, places, points in zip(moments, joints, vertices):
        for joint, name in enumerate(JOINTS):
            assert np.abs(moment["bones"][name] - places[joint]).max() < bones_within, name
        unclaimed = list(by_material)
        for corners in moment["meshes"]:
            fits = [run for run in unclaimed if len(run) == len(corners)]
            gaps = [float(np.abs(corners - points[body.triangles[run]]).max()) for run in fits]
            assert min(gaps) < TOLERANCE
            unclaimed = [run for run in unclaimed if run is not fits[int(np.argmin(gaps))]]
        assert not unclaimed
    return seen


def document(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    (length,) = struct.unpack_from("<I", content, 12)
    found: dict[str, Any] = json.loads(content[20 : 20 + length])
    return found


def sound(report: dict[str, Any]) -> None:
    """No error, no warning; and nothing else is remarked on than texture coordinates that no texture uses."""
    messages = report["issues"]["messages"]
    assert not [m for m in messages if m["severity"] < 2 or "TEXCOORD" not in m["pointer"]], messages


def test_blendshape_body_agrees(node: str, body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=body, name="line 7"), path)
    sound(validated(node, path))
    seen = agree(node, path, body, clip)
    assert seen["animations"][0]["name"] == "line 7" and len(seen["animations"]) == 1
    assert seen["animations"][0]["duration"] == pytest.approx((len(clip) - 1) / clip.fps, abs=1e-6)
    assert next(mesh["morphs"] for mesh in seen["meshes"] if mesh["morphs"]) == list(ARKIT)


def test_expression_body_agrees(node: str, expressive_body: Body, tmp_path: Path, clip: MotionClip) -> None:
    path = tmp_path / "line.glb"
    assert clip.expressions.any() and clip.poses[:, JOINT["jaw"]].any()
    glb.write(Take(clip=clip, body=expressive_body, name="line"), path)
    sound(validated(node, path))
    seen = agree(node, path, expressive_body, clip)
    assert len(next(mesh["morphs"] for mesh in seen["meshes"] if mesh["morphs"])) == 10


def test_expressions_that_shift_joints(node: str, shifting_body: Body, tmp_path: Path, clip: MotionClip) -> None:
    """The skin is exact; the bones stand off by no more than the shift."""
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=shifting_body, name="line"), path)
    sound(validated(node, path))
    regressed = np.einsum("jv,vxe->jxe", shifting_body.joint_regressor, shifting_body.expression_dirs)
    shift = float(np.linalg.norm(regressed @ clip.expressions.T, axis=1).max())
    assert shift > 20 * TOLERANCE
    agree(node, path, shifting_body, clip, bones_within=shift)


def test_more_than_four_influences(node: str, tmp_path: Path, clip: MotionClip, wide_body: Body) -> None:
    path = tmp_path / "wide.glb"
    assert (wide_body.weights > 0).sum(axis=1).max() > 4
    glb.write(Take(clip=clip, body=wide_body, name="line"), path)
    sound(validated(node, path))
    agree(node, path, wide_body, clip)


@pytest.mark.parametrize("frames", [1, 2])
def test_short_clip(node: str, body: Body, clip: MotionClip, tmp_path: Path, frames: int) -> None:
    path = tmp_path / "short.glb"
    short = clip.sliced(0, frames / clip.fps)
    assert len(short) == frames
    glb.write(Take(clip=short, body=body, name="short"), path)
    sound(validated(node, path))
    agree(node, path, body, short)


def test_still_clip_keeps_its_length(node: str, body: Body, tmp_path: Path) -> None:
    still = MotionClip.still(frames=31, fps=30, body=BodyRef(id=body.id, sha256=body.sha256))
    path = tmp_path / "still.glb"
    glb.write(Take(clip=still, body=body, name="still"), path)
    sound(validated(node, path))
    seen = agree(node, path, body, still)
    assert seen["animations"][0]["duration"] == pytest.approx(1.0)
    assert len(document(path)["animations"][0]["channels"]) == 2  # the root's place and the face, nothing else


def test_correctives_agree(node: str, corrected_body: Body, clip: MotionClip, tmp_path: Path) -> None:
    """Behind the face's shapes, in the meshes that they move, if the clip brings them in at all."""
    path = tmp_path / "line.glb"
    weights = corrected_body.corrective_weights(clip.poses)
    assert weights[:, :2].max(axis=0).min() > 0.7 and not weights[:, 2].any()
    glb.write(Take(clip=clip, body=corrected_body, name="line"), path)
    sound(validated(node, path))
    agree(node, path, corrected_body, clip)
    names = {mesh["name"]: mesh["extras"]["targetNames"] for mesh in document(path)["meshes"]}
    wrist = "corrective_right_wrist_turned"  # moves suit and skin
    assert names == {"Body": ["corrective_left_shoulder_up", wrist], "Face": [*ARKIT, wrist]}


def test_a_body_that_expressions_and_correctives_move(
    node: str, corrected_expressive_body: Body, clip: MotionClip, tmp_path: Path
) -> None:
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=corrected_expressive_body, name="line"), path)
    sound(validated(node, path))
    agree(node, path, corrected_expressive_body, clip)


def test_correctives_that_a_clip_never_needs_are_no_burden(body: Body, corrected_body: Body, clip: MotionClip) -> None:
    still = MotionClip.still(frames=5, fps=30, body=BodyRef(id=body.id, sha256=body.sha256))
    assert glb.glb(Take(clip=still, body=corrected_body, name="s")) == glb.glb(Take(clip=still, body=body, name="s"))


def test_builtin_body_agrees(node: str, tmp_path: Path, clip: MotionClip) -> None:
    body = builtin_body()
    path = tmp_path / "builtin.glb"
    own = clip.replace(betas=np.clip(clip.betas, -1, 1)[: body.shape_dirs.shape[2]], expressions=np.zeros((len(clip), 0)))
    glb.write(Take(clip=own, body=body, name="line"), path)
    sound(validated(node, path))
    agree(node, path, body, own)


def test_a_picture_that_materials_share_is_in_the_file_once(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    suit, skin, lashes = body.materials
    jpeg = b"\xff\xd8 as it comes"
    shared = dataclasses.replace(body, materials=(*(dataclasses.replace(m, texture=jpeg) for m in (suit, skin)), lashes))
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=shared, name="line"), path)
    found = document(path)
    assert [image["mimeType"] for image in found["images"]] == ["image/jpeg"] and len(found["textures"]) == 1
    assert [m["pbrMetallicRoughness"].get("baseColorTexture") for m in found["materials"]] == [
        {"index": 0},
        {"index": 0},
        None,
    ]


def test_rotations_never_turn_the_long_way(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=body, name="line"), path)
    content, found = path.read_bytes(), document(path)
    start = 20 + struct.unpack_from("<I", content, 12)[0] + 8
    animation = found["animations"][0]
    seen = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        accessor = found["accessors"][sampler["output"]]
        if channel["target"]["path"] == "rotation":
            view = found["bufferViews"][accessor["bufferView"]]
            offset = start + view["byteOffset"] + accessor.get("byteOffset", 0)
            keys = np.frombuffer(content, "<f4", accessor["count"] * 4, offset).reshape(-1, 4)
            seen[found["nodes"][channel["target"]["node"]]["name"]] = keys
            assert ((keys[1:] * keys[:-1]).sum(axis=1) > 0).all()
    assert "right_elbow" not in seen  # at rest throughout: no keys
    assert len(seen["left_knee"]) == 1  # held: one key
    assert len(seen["left_shoulder"]) == len(clip)
    assert not {"jaw", "left_eye_smplhf"} & set(seen)  # blend shapes carry this body's face, never the jaw joint too


def test_document(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=body, name="line"), path)
    found = document(path)
    assert found["asset"]["generator"] == f"Declaim {__version__}"
    suit, skin, lashes = found["materials"]
    assert suit["pbrMetallicRoughness"]["baseColorFactor"] == pytest.approx([0.1, 0.2, 0.4, 1])
    assert "baseColorTexture" in skin["pbrMetallicRoughness"] and "doubleSided" not in skin
    assert lashes["doubleSided"] and lashes["alphaMode"] == "BLEND"
    assert [mesh["name"] for mesh in found["meshes"]] == ["Body", "Face"]
    assert all(mesh["extras"]["targetNames"] == list(ARKIT) for mesh in found["meshes"] if mesh["name"] == "Face")


def test_no_accessor_without_data(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    """Unity's importers fail on them; the lashes' blend shapes, most of which move no lash, would be such."""
    path = tmp_path / "line.glb"
    glb.write(Take(clip=clip, body=body, name="line"), path)
    found = document(path)
    assert all("bufferView" in accessor or "sparse" in accessor for accessor in found["accessors"])
    used = [target["POSITION"] for mesh in found["meshes"] for p in mesh["primitives"] for target in p.get("targets", ())]
    assert len(set(used)) < len(used)


def test_same_take_same_bytes(body: Body, clip: MotionClip) -> None:
    take = Take(clip=clip, body=body, name="line")
    assert glb.glb(take) == glb.glb(take)


def test_pose_corrections_are_left_out_aloud(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    import dataclasses

    report = SilentReport()
    corrected = dataclasses.replace(body, pose_dirs=np.zeros((len(body.template), 3, 486), np.float32))
    glb.write(Take(clip=clip, body=corrected, name="line"), tmp_path / "line.glb", report)
    assert "pose corrections" in report.warnings[0]
    glb.write(Take(clip=clip, body=body, name="line"), tmp_path / "line.glb", report)
    assert len(report.warnings) == 1


def test_no_such_folder(body: Body, clip: MotionClip, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="does not exist"):
        glb.write(Take(clip=clip, body=body, name="line"), tmp_path / "nowhere" / "line.glb")


def test_influences_sum_to_one_and_name_no_idle_joint(body: Body) -> None:
    joints, weights = influences(body.weights)
    assert weights.shape[1] == 4
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (joints[weights == 0] == 0).all()
