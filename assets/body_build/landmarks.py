"""The 51 face landmarks in iBUG order without the jaw line: brows, nose, eyes, mouth."""

from __future__ import annotations

import numpy as np

from .hair import BROW
from .parts import BODY_VERTICES, Piece, triangles_of
from .rays import closest_on, first_hit
from .source import Array, Source


def face_landmarks(source: Source, base: Array, skin: Piece, triangles: Array) -> tuple[Array, Array]:
    """(51,) triangles of the character and (51, 3) places on them. The skin is the character's first piece."""
    count = sum(len(polygon) - 2 for polygon in skin.polygons)
    points = base[skin.sources[:, 0]]
    found = [closest_on(points, triangles[:count], target) for target in landmark_targets(source, base)]
    return np.array([index for index, _ in found], np.int32), np.array([share for _, share in found], np.float32)


def landmark_targets(source: Source, base: Array) -> Array:
    """(51, 3) places on the skin. Left and right are the character's; iBUG counts from its right."""
    left_brow = [_front(source, base, x, y) for x, y in _brow_points(source, base)]
    left_eye = _eye_points(source, base)
    mouth_outer, mouth_inner = _mouth_points(source, base)
    mirrored = np.array([-1.0, 1.0, 1.0])
    targets = [point * mirrored for point in reversed(left_brow)] + left_brow
    targets += _nose_points(source, base)
    outer, upper_out, upper_in, inner, lower_in, lower_out = left_eye
    targets += [point * mirrored for point in (outer, upper_out, upper_in, inner, lower_in, lower_out)]
    targets += [inner, upper_in, upper_out, outer, lower_out, lower_in]
    return np.array(targets + mouth_outer + mouth_inner)


def _front(source: Source, base: Array, x: float, y: float) -> Array:
    triangles = triangles_of(source.quads["body"])
    hit = first_hit(base, triangles, np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
    assert hit is not None
    return np.asarray(hit[1] @ base[triangles[hit[0]]])


def _brow_points(source: Source, base: Array) -> list[tuple[float, float]]:
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    wanted = np.linspace(0.04, 0.98, 5)
    keys = np.linspace(0, 1, len(BROW))
    return [(float(np.interp(t, keys, BROW[:, 0])), float(eye[1] + np.interp(t, keys, BROW[:, 1]))) for t in wanted]


def _eye_points(source: Source, base: Array) -> list[Array]:
    """Six places on the left lids' edges: outer corner, upper outer, upper inner, inner corner, lower inner, lower outer."""
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    triangles = np.concatenate([triangles_of(source.quads["body"]), triangles_of(source.quads["helper-l-eye"])])
    triangles = triangles[np.linalg.norm(base[triangles].mean(axis=1) - eye, axis=1) < 0.045]
    spans = []
    for x in np.arange(eye[0] - 0.022, eye[0] + 0.026, 0.0005):
        bare = [y for y in np.arange(eye[1] - 0.012, eye[1] + 0.012, 0.0003) if _shows_eye(base, triangles, x, y)]
        if bare:
            spans.append((x, min(bare), max(bare)))
    x, low, high = np.array(spans).T
    inside, outside = x[0], x[-1]
    between = [(inside + (outside - inside) * share) for share in (0.66, 0.34)]
    middle = (low + high) / 2
    flat = [
        (outside + 0.0005, middle[-1]),
        *((place, np.interp(place, x, high) + 0.0005) for place in between),
        (inside - 0.0005, middle[0]),
        *((place, np.interp(place, x, low) - 0.0005) for place in reversed(between)),
    ]
    return [_front(source, base, px, py) for px, py in flat]


def _shows_eye(base: Array, triangles: Array, x: float, y: float) -> bool:
    hit = first_hit(base, triangles, np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
    return hit is not None and triangles[hit[0]].min() >= BODY_VERTICES


def _nose_points(source: Source, base: Array) -> list[Array]:
    """Four down the bridge to the tip, five along the base from the right wing to the left."""
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    heights = np.arange(eye[1] - 0.065, eye[1] + 0.005, 0.0005)
    profile = np.array([_front(source, base, 0.0, y) for y in heights])
    tip = profile[profile[:, 2].argmax()]
    bridge = [_front(source, base, 0.0, y) for y in np.linspace(eye[1], tip[1], 4)]
    under = profile[profile[:, 1] < tip[1]]
    # The base of the columella: where the profile, coming down from the tip, turns from going back to going down.
    corner = under[(under[:, 1] - tip[1] - 1.2 * (under[:, 2] - tip[2])).argmax()]
    wings = []
    for x, share in ((0.0145, 0.6), (0.0075, 0.25)):
        wings.append(_front(source, base, x, corner[1] + 0.003 * share))
    mirrored = np.array([-1.0, 1.0, 1.0])
    return [*bridge, wings[0] * mirrored, wings[1] * mirrored, corner, wings[1], wings[0]]


def _mouth_points(source: Source, base: Array) -> tuple[list[Array], list[Array]]:
    """Twelve around the lips' outer edge and eight around the inner one, from the right corner over the upper lip."""
    from .character import skin_materials

    lips = source.quads["body"][skin_materials(source) == "lips"]
    lower = source.face_units["jawOpen"][:, 1] < -0.012
    front = lips[base[lips].mean(axis=1)[:, 2] > base[lips][..., 2].min() + 0.004]
    vertices = np.unique(front)
    points = base[vertices]
    corner = points[points[:, 0].argmax()]
    width = corner[0]

    def edge(x: float, below: bool, inner: bool) -> Array:
        column = vertices[np.abs(base[vertices, 0] - x) < 0.0022]
        side = column[lower[column] == below]
        heights = base[side, 1]
        pick = heights.argmin() if below != inner else heights.argmax()
        return np.array([x, *base[side[pick], 1:]])

    upper_outer = [edge(x * width, False, False) for x in (-0.62, -0.27, 0.0, 0.27, 0.62)]
    lower_outer = [edge(x * width, True, False) for x in (0.62, 0.3, 0.0, -0.3, -0.62)]
    upper_inner = [edge(x * width, False, True) for x in (-0.4, 0.0, 0.4)]
    lower_inner = [edge(x * width, True, True) for x in (0.4, 0.0, -0.4)]
    mirrored = np.array([-1.0, 1.0, 1.0])
    inner_corner = corner - [0.0025, 0, 0]
    outer = [corner * mirrored, *upper_outer, corner, *lower_outer]
    return outer, [inner_corner * mirrored, *upper_inner, inner_corner, *lower_inner]
