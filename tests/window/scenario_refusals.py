"""Perform is greyed where it cannot work: it says why in its tooltip, and in the panel. Nothing happens on a click."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import empty_scene, part, settings
from robot import Robot, Steps, run

VOICE, LIBRARY = sys.argv[sys.argv.index("--") + 2 :][:2]


def scenario(robot: Robot) -> Steps:
    yield from empty_scene(robot)
    yield from robot.open_tab()
    yield from robot.maximise()
    yield from _refused(robot, "1_no_voice")
    yield from robot.fill("declaim.voice", VOICE)
    found = robot.found
    found["ready"] = part("performing").missing(bpy.context.scene)

    # the avatar by its button, which stands beside the field; its armature in edit mode
    yield from robot.use("declaim.add_avatar", share=-51)
    yield 1.0
    rig = settings().character
    found["added"] = rig.name if rig else ""
    middle = robot.middle()
    yield from robot.move(middle)
    yield from robot.press("TAB", middle)
    yield 0.8
    found["mode"] = rig.mode
    yield from _refused(robot, "2_edit_mode")
    yield from robot.move(middle)
    yield from robot.press("TAB", middle)
    yield 0.5

    # another armature, and one that is linked from a file
    other = bpy.data.objects.new("Lamp Stand", bpy.data.armatures.new("Lamp Stand"))
    bpy.context.collection.objects.link(other)
    settings().character = other
    yield 0.5
    yield from _refused(robot, "3_bones")
    with bpy.data.libraries.load(LIBRARY, link=True) as (_, wanted):
        wanted.objects = [rig.name]
    bpy.context.collection.objects.link(wanted.objects[0])
    settings().character = wanted.objects[0]
    yield 0.5
    yield from _refused(robot, "4_linked")


def _refused(robot: Robot, name: str) -> Steps:
    """Hover over Perform for its tooltip, then click."""
    robot.forget()
    status = part("status").STATUS
    place = yield from robot.find("declaim.perform_panel")
    yield from robot.hover(place)
    robot.picture(name)
    yield from robot.click(place)
    yield 0.3
    robot.found[name] = [status.busy, part("performing").missing(bpy.context.scene)]


run(scenario)
