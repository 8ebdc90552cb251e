"""The 51 face landmarks in iBUG order without the jaw line: brows, nose, eyes, mouth."""

from __future__ import annotations

import numpy as np

from .character import closest_on
from .parts import Piece
from .source import Array, Source


def face_landmarks(source: Source, base: Array, skin: Piece, rest: Array, triangles: Array) -> tuple[Array, Array]:
    """(51,) triangles of the character and (51, 3) places on them."""
    count = sum(len(polygon) - 2 for polygon in skin.polygons)
    skin_triangles = triangles[:count]
    skin_points = base[skin.sources[:, 0]]
    found = [closest_on(skin_points, skin_triangles, _on_front(skin_points, target)) for target in _targets(source, base)]
    return np.array([index for index, _ in found], np.int32), np.array([share for _, share in found], np.float32)


def _on_front(points: Array, target: Array) -> Array:
    near = np.linalg.norm(points[:, :2] - target[:2], axis=1) < 0.008
    return np.array([target[0], target[1], points[near, 2].max() if near.any() else target[2]])


def _targets(source: Source, base: Array) -> list[Array]:
    lash = {side: base[np.unique(source.quads[f"helper-{side}-eyelashes-1"])] for side in ("l", "r")}
    eye = lash["l"].mean(axis=0)
    mouth = base[np.unique(source.quads["helper-upper-teeth"])].mean(axis=0) - [0, 0.006, 0]
    targets: list[tuple[float, float]] = []
    brow = [(0.014, 0.016), (0.022, 0.021), (0.031, 0.0225), (0.040, 0.021), (0.048, 0.016)]
    targets += [(-x, eye[1] + y) for x, y in reversed(brow)] + [(x, eye[1] + y) for x, y in brow]
    targets += [(0, eye[1] + y) for y in (0.0, -0.012, -0.024, -0.036)]
    targets += [(x, eye[1] - 0.046) for x in (-0.012, -0.006, 0, 0.006, 0.012)]
    lids = [(0.049, 0.0), (0.038, 0.006), (0.027, 0.006), (0.017, 0.0), (0.027, -0.005), (0.038, -0.005)]
    targets += [(-x, eye[1] + y) for x, y in lids]
    targets += [(lids[i][0], eye[1] + lids[i][1]) for i in (3, 2, 1, 0, 5, 4)]
    outer = [(-0.025, 0), (-0.016, 0.006), (-0.006, 0.009), (0, 0.008), (0.006, 0.009), (0.016, 0.006), (0.025, 0)]
    outer += [(0.016, -0.008), (0.008, -0.011), (0, -0.012), (-0.008, -0.011), (-0.016, -0.008)]
    inner = [(-0.021, 0), (-0.008, 0.001), (0, 0.001), (0.008, 0.001), (0.021, 0), (0.008, -0.001), (0, -0.001), (-0.008, -0.001)]
    targets += [(x, mouth[1] + y) for x, y in outer + inner]
    return [np.array([x, y, 0.0]) for x, y in targets]
