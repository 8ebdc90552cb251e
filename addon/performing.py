"""Perform and Cancel: the operators behind the button and the scripting door."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import StringProperty

from ..core.errors import Cancelled, DeclaimError, InputError
from . import character, status
from .properties import SETTINGS
from .request import settings_of
from .session import Session

_TICK_S = 0.05


class _Performing:
    """What the two operators share: at once in scripts, beside the artist's work in a window."""

    _session: Session
    _timer: bpy.types.Timer

    def _given(self) -> dict[str, Any]:
        return {}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context) if bpy.app.background else self._begin(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """All at once, for scripts."""
        try:
            session = self._opened(context)
        except DeclaimError as error:
            return status.fail(self, error)
        with _closing(session) as outcome:
            session.run()
        return self._ended(session, outcome.error)

    def _opened(self, context: bpy.types.Context) -> Session:
        try:
            return Session(context, settings_of(context.scene, self._given()))
        except DeclaimError:
            raise
        except Exception as error:
            raise status.unexpected(error) from error

    def _begin(self, context: bpy.types.Context) -> set[str]:
        try:
            self._session = self._opened(context)
        except DeclaimError as error:
            status.STATUS.error = error
            return status.fail(self, error)
        self._timer = context.window_manager.event_timer_add(_TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            status.STATUS.cancel_wanted = True
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if not self._session.step():
                text = f"Declaim: {status.STATUS.text}   {rpt_('Esc stops it')}"
                context.workspace.status_text_set(text)
                return {"PASS_THROUGH"}
            error = None
        except DeclaimError as raised:
            error = raised
        except Exception as raised:  # our own mistake: the artist's work goes on
            error = status.unexpected(raised)
        self._put_away(context, error)
        return self._ended(self._session, error)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends, or loads another file."""
        self._put_away(context, Cancelled())

    def _put_away(self, context: bpy.types.Context, error: DeclaimError | None) -> None:
        self._session.close(error)
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace:
            context.workspace.status_text_set(None)

    def _ended(self, session: Session, error: DeclaimError | None) -> set[str]:
        if error is None:
            self.report({"WARNING"} if session.warnings else {"INFO"}, session.summary())
            return {"FINISHED"}
        if (session.added or session.done) and not bpy.app.background:
            bpy.ops.ed.undo_push(message="Perform")  # what landed before the end can be undone
        if isinstance(error, Cancelled):
            self.report({"INFO"}, str(error))
            return {"CANCELLED"}
        return status.fail(self, error)


@dataclasses.dataclass
class _Outcome:
    error: DeclaimError | None = None


@contextlib.contextmanager
def _closing(session: Session) -> Iterator[_Outcome]:
    outcome = _Outcome()
    try:
        yield outcome
    except DeclaimError as error:
        outcome.error = error
    except Exception as error:
        outcome.error = status.unexpected(error)
    finally:
        session.close(outcome.error)


def _idle(kind: type[bpy.types.Operator]) -> bool:
    if status.STATUS.busy:
        kind.poll_message_set("Declaim is at work: wait, or cancel it")
        return False
    return True


class DECLAIM_OT_perform(_Performing, bpy.types.Operator):
    """Perform a voice: the scripting door. What is not given is taken from the panel"""

    bl_idname = "declaim.perform"
    bl_label = "Perform Voice"
    bl_description = "Perform a voice with the character. What a script does not give is taken from the panel"
    bl_options = {"UNDO"}

    __annotations__ = {
        **SETTINGS,
        "character": StringProperty(
            name="Character", description="Name of the armature object; empty adds the built-in avatar"
        ),
        "generator": StringProperty(name="Generator", description="What moves body, hands, head and face"),
        "mouth": StringProperty(name="Lips", description="What moves the mouth"),
        "transcriber": StringProperty(name="Hearing", description="What finds the words and sounds"),
        "style": StringProperty(name="Style", description="The manner of the performance, for generators that have styles"),
        "parameters": StringProperty(
            name="Parameters", description='Sliders of the generators as JSON, as in {"gesture": {"energy": 1.5}}'
        ),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _idle(cls)

    def _given(self) -> dict[str, Any]:
        names = [*SETTINGS, "character", "generator", "mouth", "transcriber", "style"]
        given = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        if self.properties.is_property_set("parameters"):
            given["parameters"] = _read_parameters(self.parameters)
        return given


def _read_parameters(text: str) -> dict[str, dict[str, Any]]:
    try:
        values = json.loads(text or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(row, dict) for row in values.values()):
        raise InputError(
            "The parameters are not JSON of plugins and their values.", hint='Write them as {"gesture": {"energy": 1.5}}.'
        )
    return values


class DECLAIM_OT_perform_panel(_Performing, bpy.types.Operator):
    """Perform with the panel's settings"""

    bl_idname = "declaim.perform_panel"
    bl_label = "Perform"
    bl_description = "Perform the voice with the character"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not _idle(cls):
            return False
        if reason := missing(context.scene):
            cls.poll_message_set(reason)
            return False
        return True


def missing(scene: bpy.types.Scene) -> str:
    """What keeps the panel's settings from being performed, in one sentence; empty where nothing does."""
    panel = scene.declaim
    if panel.voice_source == "FILE" and not panel.voice:
        return rpt_("Choose a voice first")
    if panel.voice_source == "STRIP" and not panel.strip:
        return rpt_("Choose a sound strip first")
    if panel.voice_source == "FOLDER" and not panel.folder:
        return rpt_("Choose a folder of recordings first")
    return character.problem(panel.character) if panel.character else ""


class DECLAIM_OT_cancel(bpy.types.Operator):
    """Stop performing"""

    bl_idname = "declaim.cancel"
    bl_label = "Cancel"
    bl_description = "Stop performing; nothing is written"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not status.STATUS.busy:
            cls.poll_message_set("Nothing is being performed")
        return status.STATUS.busy

    def execute(self, context: bpy.types.Context) -> set[str]:
        status.STATUS.cancel_wanted = True
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_perform, DECLAIM_OT_perform_panel, DECLAIM_OT_cancel)
