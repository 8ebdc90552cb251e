"""python ufbx_reader.py FILE.fbx OUT.npz TIME...: what ufbx makes of an FBX at the given seconds.

A process of its own that never lets go of anything it has read: an object of ufbx's Python that dies may take the whole
scene with it.
"""

import gc

gc.disable()

import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import ufbx  # noqa: E402

_kept: list[Any] = []


def kept(value: Any) -> Any:
    _kept.append(value)
    return value


def every(values: Iterable[Any]) -> list[Any]:
    items = list(kept(values))
    _kept.extend(items)
    return items


def three(vector: Any) -> list[float]:
    return [vector.x, vector.y, vector.z]


def main(file: str, out: str, times: list[float]) -> None:
    scene = kept(ufbx.load_file(file))
    stacks, nodes = every(scene.anim_stacks), every(scene.nodes)
    anim = kept(stacks[0].anim)
    settings = kept(scene.settings)
    axes = kept(settings.axes)
    channels = every(scene.blend_channels)
    arrays: dict[str, Any] = {
        "axes": [int(axes.right), int(axes.up), int(axes.front)],
        "metres": settings.unit_meters,
        "fps": settings.frames_per_second,
        "stacks": [stack.name for stack in stacks],
        "span": [stacks[0].time_begin, stacks[0].time_end],
        "names": [node.name for node in nodes],
        "roots": [node.name for node in every(kept(scene.root_node).children)],
        "bones": [node.name for node in nodes if kept(node.bone) is not None],
        "turns": [kept(kept(node.local_transform).rotation).w for node in nodes],
        "scales": [three(kept(kept(node.local_transform).scale)) for node in nodes],
        "meshes": [mesh.name for mesh in every(scene.meshes)],
        "materials": [material.name for material in every(scene.materials)],
        "embedded": [len(bytes(video.content)) for video in every(scene.videos)],
        "channels": [channel.name for channel in channels],
    }
    for number, time in enumerate(times):
        state = kept(ufbx.evaluate_scene(scene, anim, time, evaluate_skinning=True))
        arrays[f"places{number}"] = [three(kept(kept(node.node_to_world).c3)) for node in every(state.nodes)]
        for mesh in every(state.meshes):
            points = every(kept(mesh.skinned_position).values)
            arrays[f"mesh{number}_{mesh.name}"] = [three(point) for point in points]
        arrays[f"weights{number}"] = [channel.weight for channel in every(state.blend_channels)]
    np.savez(out, **{name: np.array(value) for name, value in arrays.items()})
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [float(time) for time in sys.argv[3:]])
