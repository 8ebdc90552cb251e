"""The words of a take: filled from its timeline, listed and jumped to."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import BoolProperty, EnumProperty, IntProperty

_KEPT_TABLES = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A take's words in frames of the scene. Lists of one length, sorted by start."""

    names: list[str]
    starts: list[float]
    ends: list[float]
    frames: list[int]  # where the playhead goes: the frame nearest to the start, each word one of its own
    strokes: list[bool]
    apexes: list[float]  # frame on which the stroke strikes; 0 where there is none
    units: list[str]
    unsure: list[bool]

    def at(self, frame: float) -> int:
        """The last word that has begun at ``frame``; -1 before the first."""
        return bisect_right(self.frames, frame) - 1

    def spoken(self, frame: float) -> int:
        """The word that is being spoken at ``frame``; -1 in a pause."""
        index = self.at(frame)
        return index if index >= 0 and frame < max(self.ends[index], self.frames[index] + 1) else -1


_tables: dict[tuple[Any, ...], Table] = {}
_version = 0  # of the words of all takes: raised where they may have changed


def touch() -> None:
    """Words have changed: tables are made anew."""
    global _version
    _version += 1
    _tables.clear()


def fill(take: Any, timeline: Any) -> None:
    """Write the words of a ``core.timeline.Timeline``, and what strikes on them, into a take."""
    take.words.clear()
    strikes: dict[int, Any] = {}
    for item in (*timeline.key_poses, *timeline.strokes):  # a key pose that the artist placed goes before a gesture
        strikes.setdefault(item.word if item.word >= 0 else _word_at(timeline.words, item.apex), item)
    for number, word in enumerate(timeline.words):
        row = take.words.add()
        row.name, row.start, row.end, row.unsure = word.text, word.start, word.end, word.unsure
        strike = strikes.get(number)
        if strike is not None:
            row.stroke, row.apex = True, strike.apex
            row.unit = getattr(strike, "unit", "") or getattr(strike, "name", "")
    touch()


def _word_at(spoken: tuple[Any, ...], time: float) -> int:
    """The word whose sound covers ``time``; -1 in a pause."""
    index = bisect_right(spoken, time, key=lambda word: word.start) - 1
    return index if index >= 0 and time < spoken[index].end else -1


def table(take: Any) -> Table:
    """The take's words in frames; kept until something changes."""
    words = take.words
    scale, offset = placing(take)
    last = words[-1].end if len(words) else 0.0
    key = (take.id_data.session_uid, take.as_pointer(), len(words), take.name, last, scale, offset, _version)
    found = _tables.get(key)
    if found is None:
        while len(_tables) >= _KEPT_TABLES:
            del _tables[next(iter(_tables))]
        found = _tables[key] = _made_table(words, scale, offset)
    return found


def _made_table(words: Any, scale: float, offset: float) -> Table:
    starts = [word.start * scale + offset for word in words]
    frames: list[int] = []
    for start in starts:
        frames.append(max(round(start), frames[-1] + 1) if frames else round(start))
    return Table(
        names=[word.name for word in words],
        starts=starts,
        ends=[word.end * scale + offset for word in words],
        frames=frames,
        strokes=[word.stroke for word in words],
        apexes=[word.apex * scale + offset if word.stroke else 0.0 for word in words],
        units=[word.unit for word in words],
        unsure=[word.unsure for word in words],
    )


def placing(take: Any) -> tuple[float, float]:
    """``(scale, offset)``: frame = second * scale + offset. A take on an NLA strip goes where the artist slid the strip."""
    animation = take.id_data.animation_data
    if animation is not None and take.action is not None and animation.action != take.action:
        for track in animation.nla_tracks:
            for strip in track.strips:
                if strip.action == take.action:
                    slip = strip.frame_start - strip.action_frame_start * strip.scale
                    return take.fps * strip.scale, take.start * strip.scale + slip
    return take.fps, take.start


def shown_take(context: bpy.types.Context) -> Any:
    """The take whose words are shown, or None."""
    from . import takes  # which fills its takes through this module

    take = takes.active_take(takes.active_character(context))
    return take if take is not None and len(take.words) else None


def chosen(context: bpy.types.Context) -> int:
    """The row of the list that is chosen: the word at the playhead, so the list follows without keeping anything."""
    take = shown_take(context)
    return -1 if take is None else table(take).at(context.scene.frame_current)


def choose(context: bpy.types.Context, index: int) -> None:
    """A row was clicked: the playhead jumps there."""
    take = shown_take(context)
    frames = [] if take is None else table(take).frames
    if 0 <= index < len(frames):
        context.scene.frame_current = frames[index]


class DECLAIM_UL_words(bpy.types.UIList):
    """Time, word, and the gesture that strikes on it."""

    bl_idname = "DECLAIM_UL_words"

    strokes_only: BoolProperty(name="Strokes Only", description="Show only words that a gesture strikes on")

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active_data: Any, active_property: str, index: int
    ) -> None:
        split = layout.split(factor=0.17)
        time = split.row()
        time.active = False
        time.label(text=_clock(item.start), translate=False)
        split = split.split(factor=0.62)
        name = f"{item.name}?" if item.unsure else item.name
        split.label(text=name, icon="DECORATE_KEYFRAME" if item.stroke else "BLANK1", translate=False)
        split.label(text=unit_title(item.unit), translate=False)

    def draw_filter(self, context: Any, layout: Any) -> None:
        row = layout.row(align=True)
        row.prop(self, "filter_name", text="", icon="VIEWZOOM")
        row.prop(self, "strokes_only", text="", icon="DECORATE_KEYFRAME")

    def filter_items(self, context: Any, data: Any, propname: str) -> tuple[list[int], list[int]]:
        if not self.filter_name.strip() and not self.strokes_only:
            return [], []
        shown = matches(table(data), self.filter_name, self.strokes_only)
        return [self.bitflag_filter_item if keep else 0 for keep in shown], []


def matches(rows: Table, text: str, strokes_only: bool) -> list[bool]:
    """Which words the list shows: those with ``text`` in them or in their gesture's name."""
    wanted = text.strip().casefold()
    return [
        (stroke or not strokes_only) and (wanted in name.casefold() or wanted in unit_title(unit).casefold())
        for name, stroke, unit in zip(rows.names, rows.strokes, rows.units, strict=True)
    ]


def _clock(seconds: float) -> str:
    """As short as it can be: sidebars are narrow."""
    minutes, rest = divmod(round(seconds, 1), 60.0)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.1f}"


def unit_title(unit: str) -> str:
    """A gesture's id for people to read."""
    return unit.replace("_", " ").replace(".", " ").strip()


def draw(layout: Any, context: bpy.types.Context) -> None:
    """The word list with its buttons, for a panel."""
    take = shown_take(context)
    if take is None:
        layout.label(text="No words yet", icon="INFO")
        return
    row = layout.row()
    row.template_list("DECLAIM_UL_words", "", take, "words", context.scene.declaim, "word", rows=6)
    column = row.column(align=True)
    for strokes, direction, icon in (
        (False, "PREVIOUS", "TRIA_UP"),
        (False, "NEXT", "TRIA_DOWN"),
        (True, "PREVIOUS", "PREV_KEYFRAME"),
        (True, "NEXT", "NEXT_KEYFRAME"),
    ):
        if strokes and direction == "PREVIOUS":
            column.separator()
        button = column.operator("declaim.word_jump", text="", icon=icon)
        button.direction, button.strokes = direction, strokes
    column = layout.column(align=True)
    column.prop(context.scene.declaim, "show_words")
    row = column.row(align=True)
    row.operator("declaim.words_to_markers", icon="MARKER_HLT")
    row.operator("declaim.word_markers_remove", text="", icon="X")


class OnWords:
    """Operators on the words of the take in use."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if shown_take(context) is None:
            cls.poll_message_set("No take with words is in use: perform a voice first")
            return False
        return True


class DECLAIM_OT_word_jump(OnWords, bpy.types.Operator):
    """Playhead to a word"""

    bl_idname = "declaim.word_jump"
    bl_label = "Jump to Word"
    bl_options = {"UNDO_GROUPED"}
    bl_undo_group = "Frame Change"

    direction: EnumProperty(
        name="Direction",
        items=(("NEXT", "Next", "The next word"), ("PREVIOUS", "Previous", "The word before")),
    )
    strokes: BoolProperty(name="Strokes", description="Stop only at words that a gesture strikes on")
    index: IntProperty(
        name="Word", description="Number of the word to jump to; -1 takes the next or previous one", default=-1, min=-1
    )

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        if properties.index >= 0:
            return rpt_("Move the playhead to this word")
        if properties.strokes:
            forward, backward = "Move the playhead to the next stroke", "Move the playhead to the stroke before"
        else:
            forward, backward = "Move the playhead to the next word", "Move the playhead to the word before"
        return rpt_(forward if properties.direction == "NEXT" else backward)

    def execute(self, context: bpy.types.Context) -> set[str]:
        rows, frame = table(shown_take(context)), context.scene.frame_current
        if self.index >= len(rows.frames):
            self.report({"ERROR"}, rpt_("The take has {count} words only").format(count=len(rows.frames)))
            return {"CANCELLED"}
        if self.index >= 0:
            target = rows.frames[self.index]
        else:
            stops = [at for at, stroke in zip(rows.frames, rows.strokes, strict=True) if stroke or not self.strokes]
            ahead = [at for at in stops if (at > frame if self.direction == "NEXT" else at < frame)]
            if not ahead:
                self.report({"INFO"}, rpt_("No such word in this direction"))
                return {"CANCELLED"}
            target = ahead[0] if self.direction == "NEXT" else ahead[-1]
        context.scene.frame_current = target
        return {"FINISHED"}


CLASSES = (DECLAIM_UL_words, DECLAIM_OT_word_jump)


@persistent
def _changed(*_: Any) -> None:
    touch()


_HANDLERS = ("undo_post", "redo_post", "load_post")


def register() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_changed)


def unregister() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_changed)
    touch()
