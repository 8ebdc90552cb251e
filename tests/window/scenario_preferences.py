"""The File menu, the extension's preferences, and the extension switched off and on again in a running window."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import EXTENSION, part
from robot import Robot, Steps, run, until

_FILE, _IMPORT, _EXPORT = (43, 16), (77, 313), (77, 334)  # from the window's upper left
_HANDLERS = ("load_post", "load_pre", "undo_post", "redo_post", "frame_change_post", "depsgraph_update_post", "save_pre")


def scenario(robot: Robot) -> Steps:
    found, top = robot.found, robot.window.height
    for (x, y), wanted in ((_IMPORT, "declaim.import_clip"), (_EXPORT, "")):
        yield from robot.click((_FILE[0], top - _FILE[1]), afresh=False)
        yield 0.4
        yield from robot.click((x, top - y), afresh=False)
        yield 0.5
        for right in (160, 220, 260, 300):
            yield from robot.move((right, top - y))
        yield 0.2
        if wanted:
            entries = yield from robot.column(310, top - y, 60)
            found["import"] = sorted(entries)
            yield from robot.move(entries[wanted][1])
            yield 1.5
            robot.picture("1_import")
            yield from robot.click(entries[wanted][1], afresh=False)
            yield 1.5
            robot.picture("2_browser")
            found["windows"] = len(bpy.context.window_manager.windows)
            robot.window_number = found["windows"] - 1
            yield from robot.press("ESC", (300, 300))
            yield 0.5
            robot.window_number = 0
        else:
            last = (310, top - y - 147)  # the eighth entry of Blender 5.2's Export menu: our own menu
            yield from robot.move(last)
            yield 0.8
            robot.picture("3_export")
        for _ in range(3):
            yield from robot.press("ESC", (_FILE[0], top - _FILE[1]))
            yield 0.1

    yield from robot.open_tab()
    place = yield from robot.find("declaim.perform_panel")
    yield from robot.click((place[0], place[1] - round(96 * robot.scale)))  # the header "Engine", the third below
    yield 0.6
    robot.forget()
    yield from robot.use("declaim.engine_start", share=0.4)
    yield from until(lambda: part("engine").state() == "READY", 30, "the engine starts")
    robot.forget()
    pid = found["engine_pid"] = part("engine").HOST._run.process.pid
    yield from robot.use("preferences.addon_show")
    yield from until(lambda: len(bpy.context.window_manager.windows) == 2, 5, "the preferences' window")
    robot.window_number = 1
    yield 1.5
    robot.picture("4_preferences")

    # the check box beside the extension's name, twice
    region = robot.region("WINDOW", "PREFERENCES")
    begin = region.y + region.height - 8
    entries = yield from robot.column(region.x + 40, begin, begin - 150)
    box = entries["preferences.addon_disable"][1]
    yield from robot.click(box)
    yield 0.6
    found["enabled_then"] = EXTENSION in bpy.context.preferences.addons
    found["left"] = _left()
    yield from until(lambda: not Path(f"/proc/{pid}").exists(), 10, "the engine ends with the extension")
    robot.picture("5_disabled")
    yield from robot.click(box)
    yield 0.6
    found["enabled_again"] = EXTENSION in bpy.context.preferences.addons
    found["back"] = _left()
    robot.window_number = 0
    yield from robot.open_tab()
    yield from robot.find("declaim.perform_panel")


def _left() -> list[str]:
    """What of the extension Blender holds."""
    left = [name for name in dir(bpy.types) if name.startswith("DECLAIM_") and getattr(bpy.types, name).is_registered]
    left += [f"{kind.__name__}.declaim" for kind in (bpy.types.Scene, bpy.types.Object) if hasattr(kind, "declaim")]
    for name in _HANDLERS:
        left += [name for function in getattr(bpy.app.handlers, name) if EXTENSION in function.__module__]
    for menu in ("TOPBAR_MT_file_import", "DOPESHEET_MT_view", "VIEW3D_MT_armature_add"):
        with contextlib.suppress(AttributeError):
            left += [menu for draw in getattr(bpy.types, menu).draw._draw_funcs if EXTENSION in draw.__module__]
    return left


run(scenario)
