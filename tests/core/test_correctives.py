"""Correctives: their drivers, what they add to a posed body, and their place in the body file."""

import dataclasses
import itertools

import numpy as np
import pytest

from declaim.core.body import builtin_body
from declaim.core.body_file import export_dense, read_body, write_compact
from declaim.core.correctives import Corrective, brought_in, corrective_weights
from declaim.core.errors import BodyError
from declaim.core.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from declaim.core.skeleton import JOINT, JOINT_COUNT

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
