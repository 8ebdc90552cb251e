"""Blender's own window, worked by simulated mouse and keys: the buttons that an artist presses, never operators.

Runs where the desktop programs are at hand (../shared/tools/desktop-root, or DECLAIM_DESKTOP_ROOT): Debian's Blender.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile
from PIL import Image, ImageChops

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

WORDS = (ROOT / "assets" / "demo" / "script.txt").read_text().split()
# What Blender itself says on the console; anything else is ours, and too much.
_BLENDERS_OWN = re.compile(
    r"$|\d\d:\d\d\.\d{3}  \S|GHOST|blender\(|/\S+\.so\b|blender \d|Blender |Info: |Killed|Repository data: "
)

pytestmark = [
    pytest.mark.skipif(not TOOL.is_file(), reason="No desktop programs here: the window is not tried."),
    pytest.mark.timeout(900),
]


def desktop(*command: str, screen: bool = False, timeout: float = 300.0, fails: bool = False, **environment: str) -> str:
    """Run a command among the desktop programs; all that it said. ``fails``: it may end as it likes."""
    with subprocess.Popen(
        [str(TOOL), "screen" if screen else "run", *command],
        cwd=ROOT,
        env={**os.environ, **environment, "DECLAIM_BIND": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that all of it can be ended
    ) as process:
        try:
            said, _ = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert fails or process.returncode == 0, f"{shlex.join(command)}\n{said[-3000:]}"
    return said


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


def play(scenario: str, user: Path, folder: Path, *arguments: str, file: Path | None = None, fails: bool = False) -> Any:
    """Play a scenario in the window, on a .blend ``file`` where one is given; what it found."""
    command = ["blender", "--enable-event-simulate", "--window-geometry", "0", "0", "1280", "800"]
    command += [str(file)] if file else []
    command += ["--python", f"tests/window/scenario_{scenario}.py", "--", str(folder), *arguments]
    said = desktop(*command, screen=True, fails=fails, BLENDER_USER_RESOURCES=str(user))
    report = folder / "found.json"
    assert report.exists(), f"Blender ended without a report\n{said[-3000:]}"
    found = json.loads(report.read_text())
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in found["pictures"]:
        shutil.copyfile(folder / name, PICTURES / f"{scenario}_{name}")
    assert "error" not in found, found["error"]
    strange = [line for line in said.splitlines() if not _BLENDERS_OWN.match(line)]
    assert not strange, "\n".join(strange)
    return found


@pytest.fixture(scope="module")
def performed(user: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the first scenario found, with the .blend file that it saved."""
    folder = tmp_path_factory.mktemp("performed")
    shutil.copyfile(ROOT / "assets" / "demo" / "voice.flac", folder / "voice.flac")
    found = play("perform", user, folder, str(folder / "voice.flac"), " ".join(WORDS))
    return {**found, "file": folder / "performed.blend", "voice": folder / "voice.flac"}


def test_an_artists_first_minutes(performed: dict[str, Any]) -> None:
    """Voice typed, Perform pressed, a second take, Esc, undo, an engine that dies and comes back."""
    found = performed
    assert found["typed"] == [str(found["voice"]), " ".join(WORDS)]
    assert found["takes"] == ["voice 0"]
    assert len(found["words"]) == len(WORDS)
    assert found["first_undone"] == [[False, 0, 0], [True, 1, 1]]  # objects, actions, strips: undone and done again
    assert found["range"][1] - found["range"][0] > 200 and found["scrub"]
    assert found["moved"]
    assert found["cold_s"] < 15 and found["warm_s"] < 4
    assert found["landing_s"] < 0.3 and max(found["ticks_s"]) < 0.05, found  # a busy machine gets more than the 10 ms
    assert found["opening_s"] < 0.05, found
    assert found["stopped_s"] < 1 and found["takes_after_esc"] == 2
    assert found["undone"] == [[1, 2], [1, 1], [1, 2], [2, 2]]  # the seed that was typed, then the take in one step; back
    assert "engine" in found["death"].lower() and "None" not in found["death"]
    assert found["takes_at_the_end"] == 3 and not found["errors"]
    assert not Path(f"/proc/{found['engine_pid']}").exists()


def test_takes_and_words(user: Path, performed: dict[str, Any], tmp_path: Path) -> None:
    """Rows clicked, renamed, compared, made again and deleted; words jump."""
    found = play("lists", user, tmp_path, file=performed["file"])
    assert found["takes"] == ["voice 0", "voice 1", "voice 3"]
    assert found["after_click"] == 0 and found["action"] == "voice 0"
    assert found["renamed"][0] == "the good one"
    assert found["compared"] == [2, 0]
    assert found["again"][-1][1] == 4 and len(found["again"]) == 4
    assert len(found["deleted"]) == 3
    assert all(frame in found["starts"] for frame in found["jumps"]) and found["jumps"][0] < found["jumps"][1]
    assert found["stroke"] in found["strokes"] and found["stroke"] > found["jumps"][1]
    assert found["markers"] >= len(found["strokes"])


def test_strips_and_folders_as_voices(user: Path, performed: dict[str, Any], tmp_path: Path) -> None:
    """A trimmed strip chosen in the search field is performed where it lies; a folder line by line."""
    folder = tmp_path / "lines"
    folder.mkdir()
    sound, rate = soundfile.read(performed["voice"])
    for number, name in enumerate(("a.flac", "b.flac")):
        soundfile.write(folder / name, sound[int(2.5 * rate) * number :][: int(2.5 * rate)], rate)
    found = play("voices", user, tmp_path, str(performed["voice"]), str(folder), file=performed["file"])
    assert (found["source"], found["chosen"], found["source_then"]) == ("STRIP", "Narrator", "FOLDER")
    begin, end = found["strip"]
    name, start, frames, words = found["strip_take"]
    assert name.startswith("Narrator") and start == begin and abs(frames - (end - begin)) <= 1
    assert words > 0 and found["sounds"] == 1  # the strip itself is heard
    assert [line for line, _ in found["folder_takes"]] == ["a.flac", "b.flac"]
    assert found["folder_takes"][1][1] > found["folder_takes"][0][1] and found["tracks"] >= 2


def test_perform_is_greyed_and_says_why(user: Path, performed: dict[str, Any], tmp_path: Path) -> None:
    """No voice, edit mode, an armature without the bones, a linked one: a click does nothing."""
    found = play("refusals", user, tmp_path, str(performed["voice"]), str(performed["file"]))
    assert found["ready"] == "" and found["mode"] == "EDIT"
    for name, words in {
        "1_no_voice": "voice first",
        "2_edit_mode": "edit mode",
        "3_bones": "no bones named pelvis",
        "4_linked": "linked",
    }.items():
        busy, reason = found[name]
        assert not busy and words in reason, found[name]


def test_words_are_drawn(user: Path, performed: dict[str, Any], tmp_path: Path) -> None:
    """The timeline differs where words are shown; dope sheet, themes and sizes are pictures to be looked at."""
    found = play("looks", user, tmp_path, file=performed["file"])
    below = (0, 660, 1280, 800)  # the timeline
    shown, hidden = (
        Image.open(tmp_path / f"{name}.png").convert("RGB").crop(below) for name in ("1_timeline", "2_without")
    )
    left, _, right, _ = ImageChops.difference(shown, hidden).getbbox() or (0, 0, 0, 0)
    assert right - left > 600, "the words span the timeline"
    assert len(found["strikes"]) >= 3 and not found["selected"]


def test_menus_preferences_and_switching_off(user: Path, tmp_path: Path) -> None:
    """File > Import and Export, the preferences; disabled and enabled by its check box, nothing stays behind."""
    found = play("preferences", user, tmp_path)
    assert "declaim.import_clip" in found["import"]
    assert not found["enabled_then"] and found["left"] == []
    assert found["enabled_again"] and len(found["back"]) > 20


def test_a_killed_blender_takes_its_engine_along(user: Path, performed: dict[str, Any], tmp_path: Path) -> None:
    found = play("killed", user, tmp_path, file=performed["file"], fails=True)
    deadline = time.monotonic() + 10.0
    while Path(f"/proc/{found['engine_pid']}").exists():
        assert time.monotonic() < deadline, "the engine outlives a killed Blender"
        time.sleep(0.1)
