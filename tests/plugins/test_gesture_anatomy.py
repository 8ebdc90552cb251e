"""The gesture generator's bodies: planted feet, joints that bend the right way, hands clear of the body, no pops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_speech import babble

from declaim.core.body import Body, builtin_body
from declaim.core.clip import MotionClip
from declaim.core.lexicon import FINGERS, read_lexicon
from declaim.core.report import SilentReport
from declaim.core.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from declaim.core.skeleton import JOINT, JOINTS
from declaim.core.speech import Speech
from declaim.inference.joint_limits import joint_angles
from declaim.inference.penetration import penetration
from declaim.plugins import registry
from declaim.plugins.contracts import Brief
from declaim.plugins.gesture.arms import read_arm
from declaim.plugins.gesture.generator import GestureGenerator
from declaim.plugins.gesture.hands import finger_angles, finger_poses, read_fingers
from declaim.plugins.parameters import complete

PARAMETERS = complete("gesture", registry.find("generator", "gesture").parameters, {"rate": 2.0, "handedness": "both"})
SHAPES = [np.zeros(10), np.r_[2.5, np.zeros(9)], np.r_[-2.5, np.zeros(9)], np.r_[0, 0, 2.0, 0, 2.0, np.zeros(5)]]


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


def perform(
    body: Body, *, betas: Any = None, fps: float = 30.0, seed: int = 4, speech: Speech | None = None, **parameters: Any
) -> MotionClip:
    brief = Brief(
        fps=fps,
        seed=seed,
        body=body,
        betas=np.zeros(10, np.float32) if betas is None else betas,
        parameters={**PARAMETERS, **parameters},
    )
    return GestureGenerator().generate(speech or babble(), [brief], SilentReport())[0]


@pytest.fixture(scope="module", params=[(1, 0.5), (4, 1.0)], ids=["usual", "wild"])
def clip(body: Body, request: pytest.FixtureRequest) -> MotionClip:
    seed, energy = request.param
    return perform(body, seed=seed, energy=energy)


def places(body: Body, clip: MotionClip) -> np.ndarray:
    return body.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas)[1].astype(float)


def test_nothing_pops(body: Body, clip: MotionClip) -> None:
    matrices = axis_angle_to_matrix(clip.poses.astype(float))
    step = matrix_to_axis_angle(matrices[:-1].swapaxes(-1, -2) @ matrices[1:])
    speed = np.degrees(np.linalg.norm(step, axis=-1)) * clip.fps
    for joint, name in enumerate(JOINTS):
        limit = 700 if "eye" in name or name.endswith(("elbow", "wrist", "1", "2", "3")) else 450
        assert speed[:, joint].max() < limit, name
    assert np.abs(np.diff(clip.trans, axis=0)).max() * clip.fps < 0.3


def test_joints_keep_to_the_human_range(body: Body, clip: MotionClip) -> None:
    for angle in joint_angles(clip, body.rest_joints()):
        assert angle.excess.max() == 0, angle.name


def test_elbows_and_knees_bend_forward_and_back(body: Body, clip: MotionClip) -> None:
    for name, low, high in (("left elbow bend", 5, 140), ("right elbow bend", 5, 140), ("left knee bend", 1, 75)):
        (angle,) = (a for a in joint_angles(clip, body.rest_joints()) if a.name == name)
        assert low < angle.degrees.min() and angle.degrees.max() < high, name


def test_arms_hang_relaxed_at_the_start_and_the_end(body: Body, clip: MotionClip) -> None:
    joints = places(body, clip)[[0, -1]]
    for side, sign in (("left", 1), ("right", -1)):
        arm = joints[:, JOINT[f"{side}_wrist"]] - joints[:, JOINT[f"{side}_shoulder"]]
        down = np.degrees(np.arctan2(-arm[:, 1], sign * arm[:, 0]))
        assert (down > 72).all() and (down < 85).all()
        index, pinky, wrist = (joints[:, JOINT[f"{side}_{n}"]] for n in ("index1", "pinky1", "wrist"))
        palm = sign * np.cross(pinky - wrist, index - wrist)
        palm /= np.linalg.norm(palm, axis=1, keepdims=True)
        assert (sign * palm[:, 0] < -0.6).all(), "palms face the thighs"


def clearance(body: Body, clip: MotionClip, frames: np.ndarray) -> list[float]:
    """The least distance (m) of the hands' and forearms' vertices from those of pelvis and thighs."""
    spatial = pytest.importorskip("scipy.spatial")
    owner, used = body.weights.argmax(axis=1), np.unique(body.triangles)
    hips = used[np.isin(owner[used], [JOINT[n] for n in ("pelvis", "left_hip", "right_hip")])]
    arms = [JOINT[f"{s}_{n}"] for s in ("left", "right") for n in ("wrist", "elbow")]
    hands = used[(owner[used] >= 25) | np.isin(owner[used], arms)]
    vertices = body.vertices(poses=clip.poses[frames], trans=clip.trans[frames], betas=clip.betas)
    return [float(spatial.cKDTree(points[hips]).query(points[hands])[0].min()) for points in vertices]


@pytest.mark.parametrize("betas", SHAPES, ids=["mean", "first", "minus first", "others"])
def test_hanging_hands_are_near_the_hips_and_clear_of_them_on_any_body(body: Body, betas: np.ndarray) -> None:
    clip = perform(body, betas=betas.astype(np.float32))
    ends = np.array([0, len(clip) - 1])
    assert all(0.004 < distance < 0.09 for distance in clearance(body, clip, ends))
    assert penetration(clip, body, frames=ends).depth.max() == 0


def test_hands_never_pass_through_each_other(body: Body, clip: MotionClip) -> None:
    joints = places(body, clip)
    left, right = joints[:, JOINT["left_wrist"]], joints[:, JOINT["right_wrist"]]
    assert np.linalg.norm(left - right, axis=1).min() > 0.08
    tips = [joints[:, [JOINT[f"{s}_{f}3"] for f in FINGERS]] for s in ("left", "right")]
    assert np.linalg.norm(tips[0][:, :, None] - tips[1][:, None], axis=-1).min() > 0.012


@pytest.mark.parametrize("side", ["left", "right"])
def test_fingers_curl_towards_the_palm(body: Body, side: str) -> None:
    rest = body.rest_joints().astype(float)
    arm = read_arm(rest, side)  # type: ignore[arg-type]
    fist = read_lexicon().shapes["fist"][None]
    poses = np.zeros((1, 55, 3))
    fingers = read_fingers(rest, arm)
    for joint, values in finger_poses(arm, fingers, finger_angles(fingers, dict.fromkeys(FINGERS, fist))).items():
        poses[:, joint] = values
    joints = body.joints(poses=poses, trans=np.zeros((1, 3)))[1][0]
    for finger in ("index", "middle", "ring", "pinky"):
        root, tip = JOINT[f"{side}_{finger}1"], JOINT[f"{side}_{finger}3"]
        assert joints[tip, 1] < rest[tip, 1] - 0.02, "the palm faces down at rest"
        assert np.linalg.norm(joints[tip] - joints[root]) < 0.85 * np.linalg.norm(rest[tip] - rest[root])
    thumb = JOINT[f"{side}_thumb3"]
    knuckle = JOINT[f"{side}_pinky1"]
    assert np.linalg.norm(joints[thumb] - joints[knuckle]) < np.linalg.norm(rest[thumb] - rest[knuckle])


def test_fingers_are_never_as_straight_as_at_rest(body: Body, clip: MotionClip) -> None:
    fingers = [JOINT[f"{s}_{f}2"] for s in ("left", "right") for f in ("middle", "ring", "pinky")]
    assert np.degrees(np.linalg.norm(clip.poses[:, fingers], axis=-1)).mean() > 8


@pytest.mark.parametrize("betas", SHAPES[1:], ids=["first", "minus first", "others"])
def test_wrists_reach_alike_on_arms_of_other_lengths(body: Body, betas: np.ndarray) -> None:
    """Gesture space is measured in arm lengths: the same plan looks the same on any body."""
    ways = []
    for shape in (np.zeros(10, np.float32), betas.astype(np.float32)):
        clip = perform(body, betas=shape, sway=0.0)
        joints, rest = places(body, clip), body.rest_joints(shape)
        bones = [JOINT[n] for n in ("left_shoulder", "left_elbow", "left_wrist")]
        length = np.linalg.norm(np.diff(rest[bones], axis=0), axis=1).sum()
        ways.append((joints[:, bones[2]] - joints[:, bones[0]]) / length)
    raised = (ways[0][:, 2] > 0.3) & (ways[1][:, 2] > 0.3)  # hanging arms go by the hips
    assert raised.sum() > 100 and np.linalg.norm(ways[0] - ways[1], axis=1)[raised].mean() < 0.05


def jolts(body: Body, clip: MotionClip) -> tuple[float, float]:
    """The wrists' greatest acceleration (m/s2) and how far (m) a frame is off the cubic through its four neighbours."""
    wrists = places(body, clip)[:, [JOINT["left_wrist"], JOINT["right_wrist"]]]
    faster = np.linalg.norm(np.diff(wrists, 2, axis=0), axis=-1).max() * clip.fps**2
    cubic = (4 * (wrists[1:-3] + wrists[3:-1]) - wrists[:-4] - wrists[4:]) / 6
    return float(faster), float(np.linalg.norm(wrists[2:-2] - cubic, axis=-1).max())


@pytest.mark.parametrize("seated", [False, True], ids=["standing", "seated"])
@pytest.mark.parametrize("line", [3, 7, 11])
def test_no_wrist_jolts(body: Body, seated: bool, line: int) -> None:
    for seed in range(4):
        clip = perform(body, fps=60.0, seed=seed, seated=seated, speech=babble(10.0, line))
        faster, off = jolts(body, clip)
        assert faster < 36.0, f"seed {seed}: {faster:.1f} m/s2"
        assert off < 0.005, f"seed {seed}: {1000 * off:.1f} mm in one frame"


def test_seated_palms_lie_on_the_thighs_and_follow_them(body: Body) -> None:
    clip = perform(body, seated=True)
    joints = places(body, clip)[0]
    for side, sign in (("left", 1), ("right", -1)):
        wrist, index, pinky, middle = (joints[JOINT[f"{side}_{n}"]] for n in ("wrist", "index1", "pinky1", "middle1"))
        palm = sign * np.cross(pinky - wrist, index - wrist)
        assert palm[1] / np.linalg.norm(palm) < -0.8, "palms face down"
        thigh = joints[JOINT[f"{side}_knee"]] - joints[JOINT[f"{side}_hip"]]
        fingers = middle - wrist
        assert fingers @ thigh / np.linalg.norm(fingers) / np.linalg.norm(thigh) > 0.85, "fingers lie along the thighs"
    assert penetration(clip, body, frames=np.array([0, len(clip) - 1])).depth.max() < 0.005
