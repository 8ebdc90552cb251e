"""Correctives: their drivers, what they add to a posed body, and their place in the body file."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.spatial import cKDTree

from declaim.core.body import builtin_body
from declaim.core.body_file import export_dense, read_body, write_compact
from declaim.core.correctives import Corrective, brought_in, corrective_weights
from declaim.core.errors import BodyError
from declaim.core.rotations import axis_angle_to_matrix, between, matrix_to_axis_angle, quaternion_to_matrix
from declaim.core.skeleton import JOINT, JOINT_COUNT
from declaim.core.skinning import vertex_normals

SHOULDER, WRIST = JOINT["left_shoulder"], JOINT["left_wrist"]


def corrective(**changes):
    given = {
        "name": "corrective_left_shoulder_up",
        "joint": SHOULDER,
        "driver": "swing",
        "axis": (1.0, 0.0, 0.0),
        "towards": (0.0, 1.0, 0.0),
        "start": np.radians(80),
        "full": np.radians(20),
        "indices": np.array([3, 5, 8], np.int32),
        "deltas": np.array([[0.01, 0, 0], [0, 0.02, 0], [0, 0, -0.03]], np.float32),
    }
    return Corrective(**{**given, **changes})


def twist(**changes):
    return corrective(name="corrective_left_wrist_turned", joint=WRIST, driver="twist", start=0.0, full=1.5, **changes)


def turned(joint, *rotations):
    poses = np.zeros((len(rotations), JOINT_COUNT, 3))
    poses[:, joint] = rotations
    return poses


@pytest.fixture(scope="module")
def bare():
    return dataclasses.replace(builtin_body(), correctives=())


def test_swing_goes_from_start_to_full():
    angles = np.radians([-60, 0, 10, 40, 55, 70, 100])
    weights = corrective_weights([corrective()], turned(SHOULDER, *([0, 0, angle] for angle in angles)))[:, 0]
    assert weights.dtype == np.float32
    assert np.allclose(weights, [0, 0, 0, 0.5, 0.84375, 1, 1], atol=1e-6)


def test_swing_does_not_see_turns_about_the_bone():
    swing = axis_angle_to_matrix(np.array([0.2, 0.4, 0.7]))
    rolled = [matrix_to_axis_angle(swing @ axis_angle_to_matrix(np.array([roll, 0, 0]))) for roll in (-2.0, 0.0, 1.0, 3.0)]
    weights = corrective_weights([corrective()], turned(SHOULDER, *rolled))[:, 0]
    assert 0.2 < weights[0] < 0.9 and np.ptp(weights) < 1e-6


def test_twist_sees_nothing_else_and_either_way():
    bent = axis_angle_to_matrix(np.array([0, 0.8, -0.3]))
    rolls = (0.0, 0.75, -0.75, 1.5, -1.5)
    poses = turned(WRIST, *(matrix_to_axis_angle(bent @ axis_angle_to_matrix(np.array([roll, 0, 0]))) for roll in rolls))
    straight = turned(WRIST, *([roll, 0, 0] for roll in rolls))
    assert np.allclose(corrective_weights([twist()], straight)[:, 0], [0, 0.5, 0.5, 1, 1], atol=1e-6)
    # A bend about axes across the bone has no twist; with it the twist is the same to within what such an order means.
    assert corrective_weights([twist()], turned(WRIST, [0, 0.8, -0.3]))[0, 0] < 1e-6
    assert np.allclose(corrective_weights([twist()], poses)[:, 0], [0, 0.5, 0.5, 1, 1], atol=1e-6)


def test_a_rotation_written_the_long_way_round_is_the_same_rotation():
    short, long = np.array([0.3, 0.0, 0.4]), np.array([0.3, 0.0, 0.4]) * (1 - 2 * np.pi / 0.5)
    for joint in (WRIST, SHOULDER):
        weights = corrective_weights([corrective(), twist()], turned(joint, short, long))
        assert np.abs(weights[0] - weights[1]).max() < 1e-6 and weights.any()


def test_weights_never_jump():
    """Over a walk through all of a joint's rotations, half turns included, steps stay as small as the pose's own."""
    rng = np.random.Generator(np.random.PCG64(5))
    knots = rng.normal(0, 1.2, (40, 3))
    path = np.concatenate([np.linspace(a, b, 300) for a, b in itertools.pairwise(knots)])
    poses = np.zeros((len(path), JOINT_COUNT, 3))
    poses[:, SHOULDER] = poses[:, WRIST] = path
    weights = corrective_weights([corrective(), twist()], poses)
    assert weights.min() >= 0 and weights.max() <= 1
    step = np.linalg.norm(np.diff(path, axis=0), axis=1)[:, None]
    near = np.linalg.norm(path[1:], axis=1) < 2.2  # a twist is of no meaning where the swing turns the bone round
    assert (np.abs(np.diff(weights, axis=0)) < 2.5 * step + 1e-6)[near].all()
    assert np.ptp(weights, axis=0).min() > 0.9


def test_brought_in_are_those_with_any_weight():
    both = [corrective(), twist()]
    found, weights = brought_in(both, turned(WRIST, [0.1, 0, 0], [0.9, 0, 0]))
    assert found == (both[1],) and weights.shape == (2, 1)
    found, weights = brought_in(both, turned(WRIST, [0, 0, 0]))
    assert found == () and weights.shape == (1, 0)
    assert corrective_weights((), turned(WRIST, [0, 0, 0])).shape == (1, 0)


def test_body_adds_them_before_skinning(bare):
    rng = np.random.Generator(np.random.PCG64(6))
    indices = np.sort(rng.choice(len(bare.template), 200, replace=False)).astype(np.int32)
    deltas = rng.normal(0, 0.01, (200, 3)).astype(np.float32)
    body = dataclasses.replace(bare, correctives=(corrective(indices=indices, deltas=deltas), twist()))
    poses = turned(SHOULDER, [0, 0, 1.0], [0, 0, 0.7], [0, 0, 0])
    poses[:, JOINT["spine2"]] = (0.2, 0.4, -0.1)
    weights = body.corrective_weights(poses)
    assert weights.shape == (3, 2) and weights[0, 0] > weights[1, 0] > 0 == weights[2, 0]
    given = {"poses": poses, "trans": rng.normal(size=(3, 3)), "blendshapes": rng.random((3, 52))}
    for frame in range(3):
        template = bare.template.copy()
        template[indices] += weights[frame, 0] * deltas
        single = {name: values[frame, None] for name, values in given.items()}
        expected = dataclasses.replace(bare, template=template, joint_regressor=np.zeros_like(bare.joint_regressor))
        object.__setattr__(expected, "_regressed_template", bare.rest_joints())  # the skeleton stays
        object.__setattr__(expected, "_regressed_shapes", np.zeros((JOINT_COUNT, 3, 10)))
        assert np.abs(body.vertices(**single) - expected.vertices(**single)).max() < 1e-5
    assert np.abs(body.vertices(**given)[2] - bare.vertices(**given)[2]).max() < 1e-6


def test_compact_file_keeps_them(bare, tmp_path):
    body = dataclasses.replace(bare, correctives=(corrective(), twist(axis=(0.6, 0.0, 0.8))))
    write_compact(body, tmp_path / "a.npz")
    again = read_body(tmp_path / "a.npz")
    for ours, theirs in zip(body.correctives, again.correctives, strict=True):
        for field in dataclasses.fields(Corrective):
            mine, read = getattr(ours, field.name), getattr(theirs, field.name)
            assert np.allclose(mine, read, atol=1e-6) if isinstance(mine, np.ndarray) else mine == read, field.name
    write_compact(bare, tmp_path / "none.npz")
    assert read_body(tmp_path / "none.npz").correctives == ()


def test_a_file_from_before_there_were_any(bare, tmp_path):
    write_compact(bare, tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if not name.startswith("corrective")}
    text = arrays["document"].tobytes().decode().replace('"correctives": [], ', "")
    assert "correctives" not in text
    np.savez(tmp_path / "old.npz", **{**arrays, "document": np.frombuffer(text.encode(), np.uint8)})
    assert read_body(tmp_path / "old.npz").correctives == ()


def test_a_file_with_a_corrective_outside_the_mesh(bare, tmp_path):
    body = dataclasses.replace(bare, correctives=(corrective(indices=np.array([0, 1, 65000], np.int32)),))
    write_compact(body, tmp_path / "bad.npz")
    with pytest.raises(BodyError, match="corrective_vertices"):
        read_body(tmp_path / "bad.npz")


def test_stock_layout_leaves_them_out(bare, tmp_path):
    """smplx's own pose directions are linear in rotation matrices; no weight of ours is."""
    body = dataclasses.replace(bare, correctives=(corrective(),))
    export_dense(body, tmp_path / "dense.npz")
    dense = read_body(tmp_path / "dense.npz")
    assert dense.correctives == () and dense.pose_dirs is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "left_shoulder_up"}, "begins with"),
        ({"joint": 55}, "driven by a joint"),
        ({"full": np.radians(80)}, "no way"),
        ({"start": np.radians(100)}, "weight at rest"),
        ({"driver": "swinging"}, "driver"),
    ],
)
def test_what_a_corrective_cannot_be(changes, reason):
    with pytest.raises(ValueError, match=reason):
        corrective(**changes)


# --- the built-in body's own ---

SIDES = ("left", "right")
SHAPES = ("shoulder_up", "shoulder_down", "shoulder_forward", "elbow_bent", "wrist_turned", "hip_bent")


@pytest.fixture(scope="module")
def body():
    return builtin_body()


def left_arm(direction, wrist=0.0, elbow=0.0):
    """(1, 55, 3): the left upper arm in a direction, degrees of turned wrist and bent elbow."""
    poses = np.zeros((1, JOINT_COUNT, 3))
    poses[0, SHOULDER] = matrix_to_axis_angle(quaternion_to_matrix(between([1.0, 0.0, 0.0], direction)))
    poses[0, WRIST, 0], poses[0, JOINT["left_elbow"], 1] = np.radians(wrist), -np.radians(elbow)
    return poses


def posed(body, poses):
    return body.vertices(poses=poses, trans=np.zeros((len(poses), 3)))[0].astype(float)


def clothes(body):
    return np.concatenate([body.triangles[p.start : p.start + p.count] for p in body.parts if p.name.startswith("suit")])


def edges_of(triangles):
    return np.unique(np.sort(np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1), axis=0)


def girth(body, poses, share):
    """Of the left sleeve, m, at a share of the way from elbow to wrist."""
    points = posed(body, poses)
    joints = body.joints(poses=poses, trans=np.zeros((1, 3)))[1][0]
    elbow, wrist = joints[JOINT["left_elbow"]], joints[WRIST]
    sleeve = clothes(body)
    arm = body.weights[:, [JOINT["left_elbow"], WRIST]].sum(axis=1) > 0.5
    total = 0.0
    for triangle in sleeve[arm[sleeve].all(axis=1)]:
        heights = (points[triangle] - elbow) @ (wrist - elbow) / ((wrist - elbow) ** 2).sum() - share
        cut = [(i, j) for i, j in ((0, 1), (1, 2), (2, 0)) if (heights[i] > 0) != (heights[j] > 0)]
        if cut:
            first, second = (
                points[triangle[i]] + heights[i] / (heights[i] - heights[j]) * (points[triangle[j]] - points[triangle[i]])
                for i, j in cut
            )
            total += np.linalg.norm(first - second)
    return total


def test_builtin_body_has_six_a_side_in_each_others_mirror(body):
    assert [shape.name for shape in body.correctives] == [f"corrective_{side}_{name}" for name in SHAPES for side in SIDES]
    dense = np.zeros((len(body.correctives), *body.template.shape), np.float32)
    for row, shape in zip(dense, body.correctives):
        assert len(shape.indices) < 800 and np.linalg.norm(shape.deltas, axis=1).max() < 0.09  # m
        row[shape.indices] = shape.deltas
    apart, twins = cKDTree(body.template).query(body.template * [-1, 1, 1])
    exact = apart < 1e-6
    assert exact.mean() > 0.7
    for left, right in zip(dense[::2], dense[1::2]):
        assert np.abs(right[twins] - left * [-1, 1, 1])[exact].max() < 1e-5
        assert not left[body.template[:, 0] < -0.001].any()  # nothing beyond the middle


@pytest.mark.parametrize(
    ("direction", "strong", "weak"),
    [
        ((1, 0, 0), (), (0, 1, 2)),
        ((0.1, -1, 0.05), (1,), (0,)),
        ((0.3, 1, 0.1), (0,), (1,)),
        ((0, -0.1, 1), (2,), (0,)),
    ],
)
def test_weights_at_poses_of_the_arm(body, direction, strong, weak):
    weights = body.corrective_weights(left_arm(direction))[0, ::2]
    assert all(weights[shape] > 0.6 for shape in strong) and all(weights[shape] < 0.1 for shape in weak), weights
    assert not weights[3:].any() and not body.corrective_weights(left_arm(direction))[0, 1::2].any()


def test_a_turned_wrist_keeps_its_girth(body, bare):
    straight = left_arm((0.7, -0.7, 0))
    for turn in (-85, 85):
        turned_wrist = left_arm((0.7, -0.7, 0), wrist=turn)
        for share in (0.7, 0.85, 0.93):
            assert girth(body, turned_wrist, share) > 0.965 * girth(body, straight, share)
        assert girth(bare, turned_wrist, 0.85) < 0.94 * girth(bare, straight, 0.85)  # what skinning alone makes of it


@pytest.mark.parametrize(
    ("poses", "limit"),
    [
        (left_arm((0.1, -1, 0)), 0.9),
        (left_arm((0.7, 0.7, 0)), 0.8),
        (left_arm((0, 0, 1)), 0.9),
        (left_arm((0.3, -0.9, 0.2), elbow=100), 0.7),
        (left_arm((0.3, -0.9, 0.2), elbow=140), 0.8),
    ],
    ids=["hanging", "raised", "forward", "elbow", "folded"],
)
def test_the_sleeve_is_less_strained_than_by_skinning_alone(body, bare, poses, limit):
    """Where it is worst: the 99th percentile of the edges' change of length (as a logarithm) against the artist's own pose,
    which is where the arm hangs at half its height."""
    edges = edges_of(clothes(body))
    near = body.weights[:, [JOINT["left_shoulder"], JOINT["left_elbow"]]].sum(axis=1) > 0.15
    edges = edges[near[edges].all(axis=1)]
    own = posed(bare, left_arm((0.67, -0.74, 0), elbow=40))

    def strain(of):
        points = posed(of, poses)
        lengths = (np.linalg.norm(at[edges[:, 0]] - at[edges[:, 1]], axis=1) for at in (points, own))
        return np.quantile(np.abs(np.log(np.divide(*lengths))), 0.99)

    assert strain(body) < limit * strain(bare)


def test_the_skin_stays_under_the_clothes(body, bare):
    """As deep as skinning alone leaves it, to a fifth of a millimetre, or half a millimetre under."""
    sleeves = clothes(body)
    worn = np.unique(sleeves)
    skin = np.unique(np.concatenate([body.triangles[p.start : p.start + p.count] for p in body.parts if p.name == "skin"]))
    near = skin[np.abs(body.template[skin, 0]) > 0.55]
    nearest = worn[np.array([np.abs(body.template[worn] - point).sum(axis=1).argmin() for point in body.template[near]])]

    def height(of, poses):
        points = posed(of, poses)
        normals = vertex_normals(points, sleeves)
        return ((points[near] - points[nearest]) * normals[nearest]).sum(axis=1)

    rest = left_arm((1, 0, 0))
    under = (height(bare, rest) < -0.0005) & (np.linalg.norm(bare.template[near] - bare.template[nearest], axis=1) < 0.02)
    assert under.sum() > 20
    for poses in (left_arm((0.7, -0.7, 0), wrist=42), left_arm((0.7, -0.7, 0), wrist=-42)):
        ours, theirs = (height(of, poses)[under] for of in (body, bare))
        assert (ours < np.maximum(theirs + 0.0002, -0.0005)).all()
