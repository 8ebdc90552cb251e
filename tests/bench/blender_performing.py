"""The button in Blender: enabling the extension, the engine's cold start, and Perform on ten seconds of speech.

Without a window; ``make test-window`` measures the callbacks and the same button in a real one.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .figure import Figure
from .voices import recordings, strung

_DEMO = Path(__file__).parents[2] / "assets" / "demo"
REPEATS = 3


def performings(folder: Path) -> list[Figure]:
    """The rows of the table. Blender runs in a process of its own."""
    if importlib.util.find_spec("bpy") is None:
        return [Figure(what="Perform in Blender", seen="skipped: no module bpy", reach="", met=None)]
    voice, script = _DEMO / "voice.flac", _DEMO / "script.txt"
    if recordings():
        voice, script, _ = strung(folder, 10.0)
    command = [sys.executable, "-m", "tests.bench.blender_performing", str(voice), str(script)]
    for room in ("addon", "core"):  # as after the first start: the module bpy keeps no bytecode by itself
        compileall.compile_dir(Path(__file__).parents[2] / room, quiet=2)
    settings = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "blender")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=settings)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    return [
        Figure(
            what=f"enabling the extension in Blender {seen['version']}",
            seen=f"{seen['enabled'] * 1000:.0f} ms",
            reach="< 100 ms",
            met=seen["enabled"] < 0.1,
        ),
        Figure(what="engine in Blender: cold start", seen=f"{seen['cold']:.1f} s", reach="< 5 s", met=seen["cold"] < 5),
        Figure(
            what=f"Perform on {seen['duration']:.0f} s of speech, engine warm, to moving character",
            seen=f"{seen['warm']:.2f} s (first line of an engine {seen['first']:.2f} s)",
            reach="< 4 s",
            met=seen["warm"] < 4,
        ),
        Figure(what="adding the avatar", seen=f"{seen['avatar']:.2f} s", reach="", met=None),
    ]


def _measure(voice: str, script: str) -> dict[str, Any]:
    import bpy

    began = time.perf_counter()
    import declaim

    declaim.register()
    enabled = time.perf_counter() - began
    from declaim.addon import engine

    try:
        began = time.perf_counter()
        engine.client()
        cold = time.perf_counter() - began
        began = time.perf_counter()
        bpy.ops.declaim.add_avatar()
        avatar = time.perf_counter() - began
        bpy.context.scene.declaim.character = bpy.context.object
        times = []
        for seed in range(REPEATS + 1):
            began = time.perf_counter()
            bpy.ops.declaim.perform(voice=voice, script=Path(script).read_text(encoding="utf-8"), seed=seed)
            times.append(time.perf_counter() - began)
        takes = bpy.context.scene.declaim.character.declaim.takes
        return {
            "version": ".".join(map(str, bpy.app.version)),
            "enabled": enabled,
            "cold": cold,
            "avatar": avatar,
            "first": times[0],
            "warm": statistics.median(times[1:]),
            "duration": takes[0].duration,
        }
    finally:
        declaim.unregister()


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:])))
