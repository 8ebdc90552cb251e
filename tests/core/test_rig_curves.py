"""A clip as curves: which shapes and bones get which numbers."""

from __future__ import annotations

import numpy as np
import pytest

from declaim.core import rotations
from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.face import ARKIT, ARKIT_INDEX
from declaim.core.retarget import RigRest
from declaim.core.rig_curves import Curve, RigCurves, arkit_shape, curves_of, expression, shape_of
from declaim.core.skeleton import JOINT, JOINTS, PARENTS


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@pytest.fixture(scope="module")
def rest(body: Body) -> RigRest:
    matrices = np.tile(np.eye(4), (55, 1, 1))
    matrices[:, :3, 3] = body.rest_joints()
    return RigRest(bones=JOINTS, parents=PARENTS, matrices=matrices, joints=tuple(range(55)))


def speaking(body: Body, **weights: float) -> MotionClip:
    shapes = np.zeros((3, 52))
    for name, weight in weights.items():
        shapes[1, ARKIT_INDEX[name]] = weight
    clip = MotionClip.still(frames=3, fps=30, body=BodyRef(id=body.id, sha256=body.sha256), expressions=4)
    return clip.replace(blendshapes=shapes, expressions=np.arange(12).reshape(3, 4) / 10)


def turn_of(curves: RigCurves, bone: str) -> np.ndarray:
    rows = sorted((curve for curve in curves.rig if curve.group == bone and curve.mode), key=lambda curve: curve.index)
    return rotations.quaternion_to_axis_angle(np.stack([curve.values for curve in rows], axis=1))


def by_shape(curves: RigCurves) -> dict[str, Curve]:
    return {shape_of(curve.data_path): curve for curve in curves.face}


def test_spellings_of_shapes() -> None:
    assert [arkit_shape(name) for name in ARKIT] == list(range(52))
    for name in ("jawOpen", "JawOpen", "jaw_open", "JAW_OPEN", "jawopen"):
        assert arkit_shape(name) == ARKIT_INDEX["jawOpen"]
    assert arkit_shape("eye_blink_left") == arkit_shape("EyeBlinkLeft") == ARKIT_INDEX["eyeBlinkLeft"]
    assert arkit_shape("weight") == arkit_shape("Basis") == -1
    assert expression("Exp003") == expression("expression_03") == 3
    assert expression("Shape003") == expression("Expose1") == -1


def test_every_spelling_on_the_rig_gets_its_curve(body: Body, rest: RigRest) -> None:
    clip = speaking(body, jawOpen=0.5, browInnerUp=0.25)
    found = by_shape(
        curves_of(clip, rest, ["jawOpen", "JawOpen", "brow_inner_up", 'odd "name"', "Exp002"], mouth_strength=0.5)
    )
    assert found["jawOpen"].values[1] == found["JawOpen"].values[1] == pytest.approx(0.25)
    assert found["brow_inner_up"].values[1] == pytest.approx(0.25)
    np.testing.assert_allclose(found["Exp002"].values, 0.5 * clip.expressions[:, 2])
    assert set(found) == {"jawOpen", "JawOpen", "brow_inner_up", "Exp002"}


def test_a_face_of_shapes_leaves_its_bones_at_rest(body: Body, rest: RigRest) -> None:
    clip = speaking(body, jawOpen=0.8, eyeLookDownLeft=0.5)
    assert not turn_of(curves_of(clip, rest, ["jawOpen"]), "jaw").any()


def test_a_face_without_shapes_moves_jaw_and_eyes(body: Body, rest: RigRest) -> None:
    clip = speaking(body, jawOpen=0.8, eyeLookDownLeft=0.5, eyeLookInRight=0.5)
    curves = curves_of(clip, rest, ["Exp000"])
    jaw = turn_of(curves, "jaw")
    assert 0.1 < jaw[1, 0] < 0.6 and not jaw[[0, 2]].any()
    assert turn_of(curves, "left_eye_smplhf")[1, 0] > 0.05 and turn_of(curves, "right_eye_smplhf")[1, 1] > 0.05
    half = turn_of(curves_of(clip, rest, [], mouth_strength=0.5), "jaw")
    np.testing.assert_allclose(half, 0.5 * jaw, atol=1e-6)
    closed = speaking(body, jawOpen=0.8, mouthClose=0.8)
    assert turn_of(curves_of(closed, rest, []), "jaw")[1, 0] < 0.6 * jaw[1, 0]  # lips that meet over an open jaw


def test_a_clip_with_a_jaw_of_its_own_keeps_it(body: Body, rest: RigRest) -> None:
    poses = np.zeros((3, 55, 3))
    poses[1, JOINT["jaw"], 0] = 0.2
    clip = speaking(body, jawOpen=1.0).replace(poses=poses)
    np.testing.assert_allclose(turn_of(curves_of(clip, rest, []), "jaw"), poses[:, JOINT["jaw"]], atol=1e-6)


def test_names_with_quotes_are_escaped(body: Body, rest: RigRest) -> None:
    curve = by_shape(curves_of(speaking(body), rest, ["jawOpen"]))["jawOpen"]
    assert curve.data_path == 'key_blocks["jawOpen"].value'
    assert shape_of('key_blocks["a \\"b\\" \\\\c"].value') == 'a "b" \\c'
