"""Motions of other programs in our terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rotations
from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.clip_file import load_clip
from declaim.core.face import ARKIT_INDEX
from declaim.core.foreign_clip import adopted, is_foreign, up_axis
from declaim.core.skeleton import JOINT

Array = NDArray[Any]


@pytest.fixture
def walk() -> MotionClip:
    """Y up, off the origin, a knee bent, leaning, turning, the jaw open."""
    time = np.linspace(0, 1, 40)
    poses = np.zeros((40, 55, 3))
    poses[:, 0, 1], poses[:, JOINT["spine1"], 0] = time, 0.4
    poses[:, JOINT["left_knee"], 0], poses[:, JOINT["jaw"], 0] = 0.9 * time, 0.3
    trans = np.stack([3 + time, 1.3 + 0.1 * np.sin(9 * time), -2 - time], axis=1)
    body = BodyRef(id="unknown", sha256="")
    return MotionClip(fps=30, body=body, poses=poses, trans=trans, blendshapes=np.zeros((40, 52)), betas=np.ones(300))


def lying_down(clip: MotionClip) -> MotionClip:
    """The same in a world that is Z up."""
    turn = rotations.axis_angle_to_quaternion(np.array([np.pi / 2, 0.0, 0.0]))
    poses = clip.poses.astype(np.float64)
    root = rotations.multiply(turn, rotations.axis_angle_to_quaternion(poses[:, 0]))
    poses[:, 0] = rotations.quaternion_to_axis_angle(root)
    return clip.replace(poses=poses, trans=clip.trans[:, [0, 2, 1]] * (1, -1, 1))


def test_the_up_axis_is_seen(walk: MotionClip) -> None:
    body = builtin_body()
    assert is_foreign(walk) and up_axis(walk, body) == "Y" and up_axis(lying_down(walk), body) == "Z"


@pytest.mark.parametrize("in_place", [True, False])
def test_both_ups_come_out_alike_on_the_floor(walk: MotionClip, in_place: bool) -> None:
    body = builtin_body()
    one = adopted(walk, body, up="Y", in_place=in_place)
    other = adopted(lying_down(walk), body, up="Z", in_place=in_place)
    np.testing.assert_allclose(one.matrices(), other.matrices(), atol=1e-5)
    np.testing.assert_allclose(one.trans, other.trans, atol=1e-5)
    assert not is_foreign(one) and not one.betas.any()
    np.testing.assert_allclose(np.diff(one.trans, axis=0), np.diff(walk.trans, axis=0), atol=1e-5)
    np.testing.assert_allclose(one.trans[0, [0, 2]], (0, 0) if in_place else (3, -2), atol=1e-6)
    soles = body.vertices(poses=one.poses, trans=one.trans)[..., 1].min()
    assert abs(soles) < 0.03  # m; joints tell where the floor is, soles bend


def test_jaw_and_eyes_become_shapes_and_nothing_else_is_made_up(walk: MotionClip) -> None:
    found = adopted(walk, builtin_body(), up="Y", in_place=True).blendshapes
    assert (found[:, ARKIT_INDEX["jawOpen"]] > 0.4).all()
    told = [index for name, index in ARKIT_INDEX.items() if name != "jawOpen" and not name.startswith("eyeLook")]
    assert not found[:, told].any()
    kept = walk.replace(blendshapes=np.full((40, 52), 0.25))
    np.testing.assert_array_equal(adopted(kept, builtin_body(), up="Y", in_place=True).blendshapes, kept.blendshapes)


def test_smplh_files_of_amass(walk: MotionClip, tmp_path: Path) -> None:
    keep = [*range(22), *range(25, 55)]
    poses = np.random.default_rng(1).normal(0, 0.2, (40, 55, 3))
    np.savez(tmp_path / "walk.npz", poses=poses[:, keep].reshape(40, -1), trans=walk.trans, mocap_framerate=120.0)
    clip = load_clip(tmp_path / "walk.npz")
    assert clip.fps == 120.0
    np.testing.assert_allclose(clip.poses[:, keep], poses[:, keep], atol=1e-6)
    assert not clip.poses[:, 22:25].any()
