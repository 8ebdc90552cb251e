"""A motion that another program made, put in our terms: which way is up, where the floor is, and what the face does."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import rotations
from .body import Body
from .clip import BodyRef, MotionClip
from .face import ARKIT
from .face_solver import expressions_to_blendshapes
from .skeleton import JOINT

Array = NDArray[Any]
UpAxis = Literal["Y", "Z"]

_SAMPLED = 200  # frames that tell how somebody stands
_JAW, _EYES = JOINT["jaw"], [JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"]]
_ANKLES = [JOINT["left_ankle"], JOINT["right_ankle"]]
_FEET = [*_ANKLES, JOINT["left_foot"], JOINT["right_foot"]]
_BY_JOINTS = np.array([name == "jawOpen" or name.startswith("eyeLook") for name in ARKIT])  # shapes that bones tell


def is_foreign(clip: MotionClip) -> bool:
    """Whether ``clip`` comes from another program, which says nothing of the body."""
    return clip.body.id == "unknown"


def up_axis(clip: MotionClip, body: Body) -> UpAxis:
    """Which way is up: along which axis heads are above ankles, on the average. AMASS is Z up, BEAT2 and ours Y up."""
    some = np.unique(np.linspace(0, len(clip) - 1, _SAMPLED).astype(np.int64))
    _, places = body.joints(poses=clip.poses[some], trans=clip.trans[some])
    above = (places[:, JOINT["head"]] - places[:, _ANKLES].mean(axis=1)).mean(axis=0)
    return "Z" if abs(above[2]) > abs(above[1]) else "Y"


def adopted(clip: MotionClip, body: Body, *, up: UpAxis, in_place: bool) -> MotionClip:
    """``clip`` of another program as one of ``body`` at rest shape, Y up, with the soles of its lowest step at height 0.

    ``in_place``: it begins where ``body`` stands; otherwise where the file has it. The face keeps its joints and
    expressions; jaw and eyes become blend shapes too, for rigs whose face is made of those. Betas are left out: they are of
    another body's shapes.
    """
    poses, trans = clip.poses.astype(np.float64), clip.trans.astype(np.float64)
    if up == "Z":
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # z becomes y
        quaternion = rotations.axis_angle_to_quaternion(poses[:, 0])
        poses[:, 0] = rotations.quaternion_to_axis_angle(
            rotations.multiply(rotations.matrix_to_quaternion(turn), quaternion)
        )
        trans = trans @ turn.T
    if in_place:
        trans[:, [0, 2]] -= trans[0, [0, 2]]
    _, places = body.joints(poses=poses, trans=trans)
    over_sole = body.rest_joints()[_FEET, 1] - body.shaped()[:, 1].min()
    trans[:, 1] -= (places[:, _FEET, 1] - over_sole).min()
    return clip.replace(
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=poses.astype(np.float32),
        trans=trans.astype(np.float32),
        betas=np.zeros(10, np.float32),
        blendshapes=clip.blendshapes if clip.blendshapes.any() else _shapes_of_joints(clip, body),
    )


def _shapes_of_joints(clip: MotionClip, body: Body) -> Array:
    """(T, 52) what jaw and eyes do, as blend shapes of ``body``; the lips' own shapes are not known."""
    still = np.zeros((len(clip), body.expression_dirs.shape[2]))
    found = expressions_to_blendshapes(body, still, clip.poses[:, _JAW], clip.poses[:, _EYES])
    return np.where(_BY_JOINTS, found, 0.0).astype(np.float32)
