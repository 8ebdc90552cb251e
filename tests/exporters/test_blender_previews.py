"""The preview film and the contact sheet, rendered by a real Blender."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageStat

from declaim.core.body import Body, builtin_body
from declaim.core.clip import BodyRef, MotionClip
from declaim.core.errors import ExportError
from declaim.core.report import SilentReport
from declaim.core.skeleton import JOINT
from declaim.core.timeline import KeyPose, Stroke, Timeline, Word
from declaim.exporters import blender, mp4
from declaim.exporters.blender_process import find_blender
from declaim.exporters.captions import Captions
from declaim.exporters.character import Character, Performance
from declaim.exporters.formats import Take
from declaim.exporters.framing import Framing
from declaim.exporters.png import moments, word_at

Array = NDArray[Any]
av = pytest.importorskip("av")

FPS = 24
FRAMES = 36
CLICK_S = 0.5


@pytest.fixture(scope="module")
def _blender() -> None:
    try:
        find_blender()
    except ExportError as error:
        pytest.skip(f"no Blender: {error}")


def standing(body: Body, frames: int = FRAMES, fps: float = FPS) -> MotionClip:
    """Arms down; at the stroke's apex the left hand is up; two words."""
    clip = MotionClip.still(frames=frames, fps=fps, body=BodyRef(id=body.id, sha256=body.sha256))
    poses = clip.poses.copy()
    poses[:, JOINT["left_shoulder"], 2], poses[:, JOINT["right_shoulder"], 2] = -1.2, 1.2
    poses[:, JOINT["left_elbow"], 1] = -1.5 * np.exp(-(((np.arange(frames) - 18) / 6) ** 2))
    words = (Word(text="Good", start=0.25, end=0.5), Word(text="day", start=0.6, end=1.0, break_after="."))
    stroke = Stroke(hand="left", start=0.4, apex=0.75, hold_end=0.8, end=1.2, unit="beat", word=1)
    return clip.replace(poses=poses, timeline=Timeline(words=words, strokes=(stroke,)))


def click(path: Path, rate: int = 22050, seconds: float = 1.5) -> Path:
    """Silence with a click of 2 ms."""
    samples = np.zeros(round(rate * seconds), np.int16)
    samples[round(rate * CLICK_S) : round(rate * (CLICK_S + 0.002))] = 20000
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="module")
def previews(_blender: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built-in body's take as take.mp4 and take.png."""
    folder = tmp_path_factory.mktemp("previews")
    body = builtin_body()
    take = Take(clip=standing(body), body=body, name="good day", audio=click(folder / "voice.wav"))
    blender.write(take, [folder / "take.mp4", folder / "take.png"], SilentReport())
    return folder


@pytest.fixture(scope="module")
def pictures(previews: Path) -> list[Array]:
    with av.open(str(previews / "take.mp4")) as film:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]


def test_a_sound_that_begins_late_in_its_film_stays_late(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as film:
        video = film.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        sound = film.add_stream("pcm_s16le", rate=16000, layout="mono")
        black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        black.pts = 0
        film.mux(video.encode(black))
        film.mux(video.encode())
        samples = np.zeros((1, 16000), np.int16)
        samples[:, 3200:3232] = 20000  # a click 0.2 s into a sound that begins at 0.8 s
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, 12800, Fraction(1, 16000)
        film.mux(sound.encode(frame))
        film.mux(sound.encode())
    with av.open(str(path)) as film:
        heard = np.concatenate([f.to_ndarray()[0] for f in mp4._samples(film, film.streams.audio[0], "mono")])
    assert np.abs(heard).argmax() / 48000 == pytest.approx(1.0, abs=0.005)


def test_film_has_every_frame_at_its_rate(previews: Path, pictures: list[Array]) -> None:
    with av.open(str(previews / "take.mp4")) as film:
        video = film.streams.video[0]
        assert video.codec_context.name == "h264"
        assert video.pix_fmt == "yuv420p"
        assert video.average_rate == FPS
        assert video.start_time == 0
        times = [frame.time for frame in film.decode(video=0)]
    assert len(pictures) == FRAMES
    np.testing.assert_allclose(times, np.arange(FRAMES) / FPS, atol=1e-3)
    content = (previews / "take.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # plays before it is all there


def test_film_sound_is_in_time(previews: Path) -> None:
    with av.open(str(previews / "take.mp4")) as film:
        assert film.streams.audio[0].codec_context.name == "aac"
        rate, loudest, at = film.streams.audio[0].rate, 0.0, 0.0
        for frame in film.decode(audio=0):
            samples = np.abs(frame.to_ndarray()[0])
            if samples.max() > loudest:
                loudest, at = float(samples.max()), frame.time + int(samples.argmax()) / rate
    assert at == pytest.approx(CLICK_S + 0.001, abs=0.004)


def test_film_shows_the_figure_upright_and_its_face(pictures: list[Array]) -> None:
    figure, face = pictures[0][:, :540], pictures[0][:, 544:]
    dark = figure.mean(axis=2) < 110  # hair, suit, shoes against the light wall
    rows = np.flatnonzero(dark[:480].any(axis=1))
    assert rows[0] < 60 and rows[-1] > 430  # head to feet
    assert np.abs(np.flatnonzero(dark.any(axis=0)).mean() - 270) < 60
    # The face looks at us: skin in the middle of its picture, as bright left as right of the nose, dark eyes above.
    middle = face[230:330, 130:290].mean(axis=(0, 1))
    assert middle[0] > middle[2] + 20  # skin is warm
    assert face[130:165, 170:250].mean() < 0.75 * middle.mean()  # hair above


def test_film_moves_with_the_clip_and_marks_the_words(pictures: list[Array]) -> None:
    hand = np.abs(pictures[18][100:300, :540] - pictures[0][100:300, :540]).max(axis=2) > 60
    assert hand.sum() > 300
    accent = [(np.abs(picture[495:530, :540] - (0, 116, 128)).max(axis=2) < 40).sum() for picture in pictures]
    assert accent[0] == 0  # before "Good" at 0.25 s
    assert accent[8] > 20 and accent[18] > 20  # in "Good" and in "day"
    assert accent[13] == 0  # between them


def test_film_without_sound(_blender: None, body: Body, tmp_path: Path) -> None:
    clip = standing(body, frames=4, fps=24000 / 1001)
    blender.write(Take(clip=clip, body=body, name="silent"), [tmp_path / "take.mp4"], SilentReport())
    with av.open(str(tmp_path / "take.mp4")) as film:
        assert not film.streams.audio
        assert film.streams.video[0].average_rate * 1001 == 24000
        assert film.streams.video[0].frames == 4


def test_film_of_a_voice_that_is_gone(_blender: None, body: Body, tmp_path: Path) -> None:
    take = Take(clip=standing(body, frames=4), body=body, name="gone", audio=tmp_path / "gone.wav")
    with pytest.raises(ExportError, match=r"sound for the film cannot be read from .*gone\.wav"):
        blender.write(take, [tmp_path / "take.mp4"], SilentReport())
    assert not list(tmp_path.iterdir())


def test_sheet_has_twelve_pictures_with_captions(previews: Path) -> None:
    with Image.open(previews / "take.png") as sheet:
        assert sheet.size == (4 * 412 + 12, 3 * 492 + 12)
        cells = [sheet.crop((12 + c * 412, 12 + r * 492, 412 + c * 412, 432 + r * 492)) for r in range(3) for c in range(4)]
        captions = [
            sheet.crop((12 + c * 412, 440 + r * 492, 412 + c * 412, 484 + r * 492)) for r in range(3) for c in range(4)
        ]
    assert all(ImageStat.Stat(cell.convert("L")).stddev[0] > 25 for cell in cells)  # someone is there
    assert all(np.asarray(caption.convert("L")).min() < 150 for caption in captions)


def test_moments_are_apexes_first() -> None:
    body = builtin_body()
    clip = standing(body, frames=20 * FPS)
    words = tuple(Word(text=f"w{n}", start=0.5 * n, end=0.5 * n + 0.4) for n in range(38))
    strokes = tuple(
        Stroke(hand="both", start=s, apex=s + 0.2, hold_end=s + 0.3, end=s + 0.5, unit="beat", word=int(s * 2))
        for s in (2.0, 5.0, 11.0)
    )
    pose = KeyPose(name="nod", start=15.0, apex=15.2, hold_end=15.4, end=15.6, word=30)
    clip = clip.replace(timeline=Timeline(words=words, strokes=strokes, key_poses=(pose,)))
    frames = moments(clip)
    assert len(frames) == 12 and frames == sorted(set(frames))
    assert {round(t * FPS) for t in (2.2, 5.2, 11.2, 15.2)} <= set(frames)
    assert [word_at(clip, round(t * FPS)) for t in (2.2, 15.2, 0.1, 0.45)] == ["w4", "w30", "w0", ""]
    assert np.diff(frames).max() < 6 * FPS  # spread over the line


def test_moments_of_a_clip_of_a_few_frames() -> None:
    assert moments(standing(builtin_body(), frames=3)) == [0, 1, 2]
    assert moments(standing(builtin_body(), frames=1)) == [0]


def test_every_word_is_on_screen_while_it_is_said() -> None:
    """Two lines without a pause between them change with the word, not at the end of the line before."""
    words = [Word(text=f"wonderful{i}", start=0.3 * i, end=0.3 * i + 0.3) for i in range(12)]
    captions = Captions(words, 540)
    for word in words:
        for time in (word.start, (word.start + word.end) / 2, word.end - 1e-6):
            line = captions._line_at(time)
            assert line is not None and word in line
    assert len({id(captions._line_at(word.start)) for word in words}) > 1


def test_captions_break_at_pauses_and_fit() -> None:
    words = [Word(text="word" * 3, start=0.4 * n, end=0.4 * n + 0.3) for n in range(12)]
    words += [Word(text="later", start=9, end=9.4)]
    picture = Image.new("RGB", (540, 540), "white")
    Captions(words, 540).draw(picture, 0.1)
    box = Image.eval(picture.convert("L"), lambda value: 255 - value).getbbox()
    assert box is not None and box[0] > 20 and box[2] < 520 and box[3] < 535
    empty = Image.new("RGB", (540, 540), "white")
    Captions(words, 540).draw(empty, 7.0)  # in the pause
    assert empty.getextrema() == ((255, 255),) * 3


def test_framing_keeps_the_reach_in_the_picture_from_any_side(body: Body, clip: MotionClip) -> None:
    turned = clip.poses.copy()
    turned[:, 0] = (0, 2.0, 0)  # facing elsewhere
    performance = Performance.of(clip.replace(poses=turned), body, "turned")
    character = Character.of(body, clip)
    framing = Framing(character, performance)
    joints = body.joints(poses=turned, trans=clip.trans, betas=clip.betas)[1]
    view = framing.figure((540, 540))
    assert view.turn == pytest.approx(2.0 + 0.22, abs=0.01)
    for frame in range(len(clip)):
        places = view.project(joints[frame], frame)
        assert places.min() > 0 and places.max() < 540
    head = framing.face((400, 500)).project(joints[20, JOINT["head"]][None], 20)[0]
    assert np.abs(head - (200, 250)).max() < 120


def test_the_view_projects_as_blender_does() -> None:
    """A point in the middle, one a quarter of the width to the right and one above."""
    body = builtin_body()
    clip = standing(body, frames=1)
    framing = Framing(Character.of(body, clip), Performance.of(clip, body, "still"))
    view = framing.figure((400, 400))
    right, up, _ = view.axes()
    points = np.stack([view.centre[0], view.centre[0] + view.width / 4 * right, view.centre[0] + view.width / 4 * up])
    np.testing.assert_allclose(view.project(points, 0), [(200, 200), (300, 200), (200, 100)], atol=1e-6)
