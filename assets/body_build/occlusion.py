"""How much of the sky each vertex sees: the soft shade in folds and hollows that textures carry."""

from __future__ import annotations

import numpy as np

from .source import Array

_DIRECTIONS = 96
_SPACING = 0.0012  # m between the points that stand for the surface
_MOST = 900_000  # points


def openness(points: Array, normals: Array, triangles: Array, over: Array, cell: float) -> Array:
    """(V,) 0..1: the share of each vertex's hemisphere, weighted by the cosine, that nothing covers.

    ``over`` is the mask of vertices asked for, the others are 1. The surface is splatted as points into a grid of ``cell``
    metres across each of 96 directions; what lies more than two cells behind the foremost point is covered.
    """
    rows = np.flatnonzero(over)
    low, high = points[rows].min(axis=0) - 0.12, points[rows].max(axis=0) + 0.12
    corners = points[triangles]
    corners = corners[((corners.mean(axis=1) > low) & (corners.mean(axis=1) < high)).all(axis=1)]
    cloud = _sampled(corners)
    seen, total = np.zeros(len(rows)), np.zeros(len(rows))
    for direction in _sphere(_DIRECTIONS):
        cosine = np.clip(normals[rows] @ direction, 0, 1)
        side = np.cross(direction, [0.36, 0.48, 0.8])
        side /= np.linalg.norm(side)
        axes = np.stack([side, np.cross(direction, side)])
        flat = np.floor(cloud @ axes.T / cell).astype(np.int64)
        origin = flat.min(axis=0)
        width, height = flat.max(axis=0) - origin + 1
        front = np.full(width * height, -np.inf)
        np.maximum.at(front, (flat - origin) @ [1, width], cloud @ direction)
        own = np.floor((points[rows] + normals[rows] * cell) @ axes.T / cell).astype(np.int64) - origin
        own = np.clip(own, 0, [width - 1, height - 1])
        clear = (points[rows] + normals[rows] * cell) @ direction > front[own @ [1, width]] - 2 * cell
        seen += cosine * clear
        total += cosine
    result = np.ones(len(points))
    result[rows] = seen / np.maximum(total, 1e-9)
    return result


def _sampled(corners: Array) -> Array:
    """Points over triangles (F, 3, 3), a fixed pattern, closer where triangles are large."""
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    counts = np.maximum(1, np.ceil(area / max(_SPACING**2, area.sum() / _MOST)).astype(int))
    index = np.repeat(np.arange(len(corners)), counts)
    number = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    # The R2 sequence (Roberts 2018) folded into the triangle.
    u, v = (0.5 + 0.7548776662466927 * number) % 1, (0.5 + 0.5698402909980532 * number) % 1
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    a, b, c = corners[index, 0], corners[index, 1], corners[index, 2]
    return np.asarray(a + u[:, None] * (b - a) + v[:, None] * (c - a))


def _sphere(count: int) -> Array:
    """(count, 3) directions spread evenly (Fibonacci)."""
    step = np.arange(count) + 0.5
    height = 1 - 2 * step / count
    turn = np.pi * (1 + 5**0.5) * step
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(turn), height, around * np.sin(turn)], axis=1)
