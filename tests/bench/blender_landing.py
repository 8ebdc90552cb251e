"""Writing a take into Blender: ours beside Blender's own ``keyframe_insert``, on the same rig in the same run."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .figure import Figure

FRAMES = 10_000
INSERTED = 3_000  # frames by keyframe_insert, which is quadratic: more would take many minutes
REPEATS = 3


def landings() -> list[Figure]:
    """The rows of the table. Blender runs in a process of its own."""
    if importlib.util.find_spec("bpy") is None:
        return [Figure(what="a take into Blender", seen="skipped: no module bpy", reach="", met=None)]
    command = [sys.executable, "-m", "tests.bench.blender_landing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    times = (seen["inserted"] / INSERTED) / (seen["landed"] / FRAMES)
    return [
        Figure(
            what=f"{FRAMES:,} frames x 55 bones + 52 shape keys into Blender {seen['version']}",
            seen=f"{seen['landed']:.2f} s (curves made ready in a thread: {seen['prepared']:.2f} s)",
            reach="< 2 s",
            met=seen["landed"] < 2,
        ),
        Figure(
            what=f"the same a frame, beside keyframe_insert at {INSERTED:,} frames",
            seen=f"{times:.0f} x faster (keyframe_insert: {seen['inserted']:.0f} s)",
            reach=">= 100 x",
            met=times >= 100,
        ),
        Figure(
            what="10 s of it at 30 fps: on the main thread",
            seen=f"{seen['short'] * 1000:.0f} ms",
            reach="< 300 ms",
            met=seen["short"] < 0.3,
        ),
        Figure(
            what=f"{FRAMES:,} frames with reduced keys, 0.5 degrees: made ready in a thread",
            seen=f"{seen['reduced']:.1f} s, {seen['share'] * 100:.0f} % of the keys",
            reach="",
            met=None,
        ),
    ]


def _measure() -> dict[str, Any]:
    import bpy

    from declaim.addon import character, landing
    from declaim.core.body import builtin_body
    from declaim.exporters import blender_scene
    from declaim.exporters.character import Character

    from .glb import _restless

    bpy.ops.wm.read_factory_settings(use_empty=True)
    body = builtin_body()
    rig = blender_scene.build_character(Character.of(body)).rig
    clip = _restless(body, FRAMES)
    rest, shapes = character.rest_of(rig), character.shape_names(rig)

    def options(**given: Any) -> Any:
        return landing.Landing(name="bench", start_frame=1, fps=30.0, **given)

    def timed(frames: int) -> tuple[float, float]:
        part = clip.sliced(0, frames / 30)
        began = time.perf_counter()
        prepared = landing.prepare(part, rest, shapes, options())
        ready = time.perf_counter()
        landing.land(rig, prepared, options())
        return ready - began, time.perf_counter() - ready

    long = [timed(FRAMES) for _ in range(REPEATS)]
    short = [timed(300)[1] for _ in range(REPEATS)]
    began = time.perf_counter()
    thin = landing.prepare(clip, rest, shapes, options(keys="REDUCED")).curves
    reduced = time.perf_counter() - began
    full = landing.prepare(clip, rest, shapes, options()).curves
    count = [sum(len(curve.values) for curve in (*curves.rig, *curves.face)) for curves in (thin, full)]
    return {
        "version": bpy.app.version_string,
        "prepared": statistics.median(row[0] for row in long),
        "landed": statistics.median(row[1] for row in long),
        "short": statistics.median(short),
        "reduced": reduced,
        "share": count[0] / count[1],
        "inserted": _insert(rig, clip, INSERTED),
    }


def _insert(rig: Any, clip: Any, frames: int) -> float:
    """Seconds that the same 55 bones and 52 shapes take through Blender's own way to set a key."""
    quaternions = clip.quaternions()
    keys = next(
        mesh.data.shape_keys for mesh in rig.children if mesh.data.shape_keys and len(mesh.data.shape_keys.key_blocks) > 52
    )
    for owner in (rig, keys):
        owner.animation_data_clear()
    bones, blocks = list(rig.pose.bones), list(keys.key_blocks)[1:53]
    began = time.perf_counter()
    for frame in range(frames):
        bones[0].location = clip.trans[frame]
        bones[0].keyframe_insert("location", frame=frame)
        for bone, turn in zip(bones, quaternions[frame]):
            bone.rotation_quaternion = turn
            bone.keyframe_insert("rotation_quaternion", frame=frame)
        for block, weight in zip(blocks, clip.blendshapes[frame]):
            block.value = weight
            block.keyframe_insert("value", frame=frame)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(_measure()))
