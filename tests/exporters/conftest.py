"""A small body and a lively clip for the exporters: made here, so that no licensed or built file is needed."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from declaim.core import rotations
from declaim.core.body import Blendshape, Body, BodyPart, Material
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.correctives import Corrective
from declaim.core.face import ARKIT, FaceEncoding
from declaim.core.skeleton import JOINT, JOINT_COUNT, JOINTS, MIRROR, PARENTS

Array = NDArray[Any]
_PLACES = {  # m, the left half and the middle of a person in T-pose
    "pelvis": (0, 0.95, 0),
    "left_hip": (0.09, 0.87, 0),
    "left_knee": (0.11, 0.48, 0.01),
    "left_ankle": (0.1, 0.08, -0.02),
    "left_foot": (0.12, 0.02, 0.11),
    "spine1": (0, 1.06, -0.01),
    "spine2": (0, 1.19, 0),
    "spine3": (0, 1.25, 0.01),
    "neck": (0, 1.44, -0.02),
    "left_collar": (0.06, 1.37, 0),
    "head": (0, 1.55, 0.01),
    "left_shoulder": (0.17, 1.4, -0.01),
    "left_elbow": (0.43, 1.39, -0.03),
    "left_wrist": (0.68, 1.39, -0.02),
    "jaw": (0, 1.54, 0.03),
    "left_eye_smplhf": (0.03, 1.6, 0.09),
}


def _rest_joints() -> Array:
    rest = np.zeros((JOINT_COUNT, 3))
    for name, place in _PLACES.items():
        rest[JOINT[name]] = place
    for finger, (spread, length) in enumerate(
        [(0.025, 0.035), (0.0, 0.04), (-0.045, 0.025), (-0.022, 0.035), (0.05, 0.03)]
    ):
        for segment in range(3):
            along = (0.05 if finger == 4 else 0.09) + segment * length
            rest[25 + 3 * finger + segment] = rest[JOINT["left_wrist"]] + (along, 0, spread)
    right = [joint for joint, name in enumerate(JOINTS) if name.startswith("right_")]
    rest[right] = rest[MIRROR[right]] * (-1, 1, 1)
    return rest


def _ball() -> tuple[Array, Array]:
    """An octahedron divided once: 18 points, 32 triangles facing outwards."""
    points = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    corners = [(x, y, z) for x in (0, 1) for y in (2, 3) for z in (4, 5)]
    middles: dict[tuple[int, int], int] = {}

    def middle(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in middles:
            middles[key] = len(points)
            points.append(tuple(np.add(points[a], points[b]) / np.sqrt(2)))  # type: ignore[arg-type]
        return middles[key]

    triangles = []
    for a, b, c in corners:
        ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
        triangles += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    places = np.array(points, dtype=float)
    faces = np.array(triangles)
    outward = np.cross(places[faces[:, 1]] - places[faces[:, 0]], places[faces[:, 2]] - places[faces[:, 0]])
    inside = (outward * places[faces].mean(axis=1)).sum(axis=1) < 0
    faces[inside] = faces[inside][:, ::-1]
    return places, faces


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([60 * y, 40 * x, 90] * 1) * 4 for y in range(4) for x in (y,))
    head = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_body(face: FaceEncoding, *, influences: int = 4, shifting: bool = False, correctives: bool = False) -> Body:
    """A ball a joint, bound to the joint, its forebears and its first child; a bare sheet for lashes on the head.

    ``shifting``: expressions move the rest joints of jaw and head too, by some millimetres. ``correctives``: a shoulder's
    on the suit, a wrist's on suit and skin, and a head's that no pose of ``make_clip`` brings in.
    """
    generator = np.random.default_rng(7)
    rest, (ball, faces) = _rest_joints(), _ball()
    size = np.where(np.arange(JOINT_COUNT) < 22, 0.05, 0.012)
    template = (rest[:, None] + size[:, None, None] * ball).reshape(-1, 3)
    owner = np.repeat(np.arange(JOINT_COUNT), len(ball))
    skin_joints = [*range(22, 55), JOINT["head"]]
    order = [joint for joint in range(JOINT_COUNT) if joint not in skin_joints] + skin_joints
    triangles = np.concatenate([faces + joint * len(ball) for joint in order])
    sheet = rest[JOINT["head"]] + np.array([[x, 0.05 + 0.01 * y, 0.1] for y in (0, 1) for x in (-0.02, 0, 0.02)])
    first = len(template)
    template = np.concatenate([template, sheet])
    owner = np.concatenate([owner, np.full(len(sheet), JOINT["head"])])
    lashes = first + np.array([(0, 1, 4), (0, 4, 3), (1, 2, 5), (1, 5, 4)])
    triangles = np.concatenate([triangles, lashes])
    weights = np.zeros((len(template), JOINT_COUNT))
    for vertex, joint in enumerate(owner):
        chain = [joint]
        while len(chain) < influences - 1 and PARENTS[chain[-1]] >= 0:
            chain.append(PARENTS[chain[-1]])
        chain += [child for child, parent in enumerate(PARENTS) if parent == joint][:1]
        weights[vertex, chain] = generator.random(len(chain)) + 0.1
    weights /= weights.sum(axis=1, keepdims=True)
    regressor = np.zeros((JOINT_COUNT, len(template)))
    regressor[owner[:first], np.arange(first)] = 1 / len(ball)
    head = np.flatnonzero(np.isin(owner, [JOINT["head"], JOINT["jaw"]]))
    shapes = tuple(
        Blendshape(
            name=name,
            indices=np.sort(generator.choice(head, 12, replace=False)).astype(np.int32),
            deltas=generator.normal(0, 0.01, (12, 3)).astype(np.float32),
        )
        for name in ARKIT
    )
    expressions = np.zeros((len(template), 3, 10), np.float32)
    expressions[head] = generator.normal(0, 0.005, (len(head), 3, 10))
    if not shifting:
        expressions -= np.einsum("jv,vxe->jxe", regressor, expressions)[owner]
    suit = (JOINT_COUNT - len(skin_joints)) * len(faces)
    bare = len(skin_joints) * len(faces)
    return Body(
        id="balls",
        sha256="0" * 64,
        face=face,
        template=template.astype(np.float32),
        triangles=triangles.astype(np.int32),
        weights=weights.astype(np.float32),
        shape_dirs=generator.normal(0, 0.01, (len(template), 3, 10)).astype(np.float32),
        expression_dirs=expressions,
        pose_dirs=None,
        joint_regressor=regressor.astype(np.float32),
        blendshapes=shapes if face == "blendshapes" else (),
        landmark_triangles=np.zeros(51, np.int32),
        landmark_barycentric=np.full((51, 3), 1 / 3, np.float32),
        parts=(
            BodyPart(name="suit", material=0, start=0, count=suit),
            BodyPart(name="skin", material=1, start=suit, count=bare),
            BodyPart(name="lashes", material=2, start=suit + bare, count=len(lashes)),
        ),
        materials=(
            Material(name="suit", base_color=(0.1, 0.2, 0.4, 1.0), roughness=0.8),
            Material(name="skin", base_color=(0.8, 0.6, 0.5, 1.0), roughness=0.5, texture=_png()),
            Material(name="lashes", base_color=(0.05, 0.04, 0.03, 0.9), roughness=0.9),
        ),
        corner_uvs=generator.random((len(triangles), 3, 2)).astype(np.float32),
        correctives=_correctives(owner) if correctives else (),
    )


def _correctives(owner: Array) -> tuple[Corrective, ...]:
    generator = np.random.default_rng(11)

    def corrective(name: str, joints: tuple[str, ...], driver: Any, axis: Any, towards: Any, span: Any) -> Corrective:
        indices = np.flatnonzero(np.isin(owner, [JOINT[joint] for joint in joints])).astype(np.int32)
        return Corrective(
            name=f"corrective_{name}",
            joint=JOINT[joints[0]],
            driver=driver,
            axis=axis,
            towards=towards,
            start=span[0],
            full=span[1],
            indices=indices,
            deltas=generator.normal(0, 0.02, (len(indices), 3)).astype(np.float32),
        )

    shoulder, wrist = ("left_shoulder", "left_elbow"), ("right_wrist", "right_elbow", "right_middle1")
    return (
        corrective("left_shoulder_up", shoulder, "swing", (1, 0, 0), (0, 1, 0), (1.4, 0.2)),
        corrective("right_wrist_turned", wrist, "twist", (-1, 0, 0), (-1, 0, 0), (0.0, 0.7)),
        corrective("head_back", ("head",), "swing", (0, 1, 0), (0, -0.6, -0.8), (0.4, 0.1)),
    )


def make_clip(body: Body, *, frames: int = 45, fps: float = 30.0) -> MotionClip:
    """Every joint swings, some past half a turn; the root walks; the face moves; betas are not zero."""
    generator = np.random.default_rng(3)
    time = np.arange(frames)[:, None, None] / fps
    speed, phase = generator.uniform(1, 5, (1, JOINT_COUNT, 3)), generator.uniform(0, 6, (1, JOINT_COUNT, 3))
    poses = 0.5 * np.sin(time * speed + phase)
    poses[:, JOINT["left_shoulder"], 2] += np.linspace(0, 5, frames)  # past half a turn, where axis-angle jumps
    poses[:, JOINT["right_elbow"]] = 0
    poses[:, JOINT["left_knee"]] = (0.7, 0.1, 0)  # held
    poses = rotations.quaternion_to_axis_angle(rotations.axis_angle_to_quaternion(poses))
    face = 0.5 + 0.5 * np.sin(time[..., 0] * generator.uniform(2, 9, (1, 52)))
    return MotionClip(
        fps=fps,
        body=BodyRef(id=body.id, sha256=body.sha256),
        poses=poses,
        trans=np.concatenate([0.3 * np.sin(time[:, 0]), 0.05 * np.cos(3 * time[:, 0]), 0.8 * time[:, 0]], axis=1),
        blendshapes=face,
        expressions=np.sin(time[..., 0] * generator.uniform(2, 9, (1, 10))),
        betas=generator.normal(0, 1, 10),
        contacts=np.ones((frames, 4)),
    )


@pytest.fixture(scope="session")
def body() -> Body:
    return make_body("blendshapes")


@pytest.fixture(scope="session")
def expressive_body() -> Body:
    return make_body("expressions")


@pytest.fixture(scope="session")
def clip(body: Body) -> MotionClip:
    return make_clip(body)


@pytest.fixture(scope="session")
def wide_body() -> Body:
    return make_body("blendshapes", influences=7)


@pytest.fixture(scope="session")
def corrected_body() -> Body:
    return make_body("blendshapes", correctives=True)


@pytest.fixture(scope="session")
def corrected_expressive_body() -> Body:
    return make_body("expressions", correctives=True)


@pytest.fixture(scope="session")
def shifting_body() -> Body:
    return make_body("expressions", shifting=True)
