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
from . import voice_sound
from .voice_sound import Cut

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".aac", ".wma")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
SCRIPT_SUFFIXES = (".txt", ".lab")
_READ_BY_ENGINE = {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"}
_FOLDER_PREFIX = "declaim-voice-"


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

    Reads Blender's data: main thread only. ``prepare`` does what takes time. Raises InputError.
    """
    if settings.voice_source == "STRIP":
        found = [_of_strip(settings, context)]
    elif settings.voice_source == "FOLDER":
        return _of_folder(settings)
    else:
        found = [_of_file(settings)]
    for voice in found:
        prepare(voice)
    return found


def prepare(voice: Voice) -> None:
    """Make ``voice.path`` where it is not there yet. Touches no bpy: may run in a thread. Raises AudioError."""
    if voice.cut is not None and not voice.path.exists():
        voice_sound.render(voice.cut, voice.path)


def discard(voice: Voice) -> None:
    """Remove what was rendered for ``voice``."""
    if voice.temporary:
        shutil.rmtree(voice.path.parent, ignore_errors=True)


def _of_file(settings: Any) -> Voice:
    if not settings.voice:
        raise InputError("No voice is chosen.", hint="Choose a recording.")
    path = _absolute(settings.voice)
    if path.is_dir():
        raise AudioError(f"{path} is a folder.", hint="Choose a sound file in it, or set Voice From to Folder.")
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", hint="Check the path for a typing error.")
    begins, ends = _part(settings)
    plain = Voice(path=path, original=path, name=path.name, script=settings.script, begins=begins, ends=ends)
    if not settings.use_range and path.suffix.lower() in _READ_BY_ENGINE:
        return plain
    return _cut(plain, Cut(source=path, start=begins, end=ends))


def _of_folder(settings: Any) -> list[Voice]:
    if not settings.folder:
        raise InputError("No folder is chosen.", hint="Choose a folder of recordings.")
    folder = _absolute(settings.folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", hint="Check the path for a typing error.")
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name.casefold()):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith("."):
            voice = Voice(path=path, original=path, name=path.name, script=_script_beside(path))
            found.append(voice if path.suffix.lower() in _READ_BY_ENGINE else _cut(voice, Cut(source=path)))
    if not found:
        raise InputError(
            f"{folder} holds no recordings.", hint=f"Put files into it that end in {', '.join(SUFFIXES[:4])} and so on."
        )
    for voice in found:
        prepare(voice)
    return found


def _script_beside(recording: Path) -> str:
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
    raise InputError(f'There is no strip "{settings.strip}".', hint="Choose a sound strip of this scene.")


def _part(settings: Any) -> tuple[float, float | None]:
    """In and out in seconds of the voice; out None: to its end."""
    if not settings.use_range:
        return 0.0, None
    if settings.range_end <= settings.range_start:
        raise InputError("The part ends before it begins.", hint="Set Out later than In.")
    return float(settings.range_start), float(settings.range_end)


def _cut(voice: Voice, cut: Cut) -> Voice:
    """``voice`` with ``cut`` as its sound, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=bpy.app.tempdir or None))
    stem = Path(voice.name).stem or "voice"
    return dataclasses.replace(voice, path=folder / "voice.wav", name=f"{stem}.wav", cut=cut, temporary=True)


def _absolute(path: str, library: Any = None) -> Path:
    return Path(bpy.path.abspath(path, library=library)).expanduser()


def place_sound(scene: bpy.types.Scene, voice: Voice, frame: float) -> None:
    """Put ``voice`` into the sequencer so that it begins on ``frame``, once, and let it be heard while scrubbing."""
    scene.use_audio_scrub = True
    scene.sync_mode = "AUDIO_SYNC"
    if voice.start_frame is not None or not bpy.app.build_options.audaspace:
        return
    editor = scene.sequence_editor_create()
    strips = _strips(editor)
    fps = scene.render.fps / scene.render.fps_base
    skipped = round(voice.begins * fps)
    start = round(frame) - skipped
    for strip in strips:
        if strip.type == "SOUND" and strip.sound and round(strip.frame_start) == start:
            with contextlib.suppress(OSError):
                if _absolute(strip.sound.filepath, strip.sound.library).samefile(voice.original):
                    return
    strip = strips.new_sound(voice.original.name, str(voice.original), _free_channel(editor), start)
    strip.frame_offset_start = skipped
    if voice.ends is not None:
        strip.frame_final_end = min(strip.frame_final_end, round(frame + (voice.ends - voice.begins) * fps))


def _free_channel(editor: Any) -> int:
    return max((strip.channel for strip in _strips(editor)), default=0) + 1


def _strips(editor: Any) -> Any:
    return editor.strips if hasattr(editor, "strips") else editor.sequences
