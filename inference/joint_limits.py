"""Angles of the limbs against the human range of motion.

Ranges: American Academy of Orthopaedic Surgeons, *Joint Motion: Method of Measuring and Recording* (1965), normal adult
ranges. ``_TOLERANCE`` is added at both ends: measured people differ by about that much.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import rotations
from ..core.clip import MotionClip
from ..core.skeleton import JOINT

Array = NDArray[Any]

_TOLERANCE = 10.0  # degrees
_FINGERS = ("index", "middle", "ring", "pinky")
_RANGES: dict[str, tuple[float, float]] = {  # degrees
    "elbow bend": (0.0, 150.0),
    "knee bend": (0.0, 135.0),
    "wrist bend": (-70.0, 80.0),  # extension, flexion
    "wrist swing": (-30.0, 20.0),  # towards the little finger, towards the thumb
    "neck turn": (-80.0, 80.0),
    "neck nod": (-45.0, 45.0),
    "neck tilt": (-45.0, 45.0),
    "finger root bend": (-45.0, 90.0),
    "finger middle bend": (0.0, 100.0),
    "finger tip bend": (0.0, 90.0),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Angle:
    """One joint's angle over a clip, with how far it leaves its range."""

    name: str  # "left elbow bend"
    degrees: Array  # (T,)
    least: float  # degrees, with the tolerance
    most: float

    @property
    def excess(self) -> Array:
        """(T,) degrees outside the range, 0 inside."""
        return np.maximum(np.maximum(self.least - self.degrees, self.degrees - self.most), 0.0)


def joint_angles(clip: MotionClip, rest_joints: Array) -> tuple[Angle, ...]:
    """The angles that are checked. ``rest_joints`` (55, 3), metres: where the bones point at rest."""
    local = clip.matrices().astype(np.float64)
    rest = np.asarray(rest_joints, dtype=np.float64)
    found: list[Angle] = []

    def add(side: str, name: str, degrees: Array) -> None:
        least, most = _RANGES[name]
        label = f"{side} {name}".strip()
        found.append(Angle(name=label, degrees=degrees, least=least - _TOLERANCE, most=most + _TOLERANCE))

    for side, sign in (("left", 1.0), ("right", -1.0)):
        add(side, "elbow bend", _bend(local, rest, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", forward=1.0))
        add(side, "knee bend", _bend(local, rest, f"{side}_hip", f"{side}_knee", f"{side}_ankle", forward=-1.0))
        wrist = local[:, JOINT[f"{side}_wrist"]]
        # The forearm seen from the hand, so that a turn of the forearm, which SMPL-X keeps in the wrist, drops out.
        forearm = np.einsum("tji,j->ti", wrist, np.array([sign, 0.0, 0.0]))
        add(side, "wrist bend", np.degrees(np.arctan2(forearm[:, 1], sign * forearm[:, 0])))
        add(side, "wrist swing", np.degrees(np.arcsin(np.clip(-forearm[:, 2], -1.0, 1.0))))
        for segment, name in enumerate(("finger root bend", "finger middle bend", "finger tip bend"), start=1):
            joints = [JOINT[f"{side}_{finger}{segment}"] for finger in _FINGERS]
            bend = np.degrees(-sign * clip.poses[:, joints, 2].astype(np.float64))
            least, most = _RANGES[name]
            worst = np.maximum(least - bend, bend - most).argmax(axis=1)
            add(side, name, np.take_along_axis(bend, worst[:, None], axis=1)[:, 0])
    neck = rotations.matrix_to_axis_angle(local[:, JOINT["neck"]] @ local[:, JOINT["head"]])
    for name, axis in (("neck nod", 0), ("neck turn", 1), ("neck tilt", 2)):
        add("", name, np.degrees(neck[:, axis]))
    return tuple(found)


def _bend(local: Array, rest: Array, upper: str, joint: str, end: str, *, forward: float) -> Array:
    """Signed angle (T,), degrees, between the bones at ``joint``: positive where the lower bone goes ``forward`` along z
    of the upper bone's own frame. A body whose limbs are bent a little at rest is measured as it stands."""
    along = rest[JOINT[joint]] - rest[JOINT[upper]]
    along = along / np.linalg.norm(along)
    front = np.array([0.0, 0.0, forward])
    front = front - (front @ along) * along
    front = front / np.linalg.norm(front)
    lower = local[:, JOINT[joint]] @ (rest[JOINT[end]] - rest[JOINT[joint]])
    return np.asarray(np.degrees(np.arctan2(lower @ front, lower @ along)))
