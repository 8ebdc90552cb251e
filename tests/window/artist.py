"""What all scenarios begin with: the extension's modules, its voice, an empty scene, a performance."""

from __future__ import annotations

import importlib
import time
from types import ModuleType
from typing import Any

import bpy
from robot import Robot, Steps, until

EXTENSION = "bl_ext.user_default.declaim"


def part(name: str) -> ModuleType:
    """A module of the installed extension, to look at; never to press its buttons."""
    return importlib.import_module(f"{EXTENSION}.addon.{name}")


def empty_scene(robot: Robot) -> Steps:
    """The default cube, camera and light go, by the keys A, X, D."""
    middle = robot.middle()
    yield from robot.click(middle)
    yield from robot.press("A", middle)
    yield from robot.press("X", middle)
    yield 0.3
    yield from robot.press("D", middle)
    yield 0.3


def front_view(robot: Robot, share: float = 1.0) -> Steps:
    """The whole character from the front."""
    middle = robot.middle()
    yield from robot.move(middle)
    yield from robot.press("NUMPAD_1", middle)
    yield 0.4
    yield from robot.press("HOME", middle)
    yield 0.6


def perform(robot: Robot, *, limit: float = 90.0) -> Steps:
    """Press Perform and wait for its end."""
    status = part("status").STATUS
    yield from robot.use("declaim.perform_panel")
    yield from until(lambda: status.busy, 10, "performing begins")
    yield from until(lambda: not status.busy, limit, "the take")
    robot.forget()
    yield 0.5  # the panel shows it
    assert status.error is None, str(status.error)


def timed(kind: type, name: str, durations: list[float]) -> None:
    """Measure every call of a method, where it runs."""
    inner = getattr(kind, name)

    def outer(self: Any, *arguments: Any, **options: Any) -> Any:
        begin = time.perf_counter()
        try:
            return inner(self, *arguments, **options)
        finally:
            durations.append(time.perf_counter() - begin)

    setattr(kind, name, outer)


def settings() -> Any:
    return bpy.context.scene.declaim
