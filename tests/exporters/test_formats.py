"""The door to the formats: names, order, and what a failure leaves behind."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from declaim.core.body import Body
from declaim.core.clip import MotionClip
from declaim.core.errors import Cancelled, ExportError
from declaim.core.report import SilentReport
from declaim.exporters.formats import FORMATS, Take, export, format_of

OURS = [suffix for suffix, kind in FORMATS.items() if not kind.blender]


class Listener(SilentReport):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def stage(self, text: str, fraction: float = 0.0) -> None:
        super().stage(text, fraction)
        self.stages.append(text)


@pytest.fixture
def take(body: Body, clip: MotionClip) -> Take:
    return Take(clip=clip, body=body, name="line")


@pytest.mark.parametrize("name", ["a.glb", "a.GLB", "some.take.glb"])
def test_the_suffix_picks_the_format(name: str) -> None:
    assert format_of(Path(name)).suffix == ".glb"


@pytest.mark.parametrize(("name", "hint"), [("a.gbl", "Did you mean .glb?"), ("a", "Choose one of"), ("a.xyzw", ".bvh")])
def test_unknown_suffixes(name: str, hint: str) -> None:
    with pytest.raises(ExportError) as caught:
        format_of(Path(name))
    assert hint in caught.value.hint


def test_several_at_once(take: Take, tmp_path: Path) -> None:
    listener = Listener()
    paths = [tmp_path / f"line{suffix}" for suffix in OURS]
    export(take, paths, listener)
    assert listener.stages == [f"Writing {path.name}" for path in paths]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_nothing_is_written_where_one_path_is_bad(take: Take, tmp_path: Path) -> None:
    (tmp_path / "folder.glb").mkdir()
    for bad in (tmp_path / "nowhere" / "a.glb", tmp_path / "folder.glb", tmp_path / "a.what"):
        with pytest.raises(ExportError):
            export(take, [tmp_path / "good.npz", bad], SilentReport())
    assert [path.name for path in tmp_path.iterdir()] == ["folder.glb"]


def test_stopping(take: Take, tmp_path: Path) -> None:
    report = SilentReport()
    report.cancel()
    with pytest.raises(Cancelled):
        export(take, [tmp_path / "line.glb"], report)
    assert not list(tmp_path.iterdir())


def test_warnings_reach_the_report(take: Take, tmp_path: Path) -> None:
    report = SilentReport()
    pose_dirs = np.zeros((len(take.body.template), 3, 486), np.float32)
    corrected = dataclasses.replace(take, body=dataclasses.replace(take.body, pose_dirs=pose_dirs))
    export(corrected, [tmp_path / "line.glb"], report)
    assert len(report.warnings) == 1 and "line.glb" in report.warnings[0]


@contextlib.contextmanager
def little_room() -> Iterator[None]:
    """No file may grow beyond 5 kB: what a full disk looks like to a program. Only for as long as the writing takes, for
    the limit holds for pytest's own output too."""
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", OURS)
def test_a_full_disk_leaves_the_old_file(suffix: str, take: Take, tmp_path: Path) -> None:
    path = tmp_path / f"line{suffix}"
    path.write_bytes(b"what was there")
    with pytest.raises(ExportError, match="could not be written") as caught, little_room():
        export(take, [path], SilentReport())
    assert caught.value.hint and "\n" not in str(caught.value)
    assert path.read_bytes() == b"what was there" and list(tmp_path.iterdir()) == [path]
