"""From ARKit weights to expressions with jaw and eyes, and back, on the built-in body's own dense layout."""

import numpy as np
import pytest

from declaim.core.body import builtin_body, load_body
from declaim.core.body_file import export_dense
from declaim.core.face import ARKIT, ARKIT_INDEX
from declaim.core.face_solver import blendshapes_to_expressions, expressions_to_blendshapes, look_angles

UPPER_LIP, LOWER_LIP = [44, 45, 46], [50, 49, 48]  # of the 51 landmarks, on the lips' inner edges
LOOKS = [i for i, name in enumerate(ARKIT) if name.startswith("eyeLook")]


@pytest.fixture(scope="module")
def ours():
    return builtin_body()


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    path = tmp_path_factory.mktemp("body") / "dense.npz"
    export_dense(builtin_body(), path)
    return load_body(path)


def face(**weights):
    row = np.zeros((1, len(ARKIT)), np.float32)
    for name, weight in weights.items():
        row[0, ARKIT_INDEX[name]] = weight
    return row


def landmarks(body, blendshapes=None, solved=None):
    frames = len(blendshapes if solved is None else solved[0])
    poses = np.zeros((frames, 55, 3), np.float32)
    if solved is not None:
        poses[:, 22], poses[:, 23:25] = solved[1], solved[2]
    expressions = None if solved is None else solved[0]
    vertices = body.vertices(poses=poses, trans=np.zeros((frames, 3)), blendshapes=blendshapes, expressions=expressions)
    return body.landmarks(vertices)


def gap(marks):
    """Mean distance between the inner lips, mm."""
    return 1000 * np.linalg.norm(marks[:, UPPER_LIP] - marks[:, LOWER_LIP], axis=-1).mean(axis=1)


def test_a_still_face_is_still(dense):
    expressions, jaw, eyes = blendshapes_to_expressions(dense, np.zeros((2, 52)))
    assert expressions.shape == (2, 10) and jaw.shape == (2, 3) and eyes.shape == (2, 2, 3)
    assert not expressions.any() and not jaw.any() and not eyes.any()
    assert not expressions_to_blendshapes(dense, expressions, jaw, eyes).any()


@pytest.mark.parametrize("weight", [0.2, 0.4, 0.6, 0.8])
def test_jaw_open_opens_by_the_right_amount(ours, dense, weight):
    weights = face(jawOpen=weight)
    solved = blendshapes_to_expressions(dense, weights)
    wanted, got = gap(landmarks(ours, weights)), gap(landmarks(dense, solved=solved))
    assert abs(got - wanted) < 0.1 * wanted
    assert abs(np.degrees(solved[1][0, 0]) - 23.5 * weight) < 2.0  # the whole jawOpen is a turn of 23.5 degrees
    assert not solved[1][:, 1:].any()
    assert abs(expressions_to_blendshapes(dense, *solved)[0, ARKIT_INDEX["jawOpen"]] - weight) < 0.05


@pytest.mark.parametrize(
    "weights",
    [
        {"mouthPressLeft": 0.6, "mouthPressRight": 0.6},  # B, M, P
        {"mouthRollLower": 0.4, "mouthRollUpper": 0.3},
        {"jawOpen": 0.3, "mouthClose": 0.3},
        {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
        {"mouthPucker": 0.8},
    ],
)
def test_closed_lips_stay_closed(ours, dense, weights):
    solved = blendshapes_to_expressions(dense, face(**weights))
    wanted, got = gap(landmarks(ours, face(**weights))), gap(landmarks(dense, solved=solved))
    assert got < wanted + 0.35  # mm


def test_the_jaw_never_closes_past_rest(dense):
    _, jaw, _ = blendshapes_to_expressions(dense, face(mouthClose=1.0))
    assert (jaw[:, 0] >= 0).all() and jaw[0, 0] < 0.02


def test_eyes_turn_as_the_look_shapes_turn_them(dense):
    angles = look_angles()
    assert all(np.radians(15) < angle < np.radians(27) for angle in angles.values())
    _, _, eyes = blendshapes_to_expressions(dense, face(eyeLookDownLeft=1.0, eyeLookOutLeft=0.5, eyeLookInRight=0.5))
    assert np.allclose(eyes[0, 0], [angles["eyeLookDownLeft"], 0.5 * angles["eyeLookOutLeft"], 0], atol=1e-6)
    assert np.allclose(eyes[0, 1], [0, 0.5 * angles["eyeLookInRight"], 0], atol=1e-6)


def test_gaze_comes_back(dense):
    rng = np.random.Generator(np.random.PCG64(4))
    weights = np.zeros((20, 52), np.float32)
    for side in ("Left", "Right"):
        for one, other in (("Up", "Down"), ("In", "Out")):
            value = rng.uniform(-1, 1, 20)
            weights[:, ARKIT_INDEX[f"eyeLook{one}{side}"]] = np.maximum(value, 0)
            weights[:, ARKIT_INDEX[f"eyeLook{other}{side}"]] = np.maximum(-value, 0)
    back = expressions_to_blendshapes(dense, *blendshapes_to_expressions(dense, weights))
    assert np.abs(back[:, LOOKS] - weights[:, LOOKS]).max() < 1e-4


def test_face_to_face_and_back(ours, dense):
    """What expressions can say at all comes back: the landmarks of the round trip are those of the way there."""
    rng = np.random.Generator(np.random.PCG64(8))
    weights = rng.random((20, 52)).astype(np.float32) * 0.3
    weights[:, LOOKS] = 0
    there = blendshapes_to_expressions(dense, weights)
    back = expressions_to_blendshapes(dense, *there)
    assert back.min() >= 0 and back.max() <= 1
    middle = landmarks(dense, solved=there)
    assert 1000 * np.linalg.norm(landmarks(ours, back) - middle, axis=-1)[:, 31:].mean() < 0.6
    assert 1000 * np.linalg.norm(landmarks(ours, weights) - middle, axis=-1)[:, 31:].mean() < 1.6


def test_scale_of_the_target_does_not_matter(dense):
    import dataclasses

    big = dataclasses.replace(dense, template=dense.template * 2, expression_dirs=dense.expression_dirs * 2)
    weights = face(jawOpen=0.5, mouthFunnel=0.5, browInnerUp=0.7)
    one, two = (blendshapes_to_expressions(body, weights) for body in (dense, big))
    for a, b in zip(one, two):
        assert np.abs(a - b).max() < 1e-3


def test_same_in_same_out(dense):
    weights = np.random.Generator(np.random.PCG64(9)).random((5, 52))
    first, second = (blendshapes_to_expressions(dense, weights) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second))
    assert np.array_equal(expressions_to_blendshapes(dense, *first), expressions_to_blendshapes(dense, *second))
