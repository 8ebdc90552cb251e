"""The rows of teeth and the tongue, shaped anew over MakeHuman's, whose teeth are wedges as deep as high.

A wedge shades grey at its edge and shows its wide inner slope, like a cube, through the corner of an open mouth. Here
each row is a thin wall that follows the same arch, smooth, further in than lips and cheeks, and dark at its back.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .parts import Piece
from .source import Array, Source

_POINTS = 9  # of each line below, the first of them in the middle
_PER_POINT = 4  # columns of the new wall
_SHADED = {"upper": 3.6, "lower": 1.6}  # points from the middle: from here on back, lips and cheeks keep the light off


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Row:
    root: tuple[int, ...]  # base vertices along the gum in front, from the middle to the character's left
    edge: tuple[int, ...]  # along the biting edge
    inner: tuple[int, ...]  # along the gum behind
    cut: float  # m of height that the edge gives up in the middle
    fall: float  # m that it gives up more with every point from there
    groove: float  # m that the gaps between teeth are deep
    narrow: float  # width of the arch against MakeHuman's, which reaches beyond the corners of the mouth
    inset: float  # m that the wall stands further in
    length: float  # points from the middle to the last tooth


_ROWS = {
    "upper": _Row(
        root=(15061, 15060, 15062, 15063, 15064, 15065, 15066, 15067, 15068),
        edge=(15069, 15086, 15071, 15070, 15085, 15078, 15077, 15076, 15080),
        inner=(15087, 15095, 15089, 15088, 15094, 15092, 15091, 15090, 15093),
        cut=0.0,
        fall=0.0,
        groove=0.0004,
        narrow=0.92,
        inset=0.001,
        length=6.0,
    ),
    "lower": _Row(
        root=(14993, 14992, 14994, 14995, 14996, 14997, 14998, 14999, 15000),
        edge=(15010, 15001, 15002, 15003, 15004, 15005, 15006, 15007, 15008),
        inner=(15027, 15019, 15020, 15021, 15022, 15023, 15024, 15025, 15026),
        cut=0.0058,
        fall=0.0014,
        groove=0.0,
        narrow=0.88,
        inset=0.003,
        length=5.0,
    ),
}
# From the root over the edge to the root behind: share of the way from root to edge, m back from there, m further in.
_PROFILE = (
    (0.0, 0.0, 0.0),
    (0.5, 0.0, -0.0004),
    (1.0, 0.0022, -0.0002),
    (1.0, 0.0006, 0.0002),
    (1.0, 0.0, 0.0009),
    (1.0, 0.0006, 0.0017),
    (1.0, 0.0030, 0.0024),
    (0.0, 0.0, 0.0040),
)
_FRONT = 5  # quads of the profile that are enamel; those behind lie in the dark


def teeth(source: Source, base: Array, name: str) -> Piece:
    """The ``upper`` or ``lower`` row."""
    row = _ROWS[name]
    group = np.unique(source.quads[f"helper-{name}-teeth"])
    vertices = np.concatenate([_both_sides(base, group, line) for line in (row.root, row.edge, row.inner)])
    count = 2 * _POINTS - 1
    mirrored = np.concatenate([np.arange(count)[::-1] + k * count for k in range(3)])
    steps = np.arange(-row.length, row.length + 1e-9, 1 / _PER_POINT)
    shares = []
    for step in steps:
        root, edge, inner = (_along(step, k, count) for k in range(3))
        narrowed = [(1 + row.narrow) / 2 * r + (1 - row.narrow) / 2 * r[mirrored] for r in (root, edge, inner)]
        root, edge, inner = narrowed
        rise = (root - edge) @ base[vertices]
        level = (inner - edge) - ((inner - edge) @ base[vertices])[1] / rise[1] * (root - edge)
        inward = level / np.linalg.norm(level @ base[vertices])  # a metre further in
        away = (root - edge) / np.abs(rise[1])  # a metre from the edge towards the root
        cut = row.cut + row.fall * abs(step)
        groove = row.groove * (np.round(step * _PER_POINT) % 2 == 0)
        for along, back, further in _PROFILE:
            place = root + along * (edge - root) + (along * cut + back) * away
            shares.append(place + (row.inset + further + along * groove) * inward)
    high = len(_PROFILE)
    polygons, uvs, material = [], [], []
    outwards = name == "lower"
    for column in range(len(steps) - 1):
        for k in range(high - 1):
            corners = [(column, k), (column + 1, k), (column + 1, k + 1), (column, k + 1)]
            corners = corners if outwards else corners[::-1]
            polygons.append([c * high + p for c, p in corners])
            uvs.append([(c / (len(steps) - 1), p / (high - 1)) for c, p in corners])
            lit = abs(steps[column] + steps[column + 1]) / 2 < _SHADED[name]
            material.append("mouth" if k >= _FRONT else "teeth" if lit else "back_teeth")
    return Piece(
        name=f"{name}_teeth",
        material=np.array(material),
        polygons=polygons,
        uvs=uvs,
        sources=np.tile(vertices, (len(shares), 1)),
        shares=np.array(shares),
        lift=np.zeros(len(shares)),
    )


def _both_sides(base: Array, group: Array, line: tuple[int, ...]) -> Array:
    """The line's vertices from the character's far right to its far left."""
    twins = [group[np.linalg.norm(base[group] - base[v] * [-1, 1, 1], axis=1).argmin()] for v in line[:0:-1]]
    return np.array([*twins, *line])


def _along(step: float, line: int, count: int) -> Array:
    """(3 * count,) shares of the point ``step`` points left of the middle on a curve through the line (Catmull-Rom)."""
    shares = np.zeros(3 * count)
    place = step + _POINTS - 1
    first = min(int(place), count - 2)
    t = place - first
    weights = np.array([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
    for index, weight in zip(range(first - 1, first + 3), weights):
        shares[line * count + min(max(index, 0), count - 1)] += weight
    return shares


def settled_tongue(source: Source, base: Array) -> Array:
    """(19158, 3) displacement of the tongue to within the rows of teeth: lower, narrower, with a round tip."""
    displacement = np.zeros_like(base)
    tongue = np.unique(source.quads["helper-tongue"])
    points = base[tongue]
    front = points[:, 2].max()
    tip = np.clip(1 - (front - points[:, 2]) / 0.022, 0, 1)
    displacement[tongue, 0] = -points[:, 0] * (0.14 + 0.26 * tip**2)
    displacement[tongue, 1] = -0.0035 - 0.002 * tip
    displacement[tongue, 2] = -0.004
    return displacement
