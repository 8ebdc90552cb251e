"""How far points lie under a posed surface: winding numbers tell inside from outside, nearest triangles tell how deep.

The surface need not be closed or free of overlaps: clothes over skin, an eye socket, a cut where a limb was left out. The
generalised winding number (Jacobson et al. 2013, equation 5, with the solid angle of van Oosterom and Strackee 1983) is
about one inside and about zero outside all the same; far patches count as one dipole each (Barill et al. 2018, equation 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_FAR = 2.5  # patch radii from which a patch counts as one dipole: its error there is under 0.01 turns
_PAIRS = 2_000_000  # point-triangle pairs worked on at once: about 100 MB


def winding_numbers(points: Array, patches: Sequence[Array]) -> Array:
    """(N,) turns of the surface around ``points`` (N, 3); ``patches``: corners (F, 3, 3) of each piece of the surface."""
    total = np.zeros(len(points))
    for corners in patches:
        total += _turns(points, corners)
    return total


def _turns(points: Array, corners: Array) -> Array:
    """The part of the winding numbers (N,) that comes from the triangles ``corners`` (F, 3, 3)."""
    result = np.empty(len(points))
    centre = corners.mean(axis=(0, 1))
    radius = float(np.linalg.norm(corners - centre, axis=-1).max())
    towards = centre - points
    distance = np.linalg.norm(towards, axis=1)
    far = distance > _FAR * radius
    if far.any():
        area = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0)
        result[far] = towards[far] @ area / distance[far] ** 3 / (4 * np.pi)
    near = np.flatnonzero(~far)
    step = max(1, _PAIRS // max(1, len(corners)))
    for start in range(0, len(near), step):
        rows = near[start : start + step]
        result[rows] = _solid_angles(points[rows], corners).sum(axis=1) / (4 * np.pi)
    return result


def _solid_angles(points: Array, corners: Array) -> Array:
    """(N, F) signed solid angles; positive where the point lies behind the triangle.

    Every product in the formula is affine in the point, so that matrix products give them all.
    """
    origin = points.mean(axis=0)  # near the surface, where cancellation would matter
    p = points - origin
    a, b, c = (corners[:, k] - origin for k in range(3))
    square = (p**2).sum(axis=1)[:, None]

    def length(vertex: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(square - 2 * p @ vertex.T + (vertex**2).sum(axis=1), 0.0)))

    def product(one: Array, other: Array) -> Array:
        return np.asarray(square - p @ (one + other).T + (one * other).sum(axis=1))

    volume = (a * np.cross(b, c)).sum(axis=1) - p @ np.cross(b - a, c - a).T
    la, lb, lc = length(a), length(b), length(c)
    below = la * lb * lc + product(a, b) * lc + product(b, c) * la + product(c, a) * lb
    return np.asarray(2 * np.arctan2(volume, below))


def near_pieces(points: Array, pieces: Sequence[Array]) -> list[int]:
    """Which of ``pieces``, corners (F, 3, 3) each, may hold the triangle nearest to one of ``points`` (N, 3)."""
    least, most = np.full((len(pieces), len(points)), np.inf), np.full(len(points), np.inf)
    for row, corners in zip(least, pieces):
        if len(corners):
            centre = corners.mean(axis=(0, 1))
            row[:] = np.linalg.norm(points - centre, axis=1) - np.linalg.norm(corners - centre, axis=-1).max()
            some = corners[:: 1 + len(corners) // 50, 0]
            most = np.minimum(most, np.linalg.norm(points[:, None] - some, axis=-1).min(axis=1))
    return [int(row) for row in np.flatnonzero((least <= most).any(axis=1))]


def nearest_triangles(points: Array, corners: Array) -> tuple[Array, Array]:
    """Distance (N,), m, from ``points`` (N, 3) to the nearest of the triangles ``corners`` (F, 3, 3), and which (N,)."""
    centres = corners.mean(axis=1)
    radii = np.linalg.norm(corners - centres[:, None], axis=-1).max(axis=1)
    distances, which = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
    step = max(1, _PAIRS // max(1, len(corners)))
    for start in range(0, len(points), step):
        block = points[start : start + step]
        squared = (block**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * block @ centres.T
        away = np.sqrt(np.maximum(squared, 0.0))
        # No triangle is nearer than its sphere; only those that may beat the best sphere's far side are measured.
        row, column = np.nonzero(away - radii <= (away + radii).min(axis=1)[:, None])
        exact = triangle_distances(block[row], corners[column])
        first = np.searchsorted(row, np.arange(len(block)))
        least = np.minimum.reduceat(exact, first)
        hits = np.flatnonzero(exact == least[row])
        distances[start : start + step] = least
        which[start : start + step] = column[hits[np.searchsorted(row[hits], np.arange(len(block)))]]
    return distances, which


def triangle_distances(points: Array, corners: Array) -> Array:
    """(N,) distance of each point (N, 3) from its own triangle (N, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    flat = np.abs(np.einsum("ni,ni->n", points - a, normal)) / np.maximum(length, 1e-20)
    over = length > 1e-12
    edge = np.full(len(points), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        along = end - start
        side = np.einsum("ni,ni->n", np.cross(along, points - start), normal)
        over &= side >= 0
        share = np.einsum("ni,ni->n", points - start, along) / np.maximum(np.einsum("ni,ni->n", along, along), 1e-20)
        nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
        edge = np.minimum(edge, np.linalg.norm(points - nearest, axis=1))
    return np.asarray(np.where(over, flat, edge))
