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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.skeleton import JOINT
from .solid_parts import REGIONS, Solid, solid_parts
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

_COARSE = 0.012  # m
_SLACK = 0.0005  # m; bounds are this much wider than what they bound
_FRAMES_AT_ONCE = 32
_REFINED = 20  # places that are looked at frame by frame


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
    solid = solid_parts(body)
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


def sampled_penetration(clip: MotionClip, body: Body, *, frames: int = 1800, every: int | None = None) -> Penetration:
    """``penetration`` of every ``every``-th frame, of as few as make about ``frames``, and of all about the deepest.

    Hands move at most a few centimetres a frame, so a place where they go deep shows in a frame near it.
    """
    step = every or max(1, -(-len(clip) // frames))
    coarse = penetration(clip, body, frames=np.arange(0, len(clip), step))
    if step == 1:
        return coarse
    order = np.argsort(-coarse.depth, kind="stable")[:_REFINED]
    deepest = coarse.frames[order[coarse.depth[order] > 0]]
    around = np.unique(np.clip(deepest[:, None] + np.arange(1 - step, step), 0, len(clip) - 1))
    fine = penetration(clip, body, frames=np.setdiff1d(around, coarse.frames))
    order = np.argsort(np.concatenate([coarse.frames, fine.frames]), kind="stable")
    pairs = coarse.pairs + fine.pairs
    return Penetration(
        frames=np.concatenate([coarse.frames, fine.frames])[order],
        depth=np.concatenate([coarse.depth, fine.depth])[order],
        pairs=tuple(pairs[row] for row in order),
    )


# --- the arms ---


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


def _sources(solid: Solid, arm: int, shaped: Array, joints: Array) -> list[_Source]:
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


# --- one frame ---

_DIRECTIONS = np.array(
    [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)],
    dtype=np.float32,
)  # (13, 3): the slabs of a 26-sided bound


def _deepest(solid: Solid, arms: list[list[_Source]], vertices: Array) -> tuple[float, str]:
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


def _depth(solid: Solid, source: _Source, vertices: Array, points: Array, chosen: Array) -> tuple[float, str]:
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
