"""Which SMPL-X joint a rig's bone is, by its name: ours and the well-known spellings of the same names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .skeleton import JOINT, JOINTS

_PREFIX = re.compile(r"^(?:.*:)?(?:[mfn]_avg_)?")  # a namespace; SMPL's FBX files name bones by the body they are of
_SIDE = {"l_": "left_", "r_": "right_"}
_SPELLINGS = {"left_eye": "left_eye_smplhf", "right_eye": "right_eye_smplhf"}

ESSENTIAL: tuple[str, ...] = (
    "pelvis",
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    *("spine1", "spine2", "spine3", "neck", "head"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
)
"""Joints without which a rig cannot perform. Collars, toes, fingers, jaw and eyes may be missing."""


def joint_of(bone: str) -> int:
    """The SMPL-X joint that a bone of this name is, or -1.

    Known: SMPL-X's own names; SMPL's ("L_Hip", "m_avg_L_Hip", "f_avg_Spine1"); any case; behind a namespace ("smplx:").
    """
    name = _PREFIX.sub("", bone.lower())
    name = _SIDE.get(name[:2], name[:2]) + name[2:]
    return JOINT.get(_SPELLINGS.get(name, name), -1)


def joints_of(bones: Sequence[str]) -> tuple[int, ...]:
    """``joint_of`` each bone; where two bones claim one joint, the first in order has it."""
    taken: set[int] = set()
    found = []
    for bone in bones:
        joint = joint_of(bone)
        if joint in taken:
            joint = -1
        elif joint >= 0:
            taken.add(joint)
        found.append(joint)
    return tuple(found)


def missing(bones: Sequence[str]) -> tuple[str, ...]:
    """The essential joints that none of ``bones`` is, in SMPL-X order."""
    there = {JOINTS[joint] for joint in joints_of(bones) if joint >= 0}
    return tuple(name for name in JOINTS if name in ESSENTIAL and name not in there)
