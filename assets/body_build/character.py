"""The character: bare skin, suit and shoes, eyes, lashes, brows, teeth, tongue and hair, each as a piece."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.body import Material
from ...core.rotations import normalised
from .parts import BODY_VERTICES, Piece, boundary_loops, exposed_skin, subset, triangles_of
from .source import Array, Source

MATERIALS = (
    Material(name="skin", base_color=(0.60, 0.33, 0.23, 1.0), roughness=0.55),
    Material(name="top", base_color=(0.035, 0.16, 0.20, 1.0), roughness=0.85),
    Material(name="trousers", base_color=(0.035, 0.04, 0.055, 1.0), roughness=0.85),
    Material(name="shoes", base_color=(0.016, 0.016, 0.018, 1.0), roughness=0.5),
    Material(name="sclera", base_color=(0.82, 0.80, 0.78, 1.0), roughness=0.2),
    Material(name="iris", base_color=(0.13, 0.075, 0.035, 1.0), roughness=0.2),
    Material(name="pupil", base_color=(0.004, 0.004, 0.004, 1.0), roughness=0.1),
    Material(name="lashes", base_color=(0.012, 0.008, 0.006, 1.0), roughness=0.8),
    Material(name="brows", base_color=(0.035, 0.018, 0.011, 1.0), roughness=0.9),
    Material(name="teeth", base_color=(0.80, 0.77, 0.70, 1.0), roughness=0.3),
    Material(name="tongue", base_color=(0.45, 0.13, 0.12, 1.0), roughness=0.4),
    Material(name="mouth", base_color=(0.16, 0.03, 0.03, 1.0), roughness=0.6),
    Material(name="lips", base_color=(0.42, 0.14, 0.12, 1.0), roughness=0.4),
    Material(name="hair", base_color=(0.03, 0.016, 0.01, 1.0), roughness=0.7),
)
_PUPIL, _IRIS = np.radians(8.5), np.radians(23.0)
_EYE_RINGS = np.radians([4.0, 8.5, 13.0, 18.0, 23.0, 27.0, 34.0, 44.0, 58.0, 76.0, 98.0, 125.0, 155.0])
_EYE_SEGMENTS = 24


def character(source: Source, base: Array) -> list[Piece]:
    """Every piece, made on the base mesh ``base`` (19158, 3) of the default person in A-pose."""
    pieces = [subset(source, "body", exposed_skin(source, base), "skin", "skin"), _suit(source, base)]
    pieces += [_eye(source, base, side) for side in ("l", "r")]
    for side in ("l", "r"):
        pieces += [subset(source, f"helper-{side}-eyelashes-{n}", None, f"lashes_{side}{n}", "lashes") for n in (1, 2)]
    pieces += [subset(source, f"helper-{row}-teeth", None, f"{row}_teeth", "teeth") for row in ("upper", "lower")]
    pieces.append(subset(source, "helper-tongue", None, "tongue", "tongue"))
    pieces.append(_hair(source, base))
    return pieces


def _suit(source: Source, base: Array) -> Piece:
    quads = source.quads["helper-tights"]
    middles = base[quads].mean(axis=1)
    ankle, waist = base[:, 1].min() + 0.115, 0.19
    material = np.where(middles[:, 1] < ankle, "shoes", np.where(middles[:, 1] < waist, "trousers", "top"))
    # Sleeves hang below the waist line in the A-pose.
    material[(np.abs(middles[:, 0]) > 0.3) & (middles[:, 1] > -0.2)] = "top"
    piece = subset(source, "helper-tights", None, "suit", material)
    skin = triangles_of(source.quads["body"])
    sources = np.repeat(piece.sources, 3, axis=1)
    shares = np.tile([1.0, 0.0, 0.0], (len(sources), 1))
    lift = piece.lift.copy()
    rows = {int(vertex): row for row, vertex in enumerate(piece.sources[:, 0])}
    for loop in boundary_loops(quads):
        for vertex in loop:
            triangle, share = closest_on(base, skin, base[vertex])
            row = rows[int(vertex)]
            sources[row], shares[row], lift[row] = skin[triangle], share, 0.0015
    return dataclasses.replace(piece, sources=sources, shares=shares, lift=lift)


def closest_on(base: Array, triangles: Array, point: Array) -> tuple[int, Array]:
    """The triangle of a mesh nearest to ``point``, and where on it (barycentric)."""
    near = np.argsort(np.linalg.norm(base[triangles].mean(axis=1) - point, axis=1))[:24]
    best: tuple[float, int, Array] = (np.inf, 0, np.zeros(3))
    for index in near:
        a, b, c = base[triangles[index]]
        solved = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), point - a, rcond=None)[0]
        share = np.clip([1 - solved.sum(), *solved], 0, 1)
        share /= share.sum()
        distance = float(np.linalg.norm(share @ np.stack([a, b, c]) - point))
        if distance < best[0]:
            best = (distance, int(index), share)
    return best[1], best[2]


def eye_sphere(base: Array, source: Source, side: str) -> tuple[Array, float]:
    """Centre and radius (m) of an eyeball."""
    points = base[np.unique(source.quads[f"helper-{side}-eye"])]
    solved = np.linalg.lstsq(np.column_stack([2 * points, np.ones(len(points))]), (points**2).sum(axis=1), rcond=None)[0]
    return solved[:3], float(np.sqrt(solved[3] + solved[:3] @ solved[:3]))


def _eye(source: Source, base: Array, side: str) -> Piece:
    """A new eyeball with rings at pupil and iris; its vertices are affine mixes of the old one's."""
    centre, radius = eye_sphere(base, source, side)
    turn = np.arange(_EYE_SEGMENTS) * 2 * np.pi / _EYE_SEGMENTS
    rings = [
        np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.full_like(turn, np.cos(polar))], axis=1)
        for polar in _EYE_RINGS
    ]
    unit = np.concatenate([[[0, 0, 1]], *rings, [[0, 0, -1]]])
    places = 0.5 + 0.5 * normalised(unit[:, :2]) * (np.arccos(np.clip(unit[:, 2:], -1, 1)) / np.pi)
    last = len(unit) - 1
    polygons: list[list[int]] = []
    material: list[str] = []
    for ring in range(len(_EYE_RINGS) + 1):
        outer = _EYE_RINGS[ring] if ring < len(_EYE_RINGS) else np.pi
        name = "pupil" if outer <= _PUPIL + 1e-6 else "iris" if outer <= _IRIS + 1e-6 else "sclera"
        for k in range(_EYE_SEGMENTS):
            after = (k + 1) % _EYE_SEGMENTS
            inside, outside = 1 + (ring - 1) * _EYE_SEGMENTS, 1 + ring * _EYE_SEGMENTS
            if ring == 0:
                polygons.append([0, outside + k, outside + after])
            elif ring == len(_EYE_RINGS):
                polygons.append([inside + k, last, inside + after])
            else:
                polygons.append([inside + k, outside + k, outside + after, inside + after])
            material.append(name)
    old = np.unique(source.quads[f"helper-{side}-eye"])
    wanted = np.column_stack([centre + radius * unit, np.ones(len(unit))])
    shares = wanted @ np.linalg.pinv(np.column_stack([base[old], np.ones(len(old))]))
    return Piece(
        name=f"eye_{side}",
        material=np.array(material),
        polygons=polygons,
        uvs=[[(float(places[v, 0]), float(places[v, 1])) for v in polygon] for polygon in polygons],
        sources=np.tile(old, (len(unit), 1)),
        shares=shares,
        lift=np.zeros(len(unit)),
    )


def _hair(source: Source, base: Array) -> Piece:
    """A short cut: the scalp inside the hairline, lifted where it is far from it."""
    quads = source.quads["body"]
    skull = hairline_height(source, base)
    inside = (skull[quads] > 0).all(axis=1)
    piece = subset(source, "body", inside, "hair", "hair")
    height = skull[piece.sources[:, 0]]
    lift = 0.001 + 0.022 * np.clip(height / 0.5, 0, 1) ** 0.6
    return dataclasses.replace(piece, lift=lift)


def hairline_height(source: Source, base: Array) -> Array:
    """(V,) how far above the hairline a skin vertex lies, in radians about the head's middle; negative below."""
    left, radius = eye_sphere(base, source, "l")
    centre = np.array([0.0, left[1] + 0.035, left[2] - 0.085])
    away = base - centre
    azimuth = np.abs(np.arctan2(away[:, 0], away[:, 2]))  # 0 forward, pi behind
    elevation = np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2]))
    line = np.interp(azimuth, np.radians([0, 35, 60, 75, 95, 105, 130, 180]), np.radians([42, 40, 25, 5, -5, -5, -40, -48]))
    height = elevation - line
    head = np.zeros(len(base), dtype=bool)
    head[:BODY_VERTICES] = base[:BODY_VERTICES, 1] > left[1] - 0.09
    return np.where(head, height, -1.0)
