"""Blender's own window, worked by simulated mouse and keys: the buttons that an artist presses, never operators.

Runs where the desktop programs are at hand (../shared/tools/desktop-root, or DECLAIM_DESKTOP_ROOT): Debian's Blender.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("DECLAIM_DESKTOP_ROOT", ROOT.parent / "shared" / "tools" / "desktop-root"))
PICTURES = Path(os.environ.get("DECLAIM_PICTURES", ROOT / "out" / "window"))
_BUILDERS = "python3-pip python3-dev build-essential cmake"  # Debian's Python is newer than some wheels: they are built
_INSTALL = """
import bpy, sys
bpy.ops.extensions.package_install_files(filepath=sys.argv[-1], repo="user_default", enable_on_install=True)
assert "bl_ext.user_default.declaim" in bpy.context.preferences.addons
bpy.context.preferences.view.show_splash = False
bpy.context.preferences.view.show_developer_ui = False
bpy.ops.wm.save_userpref()
"""

pytestmark = [
    pytest.mark.skipif(not TOOL.is_file(), reason="No desktop programs here: the window is not tried."),
    pytest.mark.timeout(900),
]


def desktop(*command: str, screen: bool = False, timeout: float = 300.0, **environment: str) -> str:
    done = subprocess.run(
        [str(TOOL), "screen" if screen else "run", *command],
        cwd=ROOT,
        env={**os.environ, **environment, "DECLAIM_BIND": str(ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settings folder of Debian's Blender with the full extension installed by Blender's own call."""
    folder = tmp_path_factory.mktemp("window")
    subprocess.run([str(TOOL), "setup"], check=True, timeout=600)
    ready = f"python3 -m pip --version >/dev/null 2>&1 && command -v cmake >/dev/null || apt-get install -y -q --no-install-recommends {_BUILDERS}"
    desktop("sh", "-c", ready, timeout=600)
    python = desktop("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").split()[-1]
    builder = f"{TOOL} run python3"
    build = [sys.executable, "release/extension.py", "--kind", "full", "--python", python, "--build-with", builder]
    built = subprocess.run([*build, "--out", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout + built.stderr
    settings = folder / "user"
    settings.mkdir()
    script = folder / "install.py"
    script.write_text(_INSTALL)
    zipped = next(folder.glob("*.zip"))
    desktop(
        *("blender", "--background", "--python-exit-code", "1", "--python", str(script), "--", str(zipped)),
        BLENDER_USER_RESOURCES=str(settings),
    )
    return settings


def play(scenario: str, user: Path, folder: Path, *arguments: str, timeout: float = 300.0) -> dict[str, Any]:
    """Play a scenario in the window; what it found."""
    command = ["blender", "--enable-event-simulate", "--window-geometry", "0", "0", "1280", "800", "--python"]
    command += [f"tests/window/scenario_{scenario}.py", "--", str(folder), *arguments]
    said = desktop(*command, screen=True, timeout=timeout, BLENDER_USER_RESOURCES=str(user))
    report = folder / "found.json"
    assert report.exists(), f"Blender ended without a report\n{said[-3000:]}"
    found = json.loads(report.read_text())
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in found["pictures"]:
        shutil.copyfile(folder / name, PICTURES / f"{scenario}_{name}")
    assert "Traceback" not in said, said[-3000:]
    assert "error" not in found, found["error"]
    return found


def test_an_artists_first_minutes(user: Path, tmp_path: Path) -> None:
    """Voice typed, Perform pressed, a second take, Esc, undo, an engine that dies and comes back."""
    voice = tmp_path / "voice.flac"
    shutil.copyfile(ROOT / "assets" / "demo" / "voice.flac", voice)
    words = (ROOT / "assets" / "demo" / "script.txt").read_text().split()
    found = play("perform", user, tmp_path, str(voice), " ".join(words))
    assert found["typed"] == [str(voice), " ".join(words)]
    assert found["takes"] == ["voice 0"]
    assert len(found["words"]) == len(words)
    assert found["range"][1] - found["range"][0] > 200 and found["scrub"]
    assert found["moved"]
    assert found["cold_s"] < 15 and found["warm_s"] < 4
    assert found["landing_s"] < 0.3 and found["tick_s"] < 0.05, found  # a busy machine is granted more than the 10 ms
    assert found["stopped_s"] < 1 and found["takes_after_esc"] == 2
    assert (found["takes_after_undo"], found["takes_after_redo"]) == (1, 2)
    assert "engine" in found["death"].lower() and "None" not in found["death"]
    assert found["takes_at_the_end"] == 3 and not found["errors"]
    assert not Path(f"/proc/{found['engine_pid']}").exists()
