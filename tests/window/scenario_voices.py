"""A trimmed sound strip, then a folder, as the voice."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import perform, settings
from robot import Robot, Steps, run

VOICE, FOLDER = sys.argv[sys.argv.index("--") + 2 :][:2]
TRIM, LENGTH = 30, 60  # frames


def scenario(robot: Robot) -> Steps:
    found, scene = robot.found, bpy.context.scene
    strips = scene.sequence_editor.strips
    for strip in list(strips):
        strips.remove(strip)
    strip = strips.new_sound("Narrator", VOICE, 1, 100)
    strip.left_handle_offset, strip.right_handle = TRIM, 100 + TRIM + LENGTH
    found["strip"] = [100 + TRIM, 100 + TRIM + LENGTH]
    yield from robot.open_tab()
    yield from robot.maximise()

    place = yield from robot.find("declaim.voice_source", share=0.45)  # File | Strip | Folder
    yield from robot.click(place)
    yield 0.7
    found["source"] = settings().voice_source
    robot.forget()
    place = yield from robot.use("declaim.strip")
    yield 0.5
    robot.picture("1_search")
    yield from robot.type("Narr", place)
    yield 0.3
    yield from robot.press("RET", place)
    yield 0.5
    found["chosen"] = settings().strip
    yield from robot.fill("declaim.script", "")
    bpy.context.scene.frame_set(7)
    yield from perform(robot)
    rig = settings().character
    take = rig.declaim.takes[rig.declaim.take]
    found["strip_take"] = [take.name, take.start, take.duration * take.fps, len(take.words)]
    found["sounds"] = len(strips)
    robot.picture("2_strip")

    place = yield from robot.find("declaim.voice_source", share=0.45)
    region = robot.region()
    yield from robot.click((region.x + int(region.width * 0.72), place[1]))
    yield 0.7
    found["source_then"] = settings().voice_source
    robot.forget()
    yield from robot.fill("declaim.folder", FOLDER)
    count = len(rig.declaim.takes)
    yield from perform(robot)
    found["folder_takes"] = [[take.line, take.start] for take in list(rig.declaim.takes)[count:]]
    found["tracks"] = len(rig.animation_data.nla_tracks)
    robot.picture("3_folder")


run(scenario)
