"""Do planted feet stay where they are? Points of the soles themselves, not of the ankles above them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT
from .metrics import Trace

Array = NDArray[Any]

PLANTED = 0.5  # a contact above it is on the ground
_THICKNESS = 0.015  # m over a foot's lowest point that still belong to its sole
_OWN = 0.95  # share of a vertex's weight that one joint must hold for it to move with that joint alone
_POINTS = ("left_ankle", "left_foot", "right_ankle", "right_foot")  # the joints of ``MotionClip.contacts``, in order


def slides(clip: MotionClip, body: Body, traced: Trace) -> Array:
    """Metres (T - 1, 4) that each planted point moves from a frame to the next; 0 where it is lifted.

    The points are those of left heel, left toe, right heel, right toe, as in ``MotionClip.contacts``: vertices of the
    sole that belong to the ankle's or the foot's joint alone, so that they move rigidly with it; the one that moves most
    counts. Up and down count as much as along the ground.
    """
    moved = np.zeros((max(0, len(clip) - 1), 4))
    shaped, rest = body.shaped(clip.betas).astype(np.float64), body.rest_joints(clip.betas).astype(np.float64)
    planted = (clip.contacts[1:] > PLANTED) & (clip.contacts[:-1] > PLANTED)
    for column, name in enumerate(_POINTS):
        joint = JOINT[name]
        offsets = sole_points(body, shaped, joint) - rest[joint]
        places = np.einsum("tij,nj->tni", traced.rotations[:, joint], offsets) + traced.positions[:, joint, None]
        step = np.linalg.norm(np.diff(places, axis=0), axis=-1).max(axis=1)
        moved[:, column] = np.where(planted[:, column], step, 0.0)
    return moved


def sole_points(body: Body, shaped: Array, joint: int) -> Array:
    """(n, 3) m: points of the sole under ``joint`` at rest: the outermost along each axis of the ground, four at most.

    Where no vertex belongs to the joint alone, its own place.
    """
    own = np.flatnonzero(body.weights[:, joint] >= _OWN)
    if len(own):
        side = "left" if joint in (JOINT["left_ankle"], JOINT["left_foot"]) else "right"
        leg = body.weights[:, [JOINT[f"{side}_ankle"], JOINT[f"{side}_foot"]]].sum(axis=1) > 0.5
        sole = own[shaped[own, 1] < shaped[leg, 1].min() + _THICKNESS]
        own = sole if len(sole) else own[shaped[own, 1].argmin()][None]
    if not len(own):
        return np.asarray(body.rest_joints()[joint][None], dtype=np.float64)
    points = shaped[own]
    picked = [points[:, axis].argmin() for axis in (0, 2)] + [points[:, axis].argmax() for axis in (0, 2)]
    return np.asarray(points[np.unique(picked)])
