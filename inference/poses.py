"""Start and end pose: a take that begins and ends exactly where it was asked to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import BodyRef, MotionClip
from ..core.errors import InputError
from ..core.face import ARKIT_INDEX
from ..core.face_solver import blendshapes_to_expressions
from ..core.skeleton import CHANNELS, JOINT_COUNT
from ..core.wire import Pose

RAMP = 0.6  # s, from a given pose into the motion and back


def pose_clip(pose: Pose, *, fps: float, body: Body, betas: NDArray[Any]) -> MotionClip:
    """A clip of one frame in ``pose``, its face in both encodings. Raises InputError where it is not a pose."""
    if len(pose.poses) != JOINT_COUNT * 3:
        raise InputError(
            f"A pose has {len(pose.poses)} numbers, not {JOINT_COUNT * 3}.", hint="Give 55 joints in axis-angle."
        )
    unknown = [name for name in pose.blendshapes if name not in ARKIT_INDEX]
    if unknown:
        raise InputError(f'A pose has the blend shape "{unknown[0]}", which is none of ARKit\'s 52.')
    still = MotionClip.still(frames=1, fps=fps, body=BodyRef(id=body.id, sha256=body.sha256), betas=betas)
    blendshapes = still.blendshapes.copy()
    for name, value in pose.blendshapes.items():
        blendshapes[0, ARKIT_INDEX[name]] = value
    expressions, _, _ = blendshapes_to_expressions(body, blendshapes)  # the jaw and the eyes are in the pose itself
    return still.replace(
        poses=np.reshape(pose.poses, (1, JOINT_COUNT, 3)),
        trans=np.reshape(pose.trans, (1, 3)),
        blendshapes=blendshapes,
        expressions=expressions,
    )


def with_end_poses(clip: MotionClip, start: MotionClip | None, end: MotionClip | None) -> MotionClip:
    """``clip`` whose first frame is ``start`` and whose last is ``end``, each blended in over RAMP seconds.

    The blend has a minimum-jerk profile (Flash and Hogan 1985); on a clip too short for both ramps each takes half.
    """
    frames = len(clip)
    ramp = min(RAMP * clip.fps, (frames - 1) / 2 if start is not None and end is not None else frames - 1)
    position = np.arange(frames) / max(ramp, 1.0)
    if start is not None:
        clip = clip.layered(_held(start, frames), channels=CHANNELS, weight=1 - _minimum_jerk(position))
    if end is not None:
        clip = clip.layered(_held(end, frames), channels=CHANNELS, weight=1 - _minimum_jerk(position[::-1]))
    return clip


def _minimum_jerk(position: NDArray[Any]) -> NDArray[Any]:
    s = np.clip(position, 0.0, 1.0)
    return np.asarray(s**3 * (10 - 15 * s + 6 * s * s))


def _held(pose: MotionClip, frames: int) -> MotionClip:
    names = ("poses", "trans", "blendshapes", "expressions", "contacts")
    return pose.replace(**{name: np.repeat(getattr(pose, name)[:1], frames, axis=0) for name in names})
