"""Voices: recordings on disk, strips of the Video Sequencer, folders of lines; and their sound in the sequencer."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import AudioError, InputError
from . import voice_sound, voice_strips
from .voice_sound import Cut

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".aac", ".wma")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
SCRIPT_SUFFIXES = (".txt", ".lab")
_READ_BY_ENGINE = {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"}
_FOLDER_PREFIX = "declaim-voice-"
_CHANNELS = 128  # that the sequencer has


@dataclasses.dataclass(frozen=True, kw_only=True)
class Voice:
    """One line's sound. ``path`` is there once ``prepare`` has run; the engine can read it."""

    path: Path
    original: Path  # the artist's own file
    name: str  # a file name for people, with a suffix
    script: str = ""  # empty: to be heard
    begins: float = 0.0  # s of the original at which the voice begins
    ends: float | None = None  # s of the original; None: its end
    start_frame: float | None = None  # on which the strip begins; None: it comes from no strip
    cut: Cut | None = None  # what ``prepare`` renders to ``path``
    temporary: bool = False  # ``path`` lies in a folder that ``discard`` removes


def voice_of(settings: Any, context: bpy.types.Context) -> list[Voice]:
    """The voices that ``settings`` (attributes as in ``properties.SETTINGS``) ask for, one or more.

    Reads Blender's data: main thread only. ``prepare`` does what takes time, and may run in a thread. Raises InputError.
    """
    if settings.voice_source == "STRIP":
        return [_of_strip(settings, context)]
    if settings.voice_source == "FOLDER":
        return _of_folder(settings)
    return [_of_file(settings, voice_strips.scene_rate(context.scene))]


def prepare(voice: Voice) -> None:
    """Make ``voice.path`` where it is not there yet. Touches no bpy: may run in a thread. Raises AudioError."""
    if voice.cut is not None and not voice.path.exists():
        voice_sound.render(voice.cut, voice.path)


def discard(voice: Voice) -> None:
    """Remove what was made for ``voice``."""
    if voice.temporary:
        shutil.rmtree(voice.path.parent, ignore_errors=True)


def _of_file(settings: Any, fps: float) -> Voice:
    if not settings.voice:
        raise InputError("No voice is chosen.", hint="Choose a recording.")
    path = absolute(settings.voice)
    if path.is_dir():
        raise AudioError(f"{path} is a folder.", hint="Choose a sound file in it, or set Voice From to Folder.")
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", hint="Check the path for a typing error.")
    begins, ends = _part(settings, fps)
    plain = Voice(path=path, original=path, name=path.name, script=settings.script, begins=begins, ends=ends)
    if not settings.use_range and path.suffix.lower() in _READ_BY_ENGINE:
        return plain
    return _rendered(plain, Cut(source=path, start=begins, end=ends), _new_folder())


def _of_folder(settings: Any) -> list[Voice]:
    if not settings.folder:
        raise InputError("No folder is chosen.", hint="Choose a folder of recordings.")
    folder = absolute(settings.folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", hint="Check the path for a typing error.")
    listed = [Voice(path=path, original=path, name=path.name, script=script_beside(path)) for path in recordings(folder)]
    found = []
    for voice in listed:
        if voice.path.suffix.lower() not in _READ_BY_ENGINE:
            found.append(_rendered(voice, Cut(source=voice.path), _new_folder()))
        else:
            found.append(voice)
    if not found:
        raise InputError(
            f"{folder} holds no recordings.", hint=f"Put files into it that end in {', '.join(SUFFIXES[:4])} and so on."
        )
    return found


def recordings(folder: Path) -> list[Path]:
    """The sound files in ``folder``, by name."""
    return sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()),
        key=lambda path: (path.name.casefold(), path.name),
    )


def script_beside(recording: Path) -> str:
    """The text of the script that lies beside a recording under its name; empty where there is none. Raises InputError."""
    for suffix in SCRIPT_SUFFIXES:
        path = recording.with_suffix(suffix)
        if path.is_file():
            try:
                return path.read_text("utf-8-sig").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(
                    f"The script {path} cannot be read ({error}).", hint="Save it as plain text in UTF-8."
                ) from None
    return ""


def _of_strip(settings: Any, context: bpy.types.Context) -> Voice:
    scene, strip = voice_strips.find(settings.strip, context)
    fps = voice_strips.scene_rate(scene)
    begins, ends = _part(settings, fps)
    folder = _new_folder()
    try:
        heard = voice_strips.heard(scene, strip, folder)
        if begins >= heard.duration:
            raise InputError(
                f'The part begins after the end of the strip "{strip.name}", which is {heard.duration:.2f} s long.',
                hint="Set In earlier: it counts from where the strip begins.",
            )
        cut = heard.cut
        if cut is None:
            mixed = folder / "mixdown.wav"
            voice_strips.mixdown(scene, strip, mixed)
            cut = Cut(source=mixed, end=heard.duration)
        cut = cut.part(begins, ends)
        voice = Voice(
            path=heard.original,
            original=heard.original,
            name=strip.name,
            script=settings.script,
            begins=cut.start,
            ends=cut.end,
            start_frame=heard.start_frame + begins * fps,
        )
        return _rendered(voice, cut, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _part(settings: Any, fps: float) -> tuple[float, float | None]:
    """In and out in seconds of the voice, on whole frames, so that sound and motion are cut alike; out None: to its end."""
    if not settings.use_range:
        return 0.0, None
    begins, ends = (round(time * fps) / fps for time in (settings.range_start, settings.range_end))
    if ends <= begins:
        raise InputError("The part ends before it begins.", hint="Set Out later than In.")
    return begins, ends


def _rendered(voice: Voice, cut: Cut, folder: Path) -> Voice:
    """``voice`` with ``cut`` as its sound, in a ``folder`` of its own."""
    stem = Path(voice.name).stem if Path(voice.name).suffix.lower() in SUFFIXES + VIDEO_SUFFIXES else voice.name
    return dataclasses.replace(voice, path=folder / "voice.wav", name=f"{stem}.wav", cut=cut, temporary=True)


def _new_folder() -> Path:
    """A folder that ``discard`` removes, or Blender when it ends."""
    return Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=bpy.app.tempdir or None))


def absolute(path: str, library: Any = None) -> Path:
    """A path as Blender has it, which may be relative to the file, as one that Python can open."""
    return Path(bpy.path.abspath(path, library=library)).expanduser()


def place_sound(scene: bpy.types.Scene, voice: Voice, frame: float) -> None:
    """Put ``voice`` into the sequencer so that it begins on ``frame``, once, and let it be heard while scrubbing.

    A voice that is a strip is there already. Without Blender's sound system (the module bpy 4.2) nothing is placed.
    """
    scene.use_audio_scrub = True
    scene.sync_mode = "AUDIO_SYNC"
    if voice.start_frame is not None or not bpy.app.build_options.audaspace:
        return
    editor = scene.sequence_editor_create()
    fps = voice_strips.scene_rate(scene)
    first, skipped = round(frame), round(voice.begins * fps)
    if any(_is_placed(strip, voice, first, skipped) for strip in voice_strips.strips(editor)):
        return
    strips = voice_strips.strips(editor)
    top = max((strip.channel for strip in strips), default=0) + 1
    strip = strips.new_sound(voice.original.name, _as_stored(voice.original), min(top, _CHANNELS), first - skipped)
    strip.frame_offset_start = skipped
    if voice.ends is not None:
        strip.frame_final_end = min(strip.frame_final_end, first + round((voice.ends - voice.begins) * fps))
    strip.channel = _free_channel(editor, strip)


def _is_placed(strip: Any, voice: Voice, first: int, skipped: int) -> bool:
    if strip.type != "SOUND" or strip.sound is None or strip.mute or voice_strips.span(strip)[0] != first:
        return False
    if voice_strips.skipped(strip) != skipped:
        return False
    with contextlib.suppress(OSError):
        return absolute(strip.sound.filepath, strip.sound.library).samefile(voice.original)
    return False


def _free_channel(editor: Any, strip: Any) -> int:
    """The lowest channel that is heard, may be edited, and has nothing where ``strip`` is."""
    first, end = voice_strips.span(strip)
    spans = [(other.channel, *voice_strips.span(other)) for other in voice_strips.strips(editor) if other != strip]
    taken = {channel for channel, begins, ends in spans if begins < end and ends > first}
    for channel in range(1, strip.channel):
        settings = editor.channels[channel]
        if channel not in taken and not settings.mute and not settings.lock:
            return channel
    return int(strip.channel)


def _as_stored(path: Path) -> str:
    """Relative to the file where the artist wants paths so."""
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        with contextlib.suppress(ValueError):  # another drive
            return str(bpy.path.relpath(str(path)))
    return str(path)
