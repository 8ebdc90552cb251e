"""Our loader and skinning against the package smplx, on a body that the test makes. ``make test-smplx`` runs it."""

import numpy as np
import pytest

from declaim.core.body import builtin_body, load_body
from declaim.core.body_file import export_dense, write_npz
from declaim.core.skeleton import JOINT_COUNT, PARENTS

pytest.importorskip("smplx", reason="the package smplx is a non-commercial extra: make test-smplx")
torch = pytest.importorskip("torch", reason="the package smplx needs PyTorch: make test-smplx")

VERTICES = 10_000  # smplx's stock code reads vertex 9929
TOLERANCE = 1e-5  # m


def synthetic(path, directions):
    """A body file with random everything, each term large enough to show in the answer."""
    rng = np.random.Generator(np.random.PCG64(5))
    faces = rng.integers(0, VERTICES, (500, 3))
    weights = rng.random((VERTICES, JOINT_COUNT)) ** 8
    regressor = rng.random((JOINT_COUNT, VERTICES)) ** 40
    kintree = np.array([PARENTS, range(JOINT_COUNT)], np.int64)
    kintree[0, 0] = 2**32 - 1
    write_npz(
        path,
        {
            "v_template": rng.normal(0, 0.4, (VERTICES, 3)),
            "f": faces.astype(np.uint32),
            "shapedirs": rng.normal(0, 0.02, (VERTICES, 3, directions)),
            "posedirs": rng.normal(0, 0.002, (VERTICES, 3, 486)),
            "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
            "kintree_table": kintree,
            "weights": weights / weights.sum(axis=1, keepdims=True),
            "hands_componentsl": np.eye(45),
            "hands_componentsr": np.eye(45),
            "hands_meanl": rng.normal(0, 0.2, 45),
            "hands_meanr": rng.normal(0, 0.2, 45),
            "lmk_faces_idx": rng.integers(0, 500, 51),
            "lmk_bary_coords": rng.dirichlet(np.ones(3), 51),
        },
    )


def motion(frames, shapes, expressions):
    rng = np.random.Generator(np.random.PCG64(6))
    poses = rng.normal(0, 0.6, (frames, JOINT_COUNT, 3)).astype(np.float32)
    poses[0] = 0
    return (
        poses,
        rng.normal(0, 1, (frames, 3)).astype(np.float32),
        rng.normal(0, 1, shapes).astype(np.float32),
        rng.normal(0, 1, (frames, expressions)).astype(np.float32),
    )


def reference(folder, poses, trans, betas, expressions, count):
    """The stock smplx model's vertices, joints and landmarks."""
    import smplx

    model = smplx.create(
        str(folder), model_type="smplx", ext="npz", use_pca=False, flat_hand_mean=True, batch_size=len(poses),
        num_betas=len(betas), num_expression_coeffs=count,
    )  # fmt: skip
    pose = torch.from_numpy(poses)
    with torch.no_grad():
        out = model(
            betas=torch.from_numpy(betas)[None].repeat(len(poses), 1),
            expression=torch.from_numpy(expressions),
            global_orient=pose[:, 0],
            body_pose=pose[:, 1:22].reshape(len(poses), -1),
            jaw_pose=pose[:, 22],
            leye_pose=pose[:, 23],
            reye_pose=pose[:, 24],
            left_hand_pose=pose[:, 25:40].reshape(len(poses), -1),
            right_hand_pose=pose[:, 40:].reshape(len(poses), -1),
            transl=torch.from_numpy(trans),
        )
    joints = out.joints.numpy()
    return out.vertices.numpy(), joints[:, :JOINT_COUNT], joints[:, 76 : 76 + 51]


def compare(folder, shapes, expressions, frames=5):
    path = folder / "smplx" / "SMPLX_NEUTRAL.npz"
    body = load_body(path)
    poses, trans, betas, weights = motion(frames, shapes, expressions)
    vertices, joints, landmarks = reference(folder, poses, trans, betas, weights, expressions)
    ours = body.vertices(poses=poses, trans=trans, betas=betas, expressions=weights)
    assert np.abs(ours - vertices).max() < TOLERANCE
    _, places = body.joints(poses=poses, trans=trans, betas=betas, expressions=weights)
    assert np.abs(places - joints).max() < TOLERANCE
    assert np.abs(body.landmarks(ours) - landmarks).max() < TOLERANCE
    return ours, poses, trans, betas


@pytest.mark.parametrize(("directions", "shapes", "expressions"), [(20, 10, 10), (400, 10, 10), (400, 300, 100)])
def test_synthetic_body_equals_smplx(tmp_path, directions, shapes, expressions):
    (tmp_path / "smplx").mkdir()
    synthetic(tmp_path / "smplx" / "SMPLX_NEUTRAL.npz", directions)
    body = load_body(tmp_path / "smplx" / "SMPLX_NEUTRAL.npz")
    assert body.shape_dirs.shape[2] == (10 if directions < 400 else 300)
    compare(tmp_path, shapes, expressions)


def test_smplx_loads_the_builtin_body_and_gives_our_vertices(tmp_path):
    (tmp_path / "smplx").mkdir()
    export_dense(builtin_body(), tmp_path / "smplx" / "SMPLX_NEUTRAL.npz")
    ours, poses, trans, betas = compare(tmp_path, 10, 10)
    # With a still face, the dense file is the built-in body itself.
    poses[:, 22:25] = 0
    dense = load_body(tmp_path / "smplx" / "SMPLX_NEUTRAL.npz").vertices(poses=poses, trans=trans, betas=betas)
    assert np.abs(dense - builtin_body().vertices(poses=poses, trans=trans, betas=betas)).max() < TOLERANCE
    assert np.abs(ours - dense).max() > 1e-3
