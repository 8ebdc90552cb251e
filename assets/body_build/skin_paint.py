"""The skin's texture, painted on the mesh itself: no photograph, nothing but places on the face and the hands.

MakeHuman's CC0 masks say where lips, ears and nails are; all else is found by position. Colours are sRGB.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.skinning import vertex_normals
from .atlas import Atlas, noise
from .face import eye_sphere
from .hair import BROW, above_hairline
from .occlusion import openness
from .parts import Piece, triangles_of
from .source import Array, Source

SIZE = (2048, 1024)
HAIR_ROOTS = np.array([0.155, 0.105, 0.08])
_SKIN = np.array([0.835, 0.645, 0.55])
_LIPS = np.array([0.735, 0.44, 0.415])
_MOUTH = np.array([0.27, 0.085, 0.085])
_BLUSH = np.array([1.0, 0.835, 0.815])
_SHADE = np.array([0.52, 0.33, 0.29])
_NAIL = np.array([0.885, 0.715, 0.66])
# Islands of MakeHuman's layout, (left, low, right, high), and the boxes that they get here.
_HEAD = (0.636, 0.145, 0.996, 0.822)
_HANDS = (
    ((0.357, 0.008, 0.558, 0.200), (0.01, 0.005, 0.21, 0.285)),
    ((0.566, 0.008, 0.767, 0.200), (0.22, 0.005, 0.42, 0.285)),
)
_OTHERS = (
    ((0.754, 0.008, 0.928, 0.140), (0.44, 0.01, 0.60, 0.28)),  # the inside of the mouth
    ((0.008, 0.543, 0.081, 0.637), (0.62, 0.01, 0.68, 0.28)),  # behind the lids
    ((0.082, 0.543, 0.155, 0.637), (0.70, 0.01, 0.76, 0.28)),
    ((0.322, 0.916, 0.439, 0.962), (0.78, 0.01, 0.99, 0.28)),  # the neck under the collar
)
_FACE_CENTRE = (0.4835, 0.868)  # v and u of MakeHuman's layout: where the face has most detail and gets most texels
_SWELL = 5.0


def skin_layout(source: Source, base: Array) -> Array:
    """(U, 2) MakeHuman's texture places, laid out anew for what the suit leaves bare: the face upright and large."""
    uvs = source.uvs
    result = np.zeros_like(uvs)
    left, low, right, high = _HEAD
    hands = np.zeros(len(uvs), dtype=bool)  # whose island reaches into the head's box
    hands[source.uv_quads["body"][base[source.quads["body"]][..., 1] < base[:, 1].max() - 0.5]] = True
    inside = _within(uvs, _HEAD) & ~hands
    result[inside, 0] = 0.005 + 0.99 * _swollen(uvs[inside, 1], low, high, _FACE_CENTRE[0])
    result[inside, 1] = 0.995 - 0.70 * _swollen(uvs[inside, 0], left, right, _FACE_CENTRE[1])
    for row, (box, target) in enumerate((*_HANDS, *_OTHERS)):
        inside = _within(uvs, box) & (hands == (row < len(_HANDS)))
        share = (uvs[inside] - box[:2]) / (np.array(box[2:]) - box[:2])
        result[inside] = np.array(target[:2]) + share * (np.array(target[2:]) - target[:2])
    return result


def _within(uvs: Array, box: tuple[float, float, float, float]) -> Array:
    return np.asarray(((uvs >= box[:2]) & (uvs <= box[2:])).all(axis=1))


def _swollen(values: Array, low: float, high: float, centre: float) -> Array:
    """``values`` from ``low`` to ``high`` as 0..1, stretched around ``centre``."""
    reach = (high - low) / 2

    def stretched(value: Array | float) -> Array:
        return np.asarray(np.arcsinh(_SWELL * (np.asarray(value) - centre) / reach))

    return np.asarray((stretched(values) - stretched(low)) / (stretched(high) - stretched(low)))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Canvas:
    """What is known of each texel."""

    places: Array  # (n, 3) m, in A-pose
    aside: Array  # (n,) m from the middle of the body
    height: Array  # (n,) m above the eyes' middle
    masks: dict[str, Array]  # (n,) 0..1
    open: Array  # (n,) 0..1, of the sky


def skin_texture(source: Source, base: Array, piece: Piece, uv_rows: Array) -> bytes:
    """The texture of the skin ``piece``; ``uv_rows`` (n, 4) are its quads' rows in MakeHuman's layout."""
    quads = piece.sources[np.array(piece.polygons), 0]
    triangles = triangles_of(quads)
    old = np.concatenate([source.uvs[uv_rows[:, [0, 1, 2]]], source.uvs[uv_rows[:, [0, 2, 3]]]])
    new = np.array(piece.uvs)
    atlas = Atlas.over(np.concatenate([new[:, [0, 1, 2]], new[:, [0, 2, 3]]]), SIZE)
    places = atlas.carried(base, triangles)
    shown = np.zeros(len(base), dtype=bool)
    shown[np.unique(quads)] = True
    solid = triangles_of(np.concatenate([source.quads["body"], *(source.quads[f"helper-{s}-eye"] for s in "lr")]))
    normals = vertex_normals(base, triangles_of(source.quads["body"]))
    sky = np.ones(len(base))
    for part in (base[:, 1] > 0.5, base[:, 1] < 0.5):
        sky = np.minimum(sky, openness(base, normals, solid, shown & part, 0.0025))
    eye = eye_sphere(source, base, "l")[0]
    canvas = _Canvas(
        places=places,
        aside=np.abs(places[:, 0]),
        height=places[:, 1] - eye[1],
        masks={
            name: _mask(source, name, atlas.carried_corners(old))
            for name in ("lips", "ears", "inside-mouth", "fingernails")
        },
        open=atlas.carried(sky, triangles),
    )
    head = canvas.height > -0.3
    colours = _ground(canvas)
    colours = _face(canvas, colours, head)
    colours = _hands(canvas, colours, source, ~head)
    colours = _lips(canvas, colours)
    shade = np.clip(1 - canvas.open, 0, 1)[:, None] ** 1.2
    colours = colours * (1 - 0.62 * shade * (1 - _SHADE))
    roots = above_hairline(source, base, places) * head
    grain = 0.5 + 0.5 * noise(places, 0.0012, 5)
    cover = np.clip(roots * 1.15 - 0.35 * grain * (1 - roots), 0, 1)[:, None]
    colours = colours + cover * (HAIR_ROOTS * (0.9 + 0.25 * grain[:, None]) - colours)
    for side in "lr":
        colours = _brow(canvas, colours, side)
    colours = _lids(canvas, colours, source, base)
    mouth = canvas.masks["inside-mouth"][:, None]
    deep = np.clip((eye[2] + 0.012 - places[:, 2]) / 0.03, 0, 1)[:, None]
    colours = colours + mouth * (_MOUTH * (1 - 0.8 * deep) - colours)
    return atlas.jpeg(colours, 90)


def _mask(source: Source, name: str, uvs: Array) -> Array:
    """(n,) one of MakeHuman's masks at ``uvs`` (n, 2), softened a little."""
    from PIL import Image, ImageFilter

    with Image.open(source.data_folder / "textures" / f"mpfb_{name}.jpg") as image:
        soft = image.convert("L").filter(ImageFilter.GaussianBlur(1.6))
    values = np.asarray(soft, dtype=float) / 255
    high, wide = values.shape
    x, y = np.clip(uvs[:, 0] * wide - 0.5, 0, wide - 1.001), np.clip((1 - uvs[:, 1]) * high - 0.5, 0, high - 1.001)
    column, row = x.astype(int), y.astype(int)
    s, t = x - column, y - row
    top = values[row, column] * (1 - s) + values[row, column + 1] * s
    return np.asarray(top * (1 - t) + (values[row + 1, column] * (1 - s) + values[row + 1, column + 1] * s) * t)


def _ground(canvas: _Canvas) -> Array:
    """Bare skin: mottled, with pores and a few freckles."""
    places = canvas.places
    tone = 1 + 0.022 * noise(places, 0.016, 1) + 0.016 * noise(places, 0.005, 2) + 0.012 * noise(places, 0.0011, 3)
    warm = 0.02 * noise(places, 0.010, 4)[:, None] * [0.4, -0.6, -0.8]
    freckles = 0.4 * np.clip(noise(places, 0.0026, 6) * 3.0 - 1.9, 0, 1) * np.exp(-(((canvas.height + 0.033) / 0.02) ** 2))
    freckles = freckles * np.exp(-((canvas.aside / 0.05) ** 4)) * (canvas.height > -0.3)
    return np.asarray(_SKIN * tone[:, None] + warm - 0.10 * freckles[:, None] * [0.7, 1.0, 1.0])


def _spot(canvas: _Canvas, aside: float, height: float, wide: float, high: float) -> Array:
    return np.asarray(np.exp(-(((canvas.aside - aside) / wide) ** 2) - ((canvas.height - height) / high) ** 2)[:, None])


def _face(canvas: _Canvas, colours: Array, head: Array) -> Array:
    ahead = np.clip((canvas.places[:, 2] - 0.06) / 0.04, 0, 1)[:, None] * head[:, None]
    blush = (
        0.55 * _spot(canvas, 0.043, -0.036, 0.019, 0.017) * ahead
        + 0.50 * _spot(canvas, 0.006, -0.043, 0.014, 0.011) * ahead
        + 0.28 * _spot(canvas, 0.0, -0.105, 0.016, 0.010) * ahead
        + 0.7 * canvas.masks["ears"][:, None]
        + 0.35 * _spot(canvas, 0.032, 0.010, 0.016, 0.006) * ahead
    )
    colours = colours * (1 - np.clip(blush, 0, 1) * (1 - _BLUSH))
    pale = 0.55 * _spot(canvas, 0.0, 0.045, 0.045, 0.022) * ahead
    colours = colours * (1 + pale * [0.012, 0.018, -0.012])
    tired = 0.8 * _spot(canvas, 0.026, -0.0165, 0.013, 0.0055) * ahead
    return np.asarray(colours * (1 - tired * [0.07, 0.10, 0.075]))


def _lips(canvas: _Canvas, colours: Array) -> Array:
    mask = canvas.masks["lips"] * (1 - canvas.masks["inside-mouth"])
    cover = np.clip((mask - 0.12) / 0.7, 0, 1)
    cover = cover * cover * (3 - 2 * cover)
    lines = noise(canvas.places * [1.0, 0.16, 0.16], 0.0009, 7)
    upper = np.clip((canvas.height + 0.0715) / 0.004, 0, 1)
    lips = _LIPS * (1 + 0.035 * lines[:, None] + 0.02 * noise(canvas.places, 0.003, 8)[:, None])
    lips = lips * (1 - 0.06 * upper[:, None])
    colours = colours + 0.9 * cover[:, None] * (lips - colours)
    corner = np.argmax(np.where(cover > 0.5, canvas.aside, 0))
    shade = _spot(canvas, float(canvas.aside[corner]), float(canvas.height[corner]), 0.0032, 0.0022)
    return np.asarray(colours * (1 - 0.5 * shade * (1 - _SHADE)))


def _lids(canvas: _Canvas, colours: Array, source: Source, base: Array) -> Array:
    """The lids' edges: moist and pink below, dark at the roots of the lashes above."""
    for side in "lr":
        centre, radius = eye_sphere(source, base, side)
        off = canvas.places - centre
        near = np.linalg.norm(off, axis=1) - radius
        around = np.exp(-((np.clip(near - 0.0006, 0, None) / 0.0011) ** 2)) * (off[:, 2] > 0)
        upper = np.clip(off[:, 1] / 0.0015 - 0.5, 0, 1)
        pink = np.array([0.76, 0.50, 0.46])
        colours = colours + (0.55 * around * (1 - upper))[:, None] * (pink - colours)
        colours = colours + (0.85 * around * upper)[:, None] * (np.array([0.16, 0.10, 0.085]) - colours)
    return colours


def _brow(canvas: _Canvas, colours: Array, side: str) -> Array:
    """One brow as single hairs over a soft shade."""
    sign = 1.0 if side == "l" else -1.0
    x, y = sign * canvas.places[:, 0], canvas.height
    here = np.flatnonzero((x > 0.004) & (x < 0.062) & (y > 0.006) & (y < 0.034) & (canvas.places[:, 2] > 0.05))
    points = np.stack([x[here], y[here]], axis=1)
    keys = np.linspace(0, 1, len(BROW))
    fine = np.linspace(0, 1, 120)
    path = np.stack([np.interp(fine, keys, BROW[:, 0]), np.interp(fine, keys, BROW[:, 1])], axis=1)
    half = np.interp(fine, keys, BROW[:, 2])
    apart = np.linalg.norm(points[:, None] - path[None], axis=2) / (half + 0.0016)
    shade = 0.40 * np.exp(-(np.clip(apart.min(axis=1), 0, 4) ** 2) * 1.3)
    random = np.random.Generator(np.random.PCG64(11 if side == "l" else 12))
    cover = np.zeros(len(here))
    for t in np.sort(random.uniform(0.0, 0.985, 320)):
        across = random.uniform(-0.95, 0.95)
        k = np.array([np.interp(t, fine, column) for column in (*path.T, half)])
        tangent = np.array([np.interp(min(t + 0.03, 1), fine, c) - np.interp(max(t - 0.03, 0), fine, c) for c in path.T])
        tangent /= np.linalg.norm(tangent)
        normal = np.array([-tangent[1], tangent[0]])
        lean = np.interp(t, [0, 0.15, 0.5, 1.0], [1.15, 0.75, 0.32, 0.05]) - 0.35 * across * min(1.0, 3 * t)
        way = np.cos(lean) * tangent + np.sin(lean) * normal
        root = k[:2] + across * k[2] * normal - 0.0015 * way
        length = random.uniform(0.0048, 0.0082) * np.interp(t, [0, 0.1, 1.0], [0.7, 1.0, 0.65])
        off = points - root
        along = np.clip(off @ way / length, 0, 1)
        aside = np.linalg.norm(off - along[:, None] * length * way - 0.0006 * (along**2)[:, None] * normal, axis=1)
        width = 0.00015 * (1 - 0.7 * along) + 0.00006
        cover = np.maximum(cover, random.uniform(0.5, 0.9) * np.clip(1.6 - aside / width, 0, 1) * min(1.0, 0.45 + 4 * t))
    total = 1 - (1 - shade) * (1 - cover)
    result = colours.copy()
    result[here] += total[:, None] * (np.array([0.15, 0.092, 0.066]) - result[here])
    return result


def _hands(canvas: _Canvas, colours: Array, source: Source, hands: Array) -> Array:
    from .assembly import DEFAULT

    rows = np.flatnonzero(hands)
    places = canvas.places[rows]
    _, heads, tails = source.figure(**DEFAULT)
    redness = np.zeros(len(rows))
    creases = np.zeros(len(rows))
    for letter in "LR":
        for finger in range(1, 6):
            tip = tails[f"finger{finger}-3.{letter}"]
            redness = np.maximum(redness, 0.5 * np.exp(-((np.linalg.norm(places - tip, axis=1) / 0.011) ** 2)))
            for segment in (1, 2, 3):
                joint = heads[f"finger{finger}-{segment}.{letter}"]
                bone = tails[f"finger{finger}-{segment}.{letter}"] - joint
                off = places - joint
                along = off @ bone / np.linalg.norm(bone)
                near = np.exp(-((np.linalg.norm(off, axis=1) / 0.0115) ** 2))
                redness = np.maximum(redness, 0.75 * near)
                if segment > 1:
                    lines = np.clip(np.cos(along / 0.0019 * 2 * np.pi) * 1.4 - 0.7, 0, 1) * np.exp(-((along / 0.0042) ** 2))
                    reach = np.linalg.norm(off - along[:, None] * bone / np.linalg.norm(bone), axis=1) < 0.014
                    creases = np.maximum(creases, lines * reach)
    result = colours.copy()
    result[rows] *= 1 - redness[:, None] * (1 - _BLUSH)
    result[rows] *= 1 - 0.10 * creases[:, None] * [0.8, 1.0, 1.0]
    nails = canvas.masks["fingernails"]
    cover = np.clip((nails - 0.25) / 0.5, 0, 1)
    rim = np.clip(1 - np.abs(nails - 0.35) / 0.3, 0, 1)
    result = result * (1 - 0.16 * rim[:, None] * [0.8, 1.0, 1.0])
    return np.asarray(result + 0.8 * cover[:, None] * (_NAIL - result))
