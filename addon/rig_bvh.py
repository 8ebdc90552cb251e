"""BVH of any armature: Y up and centimetres, which Blender's own exporter does not offer. No bpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.files import replacing

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 500  # frames formatted at once


def write(
    path: Path,
    *,
    names: Sequence[str],
    parents: Sequence[int],
    heads: np.ndarray,
    tails: np.ndarray,
    rest: np.ndarray,
    posed: np.ndarray,
    fps: float,
    unit: float = 1.0,
) -> None:
    """Write bones, parents before children, as BVH: their own rest pose, Z-X-Y rotations in degrees, continuous.

    ``heads`` and ``tails`` (B, 3), ``rest`` (B, 3, 3) and ``posed`` (T, B, 4, 4) in armature space, Z up; ``unit`` metres a
    unit of the armature. Position channels on roots only; several roots hang on a joint of their own that stays at the
    origin. Raises ExportError where the file cannot be written.
    """
    import numpy as np

    from ..exporters.bvh import zxy_angles

    up = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # Z up to Y up; the front view faces +Z
    scale = 100.0 * unit
    heads, tails = heads @ up.T * scale, tails @ up.T * scale
    world = up @ posed[:, :, :3, :3] @ rest.swapaxes(-1, -2) @ up.T
    places = posed[:, :, :3, 3] @ up.T * scale
    names, parents = list(names), list(parents)
    roots = [bone for bone, parent in enumerate(parents) if parent < 0]
    children: dict[int, list[int]] = {bone: [] for bone in range(-1, len(names))}
    for bone, parent in enumerate(parents):
        children[parent].append(bone)

    lines: list[str] = []
    order: list[int] = []

    def joint(bone: int, depth: int, offset: np.ndarray) -> None:
        tab = "\t" * depth
        order.append(bone)
        channels = "3 Zrotation Xrotation Yrotation"
        if parents[bone] < 0:
            channels = "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
        lines.append(f"{tab}{'JOINT' if depth else 'ROOT'} {_plain(names[bone])}\n{tab}{{\n")
        lines.append(f"{tab}\tOFFSET {_numbers(offset)}\n{tab}\tCHANNELS {channels}\n")
        for child in children[bone]:
            joint(child, depth + 1, heads[child] - heads[bone])
        if not children[bone]:
            lines.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_numbers(tails[bone] - heads[bone])}\n{tab}\t}}\n")
        lines.append(f"{tab}}}\n")

    origin = np.zeros(
        3
    )  # of a root: its position channels hold its place, for readers that add the two and those that do not
    if len(roots) == 1:
        joint(roots[0], 0, origin)
    else:
        lines.append(f"ROOT Armature\n{{\n\tOFFSET {_numbers(origin)}\n\tCHANNELS 3 Zrotation Xrotation Yrotation\n")
        for root in roots:
            joint(root, 1, origin)
        lines.append("}\n")

    columns = [] if len(roots) == 1 else [np.zeros((len(posed), 3))]
    for bone in order:
        parent = parents[bone]
        turn = world[:, bone] if parent < 0 else world[:, parent].swapaxes(-1, -2) @ world[:, bone]
        if parent < 0:
            columns.append(places[:, bone])
        columns.append(np.degrees(zxy_angles(turn[:, None])[:, 0]))
    rows = np.concatenate(columns, axis=1)
    line = " ".join(["%.5f"] * rows.shape[1]) + "\n"
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("HIERARCHY\n" + "".join(lines))
        file.write(f"MOTION\nFrames: {len(rows)}\nFrame Time: {1 / fps:.9g}\n")
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            file.write(line * len(block) % tuple(block.ravel().tolist()))


def _plain(name: str) -> str:
    """BVH ends a name at a blank."""
    return "_".join(name.split()) or "bone"


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in values.tolist())
