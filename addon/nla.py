"""NLA tracks for takes: a track each above what the artist has, and the artist's own action pushed down below them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy

_MARK = "declaim_take"  # on our actions, to tell takes from the artist's own
_POSE = "declaim_pose"  # on our actions that hold a pose below takes
_FACE = "declaim_face"  # Blender 4.2 and 4.3: the other action of the take


def mark(action: bpy.types.Action, face_action: bpy.types.Action | None) -> None:
    """Say on the actions of a take that they are."""
    action[_MARK] = True
    if face_action is not None and face_action != action:
        face_action[_MARK] = True
        action[_FACE] = face_action


def is_take(action: bpy.types.Action | None) -> bool:
    return action is not None and _MARK in action


def mark_pose(action: bpy.types.Action, face_action: bpy.types.Action | None) -> None:
    """Say on the actions that hold a pose below takes that they do."""
    action[_POSE] = True
    if face_action is not None:
        face_action[_POSE] = True


def face_of(action: bpy.types.Action) -> bpy.types.Action:
    """The action of the same take that moves the shape keys."""
    return action.get(_FACE) or action


def push_down(owner: bpy.types.ID, first: float, last: float) -> str:
    """Move the action in use of ``owner`` to a track of its own; its name, or "" where there was none.

    The strip covers the action and the frames ``first`` to ``last``, so that cycles and extrapolation go on under a take.
    """
    data = owner.animation_data
    action = data.action
    if action is None:
        return ""
    slot = getattr(data, "action_slot", None)
    blend, influence, extrapolation = data.action_blend_type, data.action_influence, data.action_extrapolation
    data.action = None
    begin, end = action.frame_range
    track = _new_track(data, action.name)
    strip = _new_strip(track, action, slot, min(begin, first), max(end, last))
    strip.blend_type, strip.extrapolation = blend, extrapolation
    if influence != 1.0:
        strip.use_animated_influence, strip.influence = True, influence
    return str(action.name)


def add_take(
    owner: bpy.types.ID,
    action: bpy.types.Action,
    slot: Any,
    *,
    name: str,
    first: int,
    frames: int,
    blend_in: float,
    blend_out: float,
    add: bool,
) -> None:
    """``action`` as a strip on a track ``name`` of its own, above all others. ``blend_in`` and ``blend_out`` in frames.

    With ``add`` it is combined with what is below."""
    data = owner.animation_data or owner.animation_data_create()
    data.use_nla = True
    strip = _new_strip(_new_track(data, name), action, slot, first, first + max(frames - 1, 1))
    strip.extrapolation = "NOTHING"
    # Shapes have no rotations to combine, and COMBINE adds them relative to a default that is 1 in Blender 5.0.
    strip.blend_type = ("ADD" if isinstance(owner, bpy.types.Key) else "COMBINE") if add else "REPLACE"
    length = strip.frame_end - strip.frame_start
    shrink = min(1.0, length / max(blend_in + blend_out, 1e-6))  # both must find room
    strip.blend_in, strip.blend_out = blend_in * shrink, blend_out * shrink


def strip_of(owner: bpy.types.ID, action: bpy.types.Action) -> tuple[Any, Any] | None:
    """The track and the strip that hold ``action`` on ``owner``."""
    data = owner.animation_data
    for track in data.nla_tracks if data else ():
        for strip in track.strips:
            if strip.action == action:
                return track, strip
    return None


def show(owner: bpy.types.ID, action: bpy.types.Action, others: Collection[bpy.types.Action]) -> None:
    """Unmute the track of ``action`` and mute those of ``others`` that play at the same time.

    An added take keeps what it is added to: it takes the place of other added ones alone.
    """
    found = strip_of(owner, action)
    if found is None:
        return
    track, strip = found
    track.mute = False
    for other in others:
        place = strip_of(owner, other) if other != action else None
        if place is not None and not (strip.blend_type != "REPLACE" and place[1].blend_type == "REPLACE"):
            place[0].mute = _overlap(strip, place[1])


def mute(owner: bpy.types.ID, others: Collection[bpy.types.Action]) -> None:
    for other in others:
        if (place := strip_of(owner, other)) is not None:
            place[0].mute = True


def remove(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Take the strips of ``action`` away, and their tracks where nothing else is on them."""
    while (found := strip_of(owner, action)) is not None:
        track, strip = found
        track.strips.remove(strip)
        if not len(track.strips):
            owner.animation_data.nla_tracks.remove(track)


def lift(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Bring the take's track above all others: what was just pushed down belongs below it."""
    found = strip_of(owner, action)
    if found is None or found[0] == owner.animation_data.nla_tracks[-1]:
        return
    name, old = found[0].name, found[1]
    slot, add = getattr(old, "action_slot", None), old.blend_type != "REPLACE"
    begin, end, blends = old.frame_start, old.frame_end, (old.blend_in, old.blend_out)
    remove(owner, action)
    add_take(
        owner,
        action,
        slot,
        name=name,
        first=round(begin),
        frames=round(end - begin) + 1,
        blend_in=blends[0],
        blend_out=blends[1],
        add=add,
    )


def leave_tweak_mode(owner: bpy.types.ID) -> None:
    """A strip that is being edited in place locks the action that is in use."""
    if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
        owner.animation_data.use_tweak_mode = False


def actions_of(owner: bpy.types.ID, *, muted: bool = True) -> list[bpy.types.Action]:
    """The action in use of ``owner`` and those of its strips; without ``muted`` those that play."""
    data = owner.animation_data
    if data is None:
        return []
    tracks = [track for track in data.nla_tracks if muted or not track.mute]
    found = [data.action, *(strip.action for track in tracks for strip in track.strips if muted or not strip.mute)]
    return [action for action in found if action is not None]


def add_below(owner: bpy.types.ID, action: bpy.types.Action, slot: Any, frame: int) -> None:
    """``action``, which holds a pose, on a track on top of what there is now."""
    data = owner.animation_data or owner.animation_data_create()
    data.use_nla = True
    strip = _new_strip(_new_track(data, action.name), action, slot, frame, frame + 1)
    strip.extrapolation = "HOLD"


def remove_poses(owner: bpy.types.ID) -> list[bpy.types.Action]:
    """Where no take is a strip any more, take away the tracks that hold a pose; their actions."""
    actions = actions_of(owner)
    if any(is_take(action) for action in actions[1 if owner.animation_data and owner.animation_data.action else 0 :]):
        return []
    poses = [action for action in actions if _POSE in action]
    for action in poses:
        remove(owner, action)
    return poses


def _new_track(data: bpy.types.AnimData, name: str) -> Any:
    track = data.nla_tracks.new()
    track.name = name
    return track


def _new_strip(track: Any, action: bpy.types.Action, slot: Any, begin: float, end: float) -> Any:
    strip = track.strips.new(action.name, int(begin), action)
    if slot is not None:
        strip.action_slot = slot
    strip.use_sync_length = False
    # The action's frames stay where they are on the timeline, one to one. Each end can be set only so far as the other one
    # leaves room: hence twice.
    end = max(end, begin + 1)
    for _ in range(2):
        strip.action_frame_end = end
        strip.action_frame_start = begin
        strip.scale = 1.0
        strip.frame_end = end
        strip.frame_start = begin
        strip.frame_end = end
    strip.scale = 1.0
    return strip


def _overlap(one: Any, other: Any) -> bool:
    return bool(one.frame_start <= other.frame_end and other.frame_start <= one.frame_end)
