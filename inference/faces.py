"""Filling in the face encoding that the generators did not make, so that every body and reader finds its own."""

from __future__ import annotations

from collections.abc import Set

from ..core.body import Body
from ..core.clip import MotionClip
from ..core.face import FaceEncoding
from ..core.face_solver import blendshapes_to_expressions, expressions_to_blendshapes
from ..core.skeleton import JOINT


def with_both_encodings(clip: MotionClip, body: Body, made: Set[FaceEncoding]) -> MotionClip:
    """``clip`` with the encoding that is not in ``made`` solved from the other, in the basis of ``body``."""
    if made >= {"blendshapes", "expressions"} or not made:
        return clip
    jaw, left, right = JOINT["jaw"], JOINT["left_eye_smplhf"], JOINT["right_eye_smplhf"]
    if "blendshapes" in made:
        expressions, jaws, eyes = blendshapes_to_expressions(body, clip.blendshapes)
        poses = clip.poses.copy()
        poses[:, jaw] = jaws
        if not poses[:, [left, right]].any():
            poses[:, [left, right]] = eyes
        return clip.replace(poses=poses, expressions=expressions)
    blendshapes = expressions_to_blendshapes(body, clip.expressions, clip.poses[:, jaw], clip.poses[:, [left, right]])
    return clip.replace(blendshapes=blendshapes)
