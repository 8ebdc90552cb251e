"""Hair, which stands on the scalp and follows it, and where the brows are."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.rotations import normalised
from .atlas import jpeg, noise
from .parts import BODY_VERTICES, Piece, triangles_of
from .rays import first_hit
from .source import Array, Source

# The hairline around the skull's middle: azimuth from the front, elevation (degrees), for one side.
_HAIRLINE = np.array(
    [(0, 29.5), (18, 31), (33, 29.5), (43, 24), (51, 15), (57, 5), (62, -6), (66, -18), (71, -25), (76, -22), (80, -11),
     (88, -5), (97, -6), (104, -12), (111, -25), (118, -36), (135, -43), (158, -45), (180, -46)], float
)  # fmt: skip
_CROWN = np.radians(28.0)  # how far behind the top the hair's whorl lies
# How far long hair falls below the widest ring, m, by azimuth.
_LONG = np.array(
    [(0, 0), (30, 0), (44, 0.018), (56, 0.062), (65, 0.060), (72, 0), (101, 0), (107, 0.085), (120, 0.108), (180, 0.116)]
)
_STRANDS = 128
_STEPS = (1.0, 0.985, 0.955, *np.linspace(0.91, 0.07, 14).tolist())  # from the hairline to the whorl
_PARTING = 0.62  # rad around the whorl from the front: over the character's left eye
_HAIR = np.array([0.29, 0.18, 0.115])


def skull_middle(source: Source, base: Array) -> Array:
    """A point in the middle of the skull, on the level above the ears."""
    eye = base[np.unique(source.quads["helper-l-eye"])].mean(axis=0)
    return np.array([0.0, eye[1] + 0.025, eye[2] - 0.085])


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Strands:
    """Where the vertices of the hair stand, short and long: places on the scalp and vectors out from there."""

    sources: Array  # (V, 2, 3) base vertices, short and long
    shares: Array  # (V, 2, 3)
    out: Array  # (V, 2, 3) m
    anchors: Array  # (4,) base vertices whose mixes ``axes`` (4, 3), each summing to nothing, make a metre along each axis
    axes: Array


def combed(source: Source, base: Array) -> Strands:
    """Hair from the whorl and a parting to the hairline: a short cut, and one that falls to the neck behind the ears."""
    triangles = triangles_of(source.quads["body"])
    middle = skull_middle(source, base)
    near = triangles[np.linalg.norm(base[triangles].mean(axis=1) - middle, axis=1) < 0.2]
    anchors, axes = _anchors(source, base, middle)
    axis = np.array([0.0, np.cos(_CROWN), -np.sin(_CROWN)])
    side = np.array([1.0, 0.0, 0.0])
    forward = np.cross(side, axis)
    line = _hairline()
    turn, reach = np.arctan2(line @ side, line @ forward), np.arccos(np.clip(line @ axis, -1, 1))
    order = np.argsort(turn)
    angles = (np.arange(_STRANDS) - _STRANDS / 2) * 2 * np.pi / _STRANDS
    limits = np.interp(angles, turn[order], reach[order], period=2 * np.pi)
    ends = [[(axis, axis * 0.019)] * 2]
    strands = [
        _Strand(axis=axis, forward=forward, side=side, angle=angle, limit=limit, lock=lock)
        for angle, limit, lock in zip(angles, limits, _locks(angles))
    ]
    ends += [[strand.short(step), strand.long(step)] for step in _STEPS for strand in strands]
    sources, shares = np.zeros((len(ends), 2, 3), np.int64), np.zeros((len(ends), 2, 3))
    for row, pair in enumerate(ends):
        for kind, (away, _) in enumerate(pair):
            if kind and np.array_equal(away, pair[0][0]):
                sources[row, 1], shares[row, 1] = sources[row, 0], shares[row, 0]
                continue
            found = first_hit(base, near, middle, away)
            assert found is not None
            sources[row, kind], shares[row, kind] = near[found[0]], found[1]
    out = np.array([[vector for _, vector in pair] for pair in ends])
    return Strands(sources=sources, shares=shares, out=out, anchors=anchors, axes=axes)


def hair(strands: Strands, length: float) -> Piece:
    """The hair as a mesh: the short cut at ``length`` 0, the long one at 1, and all between with the same triangles."""
    part = np.array([1 - length, length])
    polygons, uvs = [], []
    for row in range(len(_STEPS)):
        for k in range(_STRANDS):
            after = (k + 1) % _STRANDS
            outer, inner = 1 + row * _STRANDS, 1 + (row + 1) * _STRANDS
            u, v = (k / _STRANDS, (k + 1) / _STRANDS), _STEPS[row]
            if row == len(_STEPS) - 1:
                polygons.append([outer + k, outer + after, 0])
                uvs.append([(u[0], 1 - v), (u[1], 1 - v), ((u[0] + u[1]) / 2, 1.0)])
            else:
                polygons.append([outer + k, outer + after, inner + after, inner + k])
                w = _STEPS[row + 1]
                uvs.append([(u[0], 1 - v), (u[1], 1 - v), (u[1], 1 - w), (u[0], 1 - w)])
    count = len(strands.sources)
    mixes = np.einsum("k,vkx,ax->va", part, strands.out, strands.axes)
    return Piece(
        name="hair",
        material=np.full(len(polygons), "hair"),
        polygons=polygons,
        uvs=uvs,
        sources=np.hstack([strands.sources.reshape(count, 6), np.tile(strands.anchors, (count, 1))]),
        shares=np.hstack([(strands.shares * part[:, None]).reshape(count, 6), mixes]),
        lift=np.zeros(count),
    )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Strand:
    """One line of the comb, from the hairline (step 1) to the whorl (step 0)."""

    axis: Array  # (3,) towards the whorl
    forward: Array
    side: Array
    angle: float  # rad around the axis, 0 in front, the character's left at +
    limit: float  # rad from the whorl to the hairline
    lock: float  # -1..1: how far it stands out or lies back, with its neighbours

    def away(self, polar: float) -> Array:
        flat = np.cos(self.angle) * self.forward + np.sin(self.angle) * self.side
        return np.asarray(np.cos(polar) * self.axis + np.sin(polar) * flat)

    def short(self, step: float) -> tuple[Array, Array]:
        away = self.away(self.limit * (step + 0.012 * self.lock * (step > 0.98)))
        return away, self._height(away, step) * away

    def long(self, step: float) -> tuple[Array, Array]:
        """Over the scalp to the widest ring, from there down to the tips: before the ears and behind them, not over them."""
        azimuth = abs(self._azimuth())
        fall = float(np.interp(azimuth, _LONG[:, 0], _LONG[:, 1]))
        away = self.away(self.limit * step)
        own = self._height(away, step, 0.3) + 0.002 * min(1.0, 4 * (1 - step))
        if fall == 0:
            return away, own * away
        part = min(1.0, fall / 0.05)
        ring = min(self.limit, self._polar_of(float(np.interp(azimuth, [30, 62, 100, 180], [30.0, 12.0, -4.0, 0.0]))))
        arc = 0.105 * ring
        along = step * (arc + fall)
        away = self.away(min(along / 0.105, ring))
        height = own + part * (self._height(away, 0.62 * min(along / arc, 1.0), 0.3) + 0.002 - own)
        drop = max(0.0, along - arc)
        if drop == 0:
            return away, height * away
        flat = normalised(away * [1, 0, 1])
        t = drop / fall
        # Out over cheek and neck, in again towards the tips.
        out = height * np.linalg.norm(away[[0, 2]]) + 0.003 * np.sin(np.pi * t) + 0.0025 * self.lock * t
        out += np.interp(azimuth, [44, 66, 100, 140, 180], [-0.004, -0.001, 0.002, -0.006, -0.016]) * t**1.5
        tips = drop * (1 + 0.06 * self.lock * t)
        return away, out * flat + np.array([0.0, height * away[1] - tips, 0.0])

    def _azimuth(self) -> float:
        away = self.away(self.limit)
        return float(np.degrees(np.arctan2(away[0], away[2])))

    def _polar_of(self, elevation: float) -> float:
        """The angle from the whorl at which the strand comes down to ``elevation``, degrees."""
        polar = np.linspace(0.1, 2.4, 200)
        heights = np.array([self.away(p)[1] for p in polar])
        return float(polar[np.argmax(heights < np.sin(np.radians(elevation)))])

    def _height(self, away: Array, step: float, fore: float = 1.0) -> float:
        """How far the hair stands off the scalp, m: full on top, close at the sides and the nape, from nothing at its edge.

        ``fore`` is how much of it stands up over the forehead.
        """
        top = np.clip((away[1] + 0.1) / 0.95, 0, 1)
        front = np.clip(away[2] + 0.1, 0, 1) * np.clip(away[1], 0, 1)
        body = 0.0045 + 0.0175 * top**1.6 + 0.012 * fore * front
        parting = np.exp(-(((self.angle - _PARTING) / 0.075) ** 2)) * np.clip((step - 0.25) / 0.2, 0, 1)
        swept = (
            0.004 * fore * front * np.clip((_PARTING - self.angle) / 0.5, 0, 1) * np.exp(-(((self.angle - 0.1) / 0.9) ** 2))
        )
        edge = np.clip((1 - step) / (0.15 + 0.11 * (1 - front)), 0, 1)
        edge = 1 - (1 - edge) ** 2
        locks = 0.0021 * self.lock * min(1.0, 2.5 * step) * (0.35 + 0.65 * top)
        return float((body + swept + locks) * edge * (1 - 0.72 * parting) - 0.0016 * (1 - edge))


def _locks(angles: Array) -> Array:
    """(n,) -1..1 for each strand: locks of three to six strands that stand out and fall back."""
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(np.clip(0.75 * noise(around, 0.16, 41) + 0.55 * noise(around, 0.075, 42), -1, 1))


def hair_texture() -> bytes:
    """Strands from the tips (below) to the whorl (above), sRGB."""
    wide, high = 1024, 512
    u, v = np.meshgrid((np.arange(wide) + 0.5) / wide, 1 - (np.arange(high) + 0.5) / high)
    turn = 2 * np.pi * (u + 0.004 * np.sin(9 * v + 40 * u))
    around = np.stack([np.cos(turn), np.sin(turn)], axis=-1).reshape(-1, 2)
    step = 1 - v.reshape(-1, 1)
    strand = noise(np.hstack([around, 0.10 * step]), 0.0075, 43) + 0.8 * noise(np.hstack([around, 0.14 * step]), 0.017, 44)
    lock = noise(np.hstack([around, 0.12 * step]), 0.07, 45)
    shine = np.exp(-(((step[:, 0] - 0.42) / 0.20) ** 2))
    tone = 0.86 + 0.20 * strand + 0.12 * lock + 0.30 * shine * (0.6 + 0.6 * strand)
    tone = tone * np.interp(step[:, 0], [0.0, 0.10, 0.80, 1.0], [0.72, 1.0, 1.0, 0.82])
    parting = np.exp(-(((turn.reshape(-1) - np.pi - _PARTING) / 0.016) ** 2)) * np.clip((step[:, 0] - 0.3) / 0.1, 0, 1)
    colours = _HAIR * np.clip(tone, 0.3, 1.7)[:, None] * [1.0, 0.985, 0.96]
    colours = colours + 0.55 * parting[:, None] * (np.array([0.52, 0.38, 0.32]) - colours)
    return jpeg(colours.reshape(high, wide, 3), 84)


def _hairline() -> Array:
    """(n, 3) directions from the skull's middle along the hairline, right around."""
    azimuth = np.radians(np.linspace(-180, 180, 361))
    elevation = np.radians(np.interp(np.abs(np.degrees(azimuth)), _HAIRLINE[:, 0], _HAIRLINE[:, 1]))
    flat = np.cos(elevation)
    return np.stack([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)], axis=1)


def above_hairline(source: Source, base: Array, places: Array) -> Array:
    """(n,) 0..1: how far within the hair ``places`` (n, 3) on the scalp are, for the roots that are painted there."""
    away = places - skull_middle(source, base)
    azimuth = np.degrees(np.arctan2(np.abs(away[:, 0]), away[:, 2]))
    elevation = np.degrees(np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2])))
    over = elevation - np.interp(azimuth, _HAIRLINE[:, 0], _HAIRLINE[:, 1])
    return np.asarray(np.clip((over + 2.5) / 7.0, 0, 1))


def _anchors(source: Source, base: Array, middle: Array) -> tuple[Array, Array]:
    """Four scalp vertices that no face unit moves, and (4, 3) the mixes of them, each summing to nothing, that make a
    metre along each axis."""
    moved = np.max([np.abs(unit[:BODY_VERTICES]).max(axis=1) for unit in source.face_units.values()], axis=0)
    still = np.flatnonzero(moved < 1e-6)
    targets = middle + np.array([[0.075, 0.01, -0.02], [-0.075, 0.01, -0.02], [0, 0.1, 0], [0, 0, -0.1]])
    anchors = np.array([still[np.linalg.norm(base[still] - target, axis=1).argmin()] for target in targets])
    return anchors, np.linalg.inv(np.concatenate([base[anchors].T, np.ones((1, 4))]))[:, :3]


# One brow in front view, from the nose outward: x, y over the eye's middle, half width (m).
BROW = np.array(
    [(0.0125, 0.0180, 0.0016), (0.0160, 0.0190, 0.0028), (0.0225, 0.0206, 0.0030), (0.0300, 0.0222, 0.0028),
     (0.0380, 0.0228, 0.0023), (0.0450, 0.0212, 0.0016), (0.0510, 0.0180, 0.0009), (0.0550, 0.0150, 0.0003)]
)  # fmt: skip
