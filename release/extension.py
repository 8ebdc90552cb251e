"""Builds the Blender extension: ``python release/extension.py`` (see --help), or ``make extension``.

Stages the files that git tracks, with the wheels of the engine for a full zip, and hands them to Blender's own
``extension build`` and ``extension validate``. The same sources and wheels give the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parent))
from wheels import PLATFORMS, this_platform, wheels_for

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / "build" / "wheels"
PYTHONS = ("3.11", "3.13")  # Blender 4.2 to 5.0, and from 5.1 on
_DATE = (2020, 1, 1, 0, 0, 0)  # of every file in a zip: when it was built is no part of what it is


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--platform", choices=sorted(PLATFORMS), action="append", help="default: this one; may repeat")
    parser.add_argument(
        "--python", action="append", help="of the Blenders to build for; default: 3.11 and 3.13; may repeat"
    )
    parser.add_argument("--kind", choices=("full", "slim"), action="append", help="default: both")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the zips go; default: dist")
    parser.add_argument("--wheels", type=Path, default=WHEELS, help="where wheels are kept; default: build/wheels")
    parser.add_argument("--build-with", default="", metavar="COMMAND", help="a Python that builds what has no wheel yet")
    parser.add_argument("--blender", help="a Blender to build with, instead of the module bpy of this Python")
    parser.add_argument("--fetch", action="store_true", help="only fetch the wheels")
    options = parser.parse_args(arguments)
    kinds = options.kind or ["slim", "full"]
    targets = [(p, v) for p in options.platform or [this_platform()] for v in options.python or PYTHONS]
    if options.fetch:
        for platform, python in targets:
            wheels_for(platform, python, options.wheels, build_with=options.build_with)
        return
    blender = extension_command(options.blender)
    if "slim" in kinds:
        report(build(options.out / f"declaim-{version()}-slim.zip", blender))
    for platform, python in targets if "full" in kinds else ():
        wheels = wheels_for(platform, python, options.wheels, build_with=options.build_with)
        name = f"declaim-{version()}-{platform}-py{python.replace('.', '')}.zip"
        report(build(options.out / name, blender, platform=platform, wheels=wheels))


def version() -> str:
    """The package's version, which is the manifest's too."""
    package = re.search(r'__version__ = "(.+)"', (ROOT / "__init__.py").read_text(encoding="utf-8"))
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]
    if package is None or package[1] != manifest:
        raise SystemExit(f"blender_manifest.toml says version {manifest}, __init__.py another: make them the same.")
    return str(manifest)


def extension_command(blender: str | None = None) -> list[str]:
    """The start of Blender's command line for extensions: of an executable, or of the module bpy, without starting it."""
    if blender:
        return [blender, "--background", "--factory-startup", "--command", "extension"]
    spec = importlib.util.find_spec("bpy")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for script in Path(folder).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return [sys.executable, str(script)]
    raise SystemExit("Building needs Blender: run `make setup`, or give --blender PATH.")


def build(target: Path, blender: list[str], *, platform: str = "", wheels: list[Path] | None = None) -> Path:
    """The zip ``target``, slim without ``wheels``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage, raw = Path(folder) / "declaim", Path(folder) / "declaim.zip"
        _stage(stage, platform, wheels or [])
        _run([*blender, "build", "--source-dir", str(stage), "--output-filepath", str(raw)])
        _run([*blender, "validate", str(raw)])
        partial = target.with_name(f".{target.name}.tmp")
        _settle(raw, partial)
        partial.replace(target)
    return target


def report(target: Path) -> None:
    print(f"{target}  {target.stat().st_size / 1e6:.1f} MB")


def tracked() -> list[str]:
    """The paths that git tracks and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())


def _stage(stage: Path, platform: str, wheels: list[Path]) -> None:
    for path in tracked():
        if path.startswith(("tests/", "docs/")):  # large; the manifest leaves them out as well
            continue
        copy = stage / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy)
    if not wheels:
        return
    (stage / "wheels").mkdir()
    for wheel in wheels:
        shutil.copyfile(wheel, stage / "wheels" / wheel.name)
    manifest = stage / "blender_manifest.toml"
    listed = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in wheels)
    fields = f'platforms = ["{platform}"]\nwheels = [\n{listed}]\n'
    head, table, tail = manifest.read_text(encoding="utf-8").partition("\n[permissions]\n")
    manifest.write_text(f"{head}{fields}{table}{tail}", encoding="utf-8", newline="\n")


def _settle(raw: Path, target: Path) -> None:
    """The zip that Blender made, with its files in order of their names and without dates and owners."""
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(target, "w") as settled:
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            info.compress_type = source.getinfo(name).compress_type
            settled.writestr(info, source.read(name), compresslevel=9)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}".strip())


if __name__ == "__main__":
    main()
