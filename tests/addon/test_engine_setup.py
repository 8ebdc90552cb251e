"""The slim extension: it says what it needs, sets the engine up when asked, and takes it away again."""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, BlenderPython, fresh_user, program_of, python_of

WHEELS = ROOT / "build" / "wheels"
STATE = """
import importlib, json
def module(name):
    return importlib.import_module(f"{EXTENSION}.addon.{name}")
setup, engine, status = module("engine_setup"), module("engine"), module("status")
def refused(call, **given):
    try:
        call(**given)
    except RuntimeError as error:
        return str(error)
    return ""
"""
OFFLINE = (
    STATE
    + """
print(json.dumps({
    "needed": setup.needed(),
    "start": refused(bpy.ops.declaim.engine_start),
    "online": bpy.app.online_access,
    "set_up": refused(bpy.ops.declaim.engine_set_up),
    "empty": refused(bpy.ops.declaim.engine_set_up, folder=sys.argv[1]),
    "remove": bpy.ops.declaim.engine_remove.poll(),
    "folder": setup.packages_folder() is None,
    "stated": [len(setup.parts()), setup.megabytes()],
}))
"""
)
SET_UP = (
    STATE
    + """
import time
bpy.ops.declaim.engine_set_up(folder=sys.argv[1])
found = {"needed": setup.needed(), "folder": str(setup.packages_folder()), "busy": status.STATUS.busy}
bpy.ops.declaim.engine_start()
found["state"] = engine.state()
if sys.argv[2] == "twice":  # over the one that is there and running
    bpy.ops.declaim.engine_set_up(folder=sys.argv[1])
found["again"] = setup.needed()
bpy.ops.declaim.engine_remove()
found["gone"] = [setup.packages_folder() is None, setup.needed()]
found["left"] = sorted(path.name for path in setup.target().parent.iterdir())
print(json.dumps(found))
"""
)
STOPPED = (
    STATE
    + """
import time
setup._begin(setup._source(sys.argv[1]))
process = setup._fetch._process
while not setup._fetch.step() and "Fetching" not in status.STATUS.text:
    time.sleep(0.01)
stage = status.STATUS.text
status.STATUS.cancel_wanted = True
begin = time.perf_counter()
setup._tick()
seconds = time.perf_counter() - begin
print(json.dumps({"stage": stage, "seconds": seconds, "ended": process.poll() is not None, "busy": status.STATUS.busy,
                  "error": status.STATUS.error is not None, "left": sorted(p.name for p in setup.target().parent.iterdir())}))
"""
)
KILLED = (
    STATE
    + """
import os, signal
setup._begin(setup._source(sys.argv[1]))
print(json.dumps(setup._fetch._process.pid), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.fixture
def clean(each_blender: str) -> str:
    """A Blender whose environment has none of the engine's packages."""
    if program_of(each_blender)[1] == sys.executable:
        pytest.skip("This environment has the engine's packages; `make test-blender` tries the Blenders that have not.")
    return each_blender


def this_platform() -> str:
    """As release/wheels.py names it."""
    return str(runpy.run_path(str(ROOT / "release" / "wheels.py"))["this_platform"]())


def wheels_of(version: str) -> Path:
    folder = WHEELS / f"{this_platform()}-py{python_of(version).replace('.', '')}"
    if not folder.is_dir():
        pytest.skip(f"The wheels for Blender {version} are not here: run `make extension`.")
    return folder


def test_without_an_engine_it_says_what_to_do(clean: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    found = blender_python(OFFLINE, tmp_path, version=clean, kind="slim").json
    assert found["needed"] and found["folder"] and not found["remove"]
    assert "Set Up Engine" in found["start"]
    if not found["online"]:
        assert "online access is off" in found["set_up"]
    assert "holds no wheels" in found["empty"]
    assert found["stated"][0] > 20 and 50 < found["stated"][1] < 80


def test_a_full_extension_needs_no_set_up(each_blender: str, blender_python: BlenderPython) -> None:
    script = STATE + "print(json.dumps([setup.needed(), bpy.ops.declaim.engine_set_up.poll()]))"
    assert blender_python(script, version=each_blender).json == [False, False]


def test_set_up_from_a_folder_and_remove(clean: str, blender_python: BlenderPython) -> None:
    times = "twice" if clean == "5.2" else "once"
    done = blender_python(SET_UP, wheels_of(clean), times, version=clean, kind="slim", timeout=240.0)
    found = done.json
    assert found["needed"] is False and found["again"] is False and found["busy"] is False
    assert Path(found["folder"]).name.startswith("python3.")
    assert found["state"] == "READY"
    assert found["gone"] == [True, True] and found["left"] == []
    assert not done.leftovers


def test_what_is_missing_is_named(clean: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    wheel = next(wheels_of(clean).glob("soundfile-*.whl"))
    shutil.copy(wheel, tmp_path)
    script = STATE + "print(json.dumps([refused(bpy.ops.declaim.engine_set_up, folder=sys.argv[1]), setup.needed()]))"
    sentence, needed = blender_python(script, tmp_path, version=clean, kind="slim").json
    assert needed and "holds no wheel of cffi" in sentence and python_of(clean) in sentence


def test_cancel_leaves_nothing(clean: str, blender_python: BlenderPython) -> None:
    done = blender_python(STOPPED, wheels_of(clean), version=clean, kind="slim")
    found = done.json
    assert found["stage"].startswith("Fetching")
    assert found["seconds"] < 2.5 and found["ended"] and not found["busy"] and not found["error"]
    assert found["left"] == [] and not done.leftovers


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_pip_ends_with_blender(clean: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    user = fresh_user(clean, tmp_path, "slim")
    done = blender_python(KILLED, wheels_of(clean), version=clean, user=user, check=False)
    assert isinstance(done.json, int)
    assert not done.leftovers
