"""An artist's first minutes: open the tab, type the voice, press Perform, stop one with Esc, undo, break the engine."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from artist import empty_scene, front_view, part, perform, settings, timed
from robot import Robot, Steps, run, until

VOICE, SCRIPT = sys.argv[sys.argv.index("--") + 2 :][:2]


def scenario(robot: Robot) -> Steps:
    found = robot.found
    performing, engine, status = part("performing"), part("engine"), part("status")
    ticks: list[float] = []
    landings: list[float] = []
    timed(performing.Session, "step", ticks)
    timed(performing.Session, "_land", landings)
    openings: list[float] = []
    timed(performing.Session, "__init__", openings)

    yield from empty_scene(robot)
    found["objects"] = [item.name for item in bpy.context.scene.objects]
    yield from robot.open_tab()
    yield 0.5
    robot.picture("1_first_run")
    yield from robot.fill("declaim.voice", VOICE)
    yield from robot.fill("declaim.script", SCRIPT)
    found["typed"] = [settings().voice, settings().script]
    found["engine_before"] = engine.state()

    # Perform, engine cold
    place = yield from robot.find("declaim.perform_panel")
    begin = time.monotonic()
    yield from robot.click(place)
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    yield 0.4
    robot.picture("2_performing")
    yield from until(lambda: not status.STATUS.busy, 60, "the first take")
    found["cold_s"] = time.monotonic() - begin
    assert status.STATUS.error is None, str(status.STATUS.error)
    rig = settings().character
    found["takes"] = [take.name for take in rig.declaim.takes]
    found["words"] = [word.name for word in rig.declaim.takes[0].words]
    found["range"] = [bpy.context.scene.frame_start, bpy.context.scene.frame_end]
    found["scrub"] = bpy.context.scene.use_audio_scrub
    found["first_ticks_ms"] = _milliseconds(ticks)
    found["first_landing_ms"] = _milliseconds(landings)
    found["first_opening_ms"] = _milliseconds(openings)  # it adds the avatar
    found["first_undone"] = []
    middle = robot.middle()
    yield from robot.move(middle)
    for shift in (False, True):
        yield from robot.press("Z", middle, ctrl=True, shift=shift)
        yield 0.8
        strips = bpy.context.scene.sequence_editor.strips if bpy.context.scene.sequence_editor else ()
        found["first_undone"].append([len(bpy.context.scene.objects) > 0, len(bpy.data.actions), len(strips)])
    rig = settings().character
    yield from front_view(robot)
    robot.picture("3_performed")

    # again, engine warm, with another seed
    yield from robot.fill("declaim.seed", "1")
    place = yield from robot.find("declaim.perform_panel")
    for durations in (ticks, landings, openings):
        durations.clear()
    begin = time.monotonic()
    yield from robot.click(place)
    yield from until(lambda: len(rig.declaim.takes) == 2, 60, "the second take")
    found["warm_s"] = time.monotonic() - begin
    yield from until(lambda: not status.STATUS.busy, 5, "the end")
    found["landing_s"] = max(landings)
    found["ticks_s"] = sorted(tick for tick in ticks if tick < max(landings))
    found["opening_s"] = max(openings)
    found["moved"] = _moves(rig, bpy.context.scene)

    # stopped by Esc: nothing is added
    yield from robot.fill("declaim.seed", "2")
    place = yield from robot.use("declaim.perform_panel")
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    begin = time.monotonic()
    yield from robot.press("ESC", place)
    yield from until(lambda: not status.STATUS.busy, 5, "Esc")
    found["stopped_s"] = time.monotonic() - begin
    found["takes_after_esc"] = len(rig.declaim.takes)

    # one undo takes back the seed that was typed, one more the take
    name = rig.name
    yield from robot.move(middle)
    found["undone"] = []
    for shift in (False, False, True, True):
        yield from robot.press("Z", middle, ctrl=True, shift=shift)
        yield 0.8
        found["undone"].append([settings().seed, len(bpy.data.objects[name].declaim.takes)])

    # the engine dies while it performs
    robot.forget()
    yield from robot.fill("declaim.seed", "3")
    yield from robot.use("declaim.perform_panel")
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    os.kill(engine.HOST._run.process.pid, signal.SIGSTOP)  # or it may be done before it dies
    yield 0.5
    os.kill(engine.HOST._run.process.pid, signal.SIGKILL)
    begin = time.monotonic()
    yield from until(lambda: not status.STATUS.busy, 15, "the engine's death is seen")
    found["death"], found["death_s"] = str(status.STATUS.error), time.monotonic() - begin
    yield 0.6
    robot.picture("4_engine_died")
    found["state_after_death"] = engine.state()
    yield from robot.press("ESC", middle)  # the popup goes
    yield 0.3
    robot.forget()
    yield from robot.use("declaim.engine_restart", share=0.3)
    yield from until(lambda: engine.state() == "READY", 30, "the engine is back")
    yield from perform(robot)
    found["takes_at_the_end"] = len(bpy.data.objects[name].declaim.takes)
    found["errors"] = str(status.STATUS.error or "")
    found["engine_pid"] = engine.HOST._run.process.pid
    bpy.ops.wm.save_as_mainfile(filepath=str(robot.folder / "performed.blend"))


def _milliseconds(durations: list[float]) -> list[float]:
    return [round(1000 * duration, 1) for duration in sorted(durations)[-5:]]


def _moves(rig: Any, scene: Any) -> bool:
    places = []
    for frame in (scene.frame_start, (scene.frame_start + scene.frame_end) // 2):
        scene.frame_set(frame)
        places.append(rig.pose.bones["right_wrist"].matrix.translation.copy())
    return (places[0] - places[1]).length > 0.005


run(scenario)
