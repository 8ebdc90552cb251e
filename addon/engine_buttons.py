"""The engine's buttons: start, stop, restart, its log, testing a connection, clearing its cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import DeclaimError
from . import engine, engine_cache, status
from .engine_host import in_words

_LOG_SHOWN = 200_000  # characters that Copy Log takes
_TEST_S = 5.0

# What the last connection test found: (text, icon). Written by its thread, read by the preferences.
_tested = ("", "NONE")


class DECLAIM_OT_engine_start(bpy.types.Operator):
    bl_idname = "declaim.engine_start"
    bl_label = "Start Engine"
    bl_description = "Start the engine now; it also starts by itself when a line is performed"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if engine.state() in ("STARTING", "READY", "BUSY"):
            cls.poll_message_set("The engine runs already")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _begin(self, engine.start)


class DECLAIM_OT_engine_restart(bpy.types.Operator):
    bl_idname = "declaim.engine_restart"
    bl_label = "Restart Engine"
    bl_description = "End the engine, with whatever it performs, and start it again"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _begin(self, engine.restart)


class DECLAIM_OT_engine_stop(bpy.types.Operator):
    bl_idname = "declaim.engine_stop"
    bl_label = "Stop Engine"
    bl_description = "End the engine, with whatever it performs; the next line starts it again"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if engine.state() in ("STOPPED", "CRASHED"):
            cls.poll_message_set("The engine does not run")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.HOST.stop(wait=bpy.app.background)
        engine.look()
        return {"FINISHED"}


class _OfLog:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not engine.log_path().is_file():
            cls.poll_message_set("There is no log: the engine was not started yet")  # type: ignore[attr-defined]
            return False
        return True


class DECLAIM_OT_engine_copy_log(_OfLog, bpy.types.Operator):
    bl_idname = "declaim.engine_copy_log"
    bl_label = "Copy Log"
    bl_description = "Copy the engine's log to the clipboard, for a report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            text = engine.log_path().read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            return status.fail(self, _unreadable(error))
        context.window_manager.clipboard = text[-_LOG_SHOWN:]
        self.report({"INFO"}, rpt_("The engine's log is in the clipboard"))
        return {"FINISHED"}


class DECLAIM_OT_engine_open_log(_OfLog, bpy.types.Operator):
    bl_idname = "declaim.engine_open_log"
    bl_label = "Open Log"
    bl_description = "Show the engine's log in the program that opens text files"

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=str(engine.log_path()))
        return {"FINISHED"}


class DECLAIM_OT_engine_test(bpy.types.Operator):
    bl_idname = "declaim.engine_test"
    bl_label = "Test Connection"
    bl_description = "Ask what listens at this address whether it is an engine that Declaim can work with"

    def execute(self, context: bpy.types.Context) -> set[str]:
        plan = engine.capture()
        if not bpy.app.background:
            _tell(iface_("Asking"), "SORTTIME")
            threading.Thread(target=_test, args=(plan,), name="declaim-test", daemon=True).start()
            bpy.app.timers.register(_redraw_tested, first_interval=0.1)
            return {"FINISHED"}
        error = _test(plan)
        if error is not None:
            return status.fail(self, error)
        self.report({"INFO"}, _tested[0])
        return {"FINISHED"}


class DECLAIM_OT_cache_clear(bpy.types.Operator):
    bl_idname = "declaim.cache_clear"
    bl_label = "Clear"
    bl_description = "Delete what the engine keeps of the lines it has performed; takes in Blender are not touched"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not engine_cache.size_bytes():
            cls.poll_message_set("The cache is empty")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        freed = engine_cache.clear()
        self.report({"INFO"}, rpt_("{size:.1f} MB were freed").format(size=freed / 1e6))
        return {"FINISHED"}


def draw_state(layout: bpy.types.UILayout) -> None:
    """The engine's buttons, for what it is doing now."""
    row = layout.row(align=True)
    if engine.state() == "STOPPED":
        row.operator("declaim.engine_start", text="Start", icon="PLAY")
    elif engine.state() == "CRASHED":
        row.operator("declaim.engine_restart", text="Restart", icon="FILE_REFRESH")
    else:
        row.operator("declaim.engine_stop", text="Stop", icon="PAUSE")
        row.operator("declaim.engine_restart", text="Restart", icon="FILE_REFRESH")
    row.operator("declaim.engine_copy_log", icon="COPYDOWN")
    row.operator("declaim.engine_open_log", icon="TEXT")


def tested() -> tuple[str, str]:
    """What the last connection test found, and its icon; nothing before one."""
    return _tested


def forget_test() -> None:
    """For an address that was changed."""
    _tell("", "NONE")


def _begin(operator: bpy.types.Operator, begin: Callable[[], None]) -> set[str]:
    begin()
    engine.look()
    if bpy.app.background:
        try:
            engine.client()
        except DeclaimError as error:
            return status.fail(operator, error)
    return {"FINISHED"}


def _test(plan: Any) -> DeclaimError | None:
    from ..core.client import EngineClient

    began = time.monotonic()
    try:
        if plan.problem is not None:
            raise plan.problem
        health = EngineClient(plan.url, plan.token, timeout=_TEST_S).health()
    except DeclaimError as error:
        plain = in_words(error, plan.url)
        _tell(str(plain), "ERROR")
        return plain
    text = "Declaim {version} answered in {time:.0f} ms; {count} lines wait there."
    _tell(text.format(version=health.version, time=1000 * (time.monotonic() - began), count=health.waiting), "CHECKMARK")
    return None


def _tell(text: str, icon: str) -> None:
    global _tested
    _tested = (text, icon)


def _redraw_tested() -> float | None:
    status.redraw()
    return 0.1 if _tested[1] == "SORTTIME" else None


def _unreadable(error: OSError) -> DeclaimError:
    return DeclaimError(f"The log cannot be read: {(error.strerror or str(error)).lower()}.", hint="Open its folder.")


CLASSES = (
    DECLAIM_OT_engine_start,
    DECLAIM_OT_engine_restart,
    DECLAIM_OT_engine_stop,
    DECLAIM_OT_engine_copy_log,
    DECLAIM_OT_engine_open_log,
    DECLAIM_OT_engine_test,
    DECLAIM_OT_cache_clear,
)


def unregister() -> None:
    forget_test()
    if bpy.app.timers.is_registered(_redraw_tested):
        bpy.app.timers.unregister(_redraw_tested)
