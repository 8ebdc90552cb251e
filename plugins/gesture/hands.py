"""Fingers: hand shapes to joint rotations, along axes read from the body's own hands."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.body import Body
from ...core.lexicon import FINGERS, THUMB_OUT
from ...core.skeleton import JOINT
from .arms import Arm, mirrored

Array = NDArray[Any]
_DELAYS = {"thumb": 0.0, "index": 0.015, "middle": 0.03, "ring": 0.045, "pinky": 0.06}  # s; fingers follow one another
_SPREAD = {"index": 1.0, "middle": 0.2, "ring": -0.5, "pinky": -1.8}
THUMB = 3  # balls
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
    side: Array  # (3,) unit; a turn about it fans the finger thumbward, or takes the thumb out of the palm

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
        bent, splay, side = np.zeros(3), 0.0, arm.palm
        if name == "thumb":
            side = rotations.normalised(np.cross(bones[0], arm.palm))
        else:
            along = rotations.normalised(arm.hand - (arm.hand @ axes[0]) * axes[0])
            chain = np.concatenate([along[None], bones[:2]])
            turn = np.einsum("ij,ij->i", np.cross(chain, bones[[0, 1, 1]]), axes)
            bent = np.clip(np.arcsin(np.clip(turn, -1, 1)), -_REST_BEND_LIMIT, _REST_BEND_LIMIT)
            bent[2] = bent[1]
            splay = float(np.arctan2(bones[0] @ thumbward, bones[0] @ arm.hand))
        fingers.append(Finger(name=name, first=first, axes=axes, bent=bent, splay=splay, side=side))
    return tuple(fingers)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class HandBalls:
    """A hand as balls, at T moments. The last ``THUMB`` are the thumb's joints beyond its base."""

    radii: Array  # (K,) m
    places: Array  # (T, K, 3) m from the wrist, in the hand's own frame, as a left hand
    base: Array  # (3,) m, the thumb's base
    opening: Array  # (3,) unit; a turn about it takes the thumb away from what the palm faces

    def opened(self, angle: Array) -> HandBalls:
        """With the thumb turned by ``angle`` (T,), rad."""
        places = self.places.copy()
        for k in range(1, THUMB + 1):
            places[:, -k] = self.base + _turned(places[:, -k] - self.base, self.opening, angle)
        return dataclasses.replace(self, places=places)


def finger_angles(fingers: tuple[Finger, ...], shapes: dict[str, Array]) -> dict[str, Array]:
    """Finger -> (T, 4) rad that its joints turn on from rest, and that it turns about its ``side``.

    ``shapes``: finger -> (T, SHAPE_SIZE) hand shape as that finger sees it, rad.
    """
    angles = {}
    for number, finger in enumerate(fingers):
        shape = shapes[finger.name]
        curl = shape[:, 3 * number : 3 * number + 3] - finger.bent
        if finger.name == "thumb":
            fan = shape[:, THUMB_OUT, None]
        else:
            fan = _SPREAD[finger.name] * (shape[:, -1:] + _TOGETHER) - finger.splay
        angles[finger.name] = np.concatenate([curl, fan], axis=1)
    return angles


def finger_poses(arm: Arm, fingers: tuple[Finger, ...], angles: dict[str, Array]) -> dict[int, Array]:
    """Joint -> axis-angle (T, 3), of ``finger_angles``."""
    poses: dict[int, Array] = {}
    for finger in fingers:
        curl = angles[finger.name]
        for segment in range(3):
            poses[finger.first + segment] = curl[:, segment, None] * finger.axes[segment]
        poses[finger.first] = rotations.compose(curl[:, 3:] * finger.side, poses[finger.first])
    if arm.side == "right":
        poses = {joint: mirrored(values) for joint, values in poses.items()}
    return poses


def hand_balls(arm: Arm, fingers: tuple[Finger, ...], bones: Bones, angles: dict[str, Array]) -> HandBalls:
    """Balls that fill the hand: palm, knuckles and fingers."""
    count = len(angles["thumb"])
    places = [np.broadcast_to(bones.palm[:, None], (len(bones.palm), count, 3))]
    for finger in fingers:
        places.append(_chain(arm, finger, bones, angles[finger.name]))
    radii = np.concatenate([bones.palm_radii, *(bones.radii[finger.name] for finger in fingers)])
    thumb = fingers[-1]
    return HandBalls(
        radii=radii,
        places=np.concatenate(places).swapaxes(0, 1),
        base=bones.fingers[thumb.name][0],
        opening=-thumb.axes[0],
    )


def _chain(arm: Arm, finger: Finger, bones: Bones, angles: Array) -> Array:
    """(4, T, 3) the finger's joints and its tip, from the wrist."""
    joints = bones.fingers[finger.name]
    place = np.broadcast_to(joints[0], (len(angles), 3))
    places = [place]
    # A finger's joints turn about nearly one axis; the thumb's do not, and are taken one by one all the same.
    fan = rotations.axis_angle_to_matrix(angles[:, 3:] * finger.side)
    for segment in range(3):
        along = joints[segment + 1] - joints[segment]
        for turned in range(segment, -1, -1):
            along = _turned(along, finger.axes[turned], angles[:, turned])
        place = place + (fan @ along[..., None])[..., 0]
        places.append(place)
    return np.stack(places)


def _turned(vectors: Array, axis: Array, angle: Array) -> Array:
    """Vectors (3,) or (T, 3) turned about one ``axis`` (3,) by ``angle`` (T,), rad (Rodrigues)."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = (vectors * axis).sum(axis=-1, keepdims=True) * axis
    return np.asarray(along + cosine * (vectors - along) + sine * np.cross(axis, vectors))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Bones:
    """A hand's bones and thickness at rest, as a left hand, m from the wrist."""

    fingers: dict[str, Array]  # finger -> (4, 3) three joints and the tip
    radii: dict[str, Array]  # (4,) at those
    palm: Array  # (n, 3) more balls, inside the palm
    palm_radii: Array  # (n,)


def read_bones(body: Body, betas: Array, rest_joints: Array, arm: Arm) -> Bones:
    """A hand's bones and thickness, from the body's mesh."""
    sign = np.ones(3) if arm.side == "left" else np.array([-1.0, 1.0, 1.0])
    vertices, owner = body.shaped(betas) * sign, body.weights.argmax(axis=1)
    wrist = rest_joints[JOINT[f"{arm.side}_wrist"]] * sign
    fingers, radii = {}, {}
    for name in FINGERS:
        first = JOINT[f"{arm.side}_{name}1"]
        joints = rest_joints[first : first + 3] * sign
        way = rotations.normalised(joints[2] - joints[1])
        flesh = vertices[owner == first + 2]
        length = float(np.quantile((flesh - joints[2]) @ way, 0.98)) if len(flesh) else 0.022
        thick = []
        for segment in range(3):
            mine = vertices[owner == first + segment]
            end = joints[segment + 1] if segment < 2 else joints[2] + length * way
            bone = rotations.normalised(end - joints[segment])
            offset = mine - joints[segment]
            across = np.linalg.norm(offset - (offset @ bone)[:, None] * bone, axis=1)
            thick.append(float(np.quantile(across, 0.85)) if len(mine) else 0.009)
        fingers[name] = np.concatenate([joints, (joints[2] + max(length - thick[2], 0.3 * length) * way)[None]]) - wrist
        radii[name] = np.array([*thick, thick[2]])
    knuckle = {name: fingers[name][0] for name in FINGERS}
    middle = [
        *(share * knuckle[name] for share in (0.3, 0.65) for name in ("index", "pinky")),
        0.5 * knuckle["middle"],
        0.8 * knuckle["middle"],
    ]
    flesh = (vertices[owner == JOINT[f"{arm.side}_wrist"]] - wrist) @ arm.palm
    thick_palm = float(np.clip((flesh.max() - flesh.min()) / 2, 0.010, 0.022)) if len(flesh) else 0.015
    return Bones(fingers=fingers, radii=radii, palm=np.stack(middle), palm_radii=np.full(len(middle), thick_palm))
