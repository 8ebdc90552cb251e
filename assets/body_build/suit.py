"""The clothes: a knitted top, trousers and shoes, one skin-tight mesh of MakeHuman's, shaped and painted into clothes."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.skinning import vertex_normals
from .atlas import Atlas, noise
from .occlusion import openness
from .parts import Piece, boundary_loops, mixed, subset, triangles_of
from .rays import closest_on
from .source import Array, Source
from .unwrap import unwrapped

WAIST = 0.145  # m, A-pose: the top's hem
_TOP = np.array([0.185, 0.425, 0.465])
_TOP_RIB = np.array([0.155, 0.36, 0.40])
_TROUSERS = np.array([0.195, 0.205, 0.245])
_LEATHER = np.array([0.245, 0.165, 0.12])
_SOLE = np.array([0.80, 0.785, 0.75])
_THREAD = 0.72
_SIZES = {"top": (1024, 1024), "trousers": (1024, 1024), "shoes": (512, 512)}
_ANKLE, _HEM = 0.084, 0.075  # m over the floor: where shoes begin as a material, and where the trousers end on them
_SOLE_HEIGHT = 0.026


def suit(source: Source, base: Array) -> Piece:
    """The whole suit, its openings drawn in to the skin, trouser legs and shoes given a shape of their own."""
    quads = source.quads["helper-tights"]
    middles = base[quads].mean(axis=1)
    floor = base[quads, 1].min()
    material = np.where(middles[:, 1] < floor + _ANKLE, "shoes", np.where(middles[:, 1] < WAIST, "trousers", "top"))
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
            sources[row], shares[row], lift[row] = skin[triangle], share, 0.0025
    piece = dataclasses.replace(piece, sources=sources, shares=shares, lift=lift)
    piece = fitted(piece, base, base)
    local, shaped = np.array(piece.polygons), mixed(piece, base) + piece.offset
    uvs = np.zeros((len(local), 4, 2))
    for name in _SIZES:
        uvs[material == name] = unwrapped(shaped, local[material == name])
    places = [[(float(u), float(v)) for u, v in row] for row in uvs]
    return dataclasses.replace(piece, uvs=places)


def fitted(piece: Piece, person: Array, base: Array) -> Piece:
    """The suit with trouser legs as on ``base`` and with shoes for ``person`` (both (19158, 3)), soles flat on one floor."""
    points, usual, quads = mixed(piece, person), mixed(piece, base), np.array(piece.polygons)
    shoes = _shoes(points, quads, float(points[:, 1].min()))
    return dataclasses.replace(piece, offset=_legs(usual, float(usual[:, 1].min())) + shoes)


def _legs(points: Array, floor: float) -> Array:
    """(V, 3) from skin-tight to straight trouser legs, below the knee, where no hand comes."""
    height = points[:, 1] - floor
    offset = np.zeros_like(points)
    for sign in (1.0, -1.0):
        leg = (points[:, 0] * sign > 0) & (height > 0.05) & (height < 0.52)
        levels = np.arange(0.05, 0.53, 0.02)
        centres = np.array([points[leg & (np.abs(height - level) < 0.025)][:, [0, 2]].mean(axis=0) for level in levels])
        centres = np.stack([np.interp(height, levels, column) for column in centres.T], axis=1)
        away = points[:, [0, 2]] - centres
        reach = np.linalg.norm(away, axis=1)
        wanted = np.interp(
            height, [_HEM - 0.01, _HEM + 0.03, 0.16, 0.30, 0.40, 0.47], [0.050, 0.058, 0.058, 0.060, 0.058, 0.048]
        )
        grown = np.maximum(reach, wanted) - reach
        part = np.interp(height, [0.060, _HEM + 0.012, 0.40, 0.50], [0.0, 1.0, 1.0, 0.0]) * leg
        offset[:, [0, 2]] += (part * grown / np.maximum(reach, 1e-6))[:, None] * away
    return offset


def _shoes(points: Array, quads: Array, floor: float) -> Array:
    """(V, 3) from a foot to a shoe: no toes, a flat sole that stands out a little."""
    height = points[:, 1] - floor
    part = np.clip((0.085 - height) / 0.02, 0, 1)
    edges = np.unique(np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1), axis=0)
    smooth = points.copy()
    degree = np.bincount(edges.reshape(-1), minlength=len(points))[:, None]
    for _ in range(14):
        total = np.zeros_like(smooth)
        np.add.at(total, edges[:, 0], smooth[edges[:, 1]])
        np.add.at(total, edges[:, 1], smooth[edges[:, 0]])
        smooth = smooth + 0.6 * part[:, None] * (total / np.maximum(degree, 1) - smooth)
    normals = vertex_normals(smooth, triangles_of(quads))
    shaped = smooth + (0.0065 * part)[:, None] * normals
    low = shaped[:, 1] - floor
    # The sole: what looks down lies on the floor, what is just above stands out.
    down = np.clip((-normals[:, 1] - 0.15) / 0.25, 0, 1) * np.clip((0.05 - low) / 0.02, 0, 1)
    shaped[:, 1] += down * (floor - shaped[:, 1])
    rim = np.exp(-(((low - 0.010) / 0.012) ** 2)) * (1 - np.clip(-normals[:, 1], 0, 1)) * part
    flat = normals * [1, 0, 1]
    shaped += 0.004 * rim[:, None] * flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 0.3)
    shaped[:, 1] = np.where(part > 0, np.maximum(shaped[:, 1], floor), shaped[:, 1])
    return np.asarray(shaped - points)


def suit_textures(piece: Piece, points: Array) -> dict[str, bytes]:
    """The pictures of top, trousers and shoes. ``points`` (V, 3): the suit in A-pose."""
    quads = np.array(piece.polygons)
    triangles = triangles_of(quads)
    normals = vertex_normals(points, triangles)
    sky = openness(points, normals, triangles, np.ones(len(points), dtype=bool), 0.008)
    uvs = np.array(piece.uvs)
    corner_uvs = np.concatenate([uvs[:, [0, 1, 2]], uvs[:, [0, 2, 3]]])
    material = np.tile(piece.material, 2)
    floor = float(points[:, 1].min())
    rims = [points[loop] for loop in boundary_loops(quads)]
    pictures = {}
    for name, size in _SIZES.items():
        here = material == name
        atlas = Atlas.over(corner_uvs[here], size)
        places = atlas.carried(points, triangles[here])
        colours = _cloth(places, atlas.carried(normals, triangles[here]), floor, rims)
        shade = np.clip(1 - atlas.carried(sky, triangles[here]), 0, 1)[:, None] ** 1.15
        pictures[name] = atlas.jpeg(colours * (1 - 0.6 * shade), 87)
    return pictures


def _cloth(places: Array, normals: Array, floor: float, rims: list[Array]) -> Array:
    """(n, 3) what the clothes look like at ``places`` in A-pose: one painter for all, so that borders meet."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    height = y - floor
    sleeve = (x > 0.3) & (y > -0.2)
    shown = _knit(places, normals, rims, sleeve)
    trousers = _trousers(places, normals, height)
    hem = np.clip((WAIST - y) / 0.0015 + 0.5, 0, 1) * ~sleeve
    under = np.exp(-np.clip(WAIST - y, 0, None) / 0.006) * hem
    shown = shown + hem[:, None] * (trousers * (1 - 0.55 * under[:, None]) - shown)
    shoe = np.clip((_HEM - height) / 0.0015 + 0.5, 0, 1)
    under = np.exp(-np.clip(_HEM - height, 0, None) / 0.008) * shoe
    return np.asarray(shown + shoe[:, None] * (_leather(places, normals, height) * (1 - 0.6 * under[:, None]) - shown))


def _line(distance: Array, width: float) -> Array:
    return np.asarray(np.exp(-((distance / width) ** 2)))


def _knit(places: Array, normals: Array, rims: list[Array], sleeve: Array) -> Array:
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    melange = (
        0.035 * noise(places, 0.003, 51) + 0.03 * noise(places * [1, 0.5, 1], 0.0075, 52) + 0.025 * noise(places, 0.05, 53)
    )
    to_rim = np.full(len(places), np.inf)
    for rim in rims:
        normal = np.linalg.svd(rim - rim.mean(axis=0))[2][2]
        to_rim = np.minimum(
            to_rim,
            np.where(
                np.linalg.norm(places - rim.mean(axis=0), axis=1) < 0.16,
                np.abs((places - rim.mean(axis=0)) @ normal),
                np.inf,
            ),
        )
    rib_deep = np.where(sleeve, 0.05, 0.034)
    rib = np.clip((rib_deep - to_rim) / 0.0015 + 0.5, 0, 1)
    hem = np.clip((WAIST + 0.048 - y) / 0.0015 + 0.5, 0, 1) * ~sleeve
    around = np.where(sleeve, np.arctan2(normals[:, 2], normals[:, 1]) * 0.034, np.arctan2(places[:, 0], z - 0.0) * 0.13)
    ribs = 0.5 + 0.5 * np.cos(around / 0.0052 * 2 * np.pi)
    banded = np.maximum(rib, hem)
    colours = _TOP * (1 + melange)[:, None]
    ribbed = _TOP_RIB * (1 + melange)[:, None] * (0.84 + 0.24 * ribs)[:, None]
    colours = colours + banded[:, None] * (ribbed - colours)
    edge = _line(to_rim - rib_deep, 0.0016) + _line(y - WAIST - 0.048, 0.0016) * ~sleeve
    # Raglan seams from the neck to under the arms.
    raglan = _line(x - 0.062 - (0.585 - y) * 0.56, 0.0020) * ((y > 0.385) & (y < 0.60) & (np.abs(normals[:, 2]) > 0.2))
    return np.asarray(colours * (1 - (1 - _THREAD) * np.clip(edge + raglan, 0, 1))[:, None])


def _trousers(places: Array, normals: Array, height: Array) -> Array:
    x, y = np.abs(places[:, 0]), places[:, 1]
    twill = 0.03 * np.cos((places[:, 0] + places[:, 1] + places[:, 2]) / 0.0034 * 2 * np.pi)
    tone = 1 + twill + 0.035 * noise(places, 0.004, 61) + 0.05 * noise(places * [1, 0.35, 1], 0.05, 62)
    front = normals[:, 2] > 0.15
    behind = normals[:, 2] < -0.15
    seams = _line(normals[:, 2] + 0.05, 0.05) * (np.abs(normals[:, 0]) > 0.7) * (y < WAIST)
    seams = seams + _line(x, 0.0016) * (y > -0.06) * (front | behind)
    seams = seams + _line(np.abs(x - 0.012 - 0.25 * np.clip(-y + 0.02, 0, None) ** 2), 0.0014) * front * (y > -0.02) * (
        places[:, 0] > 0
    )
    pocket = _line((x - 0.085) * 0.8 - (0.115 - y) * 0.45, 0.0018) * front * (y > -0.03) * (y < 0.115)
    back_pocket = _line(y - 0.035, 0.0018) * behind * (np.abs(x - 0.085) < 0.055)
    band = _line(y - 0.118, 0.0016)
    cuff = _line(height - _HEM - 0.028, 0.0014) + _line(height - _HEM - 0.001, 0.002)
    crease = 0.35 * _line(x - 0.105 - 0.02 * np.clip(-y, 0, 1), 0.006) * front * (y < -0.1)
    dark = np.clip(seams + pocket + back_pocket + band + cuff, 0, 1)
    folds = 0.05 * noise(places * [1.0, 2.2, 1.0], 0.035, 63) * (np.abs(height - 0.48) < 0.09)
    return np.asarray(_TROUSERS * (tone + folds - (1 - _THREAD) * dark + 0.12 * crease)[:, None])


def _leather(places: Array, normals: Array, height: Array) -> Array:
    tone = 1 + 0.05 * noise(places, 0.0035, 71) + 0.06 * noise(places, 0.03, 72)
    colours = _LEATHER * tone[:, None]
    middle = np.abs(np.abs(places[:, 0]) - _middle(places))
    tongue = (normals[:, 1] > 0.3) & (middle < 0.020) & (height > 0.035)
    laces = (
        tongue
        * np.clip(np.cos(places[:, 2] / 0.013 * 2 * np.pi) * 2 - 0.7, 0, 1)
        * (places[:, 2] < places[:, 2].max() - 0.085)
    )
    colours = colours + laces[:, None] * (_SOLE * 0.82 - colours)
    stitch = _line(height - _SOLE_HEIGHT - 0.007, 0.0014) + _line(places[:, 2] - places[:, 2].max() + 0.062, 0.0018) * (
        height > 0.02
    )
    colours = colours * (1 - 0.3 * np.clip(stitch, 0, 1)[:, None])
    sole = np.clip((_SOLE_HEIGHT - height) / 0.0015 + 0.5, 0, 1)
    welt = _line(height - _SOLE_HEIGHT, 0.0018)
    rubber = (
        _SOLE
        * (0.93 + 0.05 * np.cos(height / 0.006 * 2 * np.pi))[:, None]
        * (0.75 + 0.25 * (normals[:, 1] > -0.6))[:, None]
    )
    colours = colours + sole[:, None] * (rubber - colours)
    return np.asarray(colours * (1 - 0.45 * welt)[:, None])


def _middle(places: Array) -> Array:
    """How far from the body's middle the line of each foot runs, by z (toes turn out)."""
    x, z = np.abs(places[:, 0]), places[:, 2]
    slope, at = np.polyfit(z, x, 1)
    return np.asarray(slope * z + at)
