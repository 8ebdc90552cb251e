"""The face: its jaw and eyes, lips that meet at rest, face units and the expression directions made from them."""

from __future__ import annotations

import numpy as np

from ...core.face import ARKIT, ARKIT_INDEX, MIRROR_SHAPES
from ...core.skeleton import JOINT
from .parts import BODY_VERTICES, triangles_of
from .rays import first_hit
from .source import Array, Source

GAZE = {"In": 25.0, "Out": 25.0, "Up": 18.0, "Down": 22.0}
"""Degrees that an eye turns at eyeLook weight one. MakeHuman's units turn it by 9 to 14, too little for a gaze."""
_OVERLAP = 0.0009  # m that the lips press into each other at rest


def jaw_turn(source: Source, base: Array) -> tuple[Array, Array]:
    """The rotation (3, 3) that jawOpen makes of the lower teeth, about +X, and a point (3,) of its axis."""
    teeth = np.unique(source.quads["helper-lower-teeth"])
    before = base[teeth]
    after = before + source.face_units["jawOpen"][teeth]
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    u, _, vt = np.linalg.svd(a.T @ b)
    fit = (u @ vt).T
    angle = np.arctan2(fit[2, 1], fit[1, 1])
    turn = turned(np.array([1.0, 0.0, 0.0]), angle)
    fixed = np.linalg.solve((np.eye(3) - turn)[1:, 1:], (after.mean(axis=0) - turn @ before.mean(axis=0))[1:])
    return turn, np.array([0.0, *fixed])


def turned(axis: Array, angle: float) -> Array:
    """(3, 3) rotation about a unit axis, by Rodrigues."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def jaw_shares(source: Source, base: Array) -> Array:
    """(19158,) how far the jaw carries each vertex, 0..1: the part of the jaw's swing that jawOpen makes it take."""
    turn, hinge = jaw_turn(source, base)
    swing: Array = (base - hinge) @ turn.T + hinge - base
    share = (source.face_units["jawOpen"] * swing).sum(axis=1) / np.maximum((swing**2).sum(axis=1), 1e-10)
    share = np.clip(share, 0, 1)
    share[share < 0.01] = 0
    for group in ("helper-lower-teeth", "helper-tongue"):
        share[np.unique(source.quads[group])] = 1
    return np.asarray(share)


RELAXED = {"eyeWide": 0.20, "mouthSmile": 0.12, "browInnerUp": 0.10, "browOuterUp": 0.05}
"""MakeHuman's neutral face looks sullen and drowsy: at rest ours has that much of these units, on both sides."""


def relaxed(source: Source) -> Array:
    """(19158, 3) displacement from MakeHuman's neutral face to one that is awake and at ease."""
    return np.asarray(
        sum(weight * source.face_units[unit] for name, weight in RELAXED.items() for unit in _sides(source, name))
    )


def _sides(source: Source, name: str) -> list[str]:
    return [name] if name in source.face_units else [f"{name}Left", f"{name}Right"]


def closed_lips(source: Source, base: Array) -> Array:
    """(19158, 3) displacement that raises the lower lip to the upper one, where teeth would show between them at rest."""
    total = np.zeros_like(base)
    for _ in range(3):  # the corners yield less than the middle
        total += _lip_lift(source, base + total)
    return total


def lowered_teeth(source: Source, base: Array) -> Array:
    """(19158, 3) displacement of the upper teeth to where an open mouth shows their edges."""
    displacement = np.zeros_like(base)
    displacement[np.unique(source.quads["helper-upper-teeth"])] = [0.0, -0.003, 0.0005]
    return displacement


def _lip_lift(source: Source, base: Array) -> Array:
    skin = triangles_of(source.quads["body"])
    teeth = np.concatenate([triangles_of(source.quads[f"helper-{row}-teeth"]) for row in ("upper", "lower")])
    upper = base[np.unique(source.quads["helper-upper-teeth"])]
    level, front = upper[:, 1].min(), upper[:, 2].max()
    near = skin[(np.abs(base[skin].mean(axis=1) - [0, level, front]) < [0.05, 0.03, 0.05]).all(axis=1)]
    triangles = np.concatenate([near, teeth])
    columns = np.linspace(-0.034, 0.034, 35)
    heights = np.arange(level - 0.012, level + 0.014, 0.00025)
    jaw = jaw_shares(source, base)
    seam, gap = np.full(len(columns), np.nan), np.zeros(len(columns))
    for index, x in enumerate(columns):
        bare = []
        for y in heights:
            hit = first_hit(base, triangles, np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
            if hit is None:
                continue
            corners = triangles[hit[0]]
            deep = hit[1] @ base[corners][:, 2] < front - 0.004 - 9.0 * x * x
            if corners.min() >= BODY_VERTICES or deep:
                bare.append(y)
        if bare:
            seam[index], gap[index] = np.mean(bare), max(bare) - min(bare) + 0.00025 + _OVERLAP
    known = ~np.isnan(seam)
    if not known.any():
        return np.zeros_like(base)
    seam = np.interp(columns, columns[known], seam[known])
    widest = np.max([np.roll(gap, -1), gap, np.roll(gap, 1)], axis=0)
    gap = np.convolve(np.pad(widest, 2), np.array([1, 2, 3, 2, 1]) / 9, mode="valid")
    below = np.interp(base[:, 0], columns, seam) - base[:, 1]
    ahead = np.clip((base[:, 2] - (front - 0.022)) / 0.01, 0, 1)
    displacement = np.zeros_like(base)
    lift = np.interp(base[:, 0], columns, gap, left=0, right=0) * np.clip(jaw / 0.2, 0, 1)
    displacement[:, 1] = lift * np.clip(below / 0.0003 + 1, 0, 1) * np.exp(-((below / 0.009) ** 2)) * ahead
    displacement[BODY_VERTICES:] = 0
    return displacement


def face_units(source: Source, base: Array) -> list[Array]:
    """(19158, 3) displacements of the 52 face units in ARKit's order, with eyes that turn far enough for a gaze."""
    units = []
    for name in ARKIT:
        unit = source.face_units[name]
        if name.startswith("eyeLook"):
            unit = _gaze(source, base, name, unit)
        elif name.startswith("eyeBlink"):
            # All the way down from lids that rest higher than MakeHuman's.
            unit = unit - RELAXED["eyeWide"] * source.face_units[name.replace("Blink", "Wide")]
        elif name == "jawOpen":
            unit = _lowered_tongue(source, base, unit)
        units.append(unit)
    return units


def _lowered_tongue(source: Source, base: Array, unit: Array) -> Array:
    """jawOpen with a tongue that goes all the way with the jaw and lies flatter, or it would fill the mouth."""
    tongue = np.unique(source.quads["helper-tongue"])
    turn, hinge = jaw_turn(source, base)
    flat = base[tongue].copy()
    flat[:, 1] -= 0.003 + 0.4 * (flat[:, 1] - flat[:, 1].min())
    result = unit.copy()
    result[tongue] = (flat - hinge) @ turn.T + hinge - base[tongue]
    return result


def _gaze(source: Source, base: Array, name: str, unit: Array) -> Array:
    side = "l" if name.endswith("Left") else "r"
    way = name.removeprefix("eyeLook").removesuffix("Left").removesuffix("Right")
    eye = np.unique(source.quads[f"helper-{side}-eye"])
    centre = base[eye].mean(axis=0)
    before = base[eye] - centre
    after = before + unit[eye] - unit[eye].mean(axis=0)
    u, _, vt = np.linalg.svd(before.T @ after)
    native = np.arccos(np.clip((np.trace(u @ vt) - 1) / 2, -1, 1))
    inward = (side == "l") == (way == "In")
    axis = {"Up": [-1.0, 0, 0], "Down": [1.0, 0, 0]}.get(way, [0, -1.0 if inward else 1.0, 0])
    angle = np.radians(GAZE[way])
    scaled = np.asarray(unit * (1 + angle / native) / 2)  # lids follow half of what the eye gains, or they would close
    middle = eye_middle(source, base, side)
    scaled[eye] = (base[eye] - middle) @ turned(np.array(axis), angle).T + middle - base[eye]
    return scaled


def eye_middle(source: Source, base: Array, side: str) -> Array:
    return eye_sphere(source, base, side)[0]


def eye_sphere(source: Source, base: Array, side: str) -> tuple[Array, float]:
    """Centre and radius (m) of an eyeball."""
    points = base[np.unique(source.quads[f"helper-{side}-eye"])]
    solved = np.linalg.lstsq(np.column_stack([2 * points, np.ones(len(points))]), (points**2).sum(axis=1), rcond=None)[0]
    return solved[:3], float(np.sqrt(solved[3] + solved[:3] @ solved[:3]))


def expression_basis(shapes: list[Array], weights: Array, vertices: Array, jaw: Array) -> Array:
    """(V, 3, 10): the ten strongest ways in which the face units move the face beyond the turns of jaw and eyes.

    Principal directions of the units, left and right of a pair taken together and apart; what is apart counts a third, for
    speech is even, and brows count three times, for they move little. Each direction is scaled to twice its root mean
    square over the units. ``shapes`` 52 of (V, 3); ``vertices`` (V, 3) and ``jaw`` (3,) in rest pose.
    """
    eyes = weights[:, [JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"]]].sum(axis=1) > 0.5
    away = vertices - jaw
    swing = weights[:, JOINT["jaw"], None] * np.stack([np.zeros(len(away)), -away[:, 2], away[:, 1]], axis=1)
    open_swing = swing * (shapes[ARKIT_INDEX["jawOpen"]] * swing).sum() / (swing**2).sum()
    units = [np.where(eyes[:, None], 0, shape) for shape in shapes]
    units[ARKIT_INDEX["jawOpen"]] -= open_swing
    close = units[ARKIT_INDEX["mouthClose"]]
    units[ARKIT_INDEX["mouthClose"]] = close + open_swing * _lips_share(close, open_swing)
    rows = []
    for index, (name, partner) in enumerate(zip(ARKIT, MIRROR_SHAPES)):
        if name.startswith("eyeLook") or partner < index:
            continue
        scale = 3.0 if name.startswith("brow") else 1.0
        if partner == index:
            rows.append(scale * units[index].ravel())
        else:
            rows.append(scale * (units[index] + units[partner]).ravel())
            rows.append(scale / 3 * (units[index] - units[partner]).ravel())
    _, values, directions = np.linalg.svd(np.array(rows), full_matrices=False)
    basis = directions[:10] * (2 * values[:10, None] / np.sqrt(len(rows)))
    signs = np.sign(basis[np.arange(10), np.abs(basis).argmax(axis=1)])
    return np.asarray((basis * signs[:, None]).reshape(10, -1, 3).transpose(1, 2, 0), dtype=np.float32)


def _lips_share(shape: Array, swing: Array) -> Array:
    """mouthClose undoes jawOpen at the lips; here (V, 1), where and how far it does."""
    share = -(shape * swing).sum(axis=1) / np.maximum((swing**2).sum(axis=1), 1e-8)
    return np.asarray(np.clip(share, 0, 1)[:, None])
