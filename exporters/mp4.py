"""A preview film: the figure, its face and its words, with the sound. ``in_blender`` runs inside Blender.

Blender takes the pictures; this process puts them together and encodes them meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..core.errors import ExportError
from ..core.report import Report
from .blender_job import Channel, Shot, Task
from .captions import Captions
from .character import Character, Performance
from .formats import Take

_FIGURE = (540, 540)  # pixels
_FACE = (416, 540)
_GAP = 4
_SIZE = (_FIGURE[0] + _GAP + _FACE[0], _FIGURE[1])
_CLOSER = 4 / 3  # pictures are taken so much larger: smooth edges at a quarter of the cost of Workbench's own way
_GAP_S = 0.03  # a jump in time stamps over this is a real gap, under it rounding
_AHEAD = 8  # frames that Blender may be ahead


def maker(take: Take, title: str, place: Path) -> Film:
    return Film(take, title, place)


def in_blender(character: Character, performance: Performance, task: Task, channel: Channel) -> None:
    """Pictures of the whole figure and of the face at every frame."""
    from .blender_stage import studio, take_pictures
    from .framing import Framing

    scene = studio(character, performance, samples=1)
    framing = Framing(character, performance)
    figure, face = ((round(width * _CLOSER), round(height * _CLOSER)) for width, height in (_FIGURE, _FACE))
    views = [framing.figure(figure), framing.face(face)]
    count = len(performance)
    for frame, pictures in take_pictures(scene, views, range(count), task.place, _AHEAD):
        channel.stage(f"Rendering frame {frame + 1} of {count}", (frame + 1) / count)
        channel.shot(task, frame, pictures, framing.shadows(views[0], frame))


class Film:
    """The parent's side: H.264 and AAC in an MP4 that starts to play before it is all there."""

    def __init__(self, take: Take, title: str, place: Path) -> None:
        self.task = Task(format="mp4", place=place, title=title)
        self._clip = take.clip
        self._captions = Captions(take.clip.timeline.words, _FIGURE[0])
        self._file = place.with_suffix(".mp4")
        self._encoder = _Encoder(self._file, _SIZE, take.clip.fps, len(take.clip), take.audio)

    def take(self, shot: Shot) -> None:
        from PIL import Image

        from .pictures import PAPER, composed

        picture = Image.new("RGB", _SIZE, PAPER)
        figure = composed(shot.pictures[0], *_FIGURE, shot.shadows)
        self._captions.draw(figure, shot.frame / self._clip.fps)
        picture.paste(figure, (0, 0))
        picture.paste(composed(shot.pictures[1], *_FACE), (_FIGURE[0] + _GAP, 0))
        for path in shot.pictures:
            path.unlink()
        self._encoder.add(picture)

    def finish(self, path: Path, report: Report) -> None:
        report.stage(f"Writing {self.task.title}")
        self._encoder.finish()
        shutil.copyfile(self._file, path)

    def close(self) -> None:
        self._encoder.close()


class _Encoder:
    def __init__(self, path: Path, size: tuple[int, int], fps: float, frames: int, audio: Path | None) -> None:
        import av

        # The sound first: where it cannot be read, nothing needs to be rendered.
        self._source = None if audio is None else _opened(audio)
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"})
        self._rate = Fraction(fps).limit_denominator(1001)
        codec = "libx264" if "libx264" in av.codecs_available else "h264"
        self._video = self._container.add_stream(codec, rate=self._rate, options={"crf": "19", "preset": "fast"})
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        context.time_base = 1 / self._rate
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709, so that players need not guess
        context.color_range = 1
        self._count = 0
        self._length_s = frames / fps
        self._sound: Iterator[Any] | None = None
        self._sound_s = 0.0
        if self._source is not None:
            stream = self._source.streams.audio[0]
            channels = "mono" if stream.codec_context.channels == 1 else "stereo"
            self._stream = self._container.add_stream("aac", rate=48000, layout=channels)
            self._stream.bit_rate = 96_000 if channels == "mono" else 160_000
            self._sound = _samples(self._source, stream, channels)

    def add(self, picture: Any) -> None:
        """The next frame, and the sound up to its end."""
        import av

        frame = av.VideoFrame.from_image(picture).reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._container.mux(self._video.encode(frame))
        self._count += 1
        self._add_sound(self._count / float(self._rate))

    def finish(self) -> None:
        self._container.mux(self._video.encode())
        if self._sound is not None:
            self._add_sound(self._length_s)
            self._container.mux(self._stream.encode())
        self.close()

    def close(self) -> None:
        """Let go of the files; without ``finish`` the film is of no use."""
        with contextlib.suppress(ValueError, OSError):  # an unfinished film may refuse its trailer
            self._container.close()
        if self._source is not None:
            self._source.close()

    def _add_sound(self, until_s: float) -> None:
        while self._sound is not None and self._sound_s < until_s:
            frame = next(self._sound, None)
            if frame is None:
                return
            self._sound_s += frame.samples / frame.sample_rate
            self._container.mux(self._stream.encode(frame))


def _samples(source: Any, stream: Any, layout: str) -> Iterator[Any]:
    """The voice at 48 kHz from the file's time zero on, a short frame at a time."""
    import av

    resampler = av.AudioResampler(format="fltp", layout=layout, rate=48000, frame_size=1024)
    count = 0
    for decoded in itertools.chain(_gapless(source, stream), [None]):
        if decoded is not None:
            decoded.pts = None
        for frame in resampler.resample(decoded):
            frame.pts, frame.time_base = count, Fraction(1, 48000)
            count += frame.samples
            yield frame


def _gapless(source: Any, stream: Any) -> Iterator[Any]:
    """What the stream holds, with silence where its time stamps leave a gap: before a sound that begins late, and inside."""
    start, now = (source.start_time or 0) / 1_000_000, 0.0
    for frame in source.decode(stream):
        if frame.pts is not None and frame.time_base is not None:
            ahead = float(frame.pts * frame.time_base) - start - now
            if ahead > _GAP_S:
                yield from _silence(frame, round(ahead * frame.sample_rate))
                now += ahead
        now += frame.samples / frame.sample_rate
        yield frame


def _silence(like: Any, samples: int) -> Iterator[Any]:
    import av

    for begin in range(0, samples, like.sample_rate):
        frame = av.AudioFrame(
            format=like.format.name, layout=like.layout.name, samples=min(like.sample_rate, samples - begin)
        )
        frame.sample_rate = like.sample_rate
        for plane in frame.planes:
            plane.update((b"\x80" if like.format.name.startswith("u8") else b"\0") * plane.buffer_size)
        yield frame


def _opened(audio: Path) -> Any:
    import av

    try:
        container = av.open(str(audio))
    except (av.FFmpegError, OSError) as error:
        raise ExportError(
            f"The sound for the film cannot be read from {audio} ({error}).", hint="Check that the voice is still there."
        ) from None
    if not container.streams.audio:
        raise ExportError(f"{audio} holds no sound for the film.", hint="Give the voice that was performed.")
    return container
