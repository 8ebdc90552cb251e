"""The SMPL-X skeleton: joint names, parents, sides, and the channels that divide it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Channel = Literal["body", "hands", "head_gaze", "upper_face", "mouth"]
CHANNELS: tuple[Channel, ...] = ("body", "hands", "head_gaze", "upper_face", "mouth")

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")

JOINTS: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "jaw",
    "left_eye_smplhf",
    "right_eye_smplhf",
    *(f"left_{finger}{segment}" for finger in _FINGERS for segment in (1, 2, 3)),
    *(f"right_{finger}{segment}" for finger in _FINGERS for segment in (1, 2, 3)),
)
JOINT_COUNT = len(JOINTS)  # 55
JOINT: dict[str, int] = {name: index for index, name in enumerate(JOINTS)}

PARENTS: tuple[int, ...] = (
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15),
    *(
        parent
        for wrist, first in ((20, 25), (21, 40))
        for f in range(5)
        for parent in (wrist, first + 3 * f, first + 3 * f + 1)
    ),
)

LEFT_HAND = tuple(range(25, 40))
RIGHT_HAND = tuple(range(40, 55))
FACE_JOINTS = (JOINT["jaw"], JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"])

CHANNEL_JOINTS: dict[Channel, tuple[int, ...]] = {
    "body": tuple(j for j in range(22) if JOINTS[j] not in ("neck", "head")),
    "hands": LEFT_HAND + RIGHT_HAND,
    "head_gaze": (JOINT["neck"], JOINT["head"], JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"]),
    "upper_face": (),
    "mouth": (JOINT["jaw"],),
}
"""Each joint in exactly one channel. ``trans`` and ``contacts`` go with ``body``, ``expressions`` with ``mouth``."""


def _mirrored(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name[5:]
    if name.startswith("right_"):
        return "left_" + name[6:]
    return name


MIRROR: NDArray[np.intp] = np.array([JOINT[_mirrored(name)] for name in JOINTS])
"""(55,) index of each joint's partner on the other side; itself for joints on the middle line."""
