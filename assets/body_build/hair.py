"""Hair and brows: surfaces that stand on the skin and follow it."""

from __future__ import annotations

import numpy as np

from ...core.rotations import normalised
from .parts import BODY_VERTICES, Piece, triangles_of
from .rays import first_hit
from .source import Array, Source

# The hairline around the skull's middle: azimuth from the front, elevation (degrees), for one side.
_HAIRLINE = np.array(
    [(0, 33), (18, 34), (33, 32), (43, 25), (51, 15), (57, 5), (62, -6), (66, -18), (71, -25), (76, -22), (80, -11),
     (88, -5), (97, -6), (104, -12), (111, -25), (118, -36), (135, -43), (158, -45), (180, -46)], float
)  # fmt: skip
_CROWN = np.radians(28.0)  # how far behind the top the hair's whorl lies
_STRANDS, _RINGS = 96, 15


def skull_middle(source: Source, base: Array) -> Array:
    """A point in the middle of the skull, on the level above the ears."""
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    return np.array([0.0, eye[1] + 0.025, eye[2] - 0.085])


def hair(source: Source, base: Array) -> Piece:
    """A short cut, combed from the whorl to the hairline. Every vertex stands on the scalp, out from the skull's middle."""
    triangles = triangles_of(source.quads["body"])
    middle = skull_middle(source, base)
    anchors, anchor_shares = _anchors(source, base, middle)
    axis = np.array([0.0, np.cos(_CROWN), -np.sin(_CROWN)])
    side = np.array([1.0, 0.0, 0.0])
    forward = np.cross(side, axis)
    line = _hairline()
    turn = np.arctan2(line @ side, line @ forward)
    reach = np.arccos(np.clip(line @ axis, -1, 1))
    order = np.argsort(turn)
    angles = (np.arange(_STRANDS) - _STRANDS / 2) * 2 * np.pi / _STRANDS
    limits = np.interp(angles, turn[order], reach[order], period=2 * np.pi)
    steps = np.concatenate([[1.0, 0.985, 0.95], np.linspace(0.88, 0.08, _RINGS - 3)])  # from the hairline to the whorl
    directions, heights, places = [axis], [_height(axis, 0.0, 0.0)], [(0.5, 0.5)]
    for row, step in enumerate(steps):
        for angle, limit in zip(angles, limits):
            polar = limit * step
            away = np.cos(polar) * axis + np.sin(polar) * (np.cos(angle) * forward + np.sin(angle) * side)
            directions.append(away)
            heights.append(-0.0015 if row == 0 else _height(away, step, angle) * (0.55 if row == 1 else 1.0))
            places.append((0.5 + 0.48 * step * np.sin(angle), 0.5 + 0.48 * step * np.cos(angle)))
    sources, shares = [], []
    for away, height in zip(directions, heights):
        found = first_hit(base, triangles, middle, away)
        assert found is not None
        triangle, share = found
        reach_out = float(np.linalg.norm(share @ base[triangles[triangle]] - middle))
        sources.append([*triangles[triangle], *anchors])
        shares.append([*(share * (1 + height / reach_out)), *(-anchor_shares * height / reach_out)])
    polygons = []
    for row in range(len(steps)):
        for k in range(_STRANDS):
            after = (k + 1) % _STRANDS
            outer, inner = 1 + row * _STRANDS, 1 + (row + 1) * _STRANDS
            if row == len(steps) - 1:
                polygons.append([outer + k, outer + after, 0])
            else:
                polygons.append([outer + k, outer + after, inner + after, inner + k])
    return Piece(
        name="hair",
        material=np.full(len(polygons), "hair"),
        polygons=polygons,
        uvs=[[places[vertex] for vertex in polygon] for polygon in polygons],
        sources=np.array(sources),
        shares=np.array(shares),
        lift=np.zeros(len(sources)),
    )


def _hairline() -> Array:
    """(n, 3) directions from the skull's middle along the hairline, right around."""
    azimuth = np.radians(np.linspace(-180, 180, 361))
    elevation = np.radians(np.interp(np.abs(np.degrees(azimuth)), _HAIRLINE[:, 0], _HAIRLINE[:, 1]))
    flat = np.cos(elevation)
    return np.stack([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)], axis=1)


def _height(away: Array, step: float, angle: float) -> float:
    """How far the hair stands off the scalp, m: full on top, close at the sides and the nape, combed in locks."""
    top = np.clip((away[1] + 0.15) / 0.9, 0, 1)
    front = np.clip(away[2], 0, 1) * np.clip(away[1], 0, 1)
    body = 0.006 + 0.016 * top**1.5 + 0.010 * front
    edge = np.clip((1 - step) / 0.12, 0, 1)
    locks = 0.0011 * np.sin(13 * angle + 2.2 * step) + 0.0007 * np.sin(29 * angle - 4 * step)
    return float(body * (0.35 + 0.65 * edge**0.5) + locks * min(1.0, 2.5 * step) * (0.4 + 0.6 * top))


def _anchors(source: Source, base: Array, middle: Array) -> tuple[Array, Array]:
    """Four scalp vertices that no face unit moves, and the affine mix of them that gives the skull's middle."""
    moved = np.max([np.abs(unit[:BODY_VERTICES]).max(axis=1) for unit in source.face_units.values()], axis=0)
    still = np.flatnonzero(moved < 1e-6)
    targets = middle + np.array([[0.075, 0.01, -0.02], [-0.075, 0.01, -0.02], [0, 0.1, 0], [0, 0, -0.1]])
    anchors = np.array([still[np.linalg.norm(base[still] - target, axis=1).argmin()] for target in targets])
    return anchors, np.linalg.solve(np.concatenate([base[anchors].T, np.ones((1, 4))]), [*middle, 1.0])


# One brow in front view, from the nose outward: x, y over the eye's middle, half width (m).
BROW = np.array(
    [(0.0110, 0.0162, 0.0014), (0.0150, 0.0182, 0.0036), (0.0220, 0.0202, 0.0037), (0.0300, 0.0218, 0.0034),
     (0.0380, 0.0224, 0.0029), (0.0450, 0.0208, 0.0021), (0.0510, 0.0172, 0.0011), (0.0545, 0.0142, 0.0003)]
)  # fmt: skip


def brow(source: Source, base: Array, side: str) -> Piece:
    """A brow: a padded strip on the skin above one eye."""
    sign = 1.0 if side == "l" else -1.0
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    triangles = triangles_of(source.quads["body"])
    along = np.linspace(0, 1, 22)
    keys = np.linspace(0, 1, len(BROW))
    x, y, half = (np.interp(along, keys, column) for column in BROW.T)
    path = np.stack([x, y], axis=1)
    across = normalised(np.gradient(path, axis=0) @ np.array([[0.0, 1.0], [-1.0, 0.0]]))
    sources, shares, lift = [], [], []
    rows = (-1.0, -0.35, 0.35, 1.0)
    for row in rows:
        for point, normal, width in zip(path, across, half):
            place = point + row * width * normal
            found = first_hit(
                base, triangles, np.array([sign * place[0], eye[1] + place[1], 1.0]), np.array([0.0, 0.0, -1.0])
            )
            assert found is not None
            sources.append(triangles[found[0]])
            shares.append(found[1])
            lift.append(-0.0005 if abs(row) == 1 else 0.0004 + 0.35 * width)
    count = len(along)
    polygons = [
        [r * count + k, r * count + k + 1, (r + 1) * count + k + 1, (r + 1) * count + k][:: int(sign)]
        for r in range(len(rows) - 1)
        for k in range(count - 1)
    ]
    return Piece(
        name=f"brow_{side}",
        material=np.full(len(polygons), "brows"),
        polygons=polygons,
        uvs=[[(v % count / (count - 1), v // count / (len(rows) - 1)) for v in polygon] for polygon in polygons],
        sources=np.array(sources),
        shares=np.array(shares),
        lift=np.array(lift),
    )
