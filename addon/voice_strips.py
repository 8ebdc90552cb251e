"""Strips of the Video Sequencer as voices: what is heard of one, from where it begins to be seen."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import AudioError, InputError
from . import voice_sound
from .voice_sound import Cut

_WITH_SOUND = {"SOUND", "MOVIE"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heard:
    """What a strip plays, in seconds from where it begins to be seen."""

    original: Path  # the artist's own file
    start_frame: int
    cut: Cut | None  # None: it is retimed, and ``mixdown`` renders it
    duration: float  # s, as long as it is seen


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return float(scene.render.fps / scene.render.fps_base)


def find(name: str, context: bpy.types.Context) -> tuple[bpy.types.Scene, Any]:
    """The strip of that name and its scene: the scene's own sequencer goes before the workspace's. Raises InputError."""
    if not name:
        raise InputError("No strip is chosen.", hint="Choose a sound strip of this scene.")
    for scene in scenes(context):
        strip = every_strip(scene.sequence_editor).get(name)
        if strip is None:
            continue
        if strip.type not in _WITH_SOUND:
            raise InputError(f'The strip "{name}" has no sound.', hint="Choose a sound strip or a movie strip.")
        return scene, strip
    raise InputError(f'There is no strip "{name}" in the Video Sequencer.', hint="Choose a sound strip of this scene.")


def scenes(context: bpy.types.Context) -> list[bpy.types.Scene]:
    """Scenes whose strips can be meant: this one and, from Blender 5.0 on, the one that the workspace's sequencer shows."""
    found = [context.scene]
    other = getattr(context.workspace, "sequencer_scene", None) if context.workspace else None
    if other is not None and other != context.scene:
        found.append(other)
    return [scene for scene in found if scene.sequence_editor is not None]


def strips(editor: Any) -> Any:
    """The top strips, by the name that this Blender has for them."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def every_strip(editor: Any) -> Any:
    """All strips, those inside of meta strips too."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def span(strip: Any) -> tuple[int, int]:
    """[first, end) frames on which a strip is seen."""
    if hasattr(strip, "left_handle"):  # Blender 5.2; the old names go with 6.0
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def skipped(strip: Any) -> int:
    """Frames of a strip's content that lie before its first frame: hidden by the handle or cut away. Negative: none yet.

    Blender plays from a whole frame, even where a change of the frame rate has left the handle between two.
    """
    handle = strip.left_handle_offset if hasattr(strip, "left_handle_offset") else strip.frame_offset_start
    return int(handle + hard_trim(strip))


def hard_trim(strip: Any) -> int:
    """Frames of the content that are cut away for good."""
    return int(strip.content_trim_start if hasattr(strip, "content_trim_start") else strip.animation_offset_start)


def heard(scene: bpy.types.Scene, strip: Any, folder: Path) -> Heard:
    """What ``strip`` plays. A packed sound is unpacked into ``folder``. Raises AudioError."""
    fps = scene_rate(scene)
    first, end = _seen(strip)
    if first >= end:
        raise AudioError(f'Nothing of the strip "{strip.name}" is seen.', hint="Its meta strip hides it: choose another.")
    if strip.type == "MOVIE":
        original = _absolute(strip.filepath, scene.library)
        source = original
    else:
        if strip.sound is None:
            raise AudioError(f'The strip "{strip.name}" has lost its sound.', hint="Choose another, or put it in again.")
        original = _absolute(strip.sound.filepath, strip.sound.library)
        source = _unpacked(strip.sound, original, folder)
    if not source.is_file():
        raise AudioError(
            f'The sound of the strip "{strip.name}" is missing: {source}.', hint="Find it with File > External Data."
        )
    if len(strip.retiming_keys):
        if strip.type == "MOVIE":
            raise InputError(
                f'The movie strip "{strip.name}" is retimed.', hint="Choose the sound strip that belongs to it."
            )
        return Heard(original=original, start_frame=first, cut=None, duration=(end - first) / fps)
    rate = _movie_rate(strip, source, fps) if strip.type == "MOVIE" else fps
    begins = (first - span(strip)[0] + skipped(strip)) / rate - getattr(strip, "sound_offset", 0.0)
    cut = Cut(source=source, start=max(0.0, begins), end=begins + (end - first) / fps, lead=max(0.0, -begins))
    if cut.end is not None and cut.end <= cut.start:
        raise AudioError(f'The strip "{strip.name}" shows nothing of its sound.', hint="Pull its handles over the sound.")
    return Heard(original=original, start_frame=first, cut=cut, duration=(end - first) / fps)


def mixdown(scene: bpy.types.Scene, strip: Any, path: Path) -> None:
    """Write what is heard of ``strip`` alone as a WAV: Blender's own mixdown, since it tells nobody how strips are retimed.

    The scene is as before afterwards. Main thread; measured at 15 ms (4.5) to 70 ms (5.x) a second of sound.
    Raises AudioError where Blender cannot.
    """
    first, end = _seen(strip)
    if first < 0:
        raise AudioError(
            f'The retimed strip "{strip.name}" begins before frame 0, where Blender renders nothing.',
            hint="Move it to frame 0 or later.",
        )
    family = _family(strip)
    with contextlib.ExitStack() as changes:
        for other in every_strip(scene.sequence_editor):
            if hasattr(other, "mute"):
                _set(changes, other, "mute", other not in family)
        for member in family:
            channels = member.parent_meta().channels if member.parent_meta() else scene.sequence_editor.channels
            _set(changes, channels[member.channel], "mute", False)
        _set(changes, strip, "volume", 1.0)
        _set(changes, scene, "audio_volume", 1.0)
        _set(changes, scene, "use_preview_range", False)
        # A range may not end before it begins: Blender would move its other end.
        for name in ("frame_start", "frame_end"):
            _keep(changes, scene, name)
        scene.frame_start, scene.frame_end = first, end - 1
        _set(changes, scene.render.ffmpeg, "audio_mixrate", _rate(strip))
        changes.enter_context(bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]))
        try:
            bpy.ops.sound.mixdown(
                filepath=str(path), check_existing=False, container="WAV", codec="PCM", format="F32", split_channels=False
            )
        except RuntimeError as error:
            reason = str(error).removeprefix("Error: ").strip()
            raise AudioError(
                f'The strip "{strip.name}" could not be rendered ({reason}).',
                hint="Render its sound to a file and use that.",
            ) from None
    if not path.is_file():
        raise AudioError(
            f'The strip "{strip.name}" could not be rendered.', hint="Render its sound to a file and use that."
        )


def _set(changes: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    before = getattr(owner, name)
    if before != value:
        changes.callback(setattr, owner, name, before)
        setattr(owner, name, value)


def _keep(changes: contextlib.ExitStack, owner: Any, name: str) -> None:
    changes.callback(setattr, owner, name, getattr(owner, name))


def _rate(strip: Any) -> int:
    """The sound's own rate where Blender knows it: nothing is resampled then."""
    rate = int(getattr(strip.sound, "samplerate", 0))
    return rate if 8000 <= rate <= 192000 else 48000


def _seen(strip: Any) -> tuple[int, int]:
    """[first, end) frames on which a strip is seen, in its meta strips too."""
    first, end = span(strip)
    for meta in _family(strip)[1:]:
        outer_first, outer_end = span(meta)
        first, end = max(first, outer_first), min(end, outer_end)
    return first, end


def _family(strip: Any) -> list[Any]:
    """The strip and the meta strips around it."""
    found = [strip]
    while (meta := found[-1].parent_meta()) is not None:
        found.append(meta)
    return found


def _movie_rate(strip: Any, source: Path, fps: float) -> float:
    """Frames on the timeline a second of the movie: the scene's, or the movie's own where it plays frame by frame.

    Blender does not tell which; the one under which sound and picture are as long is it.
    """
    seconds = voice_sound.duration(source)
    frames = float(strip.content_duration if hasattr(strip, "content_duration") else strip.frame_duration)
    return min((fps, float(strip.fps) or fps), key=lambda rate: abs((frames + hard_trim(strip)) / rate - seconds))


def _unpacked(sound: bpy.types.Sound, original: Path, folder: Path) -> Path:
    if sound.packed_file is None:
        return original
    path = folder / f"packed{original.suffix or '.wav'}"
    path.write_bytes(sound.packed_file.data)
    return path


def _absolute(path: str, library: Any) -> Path:
    return Path(bpy.path.abspath(path, library=library))
