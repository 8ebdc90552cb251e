"""Reading voices: every kind of file comes out as the same sound at the same times; what is no voice is refused."""

from __future__ import annotations

import hashlib
import os
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from declaim.core.errors import AudioError
from declaim.core.speech import SAMPLE_RATE
from declaim.inference.audio import VOICE_LEVEL, read_audio, rms_normalised

CLICKS = (0.25, 0.8)  # s, where the test sound has its two bursts
LENGTH = 1.2  # s


def bursts(rate: int) -> NDArray[np.float32]:
    """Two bursts of 40 ms, 600 Hz, at CLICKS."""
    time = np.arange(round(LENGTH * rate)) / rate
    sound = np.zeros(len(time), np.float32)
    for start in CLICKS:
        inside = (time >= start) & (time < start + 0.04)
        sound[inside] = 0.5 * np.sin(2 * np.pi * 600 * (time[inside] - start))
    return sound


def onsets(samples: NDArray[Any]) -> list[float]:
    loud = np.abs(samples) > 0.1 * np.abs(samples).max()
    first = np.flatnonzero(loud)
    breaks = np.flatnonzero(np.diff(first) > SAMPLE_RATE * 0.1)
    return [first[0] / SAMPLE_RATE, *(first[breaks + 1] / SAMPLE_RATE)]


def encode(path: Path, codec: str, rate: int, *, video: bool = False, sound: bool = True, late: float = 0.0) -> None:
    with av.open(str(path), "w") as container:
        if video:
            picture = container.add_stream("mpeg4", rate=25)
            picture.width = picture.height = 64
        if sound:
            stream = container.add_stream(codec, rate=rate, layout="mono")
        if video:
            for _ in range(30):
                container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
            container.mux(picture.encode())
        if sound:
            pcm = (bursts(rate) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, round(late * rate)
            container.mux(stream.encode(frame))
            container.mux(stream.encode())


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "channels"),
    [
        ("wav", "PCM_U8", 8000, 1), ("wav", "PCM_16", 44100, 2), ("wav", "PCM_24", 48000, 1), ("wav", "PCM_32", 96000, 2),
        ("wav", "FLOAT", 22050, 6), ("wav", "DOUBLE", 16000, 1), ("flac", "PCM_24", 44100, 2), ("ogg", "VORBIS", 48000, 2),
        ("mp3", "MPEG_LAYER_III", 44100, 1), ("aiff", "PCM_16", 11025, 1),
    ],
)  # fmt: skip
def test_files_come_out_alike(suffix: str, subtype: str, rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, np.repeat(bursts(rate)[:, None], channels, axis=1), rate, subtype=subtype)
    heard = read_audio(path)
    assert (heard.sample_rate, heard.channels) == (rate, channels)
    assert heard.duration == pytest.approx(LENGTH, abs=0.03)
    assert heard.samples.dtype == np.float32 and len(heard.samples) == round(heard.duration * SAMPLE_RATE)
    assert onsets(heard.samples) == pytest.approx(CLICKS, abs=0.004)
    assert np.abs(heard.samples).max() == pytest.approx(0.5, abs=0.08)
    assert heard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "codec", "rate", "video"),
    [("voice.m4a", "aac", 44100, False), ("film.mp4", "aac", 48000, True), ("film.mov", "aac", 44100, True),
     ("film.mkv", "flac", 48000, True), ("voice.aac", "aac", 44100, False), ("film.webm", "libopus", 48000, False)],
)  # fmt: skip
def test_containers_keep_the_times_of_players(name: str, codec: str, rate: int, video: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    encode(path, codec, rate, video=video)
    delay = 1024 / rate if name == "voice.aac" else 0.0  # a bare AAC stream cannot say that its first frame is primer
    assert onsets(read_audio(path).samples) == pytest.approx(np.add(CLICKS, delay), abs=0.006)


def test_a_sound_that_begins_late_in_a_film_is_late(tmp_path: Path) -> None:
    encode(tmp_path / "film.mkv", "flac", 48000, video=True, late=0.5)
    assert onsets(read_audio(tmp_path / "film.mkv").samples) == pytest.approx(np.add(CLICKS, 0.5), abs=0.006)


def test_channels_of_opposite_polarity_do_not_cancel(tmp_path: Path) -> None:
    sound = bursts(16000)
    soundfile.write(tmp_path / "voice.wav", np.stack([sound, -sound], axis=1), 16000)
    assert np.abs(read_audio(tmp_path / "voice.wav").samples).max() == pytest.approx(0.5, abs=0.01)


def test_short_and_silent_files_are_legal(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", bursts(48000)[:4800], 48000)
    assert read_audio(tmp_path / "short.wav").duration == pytest.approx(0.1)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    samples, gain = rms_normalised(read_audio(tmp_path / "silent.wav").samples)
    assert gain == 0.0 and not samples.any()


def test_normalisation_brings_the_voice_to_one_level_whatever_the_pauses() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    voice = (0.01 * random.standard_normal(SAMPLE_RATE)).astype(np.float32)
    padded = np.concatenate([voice, np.zeros(5 * SAMPLE_RATE, np.float32)])
    for samples in (voice, padded):
        out, gain = rms_normalised(samples)
        level = 20 * np.log10(np.sqrt(np.mean(out[:SAMPLE_RATE] ** 2)))
        assert level == pytest.approx(VOICE_LEVEL, abs=0.2)
        assert gain == pytest.approx(10 ** (VOICE_LEVEL / 20) / 0.01, rel=0.03)


def refused(path: Path, match: str, **limits: float) -> None:
    with pytest.raises(AudioError, match=match) as caught:
        read_audio(path, **limits)
    assert caught.value.hint and caught.value.message.endswith(".") and "\n" not in caught.value.message


def test_what_is_no_voice_is_refused_in_one_sentence(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.wav", "no file")
    refused(tmp_path, "is a folder")
    (tmp_path / "empty.wav").touch()
    refused(tmp_path / "empty.wav", "is empty")
    (tmp_path / "text.wav").write_text("This is not a sound.\n" * 50)
    refused(tmp_path / "text.wav", "not a sound")
    (tmp_path / "text.txt").write_text("This is not a sound.\n" * 50)
    refused(tmp_path / "text.txt", "not a sound")
    with wave.open(str(tmp_path / "header.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    refused(tmp_path / "header.wav", "no samples")
    encode(tmp_path / "mute.mp4", "aac", 48000, video=True, sound=False)
    refused(tmp_path / "mute.mp4", "without sound")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float, tmp_path: Path) -> None:
    sound = bursts(16000)
    sound[5000] = bad
    soundfile.write(tmp_path / "voice.wav", sound, 16000, subtype="FLOAT")
    refused(tmp_path / "voice.wav", "not numbers")


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", bursts(16000), 16000)
    refused(tmp_path / "voice.wav", "longer than the limit of 1 seconds", limit_s=1.0)
    encode(tmp_path / "voice.m4a", "aac", 48000)
    refused(tmp_path / "voice.m4a", "longer than the limit", limit_s=0.5)
    assert read_audio(tmp_path / "voice.wav", limit_s=LENGTH).duration == pytest.approx(LENGTH)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="every file may be read here")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", bursts(16000), 16000)
    (tmp_path / "voice.wav").chmod(0)
    refused(tmp_path / "voice.wav", "may not be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX")
def test_a_pipe_is_refused_before_it_can_hang(tmp_path: Path) -> None:
    pipe = tmp_path / "voice.wav"
    os.mkfifo(pipe)
    with pytest.raises(AudioError, match="is a pipe or a device"):
        read_audio(pipe)
