"""The Blender child: found, watched, stopped; and nothing is left of it, whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from declaim.core.body import Body
from declaim.core.clip import MotionClip
from declaim.core.errors import Cancelled, ExportError
from declaim.core.report import SilentReport
from declaim.exporters import blender, fbx, formats
from declaim.exporters.blender_process import find_blender
from declaim.exporters.formats import Take


class Telling(SilentReport):
    """Remembers the stages; cancels itself at one that contains ``stop_at``."""

    def __init__(self, stop_at: str = "") -> None:
        super().__init__()
        self.stages: list[tuple[str, float]] = []
        self._stop_at = stop_at

    def stage(self, text: str, fraction: float = 0.0) -> None:
        self.stages.append((text, fraction))
        if self._stop_at and self._stop_at in text:
            self.cancel()
        super().stage(text, fraction)


@pytest.fixture
def take(body: Body, clip: MotionClip) -> Take:
    return Take(clip=clip, body=body, name="line")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary folders of the exporter go here."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def real_blender() -> None:
    try:
        find_blender()
    except ExportError as error:
        pytest.skip(f"no Blender: {error}")


def pretend_blender(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A program in Blender's place that does ``script``."""
    program = folder / "blender"
    program.write_text(f"#!{sys.executable}\nimport sys, time, os, subprocess\n{textwrap.dedent(script)}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("DECLAIM_BLENDER", str(program))


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


unix = pytest.mark.skipif(sys.platform == "win32", reason="a script in Blender's place needs a #! line")


def test_without_any_blender_it_says_how_to_get_one(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DECLAIM_BLENDER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("declaim.exporters.blender_process._usual_places", list)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"pip install 'declaim\[blender\]'"):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())


def test_a_wrong_setting_is_named(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECLAIM_BLENDER", str(tmp_path / "nowhere"))
    with pytest.raises(ExportError, match=r"DECLAIM_BLENDER names .*nowhere"):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())


@unix
def test_a_blender_that_dies_is_one_sentence(
    take: Take, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_blender(monkeypatch, tmp_path, "print('Blender 9'); print('no screen', file=sys.stderr); sys.exit(7)")
    with pytest.raises(ExportError, match=r"exit code 7 .*\(no screen\)\."):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())
    pretend_blender(monkeypatch, tmp_path, "os.abort()")
    with pytest.raises(ExportError, match="signal SIGABRT"):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())
    assert not list(scratch.iterdir())
    assert not (tmp_path / "take.fbx").exists()


@unix
def test_a_hanging_blender_and_what_it_started_end_on_cancel(
    take: Take, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_blender(
        monkeypatch, tmp_path, "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']); time.sleep(99)"
    )
    report = SilentReport()
    threading.Timer(0.8, report.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        blender.write(take, [tmp_path / "take.fbx"], report)
    assert time.monotonic() - started < 5
    assert not children()
    assert not list(scratch.iterdir())


def test_an_old_blender_is_named(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_blender: None) -> None:
    """The child's own check, with a ``bpy`` of an old version in the way."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "bpy.py").write_text("class app: version = (3, 6, 0); version_string = '3.6.0'")
    monkeypatch.setenv("PYTHONPATH", str(old))
    monkeypatch.setenv("DECLAIM_BLENDER", sys.executable)
    with pytest.raises(ExportError, match=r"Blender 3\.6\.0 is too old"):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())


def test_a_bpy_that_cannot_be_loaded_says_why(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "bpy.py").write_text("raise ImportError('libXyz.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setenv("DECLAIM_BLENDER", sys.executable)
    with pytest.raises(ExportError, match=r"libXyz\.so\.1.*Install the system library"):
        blender.write(take, [tmp_path / "take.fbx"], SilentReport())


def test_a_failure_inside_blender_leaves_the_old_file(
    take: Take, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, real_blender: None
) -> None:
    path = tmp_path / "take.fbx"
    path.write_bytes(b"old")
    good = fbx.maker
    monkeypatch.setattr(fbx, "maker", lambda take, title, place: good(take, title, place / "no such folder"))
    with pytest.raises(ExportError, match="Blender failed"):
        blender.write(take, [path], SilentReport())
    assert path.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["scratch", "take.fbx"]
    assert not list(scratch.iterdir())
    assert not children()


def test_progress_and_cancel_while_rendering(take: Take, tmp_path: Path, scratch: Path, real_blender: None) -> None:
    report = Telling(stop_at="Rendering frame 3 of")
    with pytest.raises(Cancelled):
        blender.write(take, [tmp_path / "take.mp4"], report)
    texts = [text for text, _ in report.stages]
    assert texts[0] == "Starting Blender"
    assert "Writing take.mp4" in texts
    assert f"Rendering frame 2 of {len(take.clip)}" in texts
    assert not children()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["scratch"]
    assert not list(scratch.iterdir())


def test_a_folder_that_is_not_there(take: Take, tmp_path: Path, real_blender: None) -> None:
    with pytest.raises(ExportError, match="does not exist"):
        formats.export(take, [tmp_path / "nowhere" / "take.fbx"], SilentReport())


@unix
def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path, scratch: Path, real_blender: None) -> None:
    script = f"""
        import importlib.util, sys
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("made", {str(Path(__file__).with_name("conftest.py"))!r})
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        from declaim.core.report import SilentReport
        from declaim.exporters import blender
        from declaim.exporters.formats import Take

        class Report(SilentReport):
            def stage(self, text, fraction=0.0):
                print(text, flush=True)

        body = made.make_body("blendshapes")
        take = Take(clip=made.make_clip(body, frames=3000), body=body, name="long")
        blender.write(take, [Path({str(tmp_path / "take.mp4")!r})], Report())
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert any("Rendering frame 2 of" in line for line in process.stdout)
        below = psutil.Process(process.pid).children(recursive=True)
        assert below
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    assert not list(scratch.iterdir())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["scratch"]
