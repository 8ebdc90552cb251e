"""``declaim inspect``: a clip's measurements in an animator's words, with the frame to look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.speech import Speech
from . import body_findings, comparison, face_findings, hand_findings, metrics
from .findings import Finding, judged, told
from .penetration import sampled_penetration
from .stroke_targets import stroke_targets

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

Array = NDArray[Any]

TAKES_APART = 0.05  # m
_WIDE = 128  # columns of a terminal that has room for what each row means


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

    def table(self) -> InspectionTable:
        """For a terminal."""
        return InspectionTable(inspection=self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectionTable:
    """An inspection as a terminal shows it: with what each row means where there is room, else of those to look at."""

    inspection: Inspection

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.table import Table
        from rich.text import Text

        seen = self.inspection
        made_by = ", ".join(seen.generators) or "another program"
        yield Text(
            f"{seen.duration:.2f} s, {seen.frames} frames at {seen.fps:g} a second, on the body {seen.body}\n"
            f"made by {made_by}, seed {seen.seed}; {seen.words} words, {seen.strokes} strokes, {seen.visemes} mouth shapes\n"
        )
        wide = options.max_width >= _WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True)
        table.add_column("measured")
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("should be", no_wrap=True)
        table.add_column("look at", no_wrap=True)
        if wide:
            table.add_column("meaning")
        marks = {"ok": "[green]ok[/]", "attention": "[yellow]look[/]", "info": ""}
        for finding in seen.findings:
            place = "" if finding.frame is None else f"frame {finding.frame}"
            row = [marks[finding.verdict], finding.title, finding.shown, finding.limit, place]
            table.add_row(*row, *([finding.text] if wide else []))
        yield table
        count = len(seen.attention)
        if not wide and count:
            yield ""
            yield from (Text(f"{finding.title}: {finding.text}") for finding in seen.attention)
        yield ""
        yield "Nothing stands out." if not count else f"{count} {'thing' if count == 1 else 'things'} to look at."


def inspect_clip(
    clip: MotionClip,
    body: Body,
    speech: Speech | None = None,
    *,
    reference: MotionClip | None = None,
    takes: Sequence[MotionClip] = (),
) -> Inspection:
    """Measure ``clip`` on ``body``.

    With ``speech`` (energy or nuclei; samples) also how the strokes meet the voice; with a ``reference`` how near the clip
    comes to it; with other ``takes`` of the same line how far they lie apart.
    """
    clip = on_body(clip, body)
    traced = metrics.trace(clip, body)
    targets = stroke_targets(clip, traced, speech)
    found = [
        *hand_findings.motion(clip, traced),
        *hand_findings.on_the_voice(clip, traced, targets, speech),
        hand_findings.clearance(clip, body, sampled_penetration(clip, body)),
        *body_findings.head_and_gaze(clip, traced),
        *face_findings.mouth(clip, body, speech),
        *body_findings.feet(clip, body, traced),
        *body_findings.joints(clip, body),
        *_compared(clip, body, traced, reference, takes),
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
        findings=tuple(found),
    )


def _compared(
    clip: MotionClip, body: Body, traced: metrics.Trace, reference: MotionClip | None, takes: Sequence[MotionClip]
) -> list[Finding]:
    found = []
    varied = comparison.diversity(traced)
    if varied is not None:
        found.append(
            told(
                "diversity",
                "Diversity",
                100 * varied,
                "cm",
                text="Between any two stretches of 1.7 s, a joint (L1); 0 is frozen.",
            )
        )
    if takes:
        traces = [traced, *(metrics.trace(on_body(take, body), body) for take in takes)]
        apart = comparison.wrist_distances(traces, _speaking(clip))
        found += [
            told(
                "multimodality",
                "Multimodality",
                100 * (comparison.multimodality(traces) or 0.0),
                "cm",
                text=f"Between any two of {len(traces)} takes, a joint (L1); 0 means that the seed changes nothing.",
            ),
            judged(
                "takes_apart",
                "Takes, nearest two",
                100 * float(apart.min()),
                "cm",
                float(apart.min()) >= TAKES_APART,
                "Mean distance of the wrists while speaking.",
                limit=f"at least {100 * TAKES_APART:g}",
            ),
        ]
    if reference is not None:
        near = comparison.likeness(traced, metrics.trace(on_body(reference, body), body))
        found += [
            told("l1", "Distance from the reference", 100 * near.l1, "cm", text="A joint, from the pelvis (L1)."),
            told(
                "pck",
                "Joints near the reference's",
                100 * near.pck,
                "%",
                text=f"Within {100 * comparison.PCK_WITHIN:g} cm (PCK), over {near.frames} frames.",
            ),
        ]
    return found


def _speaking(clip: MotionClip) -> Array | None:
    """(T,) bool: frames from the first word to the last; None without words."""
    words = clip.timeline.words
    if not words:
        return None
    times = np.arange(len(clip)) / clip.fps
    inside = (times >= words[0].start) & (times <= words[-1].end)
    return inside if inside.any() else None


def on_body(clip: MotionClip, body: Body) -> MotionClip:
    """The clip with the betas that mean something on ``body``: its own body's, or one SMPL-X body's on another."""
    return clip.replace(betas=_usable_betas(clip, body))


def _usable_betas(clip: MotionClip, body: Body) -> Array:
    if clip.body.sha256 == body.sha256:
        return clip.betas
    available = body.shape_dirs.shape[2] if body.face == "expressions" else 0
    return clip.betas[:available]
