"""Texture places for a mesh that has none worth keeping: charts seen straight on from six sides, packed in shelves."""

from __future__ import annotations

import numpy as np

from .source import Array

_GAP = 0.008  # of the picture's width, between charts
_SIDES = np.concatenate([np.eye(3), -np.eye(3)])
_ROUNDS = 6  # of smoothing the charts' borders


def unwrapped(points: Array, quads: Array) -> Array:
    """(n, 4, 2) places in 0..1 for ``quads`` (n, 4) over ``points`` (V, 3), the same scale everywhere, none overlapping."""
    corners = points[quads]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    pairs = _neighbours(quads)
    facing = normals @ _SIDES.T
    votes = facing.copy()
    for _ in range(_ROUNDS):
        spread = votes.copy()
        np.add.at(spread, pairs[:, 0], 0.5 * votes[pairs[:, 1]])
        np.add.at(spread, pairs[:, 1], 0.5 * votes[pairs[:, 0]])
        votes = np.where(facing > 0.35, spread / np.linalg.norm(spread, axis=1, keepdims=True), -9)
    side = votes.argmax(axis=1)
    charts = _components(side, pairs)
    flat = np.empty((len(quads), 4, 2))
    sizes = []
    for chart in charts:
        normal = _SIDES[side[chart[0]]]
        up = np.array([0.0, 0.0, 1.0]) if abs(normal[1]) > 0.5 else np.array([0.0, 1.0, 0.0])
        places = corners[chart] @ np.stack([np.cross(up, normal), up], axis=1)
        flat[chart] = places - places.reshape(-1, 2).min(axis=0)
        sizes.append(flat[chart].reshape(-1, 2).max(axis=0))
    scale, origins = _packed(np.array(sizes))
    for chart, origin in zip(charts, origins):
        flat[chart] = flat[chart] * scale + origin
    return flat


def _neighbours(quads: Array) -> Array:
    """(m, 2) quads that share an edge."""
    edges = np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    owner = np.tile(np.arange(len(quads)), 4)
    order = np.lexsort(edges.T[::-1])
    edges, owner = edges[order], owner[order]
    same = (edges[1:] == edges[:-1]).all(axis=1)
    return np.stack([owner[:-1][same], owner[1:][same]], axis=1)


def _components(labels: Array, pairs: Array) -> list[Array]:
    """Rows that hang together within one label."""
    group = np.arange(len(labels))
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    while True:
        lower = np.minimum(group[pairs[:, 0]], group[pairs[:, 1]])
        before = group.copy()
        np.minimum.at(group, pairs[:, 0], lower)
        np.minimum.at(group, pairs[:, 1], lower)
        group = group[group]
        if (group == before).all():
            return [np.flatnonzero(group == name) for name in np.unique(group)]


def _packed(sizes: Array) -> tuple[float, Array]:
    """The scale at which boxes (n, 2) fit the unit square in shelves, and their corners (n, 2)."""
    order = np.argsort(-sizes[:, 1], kind="stable")
    scale = 1.2 / np.sqrt(sizes.prod(axis=1).sum())
    while True:
        origins, x, y, shelf = np.zeros_like(sizes), _GAP, _GAP, 0.0
        for row in order:
            wide, high = sizes[row] * scale
            if x + wide > 1 - _GAP:
                x, y, shelf = _GAP, y + shelf + _GAP, 0.0
            origins[row] = x, y
            x, shelf = x + wide + _GAP, max(shelf, high)
        if y + shelf <= 1 - _GAP and (origins + sizes * scale <= 1).all():
            return float(scale), origins
        scale *= 0.97
