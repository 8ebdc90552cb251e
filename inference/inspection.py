"""``declaim inspect``: a clip's measurements in an animator's words, with the frame to look at."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.speech import Speech
from . import findings, metrics
from .findings import Finding

if TYPE_CHECKING:
    from rich.console import RenderableType

Array = NDArray[Any]


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
        from rich.text import Text

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
            value = f"{_number(finding.value)} {finding.unit}".strip()
            table.add_row(marks[finding.verdict], finding.title, value, place, finding.text)
        count = len(self.attention)
        end = "Nothing stands out." if not count else f"{count} {'thing' if count == 1 else 'things'} to look at."
        return Group(Text(facts), "", table, "", end)


def inspect_clip(clip: MotionClip, body: Body, speech: Speech | None = None) -> Inspection:
    """Measure ``clip`` on ``body``; with ``speech`` (its energy or nuclei) also how its strokes meet the voice."""
    clip = clip.replace(betas=_usable_betas(clip, body))
    traced = metrics.trace(clip, body)
    found = [
        *findings.hands(clip, traced, speech),
        *findings.head(clip, traced),
        *findings.mouth(clip, body),
        *findings.feet(clip, traced),
        *findings.joints(clip, body),
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


def _usable_betas(clip: MotionClip, body: Body) -> Array:
    """The clip's betas where they mean something on ``body``: its own, or one SMPL-X body's on another."""
    if clip.body.sha256 == body.sha256:
        return clip.betas
    available = body.shape_dirs.shape[2] if body.face == "expressions" else 0
    return clip.betas[:available]


def _number(value: float) -> str:
    if abs(value) < 0.001:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
