"""What is found in head, gaze, feet and joints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT, JOINTS
from . import metrics, soles
from .findings import Finding, judged, place, told, where
from .joint_limits import joint_angles

Array = NDArray[Any]

SLIDE = 0.0005  # m a frame
_POP = 8.0  # degrees that a frame may lie off its neighbours' curve: a stroke of 90 degrees in 0.25 s stays under 6
_AT_LISTENER = 10.0  # degrees
_EYES_FARTHEST = 40.0  # degrees in the head: beyond about 35 people turn the head instead; 45 is the end
_EYES = (JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"])
_WITHOUT_EYES = [joint for joint, name in enumerate(JOINTS) if "eye" not in name]


def head_and_gaze(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
    """How much the head turns and where the eyes look."""
    fps = clip.fps
    rates = np.degrees(metrics.turn_rates(traced.rotations[:, JOINT["head"]], fps))
    found = [
        told(
            "head_turn_mean",
            "Head, mean turning",
            float(rates.mean()) if len(rates) else 0.0,
            "°/s",
            text="The body's turning included.",
        )
    ]
    if not clip.poses[:, _EYES].any():
        return found
    aims = traced.rotations[:, _EYES] @ np.array([0.0, 0.0, 1.0])  # (T, 2, 3)
    ahead = traced.rotations[:, 0, :, 2].mean(axis=0) * np.array([1.0, 0.0, 1.0])
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    away = np.degrees(np.arccos(np.clip(aims.mean(axis=1) @ ahead, -1, 1)))
    found.append(
        told(
            "gaze_at_listener",
            "Eyes on the listener",
            100 * float((away < _AT_LISTENER).mean()),
            "% of frames",
            text=f"Within {_AT_LISTENER:g}° of straight ahead of the body.",
        )
    )
    in_head = np.degrees(np.linalg.norm(clip.poses[:, _EYES].astype(np.float64), axis=-1)).max(axis=1)
    farthest = float(in_head.max())
    found.append(
        judged(
            "eyes_farthest",
            "Eyes, farthest turned",
            farthest,
            "°",
            farthest <= _EYES_FARTHEST,
            "In the head; beyond it the head turns instead.",
            limit=f"at most {_EYES_FARTHEST:g}",
            at=where(in_head, fps),
        )
    )
    return found


def feet(clip: MotionClip, body: Body, traced: metrics.Trace) -> list[Finding]:
    """Whether planted feet stay."""
    moved = soles.slides(clip, body, traced)
    if not len(moved) or not (clip.contacts > soles.PLANTED).any():
        return []
    worst = float(moved.max())
    return [
        judged(
            "foot_slide",
            "Planted feet, largest slip",
            1000 * worst,
            "mm a frame",
            worst <= SLIDE,
            "Of a sole's point on the ground.",
            limit=f"at most {1000 * SLIDE:g}",
            at=where(moved.max(axis=1), clip.fps),
        )
    ]


def joints(clip: MotionClip, body: Body) -> list[Finding]:
    """Ranges of motion, the fastest joint and pops."""
    fps = clip.fps
    angles = joint_angles(clip, body.rest_joints(clip.betas))
    worst = max(angles, key=lambda angle: float(angle.excess.max()))
    beyond = float(worst.excess.max())
    outside = np.max([angle.excess for angle in angles], axis=0) > 0
    found = [
        judged(
            "joint_limits",
            "Joints out of their range",
            100 * float(outside.mean()),
            "% of frames",
            beyond == 0,
            f"The worst is the {worst.name}, {beyond:.0f}° too far."
            if beyond
            else "Shoulders, elbows, wrists, fingers, neck, spine, hips, knees, ankles.",
            limit="0",
            at=where(worst.excess, fps) if beyond else None,
        )
    ]
    # Eyes jump, and should: they are left out.
    rates = np.degrees(metrics.turn_rates(clip.matrices()[:, _WITHOUT_EYES].astype(np.float64), fps))
    if not len(rates):
        return found
    frame, joint = np.unravel_index(int(rates.argmax()), rates.shape)
    found.append(
        told(
            "fastest_turn",
            "Fastest joint",
            float(rates[frame, joint]),
            "°/s",
            text=f"The {_joint_name(_WITHOUT_EYES[joint])}.",
            at=place(frame, fps),
        )
    )
    pops = np.degrees(metrics.pops(clip.quaternions()[:, _WITHOUT_EYES].astype(np.float64)))
    frame, joint = np.unravel_index(int(pops.argmax()), pops.shape)
    largest = float(pops[frame, joint])
    text = f"The {_joint_name(_WITHOUT_EYES[joint])} stands out of the motion before and after." if largest > _POP else ""
    found.append(
        judged(
            "pop",
            "Largest pop",
            largest,
            "°",
            largest <= _POP,
            text or "No frame stands out of its neighbours.",
            limit=f"at most {_POP:g}",
            at=place(frame, fps) if largest > 0.05 else None,
        )
    )
    return found


def _joint_name(joint: int) -> str:
    return JOINTS[joint].removesuffix("_smplhf").replace("_", " ")
