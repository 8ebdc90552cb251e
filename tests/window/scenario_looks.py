"""Words in the timeline and the dope sheet, in dark and light, at two sizes of the interface; the pictures of the README."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import part, settings
from robot import Robot, Steps, run

_PRESETS = Path(bpy.utils.preset_paths("interface_theme")[0])


def scenario(robot: Robot) -> Steps:
    found, scene = robot.found, bpy.context.scene
    rig = settings().character
    take = rig.declaim.takes[0]
    part("takes").use(rig, 0)
    scene.frame_start, scene.frame_end = 1, 1 + round(take.duration * take.fps)
    rows = part("words").table(take)
    strikes = [round(at) for at, stroke in zip(rows.apexes, rows.strokes, strict=True) if stroke]
    found["strikes"] = strikes
    yield from robot.open_tab()
    yield 0.3

    # a timeline high enough for words: its upper edge is dragged up
    strip = robot.area("DOPESHEET_EDITOR")
    edge = (strip.x + strip.width // 2, strip.y + strip.height)
    yield from robot.drag(edge, (edge[0], edge[1] + 60))
    found["timeline_height"] = robot.area("DOPESHEET_EDITOR").height
    below = robot.middle("DOPESHEET_EDITOR")
    yield from robot.move(below)
    yield from robot.press("HOME", below)
    yield 0.5
    empty = robot.area("VIEW_3D")
    yield from robot.click((empty.x + 150, empty.y + empty.height // 2))  # beside the character: nothing is selected
    found["selected"] = [item.name for item in bpy.context.selected_objects]
    middle = robot.middle()
    yield from robot.move(middle)
    yield from robot.press("NUMPAD_1", middle)
    yield from robot.press("HOME", middle)
    yield 0.5
    scene.frame_set(strikes[len(strikes) // 2])
    yield 1.0
    robot.picture("1_timeline")
    settings().show_words = False
    yield 0.5
    robot.picture("2_without")
    settings().show_words = True

    robot.area("DOPESHEET_EDITOR").ui_type = "DOPESHEET"
    yield 0.5
    strip = robot.area("DOPESHEET_EDITOR")
    edge = (strip.x + strip.width // 2, strip.y + strip.height)
    yield from robot.drag(edge, (edge[0], edge[1] + 120))
    yield from robot.click((empty.x + empty.width // 3, empty.y + empty.height - 200))  # the character
    below = robot.middle("DOPESHEET_EDITOR")
    yield from robot.move(below)
    yield from robot.press("HOME", below)
    yield 1.0
    robot.picture("3_dope_sheet")
    light = next(path for path in _PRESETS.glob("*.xml") if "ight" in path.stem)
    bpy.ops.script.execute_preset(filepath=str(light), menu_idname="USERPREF_MT_interface_theme_presets")
    yield 1.0
    robot.picture("4_light")
    bpy.context.preferences.view.ui_scale = 1.5
    yield 1.5
    robot.picture("5_light_large")
    bpy.ops.preferences.reset_default_theme()
    yield 1.0
    robot.picture("6_dark_large")
    bpy.context.preferences.view.ui_scale = 1.0
    bpy.context.preferences.use_preferences_save = False


run(scenario)
