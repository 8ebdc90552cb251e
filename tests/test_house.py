"""The house's rules: who may import whom, what a wheel holds, and what help costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "plugins", "exporters", "inference", "addon", "training", "assets")
ALLOWED = {
    "core": {"core", "assets"},
    "plugins": {"core", "plugins"},
    "exporters": {"core", "exporters"},
    "inference": {"core", "plugins", "exporters", "inference", "training"},  # training: its commands, loaded by name
    "addon": {"core", "exporters", "addon"},
    "training": {"core", "plugins", "inference", "training"},
    "assets": {"core", "assets"},  # build scripts
}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """(dotted name from the root, line, at module top) of everything that ``path`` imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        top = id(node) not in inside
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, top
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                for name in node.names if not node.module else [None]:
                    tail = node.module.split(".") if node.module else [name.name]
                    yield ".".join(["declaim", *base, *tail]), node.lineno, top
            else:
                yield node.module or "", node.lineno, top


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    script = room == "assets"  # run by hand at build time, not shipped code
    for name, line, top in imports(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        parts = name.split(".")
        if parts[0] == "declaim":
            inner = parts[1] if len(parts) > 1 else ""
            assert inner not in ROOMS or inner in ALLOWED[room], f"{where}: {room} must not import {inner}"
        elif room == "core":
            known = parts[0] in sys.stdlib_module_names or parts[0] == "numpy"
            assert known, f"{where}: core uses numpy and the standard library only, not {parts[0]}"
        if not script:
            assert parts[0] != "bpy" or room == "addon" or (room == "exporters" and not top), (
                f"{where}: bpy does not belong here"
            )
            assert parts[0] != "torch" or room == "training", f"{where}: PyTorch lives in training/ only"
            assert parts[0] != "smplx", f"{where}: the package smplx is never needed"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parts[-2] != "assets"], ids=lambda p: str(p.relative_to(ROOT)))
def test_shipped_code_imports_itself_relatively(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        absolute = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        absolute += [name.name for name in node.names] if isinstance(node, ast.Import) else []
        assert not any(name.split(".")[0] == "declaim" for name in absolute), f"{path}:{node.lineno}: import it relatively"


def test_every_package_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {"declaim"}
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            build_script = room == "assets" and init.parent != ROOT / "assets"
            if room != "addon" and not build_script:
                found.add(".".join(["declaim", *init.parent.relative_to(ROOT).parts]))
    assert listed == found


def test_importing_the_package_does_nothing() -> None:
    code = "import sys; before = set(sys.modules); import declaim; print(sorted(m for m in set(sys.modules) - before if 'declaim' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "tests")
    assert done.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['declaim', '--help']\n"
        "from declaim.inference.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({'numpy', 'fastapi', 'uvicorn', 'pocketsphinx', 'vosk', 'soundfile', 'av', 'bpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "tests")
    assert done.stdout.strip().endswith("HEAVY []"), done.stdout


def test_tests_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    repeated = {name for name in names if names.count(name) > 1 and name not in ("__init__.py", "conftest.py")}
    assert not repeated
