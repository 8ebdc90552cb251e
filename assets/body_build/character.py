"""The character: bare skin, suit and shoes, eyes, lashes, brows, teeth, tongue and hair, each as a piece."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.body import Material
from ...core.rotations import normalised
from .face import eye_sphere
from .hair import brow, hair
from .parts import Piece, boundary_loops, exposed_skin, subset, triangles_of, tucked
from .rays import closest_on
from .source import Array, Source
from .teeth import teeth

MATERIALS = (
    Material(name="skin", base_color=(0.60, 0.33, 0.23, 1.0), roughness=0.55),
    Material(name="top", base_color=(0.035, 0.16, 0.20, 1.0), roughness=0.85),
    Material(name="trousers", base_color=(0.035, 0.04, 0.055, 1.0), roughness=0.85),
    Material(name="shoes", base_color=(0.016, 0.016, 0.018, 1.0), roughness=0.5),
    Material(name="sclera", base_color=(0.82, 0.80, 0.78, 1.0), roughness=0.2),
    Material(name="iris", base_color=(0.11, 0.048, 0.016, 1.0), roughness=0.2),
    Material(name="limbus", base_color=(0.03, 0.015, 0.008, 1.0), roughness=0.2),
    Material(name="pupil", base_color=(0.004, 0.004, 0.004, 1.0), roughness=0.1),
    Material(name="lashes", base_color=(0.012, 0.008, 0.006, 1.0), roughness=0.8),
    Material(name="brows", base_color=(0.035, 0.018, 0.011, 1.0), roughness=0.9),
    Material(name="teeth", base_color=(0.80, 0.77, 0.70, 1.0), roughness=0.3),
    Material(name="back_teeth", base_color=(0.20, 0.145, 0.12, 1.0), roughness=0.5),
    Material(name="tongue", base_color=(0.115, 0.027, 0.027, 1.0), roughness=0.75),
    Material(name="mouth", base_color=(0.055, 0.012, 0.012, 1.0), roughness=0.9),
    Material(name="lips", base_color=(0.49, 0.205, 0.16, 1.0), roughness=0.45),
    Material(name="hair", base_color=(0.03, 0.016, 0.01, 1.0), roughness=0.7),
)
_PUPIL, _IRIS, _LIMBUS = np.radians([8.5, 21.0, 23.5])
_EYE_RINGS = np.radians([4.0, 8.5, 13.0, 17.0, 21.0, 23.5, 28.0, 34.0, 44.0, 58.0, 76.0, 98.0, 125.0, 155.0])
_EYE_SEGMENTS = 24


def character(source: Source, base: Array) -> list[Piece]:
    """Every piece, made on the base mesh ``base`` (19158, 3) of the default person in A-pose."""
    skin = subset(source, "body", exposed_skin(source, base), "skin", skin_materials(source))
    pieces = [tucked(source, base, skin), _suit(source, base)]
    for side in ("l", "r"):
        pieces += [_eye(source, base, side), _lashes(source, base, side), brow(source, base, side)]
    pieces += [teeth(source, base, row) for row in ("upper", "lower")]
    pieces += [subset(source, "helper-tongue", None, "tongue", "tongue"), hair(source, base)]
    return pieces


def skin_materials(source: Source) -> Array:
    """Skin, lips and the inside of the mouth, by MakeHuman's own masks over the texture."""
    from PIL import Image

    middles = source.uvs[source.uv_quads["body"]].mean(axis=1)
    names = np.full(len(middles), "skin", dtype="<U8")
    for mask, name in (("inside-mouth", "mouth"), ("lips", "lips")):
        with Image.open(source.data_folder / "textures" / f"mpfb_{mask}.jpg") as image:
            values = np.asarray(image.convert("L"), dtype=float) / 255
        rows = np.clip(((1 - middles[:, 1]) * values.shape[0]).astype(int), 0, values.shape[0] - 1)
        columns = np.clip((middles[:, 0] * values.shape[1]).astype(int), 0, values.shape[1] - 1)
        names[values[rows, columns] > 0.4] = name
    return names


def _lashes(source: Source, base: Array, side: str) -> Piece:
    """One eye's upper lashes, shortened: without a texture to thin them, whole ones and lower ones look like paint."""
    upper = max((1, 2), key=lambda n: float(base[source.quads[f"helper-{side}-eyelashes-{n}"]][..., 1].mean()))
    piece = subset(source, f"helper-{side}-eyelashes-{upper}", None, f"lashes_{side}", "lashes")
    used = piece.sources[:, 0]
    skin = base[np.unique(source.quads["body"])]
    gap = np.array([np.linalg.norm(skin - point, axis=1).min() for point in base[used]])
    roots = used[gap < 0.0022]
    root = np.array([roots[np.linalg.norm(base[roots] - point, axis=1).argmin()] for point in base[used]])
    # From the lid's edge, half as long: the face units carry the mesh's own lashes past the lid when it closes.
    triangles = triangles_of(source.quads["body"])
    lid = [closest_on(base, triangles, base[vertex]) for vertex in root]
    return dataclasses.replace(
        piece,
        sources=np.column_stack([triangles[[index for index, _ in lid]], used, root]),
        shares=np.column_stack([np.array([share for _, share in lid]), np.tile([0.5, -0.5], (len(used), 1))]),
        lift=np.full(len(used), 0.0002),
    )


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
            sources[row], shares[row], lift[row] = skin[triangle], share, 0.0025
    return dataclasses.replace(piece, sources=sources, shares=shares, lift=lift)


def _eye(source: Source, base: Array, side: str) -> Piece:
    """A new eyeball with rings at pupil and iris; its vertices are affine mixes of the old one's."""
    centre, radius = eye_sphere(source, base, side)
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
        name = (
            "pupil"
            if outer <= _PUPIL + 1e-6
            else "iris"
            if outer <= _IRIS + 1e-6
            else "limbus"
            if outer <= _LIMBUS + 1e-6
            else "sclera"
        )
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
