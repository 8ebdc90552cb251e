"""The body as smooth surfaces that arms keep out of: trunk, head and thighs, measured on any body's mesh.

Each surface is a radius about an upright axis, by height and angle, in rest pose; it follows one joint, or bends from one
joint's frame over into another's. All positions here are *chest space*: rest space carried along by the joint spine3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import rotations
from ...core.body import Body
from ...core.skeleton import JOINT, PARENTS
from .curves import minimum_jerk

Array = NDArray[Any]
_ROW, _SECTORS = 0.015, 40  # m, and sectors around, of the measured table; it is refined four times over
_LOOSE = ("lash", "brow", "eye", "teeth", "tongue")  # parts of the mesh that lie inside it
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")
_HEAD = ("neck", "head", "jaw")
_FRAMES = ("pelvis", "left_hip", "right_hip", "neck", "head")  # joints whose motion carries surfaces, besides the chest's
_ARMPIT = 0.5  # upper arm lengths around the shoulder that are left out of the trunk
_FILL = 12  # how many cells an empty one may be filled from afar

Frames = Mapping[str, tuple[Array, Array]]  # joint -> rotation (T, 3, 3) and offset (T, 3), m, from rest to chest space


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """A part of the body as a radius about an axis that is nearly upright in rest pose."""

    low: float  # m, height of the table's first row
    step: float  # m, from row to row
    axis: Array  # (rows, 2) m: x and z of the middle at each row
    table: Array  # (rows, sectors + 1, 3): radius, m; its slope along the height; its slope around, over the radius
    upper: str  # the joint whose frame its upper part follows; "spine3" is chest space itself
    lower: str  # ... its lower part
    blend: tuple[float, float]  # m, heights between which one passes over into the other

    def distances(self, points: Array, frames: Frames) -> tuple[Array, Array]:
        """How far outside ``points`` (T, K, 3) are, (T, K) m, negative inside, and the way out (T, K, 3), unit.

        ``frames`` are those of the T moments. Exact to first order near the surface, smooth everywhere but on the axis.
        """
        local = _into(points, frames, self.upper)
        if self.lower != self.upper:
            share = minimum_jerk((points[..., 1] - self.blend[0]) / (self.blend[1] - self.blend[0]))[..., None]
            local = share * local + (1 - share) * _into(points, frames, self.lower)
        rows, sectors = self.table.shape[0] - 1, self.table.shape[1] - 1
        height = np.clip((local[..., 1] - self.low) / self.step, 0.0, rows - 1e-6)
        row = height.astype(np.intp)
        up = (height - row)[..., None]
        middle = self.axis[row] * (1 - up) + self.axis[row + 1] * up
        x, z = local[..., 0] - middle[..., 0], local[..., 2] - middle[..., 1]
        level = np.sqrt(x * x + z * z + 1e-8)
        around = (np.arctan2(x, z) * (0.5 / np.pi) + 0.5) * sectors
        column = np.minimum(around.astype(np.intp), sectors - 1)
        side = (around - column)[..., None]
        flat = self.table.reshape(-1, 3)
        corner = row * (sectors + 1) + column
        below = flat[corner] * (1 - side) + flat[corner + 1] * side
        above = flat[corner + sectors + 1] * (1 - side) + flat[corner + sectors + 2] * side
        radius, rising, turning = np.moveaxis(below * (1 - up) + above * up, -1, 0)
        beyond = local[..., 1] - np.clip(local[..., 1], self.low, self.low + rows * self.step)
        way = np.stack([(x - turning * z) / level, -rising, (z + turning * x) / level], axis=-1)
        steepness = np.sqrt(1.0 + rising * rising + turning * turning)
        gap = (level - radius) / steepness
        out = way / steepness[..., None]
        # Past the table's ends the way to the last row counts too.
        far = np.abs(beyond)
        gap = np.where(gap > 0, np.sqrt(gap * gap + far * far), gap + far)
        normal = _out_of(out, frames, self.upper)
        if self.lower != self.upper:
            normal = share * normal + (1 - share) * _out_of(out, frames, self.lower)
        return gap, normal


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Surfaces:
    """All that arms keep out of."""

    trunk: Surface
    head: Surface
    thighs: tuple[Surface, Surface]  # left, right


def measured(body: Body, betas: Array, *, seated: bool = False) -> Surfaces:
    """The surfaces of a body's shape, from its mesh. A bent hip flattens the thigh: ``seated`` measures it so."""
    vertices, joints = body.shaped(betas).astype(np.float64), body.rest_joints(betas).astype(np.float64)
    solid = np.ones(len(body.triangles), dtype=bool)
    for part in body.parts:
        if any(word in part.name for word in _LOOSE):
            solid[part.start : part.start + part.count] = False
    triangles = body.triangles[solid]
    owner = body.weights.argmax(axis=1)

    def samples(names: tuple[str, ...], low: float, high: float) -> Array:
        mine = np.isin(owner, [JOINT[name] for name in names])
        corners = vertices[triangles[mine[triangles].any(axis=1)]]
        points = np.concatenate([np.tensordot(corners, weight, axes=([1], [0])) for weight in _BARYCENTRIC])
        return points[(points[:, 1] > low) & (points[:, 1] < high)]

    def thigh_samples(side: str) -> Array:
        if not seated:
            return samples((f"{side}_hip", f"{side}_knee"), knee - 0.02, hip + 0.02)
        mine = np.isin(owner, [JOINT[f"{side}_hip"], JOINT[f"{side}_knee"]])
        corners = _unbent(body, betas, joints, side)[triangles[mine[triangles].any(axis=1)]]
        points = np.concatenate([np.tensordot(corners, weight, axes=([1], [0])) for weight in _BARYCENTRIC])
        behind = points[:, 2] < joints[JOINT[f"{side}_knee"], 2] - 0.05  # where the bent shin goes
        points = points[~behind | (points[:, 1] > knee + 0.08)]
        return np.asarray(points[(points[:, 1] > knee + 0.01) & (points[:, 1] < hip - 0.02)])

    hip, knee, pelvis = joints[JOINT["left_hip"], 1], joints[JOINT["left_knee"], 1], joints[JOINT["pelvis"], 1]
    chest, neck, head = joints[JOINT["spine3"], 1], joints[JOINT["neck"], 1], joints[JOINT["head"], 1]
    crown = float(vertices[:, 1].max())
    trunk = samples((*_TRUNK, "left_hip", "right_hip"), hip - 0.03, neck)
    # Around the shoulder the trunk runs over into the arm, and moves with it.
    shoulder, elbow = joints[JOINT["left_shoulder"]], joints[JOINT["left_elbow"]]
    from_joint = np.linalg.norm(np.column_stack([np.abs(trunk[:, 0]), trunk[:, 1:]]) - shoulder, axis=1)
    trunk = trunk[from_joint > _ARMPIT * float(np.linalg.norm(elbow - shoulder))]
    waist = (pelvis + 0.3 * (chest - pelvis), chest)
    thighs = []
    for side in ("left", "right"):
        thigh = thigh_samples(side)
        sunk = _SUNK if seated else 0.0
        surface = _surface(thigh, upper=f"{side}_hip", lower=f"{side}_hip", blend=(0.0, 1.0), sunk=sunk)
        thighs.append(_yielding(surface) if seated else surface)
    return Surfaces(
        trunk=_surface(trunk, upper="spine3", lower="pelvis", blend=waist),
        head=_surface(samples(_HEAD, neck, crown + 1.0), upper="head", lower="spine3", blend=(neck, head + 0.02)),
        thighs=(thighs[0], thighs[1]),
    )


def chest_frames(poses: Array, rest: Array) -> dict[str, tuple[Array, Array]]:
    """Where rest space goes with each joint, seen from the chest. ``poses`` (T, 55, 3) axis-angle, rad; ``rest`` (55, 3)."""
    needed: set[int] = set()
    for name in (*_FRAMES, "spine3"):
        joint = JOINT[name]
        while joint >= 0:
            needed.add(joint)
            joint = PARENTS[joint]
    world: dict[int, Array] = {}
    place: dict[int, Array] = {}
    for joint in sorted(needed):
        local = rotations.axis_angle_to_matrix(poses[:, joint].astype(np.float64))
        parent = PARENTS[joint]
        if parent < 0:
            world[joint], place[joint] = local, np.broadcast_to(rest[joint], (len(poses), 3))
        else:
            world[joint] = world[parent] @ local
            place[joint] = place[parent] + (world[parent] @ (rest[joint] - rest[parent])[:, None])[..., 0]
    chest = JOINT["spine3"]
    inverse = world[chest].swapaxes(-1, -2)
    frames = {}
    for name in _FRAMES:
        joint = JOINT[name]
        turned = inverse @ world[joint]
        origin = rest[chest] + (inverse @ (place[joint] - place[chest])[..., None])[..., 0]
        frames[name] = (turned, origin - (turned @ rest[joint][:, None])[..., 0])
    return frames


# --- measuring ---

_GIVE = 0.0055  # m
_SUNK = 0.035  # m that a seated thigh's axis lies under its middle: however deep a finger dives, the way out is up
_SEATED_HIP = -np.radians(85.0)  # rad about x


def _unbent(body: Body, betas: Array, rest: Array, side: str) -> Array:
    """(V, 3) the mesh of a body whose hip and knee are bent as on a chair, turned back with that thigh into rest space."""
    poses = np.zeros((1, 55, 3), dtype=np.float32)
    poses[0, JOINT[f"{side}_hip"], 0], poses[0, JOINT[f"{side}_knee"], 0] = _SEATED_HIP, -_SEATED_HIP
    vertices = body.vertices(poses=poses, trans=np.zeros((1, 3), np.float32), betas=np.asarray(betas, np.float32))[0]
    turned = rotations.axis_angle_to_matrix(poses[0, JOINT[f"{side}_hip"]].astype(np.float64))
    return np.asarray((vertices - rest[JOINT[f"{side}_hip"]]) @ turned + rest[JOINT[f"{side}_hip"]])


def _yielding(surface: Surface) -> Surface:
    """The surface where a hand lies on it: flesh gives a little."""
    table = surface.table.copy()
    table[..., 0] -= _GIVE
    return dataclasses.replace(surface, table=table)


_BARYCENTRIC = np.array(
    [(i / 3, j / 3, (3 - i - j) / 3) for i in range(4) for j in range(4 - i)]
)  # ten points on each triangle: corners, thirds of the edges, middle


def _surface(points: Array, *, upper: str, lower: str, blend: tuple[float, float], sunk: float = 0.0) -> Surface:
    """The star-shaped surface about the middle line of ``points`` (N, 3), or a line ``sunk`` m behind that."""
    low = float(points[:, 1].min())
    rows = max(int(np.ceil((points[:, 1].max() - low) / _ROW)), 4)
    row = np.minimum(((points[:, 1] - low) / _ROW).astype(np.intp), rows - 1)
    axis = _middle_line(points[:, [0, 2]], row, rows) - [0.0, sunk]
    offset = points[:, [0, 2]] - axis[row]
    radius = np.hypot(offset[:, 0], offset[:, 1])
    angle = (np.arctan2(offset[:, 0], offset[:, 1]) / (2 * np.pi) + 0.5) * _SECTORS
    cells = np.zeros((rows, _SECTORS))
    np.maximum.at(cells, (row, np.minimum(angle.astype(np.intp), _SECTORS - 1)), radius)
    fine = _refined(_refined(_filled(cells)))
    # Refining rows places them at quarter steps around each old middle, the first a quarter in from the first cell's edge.
    step, turn = _ROW / 4, 2 * np.pi / (4 * _SECTORS)
    heights = low + (np.arange(len(fine)) + 0.5) * step
    middle = np.stack([np.interp(heights, low + (np.arange(rows) + 0.5) * _ROW, axis[:, k]) for k in (0, 1)], axis=1)
    closed = np.concatenate([fine[:, -1:], fine, fine[:, :1]], axis=1)
    # Columns lie in the middle of their sectors; half a sector on, so that the first lies at the angle -pi.
    closed = (closed[:, :-1] + closed[:, 1:]) / 2
    slope = np.gradient(closed, step, axis=0)
    around = np.concatenate([closed[:, -2:-1], closed, closed[:, 1:2]], axis=1)
    around = (around[:, 2:] - around[:, :-2]) / (2 * turn) / np.maximum(closed, 0.01)
    table = np.stack([closed, np.clip(slope, -1.5, 1.5), np.clip(around, -1.0, 1.0)], axis=-1)
    return Surface(low=float(heights[0]), step=step, axis=middle, table=table, upper=upper, lower=lower, blend=blend)


def _middle_line(flat: Array, row: Array, rows: int) -> Array:
    """(rows, 2) the middle of each row's extent, as a straight line fits it best."""
    middles = np.zeros((rows, 2))
    known = np.zeros(rows, dtype=bool)
    for number in range(rows):
        mine = flat[row == number]
        if len(mine):
            middles[number], known[number] = (mine.min(axis=0) + mine.max(axis=0)) / 2, True
    heights = np.arange(rows)
    return np.stack([np.polyval(np.polyfit(heights[known], middles[known, k], 1), heights) for k in (0, 1)], axis=1)


def _filled(cells: Array) -> Array:
    """Cells that no point fell into, given the largest of their neighbours', again and again."""
    cells = cells.copy()
    for _ in range(_FILL):
        empty = cells <= 0
        if not empty.any():
            break
        padded = np.pad(np.pad(cells, ((0, 0), (1, 1)), mode="wrap"), ((1, 1), (0, 0)), mode="edge")
        near = np.max([padded[i : i + len(cells), j : j + cells.shape[1]] for i in range(3) for j in range(3)], axis=0)
        cells[empty] = near[empty]
    return cells


def _refined(cells: Array) -> Array:
    """Twice as many rows and columns: one step of subdivision towards the quadratic B-spline through the cells."""
    padded = np.pad(cells, ((1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * len(cells), cells.shape[1]))
    rows[0::2] = 0.75 * cells + 0.25 * padded[:-2]
    rows[1::2] = 0.75 * cells + 0.25 * padded[2:]
    columns = np.empty((len(rows), 2 * cells.shape[1]))
    columns[:, 0::2] = 0.75 * rows + 0.25 * np.roll(rows, 1, axis=1)
    columns[:, 1::2] = 0.75 * rows + 0.25 * np.roll(rows, -1, axis=1)
    return columns


def _into(points: Array, frames: Frames, joint: str) -> Array:
    if joint == "spine3":
        return points
    turned, offset = frames[joint]
    return np.asarray((points - offset[:, None]) @ turned)


def _out_of(directions: Array, frames: Frames, joint: str) -> Array:
    return directions if joint == "spine3" else np.asarray(directions @ frames[joint][0].swapaxes(-1, -2))
