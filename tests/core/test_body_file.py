"""Body files: what can be wrong with one, said in a sentence, and the two layouts."""

import io
import zipfile

import numpy as np
import pytest

from declaim.core.body import builtin_body, load_body
from declaim.core.body_file import export_dense, read_body, write_compact, write_npz
from declaim.core.errors import BodyError, ExportError
from declaim.core.rotations import axis_angle_to_matrix
from declaim.core.skeleton import JOINT_COUNT, PARENTS
from declaim.core.skinning import skin

VERTICES = 40


def arrays(directions=20):
    rng = np.random.Generator(np.random.PCG64(3))
    weights = rng.random((VERTICES, JOINT_COUNT))
    kintree = np.array([PARENTS, range(JOINT_COUNT)], np.int64)
    kintree[0, 0] = 2**32 - 1
    return {
        "v_template": rng.normal(size=(VERTICES, 3)),
        "f": rng.integers(0, VERTICES, (60, 3)).astype(np.uint32),
        "shapedirs": rng.normal(size=(VERTICES, 3, directions)),
        "posedirs": np.zeros((VERTICES, 3, 486)),
        "J_regressor": np.full((JOINT_COUNT, VERTICES), 1 / VERTICES),
        "kintree_table": kintree.astype(np.uint32),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "lmk_faces_idx": rng.integers(0, 60, 51),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
    }


def saved(tmp_path, **changes):
    data = {**arrays(), **changes}
    path = tmp_path / "mine.npz"
    np.savez(path, **{name: array for name, array in data.items() if array is not None})
    return path


def test_reads_smplx_layout(tmp_path):
    body = load_body(saved(tmp_path, hands_meanl=np.zeros(45), part2num=np.array({"a": 1}, dtype=object)))
    assert (body.id, body.face, body.blendshapes, body.pose_dirs) == ("mine", "expressions", (), None)
    assert body.shape_dirs.shape == body.expression_dirs.shape == (VERTICES, 3, 10)
    assert len(body.sha256) == 64 and body.template.dtype == np.float32
    assert body.vertices(poses=np.zeros((2, 55, 3)), trans=np.zeros((2, 3))).shape == (2, VERTICES, 3)


@pytest.mark.parametrize(
    ("directions", "shapes", "expressions"), [(20, 10, 10), (399, 10, 10), (400, 300, 100), (450, 300, 150)]
)
def test_columns_of_shape_and_face(tmp_path, directions, shapes, expressions):
    data = arrays(directions)["shapedirs"]
    body = load_body(saved(tmp_path, shapedirs=data))
    assert body.shape_dirs.shape[2] == shapes and body.expression_dirs.shape[2] == expressions
    first = 300 if directions >= 400 else 10
    assert np.allclose(body.expression_dirs[..., 0], data[..., first].astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": None}, "has no array 'weights'"),
        ({"weights": np.array([{"a": 1}], dtype=object)}, "'weights' .* is pickled, and Declaim never unpickles"),
        ({"weights": np.zeros((VERTICES, 24))}, r"'weights' .* has the shape \(40, 24\) where \(40, 55\) is needed"),
        ({"weights": np.array(["a"])}, "'weights' .* holds no numbers"),
        ({"v_template": np.full((VERTICES, 3), np.nan)}, "'v_template' .* values that are not numbers"),
        ({"f": np.full((3, 3), VERTICES)}, "'f' .* points outside the mesh"),
        ({"f": np.zeros((0, 3), int)}, "'f' .* points outside the mesh"),
        ({"shapedirs": np.zeros((VERTICES, 3, 16))}, "16 directions where at least 20 are needed"),
        ({"posedirs": np.zeros((VERTICES, 3, 207))}, "'posedirs' .* is needed"),
        ({"kintree_table": np.zeros((2, 55), int)}, "joints of the body .* not in SMPL-X's order"),
        ({"lmk_faces_idx": np.full(51, 60)}, "'lmk_faces_idx' .* points outside the mesh"),
    ],
)
def test_a_broken_array_is_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(BodyError, match=sentence) as caught:
        load_body(saved(tmp_path, **changes))
    assert caught.value.hint.endswith(".") and "\n" not in str(caught.value) and caught.value.code == "bad_body"


def test_a_file_that_is_no_body(tmp_path):
    with pytest.raises(BodyError, match="cannot be read: no such file"):
        load_body(tmp_path / "none.npz")
    with pytest.raises(BodyError, match="cannot be read"):
        load_body(tmp_path)
    contents = {"empty.npz": b"", "text.npz": b"hello", "pickle.npz": b"\x80\x04K\x01.", "zip.npz": b"PK\x03\x04 cut short"}
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    contents["array.npz"] = buffer.getvalue()
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BodyError, match="is not an npz body file"):
            load_body(tmp_path / name)


def test_a_damaged_member_is_one_sentence(tmp_path):
    path = saved(tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"shapedirs.npy") + 4000
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(BodyError):
        load_body(path)


def test_dense_export_keeps_the_body(tmp_path):
    ours, path = builtin_body(), tmp_path / "dense.npz"
    export_dense(ours, path)
    dense = load_body(path)
    for name in (
        "template",
        "triangles",
        "weights",
        "joint_regressor",
        "shape_dirs",
        "expression_dirs",
        "landmark_barycentric",
    ):
        assert np.array_equal(getattr(dense, name), getattr(ours, name)), name
    assert dense.pose_dirs is None and dense.face == "expressions"
    with np.load(path, allow_pickle=False) as archive:
        assert archive["posedirs"].shape == (len(ours.template), 3, 486)
        assert {"hands_componentsl", "hands_componentsr", "hands_meanl", "hands_meanr", "f", "kintree_table"} <= set(
            archive
        )


def test_dense_export_of_a_wide_body(tmp_path):
    wide = load_body(saved(tmp_path, shapedirs=arrays(400)["shapedirs"]))
    export_dense(wide, tmp_path / "wide.npz")
    again = load_body(tmp_path / "wide.npz")
    assert np.array_equal(again.shape_dirs, wide.shape_dirs) and np.array_equal(again.expression_dirs, wide.expression_dirs)


def test_export_into_nowhere_is_one_sentence(tmp_path):
    with pytest.raises(ExportError, match=r"folder .* does not exist"):
        export_dense(builtin_body(), tmp_path / "none" / "dense.npz")


def test_compact_layout_returns_what_was_written(tmp_path):
    ours = builtin_body()
    write_compact(ours, tmp_path / "again.npz")
    again = read_body(tmp_path / "again.npz")
    assert np.array_equal(again.template, ours.template) and np.array_equal(again.triangles, ours.triangles)
    assert np.abs(again.weights - ours.weights).max() < 2e-5
    assert np.abs(again.shape_dirs - ours.shape_dirs).max() < 1e-5
    assert np.abs(again.rest_joints(np.ones(10)) - ours.rest_joints(np.ones(10))).max() < 1e-4
    assert [shape.name for shape in again.blendshapes] == [shape.name for shape in ours.blendshapes]
    assert again.materials == ours.materials and again.parts == ours.parts and again.id == ours.id


def test_npz_bytes_do_not_depend_on_the_clock(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name, {"x": np.arange(5)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_pose_and_expression_terms(tmp_path):
    """v = template + expressions + pose dirs (R - I), joints regressed from the face that it makes, then skinned."""
    rng = np.random.Generator(np.random.PCG64(7))
    body = load_body(saved(tmp_path, posedirs=rng.normal(0, 0.1, (VERTICES, 3, 486))))
    poses, trans = np.zeros((2, JOINT_COUNT, 3), np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    poses[1, 5] = [0.3, -0.2, 0.9]
    poses[1, 22] = [0.2, 0.0, 0.0]
    weights = rng.normal(size=(2, 10)).astype(np.float32)
    matrices = axis_angle_to_matrix(poses)
    shaped = body.template + np.einsum("vce,te->tvc", body.expression_dirs, weights)
    rest = np.einsum("jv,tvc->tjc", body.joint_regressor, shaped)
    features = (matrices[:, 1:] - np.eye(3)).reshape(2, 486)
    posed = shaped + np.einsum("vcp,tp->tvc", body.pose_dirs, features)
    wanted = skin(posed, body.weights, rest, matrices, trans)
    assert np.abs(body.vertices(poses=poses, trans=trans, expressions=weights) - wanted).max() < 1e-5
    assert np.abs(body.joints(poses=poses, trans=trans, expressions=weights)[1][0] - rest[0] - trans[0]).max() < 1e-5
    plain = body.vertices(poses=poses[:1], trans=trans[:1], blendshapes=np.ones((1, 52)))[0]
    assert np.abs(plain - body.template - trans[0]).max() < 1e-5  # blend shapes are the other encoding
