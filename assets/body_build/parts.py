"""The parts of the character: which faces of the base mesh stay, and what is made anew on top of them.

Every vertex of the character is a fixed mix of base-mesh vertices, moved out along the surface's normal where it says
so. So the parts follow every phenotype and every face unit by themselves.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.rotations import normalised
from ...core.skinning import vertex_normals
from .rays import closest_on
from .source import Array, Source

BODY_VERTICES = 13380  # the skin comes first in the base mesh
MARGIN = 0.014  # m of skin kept under collar and cuffs
_BOUND = 0.002  # m under them from where it belongs to the cloth


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A mesh over the base mesh: positions = mix of base vertices + lift along their mixed skin normals."""

    name: str
    material: Array  # (n,) names, one a polygon
    polygons: list[list[int]]
    uvs: list[list[tuple[float, float]]]  # like polygons
    sources: Array  # (V, k) base vertices
    shares: Array  # (V, k) rows sum to one
    lift: Array  # (V,) m
    offset: Array | None = None  # (V, 3) m that is added, the same in every shape


def positions(pieces: list[Piece], base: Array, skin_triangles: Array) -> Array:
    """All pieces' vertices, one after another, on a base mesh in some shape: (19158, 3) -> (V, 3)."""
    normals = vertex_normals(base, skin_triangles)
    return np.concatenate([_placed(piece, base, normals) for piece in pieces])


def _placed(piece: Piece, base: Array, normals: Array) -> Array:
    points = mixed(piece, base)
    if piece.lift.any():
        points = points + piece.lift[:, None] * mixed(piece, normals)
    return points if piece.offset is None else points + piece.offset


def mixed(piece: Piece, values: Array) -> Array:
    """Values on the base mesh (19158, n) carried to the piece's vertices."""
    return np.asarray(np.einsum("vk,vkn->vn", piece.shares, values[piece.sources]))


def subset(
    source: Source, group: str, keep: Array | None, name: str, material: Array | str, layout: Array | None = None
) -> Piece:
    """Faces of one group, as they are. ``keep`` masks the group's quads; ``material`` one name or one a quad.

    ``layout`` (U, 2) replaces MakeHuman's texture places.
    """
    quads, places = source.quads[group], source.uv_quads[group]
    layout = source.uvs if layout is None else layout
    materials = np.full(len(quads), material) if isinstance(material, str) else material
    if keep is not None:
        quads, places, materials = quads[keep], places[keep], materials[keep]
    used, index = np.unique(quads, return_inverse=True)
    return Piece(
        name=name,
        material=materials,
        polygons=index.reshape(quads.shape).tolist(),
        uvs=[[(float(u), float(v)) for u, v in layout[row]] for row in places],
        sources=used[:, None],
        shares=np.ones((len(used), 1)),
        lift=np.zeros(len(used)),
    )


def triangles_of(quads: Array) -> Array:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def boundary_loops(quads: Array) -> list[Array]:
    """The open edges of a quad mesh as loops of vertices."""
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    key = np.sort(edges, axis=1)
    _, inverse, counts = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    follow = {int(a): int(b) for a, b in edges[counts[inverse.reshape(-1)] == 1]}
    loops = []
    while follow:
        start, after = follow.popitem()
        loop = [start]
        while after != start:
            loop.append(after)
            after = follow.pop(after)
        loops.append(np.array(loop))
    return sorted(loops, key=lambda loop: int(loop.min()))


def exposed_skin(source: Source, base: Array) -> Array:
    """(n,) mask of the body's quads that the suit leaves bare, with a margin under its openings."""
    quads = source.quads["body"]
    middles = base[quads].mean(axis=1)
    bare = np.zeros(len(quads), dtype=bool)
    for centre, normal, _ in openings(source, base):
        beyond = (middles - centre) @ normal > -MARGIN
        bare |= _connected(quads, beyond, _nearest_quad(middles, beyond, centre + 0.05 * normal))
    return bare


def tucked(source: Source, base: Array, piece: Piece, suit: Piece) -> Piece:
    """The skin with its margin bound to the suit over it, and drawn in under it, so that it never shows through.

    From the openings inwards a vertex passes from its own place to one at a fixed depth under the cloth: it then shares
    the cloth's weights and follows it in every shape.
    """
    depth = np.full(len(base), np.inf)
    for centre, normal, _ in openings(source, base):
        along = (base - centre) @ normal
        near = np.linalg.norm(base - centre, axis=1) < 0.13
        depth = np.where(near, np.minimum(depth, along), depth)
    own = piece.sources[:, 0]
    skin = triangles_of(source.quads["body"])
    cloth = positions([suit], base, skin)
    triangles = triangles_of(np.array(suit.polygons))
    normals = vertex_normals(cloth, triangles)
    plain = mixed(suit, base)
    width = suit.sources.shape[1]
    sources = np.repeat(own[:, None], 1 + 3 * width, axis=1)
    shares = np.zeros(sources.shape)
    shares[:, 0] = 1
    offset = np.zeros((len(own), 3))
    for row in np.flatnonzero(depth[own] < -_BOUND):
        bound = float(np.clip((-depth[own[row]] - _BOUND) / 0.003, 0, 1))
        index, share = closest_on(cloth, triangles, base[own[row]])
        corners = triangles[index]
        inwards = normalised(share @ normals[corners])
        under = (share @ cloth[corners] - base[own[row]]) @ inwards
        target = share @ cloth[corners] - max(under, 0.003 + 0.005 * bound) * inwards
        sources[row, 1:] = suit.sources[corners].reshape(-1)
        shares[row] = [1 - bound, *(bound * share[:, None] * suit.shares[corners]).reshape(-1)]
        offset[row] = bound * (target - share @ plain[corners])
    return dataclasses.replace(piece, sources=sources, shares=shares, lift=np.zeros(len(own)), offset=offset)


def openings(source: Source, base: Array) -> list[tuple[Array, Array, Array]]:
    """The suit's openings: middle, outward normal, and loop of vertices of each."""
    body = base[source.quads["helper-tights"]].reshape(-1, 3).mean(axis=0)
    found = []
    for loop in boundary_loops(source.quads["helper-tights"]):
        points = base[loop]
        centre = points.mean(axis=0)
        normal = np.linalg.svd(points - centre)[2][2]
        found.append((centre, normal if normal @ (centre - body) > 0 else -normal, loop))
    return found


def _nearest_quad(middles: Array, among: Array, point: Array) -> int:
    distance = np.linalg.norm(middles - point, axis=1)
    return int(np.where(among, distance, np.inf).argmin())


def _connected(quads: Array, among: Array, seed: int) -> Array:
    """The quads reachable from ``seed`` through shared vertices within ``among``."""
    reached = np.zeros(len(quads), dtype=bool)
    reached[seed] = True
    touched = np.zeros(int(quads.max()) + 1, dtype=bool)
    while True:
        touched[quads[reached]] = True
        grown = among & touched[quads].any(axis=1)
        if (grown == reached).all():
            return reached
        reached = grown
