"""The words of the take in use, drawn along the bottom of timeline, dope sheet, graph and NLA editors.

Boxes are drawn by one small shader from vertices that hold frames, so panning and zooming change two numbers and a take of
five thousand words is uploaded once. Only texts are laid out at each draw, and only those that can be seen.
"""

from __future__ import annotations

import dataclasses
import itertools
from bisect import bisect_left, bisect_right
from typing import Any

import blf
import bpy

from . import status, word_boxes, word_light, words

# Lengths in Blender's interface units: they grow with the resolution scale.
_BOX_HEIGHT, _BAR_HEIGHT, _RADIUS, _GAP, _PADDING, _DOT = 18.0, 4.0, 3.5, 1.0, 2.5, 7.0
_SCROLLER, _MARKERS, _SCRUBBING = 9.0, 42.0, 24.0  # what Blender itself draws at the bottom and the top of such editors
_LEAST_BOX, _LEAST_TEXT = 6.0, 9.0  # narrower boxes have no rims; stay blank
_SPACES = ("SpaceDopeSheetEditor", "SpaceGraphEditor", "SpaceNLA")
_MODES = {"TIMELINE", "DOPESHEET", "ACTION", "SHAPEKEY", "FCURVES"}
_MENUS = ("DOPESHEET_MT_view", "GRAPH_MT_view", "NLA_MT_view", "TIME_MT_view")
_MARKER_MENUS = ("DOPESHEET_MT_marker", "GRAPH_MT_marker", "NLA_MT_marker", "TIME_MT_marker")

Colour = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Palette:
    """Colours of the theme."""

    plain: Colour
    plain_text: Colour
    strike: Colour
    strike_text: Colour
    rim: Colour


class _Strip:
    """What is kept between draws."""

    def __init__(self) -> None:
        self.shader: Any = None
        self.rows: words.Table | None = None  # what the batches were made of
        self.boxes: Any = None
        self.dots: Any = None
        self.strikes: list[int] = []  # indices of words with a stroke
        self.longest = 0.0  # frames of the longest word
        self.step = 0.0  # frames from stroke to stroke, the median
        self.text_size = 0.0
        self.widths: dict[str, list[float]] = {}  # px of a text's beginnings of 1, 2, 3… letters
        self.broken = False


_strip = _Strip()
_handles: list[tuple[Any, Any]] = []


def _draw() -> None:
    """Called by Blender for each animation editor. Our own mistake switches the strip off and is kept in the log."""
    context = bpy.context
    if _strip.broken or context.region is None or not _wanted(context):
        return
    take = words.shown_take(context)
    if take is None:
        return
    try:
        _draw_words(context, words.table(take))
    except Exception as error:
        _strip.broken = True
        status.unexpected(error)


def _wanted(context: bpy.types.Context) -> bool:
    space = context.space_data
    overlays = getattr(space, "overlays", None)  # dope sheets of 5.x
    return (
        context.scene.declaim.show_words
        and getattr(space, "mode", "TIMELINE") in _MODES
        and getattr(overlays, "show_overlays", True)
    )


def _draw_words(context: bpy.types.Context, rows: words.Table) -> None:
    import gpu

    region, scale = context.region, context.preferences.system.ui_scale
    markers = len(context.scene.timeline_markers) and getattr(context.space_data, "show_markers", True)
    low = round((_MARKERS if markers else _SCROLLER) * scale)
    high = low + round(_BOX_HEIGHT * scale)
    is_low = high + (_DOT + _SCRUBBING) * scale > region.height  # a timeline of one row: bars below its numbers
    if is_low:
        low, high = 0, round(_BAR_HEIGHT * scale)
    left, right = (region.view2d.region_to_view(x, 0)[0] for x in (0, region.width))
    per_frame = region.width / (right - left)  # px
    first = bisect_left(rows.ends, left)
    last = bisect_left(rows.starts, right)
    if first >= last:
        return
    if _strip.rows is not rows:
        _upload(rows)
    palette = _palette(context)
    view = (left, per_frame, region.width, region.height)
    shader = _strip.shader
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("view", view)
    is_fine = is_low or _strip.longest * per_frame < _LEAST_BOX * scale  # nothing but rims would be seen
    shader.uniform_float("box", (low, high, _RADIUS * scale, 0.0 if is_fine else _GAP * scale))
    shader.uniform_float("plain", palette.plain)
    shader.uniform_float("strike", palette.strike)
    shader.uniform_float("rim", palette.rim)
    shader.uniform_float("rimWidth", 0.0 if is_fine else max(1.0, round(scale)))
    _strip.boxes.draw_range(shader, elem_start=first * 6, elem_count=(last - first) * 6)
    spoken = word_light.lit(context, rows)
    if first <= spoken < last:  # the word at the playhead: its colours the other way round
        shader.uniform_float("plain", palette.plain_text)
        shader.uniform_float("strike", palette.strike_text)
        _strip.boxes.draw_range(shader, elem_start=spoken * 6, elem_count=6)
    if not is_low:
        _draw_dots(palette, per_frame, high, scale, first, last)
    gpu.state.blend_set("NONE")
    if not is_low:
        _draw_texts(context, rows, palette, spoken, (left, per_frame), (low, high), (first, last))


def _draw_dots(palette: _Palette, per_frame: float, high: float, scale: float, first: int, last: int) -> None:
    """A dot above the box where the stroke strikes, unless they would run together."""
    shader, size = _strip.shader, _DOT * scale
    first, last = bisect_left(_strip.strikes, first), bisect_left(_strip.strikes, last)
    if first == last or _strip.step * per_frame < size:
        return
    shader.uniform_float("box", (high + scale, high + scale + size, size / 2, -size))
    shader.uniform_float("strike", palette.strike)
    shader.uniform_float("rim", palette.strike_text)
    shader.uniform_float("rimWidth", scale)
    _strip.dots.draw_range(shader, elem_start=first * 6, elem_count=(last - first) * 6)


def _draw_texts(
    context: bpy.types.Context,
    rows: words.Table,
    palette: _Palette,
    spoken: int,
    view: tuple[float, float],  # left frame, px a frame
    box: tuple[float, float],  # low and high, px
    seen: tuple[int, int],
) -> None:
    scale, (left, per_frame), (first, last) = context.preferences.system.ui_scale, view, seen
    least, padding = _LEAST_TEXT * scale, _PADDING * scale
    if per_frame * _strip.longest < least:
        return
    _set_font(context, scale)
    baseline = round(box[0] + (box[1] - box[0]) / 2 - _strip.text_size * 0.34)
    for i in range(first, last):
        room = (rows.ends[i] - rows.starts[i]) * per_frame
        if room < least:
            continue
        text, taken = fitted(f"{rows.names[i]}?" if rows.unsure[i] else rows.names[i], room - 2 * padding)
        if not text:
            continue
        if i == spoken:
            colour = palette.strike if rows.strokes[i] else palette.plain
        else:
            colour = palette.strike_text if rows.strokes[i] else palette.plain_text
        blf.color(0, *colour)
        blf.position(0, round((rows.starts[i] - left) * per_frame + (room - taken) / 2), baseline, 0)
        blf.draw(0, text)


def _set_font(context: bpy.types.Context, scale: float) -> None:
    size = 0.93 * context.preferences.ui_styles[0].widget.points * scale
    blf.size(0, size)
    if size != _strip.text_size:
        _strip.text_size = size
        _strip.widths.clear()


def fitted(text: str, room: float) -> tuple[str, float]:
    """``text`` or as much of its beginning as fits into ``room`` px, with its width."""
    widths = _strip.widths.get(text)
    if widths is None:  # of each beginning: measured once, whatever the zoom
        widths = _strip.widths[text] = [blf.dimensions(0, text[: n + 1])[0] for n in range(len(text))]
    fitting = bisect_right(widths, room)
    if fitting < max(1, min(2, len(text))):  # a first letter alone says nothing
        return "", 0.0
    return text[:fitting], widths[fitting - 1]


def _palette(context: bpy.types.Context) -> _Palette:
    widgets = context.preferences.themes[0].user_interface.wcol_regular

    def rgb(colour: Any, alpha: float = 1.0) -> Colour:
        return (colour[0], colour[1], colour[2], alpha)

    return _Palette(
        plain=rgb(widgets.inner, 0.9),
        plain_text=rgb(widgets.text),
        strike=rgb(widgets.inner_sel),
        strike_text=rgb(widgets.text_sel),
        rim=rgb(widgets.outline),
    )


def _upload(rows: words.Table) -> None:
    """The take's boxes and dots to the graphics card, two triangles each."""
    if _strip.shader is None:
        _strip.shader = word_boxes.made_shader()
    _strip.strikes = [i for i, stroke in enumerate(rows.strokes) if stroke]
    spans = list(zip(rows.starts, rows.ends, strict=True))
    _strip.boxes = word_boxes.batch(_strip.shader, spans, [float(stroke) for stroke in rows.strokes])
    struck = [(rows.apexes[i],) * 2 for i in _strip.strikes]
    _strip.dots = word_boxes.batch(_strip.shader, struck, [1.0] * len(struck)) if struck else None
    _strip.longest = max(end - start for start, end in spans)
    steps = sorted(rows.apexes[b] - rows.apexes[a] for a, b in itertools.pairwise(_strip.strikes))
    _strip.step = steps[len(steps) // 2] if steps else float("inf")
    _strip.rows = rows


def _draw_view_menu(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.prop(context.scene.declaim, "show_words")


def _draw_marker_menu(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("declaim.words_to_markers")
    self.layout.operator("declaim.word_markers_remove")


def register() -> None:
    if not bpy.app.background:
        for name in _SPACES:
            space = getattr(bpy.types, name)
            _handles.append((space, space.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")))
    for names, draw in ((_MENUS, _draw_view_menu), (_MARKER_MENUS, _draw_marker_menu)):
        for name in names:
            if hasattr(bpy.types, name):
                getattr(bpy.types, name).append(draw)


def unregister() -> None:
    global _strip
    for names, draw in ((_MENUS, _draw_view_menu), (_MARKER_MENUS, _draw_marker_menu)):
        for name in names:
            if hasattr(bpy.types, name):
                getattr(bpy.types, name).remove(draw)
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")
    _strip = _Strip()
