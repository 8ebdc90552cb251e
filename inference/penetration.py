"""Do hands and arms pass through the body? Depth of mesh in mesh, on any body.

``penetration(clip, body)`` poses the body's mesh, sorts it by its skin weights into torso, head (with the neck), legs,
upper arms, forearms and hands, and measures how far each vertex of an arm or hand lies under the surface of the others.

What is measured: each segment of an arm against torso, head, legs and each segment of the other arm, both ways; a hand
against the upper arm of its own side. What is left out, because it touches on everybody:

- neighbouring segments of one arm (upper arm and forearm, forearm and hand), and the fingers of one hand;
- the upper half of an upper arm against the torso (``TOUCHING``): with arms hanging, armpit and arm lie on the ribs;
- hair, lashes, brows, eyes, teeth and the tongue, which are no solid surface, and skin that a garment covers: depth is
  measured under the outermost layer.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT, JOINTS
from .surface import near_pieces, nearest_triangles, winding_numbers

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Touching:
    """A part of an arm that touches a part of the trunk on everybody, and is not measured against it."""

    part: str
    against: str
    joint: str  # of the arm's own side
    bone: str  # the joint at the other end of the bone
    share: float  # of the bone: vertices nearer to ``joint`` than this touch
    why: str


TOUCHING = (
    Touching(
        part="upper arm",
        against="torso",
        joint="shoulder",
        bone="elbow",
        share=0.55,
        why="the armpit and the upper half of the arm rest on the ribs when arms hang",
    ),
)

REGIONS = (
    "torso",
    "head",
    "legs",
    *(f"{side} {part}" for side in ("left", "right") for part in ("upper arm", "forearm", "hand")),
)
_OF_A_SIDE = {
    "hip": "legs",
    "knee": "legs",
    "ankle": "legs",
    "foot": "legs",
    "collar": "torso",
    "shoulder": "{} upper arm",
    "elbow": "{} forearm",
    "eye_smplhf": "head",
}  # the wrist and the fingers are the hand
_LOOSE = ("hair", "lash", "brow", "eye", "teeth", "tongue")  # parts that are no solid surface, by their names
_COVER = 0.03  # m; a garment this near over the skin covers it
_COARSE = 0.012  # m
_SLACK = 0.0005  # m; bounds are this much wider than what they bound
_FRAMES_AT_ONCE = 32
_TRIANGLES_AT_ONCE = 2000


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Penetration:
    """How deep arms and hands lie in the rest of the body, a frame at a time."""

    frames: Array  # (N,) the frames that were measured
    depth: Array  # (N,) m, the deepest vertex; 0 where nothing touches
    pairs: tuple[str, ...]  # (N,) "left forearm in torso"; "" where nothing touches

    @property
    def worst(self) -> int | None:
        """The frame with the deepest vertex; None where nothing touches."""
        return int(self.frames[self.depth.argmax()]) if len(self.depth) and self.depth.max() > 0 else None


def penetration(clip: MotionClip, body: Body, *, frames: Array | None = None) -> Penetration:
    """How deep hands and arms lie in the body, in ``frames`` (N,) of ``clip``, or in all of them.

    The clip's betas must mean something on ``body``, as in ``Body.vertices``.
    """
    chosen = np.arange(len(clip)) if frames is None else np.asarray(frames, dtype=np.int64)
    solid = _solid(body)
    shaped, joints = body.shaped(clip.betas), body.rest_joints(clip.betas)
    sources = [_sources(solid, arm, shaped, joints) for arm in (0, 1)]
    depth, pairs = np.zeros(len(chosen)), [""] * len(chosen)
    for start in range(0, len(chosen), _FRAMES_AT_ONCE):
        rows = chosen[start : start + _FRAMES_AT_ONCE]
        chunks = body.vertex_chunks(
            poses=clip.poses[rows],
            trans=clip.trans[rows],
            betas=clip.betas,
            expressions=clip.expressions[rows],
            blendshapes=clip.blendshapes[rows],
        )
        for first, block in chunks:
            for offset, vertices in enumerate(block):
                at = start + first + offset
                depth[at], pairs[at] = _deepest(solid, sources, vertices)
    return Penetration(frames=chosen, depth=depth, pairs=tuple(pairs))


# --- what is solid, and what belongs to which part ---


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Patch:
    """The triangles of one bone in one region: what bounds are drawn around."""

    region: int  # index into REGIONS
    triangles: Array  # (n, 3)
    outer: Array  # (n,) bool: no garment covers it
    vertices: Array  # (m,)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Solid:
    patches: tuple[_Patch, ...]
    region: Array  # (V,) index into REGIONS


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Source:
    """One segment of an arm, and what it is measured against."""

    name: str
    vertices: Array  # (n,)
    coarse: Array  # (m, 3) triangles so large that their middles are measured too
    against: tuple[int, ...]  # regions
    near: tuple[tuple[int, Array], ...]  # region, (n + m,) bool: points that touch it on everybody

    def points(self, vertices: Array) -> Array:
        """(n + m, 3) of the posed mesh (V, 3)."""
        return np.concatenate([vertices[self.vertices], vertices[self.coarse].mean(axis=1)])


def _sources(solid: _Solid, arm: int, shaped: Array, joints: Array) -> list[_Source]:
    own = range(3 + 3 * arm, 6 + 3 * arm)
    side = ("left", "right")[arm]
    found = []
    for region in own:
        triangles = np.concatenate([p.triangles for p in solid.patches if p.region == region] or [np.zeros((0, 3), int)])
        used = np.unique(triangles)
        corners = shaped[triangles]
        large = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(axis=1) > _COARSE
        source = _Source(
            name=REGIONS[region],
            vertices=used[solid.region[used] == region],
            coarse=triangles[large],
            against=(),
            near=(),
        )
        others = [other for other in range(len(REGIONS)) if other not in own]
        if REGIONS[region].endswith("hand"):
            others.append(own[0])
        near = []
        for touching in TOUCHING:
            if REGIONS[region] == f"{side} {touching.part}":
                joint, end = (joints[JOINT[f"{side}_{name}"]] for name in (touching.joint, touching.bone))
                away = np.linalg.norm(source.points(shaped) - joint, axis=1)
                near.append((REGIONS.index(touching.against), away < touching.share * np.linalg.norm(end - joint)))
        found.append(dataclasses.replace(source, against=tuple(others), near=tuple(near)))
    return found


@functools.lru_cache(maxsize=4)
def _solid(body: Body) -> _Solid:
    kept = np.ones(len(body.triangles), dtype=bool)
    for part in body.parts:
        if any(word in part.name for word in _LOOSE):
            kept[part.start : part.start + part.count] = False
    covered = _covered(body, kept)
    triangles = body.triangles
    bones = body.weights[triangles].mean(axis=1).argmax(axis=1)
    regions = np.array([_region(name) for name in JOINTS])
    shares = np.zeros((len(body.weights), len(REGIONS)))
    for joint, region in enumerate(regions):
        shares[:, region] += body.weights[:, joint]
    by_vertex = shares.argmax(axis=1)
    by_triangle = shares[triangles].mean(axis=1).argmax(axis=1)
    patches = []
    for region in range(len(REGIONS)):
        for bone in np.unique(bones[kept & (by_triangle == region)]):
            rows = np.flatnonzero(kept & (by_triangle == region) & (bones == bone))
            patches.append(
                _Patch(
                    region=region,
                    triangles=triangles[rows],
                    outer=~covered[rows],
                    vertices=np.unique(triangles[rows]),
                )
            )
    return _Solid(patches=tuple(patches), region=by_vertex)


def _region(joint: str) -> int:
    side, _, part = joint.partition("_")
    if side not in ("left", "right"):
        return REGIONS.index("head" if joint in ("neck", "head", "jaw") else "torso")
    if part in _OF_A_SIDE:
        return REGIONS.index(_OF_A_SIDE[part].format(side))
    return REGIONS.index(f"{side} hand")


def _covered(body: Body, kept: Array) -> Array:
    """(F,) bool: triangles with another part's surface close over them, facing the same way."""
    covered = np.zeros(len(body.triangles), dtype=bool)
    corners = body.template[body.triangles]
    centres = corners.mean(axis=1)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    for part in body.parts:
        span = slice(part.start, part.start + part.count)
        if not part.count or not kept[span].all():
            continue
        over, facing = centres[span], normals[span]
        beside = ((centres > over.min(axis=0) - _COVER) & (centres < over.max(axis=0) + _COVER)).all(axis=1) & kept
        beside[span] = False
        rows = np.flatnonzero(beside)
        for start in range(0, len(rows), _TRIANGLES_AT_ONCE):
            block = rows[start : start + _TRIANGLES_AT_ONCE]
            height = normals[block] @ over.T - (normals[block] * centres[block]).sum(axis=1)[:, None]
            away = (centres[block] ** 2).sum(axis=1)[:, None] + (over**2).sum(axis=1) - 2 * centres[block] @ over.T
            above = (height > _SLACK) & (height < _COVER) & (away - height**2 < (_COVER / 2) ** 2)
            covered[block] |= (above & (normals[block] @ facing.T > 0.5)).any(axis=1)
    return covered


# --- one frame ---

_DIRECTIONS = np.array(
    [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)],
    dtype=np.float32,
)  # (13, 3): the slabs of a 26-sided bound


def _deepest(solid: _Solid, arms: list[list[_Source]], vertices: Array) -> tuple[float, str]:
    """The deepest vertex of one frame and the pair it belongs to; ``vertices`` (V, 3)."""
    heights = vertices @ _DIRECTIONS.T
    bounds = [(heights[p.vertices].min(axis=0) - _SLACK, heights[p.vertices].max(axis=0) + _SLACK) for p in solid.patches]
    deepest, pair = 0.0, ""
    for source in (source for arm in arms for source in arm):
        points = source.points(vertices)
        if not len(points):
            continue
        mine = points @ _DIRECTIONS.T
        low, high = mine.min(axis=0), mine.max(axis=0)
        candidates = np.zeros(len(mine), dtype=bool)
        for patch, (least, most) in zip(solid.patches, bounds):
            if patch.region not in source.against or (low > most).any() or (high < least).any():
                continue
            inside = ((mine >= least) & (mine <= most)).all(axis=1)
            for region, near in source.near:
                if region == patch.region:
                    inside &= ~near
            candidates |= inside
        if not candidates.any():
            continue
        found = _depth(solid, source, vertices, points[candidates].astype(np.float64), candidates)
        if found[0] > deepest:
            deepest, pair = found[0], f"{source.name} in {found[1]}"
    return deepest, pair


def _depth(solid: _Solid, source: _Source, vertices: Array, points: Array, chosen: Array) -> tuple[float, str]:
    """The deepest of ``points`` (k, 3), m, which are the ``chosen`` (n + m,) of a source, and the region it lies in."""
    parts = [patch for patch in solid.patches if patch.region in source.against]
    corners = [vertices[patch.triangles].astype(np.float64) for patch in parts]
    inside = winding_numbers(points, corners) > 0.5
    if not inside.any():
        return 0.0, ""
    shown = [c[patch.outer] for c, patch in zip(corners, parts)]
    near_ones = near_pieces(points[inside], shown)
    region = np.concatenate([np.full(len(shown[row]), parts[row].region) for row in near_ones])
    distance, which = nearest_triangles(points[inside], np.concatenate([shown[row] for row in near_ones]))
    hit = region[which]
    for number, near in source.near:
        distance = np.where((hit == number) & near[chosen][inside], 0.0, distance)
    best = int(distance.argmax())
    return float(distance[best]), REGIONS[hit[best]]
