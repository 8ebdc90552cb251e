"""A contact sheet: 12 moments of a performance with their words and times. ``in_blender`` runs inside Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.clip import MotionClip
from ..core.report import Report
from ..core.timeline import KeyPose, Stroke
from .blender_job import Channel, Shot, Task
from .character import Character, Performance
from .formats import Take

COLUMNS, ROWS = 4, 3
_CELL = (400, 420)  # pixels
_CAPTION = 60
_GAP = 12


def maker(take: Take, title: str, place: Path) -> Sheet:
    return Sheet(take, title, place)


def in_blender(character: Character, performance: Performance, task: Task, channel: Channel) -> None:
    """A picture of each of the task's frames, from the thighs up."""
    from .blender_stage import studio, take_pictures
    from .framing import Framing

    scene = studio(character, performance, samples=8)
    view = Framing(character, performance).upper_body(_CELL)
    for count, (frame, pictures) in enumerate(take_pictures(scene, [view], task.frames, task.place, len(task.frames))):
        channel.stage(f"Rendering moment {count + 1} of {len(task.frames)}", (count + 1) / len(task.frames))
        channel.shot(task, frame, pictures, [])


def moments(clip: MotionClip) -> list[int]:
    """Up to 12 frames in order: where strokes and key poses strike, the surest first; then words; then even ones."""
    wanted = COLUMNS * ROWS
    timeline = clip.timeline
    strikes: list[KeyPose | Stroke] = sorted(
        [*timeline.key_poses, *timeline.strokes], key=lambda item: (-item.confidence, item.start)
    )
    groups = [
        _spread([item.apex for item in strikes if item.confidence >= strikes[0].confidence - 1e-6], wanted)
        if strikes
        else [],
        [item.apex for item in strikes],
        _spread([(word.start + word.end) / 2 for word in timeline.words], wanted),
        [(number + 0.5) * clip.duration / wanted for number in range(wanted)],
        [number / clip.fps for number in range(len(clip))],
    ]
    chosen: list[int] = []
    for closest in (max(1, round(0.25 * clip.fps)), 1):
        for time in (time for group in groups for time in group):
            frame = min(len(clip) - 1, max(0, round(time * clip.fps)))
            if len(chosen) < wanted and all(abs(frame - other) >= closest for other in chosen):
                chosen.append(frame)
    return sorted(chosen)


def _spread(times: list[float], count: int) -> list[float]:
    """At most ``count`` of ``times``, evenly from first to last."""
    if len(times) <= count:
        return times
    return [times[round(number * (len(times) - 1) / (count - 1))] for number in range(count)]


def word_at(clip: MotionClip, frame: int) -> str:
    """The word that ``frame`` belongs to: that of a stroke or key pose which strikes there, else the one being said."""
    time, words = frame / clip.fps, clip.timeline.words
    strikes: list[KeyPose | Stroke] = [*clip.timeline.key_poses, *clip.timeline.strokes]
    for item in strikes:
        if abs(item.apex - time) <= 0.5 / clip.fps + 1e-9 and 0 <= item.word < len(words):
            return words[item.word].text
    return next((word.text for word in words if word.start <= time < word.end), "")


class Sheet:
    """The parent's side: pictures into cells, captions beneath."""

    def __init__(self, take: Take, title: str, place: Path) -> None:
        self._clip = take.clip
        self._cells: list[tuple[int, Any]] = []
        self.task = Task(format="png", place=place, title=title, frames=tuple(moments(take.clip)))

    def take(self, shot: Shot) -> None:
        from . import pictures

        self._cells.append((shot.frame, pictures.composed(shot.pictures[0], *_CELL, shot.shadows).convert("RGB")))
        shot.pictures[0].unlink()

    def finish(self, path: Path, report: Report) -> None:
        from PIL import Image, ImageDraw

        from .pictures import FAINT, INK, PAPER, font

        wide, high = _CELL[0] + _GAP, _CELL[1] + _CAPTION + _GAP
        rows = -(-len(self._cells) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * wide + _GAP, rows * high + _GAP), PAPER)
        draw = ImageDraw.Draw(sheet)
        for number, (frame, picture) in enumerate(self._cells):
            left, top = _GAP + number % COLUMNS * wide, _GAP + number // COLUMNS * high
            sheet.paste(picture, (left, top))
            word, time = word_at(self._clip, frame), f"{frame / self._clip.fps:.2f} s"
            base = top + _CELL[1] + 40
            draw.text((left + _CELL[0] - 4, base), time, FAINT, font(time, 22), "rs")
            if word:
                draw.text((left + 4, base), _fitted(draw, word, _CELL[0] - 110), INK, font(word, 30), "ls")
        sheet.save(path)

    def close(self) -> None:
        pass


def _fitted(draw: Any, word: str, width: int) -> str:
    from .pictures import font

    text = word
    while len(text) > 1 and draw.textlength(text, font(word, 30)) > width:
        text = text[:-2] + "…"
    return text
