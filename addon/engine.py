"""The engine as Blender sees it: one for all scenes, started when it is needed, ended with Blender.

``start``, ``stop`` and ``restart`` return at once. Call them, and ``capture``, on the main thread; ``client`` may be called
from any, after ``capture``.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from . import engine_plan, plugin_list, status
from .engine_host import START_S, EngineHost, Run

if TYPE_CHECKING:
    from ..core.client import EngineClient

HOST = EngineHost()
_CANCEL_S = 1.0
_BUSY_S, _IDLE_S = 0.1, 1.0  # between looks at what the threads have done

_plan: engine_plan.Plan | None = None  # what the preferences asked for when it was last looked
_plugins: tuple[dict[str, Any], ...] | None = None  # as last told
_followers: list[Callable[[], None]] = []
_shown = ("", "")


def state() -> str:
    """STOPPED, STARTING, READY, BUSY or CRASHED."""
    return "BUSY" if HOST.state == "READY" and HOST.working else HOST.state


def reason() -> str:
    """Why it is CRASHED, in one sentence with a hint."""
    return HOST.reason


def log_path() -> Path:
    """This Blender's log of the engine. It exists once an engine was started."""
    return engine_plan.log_file()


def start() -> None:
    HOST.start(capture())


def restart() -> None:
    HOST.start(capture(), anew=True)


def stop() -> None:
    HOST.stop()
    wake()


def settings_changed() -> None:
    """An engine that has nothing to do ends; the next line starts one by the new settings."""
    if HOST.state != "STOPPED" and not HOST.working:
        HOST.stop()
    wake()


def capture() -> engine_plan.Plan:
    """Read the preferences and the folders, for threads, which must not. Main thread only."""
    global _plan
    _plan = engine_plan.plan()
    wake()
    return _plan


def begin(*, jobs: int = 0) -> Run:
    """Start the engine unless it runs. From any thread, after ``capture``; ``jobs``: the caller's own, under way."""
    return HOST.start(_plan or capture(), jobs=jobs)


def client(timeout: float = START_S, *, wanted: Callable[[], bool] = lambda: True, run: Run | None = None) -> EngineClient:
    """The engine's client; starts the engine where none runs, and waits for it.

    Gives up once ``wanted`` says no (Cancelled) or after ``timeout`` seconds (EngineError). ``run`` is what ``begin`` gave.
    Raises EngineError where there is no engine to be had.
    """
    on_main = threading.current_thread() is threading.main_thread()
    if run is None and on_main:
        capture()
    found = HOST.client(run or begin(), timeout=timeout, wanted=wanted)
    if on_main:
        _tell()
    return found


def plugins() -> tuple[dict[str, Any], ...]:
    """Every plugin, as the fields of core.wire.PluginInfo: of the engine that ran last, before that of this version."""
    global _plugins
    if _plugins is None:
        _plugins = HOST.plugins or plugin_list.kept(engine_plan.notes_file())
    return _plugins


def on_plugins(follower: Callable[[], None]) -> None:
    """Have ``follower`` called on the main thread whenever the list of plugins has changed."""
    if follower not in _followers:
        _followers.append(follower)


def wake() -> None:
    """Look after the engine from now on, until it is stopped. Main thread only."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_BUSY_S, persistent=True)


def look() -> None:
    """Tell what has changed. Background mode has no timers: whoever waits there calls this. Main thread only."""
    global _shown
    _tell()
    now = (state(), reason())
    if now != _shown:
        _shown = now
        status.redraw()


def url() -> str:
    """Where the engine listens; nothing where it does not."""
    return HOST.url()


def _look() -> float | None:
    look()
    if HOST.working or HOST.state == "STARTING":
        return _BUSY_S
    return _IDLE_S if HOST.state == "READY" else None


def _tell() -> None:
    global _plugins
    found = HOST.plugins
    if found is not None and found is not _plugins:
        same, _plugins = found == _plugins, found
        if not same:
            for follower in _followers:
                follower()


def _end() -> None:
    HOST.cancel_jobs(within=_CANCEL_S)
    HOST.stop(wait=True)


def register() -> None:
    atexit.register(_end)


def unregister() -> None:
    global _plan, _plugins, _shown
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    _end()
    atexit.unregister(_end)
    _followers.clear()
    _plan = _plugins = None
    _shown = ("", "")
