"""A generator in an interpreter of its own: another environment, another process, the same contract."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from declaim.core.body import builtin_body
from declaim.core.errors import Cancelled, ModelMissing, PluginError
from declaim.core.report import SilentReport
from declaim.inference.trial import trial_speech
from declaim.plugins import registry
from declaim.plugins.contracts import Brief, Generator, StyledRange

EXAMPLE = Path(__file__).parents[1] / "data" / "plugins" / "bobbing"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which declaim is not installed; numpy reaches it by a .pth file."""
    folder = tmp_path_factory.mktemp("own") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = folder / (
        "Lib" if sys.platform == "win32" else f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
    )
    only = folder / "numpy-only"
    only.mkdir()
    for name in ("numpy", "numpy.libs"):
        source = Path(sysconfig.get_paths()["purelib"]) / name
        if source.exists():
            shutil.copytree(source, only / name, symlinks=True)
    (packages / "site-packages" / "numpy.pth").write_text(str(only))
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture
def plugin(tmp_path: Path, environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bobbing"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('version = "1"', f'version = "1"\npython = {str(environment)!r}'))
    monkeypatch.setenv("DECLAIM_PLUGINS", str(tmp_path))
    return folder


def loaded() -> Generator:
    made = registry.generator(registry.find("generator", "bobbing"))
    made.load("cpu")
    return made


def brief(**changes: object) -> Brief:
    fields = {
        "fps": 30.0,
        "seed": 1,
        "body": builtin_body(),
        "betas": np.zeros(10),
        "parameters": {"depth": 10.0},
        **changes,
    }
    return Brief(**fields)  # type: ignore[arg-type]


def test_it_performs_as_it_would_here(plugin: Path) -> None:
    made = loaded()
    there = made.generate(trial_speech(), [brief(), brief(parameters={"depth": 20.0})], SilentReport())
    made.close()
    (plugin / "plugin.toml").write_text((EXAMPLE / "plugin.toml").read_text())
    here = loaded().generate(trial_speech(), [brief()], SilentReport())
    assert np.array_equal(there[0].poses, here[0].poses)
    assert np.ptp(there[1].poses) > 1.5 * np.ptp(there[0].poses)
    assert there[0].body == here[0].body


def test_declaim_is_not_installed_there(environment: Path) -> None:
    done = subprocess.run([environment, "-I", "-c", "import declaim"], capture_output=True, text=True)
    assert "No module named 'declaim'" in done.stderr


def test_the_whole_brief_arrives(plugin: Path) -> None:
    source = plugin / "bobbing.py"
    told = "repr((brief.direction, len(brief.start_pose), brief.end_pose, brief.body.sha256))"
    source.write_text(source.read_text().replace('report.stage("Nodding")', f"report.warn({told})"))
    from declaim.core.clip import BodyRef, MotionClip
    from declaim.plugins.contracts import Direction

    direction = Direction(
        emphasis={2: 1.5},
        muted=frozenset({3}),
        gestures={4: "wave"},
        styles=(StyledRange(start=0, end=1, parameters={"a": 1}),),
    )
    start = MotionClip.still(frames=1, fps=30, body=BodyRef(id="x", sha256="y"))
    report = SilentReport()
    made = loaded()
    made.generate(trial_speech(), [brief(direction=direction, start_pose=start)], report)
    made.close()
    assert report.warnings == [repr((direction, 1, None, builtin_body().sha256))]


def test_its_faults_are_sentences(plugin: Path) -> None:
    source = plugin / "bobbing.py"
    good = source.read_text()
    source.write_text(good.replace('report.stage("Nodding")', "raise RuntimeError('no nods today')"))
    with pytest.raises(PluginError, match="no nods today"):
        loaded().generate(trial_speech(), [brief()], SilentReport())
    source.write_text(good.replace('report.stage("Nodding")', "import os; os.abort()"))
    with pytest.raises(PluginError, match="ended in the middle of its work"):
        loaded().generate(trial_speech(), [brief()], SilentReport())
    source.write_text("import a_missing_package")
    with pytest.raises(PluginError, match="a_missing_package"):
        loaded()


def test_it_works_again_after_a_crash(plugin: Path) -> None:
    source = plugin / "bobbing.py"
    crash = "import os; os.path.exists(__file__ + '.crash') and os.abort()"
    source.write_text(source.read_text().replace('report.stage("Nodding")', crash))
    flag = plugin / "bobbing.py.crash"
    flag.touch()
    made = loaded()
    with pytest.raises(PluginError):
        made.generate(trial_speech(), [brief()], SilentReport())
    flag.unlink()
    assert len(made.generate(trial_speech(), [brief()], SilentReport())) == 1
    made.close()


def test_a_missing_interpreter_is_named(plugin: Path, environment: Path) -> None:
    manifest = plugin / "plugin.toml"
    manifest.write_text(manifest.read_text().replace(str(environment), "no/such/python"))
    with pytest.raises(ModelMissing, match="no/such/python, which is not there"):
        loaded()


def test_cancelling_ends_a_hanging_take(plugin: Path) -> None:
    source = plugin / "bobbing.py"
    source.write_text(source.read_text().replace('report.stage("Nodding")', "import time; time.sleep(600)"))
    made = loaded()
    report = SilentReport()
    report.cancel()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        made.generate(trial_speech(), [brief()], report)
    assert time.monotonic() - began < 5
    assert not any("own_python_host" in " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True))
