"""Forward kinematics: local rotations and rest joints to joints in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .skeleton import PARENTS

Array = NDArray[Any]


def forward(rest_joints: Array, rotations: Array, trans: Array, parents: tuple[int, ...] = PARENTS) -> tuple[Array, Array]:
    """World rotations (T, J, 3, 3) and joint positions (T, J, 3), metres.

    ``rest_joints`` (J, 3) or, where the rest pose changes with the frame, (T, J, 3), metres; ``rotations`` (T, J, 3, 3),
    each relative to its parent; ``trans`` (T, 3), metres, added to every joint, as SMPL-X does (the pelvis stands at
    rest_joints[0] + trans).
    """
    world = np.empty_like(rotations)
    positions = np.empty((*rotations.shape[:2], 3), dtype=rotations.dtype)
    rest = np.asarray(rest_joints, dtype=rotations.dtype)
    for joint, parent in enumerate(parents):
        if parent < 0:
            world[:, joint] = rotations[:, joint]
            positions[:, joint] = rest[..., joint, :] + trans
        else:
            world[:, joint] = world[:, parent] @ rotations[:, joint]
            bone = rest[..., joint, :] - rest[..., parent, :]
            positions[:, joint] = positions[:, parent] + (world[:, parent] @ bone[..., None])[..., 0]
    return world, positions
