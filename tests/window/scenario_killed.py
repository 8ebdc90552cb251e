"""Blender is killed while it performs: its engine must end by itself."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from artist import part
from robot import Robot, Steps, report, run, until


def scenario(robot: Robot) -> Steps:
    status, engine = part("status").STATUS, part("engine")
    yield from robot.open_tab()
    yield from robot.fill("declaim.seed", "7")
    yield from robot.use("declaim.perform_panel")
    yield from until(lambda: status.busy and engine.state() == "BUSY", 60, "the engine performs")
    robot.found["engine_pid"] = engine.HOST._run.process.pid
    report(robot)
    os.kill(os.getpid(), signal.SIGKILL)


run(scenario)
