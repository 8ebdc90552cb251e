"""Posing a body: shape, skinning, and one face in two encodings."""

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.face import ARKIT, ARKIT_INDEX
from declaim.core.rotations import axis_angle_to_matrix
from declaim.core.skeleton import JOINT, JOINT_COUNT, PARENTS
from declaim.core.skinning import skin, vertex_normals


@pytest.fixture(scope="module")
def body():
    return builtin_body()


def poses(frames=1, **joints):
    result = np.zeros((frames, JOINT_COUNT, 3), np.float32)
    for name, rotation in joints.items():
        result[:, JOINT[name]] = rotation
    return result


def face(**weights):
    row = np.zeros((1, len(ARKIT)), np.float32)
    for name, weight in weights.items():
        row[0, ARKIT_INDEX[name]] = weight
    return row


def test_rest_pose_is_the_template(body):
    vertices = body.vertices(poses=poses(), trans=np.zeros((1, 3)))
    assert vertices.dtype == np.float32 and vertices.shape == (1, len(body.template), 3)
    assert np.abs(vertices[0] - body.template).max() < 1e-6
    rotations, positions = body.joints(poses=poses(), trans=np.zeros((1, 3)))
    assert np.abs(positions[0] - body.rest_joints()).max() < 1e-6
    assert np.abs(rotations - np.eye(3)).max() < 1e-6


def test_root_turn_and_trans_are_rigid(body):
    turn, move = np.array([0.3, -1.1, 0.4], np.float32), np.array([[1.0, 0.5, -2.0]], np.float32)
    vertices = body.vertices(poses=poses(pelvis=turn), trans=move)[0]
    matrix, pelvis = axis_angle_to_matrix(turn), body.rest_joints()[0]
    assert np.abs(vertices - ((body.template - pelvis) @ matrix.T + pelvis + move)).max() < 1e-5


def test_skinning_is_the_published_sum(body):
    """The definition, one vertex and one joint at a time, against the vectorised product."""
    rng = np.random.Generator(np.random.PCG64(1))
    pose = rng.normal(0, 0.5, (2, JOINT_COUNT, 3))
    matrices, trans = axis_angle_to_matrix(pose), rng.normal(0, 1, (2, 3))
    chosen = rng.integers(0, len(body.template), 40)
    rest = body.rest_joints().astype(float)
    ours = skin(body.template[chosen].astype(float), body.weights[chosen].astype(float), rest, matrices, trans)
    for frame in range(2):
        transforms = []
        for joint, parent in enumerate(PARENTS):
            local = np.eye(4)
            local[:3, :3] = matrices[frame, joint]
            local[:3, 3] = rest[joint] - (rest[parent] if parent >= 0 else -trans[frame])
            transforms.append(local if parent < 0 else transforms[parent] @ local)
        for row, vertex in enumerate(chosen):
            total = np.zeros(3)
            for joint in range(JOINT_COUNT):
                moved = transforms[joint] @ [*(body.template[vertex] - rest[joint]), 1.0]
                total += body.weights[vertex, joint] * moved[:3]
            assert np.abs(ours[frame, row] - total).max() < 1e-6


def test_frames_do_not_depend_on_the_chunk(body):
    rng = np.random.Generator(np.random.PCG64(2))
    frames = 110  # more than two chunks
    pose, trans = rng.normal(0, 0.2, (frames, JOINT_COUNT, 3)), rng.normal(0, 1, (frames, 3))
    weights = rng.random((frames, len(ARKIT)))
    whole = body.vertices(poses=pose, trans=trans, blendshapes=weights)
    for frame in (0, 53, 109):
        single = body.vertices(poses=pose[frame, None], trans=trans[frame, None], blendshapes=weights[frame, None])
        assert np.abs(whole[frame] - single[0]).max() < 1e-5


def test_builtin_body_ignores_the_other_encoding(body):
    trans = np.zeros((1, 3))
    plain = body.vertices(poses=poses(), trans=trans)
    other = body.vertices(
        poses=poses(jaw=(0.4, 0, 0), left_eye_smplhf=(0, 0.3, 0)), trans=trans, expressions=np.ones((1, 10))
    )
    assert np.array_equal(plain, other)
    rotations, _ = body.joints(poses=poses(jaw=(0.4, 0, 0), head=(0.2, 0, 0)), trans=trans)
    assert np.allclose(rotations[0, JOINT["jaw"]], rotations[0, JOINT["head"]])
    given = poses(jaw=(0.4, 0, 0))
    body.face_pose(given)
    assert given[0, JOINT["jaw"], 0] == np.float32(0.4)  # the caller's array stays as it was


def test_blend_shapes_add_up_and_follow_the_head(body):
    trans = np.zeros((1, 3))
    rest = body.vertices(poses=poses(), trans=trans)[0]
    smile = body.vertices(poses=poses(), trans=trans, blendshapes=face(mouthSmileLeft=0.5))[0] - rest
    brow = body.vertices(poses=poses(), trans=trans, blendshapes=face(browInnerUp=1.0))[0] - rest
    both = body.vertices(poses=poses(), trans=trans, blendshapes=face(mouthSmileLeft=0.5, browInnerUp=1.0))[0] - rest
    assert np.abs(both - smile - brow).max() < 1e-6
    shape = body.blendshapes[ARKIT_INDEX["browInnerUp"]]
    assert np.abs(brow[shape.indices] - shape.deltas).max() < 1e-6
    turned = poses(head=(0, 1.0, 0))
    carried = body.vertices(poses=turned, trans=trans, blendshapes=face(browInnerUp=1.0)) - body.vertices(
        poses=turned, trans=trans
    )
    strongest = shape.indices[np.abs(shape.deltas).max(axis=1).argmax()]
    expected = axis_angle_to_matrix(np.array([0, 1.0, 0])) @ brow[strongest]
    assert np.abs(carried[0, strongest] - expected).max() < 1e-4


def test_empty_channels_of_a_clip_are_nothing(body):
    frames = 3
    clip = MotionClip(
        fps=30, body=BodyRef(id=body.id, sha256=body.sha256), poses=poses(frames, head=(0.1, 0, 0)),
        trans=np.zeros((frames, 3)), blendshapes=np.zeros((frames, 52)),
    )  # fmt: skip
    _, positions = body.pose_clip(clip)
    assert positions.shape == (frames, JOINT_COUNT, 3)
    blocks = list(body.clip_vertices(clip))
    assert sum(len(block) for _, block in blocks) == frames and blocks[0][0] == 0


def test_too_many_betas_are_refused_only_when_they_matter(body):
    assert np.allclose(body.rest_joints(np.zeros(16)), body.rest_joints())
    with pytest.raises(ValueError, match="16 betas"):
        body.rest_joints(np.ones(16))


def test_influences_sum_to_one(body):
    joints, weights = body.influences
    assert joints.dtype == np.uint8 and np.abs(weights.sum(axis=1) - 1).max() < 1e-6
    dense = np.zeros_like(body.weights)
    np.put_along_axis(dense, joints[:, ::-1].astype(int), weights[:, ::-1], axis=1)
    assert np.abs(dense - body.weights).max() < 1e-6  # the built-in body has four joints a vertex at most


def test_split_mesh_keeps_places_and_textures(body):
    split = body.split
    assert np.array_equal(split.vertices[split.triangles], body.triangles)
    assert np.abs(split.uvs[split.triangles] - body.corner_uvs).max() < 2e-5


def test_normals_point_out_of_a_sphere():
    octahedron = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    assert np.allclose(vertex_normals(octahedron, faces), octahedron)
    assert np.allclose(vertex_normals(np.stack([octahedron, octahedron]), faces)[1], octahedron)
