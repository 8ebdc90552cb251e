"""Angles of the body against the human range of motion.

Ranges: American Academy of Orthopaedic Surgeons, *Joint Motion: Method of Measuring and Recording* (1965), normal adult
ranges, in the Academy's neutral-zero terms; the thumb's and fingers' as reprinted by the American Society for Surgery of
the Hand, *The Hand: Examination and Diagnosis* (1983). ``TOLERANCE`` is added at both ends: measured people differ by about
that much (Boone and Azen 1979, Journal of Bone and Joint Surgery 61-A, 756-759: deviations of 5 to 9 degrees).

How each angle is read from a SMPL-X pose, whose rest is the T-pose with palms down:

- *shoulder*: collar and shoulder together, seen from spine3, as the Academy measures the whole shoulder. Where the upper
  arm points is told by its elevation from hanging and by its way round: 0 sideways, 90 straight ahead. With the arm level
  it may go 45 back and 135 forward; lower down it may go straight back, up to 60 of elevation; hanging or upright any way.
  Its rotation is the twist about its own axis that is left after the shortest swing from hanging, 0 with the bent forearm
  straight ahead: 70 inwards, 90 outwards. An arm that is carried forward level has turned inwards by that measure without
  a twist (Codman's paradox), and may.
- *forearm*: the twist of elbow and wrist together about the forearm, 0 at rest, where the thumb lies on the side to which
  the elbow bends.
- *wrist*: which way the forearm lies seen from the hand, so that the forearm's twist drops out.
- *hip*: which way the thigh points from the pelvis, and its twist after the shortest swing from hanging.
- *neck* and *spine*: the rotations of neck and head, and of spine1, spine2 and spine3, multiplied together, by components.
- *fingers*: the turn about the knuckles' axis, the worst finger; *thumb*: how far each joint turns away from rest, any way.
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

TOLERANCE = 10.0  # degrees
_FINGERS = ("index", "middle", "ring", "pinky")
RANGES: dict[str, tuple[float, float]] = {  # degrees
    "shoulder rotation": (-70.0, 90.0),  # inwards, outwards
    "elbow bend": (0.0, 150.0),
    "forearm turn": (-80.0, 80.0),  # supination, pronation
    "wrist bend": (-70.0, 80.0),  # extension, flexion
    "wrist swing": (-30.0, 20.0),  # towards the little finger, towards the thumb
    "finger root bend": (-45.0, 90.0),
    "finger middle bend": (0.0, 100.0),
    "finger tip bend": (0.0, 90.0),
    "thumb root turn": (0.0, 70.0),
    "thumb middle turn": (0.0, 50.0),
    "thumb tip turn": (0.0, 80.0),
    "neck nod": (-45.0, 45.0),
    "neck turn": (-60.0, 60.0),
    "neck tilt": (-45.0, 45.0),
    "spine bend": (-30.0, 80.0),  # back, forward
    "spine turn": (-45.0, 45.0),
    "spine tilt": (-35.0, 35.0),
    "hip bend": (-30.0, 120.0),  # back, forward
    "hip spread": (-30.0, 45.0),  # across, away
    "hip rotation": (-45.0, 45.0),
    "knee bend": (0.0, 135.0),
    "ankle bend": (-50.0, 20.0),  # toes down, toes up
    "ankle tilt": (-35.0, 15.0),  # sole inwards, outwards
    "toes bend": (-45.0, 70.0),  # down, up
}
# The upper arm's way round, by its elevation from hanging: degrees back and forward of sideways.
_ELEVATIONS = (20.0, 35.0, 60.0, 90.0, 135.0, 160.0)
_BACK = (-135.0, -90.0, -90.0, -45.0, -45.0, -135.0)
_FORWARD = (225.0, 135.0, 135.0, 135.0, 135.0, 225.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Angle:
    """One joint's angle over a clip, with how far it leaves its range."""

    name: str  # "left elbow bend"
    degrees: Array  # (T,)
    least: float | Array  # degrees, with the tolerance; (T,) where the range changes with the pose
    most: float | Array

    @property
    def excess(self) -> Array:
        """(T,) degrees outside the range, 0 inside."""
        return np.asarray(np.maximum(np.maximum(self.least - self.degrees, self.degrees - self.most), 0.0))


def joint_angles(clip: MotionClip, rest_joints: Array) -> tuple[Angle, ...]:
    """The angles that are checked. ``rest_joints`` (55, 3), metres: where the bones point at rest."""
    local = clip.matrices().astype(np.float64)
    rest = np.asarray(rest_joints, dtype=np.float64)
    found: list[Angle] = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for angle in (*_arm(local, rest, side, sign), *_hand(clip, local, side, sign), *_leg(local, rest, side, sign)):
            found.append(dataclasses.replace(angle, name=f"{side} {angle.name}"))
    for name, joints in (("neck", ("neck", "head")), ("spine", ("spine1", "spine2", "spine3"))):
        whole = local[:, JOINT[joints[0]]]
        for joint in joints[1:]:
            whole = whole @ local[:, JOINT[joint]]
        turned = np.degrees(rotations.matrix_to_axis_angle(whole))
        nod = "neck nod" if name == "neck" else "spine bend"
        found += [_angle(nod, turned[:, 0]), _angle(f"{name} turn", turned[:, 1]), _angle(f"{name} tilt", turned[:, 2])]
    return tuple(found)


def _angle(name: str, degrees: Array) -> Angle:
    least, most = RANGES[name]
    return Angle(name=name, degrees=degrees, least=least - TOLERANCE, most=most + TOLERANCE)


def _arm(local: Array, rest: Array, side: str, sign: float) -> list[Angle]:
    shoulder, elbow, wrist = (JOINT[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
    whole = local[:, JOINT[f"{side}_collar"]] @ local[:, shoulder]
    along = rotations.normalised(rest[elbow] - rest[shoulder])
    points = whole @ along
    elevation = np.degrees(np.arccos(np.clip(-points[:, 1], -1, 1)))
    round_ = np.degrees(np.arctan2(points[:, 2], sign * points[:, 0]))
    round_ = (round_ + 135.0) % 360.0 - 135.0  # the seam lies behind the back
    # Nothing turned: the T-pose's arm lowered sideways, and from there by the shortest way; or straight from the T-pose.
    turned = rotations.matrix_to_quaternion(whole)
    down = np.broadcast_to([0.0, -1.0, 0.0], points.shape)
    lowered = np.broadcast_to(rotations.between(along, down[0]), turned.shape)
    from_hanging = rotations.multiply(rotations.between(down, points), lowered)
    from_level = rotations.between(np.broadcast_to(along, points.shape), points)
    outwards, carried = (
        -sign * _twist(rotations.multiply(rotations.conjugate(way), one), along)
        for way, one in ((from_hanging, turned), (from_hanging, from_level))
    )
    inwards_most, outwards_most = RANGES["shoulder rotation"]
    forearm = _twist(rotations.matrix_to_quaternion(local[:, elbow]), np.array([1.0, 0.0, 0.0]))
    forearm = forearm + _twist(rotations.matrix_to_quaternion(local[:, wrist]), np.array([1.0, 0.0, 0.0]))
    # The forearm seen from the hand, so that a turn of the forearm, which SMPL-X keeps in the wrist, drops out.
    seen = np.einsum("tji,j->ti", local[:, wrist], np.array([sign, 0.0, 0.0]))
    return [
        Angle(
            name="shoulder swing",
            degrees=round_,
            least=np.interp(elevation, _ELEVATIONS, _BACK) - TOLERANCE,
            most=np.interp(elevation, _ELEVATIONS, _FORWARD) + TOLERANCE,
        ),
        Angle(
            name="shoulder rotation",
            degrees=outwards,
            least=np.minimum(inwards_most, carried) - TOLERANCE,
            most=outwards_most + TOLERANCE,
        ),
        _angle("elbow bend", _bend(local, rest, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", forward=1.0)),
        _angle("forearm turn", forearm),
        _angle("wrist bend", np.degrees(np.arctan2(seen[:, 1], sign * seen[:, 0]))),
        _angle("wrist swing", np.degrees(np.arcsin(np.clip(-seen[:, 2], -1.0, 1.0)))),
    ]


def _hand(clip: MotionClip, local: Array, side: str, sign: float) -> list[Angle]:
    found = []
    for segment, name in enumerate(("finger root bend", "finger middle bend", "finger tip bend"), start=1):
        joints = [JOINT[f"{side}_{finger}{segment}"] for finger in _FINGERS]
        bend = np.degrees(-sign * clip.poses[:, joints, 2].astype(np.float64))
        least, most = RANGES[name]
        worst = np.maximum(least - bend, bend - most).argmax(axis=1)
        found.append(_angle(name, np.take_along_axis(bend, worst[:, None], axis=1)[:, 0]))
    for segment, name in enumerate(("thumb root turn", "thumb middle turn", "thumb tip turn"), start=1):
        turned = rotations.matrix_to_axis_angle(local[:, JOINT[f"{side}_thumb{segment}"]])
        found.append(_angle(name, np.degrees(np.linalg.norm(turned, axis=-1))))
    return found


def _leg(local: Array, rest: Array, side: str, sign: float) -> list[Angle]:
    hip, knee, ankle, foot = (JOINT[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "foot"))
    along = rotations.normalised(rest[knee] - rest[hip])
    # From the thigh as it stands at rest: hip joints lie further out or in on different bodies.
    upright = rotations.quaternion_to_matrix(rotations.between(along, np.array([0.0, -1.0, 0.0])))
    points = local[:, hip] @ along @ upright.T
    swing = rotations.between(np.broadcast_to(along, points.shape), local[:, hip] @ along)
    left_over = rotations.multiply(rotations.conjugate(swing), rotations.matrix_to_quaternion(local[:, hip]))
    ahead, lateral = local[:, ankle] @ np.array([0.0, 0.0, 1.0]), local[:, ankle] @ np.array([sign, 0.0, 0.0])
    return [
        _angle("hip bend", np.degrees(np.arctan2(points[:, 2], -points[:, 1]))),
        _angle("hip spread", np.degrees(np.arcsin(np.clip(sign * points[:, 0], -1, 1)))),
        _angle("hip rotation", _twist(left_over, along)),
        _angle("knee bend", _bend(local, rest, f"{side}_hip", f"{side}_knee", f"{side}_ankle", forward=-1.0)),
        _angle("ankle bend", np.degrees(np.arctan2(ahead[:, 1], ahead[:, 2]))),
        _angle("ankle tilt", np.degrees(np.arcsin(np.clip(lateral[:, 1], -1, 1)))),
        _angle("toes bend", np.degrees(-rotations.matrix_to_axis_angle(local[:, foot])[:, 0])),
    ]


def _twist(quaternions: Array, axis: Array) -> Array:
    """Degrees (T,) in -180..180 that rotations (T, 4) turn about the unit ``axis`` (3,): their twist."""
    w, along = quaternions[:, 0], quaternions[:, 1:] @ axis
    angle = 2 * np.degrees(np.arctan2(along, w))
    return np.asarray((angle + 180.0) % 360.0 - 180.0)


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
