"""The outer surface of a body in parts: torso, head, legs, upper arms, forearms and hands, by skin weights."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Body
from ..core.skeleton import JOINTS

Array = NDArray[Any]

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
_LEAST_COVER = 0.0005  # m
_TRIANGLES_AT_ONCE = 2000


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """The triangles of one bone in one region: what bounds are drawn around."""

    region: int  # index into REGIONS
    triangles: Array  # (n, 3)
    outer: Array  # (n,) bool: no garment covers it
    vertices: Array  # (m,)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Solid:
    """A body's solid surface."""

    patches: tuple[Patch, ...]
    region: Array  # (V,) index into REGIONS


@functools.lru_cache(maxsize=4)
def solid_parts(body: Body) -> Solid:
    """The parts of ``body`` that hands cannot pass through."""
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
                Patch(
                    region=region,
                    triangles=triangles[rows],
                    outer=~covered[rows],
                    vertices=np.unique(triangles[rows]),
                )
            )
    return Solid(patches=tuple(patches), region=by_vertex)


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
            above = (height > _LEAST_COVER) & (height < _COVER) & (away - height**2 < (_COVER / 2) ** 2)
            covered[block] |= (above & (normals[block] @ facing.T > 0.5)).any(axis=1)
    return covered
