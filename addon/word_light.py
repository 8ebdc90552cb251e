"""Which word of the strip is lit: the one at the playhead.

While it plays, Blender moves the playhead over these editors without drawing them again. Timelines, which are quick to draw, are
drawn again when the next word begins; in the others no word is lit until it stops, for a stale one would mislead.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import words

_EDITORS = {"DOPESHEET_EDITOR", "GRAPH_EDITOR", "NLA_EDITOR"}


class _Playback:
    runs = False
    spoken = -1  # the word that was lit last


def lit(context: bpy.types.Context, rows: words.Table) -> int:
    """Index of the word to light; -1 for none."""
    if _Playback.runs and not _is_timeline(context.space_data):
        return -1
    return rows.spoken(context.scene.frame_current_final)


def _is_timeline(space: Any) -> bool:
    return bool(space.type == "DOPESHEET_EDITOR" and space.mode == "TIMELINE")


def _redraw(timelines_only: bool) -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _EDITORS and (not timelines_only or _is_timeline(area.spaces.active)):
                for region in area.regions:
                    if region.type == "WINDOW":
                        region.tag_redraw()


@persistent
def _begun(*_: Any) -> None:
    _Playback.runs = True
    _redraw(timelines_only=False)


@persistent
def _ended(*_: Any) -> None:
    _Playback.runs = False
    _redraw(timelines_only=False)


@persistent
def _frame_changed(scene: bpy.types.Scene, *_: Any) -> None:
    if not _Playback.runs or bpy.app.is_job_running("RENDER") or not scene.declaim.show_words:
        return
    take = words.shown_take(bpy.context)
    spoken = -1 if take is None else words.table(take).spoken(scene.frame_current_final)
    if spoken != _Playback.spoken:
        _Playback.spoken = spoken
        _redraw(timelines_only=True)


_HANDLERS = {"animation_playback_pre": _begun, "animation_playback_post": _ended, "frame_change_post": _frame_changed}


def register() -> None:
    if not bpy.app.background:
        for name, handler in _HANDLERS.items():
            getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS.items():
        if handler in getattr(bpy.app.handlers, name):
            getattr(bpy.app.handlers, name).remove(handler)
    _Playback.runs, _Playback.spoken = False, -1
