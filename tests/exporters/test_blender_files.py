"""FBX and USD, written by a real Blender: what readers that we did not write make of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core.body import Body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.errors import ExportError
from declaim.core.face import ARKIT
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT, JOINTS, PARENTS
from declaim.exporters import blender
from declaim.exporters.blender_process import find_blender
from declaim.exporters.character import Character
from declaim.exporters.formats import Take

Array = NDArray[Any]
HERE = Path(__file__).parent
READERS = HERE.parent / "js"
TOLERANCE = 1e-4  # m
FRAMES = [0, 1, 9, 20, 33, 44]


@pytest.fixture(scope="module", autouse=True)
def _blender() -> None:
    try:
        find_blender()
    except ExportError as error:
        pytest.skip(f"no Blender: {error}")


@pytest.fixture(scope="module")
def take(body: Body, clip: MotionClip) -> Take:
    return Take(clip=clip, body=body, name="line one")


@pytest.fixture(scope="module")
def fbx_file(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fbx") / "take.fbx"
    blender.write(take, [path], SilentReport())
    return path


@pytest.fixture(scope="module")
def usd_file(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usd") / "take.usd"
    write_usd(take, path)
    return path


def write_usd(take: Take, path: Path) -> None:
    try:
        blender.write(take, [path], SilentReport())
    except ExportError as error:
        if "built without USD" in error.message:
            pytest.skip(error.message)
        raise


@pytest.fixture(scope="module")
def fbx(fbx_file: Path) -> dict[str, Array]:
    return through_ufbx(fbx_file, [frame / 30 for frame in FRAMES])


def through_ufbx(path: Path, times: list[float]) -> dict[str, Array]:
    out = path.with_suffix(".npz")
    command = [sys.executable, str(HERE / "ufbx_reader.py"), str(path), str(out), *(repr(time) for time in times)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    with np.load(out) as archive:
        return dict(archive)


def our_joints(take: Take) -> Array:
    clip = take.clip
    return take.body.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas)[1]


def our_vertices(take: Take) -> Array:
    clip = take.clip
    return take.body.vertices(
        poses=clip.poses, trans=clip.trans, betas=clip.betas, blendshapes=clip.blendshapes, expressions=clip.expressions
    )


def part_vertices(body: Body, name: str) -> Array:
    part = next(part for part in body.parts if part.name == name)
    return np.unique(body.triangles[part.start : part.start + part.count])


def assert_fbx_agrees(seen: dict[str, Array], take: Take, frames: list[int], tolerance: float = TOLERANCE) -> None:
    joints, vertices = our_joints(take), our_vertices(take)
    order = [list(seen["names"]).index(name) for name in JOINTS]
    for number, frame in enumerate(frames):
        np.testing.assert_allclose(seen[f"places{number}"][order] * seen["metres"], joints[frame], atol=tolerance)
        for part in take.body.parts:
            points = seen[f"mesh{number}_{part.name}"] * seen["metres"]
            np.testing.assert_allclose(points, vertices[frame][part_vertices(take.body, part.name)], atol=tolerance)


def test_fbx_joints_and_vertices(fbx: dict[str, Array], take: Take) -> None:
    assert_fbx_agrees(fbx, take, FRAMES)


def test_fbx_stands_as_engines_expect(fbx: dict[str, Array]) -> None:
    assert fbx["axes"].tolist() == [0, 2, 4]  # right +X, up +Y, front +Z
    assert fbx["metres"] == pytest.approx(0.01)  # centimetres
    assert sorted(fbx["bones"]) == sorted(JOINTS)  # no leaf bones, none lost
    first = [name in fbx["roots"] for name in fbx["names"]]
    np.testing.assert_allclose(fbx["turns"][first], 1, atol=1e-6)
    np.testing.assert_allclose(fbx["scales"][first], 1, atol=1e-6)


def test_fbx_has_one_animation_named_as_the_line(fbx: dict[str, Array], clip: MotionClip) -> None:
    assert fbx["stacks"].tolist() == ["line one"]
    np.testing.assert_allclose(fbx["span"], [0, (len(clip) - 1) / clip.fps], atol=1e-6)
    assert fbx["fps"] == pytest.approx(30)


def test_fbx_face_shapes_have_their_weights(fbx: dict[str, Array], clip: MotionClip) -> None:
    assert set(fbx["channels"]) == set(ARKIT)
    columns = [ARKIT.index(name) for name in fbx["channels"]]
    for number, frame in enumerate(FRAMES):
        np.testing.assert_allclose(fbx[f"weights{number}"], clip.blendshapes[frame, columns], atol=1e-5)


def test_fbx_has_the_materials_and_the_texture_inside(fbx: dict[str, Array], body: Body) -> None:
    assert sorted(fbx["materials"]) == sorted(material.name for material in body.materials)
    assert len(fbx["embedded"]) == 1 and fbx["embedded"][0] > 60  # bytes


def test_fbx_agrees_through_the_fbx_sdk(fbx_file: Path, take: Take, tmp_path: Path) -> None:
    folder = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows_NT"}[sys.platform]
    packed = READERS / "node_modules/fbx2gltf/bin" / folder / ("FBX2glTF.exe" if folder == "Windows_NT" else "FBX2glTF")
    if not packed.is_file() or shutil.which("node") is None:
        pytest.skip("fbx2gltf is not installed: run make setup, which needs Node.js")
    program = Path(shutil.copy(packed, tmp_path))
    program.chmod(0o755)  # the package forgets to
    command = [str(program), "-b", "--anim-framerate", "bake30", "-i", str(fbx_file), "-o", str(tmp_path / "sdk")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    out = tmp_path / "sdk.f32"
    frames = FRAMES[:-1]  # the converter leaves the last frame out
    times = [repr(frame / 30) for frame in frames]
    evaluate = ["node", str(READERS / "three_eval.mjs"), str(tmp_path / "sdk.glb"), str(out), *times]
    run = subprocess.run(evaluate, check=True, capture_output=True, text=True, timeout=120)
    bones = [bone["name"] for bone in json.loads(run.stdout)["bones"]]
    places = np.fromfile(out, "<f4").reshape(len(frames), -1, 3)[:, [bones.index(name) for name in JOINTS]]
    np.testing.assert_allclose(places, our_joints(take)[frames], atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["fbx", "usd"])
def test_blender_reads_them_back(kind: str, take: Take, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(f"{kind}_file")
    command = [*find_blender().command[:-1], str(HERE / "blender_reader.py"), "--", str(path), *map(str, FRAMES)]
    inside = {**os.environ, "TMPDIR": str(tmp_path)}  # Blender leaves its temporary folder behind
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=inside)
    seen = json.loads(next(line for line in run.stdout.splitlines() if line.startswith("seen:"))[5:])
    assert set(ARKIT) <= set(seen["shapes"])
    joints = our_joints(take)[FRAMES] @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # Blender: Z up
    for places, expected in zip(seen["places"], joints):
        np.testing.assert_allclose([places[name] for name in JOINTS], expected, atol=TOLERANCE)


def test_fbx_of_a_body_with_expressions(expressive_body: Body, clip: MotionClip, tmp_path: Path) -> None:
    expressive = clip.replace(body=BodyRef(id=expressive_body.id, sha256=expressive_body.sha256))
    take = Take(clip=expressive, body=expressive_body, name="expressions")
    blender.write(take, [tmp_path / "take.fbx"], SilentReport())
    seen = through_ufbx(tmp_path / "take.fbx", [frame / 30 for frame in FRAMES])
    assert_fbx_agrees(seen, take, FRAMES)
    assert set(seen["channels"]) == {f"expression_{number:02d}" for number in range(10)}
    used = [int(name[-2:]) for name in seen["channels"]]
    np.testing.assert_allclose(seen["weights2"], clip.expressions[FRAMES[2], used], atol=1e-5)


@pytest.fixture(scope="module")
def corrected(corrected_body: Body, clip: MotionClip) -> Take:
    return Take(clip=clip, body=corrected_body, name="corrected")


CORRECTIVES = {"corrective_left_shoulder_up": 0, "corrective_right_wrist_turned": 1}


def test_fbx_with_correctives(corrected: Take, tmp_path: Path) -> None:
    blender.write(corrected, [tmp_path / "take.fbx"], SilentReport())
    seen = through_ufbx(tmp_path / "take.fbx", [frame / 30 for frame in FRAMES])
    assert_fbx_agrees(seen, corrected, FRAMES)
    channels = list(seen["channels"])
    assert set(channels) == {*ARKIT, *CORRECTIVES}
    weights = corrected.body.corrective_weights(corrected.clip.poses)
    for name, column in CORRECTIVES.items():
        mine = [number for number, channel in enumerate(channels) if channel == name]
        assert len(mine) == 1 + (column == 1)  # in the suit, and the wrist's in the skin too
        for number, frame in enumerate(FRAMES):
            np.testing.assert_allclose(seen[f"weights{number}"][mine], weights[frame, column], atol=1e-5)


def test_usd_with_correctives(corrected: Take, tmp_path: Path) -> None:
    Usd, UsdGeom, UsdSkel = _pxr()  # noqa: N806
    write_usd(corrected, tmp_path / "take.usd")
    stage = Usd.Stage.Open(str(tmp_path / "take.usd"))
    _, query, _ = _skeleton(stage, UsdSkel)
    animation = query.GetAnimQuery()
    shapes = list(animation.GetBlendShapeOrder())
    assert sorted(shapes) == sorted([*ARKIT, *CORRECTIVES])
    weights = corrected.body.corrective_weights(corrected.clip.poses)
    for frame in FRAMES:
        found = np.array(animation.ComputeBlendShapeWeights(frame))
        for name, column in CORRECTIVES.items():
            np.testing.assert_allclose(found[shapes.index(name)], weights[frame, column], atol=1e-5)
    assert UsdSkel.BakeSkinning(stage.Traverse())
    prim = next(prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh) and prim.GetParent().GetName() == "body")
    mine = np.concatenate([part_vertices(corrected.body, name) for name in ("suit", "skin", "lashes")])
    vertices = our_vertices(corrected)
    for frame in FRAMES:
        world = np.array(UsdGeom.XformCache(frame).GetLocalToWorldTransform(prim))
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(frame)) @ world[:3, :3] + world[3, :3]
        np.testing.assert_allclose(points, vertices[frame][mine], atol=TOLERANCE)


def test_usd_joints_and_faces(usd_file: Path, take: Take) -> None:
    Usd, UsdGeom, UsdSkel = _pxr()  # noqa: N806
    stage = Usd.Stage.Open(str(usd_file))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode(), stage.GetTimeCodesPerSecond()) == (0, 44, 30)
    joints = our_joints(take)
    skeleton, query, names = _skeleton(stage, UsdSkel)
    assert sorted(names) == sorted(JOINTS)
    order = [names.index(name) for name in JOINTS]
    for frame in FRAMES:
        world = UsdGeom.XformCache(frame).GetLocalToWorldTransform(skeleton)
        placed = [matrix * world for matrix in query.ComputeJointSkelTransforms(frame)]
        places = np.array([matrix.ExtractTranslation() for matrix in placed])[order]
        np.testing.assert_allclose(places, joints[frame], atol=TOLERANCE)
    animation = query.GetAnimQuery()
    shapes = list(animation.GetBlendShapeOrder())
    assert sorted(shapes) == sorted(ARKIT)
    columns = [ARKIT.index(name) for name in shapes]
    for frame in FRAMES:
        weights = animation.ComputeBlendShapeWeights(frame)
        np.testing.assert_allclose(weights, take.clip.blendshapes[frame, columns], atol=1e-5)


def test_usd_texture_lies_beside_the_file(usd_file: Path) -> None:
    """As bright as the material's colour times the texture's."""
    image = pytest.importorskip("PIL.Image")
    Usd = _pxr()[0]  # noqa: N806
    stage = Usd.Stage.Open(str(usd_file))
    used = [a.Get() for prim in stage.Traverse() for a in prim.GetAttributes() if str(a.GetTypeName()) == "asset"]
    assert [asset.path for asset in used] == ["./textures/skin.png"]
    with image.open(used[0].resolvedPath) as opened:
        corner = np.array(opened.convert("RGB"))[0, 0]
    assert corner.tolist() == [0, 0, 64]  # (0, 0, 90) in sRGB times 0.5, linear


def test_usd_skinned_vertices(usd_file: Path, take: Take) -> None:
    """UsdSkel's own skinning (``BakeSkinning``), with the blend shapes."""
    Usd, UsdGeom, UsdSkel = _pxr()  # noqa: N806
    stage = Usd.Stage.Open(str(usd_file))
    assert UsdSkel.BakeSkinning(stage.Traverse())
    vertices = our_vertices(take)
    face = np.concatenate([part_vertices(take.body, name) for name in ("skin", "lashes")])
    for name, mine in (("suit", part_vertices(take.body, "suit")), ("face", face)):
        prim = next(prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh) and prim.GetParent().GetName() == name)
        for frame in FRAMES:
            world = np.array(UsdGeom.XformCache(frame).GetLocalToWorldTransform(prim))
            points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(frame)) @ world[:3, :3] + world[3, :3]
            np.testing.assert_allclose(points, vertices[frame][mine], atol=TOLERANCE)


def test_frame_rates_that_are_no_whole_number(body: Body, tmp_path: Path) -> None:
    clip = MotionClip.still(frames=20, fps=30000 / 1001, body=BodyRef(id=body.id, sha256=body.sha256))
    clip = clip.replace(trans=np.linspace(0, 1, 20)[:, None] * np.ones((1, 3)))
    take = Take(clip=clip, body=body, name="ntsc")
    blender.write(take, [tmp_path / "take.fbx"], SilentReport())
    seen = through_ufbx(tmp_path / "take.fbx", [7 / clip.fps])
    np.testing.assert_allclose(seen["span"], [0, 19 / clip.fps], atol=1e-6)
    place = seen["places0"][list(seen["names"]).index("pelvis")] * 0.01
    np.testing.assert_allclose(place, our_joints(take)[7, 0], atol=TOLERANCE)
    write_usd(take, tmp_path / "take.usd")
    stage = _pxr()[0].Stage.Open(str(tmp_path / "take.usd"))
    assert stage.GetTimeCodesPerSecond() == pytest.approx(clip.fps)


def test_each_part_is_a_mesh_of_its_own_with_the_shapes_that_move_it(body: Body) -> None:
    character = Character.of(body)
    assert [part.name for part in character.parts] == ["suit", "skin", "lashes"]
    assert sum(len(part.triangles) for part in character.parts) == len(body.triangles)
    for part in character.parts:
        for shape in part.shapes:
            assert np.abs(shape.deltas).max() > 0
    assert character.parents == PARENTS
    assert character.joint_names[JOINT["jaw"]] == "jaw"


def _pxr() -> Any:
    try:
        from pxr import Usd, UsdGeom, UsdSkel
    except ImportError:
        pytest.skip("usd-core is not installed: pip install 'declaim[dev]'")
    return Usd, UsdGeom, UsdSkel


def _skeleton(stage: Any, skel: Any) -> tuple[Any, Any, list[str]]:
    prim = next(prim for prim in stage.Traverse() if prim.IsA(skel.Skeleton))
    query = skel.Cache().GetSkelQuery(skel.Skeleton(prim))
    return prim, query, [path.split("/")[-1] for path in query.GetJointOrder()]


def test_the_same_clip_gives_the_same_fbx(take: Take, fbx_file: Path, tmp_path: Path) -> None:
    again = tmp_path / "take.fbx"
    blender.write(take, [again], SilentReport())
    assert again.read_bytes() == fbx_file.read_bytes()


def test_the_same_clip_gives_the_same_usd(take: Take, usd_file: Path, tmp_path: Path) -> None:
    """In what it says: the order of siblings and of the tables in the file are the USD library's and change from run to run."""
    from pxr import Sdf

    write_usd(take, tmp_path / "take.usd")
    first, second = (Sdf.Layer.OpenAsAnonymous(str(path)).ExportToString() for path in (usd_file, tmp_path / "take.usd"))
    differing = set(first.splitlines()) ^ set(second.splitlines())
    assert not differing and len(first) == len(second)
    assert "declaim-" not in first  # the temporary folder's name
