"""Sound out of any file that Blender plays, as a WAV that every engine reads. No bpy: made for a job's thread.

Blender's ``aud`` decodes. It is safe in a thread but holds Python's lock while it works (measured: 0.2 ms a second of WAV,
1.3 ms a second of MP3 or AAC, and 21 ms a second if it also resamples, which is why it never does here). What can be
sought to the sample is therefore read in short pieces with a rest between them; the rest in one go.
"""

from __future__ import annotations

import dataclasses
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.errors import AudioError
from ..core.files import replacing

_PIECE_S = 2  # s, whole, so that a piece begins on a sample whatever the rate
_EXACT = {".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".w64", ".caf", ".au", ".snd"}  # seeking lands on the sample


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """What is to be heard: silence for ``lead`` seconds, then ``source`` from ``start`` to ``end``."""

    source: Path
    start: float = 0.0  # s of the file
    end: float | None = None  # s of the file; None: its end
    lead: float = 0.0  # s

    def part(self, begins: float, ends: float | None) -> Cut:
        """From ``begins`` to ``ends`` seconds of what is heard."""
        start = self.start + max(0.0, begins - self.lead)
        if ends is None:
            end = self.end
        else:
            last = self.start + max(0.0, ends - self.lead)
            end = last if self.end is None else min(self.end, last)
        return dataclasses.replace(self, start=start, end=end, lead=max(0.0, self.lead - begins))


def render(cut: Cut, path: Path) -> float:
    """Write ``cut`` as a 32-bit float WAV in the recording's own rate and channels; the seconds it holds.

    Raises AudioError where the source is missing, holds no sound, or none in the part.
    """
    import numpy as np

    if not cut.source.is_file():
        raise AudioError(f"There is no file {cut.source}.", hint="Check the path for a typing error.")
    frames, rate, channels = 0, 0, 1
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(bytes(_HEADER))
        for block_rate, block in _decoded(cut):
            if not rate:
                rate, channels = block_rate, block.shape[1]
                lead = round(cut.lead * rate)
                file.write(np.zeros((lead, channels), "<f4").tobytes())
                frames += lead
            file.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
            frames += len(block)
        if not rate:
            raise AudioError(
                f"{cut.source} holds no sound from {cut.start:.2f} s on.", hint="Choose a part that lies inside the voice."
            )
        file.seek(0)
        file.write(_header(frames, rate, channels))
    return frames / rate


def duration(path: Path) -> float:
    """Seconds of sound in the file. Raises AudioError where it has none."""
    try:
        import aud
    except ImportError:
        return _sound_file(path).duration
    try:
        sound = aud.Sound.file(str(path))
        return float(sound.length / sound.specs[0])
    except aud.error as error:
        raise _unreadable(path) from error


def _decoded(cut: Cut) -> Iterator[tuple[int, Any]]:
    """The part's samples in blocks: (rate, (n, channels) float32)."""
    try:
        import aud
    except ImportError:  # Blender's module bpy 4.2 comes without
        yield from _through_soundfile(cut)
        return
    try:
        sound = aud.Sound.file(str(cut.source))
        rate = int(sound.specs[0])
        first = round(cut.start * rate)
        last = None if cut.end is None else round(cut.end * rate)
        if cut.source.suffix.lower() not in _EXACT:
            block = sound.data()[first:last]
            if len(block):
                yield rate, block
            return
        piece = first // rate
        while last is None or piece * rate < last:
            block = aud.Sound.file(str(cut.source)).limit(piece, piece + _PIECE_S).data()
            begin = piece * rate
            wanted = block[max(0, first - begin) : None if last is None else max(0, last - begin)]
            if len(wanted):
                yield rate, wanted
            if len(block) < _PIECE_S * rate:
                return
            piece += _PIECE_S
            time.sleep(0.001)  # Blender's turn
    except aud.error as error:
        raise _unreadable(cut.source) from error


def _through_soundfile(cut: Cut) -> Iterator[tuple[int, Any]]:
    with _sound_file(cut.source).opened as file:
        rate = file.samplerate
        first = round(cut.start * rate)
        last = file.frames if cut.end is None else min(file.frames, round(cut.end * rate))
        if first >= last:
            return
        file.seek(first)
        while first < last:
            block = file.read(min(_PIECE_S * rate, last - first), dtype="float32", always_2d=True)
            if not len(block):
                return
            yield rate, block
            first += len(block)


@dataclasses.dataclass(frozen=True)
class _SoundFile:
    opened: Any

    @property
    def duration(self) -> float:
        with self.opened as file:
            return float(file.frames / file.samplerate)


def _sound_file(path: Path) -> _SoundFile:
    """libsndfile, which comes with our own engine, where Blender was built without its sound system."""
    try:
        import soundfile
    except ImportError:
        raise AudioError(
            "This Blender was built without its sound system.", hint="Choose a whole WAV, FLAC, OGG or MP3 file."
        ) from None
    try:
        return _SoundFile(soundfile.SoundFile(str(path)))
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> AudioError:
    return AudioError(
        f"{path} holds no sound that can be read.", hint="Use WAV, FLAC, OGG, MP3, M4A or a video with sound."
    )


_HEADER = 58  # bytes


def _header(frames: int, rate: int, channels: int) -> bytes:
    """A WAV header for 32-bit floats: RIFF, fmt with the size of its extension, fact, data."""
    size = frames * channels * 4
    form = struct.pack("<HHIIHHH", 3, channels, rate, rate * channels * 4, channels * 4, 32, 0)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", _HEADER - 8 + size, b"WAVE"),
            struct.pack("<4sI", b"fmt ", len(form)) + form,
            struct.pack("<4sII", b"fact", 4, frames),
            struct.pack("<4sI", b"data", size),
        )
    )
