"""A character's takes: put in use, compared, renamed, deleted, made again with another seed."""

from __future__ import annotations

import json
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import IntProperty

from ..core.errors import DeclaimError, InputError
from . import character, landing, status, words
from .properties import DeclaimTake


def active_character(context: bpy.types.Context) -> bpy.types.Object | None:
    """The character whose takes are shown: the scene's, or the selected one where it has takes."""
    chosen = context.scene.declaim.character
    active = context.active_object
    if active is not None and active.type == "ARMATURE" and (chosen is None or len(active.declaim.takes)):
        return active
    return chosen


def active_take(rig: bpy.types.Object | None) -> DeclaimTake | None:
    if rig is None or not 0 <= rig.declaim.take < len(rig.declaim.takes):
        return None
    return rig.declaim.takes[rig.declaim.take]


def add(rig: bpy.types.Object, landed: landing.Landed, clip: Any, options: landing.Landing) -> DeclaimTake:
    """A row for what has landed."""
    from ..core.clip_file import record_of

    take = rig.declaim.takes.add()
    take.name = landed.action.name
    take.action, take.face_action = landed.action, landed.face_action
    take.start, take.fps, take.duration = options.start_frame, options.fps, clip.duration
    take.mouth_written = options.mouth_strength
    take.record = json.dumps(record_of(clip), sort_keys=True)
    words.fill(take, clip.timeline)
    return take


def use(rig: bpy.types.Object, index: int) -> None:
    """Put a take in use: its action on the armature and its shapes, or its NLA strip unmuted."""
    data = rig.declaim
    take = data.takes[index]
    if take.action is None:
        raise InputError(f'The action of the take "{take.name}" is gone.', hint="Delete the take, or undo.")
    others = [row for number, row in enumerate(data.takes) if number != index]
    landing.use(rig, take.action, take.face_action, [row.action for row in others if row.action])
    data.previous = data.take
    data.take = index
    _scale_mouth(rig, take)


def rescale_mouths(rig: bpy.types.Object) -> None:
    """Bring every take's mouth to the character's mouth strength."""
    for take in rig.declaim.takes:
        _scale_mouth(rig, take)


def _scale_mouth(rig: bpy.types.Object, take: DeclaimTake) -> None:
    strength = rig.declaim.mouth_strength
    if take.action is not None and strength != take.mouth_written:
        landing.rescale_mouth(rig, take.action, take.face_action, strength / take.mouth_written)
        take.mouth_written = strength


class _OnTake:
    """Operators on one take of the active character."""

    index: IntProperty(name="Take", description="Number of the take; -1 is the one in use", default=-1, min=-1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = active_character(context)
        if rig is None or not len(rig.declaim.takes):
            cls.poll_message_set("The character has no takes yet")
            return False
        if reason := character.problem(rig):
            cls.poll_message_set(reason)
            return False
        return True

    def _take(self, context: bpy.types.Context) -> tuple[bpy.types.Object, int]:
        rig = active_character(context)
        assert rig is not None  # poll
        index = rig.declaim.take if self.index < 0 else self.index
        if index >= len(rig.declaim.takes):
            raise InputError(f"There is no take {index}.", hint=f"{rig.name} has {len(rig.declaim.takes)} takes.")
        return rig, index

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self._do(context, *self._take(context))
        except DeclaimError as error:
            return status.fail(self, error)
        status.redraw()
        return {"FINISHED"}


class DECLAIM_OT_take_use(_OnTake, bpy.types.Operator):
    """Put this take in use"""

    bl_idname = "declaim.take_use"
    bl_label = "Use Take"
    bl_description = "Put this take on the character"
    bl_options = {"REGISTER", "UNDO"}

    def _do(self, context: bpy.types.Context, rig: bpy.types.Object, index: int) -> None:
        use(rig, index)


class DECLAIM_OT_take_compare(_OnTake, bpy.types.Operator):
    """Back and forth between two takes"""

    bl_idname = "declaim.take_compare"
    bl_label = "Compare"
    bl_description = "Switch between the take in use and the one before it, to compare them at the same frame"
    bl_options = {"REGISTER", "UNDO"}

    def _do(self, context: bpy.types.Context, rig: bpy.types.Object, index: int) -> None:
        count = len(rig.declaim.takes)
        if count < 2:
            raise InputError("There is only one take.", hint="Make another with New Seed.")
        previous = rig.declaim.previous
        if previous == rig.declaim.take or not 0 <= previous < count:
            previous = (rig.declaim.take + 1) % count
        use(rig, previous)


class DECLAIM_OT_take_delete(_OnTake, bpy.types.Operator):
    """Delete the take and its action"""

    bl_idname = "declaim.take_delete"
    bl_label = "Delete Take"
    bl_description = "Delete this take and its action"
    bl_options = {"REGISTER", "UNDO"}

    def _do(self, context: bpy.types.Context, rig: bpy.types.Object, index: int) -> None:
        data = rig.declaim
        take = data.takes[index]
        for action in (take.action, take.face_action):
            if action is not None:
                landing.discard(rig, action)
        data.takes.remove(index)
        data.previous = -1
        if data.take >= index:
            data.take = max(0, data.take - 1)
        if len(data.takes) and data.takes[data.take].action is not None:
            use(rig, data.take)


class DECLAIM_OT_take_again(_OnTake, bpy.types.Operator):
    """The same line with another seed"""

    bl_idname = "declaim.take_again"
    bl_label = "New Seed"
    bl_description = "Perform this take's line again with another seed, as a new take"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if status.STATUS.busy:
            cls.poll_message_set("Declaim is at work: wait, or cancel it")
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self._again(context, "INVOKE_DEFAULT")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self._again(context, "EXEC_DEFAULT")

    def _again(self, context: bpy.types.Context, how: str) -> set[str]:
        try:
            rig, index = self._take(context)
            take = rig.declaim.takes[index]
            if not take.order:
                raise InputError(f'The take "{take.name}" was imported, not performed.', hint="Perform its voice instead.")
            order = json.loads(take.order)
            same_line = [row.seed for row in rig.declaim.takes if row.line == take.line]
            order |= {"seed": max(same_line) + 1, "takes": 1, "character": rig.name}
            order |= {"start_at": "FRAME", "frame": round(take.start)}
            order["parameters"] = json.dumps(order["parameters"])
            bpy.ops.declaim.perform(how, **order)
        except DeclaimError as error:
            return status.fail(self, error)
        except RuntimeError as error:  # the inner operator has said why
            self.report({"ERROR"}, rpt_(str(error).removeprefix("Error: ").strip()))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (DECLAIM_OT_take_use, DECLAIM_OT_take_compare, DECLAIM_OT_take_delete, DECLAIM_OT_take_again)
