"""Works Blender's window as a hand does: moves the mouse, clicks, types. Runs inside Blender started with a window.

A scenario is a generator that yields seconds to wait. Buttons are found as an artist finds them, by looking: the mouse
goes down the sidebar, and Blender's own "copy the command of the button below the mouse" says what lies there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import bpy

Steps = Generator[float, None, None]
_STEP_PX = 9


class Robot:
    """One window of Blender, worked by simulated events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, Any] = {}
        self.pictures: list[str] = []

    # --- looking ---

    @property
    def window(self) -> bpy.types.Window:
        return bpy.context.window_manager.windows[0]

    def area(self, kind: str) -> bpy.types.Area:
        return next(area for area in self.window.screen.areas if area.type == kind)

    def region(self, kind: str = "UI", area: str = "VIEW_3D") -> bpy.types.Region:
        return next(region for region in self.area(area).regions if region.type == kind)

    def picture(self, name: str) -> None:
        """What the screen shows."""
        path = self.folder / f"{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], check=False, timeout=30)
        self.pictures.append(path.name)

    # --- hands ---

    def event(self, kind: str, value: str, place: tuple[int, int], **more: Any) -> None:
        self.window.event_simulate(type=kind, value=value, x=place[0], y=place[1], **more)

    def move(self, place: tuple[int, int]) -> Steps:
        self.event("MOUSEMOVE", "NOTHING", place)
        yield 0.05

    def click(self, place: tuple[int, int], button: str = "LEFTMOUSE") -> Steps:
        yield from self.move(place)
        yield 0.1
        self.event(button, "PRESS", place)
        yield 0.05
        self.event(button, "RELEASE", place)
        yield 0.15

    def press(self, kind: str, place: tuple[int, int], **modifiers: bool) -> Steps:
        self.event(kind, "PRESS", place, **modifiers)
        yield 0.03
        self.event(kind, "RELEASE", place, **modifiers)
        yield 0.05

    def type(self, text: str, place: tuple[int, int]) -> Steps:
        for letter in text:
            self.event("A", "PRESS", place, unicode=letter)
            self.event("A", "RELEASE", place)
            yield 0.01

    # --- the sidebar ---

    def open_tab(self, name: str = "Declaim") -> Steps:
        """Open the sidebar of the 3D viewport and turn its tabs until ``name`` is in front."""
        area = self.area("VIEW_3D")
        middle = (area.x + area.width // 3, area.y + area.height // 2)
        yield from self.move(middle)
        if self.region().width <= 1:
            yield from self.press("N", middle)
            yield 0.5
        region = self.region()
        for y in range(region.y + region.height - 20, region.y, -25):
            if self.region().active_panel_category == name:
                return
            yield from self.click((region.x + region.width - 14, y))
        raise AssertionError(f"the sidebar has no tab {name}, it shows {self.region().active_panel_category}")

    def buttons(self, *, share: float = 0.5) -> Generator[float, None, dict[str, tuple[int, int]]]:
        """Every button at ``share`` of the sidebar's width, by its operator's name or its property's path."""
        region = self.region()
        x = region.x + int(region.width * share)
        found: dict[str, tuple[int, int]] = {}
        manager = bpy.context.window_manager
        for y in range(region.y + region.height - 6, region.y + 4, -_STEP_PX):
            place = (x, y)
            yield from self.move(place)
            for modifiers in ({"ctrl": True}, {"ctrl": True, "shift": True, "alt": True}):
                manager.clipboard = ""
                yield from self.press("C", place, **modifiers)
                text = manager.clipboard
                name = text.partition("(")[0].removeprefix("bpy.ops.") if text.startswith("bpy.ops.") else text
                if modifiers.keys() == {"ctrl"} and not text.startswith("bpy.ops."):
                    continue
                if name:
                    found.setdefault(name, place)
                    break
        return found

    def fill(self, path: str, text: str) -> Steps:
        """Type ``text`` into the field of the scene's property ``path``."""
        place = yield from self.find(f'bpy.data.scenes["{bpy.context.scene.name}"].{path}', share=0.55)
        yield from self.click(place)
        yield 0.2
        yield from self.press("A", place, ctrl=True)
        yield from self.type(text, place)
        yield from self.press("RET", place)
        yield 0.3

    def find(self, name: str, **where: float) -> Generator[float, None, tuple[int, int]]:
        found = yield from self.buttons(**where)
        assert name in found, f"no button {name} among {sorted(found)}"
        return found[name]


def run(scenario: Callable[[Robot], Steps]) -> None:
    """Play ``scenario`` and quit. What it found goes, as JSON, to found.json in the folder named on the command line."""
    robot = Robot(Path(sys.argv[sys.argv.index("--") + 1]))
    steps = scenario(robot)

    def tick() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            robot.found["ok"] = True
        except BaseException:
            robot.found["error"] = traceback.format_exc()
            robot.picture("error")
        finish()
        return None

    def finish() -> None:
        robot.found["pictures"] = robot.pictures
        path = robot.folder / "found.json"
        path.with_suffix(".tmp").write_text(json.dumps(robot.found))
        path.with_suffix(".tmp").rename(path)
        bpy.ops.wm.quit_blender()

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


def until(condition: Callable[[], Any], limit: float, what: str) -> Steps:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {limit:g} s"
        yield 0.05
