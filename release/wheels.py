"""The wheels that a full extension carries: fetched once for a platform and Python, then kept in a folder."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PINS = Path(__file__).with_name("wheels.toml")
PLATFORMS = {  # Blender's name: the tags of wheels that run on the oldest system which Blender 4.2 runs on
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_11_0_x86_64",),
}


def this_platform() -> str:
    """Blender's name of the platform that this runs on."""
    system = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}.get(platform.system(), platform.system().lower())
    machine = {"x86_64": "x64", "AMD64": "x64", "arm64": "arm64", "aarch64": "arm64"}
    return f"{system}-{machine.get(platform.machine(), platform.machine().lower())}"


def pins(target: str) -> dict[str, str]:
    """Name to version of each wheel on ``target``."""
    table = tomllib.loads(PINS.read_text(encoding="utf-8"))
    return {**table["wheels"], **table.get(f"wheels-{target.partition('-')[0]}", {})}


def wheels_for(target: str, python: str, folder: Path) -> list[Path]:
    """The wheels for ``target`` and ``python`` ("3.11"), in ``folder``; what is missing there is downloaded.

    A package without any wheel on the registry is built from its source where it is pure Python. Raises SystemExit
    where a wheel cannot be had.
    """
    folder = folder / f"{target}-py{python.replace('.', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pins(target)
    missing = [f"{name}=={version}" for name, version in wanted.items() if _found(folder, name, version) is None]
    if missing:
        _fetch(missing, target, python, folder)
    found = {name: _found(folder, name, version) for name, version in wanted.items()}
    absent = [name for name, wheel in found.items() if wheel is None]
    if absent:
        raise SystemExit(f"No wheel of {', '.join(absent)} for {target} and Python {python} could be had.")
    return sorted(wheel for wheel in found.values() if wheel is not None)


def _found(folder: Path, name: str, version: str) -> Path | None:
    stem = re.sub(r"[-_.]+", "_", name)
    return next(iter(sorted(folder.glob(f"{stem}-{version}-*.whl"))), None)


def _fetch(requirements: list[str], target: str, python: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    tags = [part for tag in PLATFORMS[target] for part in ("--platform", tag)]
    for requirement in requirements:
        print(f"Fetching {requirement} for {target}, Python {python}", flush=True)
        options = ["--no-deps", "--dest", str(folder), "--python-version", python, *tags]
        download = [*pip, "download", "--only-binary=:all:", *options, requirement]
        done = subprocess.run(download, capture_output=True, text=True)
        if done.returncode:
            built = subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), requirement])
            if built.returncode:
                raise SystemExit(done.stderr.strip())
    for wheel in folder.glob("*.whl"):
        tag = wheel.stem.rpartition("-")[2]
        if tag != "any" and not _fits(tag, target):
            wheel.unlink()
            raise SystemExit(
                f"{wheel.name} was built here and runs on this machine only; {target} needs a wheel of its own."
            )


def _fits(tag: str, target: str) -> bool:
    system = {"linux": "manylinux", "windows": "win_", "macos": "macosx"}[target.partition("-")[0]]
    return tag.startswith(system)
