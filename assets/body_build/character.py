"""The character: bare skin, suit and shoes, eyes, lashes, brows, teeth, tongue and hair, each as a piece."""

from __future__ import annotations

import numpy as np

from ...core.body import Material
from .eye_paint import eye_places, eye_texture
from .face import eye_sphere
from .hair import Strands, hair, hair_texture
from .lashes import lashes
from .parts import Piece, exposed_skin, positions, subset, triangles_of, tucked
from .skin_paint import skin_layout, skin_texture
from .source import Array, Source
from .suit import suit, suit_textures
from .teeth import teeth

MATERIALS = (
    Material(name="skin", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.52),
    Material(name="top", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.9),
    Material(name="trousers", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.85),
    Material(name="shoes", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.62),
    Material(name="eyes", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.06),
    Material(name="lashes", base_color=(0.012, 0.008, 0.006, 1.0), roughness=0.8),
    Material(name="teeth", base_color=(0.80, 0.77, 0.70, 1.0), roughness=0.3),
    Material(name="back_teeth", base_color=(0.20, 0.145, 0.12, 1.0), roughness=0.5),
    Material(name="tongue", base_color=(0.115, 0.027, 0.027, 1.0), roughness=0.75),
    # As a metal, or the sheen that every other surface has would light up the dark.
    Material(name="mouth", base_color=(0.075, 0.014, 0.014, 1.0), roughness=0.9, metallic=0.9),
    Material(name="hair", base_color=(1.0, 1.0, 1.0, 1.0), roughness=0.7),
)
_EYE_RINGS = np.radians([4.0, 8.5, 13.0, 17.0, 21.0, 25.0, 29.0, 34.0, 44.0, 58.0, 76.0, 98.0, 125.0, 155.0])
_EYE_SEGMENTS = 24


def character(source: Source, base: Array, strands: Strands, hair_length: float) -> list[Piece]:
    """Every piece, made on the base mesh ``base`` (19158, 3) of the default person in A-pose; the hair is the last."""
    skin = subset(source, "body", exposed_skin(source, base), "skin", _inside_mouth(source), skin_layout(source, base))
    clothes = suit(source, base)
    pieces = [tucked(source, base, skin, clothes), clothes]
    for side in ("l", "r"):
        pieces += [_eye(source, base, side), lashes(source, base, side)]
    pieces += [teeth(source, base, row) for row in ("upper", "lower")]
    pieces += [subset(source, "helper-tongue", None, "tongue", "tongue"), hair(strands, hair_length)]
    return pieces


def textures(source: Source, base: Array, pieces: list[Piece]) -> dict[str, bytes]:
    """The pictures of the materials that have one, by material."""
    clothed = positions([pieces[1]], base, triangles_of(source.quads["body"]))
    clothes = suit_textures(pieces[1], clothed)
    rows = source.uv_quads["body"][exposed_skin(source, base)]
    return {"skin": skin_texture(source, base, pieces[0], rows), "eyes": eye_texture(), "hair": hair_texture(), **clothes}


def _inside_mouth(source: Source) -> Array:
    """(n,) "mouth" for the quads behind the lips, else "skin"."""
    return np.where(skin_materials(source) == "mouth", "mouth", "skin")


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


def _eye(source: Source, base: Array, side: str) -> Piece:
    """A new eyeball with rings at pupil and iris; its vertices are affine mixes of the old one's."""
    centre, radius = eye_sphere(source, base, side)
    turn = np.arange(_EYE_SEGMENTS) * 2 * np.pi / _EYE_SEGMENTS
    rings = [
        np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.full_like(turn, np.cos(polar))], axis=1)
        for polar in _EYE_RINGS
    ]
    unit = np.concatenate([[[0, 0, 1]], *rings, [[0, 0, -1]]])
    places = eye_places(unit)
    last = len(unit) - 1
    polygons: list[list[int]] = []
    for ring in range(len(_EYE_RINGS) + 1):
        for k in range(_EYE_SEGMENTS):
            after = (k + 1) % _EYE_SEGMENTS
            inside, outside = 1 + (ring - 1) * _EYE_SEGMENTS, 1 + ring * _EYE_SEGMENTS
            if ring == 0:
                polygons.append([0, outside + k, outside + after])
            elif ring == len(_EYE_RINGS):
                polygons.append([inside + k, last, inside + after])
            else:
                polygons.append([inside + k, outside + k, outside + after, inside + after])
    old = np.unique(source.quads[f"helper-{side}-eye"])
    wanted = np.column_stack([centre + radius * unit, np.ones(len(unit))])
    shares = wanted @ np.linalg.pinv(np.column_stack([base[old], np.ones(len(old))]))
    return Piece(
        name=f"eye_{side}",
        material=np.full(len(polygons), "eyes"),
        polygons=polygons,
        uvs=[[(float(places[v, 0]), float(places[v, 1])) for v in polygon] for polygon in polygons],
        sources=np.tile(old, (len(unit), 1)),
        shares=shares,
        lift=np.zeros(len(unit)),
    )
