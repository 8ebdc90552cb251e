"""``declaim inspect``: a clip's measurements in an animator's words, with the frame to look at."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT, JOINTS
from ..core.speech import Speech
from . import lips, metrics
from .joint_limits import joint_angles

if TYPE_CHECKING:
    from rich.console import RenderableType

Array = NDArray[Any]
Verdict = Literal["ok", "attention", "info"]

# What an animator would want to look at. Sources: the ranges that published and captured performances show.
_SHAKE = 0.01  # share of power
_LIP_GAP = 0.0015  # m
_JAW_SPEED = 9.0  # jawOpen a second: a third of the whole opening in a film frame
_SLIDE = 0.0005  # m a frame
_POP = 8.0  # degrees that a frame may lie off its neighbours' curve: a stroke of 90 degrees in 0.25 s stays under 6
_HOLD = 3.0  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement. ``verdict`` is "info" where there is nothing to judge."""

    key: str  # stable, for programs
    title: str
    value: float | None  # in ``unit``; None where the clip has nothing to measure
    unit: str
    verdict: Verdict
    text: str  # what it means, in one sentence
    frame: int | None = None  # where to look
    time: float | None = None  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a clip is and how it moves."""

    frames: int
    fps: float
    duration: float  # s
    body: str
    generators: tuple[str, ...]
    seed: int
    words: int
    strokes: int
    visemes: int
    findings: tuple[Finding, ...]

    @property
    def attention(self) -> tuple[Finding, ...]:
        """The findings that somebody should look at."""
        return tuple(finding for finding in self.findings if finding.verdict == "attention")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"attention": [finding.key for finding in self.attention]}

    def table(self) -> RenderableType:
        """For a terminal."""
        from rich.console import Group
        from rich.table import Table

        made_by = ", ".join(self.generators) or "another program"
        facts = (
            f"{self.duration:.2f} s, {self.frames} frames at {self.fps:g} a second, on the body {self.body}\n"
            f"made by {made_by}, seed {self.seed}; {self.words} words, {self.strokes} strokes, {self.visemes} mouth shapes"
        )
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        table.add_column("measured")
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("look at", no_wrap=True)
        table.add_column("meaning")
        marks = {"ok": "[green]ok[/]", "attention": "[yellow]look[/]", "info": ""}
        for finding in self.findings:
            place = "" if finding.frame is None else f"frame {finding.frame} ({finding.time:.2f} s)"
            value = "-" if finding.value is None else f"{_number(finding.value)} {finding.unit}".strip()
            table.add_row(marks[finding.verdict], finding.title, value, place, finding.text)
        count = len(self.attention)
        end = "Nothing stands out." if not count else f"{count} {'thing' if count == 1 else 'things'} to look at."
        return Group(facts, "", table, "", end)


def inspect_clip(clip: MotionClip, body: Body, speech: Speech | None = None) -> Inspection:
    """Measure ``clip`` on ``body``; with ``speech`` (its energy or nuclei) also how its strokes meet the voice."""
    clip = clip.replace(betas=_usable_betas(clip, body))
    traced = metrics.trace(clip, body)
    findings = [
        *_hands(clip, traced, speech),
        *_head(clip, traced),
        *_mouth(clip, body),
        *_feet(clip, traced),
        *_joints(clip, body),
    ]
    return Inspection(
        frames=len(clip),
        fps=clip.fps,
        duration=clip.duration,
        body=clip.body.id,
        generators=tuple(f"{made.id} {made.version}" for made in clip.provenance.generators),
        seed=clip.provenance.seed,
        words=len(clip.timeline.words),
        strokes=len(clip.timeline.strokes),
        visemes=len(clip.timeline.visemes),
        findings=tuple(findings),
    )


def _usable_betas(clip: MotionClip, body: Body) -> Array:
    """The clip's betas where they mean something on ``body``: its own, or one SMPL-X body's on another."""
    if clip.body.sha256 == body.sha256:
        return clip.betas
    available = body.shape_dirs.shape[2] if body.face == "expressions" else 0
    return clip.betas[:available]


def _hands(clip: MotionClip, traced: metrics.Trace, speech: Speech | None) -> list[Finding]:
    fps = clip.fps
    speed = metrics.speeds(traced.wrists, fps)
    found = [
        _finding("wrist_speed_mean", "Hands, mean speed", float(speed.mean()) if len(speed) else 0.0, "m/s"),
        _finding(
            "wrist_speed_p95",
            "Hands, fast moments",
            float(np.percentile(speed, 95)) if len(speed) else 0.0,
            "m/s",
            text="19 of 20 steps are slower than this.",
            at=_where(speed.max(axis=1), fps) if len(speed) else None,
        ),
    ]
    shake = metrics.shake(traced.wrists, fps)
    found.append(
        _judged("wrist_shake", "Hands, shaking", 100 * shake, "%", shake <= _SHAKE, "Share of the motion faster than 6 Hz.")
    )
    jerk = metrics.jerk(traced.wrists, fps)
    found.append(
        _finding(
            "wrist_jerk_p95",
            "Hands, jerk",
            float(np.percentile(jerk, 95)) if len(jerk) else 0.0,
            "m/s³",
            text="How abruptly the hands start and stop; the frame is the most abrupt.",
            at=_where(jerk.max(axis=1), fps, offset=1) if len(jerk) else None,
        )
    )
    ends = [metrics.apexes(traced.wrists[:, hand], fps) for hand in (0, 1)]
    count = sum(map(len, ends))
    found.append(
        _finding(
            "strokes_per_minute", "Strokes, both hands", 60 * count / clip.duration, "a minute", text="Of 8 cm or more."
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
            f"Both hands rest in {100 * still.share:.0f} % of the frames.",
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


def _head(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
    rates = np.degrees(metrics.turn_rates(traced.rotations[:, JOINT["head"]], clip.fps))
    mean = float(rates.mean()) if len(rates) else 0.0
    return [
        _finding(
            "head_turn_mean", "Head, mean turning", mean, "°/s", text="Against the world, the body's turning included."
        )
    ]


def _mouth(clip: MotionClip, body: Body) -> list[Finding]:
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
                f"{closed} of {len(closures)} closed within a frame; the gap is the widest of them.",
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
                "Whole openings of the jaw a second; a snapping jaw is faster than any speaker's.",
                at=_where(speed, clip.fps),
            )
        )
    return found


def _feet(clip: MotionClip, traced: metrics.Trace) -> list[Finding]:
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
            "How far a foot on the ground moves over it.",
            at=_where(slide.max(axis=1), clip.fps),
        )
    ]


def _joints(clip: MotionClip, body: Body) -> list[Finding]:
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
            f"The worst is the {worst.name}, {beyond:.0f}° too far." if beyond else "Elbows, wrists, fingers, neck, knees.",
            at=_where(worst.excess, fps) if beyond else None,
        )
    ]
    rates = np.degrees(metrics.turn_rates(clip.matrices().astype(np.float64), fps))
    if not len(rates):
        return found
    frame, joint = np.unravel_index(int(rates.argmax()), rates.shape)
    found.append(
        _finding(
            "fastest_turn",
            "Fastest joint",
            float(rates[frame, joint]),
            "°/s",
            text=f"The {_joint_name(int(joint))}.",
            at=(int(frame), int(frame) / fps),
        )
    )
    pops = np.degrees(metrics.pops(clip.quaternions().astype(np.float64)))
    frame, joint = np.unravel_index(int(pops.argmax()), pops.shape)
    largest = float(pops[frame, joint])
    text = f"The {_joint_name(int(joint))} stands out of the motion before and after." if largest > _POP else ""
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


def _number(value: float) -> str:
    if abs(value) < 0.001:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


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
