"""The report's timeline: words, the wrists' speed over the voice's loudness, strokes, the jaw, and frames to look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clip import MotionClip
from ..core.face import ARKIT_INDEX
from ..core.timeline import Stroke
from .findings import Finding
from .lips import SHUT_GAP, LipClosure

Array = NDArray[Any]

LEFT = 84  # px before time zero: the lanes' names
_RIGHT = 20
_WIDTHS = (64.0, 190.0)  # px a second
_FITS = 1110  # px: what a page shows without scrolling
_RULER, _WORDS, _SPEED, _STROKES, _JAW, _FLAGS = 8, 32, 84, 224, 272, 350  # tops of the lanes
_HEIGHT = 382
_LETTER = 7.2  # px, of a label
_TOP_SPEED = 1.2  # m/s at least, at the top of its lane
_OUTLIERS = 0.99  # of the speeds lie inside the lane; a pop must not flatten the rest
_RANGE = 40.0  # dB of loudness shown
_ROW = 20  # px of a stroke's row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """Seconds to pixels."""

    duration: float  # s
    a_second: float  # px

    @property
    def width(self) -> float:
        return round(LEFT + self.duration * self.a_second + _RIGHT, 1)

    def x(self, time: float) -> float:
        return round(LEFT + float(np.clip(time, 0, self.duration)) * self.a_second, 1)


def scale_of(clip: MotionClip) -> Scale:
    """As wide as the page, or wider where the clip is long: then the timeline scrolls."""
    return Scale(
        duration=clip.duration, a_second=float(np.clip((_FITS - LEFT - _RIGHT) / max(clip.duration, 0.1), *_WIDTHS))
    )


def timeline(
    clip: MotionClip,
    speeds: Array,
    loudness: Array | None,
    closures: Sequence[LipClosure],
    findings: Sequence[Finding],
    hop: float,
) -> str:
    """An SVG. ``speeds`` (T, 2) m/s, left and right wrist; ``loudness`` (n,) dB every ``hop`` s."""
    scale = scale_of(clip)
    parts = [
        f'<svg viewBox="0 0 {scale.width} {_HEIGHT}" width="{scale.width}" height="{_HEIGHT}" role="img" '
        'aria-label="Words, wrist speed over loudness, strokes, jaw opening and lip closures along the clip">',
        *_ruler(scale),
        *_words(clip, scale),
        *_curves(clip, speeds, loudness, scale, hop),
        *_strokes(clip, scale),
        *_jaw(clip, closures, scale),
        *_flags(findings, scale),
        f'<line class="head" x1="{LEFT}" x2="{LEFT}" y1="{_RULER}" y2="{_HEIGHT - 6}"/>',
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def _ruler(scale: Scale) -> list[str]:
    step = 1.0 if scale.a_second >= 90 or scale.duration < 30 else 2.0
    rows = []
    for second in np.arange(0, scale.duration + 1e-6, step):
        x = scale.x(float(second))
        rows.append(f'<line class="tick" x1="{x}" x2="{x}" y1="{_RULER + 14}" y2="{_HEIGHT - 6}"/>')
        rows.append(f'<text class="soft" x="{x + 3}" y="{_RULER + 11}">{second:g} s</text>')
    return rows


def _name(text: str, y: float) -> str:
    return f'<text class="soft" x="10" y="{y}">{text}</text>'


def _words(clip: MotionClip, scale: Scale) -> list[str]:
    rows = [_name("Words", _WORDS + 18)]
    taken = [0.0, 0.0]  # px: how far the labels of each row reach
    for number, word in enumerate(clip.timeline.words):
        left, right = scale.x(word.start), scale.x(word.end)
        row = 0 if taken[0] <= left or taken[0] <= taken[1] else 1
        taken[row] = left + _LETTER * len(word.text) + 8
        y = _WORDS + row * _ROW
        rows.append(
            f"<g><title>{escape(word.text)}, {word.start:.2f} to {word.end:.2f} s</title>"
            f'<rect class="word" data-word="{number}" x="{left}" y="{y}" width="{max(right - left - 1, 1):.1f}" '
            f'height="18" rx="3"/><text x="{left + 3}" y="{y + 13}">{escape(word.text)}</text></g>'
        )
    return rows


def _curves(clip: MotionClip, speeds: Array, loudness: Array | None, scale: Scale, hop: float) -> list[str]:
    tall, base = _STROKES - _SPEED - 14, _STROKES - 14
    top = max(_TOP_SPEED, float(np.quantile(speeds, _OUTLIERS)))
    rows = [
        _name("Wrist speed", _SPEED + 18),
        _name(f"to {top:.1f} m/s", _SPEED + 34),
    ]
    if loudness is not None and len(loudness):
        rows.append(_name("over", _SPEED + 54) + _name("loudness", _SPEED + 70))
        level = np.clip((loudness - loudness.max() + _RANGE) / _RANGE, 0, 1)
        times = np.arange(len(level)) * hop
        kept = times <= clip.duration
        points = _points(scale, times[kept], base - level[kept] * tall)
        rows.append(f'<polygon class="voice" points="{LEFT},{base} {points} {scale.x(clip.duration)},{base}"/>')
    times = np.arange(len(speeds)) / clip.fps
    for hand, name in enumerate(("left", "right")):
        points = _points(scale, times, base - np.minimum(speeds[:, hand] / top, 1) * tall)
        rows.append(f'<polyline class="curve {name}" points="{points}"/>')
    return rows


def _points(scale: Scale, times: Array, heights: Array) -> str:
    return " ".join(f"{scale.x(time)},{height:.1f}" for time, height in zip(times.tolist(), heights.tolist()))


def _strokes(clip: MotionClip, scale: Scale) -> list[str]:
    rows = [_name("Strokes left", _STROKES + 14), _name("right", _STROKES + _ROW + 14)]
    for stroke in clip.timeline.strokes:
        for row, hand in enumerate(("left", "right")):
            if stroke.hand in (hand, "both"):
                rows.append(_stroke(clip, stroke, scale, hand, _STROKES + row * _ROW))
    return rows


def _stroke(clip: MotionClip, stroke: Stroke, scale: Scale, hand: str, y: float) -> str:
    times = (stroke.start, stroke.apex, stroke.hold_end, stroke.end)
    start, apex, held, end = map(scale.x, times)
    words = clip.timeline.words
    said = f" on “{escape(words[stroke.word].text)}”" if 0 <= stroke.word < len(words) else ""
    title = (
        f"{escape(stroke.unit)}, {stroke.hand}{said}: prepares {times[0]:.2f} s, apex {times[1]:.2f} s, "
        f"holds to {times[2]:.2f} s, over at {times[3]:.2f} s"
    )
    return (
        f"<g><title>{title}</title>"
        f'<rect class="bar-{hand} thin" x="{start}" y="{y + 2}" width="{max(end - start, 1):.1f}" height="15" rx="3"/>'
        f'<rect class="bar-{hand}" x="{apex}" y="{y + 2}" width="{max(held - apex, 1):.1f}" height="15"/>'
        f'<line class="apex {hand}" x1="{apex}" x2="{apex}" y1="{y}" y2="{y + 19}"/></g>'
    )


def _jaw(clip: MotionClip, closures: Sequence[LipClosure], scale: Scale) -> list[str]:
    tall, base = _FLAGS - _JAW - 22, _FLAGS - 8
    opened = clip.blendshapes[:, ARKIT_INDEX["jawOpen"]]
    top = max(0.3, float(opened.max(initial=0.0)))
    times = np.arange(len(opened)) / clip.fps
    rows = [
        _name("Jaw opening", base - 34),
        _name("P, B, M", base - 16),
        f'<polyline class="curve jaw" points="{_points(scale, times, base - opened / top * tall)}"/>',
    ]
    for closure in closures:
        x, kind = scale.x(closure.time), "shut" if closure.gap <= SHUT_GAP else "open"
        gap = 1000 * max(closure.gap, 0.0)
        rows.append(
            f"<g><title>{'closed' if kind == 'shut' else 'open'}: {gap:.1f} mm at {closure.time:.2f} s</title>"
            f'<line class="{kind}" x1="{x}" x2="{x}" y1="{base - 6}" y2="{base + 2}"/></g>'
        )
    return rows


def _flags(findings: Sequence[Finding], scale: Scale) -> list[str]:
    flagged = [found for found in findings if found.verdict == "attention" and found.time is not None]
    if not flagged:
        return []
    rows = [_name("Look at", _FLAGS + 22)]
    for found in flagged:
        x, y = scale.x(found.time or 0.0), _FLAGS + 10
        rows.append(
            f"<g><title>{escape(found.title)}: frame {found.frame}</title>"
            f'<path class="flag" d="M{x},{y} l7,14 h-14 z"/></g>'
        )
    return rows
