"""glTF 2.0 binary, written from numpy alone: skinned mesh, skeleton, morph targets, one animation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..core.body import Blendshape, Body
from ..core.clip import MotionClip
from ..core.correctives import brought_in
from ..core.files import replacing
from ..core.report import Report
from ..core.skeleton import JOINTS, PARENTS
from .formats import Take
from .gltf_animation import Performance, animation
from .gltf_buffer import GlbBuffer
from .gltf_material import materials
from .gltf_mesh import meshes, surface

Array = NDArray[Any]
_NO_SHIFT = 2e-6  # m: what float32 makes of joints that stay


def write(take: Take, path: Path, report: Report | None = None) -> None:
    """Write ``take`` as GLB: metres, Y up, facing +Z, T-pose at rest, the clip's first frame at 0 s.

    The betas are baked into mesh and skeleton. The face follows the body's encoding: its blend shapes, or its
    expression directions beside jaw and eye joints. Behind the face's shapes stand the correctives that the clip brings in,
    with their weights as keys, in the meshes that they move. Expressions also shift the rest joints in SMPL-X: the skin follows
    exactly, for which the bones concerned stand off their joints by that hair's breadth. glTF has no pose-dependent
    shapes, so a body's pose directions are left out, with a warning to ``report``.

    Raises ExportError where the file cannot be written.
    """
    if take.body.pose_dirs is not None and report is not None:
        report.warn(f"glTF cannot hold the pose corrections of this body: {path.name} leaves them out.")
    content = glb(take)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def glb(take: Take) -> bytes:
    """The file's bytes; the same take gives the same bytes."""
    body, clip = take.body, take.clip
    poses, weights, expressions = body.face_pose(clip.poses, clip.blendshapes, clip.expressions)
    if expressions is None:
        shapes, face = body.blendshapes, weights if body.blendshapes else None
    else:
        shapes, face = _expression_shapes(body, expressions)
    correctives, moved = brought_in(body.correctives, poses)
    rest = body.rest_joints(clip.betas).astype(np.float32)
    offsets = np.concatenate([rest[:1], rest[1:] - rest[list(PARENTS[1:])]])
    places: dict[int, Array] = {0: offsets[0] + clip.trans}
    if expressions is not None:
        places |= _shifted(body, clip, expressions, offsets)
    buffer = GlbBuffer()
    found = meshes(body, surface(body, clip.betas, (*shapes, *correctives), len(shapes)), buffer)
    # Skinned meshes stand at the scene's root, for a parent's transform must not move them; the skeleton has a node of
    # its own above the pelvis, which engines take as the character's root.
    joints = len(JOINTS)
    weights = np.concatenate([face if face is not None else np.zeros((len(clip), len(shapes)), np.float32), moved], axis=1)
    nodes = [
        *_joint_nodes(offsets),
        {"name": "Armature", "children": [0]},
        *({"name": mesh.document["name"], "mesh": number, "skin": 0} for number, mesh in enumerate(found)),
    ]
    performance = Performance(
        name=take.name,
        fps=clip.fps,
        poses=poses,
        places=places,
        morphs={joints + 1 + number: weights[:, list(mesh.morphs)] for number, mesh in enumerate(found) if mesh.morphs},
    )
    asset: dict[str, Any] = {"version": "2.0", "generator": f"Declaim {__version__}"}
    if clip.provenance.licence:
        asset["copyright"] = clip.provenance.licence
    document: dict[str, Any] = {
        "asset": asset,
        "scene": 0,
        "scenes": [{"name": take.name, "nodes": list(range(joints, len(nodes)))}],
        "nodes": nodes,
        "meshes": [mesh.document for mesh in found],
        "skins": [_skin(rest, buffer)],
        "animations": [animation(performance, buffer)],
        **materials(body, buffer),
    }
    return buffer.pack(document)


def _expression_shapes(body: Body, expressions: Array) -> tuple[tuple[Blendshape, ...], Array | None]:
    """The expression directions that the clip uses, as shapes, with their weights (T, n)."""
    available = body.expression_dirs.shape[2]
    used = np.flatnonzero(expressions[:, :available].any(axis=0))
    every = np.arange(len(body.template), dtype=np.int32)
    shapes = tuple(
        Blendshape(name=f"expression_{number:02d}", indices=every, deltas=body.expression_dirs[..., number])
        for number in used
    )
    return shapes, expressions[:, used] if len(used) else None


def _shifted(body: Body, clip: MotionClip, expressions: Array, offsets: Array) -> dict[int, Array]:
    """Joint -> (T, 3) its place under its parent, m, where expressions shift it.

    Skinning needs world rotation R and place P of a joint and its rest place J + s, s being the shift: v' = R (v - J - s)
    + P. The inverse bind matrices hold J alone, so the bone stands at P - R s.
    """
    weights = expressions[:, : body.expression_dirs.shape[2]]
    dirs = body.expression_dirs[..., : weights.shape[1]]
    regressed = np.einsum("jv,vxe->jxe", body.joint_regressor, dirs, optimize=True)
    if not weights.any() or np.abs(regressed).max() < _NO_SHIFT:
        return {}
    shifts = np.einsum("te,jxe->tjx", weights, regressed, optimize=True)
    world, joints = body.joints(poses=clip.poses, trans=clip.trans, betas=clip.betas, expressions=expressions)
    bones = joints - (world @ shifts[..., None])[..., 0]
    found = {}
    for joint, parent in enumerate(PARENTS):
        place = bones[:, joint]
        if parent >= 0:
            place = (np.swapaxes(world[:, parent], -1, -2) @ (place - bones[:, parent])[..., None])[..., 0]
        if parent < 0 or np.abs(place - offsets[joint]).max() > _NO_SHIFT:
            found[joint] = place
    return found


def _joint_nodes(offsets: Array) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for joint, (name, parent) in enumerate(zip(JOINTS, PARENTS)):
        nodes.append({"name": name, "translation": offsets[joint].tolist()})
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(joint)
    return nodes


def _skin(rest: Array, buffer: GlbBuffer) -> dict[str, Any]:
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(rest), 1, 1))
    matrices[:, 3, :3] = -rest  # column-major: the translation is the last row here
    view = buffer.accessor(matrices, "MAT4")
    return {"name": "Skeleton", "skeleton": len(rest), "inverseBindMatrices": view, "joints": list(range(len(rest)))}
