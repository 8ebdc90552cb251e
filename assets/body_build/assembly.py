"""From pieces, joints and phenotypes to a Body in SMPL-X format."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...core.body import Blendshape, Body, BodyPart, Material
from ...core.face import ARKIT
from ...core.skeleton import JOINT, JOINT_COUNT
from . import face, parts, rest, rig
from .character import MATERIALS, character, textures
from .correctives import a_pose, body_correctives
from .hair import combed, hair
from .landmarks import face_landmarks
from .parts import Piece, triangles_of
from .source import Array, Source
from .suit import fitted
from .teeth import settled_tongue

DEFAULT = {"gender": 0.65, "age": 0.66, "muscle": 0.55, "weight": 0.45, "height": 0.4, "proportions": 0.1}
SHAPES: tuple[tuple[str, dict[str, float], dict[str, float], float], ...] = (
    # name, phenotype at one end, at the other, betas between the ends
    ("man to woman", {"gender": 0.0}, {"gender": 1.0}, 2.0),
    ("height", {"height": 0.0}, {"height": 1.0}, 14.0),
    ("weight", {"weight": 0.0}, {"weight": 1.0}, 4.0),
    ("muscle", {"muscle": 0.0}, {"muscle": 1.0}, 4.0),
    ("age", {"age": 0.66}, {"age": 1.0}, 3.0),
    ("proportions", {"proportions": 0.0}, {"proportions": 1.0}, 4.0),
    ("bust", {"cupsize": 0.0}, {"cupsize": 1.0}, 4.0),
    ("African ancestry", {"african": 0.0}, {"african": 1.0, "asian": 0.0, "caucasian": 0.0}, 2.0),
    ("Asian ancestry", {"asian": 0.0}, {"african": 0.0, "asian": 1.0, "caucasian": 0.0}, 2.0),
    ("teenage", {"age": 0.66}, {"age": 0.45}, 2.0),
)
_SMOOTHING = 4
_HAIR = {"man": 0.0, "normal": 0.5, "woman": 1.0}  # length, from a short cut to the shoulders: it goes with "man to woman"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A person in T-pose."""

    vertices: Array  # (V, 3) of the character
    joints: Array  # (55, 3)
    turns: Array  # (55, 3, 3) world rotation of each joint from the A-pose


def build_body(source: Source) -> Body:
    base, heads, _ = source.figure(**DEFAULT)
    calm = face.relaxed(source)
    base = base + calm
    mouth = face.lowered_teeth(source, base)
    mouth = mouth + face.closed_lips(source, base + mouth) + settled_tongue(source, base)
    base = base + mouth
    strands = combed(source, base)
    pieces = character(source, base, strands, _HAIR["normal"])
    skin = triangles_of(source.quads["body"])
    hinge_offset = face.jaw_turn(source, base)[1] - heads["jaw"]
    base_weights = _weights(source, base)
    weights = np.concatenate([parts.mixed(piece, base_weights) for piece in pieces[:-1]])
    weights = np.concatenate([_cleaned(weights), _stiff(pieces[-1], "head")])

    hairs = {name: hair(strands, _HAIR[name]) for name in ("man", "woman")}

    def figure(changes: dict[str, float], hair_length: str = "normal") -> Figure:
        person, bones, _ = source.figure(**{**DEFAULT, **changes})
        person = person + calm + mouth
        skin_piece, suit, *others, own_hair = pieces
        worn = [skin_piece, fitted(suit, person, base), *others, hairs.get(hair_length, own_hair)]
        joints = rig.joints_of(bones)
        joints[JOINT["jaw"]] = bones["jaw"] + hinge_offset
        turns = rest.rest_rotations(joints)
        return Figure(
            vertices=rest.unposed(parts.positions(worn, person, skin), weights, joints, turns),
            joints=rest.rest_joints(joints, turns),
            turns=turns,
        )

    normal = figure({})
    ends = [
        (figure(low, "man"), figure(high, "woman"), span) if "gender" in low else (figure(low), figure(high), span)
        for _, low, high, span in SHAPES
    ]
    shape_dirs = np.stack([(b.vertices - a.vertices) / span for a, b, span in ends], axis=-1)
    joint_dirs = np.stack([(b.joints - a.joints) / span for a, b, span in ends], axis=-1)
    still = parts.positions(pieces, base, skin)
    shapes = [parts.positions(pieces, base + unit, skin) - still for unit in face.face_units(source, base)]
    quiet = np.max([np.abs(shape).max(axis=1) for shape in shapes], axis=0) < 1e-5
    regressor = joint_regressor(normal, shape_dirs, joint_dirs, weights, quiet)
    triangles, uvs, body_parts = _triangles(pieces)
    landmark_triangles, landmark_shares = face_landmarks(source, base, pieces[0], triangles)
    body = Body(
        id="declaim",
        sha256="",
        face="blendshapes",
        template=normal.vertices.astype(np.float32),
        triangles=triangles,
        weights=weights.astype(np.float32),
        shape_dirs=shape_dirs.astype(np.float32),
        expression_dirs=face.expression_basis(shapes, weights, normal.vertices, normal.joints[JOINT["jaw"]]),
        pose_dirs=None,
        joint_regressor=regressor.astype(np.float32),
        blendshapes=tuple(_blendshape(name, deltas) for name, deltas in zip(ARKIT, shapes)),
        landmark_triangles=landmark_triangles,
        landmark_barycentric=landmark_shares,
        parts=body_parts,
        materials=_painted(textures(source, base, pieces)),
        corner_uvs=uvs,
        shape_names=tuple(name for name, *_ in SHAPES),
    )
    return dataclasses.replace(body, correctives=body_correctives(body, a_pose(normal.turns)))


def _painted(pictures: dict[str, bytes]) -> tuple[Material, ...]:
    return tuple(dataclasses.replace(material, texture=pictures.get(material.name)) for material in MATERIALS)


def _weights(source: Source, base: Array) -> Array:
    """(19158, 55) weights of the base mesh, smoothed, with jaw and eyes."""
    weights = rig.merged_weights(source)
    for group in ("body", "helper-tights"):
        weights = rig.smoothed(weights, source.quads[group], _SMOOTHING)
    jaw = face.jaw_shares(source, base)
    jaw[np.unique(source.quads["helper-tights"])] = 0  # a collar does not talk
    weights *= (1 - jaw)[:, None]
    weights[:, JOINT["jaw"]] += jaw
    for side, letter in (("left", "l"), ("right", "r")):
        eye = np.unique(source.quads[f"helper-{letter}-eye"])
        weights[eye] = 0
        weights[eye, JOINT[f"{side}_eye_smplhf"]] = 1
    return weights


def _stiff(piece: Piece, joint: str) -> Array:
    """(V, 55) weights of a piece that one joint carries."""
    weights = np.zeros((len(piece.sources), JOINT_COUNT))
    weights[:, JOINT[joint]] = 1
    return weights


def _cleaned(weights: Array) -> Array:
    """Without the dust, at most four joints a vertex, as game engines want, rows that sum to one."""
    kept = np.where(weights < 0.004, 0, weights)
    np.put_along_axis(kept, np.argsort(-kept, axis=1, kind="stable")[:, 4:], 0, axis=1)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


def joint_regressor(normal: Figure, shape_dirs: Array, joint_dirs: Array, weights: Array, quiet: Array) -> Array:
    """(55, V): joints as sums of nearby vertices, exact for the template and for every shape direction.

    Vertices that a face shape moves take no part, so a face never shifts a joint. Of all exact answers the one nearest
    to an even mean of the nearest vertices.
    """
    regressor = np.zeros((JOINT_COUNT, len(normal.vertices)))
    unknowns = 240
    for joint in range(JOINT_COUNT):
        distance = np.linalg.norm(normal.vertices - normal.joints[joint], axis=1)
        near = np.argsort(np.where(quiet, distance, np.inf), kind="stable")[:unknowns]
        rows = [
            np.ones((1, unknowns)),
            normal.vertices[near].T,
            *(shape_dirs[near, :, k].T for k in range(shape_dirs.shape[2])),
        ]
        wanted = [np.ones(1), normal.joints[joint], *(joint_dirs[joint, :, k] for k in range(shape_dirs.shape[2]))]
        matrix, target = np.concatenate(rows), np.concatenate(wanted)
        even = np.full(unknowns, 1 / unknowns)
        regressor[joint, near] = even + np.linalg.lstsq(matrix, target - matrix @ even, rcond=1e-9)[0]
    return regressor


def _blendshape(name: str, deltas: Array) -> Blendshape:
    moving = np.flatnonzero(np.abs(deltas).max(axis=1) > 2e-5)
    return Blendshape(name=name, indices=moving.astype(np.int32), deltas=deltas[moving].astype(np.float32))


def _triangles(pieces: list[Piece]) -> tuple[Array, Array, tuple[BodyPart, ...]]:
    """Triangles and corner uvs of all pieces, sorted into runs of one material within each piece."""
    order = {material.name: index for index, material in enumerate(MATERIALS)}
    triangles: list[list[int]] = []
    uvs: list[list[tuple[float, float]]] = []
    runs: list[BodyPart] = []
    offset = 0
    for piece in pieces:
        for name in sorted(set(piece.material.tolist()), key=order.__getitem__):
            start = len(triangles)
            for polygon, places, material in zip(piece.polygons, piece.uvs, piece.material):
                if material == name:
                    for k in range(1, len(polygon) - 1):
                        triangles.append([offset + polygon[i] for i in (0, k, k + 1)])
                        uvs.append([places[i] for i in (0, k, k + 1)])
            title = piece.name if name == piece.name or len(set(piece.material.tolist())) == 1 else f"{piece.name}_{name}"
            runs.append(BodyPart(name=title, material=order[name], start=start, count=len(triangles) - start))
        offset += len(piece.sources)
    return np.array(triangles, np.int32), np.clip(np.array(uvs, np.float32), 0, 1), tuple(runs)
