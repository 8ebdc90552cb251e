"""Clips as npz: AMASS/BEAT2 layout out, the same clip back, and one sentence for every file that is none."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core.body import Body
from declaim.core.clip import FORMAT_VERSION, BodyRef, GeneratorRef, MotionClip, Provenance
from declaim.core.clip_file import load_clip, save_clip
from declaim.core.errors import ClipError, ExportError
from declaim.core.face import ARKIT
from declaim.core.timeline import Stroke, Timeline, Viseme, Word
from declaim.exporters import npz
from declaim.exporters.formats import Take


@pytest.fixture(scope="session")
def full(clip: MotionClip) -> MotionClip:
    """A clip with something in every field."""
    return clip.replace(
        fps=29.97,
        timeline=Timeline(
            words=(Word(text="naïve – “yes”", start=0.1, end=0.4, confidence=0.7, unsure=True),),
            visemes=(Viseme(name="PP", start=0.1, peak=0.15, end=0.2),),
            strokes=(Stroke(hand="both", start=0.1, apex=0.3, hold_end=0.4, end=0.5, unit="beat", word=0),),
        ),
        provenance=Provenance(
            generators=(GeneratorRef(id="gesture", version="1", channels=("body", "hands")),),
            declaim_version="0.1.0",
            seed=7,
            parameters={"gesture": {"energy": 0.5}},
            audio_sha256="ab" * 32,
            licence="CC0-1.0",
            warnings=("Two words could not be placed.",),
        ),
    )


def test_layout(full: MotionClip, body: Body, tmp_path: Path) -> None:
    """numpy alone reads it, as AMASS and BEAT2 files are read."""
    npz.write(Take(clip=full, body=body, name="line"), tmp_path / "line.npz")
    with np.load(tmp_path / "line.npz", allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    assert found["poses"].shape == (len(full), 165) and found["poses"].dtype == np.float32
    assert found["trans"].shape == (len(full), 3)
    assert found["betas"].shape == (10,) and found["expressions"].shape == (len(full), 10)
    assert str(found["gender"]) == "neutral" and float(found["mocap_frame_rate"]) == 29.97
    assert found["blendshapes"].shape == (len(full), 52) and found["contacts"].shape == (len(full), 4)
    header = json.loads(str(found["declaim"]))
    assert header["format_version"] == FORMAT_VERSION and header["blendshape_names"] == list(ARKIT)
    assert header["body"] == {"id": "balls", "sha256": "0" * 64}


def test_comes_back_whole(full: MotionClip, tmp_path: Path) -> None:
    save_clip(full, tmp_path / "line.npz")
    again = load_clip(tmp_path / "line.npz")
    for name in ("poses", "trans", "blendshapes", "expressions", "betas", "contacts"):
        np.testing.assert_array_equal(getattr(again, name), getattr(full, name))
    for name in ("fps", "body", "timeline", "provenance", "format_version"):
        assert getattr(again, name) == getattr(full, name)


def test_same_clip_same_bytes_and_compressed(full: MotionClip, tmp_path: Path) -> None:
    still = MotionClip.still(frames=3000, fps=30, body=full.body)
    for clip in (full, still):
        for name in ("a.npz", "b.npz"):
            save_clip(clip, tmp_path / name)
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (tmp_path / "a.npz").stat().st_size < still.poses.nbytes / 20


def test_blendshapes_are_read_by_name(full: MotionClip, tmp_path: Path) -> None:
    """A file whose order or choice of shapes is another still fills the right ones."""
    path = tmp_path / "line.npz"
    save_clip(full, path)
    arrays = dict(np.load(path))
    header = json.loads(str(arrays["declaim"]))
    header["blendshape_names"] = ["jawOpen", "ours_alone", "browInnerUp"]
    np.savez(path, **{**arrays, "blendshapes": full.blendshapes[:, :3], "declaim": np.array(json.dumps(header))})
    again = load_clip(path)
    np.testing.assert_array_equal(again.blendshapes[:, ARKIT.index("jawOpen")], full.blendshapes[:, 0])
    np.testing.assert_array_equal(again.blendshapes[:, ARKIT.index("browInnerUp")], full.blendshapes[:, 2])
    assert np.count_nonzero(again.blendshapes.any(axis=0)) == 2


@pytest.mark.parametrize("rate", ["mocap_frame_rate", "mocap_framerate"])
def test_files_of_others(rate: str, tmp_path: Path) -> None:
    """BEAT2 and AMASS (SMPL-X) as they are published: float64, 300 or 16 betas, fields of theirs, some pickled."""
    path = tmp_path / "other.npz"
    poses = np.random.default_rng(0).normal(0, 0.2, (8, 165))
    theirs: dict[str, Any] = {"gender": np.array("female"), "model": np.array("smplx2020"), rate: np.array(120.0)}
    theirs["markers"] = np.array([{"a": 1}, None], dtype=object)
    np.savez(path, poses=poses, trans=np.ones((8, 3)), betas=np.ones(300), expressions=np.ones((8, 100)), **theirs)
    clip = load_clip(path)
    assert clip.fps == 120 and clip.body == BodyRef(id="unknown", sha256="")
    np.testing.assert_allclose(clip.poses.reshape(8, 165), poses, atol=1e-6)
    assert clip.expressions.shape == (8, 100) and clip.betas.shape == (300,) and not clip.blendshapes.any()


def test_betas_repeated_for_each_frame(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, poses=np.zeros((8, 55, 3)), trans=np.zeros((8, 3)), betas=np.tile(np.arange(10.0), (8, 1)))
    assert load_clip(path).betas.tolist() == list(range(10))


def _arrays(**changes: Any) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        whole = {"poses": np.zeros((4, 165)), "trans": np.zeros((4, 3)), **changes}
        np.savez(path, **{name: value for name, value in whole.items() if value is not None})

    return make


def _header(**changes: Any) -> Callable[[Path], None]:
    return _arrays(declaim=np.array(json.dumps(changes)))


def _cut_off(path: Path) -> None:
    _arrays()(path)
    path.write_bytes(path.read_bytes()[:-200])


def _flipped(path: Path) -> None:
    save_clip(MotionClip.still(frames=50, fps=30, body=BodyRef(id="x", sha256="")), path)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("poses.npy").header_offset + 60
    content = bytearray(path.read_bytes())
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))


def _npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((4, 165)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "There is no file"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.write_bytes(b""), "not a motion file"),
        (lambda path: path.write_text("poses"), "not a motion file"),
        (lambda path: path.write_bytes(pickle.dumps({"poses": 1})), "not a motion file"),
        (_npy, "not a motion file"),
        (_cut_off, "not a motion file"),
        (_flipped, "not a motion file"),
        (_arrays(poses=np.array([{}, {}], dtype=object)), '"poses" .* is a pickled Python object'),
        (_arrays(poses=None), "has no poses"),
        (_arrays(poses=None, trans=None), "has no poses and no trans"),
        (_arrays(poses=np.zeros((4, 162))), "poses have 162 numbers a frame, not 165"),
        (_arrays(poses=np.zeros(165)), "numbers a frame"),
        (_arrays(poses=np.zeros((0, 165)), trans=np.zeros((0, 3))), "has no frames"),
        (_arrays(poses=np.array(5.0)), "cannot be read"),
        (_arrays(trans=np.zeros((3, 3))), "trans have the shape"),
        (_arrays(poses=np.full((4, 165), np.nan)), "not a number at frame 0"),
        (_arrays(poses=np.full((4, 165), "a")), "cannot be read"),
        (_arrays(mocap_frame_rate=np.array(0.0)), "frame rate"),
        (_arrays(blendshapes=np.zeros((4, 3))), "cannot be read"),
        (_arrays(declaim=np.array("{")), "cannot be read"),
        (_arrays(declaim=np.array("[]")), "cannot be read"),
        (_header(format_version=FORMAT_VERSION + 1), r"newer version of Declaim\. Update"),
        (_header(body={"id": "x"}), "cannot be read"),
        (_header(timeline={"words": [{"text": "x"}]}), "lacks start"),
        (_header(timeline={"words": [{"text": "x", "start": 2, "end": 1}]}), "run backwards"),
    ],
)
def test_files_that_are_no_clip(make: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    make(path)
    with pytest.raises(ClipError, match=says) as caught:
        load_clip(path)
    assert caught.value.hint and "\n" not in str(caught.value)
    assert "bad.npz" in caught.value.message


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    """An object array that would run code when unpickled."""

    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    member = io.BytesIO()
    np.lib.format.write_array(member, np.array([Trap()], dtype=object), allow_pickle=True)
    path = tmp_path / "trap.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("poses.npy", member.getvalue())
        archive.writestr("trans.npy", member.getvalue())
    with pytest.raises(ClipError, match="pickled"):
        load_clip(path)
    assert not (tmp_path / "sprung").exists()


def test_nothing_is_left_of_a_failed_write(full: MotionClip, tmp_path: Path) -> None:
    unfit = full.replace(provenance=Provenance(parameters={"energy": float("nan")}))
    with pytest.raises(ValueError, match="JSON"):
        save_clip(unfit, tmp_path / "line.npz")
    with pytest.raises(ExportError, match="does not exist"):
        save_clip(full, tmp_path / "nowhere" / "line.npz")
    assert not list(tmp_path.iterdir())
