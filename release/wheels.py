"""The wheels that a full extension carries: fetched once for a platform and Python, then kept in a folder."""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PINS = Path(__file__).resolve().parent.parent / "addon" / "engine_wheels.toml"
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
    rows = {**table["wheels"], **table.get(f"wheels-{target.partition('-')[0]}", {})}
    return {name: version for name, (version, _) in rows.items()}


def wheels_for(target: str, python: str, folder: Path, *, build_with: str = "") -> list[Path]:
    """The wheels for ``target`` and ``python`` ("3.11"), in ``folder``; what is missing there is fetched.

    A package that has no wheel on the registry is built from its source: with this Python where that gives a wheel for
    every platform, otherwise with ``build_with``, a command that starts a Python ``python`` on this machine. Raises SystemExit
    where a wheel cannot be had.
    """
    folder = folder / f"{target}-py{python.replace('.', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    wheels = []
    for name, version in pins(target).items():
        if _found(folder, name, version) is None:
            print(f"Fetching {name} {version} for {target}, Python {python}", flush=True)
            _fetch(f"{name}=={version}", target, python, folder, build_with)
        wheel = _found(folder, name, version)
        if wheel is None:
            raise SystemExit(f"{name} {version} for {target} and Python {python} cannot be had.")
        wheels.append(wheel)
    return sorted(wheels)


def _found(folder: Path, name: str, version: str) -> Path | None:
    stem = re.sub(r"[-_.]+", "_", name)
    return next(iter(sorted(folder.glob(f"{stem}-{version}-*.whl"))), None)


def _fetch(requirement: str, target: str, python: str, folder: Path, build_with: str) -> None:
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    tags = [part for tag in PLATFORMS[target] for part in ("--platform", tag)]
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder), "--python-version", python, *tags]
    fetched = subprocess.run([sys.executable, *pip, "download", *options, requirement], capture_output=True, text=True)
    if not fetched.returncode:
        return
    builder = shlex.split(build_with) or [sys.executable]
    with tempfile.TemporaryDirectory() as made:
        build = [*builder, *pip, "wheel", "--no-deps", "--wheel-dir", made, requirement]
        if subprocess.run(build, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit(fetched.stderr.strip())
        wheel = next(Path(made).glob("*.whl"))
        pure = wheel.stem.endswith("-any")
        fits = target == this_platform() and f"-cp{python.replace('.', '')}-" in wheel.name
        if not pure and not (build_with and fits):
            raise SystemExit(
                f"The registry has no wheel of {requirement} for {target} and Python {python}.\n"
                "Give --build-with a Python of that version on that platform, with a compiler."
            )
        shutil.move(wheel, folder / wheel.name)
