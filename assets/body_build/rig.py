"""MakeHuman's 163 bones to SMPL-X's 55 joints: where the joints are, and who moves what."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.skeleton import JOINT, JOINT_COUNT, JOINTS
from .source import Array, Source

_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}

# Joint -> the bones whose heads it stands on (their mean). {s} is L or R.
_SIDE_HEADS = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe2-1", "toe3-1", "toe4-1"),
    "collar": ("clavicle",),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "eye_smplhf": ("eye",),
    **{f"{finger}{segment}": (f"finger{n}-{segment}",) for finger, n in _FINGERS.items() for segment in (1, 2, 3)},
}
_MIDDLE_HEADS = {
    "pelvis": "spine05",
    "spine1": "spine04",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
    "jaw": "jaw",
}

# Bone -> the joints that take over its weight. Bones not named go to their nearest named ancestor's joints.
_SIDE_OWNERS: dict[str, dict[str, float]] = {
    "pelvis": {"pelvis": 1},
    "breast": {"spine2": 0.6, "spine3": 0.4},
    "clavicle": {"S_collar": 1},
    "shoulder01": {"S_collar": 1},
    "upperarm01": {"S_shoulder": 1},
    "upperarm02": {"S_shoulder": 1},
    "lowerarm01": {"S_elbow": 1},
    "lowerarm02": {"S_elbow": 1},
    "wrist": {"S_wrist": 1},
    **{f"metacarpal{n}": {"S_wrist": 1.0} for n in range(1, 5)},
    **{f"finger{n}-{segment}": {f"S_{finger}{segment}": 1.0} for finger, n in _FINGERS.items() for segment in (1, 2, 3)},
    "upperleg01": {"S_hip": 1},
    "upperleg02": {"S_hip": 1},
    "lowerleg01": {"S_knee": 1},
    "lowerleg02": {"S_knee": 1},
    "foot": {"S_ankle": 1},
    **{f"toe{n}-{segment}": {"S_foot": 1.0} for n in range(1, 6) for segment in (1, 2, 3)},
}
_MIDDLE_OWNERS: dict[str, dict[str, float]] = {
    "root": {"pelvis": 1},
    "spine05": {"pelvis": 1},
    "spine04": {"spine1": 1},
    "spine03": {"spine1": 0.6, "spine2": 0.4},
    "spine02": {"spine2": 1},
    "spine01": {"spine3": 1},
    "neck01": {"neck": 1},
    "neck02": {"neck": 1},
    "neck03": {"neck": 0.6, "head": 0.4},
}


def joints_of(heads: Mapping[str, Array]) -> Array:
    """(55, 3) SMPL-X joints from MakeHuman's bone heads."""
    joints = np.zeros((JOINT_COUNT, 3))
    for name, bone in _MIDDLE_HEADS.items():
        joints[JOINT[name]] = heads[bone]
    for side, letter in (("left", "L"), ("right", "R")):
        for name, bones in _SIDE_HEADS.items():
            joints[JOINT[f"{side}_{name}"]] = np.mean([heads[f"{bone}.{letter}"] for bone in bones], axis=0)
    return joints


def merged_weights(source: Source) -> Array:
    """(V, 55) weights of the whole base mesh. The face goes to the head; jaw and eyes are weighted elsewhere."""
    weights = np.zeros((len(source.weights), JOINT_COUNT))
    for index, bone in enumerate(source.bone_names):
        for joint, share in _owners(bone).items():
            weights[:, JOINT[joint]] += share * source.weights[:, index]
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1))


def _owners(bone: str) -> dict[str, float]:
    stem, _, letter = bone.partition(".")
    if stem in _MIDDLE_OWNERS:
        return _MIDDLE_OWNERS[stem]
    if stem in _SIDE_OWNERS:
        side = "left_" if letter == "L" else "right_"
        return {name.replace("S_", side): share for name, share in _SIDE_OWNERS[stem].items()}
    return {"head": 1.0}  # what is left are the head's own bones: face, tongue, jaw, eyes


def smoothed(weights: Array, quads: Array, rounds: int, share: float = 0.5) -> Array:
    """Weights relaxed over the surface's edges, so that bends spread; vertices outside ``quads`` keep theirs."""
    edges = np.unique(np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1), axis=0)
    both = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(weights))
    result = weights.copy()
    used = degree > 0
    for _ in range(rounds):
        neighbours = np.zeros_like(result)
        np.add.at(neighbours, both[:, 0], result[both[:, 1]])
        result[used] = (1 - share) * result[used] + share * neighbours[used] / degree[used, None]
    return result


assert len(JOINTS) == JOINT_COUNT
