"""What is in the zips: everything the engine needs, nothing else, and Blender's own word that they are valid."""

from __future__ import annotations

import email
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from declaim import __version__

from .conftest import ROOT, BlenderPython, built_zip, fresh_user, program_of, python_of

PARTS = tomllib.loads((ROOT / "addon" / "engine_wheels.toml").read_text(encoding="utf-8"))
OWN_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BLENDERS_OWN_EXCLUSIONS = {"__pycache__/", ".*", "/*.zip", "*.blend[1-9]"}
ENGINE = """
import pathlib
from types import SimpleNamespace
import importlib

def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")

process, wire = module("core.engine_process"), module("core.wire")
import json, numpy, os
voice = pathlib.Path(sys.argv[1])
script = sys.argv[2] or None
# Of the interpreter's own path only what Blender brings: numpy and its wheels, not what a developer has beside them.
paths = [path for path in sys.path if path.endswith("site-packages")]
found = {}
with process.EngineProcess.start(process.engine_command(python=sys.executable, paths=paths)) as engine:
    client = engine.client(timeout=60.0)
    found["errors"] = [plugin.error.message for plugin in client.plugins() if plugin.error]
    job = client.submit(voice, wire.PerformRequest(script=script))
    words = []
    try:
        client.wait(job, lambda event: words.extend(getattr(event, "words", ())))
        clip = client.clip(job, take=0)
        found["frames"], found["words"] = len(clip.poses), [word.text for word in words]
        found["still"] = bool(numpy.ptp(clip.poses, axis=0).max() < 0.05)
    except module("core.errors").DeclaimError as error:
        found["error"] = str(error)
print(json.dumps(found))
"""


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as file:
        return file.namelist()


def manifest(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as file:
        return tomllib.loads(file.read("blender_manifest.toml").decode())


def test_version_is_the_packages() -> None:
    own = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert own["version"] == __version__
    assert set(own["build"]["paths_exclude_pattern"]) >= BLENDERS_OWN_EXCLUSIONS
    assert set(own["permissions"]) == {"files", "network"}


def test_slim_holds_what_artists_need_and_nothing_else() -> None:
    inside = names(built_zip("slim"))
    rooms = {name.split("/")[0] for name in inside if "/" in name}
    assert rooms == {"addon", "assets", "core", "exporters", "inference", "plugins"}
    assert {"LICENSE", "THIRD_PARTY.md", "assets/LICENSES.md", "addon/plugins.json"} <= set(inside)
    assert not [name for name in inside if re.search(r"(^|/)(\.|make_|__pycache__|test_)|\.(pyc|blend1|zip|whl)$", name)]
    assert "wheels" not in manifest(built_zip("slim")) and "platforms" not in manifest(built_zip("slim"))


def test_full_is_slim_with_the_wheels_that_are_pinned() -> None:
    full, slim = built_zip("full", OWN_PYTHON), built_zip("slim")
    added = {name for name in names(full) if name not in names(slim)}
    wheels = sorted(added)
    assert wheels and all(name.startswith("wheels/") and name.endswith(".whl") for name in wheels)
    assert sorted(manifest(full)["wheels"]) == [f"./{name}" for name in wheels]
    assert len(manifest(full)["platforms"]) == 1
    system = {"win32": "wheels-windows", "darwin": "wheels-macos"}.get(sys.platform, "wheels-linux")
    pinned = {**PARTS["wheels"], **PARTS.get(system, {})}
    carried = {tuple(Path(name).name.split("-")[:2]) for name in wheels}
    assert carried == {(re.sub(r"[-.]+", "_", name), version) for name, (version, _) in pinned.items()}


def test_everything_a_wheel_asks_for_is_carried_or_left_out_for_a_reason() -> None:
    known = {re.sub(r"[-_.]+", "-", name).lower() for name in (*PARTS["wheels"], *PARTS["left-out"])}
    with zipfile.ZipFile(built_zip("full", OWN_PYTHON)) as zipped:
        for name in filter(lambda name: name.endswith(".whl"), zipped.namelist()):
            with zipped.open(name) as inner, zipfile.ZipFile(inner) as wheel:
                text = next(wheel.read(path).decode() for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
            for line in email.message_from_string(text).get_all("Requires-Dist", []):
                needed = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()
                older = re.search(r"python_version *< *['\"]3\.1[01]['\"]", line)
                assert "extra ==" in line or older or needed in known, f"{name} asks for {line}"


def test_stated_sizes_are_the_wheels() -> None:
    with zipfile.ZipFile(built_zip("full", OWN_PYTHON)) as zipped:
        total = sum(info.file_size for info in zipped.infolist() if info.filename.endswith(".whl")) / 1e6
    stated = sum(size for _, size in PARTS["wheels"].values())
    assert abs(stated - total) < 0.1 * total


def test_the_licence_of_everything_carried_is_stated() -> None:
    stated = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8").lower().replace("-", "_")
    assert not [name for name in PARTS["wheels"] if name.lower().replace("-", "_") not in stated]


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    build = [sys.executable, str(ROOT / "release" / "extension.py"), "--kind", "slim", "--out"]
    subprocess.run([*build, str(tmp_path)], check=True, capture_output=True)
    again = next(tmp_path.glob("*.zip"))
    subprocess.run([*build, str(tmp_path / "twice")], check=True, capture_output=True)
    other = next((tmp_path / "twice").glob("*.zip"))
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()


def test_the_engine_performs_from_the_zip_alone(each_blender: str, blender_python: BlenderPython) -> None:
    demo = ROOT / "assets" / "demo"
    done = blender_python(ENGINE, demo / "voice.flac", (demo / "script.txt").read_text(), version=each_blender)
    assert done.json["errors"] == []
    assert done.json["frames"] > 200 and not done.json["still"]
    assert not done.leftovers


def test_the_engine_listens_without_a_script(blender_python: BlenderPython) -> None:
    done = blender_python(ENGINE, ROOT / "assets" / "demo" / "voice.flac", "")
    assert len(done.json["words"]) > 5


def test_without_ffmpeg_other_formats_get_a_sentence(
    each_blender: str, blender_python: BlenderPython, tmp_path: Path
) -> None:
    if each_blender == program_of(None)[0] and program_of(None)[1] == sys.executable:
        pytest.skip("This environment has FFmpeg; `make test-blender` tries the Blenders that have not.")
    file = tmp_path / "voice.m4a"
    file.write_bytes(b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00" + bytes(2000))
    done = blender_python(ENGINE, file, "", version=each_blender)
    assert "without FFmpeg" in done.json["error"] and "Video Sequencer" in done.json["error"]


def test_the_wrong_zip_is_refused_in_words(each_blender: str, blender_python: BlenderPython, tmp_path: Path) -> None:
    other = "3.13" if python_of(each_blender) == "3.11" else "3.11"
    try:
        zipped = built_zip("full", other)
    except AssertionError:
        pytest.skip(f"The wheels for Python {other} are not here: run `make extension`.")
    user = fresh_user(each_blender, tmp_path, "none")
    install = (
        "import json\n"
        "try: bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo='user_default', enable_on_install=True)\n"
        "except RuntimeError as error: print(json.dumps(str(error)))\n"
        "else: print(json.dumps(EXTENSION in sys.modules))\n"
    )
    done = blender_python(install, zipped, version=each_blender, enable=False, user=user)
    assert isinstance(done.json, str) and other in done.json
