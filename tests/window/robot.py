"""Works Blender's window as a hand does: moves the mouse, clicks, types. Runs inside Blender started with a window.

A scenario is a generator that yields seconds to wait. Buttons are found as an artist finds them, by looking: the mouse
goes down the sidebar, and Blender's own "copy the command of the button below the mouse" says what lies there.
"""

from __future__ import annotations

import contextlib
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
Place = tuple[int, int]  # px of the window, from the lower left
_STEP_PX = 8
EDGE = -51.0  # where the small buttons beside lists and fields are, as a ``share``
_COPY_COMMAND: dict[str, bool] = {"ctrl": True}
_COPY_PATH: dict[str, bool] = {"ctrl": True, "shift": True, "alt": True}


class Robot:
    """One window of Blender, worked by simulated events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, Any] = {}
        self.pictures: list[str] = []
        self.window_number = 0
        self._seen: dict[str, Place] = {}

    # --- looking ---

    @property
    def window(self) -> bpy.types.Window:
        return bpy.context.window_manager.windows[self.window_number]

    @property
    def scale(self) -> float:
        return bpy.context.preferences.system.ui_scale

    def area(self, kind: str) -> bpy.types.Area:
        return next(area for area in self.window.screen.areas if area.type == kind)

    def region(self, kind: str = "UI", area: str = "VIEW_3D") -> bpy.types.Region:
        return next(region for region in self.area(area).regions if region.type == kind)

    def middle(self, kind: str = "VIEW_3D") -> Place:
        """A place in an editor that no sidebar covers."""
        area = self.area(kind)
        return area.x + area.width // 3, area.y + area.height // 2

    def picture(self, name: str) -> Path:
        """What the screen shows."""
        path = self.folder / f"{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], check=False, timeout=30)
        self.pictures.append(path.name)
        return path

    # --- hands ---

    def event(self, kind: str, value: str, place: Place, **more: Any) -> None:
        self.window.event_simulate(type=kind, value=value, x=place[0], y=place[1], **more)

    def move(self, place: Place) -> Steps:
        self.event("MOUSEMOVE", "NOTHING", (place[0] - 1, place[1]))  # out of the button before
        self.event("MOUSEMOVE", "NOTHING", place)
        yield 0.05

    def click(self, place: Place, *, afresh: bool = True, **modifiers: bool) -> Steps:
        """``afresh``: coming from elsewhere, for what is looked at with Ctrl held is another button than what is clicked."""
        if afresh:
            yield from self.move((place[0], place[1] + 60))
        yield from self.move(place)
        yield 0.1
        self.event("LEFTMOUSE", "PRESS", place, **modifiers)
        yield 0.05
        self.event("LEFTMOUSE", "RELEASE", place, **modifiers)
        yield 0.2

    def drag(self, start: Place, end: Place) -> Steps:
        yield from self.move(start)
        yield 0.2
        self.event("LEFTMOUSE", "PRESS", start)
        yield 0.1
        for part in (0.1, 0.3, 0.6, 1.0):
            x, y = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
            self.event("MOUSEMOVE", "NOTHING", (x, y))
            yield 0.1
        self.event("LEFTMOUSE", "RELEASE", end)
        yield 0.3

    def hover(self, place: Place) -> Steps:
        """Rest on a button until its tooltip shows."""
        yield from self.move((place[0] - 3, place[1]))
        yield 0.1
        yield from self.move(place)
        yield 1.6

    def press(self, kind: str, place: Place, **modifiers: bool) -> Steps:
        self.event(kind, "PRESS", place, **modifiers)
        self.event(kind, "RELEASE", place, **modifiers)
        yield 0.05

    def scroll(self, clicks: int, place: Place) -> Steps:
        """The mouse wheel; positive clicks go down."""
        yield from self.move(place)
        yield 0.1
        for _ in range(abs(clicks)):
            self.event("WHEELDOWNMOUSE" if clicks > 0 else "WHEELUPMOUSE", "PRESS", place)
            yield 0.03
        yield 0.3
        self.forget()

    def type(self, text: str, place: Place) -> Steps:
        for letter in text:
            self.event("A", "PRESS", place, unicode=letter)
            self.event("A", "RELEASE", place)
            yield 0.0

    # --- the sidebar ---

    def open_tab(self, name: str = "Declaim") -> Steps:
        """Open the sidebar of the 3D viewport and turn its tabs until ``name`` is in front."""
        middle = self.middle()
        yield from self.move(middle)
        if self.region().width <= 1:
            yield from self.press("N", middle)
            yield 0.5
        region = self.region()
        for y in range(region.y + region.height - 20, region.y, -25):
            if self.region().active_panel_category == name:
                self.forget()
                return
            yield from self.click((region.x + region.width - round(14 * self.scale), y))
        raise AssertionError(f"the sidebar has no tab {name}, it shows {self.region().active_panel_category}")

    def maximise(self, kind: str = "VIEW_3D") -> Steps:
        """An editor fills the window, or goes back."""
        yield from self.press("SPACE", self.middle(kind), ctrl=True)
        yield 1.0
        self.forget()

    def forget(self) -> None:
        """The panel has changed: look again."""
        self._seen.clear()

    def name_at(self, place: Place) -> Generator[float, None, str]:
        """What lies below ``place``: an operator's name, a property's path, or nothing."""
        manager = bpy.context.window_manager
        self.event("MOUSEMOVE", "NOTHING", (place[0] - 1, place[1]))  # out of the button before
        self.event("MOUSEMOVE", "NOTHING", place)
        for modifiers in (_COPY_COMMAND, _COPY_PATH):
            manager.clipboard = ""
            self.event("C", "PRESS", place, **modifiers)
            self.event("C", "RELEASE", place, **modifiers)
            yield 0.0  # one turn of Blender's main loop
            text = manager.clipboard
            if text.startswith("bpy.ops."):
                return text.partition("(")[0].removeprefix("bpy.ops.")
            if text and modifiers is _COPY_PATH:
                return text
        return ""

    def column(self, x: int, top: int, bottom: int) -> Generator[float, None, dict[str, list[Place]]]:
        """Every button that the mouse meets on its way down, with the places where it met it."""
        rows: dict[str, list[Place]] = {}
        for y in range(top, bottom, -_STEP_PX):
            name = yield from self.name_at((x, y))
            if name:
                rows.setdefault(name, []).append((x, y))
        return rows

    def rows(self, *, share: float = 0.55) -> Generator[float, None, dict[str, list[Place]]]:
        """Every button at ``share`` of the sidebar's width; below 0: so many units from its right end."""
        region = self.region()
        x = region.x + round(region.width * share if share >= 0 else region.width + share * self.scale)
        top = region.y + region.height - 6
        found = yield from self.column(x, top, region.y + round(12 * self.scale))
        return found

    def buttons(self, *, share: float = 0.55) -> Generator[float, None, dict[str, Place]]:
        """As ``rows``, each with one place well inside."""
        found = yield from self.rows(share=share)
        return {name: places[len(places) // 2] for name, places in found.items()}

    def find(self, name: str, *, share: float = 0.55) -> Generator[float, None, Place]:
        """A button: where it was seen last, or wherever it is now. ``name`` may be a path's end."""
        known = next((key for key in self._seen if key.endswith(name)), None)
        if known is not None and (yield from self.name_at(self._seen[known])) == known:
            return self._seen[known]
        seen = yield from self.buttons(share=share)
        self._seen.update(seen)
        known = next((key for key in seen if key.endswith(name)), None)
        assert known is not None, f"no button {name} among {sorted(seen)}"
        return self._seen[known]

    def use(self, name: str, *, share: float = 0.55) -> Generator[float, None, Place]:
        """Click a button."""
        place = yield from self.find(name, share=share)
        yield from self.click(place)
        return place

    def fill(self, path: str, text: str) -> Steps:
        """Type ``text`` into the field of a property."""
        place = yield from self.use(path)
        yield from self.press("A", place, ctrl=True)
        yield from self.press("BACK_SPACE", place)
        yield from self.type(text, place)
        yield from self.press("RET", place)
        yield 0.3


def run(scenario: Callable[[Robot], Steps]) -> None:
    """Play ``scenario`` and quit. What it found goes, as JSON, to found.json in the folder named on the command line."""
    robot = Robot(Path(sys.argv[sys.argv.index("--") + 1]))
    steps = scenario(robot)
    began = time.monotonic()

    def tick() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            robot.found["ok"] = True
        except BaseException:
            robot.found["error"] = traceback.format_exc()
            robot.picture("error")
        robot.found["scenario_s"] = time.monotonic() - began
        report(robot)
        with contextlib.suppress(RuntimeError):
            bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(tick, first_interval=1.5, persistent=True)


def report(robot: Robot) -> None:
    """Write what was found."""
    robot.found["pictures"] = robot.pictures
    path = robot.folder / "found.json"
    path.with_suffix(".tmp").write_text(json.dumps(robot.found))
    path.with_suffix(".tmp").rename(path)


def until(condition: Callable[[], Any], limit: float, what: str) -> Steps:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {limit:g} s"
        yield 0.02
