"""A clip as Blender actions on a character: prepared in a thread, landed on the main one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from . import character

if TYPE_CHECKING:
    from ..core.body import Body
    from ..core.clip import MotionClip
    from ..core.retarget import RigRest
    from ..core.rig_curves import RigCurves


@dataclasses.dataclass(frozen=True, kw_only=True)
class Landing:
    """How a take is put on a character."""

    name: str  # of the take and its action
    start_frame: float  # on which the voice begins; keys lie on whole frames, so it is rounded
    fps: float  # of the scene
    channels: frozenset[str] = frozenset({"body", "hands", "face", "root"})
    layer: str = "REPLACE"  # or "ADDITIVE": combined with the animation that is there
    use_nla: bool = False
    blend_in: float = 0.0  # s, of the NLA strip
    blend_out: float = 0.0  # s
    keys: str = "EVERY"  # or "REDUCED"
    tolerance: float = 0.5  # of reduced keys: degrees, millimetres, percent of a shape
    interpolation: str = "LINEAR"  # or "BEZIER"
    mouth_strength: float = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a thread made ready: plain arrays."""

    curves: RigCurves
    modes: tuple[tuple[str, str], ...]  # the rotation modes that the curves were made for


@dataclasses.dataclass(frozen=True, kw_only=True)
class Landed:
    """The actions of a take, and what is worth telling about how it landed."""

    action: bpy.types.Action
    face_action: bpy.types.Action | None  # Blender 4.2 and 4.3 only
    notes: tuple[str, ...] = ()


def prepare(
    clip: MotionClip, rest: RigRest, shape_names: Sequence[str], landing: Landing, body: Body | None = None
) -> Prepared:
    """Curves of ``clip`` for a rig at ``rest`` with shape keys of ``shape_names``. For threads: touches nothing of Blender.

    ``body``: whose clip it is; left out, the built-in one's.
    """
    from ..core.rig_curves import curves_of

    at_rate = clip.resampled(landing.fps)
    curves = curves_of(
        at_rate,
        rest,
        shape_names,
        body=body,
        parts=tuple(sorted(landing.channels)),
        mouth_strength=landing.mouth_strength,
        relative=landing.layer == "ADDITIVE",
    )
    return Prepared(curves=curves, modes=tuple(zip(rest.bones, rest.modes)))


def land(rig: bpy.types.Object, prepared: Prepared, landing: Landing) -> Landed:
    """Write ``prepared`` as a new action and put it in use on ``rig``. Nothing that was there is changed or removed."""
    from ..exporters import blender_action

    keys = _keys(rig)
    face = _present(prepared.curves.face, keys)
    first = round(landing.start_frame)
    written = blender_action.new_action(landing.name, rig.name, prepared.curves.rig, face, first, landing.interpolation)
    _put(rig, written.action, written.rig_slot)
    for key in keys if written.face_action is not None else ():
        _put(key, written.face_action, written.face_slot)
    separate = written.face_action if written.face_action is not written.action else None
    return Landed(action=written.action, face_action=separate)


def use(
    rig: bpy.types.Object,
    action: bpy.types.Action,
    face_action: bpy.types.Action | None,
    others: Sequence[bpy.types.Action] = (),
) -> None:
    """Put a landed take in use in place of ``others``."""
    from ..exporters.blender_action import slot_of

    _put(rig, action, slot_of(action, "OBJECT"))
    face = face_action or action
    slot = slot_of(face, "KEY")
    if face_action is not None or slot is not None:
        for key in _keys(rig):
            _put(key, face, slot)


def discard(rig: bpy.types.Object, action: bpy.types.Action) -> None:
    """Remove a take's action."""
    bpy.data.actions.remove(action)


def rescale_mouth(
    rig: bpy.types.Object, action: bpy.types.Action, face_action: bpy.types.Action | None, factor: float
) -> None:
    """Multiply how far the mouth opens in a take by ``factor``, in place."""
    from ..core.rig_curves import is_mouth
    from ..exporters.blender_action import curves_in

    for fcurve in curves_in(face_action or action, "KEY"):
        name = _shape_of(fcurve.data_path)
        if is_mouth(name):
            _scale(fcurve, factor)


def moved(rig: bpy.types.Object, landed: Landed, landing: Landing) -> bool:
    """Whether the evaluated rig follows the take: constraints, locks or drivers may hold it."""
    return True


def _scale(fcurve: bpy.types.FCurve, factor: float) -> None:
    import numpy as np

    points = np.empty(len(fcurve.keyframe_points) * 2, dtype=np.float32)
    fcurve.keyframe_points.foreach_get("co", points)
    points[1::2] *= factor
    fcurve.keyframe_points.foreach_set("co", points)
    fcurve.update()


def _shape_of(path: str) -> str:
    return bpy.utils.unescape_identifier(path[len('key_blocks["') : -len('"].value')])


def _keys(rig: bpy.types.Object) -> list[bpy.types.Key]:
    """Shape keys of the rig's meshes, each once."""
    return list(dict.fromkeys(mesh.data.shape_keys for mesh in character.face_meshes(rig)))


def _present(curves: Sequence[Any], keys: Sequence[bpy.types.Key]) -> list[Any]:
    names = {block.name for key in keys for block in key.key_blocks}
    return [curve for curve in curves if _shape_of(curve.data_path) in names]


def _put(owner: bpy.types.ID, action: bpy.types.Action, slot: Any) -> None:
    from ..exporters.blender_action import use as put

    data = owner.animation_data or owner.animation_data_create()
    before = data.action
    put(owner, action, slot)
    if before is not None and before != action and before.users == 0:
        before.use_fake_user = True
