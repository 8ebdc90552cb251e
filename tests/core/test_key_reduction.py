"""Fewer keys: never off by more than the tolerance, at any frame."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rotations
from declaim.core.body import builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.key_reduction import reduced
from declaim.core.retarget import RigRest
from declaim.core.rig_curves import Curve, RigCurves, curves_of
from declaim.core.rotation_modes import EULER_ORDERS, channels, quaternions_of
from declaim.core.skeleton import JOINTS, PARENTS
from declaim.core.timeline import Stroke, Timeline, Viseme

Array = NDArray[Any]
SHAPES = ("jawOpen", "mouthClose", "eyeBlinkLeft", "browInnerUp")


def clip_of_length(frames: int) -> MotionClip:
    generator = np.random.default_rng(5)
    seconds = np.arange(frames)[:, None] / 30

    def wave(count: int) -> Array:
        return np.sin(seconds * generator.uniform(0.3, 3, count) + generator.uniform(0, 6, count))

    body = builtin_body()
    apexes = [1.0, 2.5]
    closures = [0.5, 1.7]
    return MotionClip(
        fps=30.0,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=0.5 * wave(165).reshape(-1, 55, 3),
        trans=0.2 * wave(3),
        blendshapes=0.5 + 0.5 * wave(52),
        timeline=Timeline(
            strokes=tuple(
                Stroke(hand="left", start=t - 0.3, apex=t, hold_end=t + 0.1, end=t + 0.4, unit="beat") for t in apexes
            ),
            visemes=tuple(Viseme(name="PP", start=t - 0.1, peak=t, end=t + 0.1) for t in closures),
        ),
    )


def rig(mode: str = "QUATERNION") -> RigRest:
    matrices = np.tile(np.eye(4), (55, 1, 1))
    matrices[:, :3, 3] = builtin_body().rest_joints()
    return RigRest(bones=JOINTS, parents=PARENTS, matrices=matrices, joints=tuple(range(55)), modes=(mode,) * 55)


def grouped(curves: tuple[Curve, ...]) -> dict[str, list[Curve]]:
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(curve.data_path, []).append(curve)
    return groups


def straight(curves: list[Curve], at: Array) -> Array:
    return np.stack(
        [
            np.interp(at, np.arange(len(c.values)) if c.frames is None else c.frames, c.values)
            if len(c.values) > 1
            else np.full(len(at), c.values[0])
            for c in curves
        ],
        axis=1,
    )


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
@pytest.mark.parametrize("tolerance", [0.2, 1.0])
def test_no_frame_and_nothing_between_frames_is_off(mode: str, tolerance: float) -> None:
    clip = clip_of_length(120)
    full = curves_of(clip, rig(mode), SHAPES)
    thin = reduced(full, clip, tolerance=tolerance)
    # Between frames an axis may turn right over, so that there nothing can be said of it.
    at = np.arange(120) if mode == "AXIS_ANGLE" else np.arange(0, 119.01, 0.25)
    for path, curves in grouped(thin.rig).items():
        seen, true = straight(curves, at), straight(grouped(full.rig)[path], at)
        if path.endswith("location"):
            assert np.linalg.norm(seen - true, axis=1).max() * 1000 <= tolerance + 1e-6
            continue
        a, b = quaternions_of(seen, mode), quaternions_of(true, mode)
        off = 2 * np.rad2deg(np.arccos(np.clip(np.abs((a * b).sum(axis=1)), 0, 1)))
        assert off.max() <= tolerance * 1.02, path
    for path, curves in grouped(thin.face).items():
        off = np.abs(straight(curves, at) - straight(grouped(full.face)[path], at))
        assert off.max() * 100 <= tolerance + 1e-6, path
    keys = sum(len(curve.values) for curve in (*thin.rig, *thin.face))
    assert keys < 0.55 * 120 * len((*thin.rig, *thin.face))


def test_apexes_and_closures_keep_their_keys() -> None:
    clip = clip_of_length(120)
    thin = reduced(curves_of(clip, rig(), SHAPES), clip, tolerance=30.0)
    for curve in thin.rig:
        if curve.frames is not None and "jaw" not in curve.group:
            assert {0, 30, 75, 119} <= set(curve.frames.tolist())
    by_name = {curve.data_path: curve for curve in thin.face}
    for shape in ("jawOpen", "mouthClose"):
        frames = by_name[f'key_blocks["{shape}"].value'].frames
        assert frames is not None and {15, 51} <= set(frames.tolist())


def test_keys_hold_the_exact_values() -> None:
    clip = clip_of_length(120)
    full = curves_of(clip, rig(), SHAPES)
    thin = reduced(full, clip, tolerance=1.0)
    for before, after in zip(sorted(full.rig, key=_order), sorted(thin.rig, key=_order)):
        frames = np.arange(len(after.values)) if after.frames is None else after.frames
        np.testing.assert_array_equal(after.values, before.values[frames])


def _order(curve: Curve) -> tuple[str, int]:
    return curve.data_path, curve.index


@pytest.mark.parametrize("smooth", [False, True])
def test_ten_thousand_frames_are_fast(smooth: bool) -> None:
    clip = clip_of_length(10_000)
    full = curves_of(clip, rig(), SHAPES)
    began = time.process_time()
    thin = reduced(full, clip, tolerance=0.5, smooth=smooth)
    assert time.process_time() - began < (30 if smooth else 15)
    assert isinstance(thin, RigCurves)


def test_still_bones_keep_a_single_value() -> None:
    body = builtin_body()
    clip = MotionClip.still(frames=50, fps=30, body=BodyRef(id=body.id, sha256=body.sha256))
    thin = reduced(curves_of(clip, rig(), SHAPES), clip, tolerance=0.5)
    assert all(not np.ptp(curve.values) for curve in thin.rig)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", *EULER_ORDERS])
def test_rotation_modes_there_and_back_without_jumps(mode: str) -> None:
    seconds = np.linspace(0, 8, 600)[:, None]
    vectors = 2.4 * np.sin(seconds * (0.9, 1.3, 0.7) + (0.2, 1.0, 2.0))
    quaternions = rotations.axis_angle_to_quaternion(vectors)
    values = channels(quaternions, mode)
    cosine = np.abs((quaternions_of(values, mode) * quaternions).sum(axis=1))
    np.testing.assert_allclose(cosine, 1, atol=1e-12)
    assert np.abs(np.diff(values, axis=0)).max() < 2  # near a gimbal lock Euler angles are quick, but never wrap round


@pytest.mark.parametrize("mode", ["XYZ", "YZX", "AXIS_ANGLE"])
def test_rotation_modes_at_rest_and_in_gimbal_lock(mode: str) -> None:
    turns = np.concatenate([np.zeros((3, 3)), np.linspace(0, np.pi / 2, 10)[:, None] * np.eye(3)[1], np.zeros((2, 3))])
    quaternions = rotations.axis_angle_to_quaternion(turns)
    values = channels(quaternions, mode)
    assert np.isfinite(values).all()
    cosine = np.abs((quaternions_of(values, mode) * quaternions).sum(axis=1))
    np.testing.assert_allclose(cosine, 1, atol=1e-9)


@pytest.mark.parametrize("mode", EULER_ORDERS)
def test_a_spin_about_the_middle_axis_is_one_curve(mode: str) -> None:
    axis = np.eye(3)["XYZ".index(mode[1])] + 1e-3
    quaternions = rotations.axis_angle_to_quaternion(np.linspace(0, 6, 200)[:, None] * axis)
    assert np.abs(np.diff(channels(quaternions, mode), axis=0)).max() < 1.5  # no leap of half a turn
