"""Upper eyelashes: single hairs that stand on the lid's edge and turn with it, so that a closed eye has a clean line."""

from __future__ import annotations

import numpy as np

from .face import eye_sphere
from .parts import BODY_VERTICES, Piece, triangles_of
from .rays import first_hit
from .source import Array, Source

_COUNT = 34
_AHEAD = np.array([0.0, 0.0, -1.0])


def lashes(source: Source, base: Array, side: str) -> Piece:
    """One eye's upper lashes over a thin dark line, from the inner corner to the outer."""
    centre, radius = eye_sphere(source, base, side)
    edges, above = _lid(source, base, side)
    anchors, anchor_shares = _middle(source, base, side, centre)
    count = len(edges)
    sources, shares, polygons = [], [], []

    def add(root: tuple[Array, Array], over: tuple[Array, Array], out: float, up: float, lean: float, row: int) -> int:
        """A point at the lid's edge, ``out`` m away from the eye, ``up`` of the way to the lid above, leaning sideways."""
        before, after = edges[max(row - 1, 0)], edges[min(row + 1, count - 1)]
        far = out / radius
        sources.append([*root[0], *over[0], *before[0], *after[0], *anchors])
        shares.append(
            [
                *(root[1] * (1 + far - up)),
                *(over[1] * up),
                *(-lean * before[1]),
                *(lean * after[1]),
                *(-far * anchor_shares),
            ]
        )
        return len(sources) - 1

    line = [
        [add(edges[k], above[k], 0.0004, up, 0.0, k) for up in (-0.12, 0.5 * np.sin(np.pi * (k + 0.5) / count) ** 0.5)]
        for k in range(count)
    ]
    outwards = 1 if side == "l" else -1
    for k in range(count - 1):
        quad = [line[k][0], line[k + 1][0], line[k + 1][1], line[k][1]]
        polygons.append(quad[::outwards])
    random = np.random.Generator(np.random.PCG64(31))
    for k in range(2, count - 1):
        t = k / (count - 1)
        length = float(np.interp(t, [0, 0.25, 0.75, 1.0], [0.0012, 0.0026, 0.0036, 0.0024]) * random.uniform(0.8, 1.1))
        lean = float(np.interp(t, [0, 0.4, 1.0], [-0.1, 0.25, 0.9]) + random.uniform(-0.15, 0.15))
        left, right = (add(edges[k], above[k], 0.0002, 0.08, way, k) for way in (-0.2, 0.2))
        bend = [add(edges[k], above[k], 0.6 * length, 0.20, 0.35 * lean + way, k) for way in (-0.12, 0.12)]
        tip = add(edges[k], above[k], length, 0.85, lean, k)
        for polygon in ([left, right, bend[1], bend[0]], [bend[0], bend[1], tip]):
            polygons.append(polygon[::outwards])
    return Piece(
        name=f"lashes_{side}",
        material=np.full(len(polygons), "lashes"),
        polygons=polygons,
        uvs=[[(0.5, 0.5)] * len(polygon) for polygon in polygons],
        sources=np.array(sources),
        shares=np.array(shares),
        lift=np.zeros(len(sources)),
    )


def _lid(source: Source, base: Array, side: str) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
    """The upper lid's edge in columns from the inner corner out, and the lid 2 mm above it, as places on the skin."""
    centre, _ = eye_sphere(source, base, side)
    sign = 1.0 if side == "l" else -1.0
    triangles = np.concatenate([triangles_of(source.quads["body"]), triangles_of(source.quads[f"helper-{side}-eye"])])
    triangles = triangles[np.linalg.norm(base[triangles].mean(axis=1) - centre, axis=1) < 0.035]

    def hit(x: float, y: float) -> tuple[Array, Array]:
        found = first_hit(base, triangles, np.array([sign * x, y, 1.0]), _AHEAD)
        assert found is not None
        return triangles[found[0]], found[1]

    def shows(x: float, y: float) -> bool:
        return bool(hit(x, y)[0].min() >= BODY_VERTICES)

    middle = sign * centre[0]
    heights = np.arange(0.011, -0.008, -0.0004)
    columns = np.arange(middle - 0.018, middle + 0.019, 0.0005)
    spans = []
    for x in columns:
        top = next((y for y in heights if shows(x, centre[1] + y)), None)
        if top is not None:
            spans.append((x, centre[1] + top))
    places, tops = np.array(spans).T
    wanted = np.linspace(places[0] + 0.0016, places[-1] - 0.0002, _COUNT)
    smooth = np.polyval(np.polyfit(places - middle, tops, 5), wanted - middle)
    edges, above = [], []
    for x, start in zip(wanted, smooth):
        low, high = start - 0.0016, start + 0.0016
        for _ in range(12):
            half = (low + high) / 2
            low, high = (half, high) if shows(x, half) else (low, half)
        edges.append(hit(x, high + 0.0001))
        above.append(hit(x, high + 0.0021))
    return edges, above


def _middle(source: Source, base: Array, side: str, centre: Array) -> tuple[Array, Array]:
    """Four of the eyeball's vertices and the affine mix of them that is its centre, however it turns."""
    ball = np.unique(source.quads[f"helper-{side}-eye"])
    ways = np.array([[0, 0, 1.0], [0.94, 0, -0.33], [-0.47, 0.82, -0.33], [-0.47, -0.82, -0.33]])
    radius = np.linalg.norm(base[ball] - centre, axis=1).mean()
    anchors = np.array([ball[np.linalg.norm(base[ball] - centre - radius * way, axis=1).argmin()] for way in ways])
    return anchors, np.linalg.solve(np.concatenate([base[anchors].T, np.ones((1, 4))]), [*centre, 1.0])
