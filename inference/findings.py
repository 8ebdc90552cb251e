"""What is found in a clip: each measurement with its verdict, in an animator's words."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT, JOINTS
from ..core.speech import Speech
from . import lips, metrics
from .joint_limits import joint_angles

Array = NDArray[Any]
Verdict = Literal["ok", "attention", "info"]

# What an animator would want to look at. Sources: the ranges that published and captured performances show.
_SHAKE = 0.01  # share of power
_LIP_GAP = 0.0015  # m
_JAW_SPEED = 9.0  # jawOpen a second: a third of the whole opening in a film frame
_SLIDE = 0.0005  # m a frame
_POP = 8.0  # degrees that a frame may lie off its neighbours' curve: a stroke of 90 degrees in 0.25 s stays under 6
_HOLD = 3.0  # s
_WITHOUT_EYES = [joint for joint, name in enumerate(JOINTS) if "eye" not in name]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement. ``verdict`` is "info" where there is nothing to judge."""

    key: str  # stable, for programs
    title: str
    value: float  # in ``unit``
    unit: str
    verdict: Verdict
    text: str  # what it means, in one sentence
    frame: int | None = None  # where to look
    time: float | None = None  # s


def hands(clip: MotionClip, traced: metrics.Trace, speech: Speech | None) -> list[Finding]:
    """How the wrists move, rest and strike; with ``speech`` how their strokes meet its syllables."""
    fps = clip.fps
    speed = metrics.speeds(traced.wrists, fps)
    found = [
        _finding("wrist_speed_mean", "Hands, mean speed", float(speed.mean()) if len(speed) else 0.0, "m/s"),
        _finding(
            "wrist_speed_p95",
            "Hands, fast moments",
            float(np.percentile(speed, 95)) if len(speed) else 0.0,
            "m/s",
            text="19 of 20 are slower.",
            at=_where(speed.max(axis=1), fps) if len(speed) else None,
        ),
    ]
    shake = metrics.shake(traced.wrists, fps)
    found.append(_judged("wrist_shake", "Hands, shaking", 100 * shake, "%", shake <= _SHAKE, "Of the motion, over 6 Hz."))
    jerk = metrics.jerk(traced.wrists, fps)
    found.append(
        _finding(
            "wrist_jerk_p95",
            "Hands, jerk",
            float(np.percentile(jerk, 95)) if len(jerk) else 0.0,
            "m/s³",
            text="The frame is the most abrupt.",
            at=_where(jerk.max(axis=1), fps, offset=1) if len(jerk) else None,
        )
    )
    ends = [metrics.apexes(traced.wrists[:, hand], fps) for hand in (0, 1)]
    count = sum(map(len, ends))
    found.append(
        _finding(
            "strokes_per_minute",
            "Strokes, both hands",
            60 * count / clip.duration,
            "a minute",
            text="Those of 8 cm or more.",
        )
    )
    sync = _sync(np.concatenate(ends) / fps, speech)
    if sync is not None:
        found.append(
            _judged(
                "stroke_sync",
                "Strokes on syllables",
                sync.score,
                "over chance",
                sync.score > 0,
                f"{sync.count} strokes: {sync.hit:.2f} on syllable peaks, {sync.chance:.2f} by chance.",
            )
        )
    still = metrics.stillness(speed, fps)
    first = round(still.start * fps)
    found.append(
        _judged(
            "still_longest",
            "Hands, longest hold",
            still.longest,
            "s",
            still.longest <= _HOLD or not clip.timeline.words,
            f"Both rest in {100 * still.share:.0f} % of the frames.",
            at=(first, first / fps) if still.longest else None,
        )
    )
    return found


def _sync(ends: Array, speech: Speech | None) -> metrics.StrokeSync | None:
    if speech is None:
        return None
    nuclei = speech.nuclei
    if nuclei is None:
        if speech.energy is None:
            return None
        from .prosody import nuclei as find_nuclei

        nuclei = find_nuclei(speech.energy)
    return metrics.stroke_sync(ends, [nucleus.time for nucleus in nuclei], speech.duration)


def head(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
    """How much the head turns."""
    rates = np.degrees(metrics.turn_rates(traced.rotations[:, JOINT["head"]], clip.fps))
    mean = float(rates.mean()) if len(rates) else 0.0
    return [_finding("head_turn_mean", "Head, mean turning", mean, "°/s", text="The body's turning included.")]


def mouth(clip: MotionClip, body: Body) -> list[Finding]:
    """Closures, open vowels and the jaw."""
    found = []
    closures = lips.lip_closures(clip, body)
    if closures:
        worst = max(closures, key=lambda closure: closure.gap)
        closed = sum(closure.gap <= _LIP_GAP for closure in closures)
        found.append(
            _judged(
                "lip_closure",
                "Lips on P, B and M",
                1000 * max(worst.gap, 0.0),
                "mm",
                closed == len(closures),
                f"{closed} of {len(closures)} closed within a frame; this is the widest.",
                at=(worst.frame, worst.frame / clip.fps),
            )
        )
    vowels = lips.shut_vowels(clip)
    if any(viseme.name in lips.OPEN_VOWELS for viseme in clip.timeline.visemes):
        at = (round(vowels[0] * clip.fps), vowels[0]) if vowels else None
        found.append(
            _judged(
                "shut_vowels",
                "Open vowels with a shut mouth",
                float(len(vowels)),
                "",
                not vowels,
                "The frame is in the first of them.",
                at=at,
            )
            if vowels
            else _judged("shut_vowels", "Open vowels with a shut mouth", 0.0, "", True, "Every one is open.")
        )
    speed = lips.jaw_speed(clip)
    if len(speed) and speed.any():
        fastest = float(speed.max())
        found.append(
            _judged(
                "jaw_speed",
                "Jaw, fastest",
                fastest,
                "openings/s",
                fastest <= _JAW_SPEED,
                "Whole openings a second.",
                at=_where(speed, clip.fps),
            )
        )
    return found


def feet(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
    """Whether planted feet stay."""
    slide = metrics.foot_slide(traced.positions, clip.contacts)
    if not len(slide) or not (clip.contacts > 0.5).any():
        return []
    worst = float(slide.max())
    return [
        _judged(
            "foot_slide",
            "Planted feet, largest slip",
            1000 * worst,
            "mm a frame",
            worst <= _SLIDE,
            "Of a foot on the ground.",
            at=_where(slide.max(axis=1), clip.fps),
        )
    ]


def joints(clip: MotionClip, body: Body) -> list[Finding]:
    """Ranges of motion, the fastest joint and pops."""
    fps = clip.fps
    angles = joint_angles(clip, body.rest_joints(clip.betas))
    worst = max(angles, key=lambda angle: float(angle.excess.max()))
    beyond = float(worst.excess.max())
    frames = np.max([angle.excess for angle in angles], axis=0) > 0
    found = [
        _judged(
            "joint_limits",
            "Joints out of their range",
            100 * float(frames.mean()),
            "% of frames",
            beyond == 0,
            f"The worst is the {worst.name}, {beyond:.0f}° too far." if beyond else "Shoulders, elbows, wrists, fingers, neck, spine, hips, knees, ankles.",
            at=_where(worst.excess, fps) if beyond else None,
        )
    ]
    # Eyes jump, and should: they are left out.
    rates = np.degrees(metrics.turn_rates(clip.matrices()[:, _WITHOUT_EYES].astype(np.float64), fps))
    if not len(rates):
        return found
    frame, joint = np.unravel_index(int(rates.argmax()), rates.shape)
    found.append(
        _finding(
            "fastest_turn",
            "Fastest joint",
            float(rates[frame, joint]),
            "°/s",
            text=f"The {_joint_name(_WITHOUT_EYES[joint])}.",
            at=(int(frame), int(frame) / fps),
        )
    )
    pops = np.degrees(metrics.pops(clip.quaternions()[:, _WITHOUT_EYES].astype(np.float64)))
    frame, joint = np.unravel_index(int(pops.argmax()), pops.shape)
    largest = float(pops[frame, joint])
    text = f"The {_joint_name(_WITHOUT_EYES[joint])} stands out of the motion before and after." if largest > _POP else ""
    at = (int(frame), int(frame) / fps) if largest > 0.05 else None
    found.append(
        _judged(
            "pop", "Largest pop", largest, "°", largest <= _POP, text or "No frame stands out of its neighbours.", at=at
        )
    )
    return found


def _joint_name(joint: int) -> str:
    return JOINTS[joint].removesuffix("_smplhf").replace("_", " ")


def _where(values: Array, fps: float, *, offset: int = 0) -> tuple[int, float]:
    frame = int(np.argmax(values)) + offset
    return frame, frame / fps


def _finding(
    key: str, title: str, value: float, unit: str, *, text: str = "", at: tuple[int, float] | None = None
) -> Finding:
    frame, time = at or (None, None)
    return Finding(key=key, title=title, value=value, unit=unit, verdict="info", text=text, frame=frame, time=time)


def _judged(
    key: str, title: str, value: float, unit: str, good: bool, text: str, *, at: tuple[int, float] | None = None
) -> Finding:
    row = _finding(key, title, value, unit, text=text, at=at)
    return dataclasses.replace(row, verdict="ok" if good else "attention")
