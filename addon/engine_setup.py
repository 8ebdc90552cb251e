"""Set Up Engine, for the slim extension: fetches what the engine needs into a folder of its own, when the artist asks.

A full extension brings all of it as wheels, which Blender itself installs; there is nothing to set up there.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import shutil
import time
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import StringProperty

from ..core.errors import Cancelled, DeclaimError, EngineError
from . import status
from .engine_fetch import Fetch, megabytes, parts, target

_TICK_S = 0.1
_MODULES = {  # where a package is not imported under its own name
    "praat-parselmouth": "parselmouth",
    "opentelemetry-api": "opentelemetry",
}


def packages_folder() -> Path | None:
    """Where Set Up Engine has put the engine's packages; None where it has not."""
    folder = target()
    return folder if folder.is_dir() else None


@functools.cache
def needed() -> bool:
    """The engine's packages can be found neither among Blender's own nor where Set Up Engine puts them."""
    from . import engine_plan

    folders = list(engine_plan.folders())
    names = [_MODULES.get(name, name.replace("-", "_")) for name in parts()]
    return any(importlib.machinery.PathFinder.find_spec(name, folders) is None for name in names)


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The buttons, for the preferences and the engine's panel; nothing where there is nothing to set up or remove."""
    if status.STATUS.busy and _fetch is not None:
        row = layout.row(align=True)
        row.progress(factor=status.STATUS.fraction, text=status.STATUS.text)
        row.operator("declaim.cancel", text="", icon="X")
    elif needed():
        text = iface_("Set Up Engine ({size:.0f} MB)").format(size=megabytes())
        layout.operator("declaim.engine_set_up", text=text, icon="IMPORT", translate=False)
    elif packages_folder() is not None:
        layout.operator("declaim.engine_remove", icon="TRASH")


_fetch: Fetch | None = None


def _begin(wheels: Path | None) -> None:
    global _fetch
    status.begin(rpt_("Setting up the engine"))
    try:
        _fetch = Fetch(wheels, target())
    except DeclaimError as error:
        status.end(error)
        raise


def _end(error: DeclaimError | None = None) -> None:
    global _fetch
    if _fetch is not None:
        _fetch.close()
        _fetch = None
        status.end(error)
    _look_again()


def _look_again() -> None:
    importlib.invalidate_caches()
    needed.cache_clear()


def _tick() -> float | None:
    if _fetch is None:
        return None
    try:
        if not _fetch.step():
            return _TICK_S
        _end()
    except DeclaimError as error:
        _end(error)
    return None


class DECLAIM_OT_engine_set_up(bpy.types.Operator):
    bl_idname = "declaim.engine_set_up"
    bl_label = "Set Up Engine"
    bl_description = "Fetch what the engine needs into Declaim's own folder. Nothing is fetched before you confirm"

    folder: StringProperty(
        name="Wheels",
        description="A folder that holds the wheels already; nothing is fetched from the internet then",
        default="",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if status.STATUS.busy:
            cls.poll_message_set("Declaim is busy: wait, or cancel that first")
            return False
        if not needed() and packages_folder() is None:
            cls.poll_message_set("This extension brings the engine's parts with it")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: Any) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        size, source = megabytes(), iface_("This folder is used") if self.folder else iface_("From PyPI")
        text = iface_("{source}: {count} packages, {size:.0f} MB").format(source=source, count=len(parts()), size=size)
        layout.label(text=text, translate=False)
        grid = layout.box().grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.scale_y = 0.8
        for name, (version, megabyte) in parts().items():
            grid.label(text=f"{name} {version}, {megabyte:.1f} MB", translate=False)
        layout.prop(self, "folder")
        if not self.folder and not bpy.app.online_access:
            layout.label(text="Blender's online access is off (Preferences > System): choose a folder", icon="ERROR")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            _begin(_source(self.folder))
            if bpy.app.background:
                self._wait()
            else:
                bpy.app.timers.register(_tick, first_interval=_TICK_S)
        except DeclaimError as error:
            return status.fail(self, error)
        return {"FINISHED"}

    def _wait(self) -> None:
        try:
            while _fetch is not None and not _fetch.step():
                time.sleep(_TICK_S)
        except DeclaimError as error:
            _end(error)
            raise
        _end()


class DECLAIM_OT_engine_remove(bpy.types.Operator):
    bl_idname = "declaim.engine_remove"
    bl_label = "Remove Engine"
    bl_description = "Delete what Set Up Engine has fetched"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if status.STATUS.busy:
            cls.poll_message_set("Declaim is busy: wait, or cancel that first")
            return False
        if packages_folder() is None:
            cls.poll_message_set("Set Up Engine has fetched nothing")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: Any) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import engine

        engine.HOST.stop(wait=True)
        folder = packages_folder()
        try:
            if folder is not None:
                shutil.rmtree(folder)
        except OSError as error:
            return status.fail(
                self,
                EngineError(
                    f"{folder} cannot be deleted ({(error.strerror or str(error)).lower()}).",
                    hint="Close other Blenders and try again.",
                ),
            )
        finally:
            _look_again()
        engine.look()
        return {"FINISHED"}


def _source(folder: str) -> Path | None:
    """The folder of wheels, or None for the registry. Raises EngineError where neither may be used."""
    if folder:
        path = Path(bpy.path.abspath(folder))
        if not any(path.glob("*.whl")):
            raise EngineError(f"{path} holds no wheels.", hint="Choose the folder that they were saved to.")
        return path
    if not bpy.app.online_access:
        raise EngineError(
            "Blender's online access is off.",
            hint="Tick Allow Online Access in Preferences > System, or choose a folder of wheels.",
            code="offline",
        )
    return None


CLASSES = (DECLAIM_OT_engine_set_up, DECLAIM_OT_engine_remove)


def register() -> None:
    _look_again()


def unregister() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _end(Cancelled())
