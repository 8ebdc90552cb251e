"""Rays against a triangle mesh, for placing hair, brows and landmarks on the skin."""

from __future__ import annotations

import numpy as np

from .source import Array


def first_hit(points: Array, triangles: Array, origin: Array, direction: Array) -> tuple[int, Array] | None:
    """The nearest triangle that a ray meets from either side, and where on it (barycentric). Möller and Trumbore 1997."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    ab, ac, away = b - a, c - a, origin - a
    p = np.cross(direction, ac)
    determinant = (ab * p).sum(axis=1)
    safe = np.where(np.abs(determinant) < 1e-14, np.inf, determinant)
    u = (away * p).sum(axis=1) / safe
    q = np.cross(away, ab)
    v = (q @ direction) / safe
    distance = (ac * q).sum(axis=1) / safe
    hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (distance > 1e-6) & np.isfinite(safe)
    if not hit.any():
        return None
    index = int(np.where(hit, distance, np.inf).argmin())
    return index, np.array([1 - u[index] - v[index], u[index], v[index]])


def closest_on(points: Array, triangles: Array, point: Array) -> tuple[int, Array]:
    """The triangle nearest to ``point``, and where on it (barycentric)."""
    near = np.argsort(np.linalg.norm(points[triangles].mean(axis=1) - point, axis=1), kind="stable")[:24]
    best: tuple[float, int, Array] = (np.inf, 0, np.zeros(3))
    for index in near:
        a, b, c = points[triangles[index]]
        solved = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), point - a, rcond=None)[0]
        share = np.clip([1 - solved.sum(), *solved], 0, 1)
        share /= share.sum()
        distance = float(np.linalg.norm(share @ np.stack([a, b, c]) - point))
        if distance < best[0]:
            best = (distance, int(index), share)
    return best[1], best[2]
