"""Flesh around rigid bones: where a surface goes when its limb bends, by an elastic body that keeps its volume.

Skinning says where the bones go. Around them stands a cloud of points, the surface's own and a grid inside it, each tied
to its neighbours. The flesh settles where every neighbourhood is as near as it can be to a turned copy of itself that has
kept its volume: as-rigid-as-possible deformation (Sorkine and Alexa 2007) on a solid instead of a surface, its local step
mixed with a projection onto unit determinant, as in projective dynamics (Bouaziz et al. 2014).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .source import Array

_REACH = 1.75  # spacings to a neighbour
_TIES = 6  # neighbours that a point has at least
_ROUNDS = 20
_INCOMPRESSIBLE = 0.4  # share of the local step that keeps volume, the rest keeps shape
_SQUEEZE = 2.2  # at most so many times longer or shorter along an axis, while keeping volume


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bone:
    """A rigid core: what lies within ``radius`` m of the line between two points moves with ``joint``."""

    joint: int
    start: Array  # (3,) m
    end: Array
    radius: float

    def distance(self, points: Array) -> Array:
        """(n,) m from ``points`` to the line."""
        along = self.end - self.start
        share = np.clip((points - self.start) @ along / (along @ along), 0, 1)
        return np.asarray(np.linalg.norm(points - self.start - share[:, None] * along, axis=1))


def inside(surface: Array, normals: Array, near: Array, spacing: float) -> tuple[Array, Array]:
    """Grid points (g, 3) within ``surface`` (n, 3), around its vertices ``near`` (mask), and their depths (g,), m."""
    from scipy.spatial import cKDTree

    low, high = surface[near].min(axis=0) - 0.05, surface[near].max(axis=0) + 0.05
    axes = [np.arange(a, b, spacing) for a, b in zip(low, high)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[cKDTree(surface[near]).query(grid)[0] < 0.06]
    distance, nearest = cKDTree(surface).query(grid, k=5)
    height = ((grid[:, None] - surface[nearest]) * normals[nearest]).sum(axis=2)
    within = (np.median(height, axis=1) < 0) & (distance[:, 0] > 0.45 * spacing)
    return grid[within], distance[within, 0]


class Flesh:
    """Points, some of them held, in a pose that is right, ready to follow the held ones into others."""

    def __init__(self, points: Array, held: Array, spacing: float) -> None:
        """``points`` (P, 3) m, about ``spacing`` m apart; ``held`` (P,) mask."""
        from scipy.sparse import csr_array, diags_array
        from scipy.sparse.linalg import splu

        pairs = _pairs(points, spacing)
        apart = points[pairs[:, 1]] - points[pairs[:, 0]]
        stiffness = 1 / np.maximum(np.linalg.norm(apart, axis=1), 0.3 * spacing) ** 2
        self._count, self._held, self._free = len(points), np.flatnonzero(held), np.flatnonzero(~held)
        self._pairs, self._apart, self._stiffness = pairs, apart, stiffness
        ties = csr_array((stiffness, (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
        laplacian = (diags_array(ties.sum(axis=1)) - ties).tocsr()[self._free]
        self._coupling = laplacian[:, self._held]
        self._solver = splu(laplacian[:, self._free].tocsc())
        self._moments = np.linalg.inv(self._gathered(apart, apart) + 1e-6 * np.eye(3))

    def settled(self, placed: Array) -> Array:
        """(P, 3) where the points settle, from (P, 3) where they are put: there those held stay."""
        points = placed.copy()
        across = self._coupling @ points[self._held]
        for _ in range(_ROUNDS):
            edges = points[self._pairs[:, 1]] - points[self._pairs[:, 0]]
            turns = _volume_keeping(self._gathered(edges, self._apart) @ self._moments)
            mean = (turns[self._pairs[:, 0]] + turns[self._pairs[:, 1]]) / 2
            pulls = self._stiffness[:, None] * (mean @ self._apart[..., None])[..., 0]
            pull = self._summed(pulls)[self._free]
            points[self._free] = self._solver.solve(-pull - across)
        return points

    def _gathered(self, edges: Array, rest: Array) -> Array:
        """(P, 3, 3): over each point's ties, the sum of stiffness * edge rest^T."""
        products = self._stiffness[:, None, None] * edges[:, :, None] * rest[:, None, :]
        return self._summed(products.reshape(-1, 9)).reshape(-1, 3, 3)

    def _summed(self, values: Array) -> Array:
        """(P, n) sums over each point's ties of ``values`` (E, n)."""
        columns = [np.bincount(self._pairs[:, 0], column, minlength=self._count) for column in values.T]
        return np.stack(columns, axis=-1)


def _volume_keeping(gradients: Array) -> Array:
    """(P, 3, 3): the nearest rotation of each deformation gradient, mixed with its nearest map of determinant one."""
    u, stretch, vt = np.linalg.svd(gradients)
    flip = np.linalg.det(u @ vt) < 0
    u[flip, :, 2] *= -1
    stretch[flip, 2] *= -1
    logs = np.log(np.clip(stretch, 1 / _SQUEEZE, _SQUEEZE))
    kept = np.exp(logs - logs.mean(axis=1, keepdims=True))
    mixed = (1 - _INCOMPRESSIBLE) + _INCOMPRESSIBLE * kept
    return np.asarray((u * mixed[:, None, :]) @ vt)


def _pairs(points: Array, spacing: float) -> Array:
    """(E, 2) neighbours, each pair both ways round."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    close = tree.query_pairs(_REACH * spacing, output_type="ndarray")
    _, nearest = tree.query(points, k=_TIES + 1)
    near = np.column_stack([np.repeat(np.arange(len(points)), _TIES), nearest[:, 1:].reshape(-1)])
    every = np.unique(np.sort(np.concatenate([close, near]), axis=1), axis=0)
    return np.concatenate([every, every[:, ::-1]])
