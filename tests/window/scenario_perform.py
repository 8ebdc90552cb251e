"""An artist's first minutes: open the tab, type the voice, press Perform, stop one with Esc, undo, break the engine."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from robot import Robot, Steps, run, until

EXTENSION = "bl_ext.user_default.declaim"
VOICE, SCRIPT = sys.argv[sys.argv.index("--") + 2 :][:2]


def part(name: str):
    return importlib.import_module(f"{EXTENSION}.addon.{name}")


def timed(kind: type, name: str, durations: list[float]) -> None:
    """Measure every call of a method, where it runs."""
    inner = getattr(kind, name)

    def outer(self, *arguments, **options):
        begin = time.perf_counter()
        try:
            return inner(self, *arguments, **options)
        finally:
            durations.append(time.perf_counter() - begin)

    setattr(kind, name, outer)


def scenario(robot: Robot) -> Steps:
    found, scene = robot.found, bpy.context.scene
    performing, engine, status = part("performing"), part("engine"), part("status")
    ticks: list[float] = []
    landings: list[float] = []
    timed(performing.Session, "step", ticks)
    timed(performing.Session, "_land", landings)

    area = robot.area("VIEW_3D")
    middle = (area.x + area.width // 3, area.y + area.height // 2)
    yield from robot.click(middle)  # the default cube goes
    yield from robot.press("A", middle)
    yield from robot.press("X", middle)
    yield 0.3
    yield from robot.press("D", middle)
    yield 0.3
    found["objects"] = [item.name for item in scene.objects]
    yield from robot.open_tab()
    yield 0.5
    robot.picture("1_first_run")
    yield from robot.fill("declaim.voice", VOICE)
    yield from robot.fill("declaim.script", SCRIPT)
    found["typed"] = [scene.declaim.voice, scene.declaim.script]
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
    rig = scene.declaim.character
    found["takes"] = [take.name for take in rig.declaim.takes]
    found["words"] = [word.name for word in rig.declaim.takes[0].words]
    found["range"] = [scene.frame_start, scene.frame_end]
    found["scrub"] = scene.use_audio_scrub
    yield from robot.move(middle)
    yield from robot.press("NUMPAD_1", middle)
    yield 0.5
    yield from robot.press("HOME", middle)
    yield 1.0
    scene.frame_set(48)
    yield 1.0
    robot.picture("3_performed")

    # again, engine warm, with another seed
    scene.declaim.seed = 1
    place = yield from robot.find("declaim.perform_panel")
    ticks.clear()
    landings.clear()
    begin = time.monotonic()
    yield from robot.click(place)
    yield from until(lambda: len(rig.declaim.takes) == 2, 60, "the second take")
    found["warm_s"] = time.monotonic() - begin
    yield from until(lambda: not status.STATUS.busy, 5, "the end")
    found["landing_s"] = max(landings)
    found["tick_s"] = max(tick for tick in ticks if tick < max(landings))
    found["moved"] = _moves(rig, scene)

    # stopped by Esc: nothing is added
    scene.declaim.seed = 2
    place = yield from robot.find("declaim.perform_panel")
    yield from robot.click(place)
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    begin = time.monotonic()
    yield from robot.press("ESC", place)
    yield from until(lambda: not status.STATUS.busy, 5, "Esc")
    found["stopped_s"] = time.monotonic() - begin
    found["takes_after_esc"] = len(rig.declaim.takes)

    # one undo takes one take away
    name = rig.name
    yield from robot.move(middle)
    yield from robot.press("Z", middle, ctrl=True)
    yield 1.0
    found["takes_after_undo"] = len(bpy.data.objects[name].declaim.takes)
    yield from robot.press("Z", middle, ctrl=True, shift=True)
    yield 1.0
    found["takes_after_redo"] = len(bpy.data.objects[name].declaim.takes)

    # the engine dies while it performs
    scene = bpy.context.scene
    scene.declaim.seed = 3
    place = yield from robot.find("declaim.perform_panel")
    yield from robot.click(place)
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    os.kill(engine.HOST._run.process.pid, signal.SIGKILL)
    yield from until(lambda: not status.STATUS.busy, 15, "the engine's death is seen")
    found["death"] = str(status.STATUS.error)
    yield 1.0
    robot.picture("4_engine_died")
    found["state_after_death"] = engine.state()
    yield from robot.press("ESC", middle)  # the popup
    yield from robot.move(middle)
    yield 0.5
    place = yield from robot.find("declaim.engine_restart", share=0.3)
    yield from robot.click(place)
    yield from until(lambda: engine.state() == "READY", 20, "the engine is back")
    place = yield from robot.find("declaim.perform_panel")
    yield from robot.click(place)
    yield from until(lambda: status.STATUS.busy, 5, "performing begins")
    yield from until(lambda: not status.STATUS.busy, 60, "the take after the crash")
    found["takes_at_the_end"] = len(bpy.data.objects[name].declaim.takes)
    found["errors"] = str(status.STATUS.error or "")
    found["engine_pid"] = engine.HOST._run.process.pid
    bpy.ops.wm.save_as_mainfile(filepath=str(robot.folder / "performed.blend"))


def _moves(rig, scene) -> bool:
    places = []
    for frame in (scene.frame_start, (scene.frame_start + scene.frame_end) // 2):
        scene.frame_set(frame)
        places.append(rig.pose.bones["right_wrist"].matrix.translation.copy())
    return (places[0] - places[1]).length > 0.005


run(scenario)
