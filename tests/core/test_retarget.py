"""Clips on rigs made here: any axes, size, bone rolls, rest pose, and bones between the known ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rest_pose, retarget, rotations
from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.retarget import RigRest, clip_of, clip_of_pose, keys_of
from declaim.core.rig_names import joint_of, joints_of, missing
from declaim.core.skeleton import FACE_JOINTS, JOINT, JOINTS, PARENTS

Array = NDArray[Any]
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
LIMBS = [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow", "hip", "knee")]
FINGERS = list(range(25, 55))
CHILD = {joint: PARENTS.index(joint) for joint in range(55) if joint in PARENTS}


@pytest.fixture(scope="module")
def body() -> Body:
    return builtin_body()


@pytest.fixture(scope="module")
def clip(body: Body) -> MotionClip:
    generator = np.random.default_rng(3)
    seconds = np.arange(40)[:, None] / 30

    def wave(count: int) -> Array:
        return np.sin(seconds * generator.uniform(0.5, 4, count) + generator.uniform(0, 6, count))

    return MotionClip(
        fps=30.0,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=0.7 * wave(165).reshape(-1, 55, 3),
        trans=0.3 * wave(3) + (0.0, 0.9, 0.0),
        blendshapes=np.zeros((40, 52)),
    )


def rig_of(joints: Array, axes: Array = Z_UP, scale: float = 1.0, seed: int = 0) -> RigRest:
    """A rig with ``joints`` (55, 3), ours, as bones of any roll; y along the bone, as Blender has it."""
    generator = np.random.default_rng(seed)
    matrices = np.tile(np.eye(4), (55, 1, 1))
    for joint in range(55):
        if joint in CHILD:
            along = joints[CHILD[joint]] - joints[joint]
        else:
            along = joints[joint] - joints[PARENTS[joint]]
        y = rotations.normalised(along)
        x = rotations.normalised(np.cross(y, generator.normal(size=3)))
        matrices[joint, :3, :3] = axes @ np.stack([x, y, np.cross(x, y)], axis=1)
        matrices[joint, :3, 3] = scale * (axes @ joints[joint])
    return RigRest(bones=JOINTS, parents=PARENTS, matrices=matrices, joints=tuple(range(55)))


def posed(keys: retarget.RigKeys, rest: RigRest) -> Array:
    """(T, B, 4, 4) bones in armature space, by Blender's rule."""
    world = np.empty((len(keys.location), len(rest.bones), 4, 4))
    for bone, parent in enumerate(rest.parents):
        local = np.tile(np.eye(4), (len(world), 1, 1))
        local[:, :3, :3] = rotations.quaternion_to_matrix(keys.quaternions[:, bone])
        if bone == rest.root:
            local[:, :3, 3] = keys.location
        above = np.eye(4) if parent < 0 else world[:, parent] @ np.linalg.inv(rest.matrices[parent])
        world[:, bone] = above @ rest.matrices[bone] @ local
    return world


def standing(body: Body) -> Array:
    return np.array([0.0, -float(body.shaped()[:, 1].min()), 0.0])


def on_the_floor(body: Body) -> Array:
    return body.rest_joints() + standing(body)


def without_face(clip: MotionClip) -> MotionClip:
    poses = clip.poses.copy()
    poses[:, FACE_JOINTS] = 0
    return clip.replace(poses=poses)


def directions(places: Array) -> Array:
    """(..., 55, 3) unit, from each joint to the first that follows it; zero where none does."""
    found = np.zeros_like(places)
    for joint, child in CHILD.items():
        found[..., joint, :] = rotations.normalised(places[..., child, :] - places[..., joint, :])
    return found


def worst_angle(seen: Array, true: Array, joints: list[int]) -> float:
    having = [joint for joint in joints if joint in CHILD]
    cosine = (seen[..., having, :] * true[..., having, :]).sum(axis=-1)
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max())


TURNS = {
    "z up": Z_UP,
    "y up": np.eye(3),
    "z up, facing +y": Z_UP @ np.diag([-1.0, 1.0, -1.0]),
    "x up": np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "facing +x": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "askew": rotations.axis_angle_to_matrix(np.array([0.3, 0.7, -0.4])),
}


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("scale", [1.0, 100.0, 0.01])
def test_same_body_stands_exactly_where_the_clip_says(name: str, scale: float, body: Body, clip: MotionClip) -> None:
    rest = rig_of(on_the_floor(body), TURNS[name], scale)
    places = posed(keys_of(clip, body, rest), rest)[:, :, :3, 3] / scale
    _, joints = body.pose_clip(clip)
    np.testing.assert_allclose(places, joints @ TURNS[name].T, atol=2e-5)


def test_face_bones_move_where_they_are_wanted(body: Body, clip: MotionClip) -> None:
    rest = rig_of(on_the_floor(body))
    still, moving = (keys_of(clip, body, rest, face_bones=wanted) for wanted in (False, True))
    np.testing.assert_allclose(np.abs(still.quaternions[:, FACE_JOINTS, 0]), 1)
    assert np.abs(moving.quaternions[:, FACE_JOINTS, 0]).min() < 0.9


def test_signs_are_continuous(body: Body, clip: MotionClip) -> None:
    keys = keys_of(clip, body, rig_of(on_the_floor(body)))
    assert ((keys.quaternions[1:] * keys.quaternions[:-1]).sum(axis=-1) > 0).all()
    assert (keys.quaternions[0, :, 0] >= 0).all()


def test_own_axes_snap_to_quarter_turns_within_ten_degrees(body: Body) -> None:
    ours = body.rest_joints()
    for degrees, snaps in ((0.0, True), (8.0, True), (14.0, False)):
        lean = rotations.axis_angle_to_matrix(np.array([np.deg2rad(degrees), 0, 0]))
        axes = rest_pose.own_axes(ours, ours @ (Z_UP @ lean).T)
        np.testing.assert_allclose(axes, Z_UP if snaps else Z_UP @ lean, atol=1e-6)


def a_pose(down: float, curl: float = 0.0) -> Array:
    """(1, 55, 3) arms ``down`` rad from the T-pose, fingers curled by ``curl`` rad a joint."""
    pose = np.zeros((1, 55, 3))
    pose[0, JOINT["left_shoulder"], 2], pose[0, JOINT["right_shoulder"], 2] = -down, down
    for joint in FINGERS:
        if "thumb" not in JOINTS[joint]:
            pose[0, joint, 2] = -curl if joint < 40 else curl
    return pose


def reposed(body: Body, pose: Array) -> Array:
    return np.asarray(body.joints(poses=pose, trans=standing(body)[None])[1][0], dtype=np.float64)


@pytest.mark.parametrize(
    ("down", "curl"),
    [(0.6, 0.0), (1.4, 0.0), (0.0, 0.5), (0.9, 0.4), (0.1, 0.15)],
    ids=["A", "arms down", "curled", "both", "a little"],
)
def test_any_rest_pose_of_the_same_body_gives_the_same_motion(
    down: float, curl: float, body: Body, clip: MotionClip
) -> None:
    rest = rig_of(reposed(body, a_pose(down, curl)))
    places = posed(keys_of(clip, body, rest), rest)[:, :, :3, 3] @ Z_UP
    _, joints = body.pose_clip(without_face(clip))
    body_joints = [joint for joint in range(55) if joint not in FACE_JOINTS]
    assert worst_angle(directions(places), directions(joints), body_joints) < 0.1
    np.testing.assert_allclose(places[:, :22], joints[:, :22], atol=1e-3)


def test_fingertips_curled_at_rest_point_as_the_clips(body: Body, clip: MotionClip) -> None:
    pose = a_pose(0.3, 0.5)
    turns, places = body.joints(poses=pose, trans=standing(body)[None])
    rest = rig_of(np.asarray(places[0], dtype=np.float64))
    tips = [joint for joint in FINGERS if joint not in CHILD and "thumb" not in JOINTS[joint]]
    ours = body.rest_joints()
    along = {joint: rotations.normalised(ours[joint] - ours[PARENTS[joint]]) for joint in tips}
    for joint in tips:  # their bones point where the tips do
        y = Z_UP @ turns[0, joint] @ along[joint]
        x = rotations.normalised(np.cross(y, (0.3, 0.9, 0.2)))
        rest.matrices[joint, :3, :3] = np.stack([x, y, np.cross(x, y)], axis=1)
    seen = posed(keys_of(clip, body, rest), rest)
    world, _ = body.pose_clip(clip)
    for joint in tips:
        true = world[:, joint] @ along[joint] @ Z_UP.T
        np.testing.assert_allclose(seen[:, joint, :3, 1], true, atol=2e-3)


def stranger(body: Body) -> Array:
    """Joints of somebody else: longer, with a spine and shoulders placed in another way; ours, in T-pose."""
    generator = np.random.default_rng(8)
    joints = body.rest_joints() * (1.1, 1.2, 1.1)
    for joint in ("spine1", "spine2", "spine3", "neck", "left_collar", "right_collar"):
        joints[JOINT[joint]] += generator.normal(size=3) * 0.01
    return np.asarray(joints - (0, joints[:, 1].min(), 0))


def bent(joints: Array, pose: Array) -> Array:
    """``joints`` at ``pose`` (55, 3)."""
    turns = rotations.axis_angle_to_matrix(pose)
    world, places = np.empty_like(turns), joints.copy()
    for joint, parent in enumerate(PARENTS):
        world[joint] = turns[joint] if parent < 0 else world[parent] @ turns[joint]
        if parent >= 0:
            places[joint] = places[parent] + world[parent] @ (joints[joint] - joints[parent])
    return places


@pytest.mark.parametrize("down", [0.5, 1.3])
def test_limbs_of_somebody_else_in_an_a_pose_point_as_the_clips(down: float, body: Body, clip: MotionClip) -> None:
    rest = rig_of(bent(stranger(body), a_pose(down)[0]), scale=3.0)
    places = posed(keys_of(clip, body, rest), rest)[:, :, :3, 3] @ Z_UP
    _, joints = body.pose_clip(clip)
    assert worst_angle(directions(places), directions(joints), LIMBS) < 0.05


def test_somebody_elses_t_pose_takes_rotations_as_they_are(body: Body, clip: MotionClip) -> None:
    rest = rig_of(stranger(body))
    world, _ = body.pose_clip(without_face(clip))
    turned = posed(keys_of(clip, body, rest), rest)[..., :3, :3]
    for joint in range(22):
        np.testing.assert_allclose(
            turned[:, joint], Z_UP @ world[:, joint] @ Z_UP.T @ rest.matrices[joint, :3, :3], atol=1e-5
        )


def test_root_goes_as_far_as_the_legs_are_long(body: Body, clip: MotionClip) -> None:
    rest = rig_of(on_the_floor(body) * 1.5)
    keys = keys_of(clip, body, rest)
    moved = (posed(keys, rest)[:, 0, :3, 3] - rest.matrices[0, :3, 3]) @ Z_UP
    np.testing.assert_allclose(moved, 1.5 * (clip.trans - standing(body)), atol=1e-5)


def test_a_rig_as_large_as_the_body_has_exactly_its_size(body: Body) -> None:
    ours = body.rest_joints()
    for nearly, unit, ratio in ((1.0004, 1.0, 1.0), (100.03, 0.01, 100.0), (0.4997, 2.0, 0.5)):
        assert rest_pose.size_ratio(ours, ours * nearly, unit) == ratio
    assert rest_pose.size_ratio(ours, ours * 1.01) == pytest.approx(1.01, abs=1e-6)


def with_more_bones(rest: RigRest) -> RigRest:
    """The same rig with a root above the pelvis, askew, and twist bones between shoulders and elbows."""
    bones, parents, joints, matrices = list(rest.bones), list(rest.parents), list(rest.joints), list(rest.matrices)
    root = np.eye(4)
    root[:3, :3] = rotations.axis_angle_to_matrix(np.array([0.4, 1.0, 0.2]))
    bones, joints, matrices = ["root", *bones], [-1, *joints], [root, *matrices]
    parents = [-1, *(parent + 1 for parent in parents)]
    for side in ("left", "right"):
        elbow, shoulder = bones.index(f"{side}_elbow"), bones.index(f"{side}_shoulder")
        twist = matrices[shoulder].copy()
        twist[:3, :3] = twist[:3, :3] @ rotations.axis_angle_to_matrix(np.array([0.1, 0.8, 0.0]))
        twist[:3, 3] = (matrices[shoulder][:3, 3] + matrices[elbow][:3, 3]) / 2
        bones.insert(elbow, f"{side}_twist")
        joints.insert(elbow, -1)
        matrices.insert(elbow, twist)
        parents = [parent + (parent >= elbow) for parent in parents]
        parents.insert(elbow, shoulder)
        parents[elbow + 1] = elbow
    return RigRest(bones=tuple(bones), parents=tuple(parents), matrices=np.array(matrices), joints=tuple(joints))


def test_bones_between_the_known_ones_are_taken_into_account(body: Body, clip: MotionClip) -> None:
    rest = with_more_bones(rig_of(on_the_floor(body)))
    keys = keys_of(clip, body, rest)
    places = posed(keys, rest)[:, :, :3, 3]
    _, joints = body.pose_clip(clip)
    known = [rest.joints.index(joint) for joint in range(55)]
    np.testing.assert_allclose(places[:, known], joints @ Z_UP.T, atol=2e-5)
    unknown = [bone for bone, joint in enumerate(rest.joints) if joint < 0]
    np.testing.assert_allclose(keys.quaternions[:, unknown], np.broadcast_to([1, 0, 0, 0], (len(clip), 3, 4)))


def test_bones_that_do_not_turn_with_their_parents(body: Body, clip: MotionClip) -> None:
    rest = rig_of(on_the_floor(body))
    alone = JOINT["head"]
    free = retarget.dataclasses.replace(rest, inherits=tuple(bone != alone for bone in range(55)))
    with_parent, without = keys_of(clip, body, rest), keys_of(clip, body, free)
    head = rotations.quaternion_to_matrix(without.quaternions[:, alone])
    np.testing.assert_allclose(rest.matrices[alone, :3, :3] @ head, posed(with_parent, rest)[:, alone, :3, :3], atol=1e-9)


@pytest.mark.parametrize("missing_joints", [(), ("jaw", "left_foot", "right_foot", *(JOINTS[j] for j in FINGERS))])
@pytest.mark.parametrize("down", [0.0, 0.8])
def test_there_and_back(missing_joints: tuple[str, ...], down: float, body: Body, clip: MotionClip) -> None:
    rest = rig_of(reposed(body, a_pose(down)))
    kept = [bone for bone, name in enumerate(JOINTS) if name not in missing_joints]
    rest = RigRest(
        bones=tuple(JOINTS[bone] for bone in kept),
        parents=tuple(kept.index(PARENTS[bone]) if bone else -1 for bone in kept),
        matrices=rest.matrices[kept],
        joints=tuple(kept),
    )
    keys = keys_of(clip, body, rest, face_bones=True)
    for poses, trans in (clip_of(keys, body, rest), clip_of_pose(posed(keys, rest), body, rest)):
        turns = rotations.axis_angle_to_matrix(poses)
        np.testing.assert_allclose(turns[:, kept], clip.matrices()[:, kept], atol=1e-5)
        np.testing.assert_allclose(trans, clip.trans, atol=1e-5)
        assert not np.delete(poses, kept, axis=1).any()


def test_names_of_joints() -> None:
    assert [joint_of(name) for name in JOINTS] == list(range(55))
    for name in ("left_hip", "Left_Hip", "L_Hip", "m_avg_L_Hip", "f_avg_L_Hip", "smplx:left_hip", "L_HIP"):
        assert joint_of(name) == JOINT["left_hip"], name
    assert joint_of("left_eye") == JOINT["left_eye_smplhf"]
    for name in ("root", "m_avg_root", "L_Hand", "hip", "left_hip.001", "upper_arm.L", "", "leftHip_twist"):
        assert joint_of(name) == -1, name
    assert joints_of(["Pelvis", "pelvis", "Spine1"]) == (0, -1, 3)


def test_missing_joints_are_named() -> None:
    assert missing(JOINTS) == ()
    assert missing([name for name in JOINTS if name not in ("left_elbow", "jaw", "left_thumb1", "left_foot")]) == (
        "left_elbow",
    )
    assert "pelvis" in missing(["Bone", "Bone.001"])
