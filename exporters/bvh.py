"""Biovision hierarchy: 55 joints under their SMPL-X names, in centimetres and degrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.files import replacing
from ..core.report import Report
from ..core.rotations import axis_angle_to_matrix
from ..core.skeleton import JOINT_COUNT, JOINTS, PARENTS
from .formats import Take

Array = NDArray[Any]
_CENTIMETRES = 100.0  # a metre; BVH has no unit, and the tools that read it expect centimetres
_BLOCK = 500  # frames formatted at once
_FORWARD = np.array([0.0, 0.0, 3.0])  # cm
_CHILDREN = tuple(tuple(child for child, parent in enumerate(PARENTS) if parent == joint) for joint in range(JOINT_COUNT))


def write(take: Take, path: Path, report: Report | None = None) -> None:
    """Write the take's skeleton as BVH: Y up, facing +Z, T-pose at rest, centimetres, Z-X-Y rotations in degrees.

    The rotations never jump by half a turn or more between frames. The root's OFFSET is zero and its position channels
    hold its place, so that readers that add the two and readers that take the channels alone agree. Betas shape the
    skeleton; jaw and eyes move where the body's face is in its joints. Raises ExportError where the file cannot be written.
    """
    clip, body = take.clip, take.body
    poses, _, _ = body.face_pose(clip.poses, clip.blendshapes, clip.expressions)
    rest = body.rest_joints(clip.betas).astype(np.float64)
    order = _depth_first(0)
    places = (rest[0] + clip.trans) * _CENTIMETRES
    angles = np.degrees(zxy_angles(axis_angle_to_matrix(poses[:, order].astype(np.float64))))
    rows = np.concatenate([places, angles.reshape(len(clip), -1)], axis=1)
    line = " ".join(["%.5f"] * rows.shape[1]) + "\n"
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n" + "".join(_joint(0, rest * _CENTIMETRES, 0)))
        file.write(f"MOTION\nFrames: {len(clip)}\nFrame Time: {1 / clip.fps:.9g}\n")
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            file.write(line * len(block) % tuple(block.ravel().tolist()))


def zxy_angles(matrices: Array) -> Array:
    """(T, J, 3, 3) rotations -> (T, J, 3) angles about z, x and y, rad, R = Rz Rx Ry, continuous over the frames.

    Every rotation has two such triples, (z, x, y) and (z + pi, pi - x, y + pi), each up to whole turns. The one nearer to
    the frame before is taken. Which of two neighbours' triples are near does not depend on the choices before, so the
    choices are a running parity.
    """
    x = np.arcsin(np.clip(matrices[..., 2, 1], -1, 1))
    y = np.arctan2(-matrices[..., 2, 0], matrices[..., 2, 2])
    z = np.arctan2(-matrices[..., 0, 1], matrices[..., 1, 1])
    # Where x is a quarter turn only z + y (or z - y) is known: give all of it to z.
    locked = np.abs(matrices[..., 2, 1]) > 1 - 1e-10
    y = np.where(locked, 0.0, y)
    z = np.where(locked, np.arctan2(matrices[..., 1, 0], matrices[..., 0, 0]), z)
    one = np.stack([z, x, y], axis=-1)
    other = np.stack([z + np.pi, np.pi - x, y + np.pi], axis=-1)
    if len(one) > 1:
        swaps = _distance(other[1:], one[:-1]) < _distance(one[1:], one[:-1])
        parity = np.concatenate([np.zeros_like(swaps[:1]), np.cumsum(swaps, axis=0) % 2 == 1])
        one = np.where(parity[..., None], other, one)
    return np.asarray(np.unwrap(one, axis=0))


def _distance(left: Array, right: Array) -> Array:
    """The largest of the three angles' differences, whole turns aside."""
    return np.asarray(np.abs((left - right + np.pi) % (2 * np.pi) - np.pi).max(axis=-1))


def _depth_first(joint: int) -> list[int]:
    return [joint, *(below for child in _CHILDREN[joint] for below in _depth_first(child))]


def _joint(joint: int, rest: Array, depth: int) -> list[str]:
    """The HIERARCHY lines of ``joint`` and all below it. ``rest`` (55, 3), cm."""
    parent, tab = PARENTS[joint], "\t" * depth
    offset = rest[joint] - rest[parent] if parent >= 0 else np.zeros(3)
    channels = "3 Zrotation Xrotation Yrotation"
    if parent < 0:
        channels = "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
    lines = [
        f"{tab}{'ROOT' if parent < 0 else 'JOINT'} {JOINTS[joint]}\n{tab}{{\n",
        f"{tab}\tOFFSET {_numbers(offset)}\n{tab}\tCHANNELS {channels}\n",
    ]
    for child in _CHILDREN[joint]:
        lines += _joint(child, rest, depth + 1)
    if not _CHILDREN[joint]:
        # A finger goes on as its last segment does; toes, jaw and eyes point forward.
        end = 0.8 * offset if JOINTS[joint].endswith("3") else _FORWARD
        lines.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_numbers(end)}\n{tab}\t}}\n")
    return [*lines, f"{tab}}}\n"]


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.6f}" for value in values.tolist())
