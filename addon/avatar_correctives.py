"""Drivers of the avatar's corrective shapes, so that flesh follows limbs posed by hand as it follows a take.

Each is one of the expressions that Blender works out by itself: no Python runs, and they work where scripts are barred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..core.correctives import Corrective

_CHANNELS = {"w": "ROT_W", "x": "ROT_X", "y": "ROT_Y", "z": "ROT_Z"}


def drive_correctives(
    rig: bpy.types.Object, meshes: Sequence[bpy.types.Object], correctives: Sequence[Corrective], axes: Any
) -> None:
    """Drive the shape keys of ``correctives`` on ``meshes`` by the bones of ``rig``, whose space is ours turned by ``axes``
    (3, 3). Done again after the bones' rest has changed."""
    from ..core.skeleton import JOINTS

    for corrective in correctives:
        bone = rig.data.bones[JOINTS[corrective.joint]]
        expression = _expression(corrective, _into(bone, axes))
        for mesh in meshes:
            block = mesh.data.shape_keys and mesh.data.shape_keys.key_blocks.get(corrective.name)
            if block is not None:
                _drive(block, rig, bone.name, expression)


def _into(bone: bpy.types.Bone, axes: Any) -> Any:
    """(3, 3) from our axes to those of ``bone`` at rest."""
    import numpy as np

    return np.array(bone.matrix_local)[:3, :3].T @ axes


def _expression(corrective: Corrective, into: Any) -> str:
    """``core.correctives.corrective_weights`` of the bone's own rotation (w, x, y, z)."""
    import numpy as np

    axis, towards = into @ np.array(corrective.axis), into @ np.array(corrective.towards)
    if corrective.driver == "twist":
        along = _sum(zip(axis, ("x", "y", "z")))
        angle = f"2*atan2(abs({along}),abs(w))"
    else:
        # towards . R(w, x, y, z) axis, R written out for a unit quaternion
        products = np.outer(towards, axis)
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = products
        terms = (
            (xx + yy + zz, "w*w"),
            (xx - yy - zz, "x*x"),
            (yy - xx - zz, "y*y"),
            (zz - xx - yy, "z*z"),
            (2 * (xy + yx), "x*y"),
            (2 * (xz + zx), "x*z"),
            (2 * (yz + zy), "y*z"),
            (2 * (zy - yz), "w*x"),
            (2 * (xz - zx), "w*y"),
            (2 * (yx - xy), "w*z"),
        )
        angle = f"acos(clamp({_sum(terms)},-1,1))"
    low, high = sorted((corrective.start, corrective.full))
    rising = f"smoothstep({low:.5g},{high:.5g},{angle})"
    return rising if corrective.full > corrective.start else f"1-{rising}"


def _sum(terms: Any) -> str:
    text = "".join(f"{value:+.5f}*{name}" for value, name in terms if abs(value) > 5e-6)
    return text.removeprefix("+")


def _drive(block: bpy.types.ShapeKey, rig: bpy.types.Object, bone: str, expression: str) -> None:
    block.driver_remove("value")
    driver = block.driver_add("value").driver
    driver.type = "SCRIPTED"
    for name, channel in _CHANNELS.items():
        variable = driver.variables.new()
        variable.name, variable.type = name, "TRANSFORMS"
        target = variable.targets[0]
        target.id, target.bone_target = rig, bone
        target.transform_type, target.rotation_mode, target.transform_space = channel, "QUATERNION", "LOCAL_SPACE"
    driver.expression = expression
