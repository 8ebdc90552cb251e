"""Markers at the words of the take in use."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty

from . import words

# Markers of ours are known by how their names begin, so an artist's own are never touched; one that is renamed is his.
WORD_MARKER, STROKE_MARKER = "· ", "● "


def _own_markers(scene: bpy.types.Scene) -> list[Any]:
    """Markers that we made; one that was given a camera is the artist's."""
    return [
        marker
        for marker in scene.timeline_markers
        if marker.name.startswith((WORD_MARKER, STROKE_MARKER)) and marker.camera is None
    ]


def _markers_locked(operator: Any, context: bpy.types.Context) -> bool:
    if context.tool_settings.lock_markers:
        operator.poll_message_set("Markers are locked: see the Marker menu")
        return True
    return False


class DECLAIM_OT_words_to_markers(words.OnWords, bpy.types.Operator):
    """Markers at the words"""

    bl_idname = "declaim.words_to_markers"
    bl_label = "Words to Markers"
    bl_description = "Put a marker at each word, in place of those made before; words with a stroke are selected and dotted"
    bl_options = {"REGISTER", "UNDO"}

    strokes_only: BoolProperty(name="Strokes Only", description="Only words that a gesture strikes on")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return not _markers_locked(cls, context) and super().poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        markers, rows = context.scene.timeline_markers, words.table(words.shown_take(context))
        for marker in _own_markers(context.scene):
            markers.remove(marker)
        for marker in markers:
            marker.select = False
        for name, frame, stroke in zip(rows.names, rows.frames, rows.strokes, strict=True):
            if stroke or not self.strokes_only:
                markers.new((STROKE_MARKER if stroke else WORD_MARKER) + name, frame=frame).select = stroke
        return {"FINISHED"}


class DECLAIM_OT_word_markers_remove(bpy.types.Operator):
    """No markers at words"""

    bl_idname = "declaim.word_markers_remove"
    bl_label = "Remove Word Markers"
    bl_description = "Remove the markers that Words to Markers made; other markers stay"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _markers_locked(cls, context):
            return False
        if not _own_markers(context.scene):
            cls.poll_message_set("No markers at words are there")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        for marker in _own_markers(context.scene):
            context.scene.timeline_markers.remove(marker)
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_words_to_markers, DECLAIM_OT_word_markers_remove)
