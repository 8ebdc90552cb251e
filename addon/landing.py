"""A clip as Blender actions on a character: prepared in a thread, landed on the main one.

An additive take is a strip that Blender combines with what plays below: each bone stands at B D, with B what is below and
D the take's rotation relative to its first frame; locations, relative to the first frame, and shapes, as they are, are
added. Over a still pose that is the take's own first one, the result is the take itself; so it is where nothing was animated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import InputError
from . import character, layering, nla
from .following import stillness as stillness
from .mouth_curves import rescale_mouth as rescale_mouth

if TYPE_CHECKING:
    from ..core.body import Body
    from ..core.clip import MotionClip
    from ..core.retarget import RigRest
    from ..core.rig_curves import Curve, RigCurves


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
    added: RigCurves | None  # of an additive take: relative to its first frame
    modes: tuple[tuple[str, str], ...]  # bones and the rotation modes that the curves were made for
    fps: float
    mouth_strength: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Landed:
    """The actions of a take, and what is worth telling about how it landed, a sentence each."""

    action: bpy.types.Action
    face_action: bpy.types.Action | None  # Blender 4.2 and 4.3 only
    notes: tuple[str, ...] = ()


def prepare(
    clip: MotionClip, rest: RigRest, shape_names: Sequence[str], landing: Landing, body: Body | None = None
) -> Prepared:
    """Curves of ``clip`` for a rig at ``rest`` with shape keys of ``shape_names``. For threads: touches nothing of Blender.

    ``body``: whose clip it is; left out, the built-in one's.
    """
    from ..core.key_reduction import reduced
    from ..core.rig_curves import curves_of

    at_rate = clip.resampled(landing.fps)

    def curves(*, relative: bool) -> RigCurves:
        made = curves_of(
            at_rate,
            rest,
            shape_names,
            body=body,
            parts=tuple(sorted(landing.channels)),
            mouth_strength=landing.mouth_strength,
            relative=relative,
        )
        if landing.keys != "REDUCED":
            return made
        smooth = landing.interpolation == "BEZIER"
        return reduced(made, at_rate, tolerance=landing.tolerance, unit=rest.unit, smooth=smooth)

    return Prepared(
        curves=curves(relative=False),
        added=curves(relative=True) if landing.layer == "ADDITIVE" else None,
        modes=tuple(zip(rest.bones, rest.modes)),
        fps=landing.fps,
        mouth_strength=landing.mouth_strength,
    )


def land(rig: bpy.types.Object, prepared: Prepared, landing: Landing) -> Landed:
    """Write ``prepared`` as a new action and put it in use on ``rig``. Nothing that was there is changed or removed.

    The artist's action stays: with a fake user where nothing else holds it, or pushed down to an NLA track of its own where
    the take becomes a strip. Raises InputError where rig or scene changed since ``prepare`` so that the curves do not fit.
    """
    from ..exporters import blender_action

    _check(rig, prepared, landing)
    notes = character.free_faces(rig) if prepared.curves.face else []
    keys = character.face_keys(rig)
    owners = [rig, *keys]
    for owner in owners:
        nla.leave_tweak_mode(owner)
    first = round(landing.start_frame)
    add = prepared.added is not None
    as_strip = add or landing.use_nla
    curves = prepared.added or prepared.curves
    rig_curves: Sequence[Curve] = curves.rig
    face = [curve for curve in curves.face if character.has_shape(keys, curve.data_path)]
    if as_strip:
        whole = dataclasses.replace(prepared.curves, face=tuple(face))
        held = layering.to_hold(rig, keys, whole, over_takes=add)
        facing = layering.facing_below(rig, curves.rig)
        notes += _push_down(owners, first, curves.frames, replaced=not add)
        layering.hold(rig, keys, held, first)
        if add:
            rig_curves = layering.added_curves(rig, prepared.modes, curves, first)
        else:
            rig_curves = facing
    written = blender_action.new_action(landing.name, rig.name, rig_curves, face, first, landing.interpolation)
    nla.mark(written.action, written.face_action)
    faces = keys if written.face_action is not None else []
    for owner in [rig, *faces]:
        mine, slot = (written.action, written.rig_slot) if owner == rig else (written.face_action, written.face_slot)
        if as_strip:
            nla.add_take(
                owner,
                mine,
                slot,
                name=written.action.name,  # the same for rig and face: by that exporters know that they belong together
                first=first,
                frames=curves.frames,
                blend_in=landing.blend_in * landing.fps,
                blend_out=landing.blend_out * landing.fps,
                add=add,
            )
        else:
            notes += _put(owner, mine, slot)
    separate = written.face_action if written.face_action != written.action else None
    if landing.mouth_strength != prepared.mouth_strength:
        rescale_mouth(rig, written.action, separate, landing.mouth_strength / prepared.mouth_strength)
    return Landed(action=written.action, face_action=separate, notes=tuple(dict.fromkeys(notes)))


def use(
    rig: bpy.types.Object,
    action: bpy.types.Action,
    face_action: bpy.types.Action | None,
    others: Sequence[bpy.types.Action] = (),
) -> None:
    """Put a landed take in use in place of ``others``: its action, or, where it is an NLA strip, its strip unmuted.

    Strips of other takes are muted if they play at the same time. An action of the artist's own that is in use above the
    strip is pushed down below it.
    """
    from ..exporters.blender_action import slot_of

    face = face_action or action
    as_strip = nla.strip_of(rig, action) is not None
    for owner in [rig, *character.face_keys(rig)]:
        nla.leave_tweak_mode(owner)
        mine, kind = (action, "OBJECT") if owner == rig else (face, "KEY")
        rivals = [row if owner == rig else nla.face_of(row) for row in others]
        slot = slot_of(mine, kind)
        in_use = owner.animation_data.action if owner.animation_data else None
        if as_strip:
            if in_use is not None and nla.is_take(in_use):
                owner.animation_data.action = None
                _keep(in_use)
            elif in_use is not None:
                nla.push_down(owner, *action.frame_range)
                nla.lift(owner, mine)
            nla.show(owner, mine, rivals)
            continue
        nla.mute(owner, rivals)
        if owner == rig or slot is not None or face_action is not None:
            _put(owner, mine, slot)
        elif nla.is_take(in_use):  # this take leaves the face alone
            owner.animation_data.action = None
            _keep(in_use)


def discard(rig: bpy.types.Object, action: bpy.types.Action) -> None:
    """Remove a take's action for good, and its strips with their tracks. What others made is left."""
    poses: list[bpy.types.Action] = []
    for owner in [rig, *character.face_keys(rig)]:
        nla.leave_tweak_mode(owner)
        nla.remove(owner, action)
        poses += nla.remove_poses(owner)
        if owner.animation_data is not None and owner.animation_data.action == action:
            owner.animation_data.action = None
    for row in dict.fromkeys([action, *poses]):
        if row == action or not row.users:
            bpy.data.actions.remove(row)


def _check(rig: bpy.types.Object, prepared: Prepared, landing: Landing) -> None:
    if reason := character.problem(rig):
        raise InputError(f"{reason}.")
    if prepared.fps != landing.fps:
        raise InputError(
            f"The scene's frame rate became {landing.fps:g} while the take was made for {prepared.fps:g}.",
            hint="Perform again.",
        )
    for bone, mode in prepared.modes:
        pose = rig.pose.bones.get(bone)
        if pose is None or pose.rotation_mode != mode:
            raise InputError(f'The bone "{bone}" of {rig.name} was changed meanwhile.', hint="Perform again.")


def _push_down(owners: Sequence[bpy.types.ID], first: int, frames: int, *, replaced: bool) -> list[str]:
    """Clear the way for strips; a sentence for each action that went to a track. Takes that are ``replaced`` do not."""
    notes = []
    for owner in owners:
        action = owner.animation_data.action if owner.animation_data else None
        if action is None:
            continue
        if replaced and nla.is_take(action):
            owner.animation_data.action = None
            _keep(action)
            continue
        name = nla.push_down(owner, first, first + frames)
        notes.append(rpt_('The action "{name}" plays on in an NLA track of its own, below the take.').format(name=name))
    return notes


def _put(owner: bpy.types.ID, action: bpy.types.Action, slot: Any) -> list[str]:
    """``action`` in use on ``owner``, at full strength; a sentence where it took the place of one of the artist's."""
    from ..exporters import blender_action

    data = owner.animation_data or owner.animation_data_create()
    before = data.action
    blender_action.use(owner, action, slot)
    data.action_blend_type, data.action_influence = "REPLACE", 1.0
    if before is None or before == action:
        return []
    _keep(before)
    if nla.is_take(before):
        return []
    return [rpt_('The action "{name}" is kept: choose it in the Action Editor to have it back.').format(name=before.name)]


def _keep(action: bpy.types.Action) -> None:
    """Blender drops what nobody uses when the file is saved."""
    if action.users == 0:
        action.use_fake_user = True
