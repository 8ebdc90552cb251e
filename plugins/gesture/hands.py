"""Fingers: hand shapes to joint rotations, along axes read from the body's own hands."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.lexicon import FINGERS
from ...core.skeleton import JOINT
from .arms import Arm, mirrored

Array = NDArray[Any]
_DELAYS = {"thumb": 0.0, "index": 0.015, "middle": 0.03, "ring": 0.045, "pinky": 0.06}  # s; fingers follow one another
_SPREAD = {"index": 1.0, "middle": 0.2, "ring": -0.5, "pinky": -1.8, "thumb": 0.0}
_REST_BEND_LIMIT = np.radians(40)
_TOGETHER = np.radians(-8)  # spread at which fingers lie lightly together: knuckles are farther apart than fingers are wide


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Finger:
    """One finger's bending, as on a left hand."""

    name: str
    first: int  # the skeleton's index of its first joint
    axes: Array  # (3, 3) unit, a row a joint; a positive turn curls towards the palm
    bent: Array  # (3,) rad that it is bent already at rest
    splay: float  # rad thumbward that it fans out already at rest

    @property
    def delay(self) -> float:
        """Seconds behind the wrist."""
        return _DELAYS[self.name]


def read_fingers(rest_joints: Array, arm: Arm) -> tuple[Finger, ...]:
    """The fingers of one hand, in the skeleton's order."""
    sign = np.ones(3) if arm.side == "left" else np.array([-1.0, 1.0, 1.0])
    joints = rest_joints * sign
    thumbward = np.cross(arm.palm, arm.hand)
    fingers = []
    for name in FINGERS:
        first = JOINT[f"{arm.side}_{name}1"]
        bones = rotations.normalised(np.diff(joints[first : first + 3], axis=0))
        bones = np.concatenate([bones, bones[-1:]])  # the last joint has no end of its own
        if name == "thumb":
            # The thumb's base turns in under the fingers, its other joints close across the palm.
            towards = np.stack(
                [-0.6 * thumbward + 0.5 * arm.palm + 0.5 * arm.hand, *[-0.8 * thumbward + 0.45 * arm.palm] * 2]
            )
        else:
            towards = arm.palm
        axes = rotations.normalised(np.cross(bones, np.broadcast_to(towards, bones.shape)))
        bent, splay = np.zeros(3), 0.0
        if name != "thumb":
            along = rotations.normalised(arm.hand - (arm.hand @ axes[0]) * axes[0])
            chain = np.concatenate([along[None], bones[:2]])
            turn = np.einsum("ij,ij->i", np.cross(chain, bones[[0, 1, 1]]), axes)
            bent = np.clip(np.arcsin(np.clip(turn, -1, 1)), -_REST_BEND_LIMIT, _REST_BEND_LIMIT)
            bent[2] = bent[1]
            splay = float(np.arctan2(bones[0] @ thumbward, bones[0] @ arm.hand))
        fingers.append(Finger(name=name, first=first, axes=axes, bent=bent, splay=splay))
    return tuple(fingers)


def finger_poses(arm: Arm, fingers: tuple[Finger, ...], shapes: dict[str, Array]) -> dict[int, Array]:
    """Joint -> axis-angle (T, 3). ``shapes``: finger -> (T, SHAPE_SIZE) hand shape as that finger sees it, rad."""
    poses: dict[int, Array] = {}
    for number, finger in enumerate(fingers):
        shape = shapes[finger.name]
        curl = shape[:, 3 * number : 3 * number + 3] - finger.bent
        for segment in range(3):
            poses[finger.first + segment] = curl[:, segment, None] * finger.axes[segment]
        if _SPREAD[finger.name]:
            fan = (_SPREAD[finger.name] * (shape[:, -1, None] + _TOGETHER) - finger.splay) * arm.palm
            poses[finger.first] = rotations.compose(fan, poses[finger.first])
    if arm.side == "right":
        poses = {joint: mirrored(values) for joint, values in poses.items()}
    return poses
