"""Reading a voice: whatever file an artist has, as 16 kHz mono samples whose times are the file's own."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import AudioError
from ..core.speech import SAMPLE_RATE

Array = NDArray[Any]

VOICE_LEVEL = -23.0  # dBFS, of the voiced parts after normalisation
INAUDIBLE = -70.0  # dBFS; a line whose loudest moments lie under it is silent
_CHUNK = 1 << 16  # frames read at a time: memory stays flat however long the line
_GAP = 0.05  # s; a jump in a container's time stamps over this is a real gap, under it rounding
_SILENT_FORMATS = ("tty", "image2", "_pipe", "gif", "apng", "subviewer", "srt", "webvtt", "ass", "ffmetadata")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A voice file's sound. Sample ``i`` of ``samples`` is at ``i / SAMPLE_RATE`` seconds of the file as players show it."""

    sha256: str  # of the file's bytes
    samples: Array  # (n,) float32 mono at SAMPLE_RATE, as loud as in the file
    duration: float  # s
    sample_rate: int  # Hz, of the file
    channels: int  # of the file


def read_audio(path: Path | str, *, limit_s: float = 3600.0) -> Recording:
    """Read the sound of any audio or video file.

    libsndfile reads what it knows (wav, flac, ogg, opus, mp3, aiff, ...), FFmpeg the rest (m4a, aac, wma, and the sound
    of mp4, mov, mkv, webm, ...). A file is read in pieces, so that memory holds little beside the result.

    Raises AudioError when there is no such file, when it is a folder, cannot be opened, is empty, is no audio, has no
    sound, has no samples or samples that are no numbers, or is longer than ``limit_s`` seconds.
    """
    path = Path(path)
    digest = _digest(path)
    source = _open(path)
    try:
        _check_length(path, source.expected_duration, limit_s)
        mixed = _Mixer(path, limit_s)
        for rate, block in source.blocks():
            mixed.add(rate, block)
        samples, rate = mixed.finish()
        if mixed.cancelled_out:
            source.close()
            source = _open(path)
            mixed = _Mixer(path, limit_s, channel=mixed.loudest)
            for block_rate, block in source.blocks():
                mixed.add(block_rate, block)
            samples, rate = mixed.finish()
    finally:
        source.close()
    return Recording(sha256=digest, samples=samples, duration=mixed.duration, sample_rate=rate, channels=mixed.channels)


def rms_normalised(samples: Array) -> tuple[Array, float]:
    """The samples with their voiced parts at VOICE_LEVEL, and the gain that did it; gain 0 where nothing is audible.

    The level is gated as in EBU R 128: blocks of 20 ms, of which those 10 dB under the mean of the audible ones do not
    count, so that pauses do not make a voice louder.
    """
    block = SAMPLE_RATE // 50
    blocks = samples[: len(samples) // block * block].reshape(-1, block) if len(samples) >= block else samples[None, :]
    power = np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64) / max(1, blocks.shape[1])
    floor = 10.0 ** (INAUDIBLE / 10.0)
    if not len(power) or float(np.quantile(power, 0.995, method="higher")) < floor:
        return np.zeros_like(samples), 0.0
    # The quantile keeps one loud click from deciding what is audible in a quiet line.
    loud = float(np.quantile(power, 0.95, method="higher"))
    audible = power[power >= min(floor, loud)]
    gated = audible[audible >= 0.1 * float(audible.mean())]
    gain = float(10.0 ** (VOICE_LEVEL / 20.0) / np.sqrt(gated.mean()))
    return (samples * np.float32(gain)).astype(np.float32, copy=False), gain


class _Mixer:
    """Mixes blocks down to one channel and to SAMPLE_RATE as they come."""

    def __init__(self, path: Path, limit_s: float, channel: int | None = None) -> None:
        self.channels = 0
        self.duration = 0.0
        self._path, self._limit_s, self._channel = path, limit_s, channel
        self._rate = 0
        self._stream: Any = None
        self._out = np.zeros(0, np.float32)
        self._filled = 0
        self._mixed_power = 0.0
        self._powers = np.zeros(0)

    def add(self, rate: int, block: Array) -> None:
        """``block`` (frames, channels) float32, full scale 1."""
        if not np.isfinite(block).all():
            raise AudioError(
                f"{self._path} holds samples that are not numbers (NaN or infinite).",
                hint="Export the voice again from your audio editor, as 16- or 24-bit WAV.",
            )
        if rate != self._rate:
            self._flush()
            self._rate = rate
            if rate != SAMPLE_RATE:
                import soxr

                self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        if block.shape[1] > self.channels:
            self.channels = block.shape[1]
            self._powers = np.pad(self._powers, (0, self.channels - len(self._powers)))
        self.duration += len(block) / rate
        _check_length(self._path, self.duration, self._limit_s)
        if block.shape[1] == 1:
            mono = block[:, 0]
        elif self._channel is not None:
            mono = np.ascontiguousarray(block[:, min(self._channel, block.shape[1] - 1)])
        else:
            mono = block.mean(axis=1, dtype=np.float32)
            self._powers[: block.shape[1]] += np.einsum("ij,ij->j", block, block)
            self._mixed_power += float(np.dot(mono, mono))
        self._push(mono if self._stream is None else self._stream.resample_chunk(mono))

    def finish(self) -> tuple[Array, int]:
        """The samples and the file's rate; as many samples as the duration asks for."""
        self._flush()
        if not self.duration:
            raise AudioError(f"{self._path} holds no samples.", hint="Export the voice again from your audio editor.")
        wanted = max(1, round(self.duration * SAMPLE_RATE))
        self._grow(wanted)
        return self._out[:wanted], self._rate

    @property
    def cancelled_out(self) -> bool:
        """The channels hold sound that is gone from their mean: one of them has its polarity turned."""
        return self._channel is None and self._mixed_power < 1e-3 * float(self._powers.max(initial=0.0))

    @property
    def loudest(self) -> int:
        return int(np.argmax(self._powers))

    def _flush(self) -> None:
        if self._stream is not None:
            self._push(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
            self._stream = None

    def _push(self, mono: Array) -> None:
        self._grow(self._filled + len(mono))
        self._out[self._filled : self._filled + len(mono)] = mono
        self._filled += len(mono)

    def _grow(self, size: int) -> None:
        if size > len(self._out):
            self._out.resize(max(size, len(self._out) * 5 // 4, 16 * SAMPLE_RATE), refcheck=False)


class _SoundFile:
    """A file that libsndfile reads."""

    def __init__(self, path: Path) -> None:
        import soundfile

        self._file = soundfile.SoundFile(str(path))
        self.expected_duration = self._file.frames / self._file.samplerate

    def blocks(self) -> Iterator[tuple[int, Array]]:
        while len(block := self._file.read(_CHUNK, dtype="float32", always_2d=True)):
            yield self._file.samplerate, block

    def close(self) -> None:
        self._file.close()


class _Container:
    """A file that FFmpeg reads. Time zero is the container's, so a sound that begins late is led in by silence."""

    def __init__(self, path: Path) -> None:
        import av

        self._path = path
        try:
            self._container = av.open(str(path), metadata_errors="ignore")
        except TypeError:  # PyAV 19 ignores them by itself
            self._container = av.open(str(path))
        if not self._container.streams.audio:
            name, video = self._container.format.name, self._container.streams.video
            self._container.close()
            if not video or any(part in name for part in _SILENT_FORMATS):
                raise _not_audio(path)
            raise AudioError(f"{path} is a video without sound.", hint="Choose a file that the voice can be heard in.")
        self._stream = self._container.streams.audio[0]
        self._start = (self._container.start_time or 0) / 1_000_000
        length = self._container.duration
        self.expected_duration = length / 1_000_000 if length and length > 0 else 0.0

    def blocks(self) -> Iterator[tuple[int, Array]]:
        import av

        now: float | None = None
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue  # a damaged packet is a gap, as in a player
            for frame in frames:
                rate, block = frame.sample_rate, _interleaved(frame)
                if frame.pts is not None and frame.time_base is not None:
                    ahead = float(frame.pts * frame.time_base) - self._start - (now or 0.0)
                    if ahead > (_GAP if now is not None else 0.5 / rate):
                        yield from _silence(rate, round(ahead * rate))
                        now = (now or 0.0) + ahead
                    elif now is None and ahead < 0:
                        block = block[min(len(block), round(-ahead * rate)) :]
                now = (now or 0.0) + len(block) / rate
                if len(block):
                    yield rate, block
        if now is None:
            raise _not_audio(self._path)

    def close(self) -> None:
        self._container.close()


def _silence(rate: int, frames: int) -> Iterator[tuple[int, Array]]:
    for begin in range(0, frames, _CHUNK):
        yield rate, np.zeros((min(_CHUNK, frames - begin), 1), np.float32)


def _interleaved(frame: Any) -> Array:
    """A PyAV frame as (frames, channels) float32."""
    data: Array = frame.to_ndarray()
    channels = frame.layout.nb_channels
    block = data.T if frame.format.is_planar else data.reshape(-1, channels)
    if block.dtype == np.uint8:
        return np.asarray((block.astype(np.float32) - 128.0) / 128.0)
    if block.dtype.kind == "i":
        return np.asarray(block.astype(np.float32) / np.float32(2.0 ** (8 * block.dtype.itemsize - 1)))
    return np.ascontiguousarray(block, dtype=np.float32)


def _open(path: Path) -> _SoundFile | _Container:
    import soundfile

    try:
        return _SoundFile(path)
    except (soundfile.SoundFileError, TypeError, RuntimeError):
        pass
    try:
        import av
    except ImportError:  # Blender's engine is without it
        raise AudioError(
            f"{path} is not a sound file that can be read without FFmpeg, which this engine does not have.",
            hint="Use WAV, FLAC, OGG or MP3. Blender reads others itself: put it into the Video Sequencer, and choose that strip.",
        ) from None
    try:
        return _Container(path)
    except (av.error.FFmpegError, ValueError, OSError):
        raise _not_audio(path) from None


def _not_audio(path: Path) -> AudioError:
    return AudioError(
        f"{path} is not a sound or video file that can be read.",
        hint="Use WAV, FLAC, OGG, MP3, M4A or a video with sound.",
    )


def _check_length(path: Path, duration: float, limit_s: float) -> None:
    if duration > limit_s + 1e-6:
        raise AudioError(
            f"{path} is longer than the limit of {_minutes(limit_s)}.",
            hint="Cut it into shorter lines.",
        )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def _digest(path: Path) -> str:
    """The sha256 of a file that is there, readable and not empty."""
    if path.is_dir():
        raise AudioError(f"{path} is a folder.", hint="Choose a sound file in it.")
    if path.exists() and not path.is_file():  # a pipe or a device may never end
        raise AudioError(f"{path} is a pipe or a device.", hint="Save the sound as a file first.")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioError(f"{path} is empty.", hint="Its recording or copy did not finish: make it again.")
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise AudioError(f"There is no file {path}.", hint="Check the path for a typing error.") from None
    except PermissionError:
        raise AudioError(f"{path} may not be read.", hint="Change its permissions, or copy it elsewhere.") from None
    except OSError as error:
        raise AudioError(
            f"{path} cannot be read ({(error.strerror or str(error)).lower()}).",
            hint="Copy it to this machine and try again.",
        ) from None
