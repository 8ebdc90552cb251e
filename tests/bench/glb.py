"""GLB of a long clip: ours beside Blender's own exporter, on the same clip in the same run."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.face import ARKIT
from declaim.core.skeleton import JOINT_COUNT
from declaim.exporters import character, character_file, glb
from declaim.exporters.formats import Take

REPEATS = 5


def bench_glb(frames: int = 10_000) -> dict[str, float]:
    """Seconds and bytes: "declaim" (median), "declaim_first", "declaim_bytes", and "blender", "blender_bytes" where bpy is.

    Every joint and every blend shape moves in every frame, so nothing can be left out by either.
    """
    body = builtin_body()
    take = Take(clip=_restless(body, frames), body=body, name="bench")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            glb.write(take, folder / "ours.glb")
            times.append(time.perf_counter() - began)
        size = (folder / "ours.glb").stat().st_size
        seen = {"declaim": statistics.median(times), "declaim_first": times[0], "declaim_bytes": float(size)}
        return seen | _through_blender(take, folder)


def _restless(body: Body, frames: int) -> MotionClip:
    generator = np.random.default_rng(0)
    seconds = np.arange(frames)[:, None] / 30

    def wave(count: int) -> np.ndarray:
        return np.sin(seconds * generator.uniform(0.5, 4, count) + generator.uniform(0, 6, count))

    return MotionClip(
        fps=30.0,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=0.4 * wave(JOINT_COUNT * 3).reshape(frames, JOINT_COUNT, 3),
        trans=0.3 * wave(3),
        blendshapes=0.5 + 0.5 * wave(len(ARKIT)),
    )


def _through_blender(take: Take, folder: Path) -> dict[str, float]:
    if importlib.util.find_spec("bpy") is None:
        return {}
    figure = character.Character.of(take.body, take.clip)
    character_file.save(figure, character.Performance.of(take.clip, take.body, take.name), folder / "take.npz")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.glb", str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode:
        raise SystemExit(f"Blender's exporter failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _time_blender(folder: Path) -> dict[str, float]:
    """In a process of its own: the take in ``folder`` as a scene, and its export timed."""
    import bpy

    from declaim.exporters import blender_scene

    figure, performance = character_file.load(folder / "take.npz")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    blender_scene.set_frame_rate(scene, performance.fps)
    blender_scene.set_frame_range(scene, len(performance))
    blender_scene.perform(blender_scene.build_character(figure, blender_scene.Z_UP), figure, performance)
    path = folder / "blender.glb"
    began = time.perf_counter()
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", export_anim_slide_to_zero=True)
    return {"blender": time.perf_counter() - began, "blender_bytes": float(path.stat().st_size)}


if __name__ == "__main__":
    print(json.dumps(_time_blender(Path(sys.argv[1]))))
