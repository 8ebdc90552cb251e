"""A Blender with the built zip installed through its own extension calls: ``blender_python``, for every test of the add-on.

Blenders come from this environment (its module ``bpy``) and from DECLAIM_BLENDERS, as in ``4.2=/path/python,5.0=/path/blender``:
Pythons with the module ``bpy``, or Blender itself. The zip is built and installed once for each state of the sources.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "bl_ext.user_default.declaim"
VERSIONS = ("4.2", "4.5", "5.0", "5.2")  # that each promise is held against
_CACHE = Path(tempfile.gettempdir()) / f"declaim-tests-{getpass.getuser()}"
_MARK = "DECLAIM_TEST_RUN"  # in the environment of all that a run starts, so that leftovers are found
_KEPT = 2  # states of the sources: a gigabyte each
_IDLE_S = 600.0  # a state that no test has asked for in so long is in nobody's use

_PREPARE = f"""
import sys, bpy
if "--" in sys.argv:
    sys.argv = [sys.argv[0], *sys.argv[sys.argv.index("--") + 1:]]
EXTENSION = {EXTENSION!r}
"""
_INSTALL = """
wanted = bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
assert EXTENSION in bpy.context.preferences.addons, f"{EXTENSION} is not enabled"
assert EXTENSION in sys.modules, f"{EXTENSION} did not load"
"""
_ENABLE = """
bpy.ops.preferences.addon_enable(module=EXTENSION)
assert EXTENSION in bpy.context.preferences.addons, f"{EXTENSION} is not enabled"
"""


class Finished(subprocess.CompletedProcess[str]):
    """A Blender that has ended, with the processes that outlived it (ended since)."""

    leftovers: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        """What the script printed as its last line of JSON."""
        for line in reversed(self.stdout.splitlines()):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(line)
        raise AssertionError(f"The script printed no JSON.\n{self.stdout}\n{self.stderr}")


BlenderPython = Callable[..., Finished]


@functools.cache
def blenders() -> dict[str, str]:
    """Version to the program that runs it."""
    found = {}
    if own := _own_version():
        found[own] = sys.executable
    for part in filter(None, os.environ.get("DECLAIM_BLENDERS", "").split(",")):
        version, _, program = part.partition("=")
        if shutil.which(program.strip()):
            found[version.strip()] = program.strip()
    return found


def _own_version() -> str:
    spec = importlib.util.find_spec("bpy")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for scripts in Path(folder).glob("*/scripts/addons_core"):
            return scripts.parent.parent.name
    return ""


def program_of(version: str | None) -> tuple[str, str]:
    """(version, program) of that Blender; None: this environment's own. Skips where it is absent."""
    version = version or _own_version() or next(iter(blenders()), "")
    if version not in blenders():
        pytest.skip(f"Blender {version or '(any)'} is not here: run `make test-blender`, or name it in DECLAIM_BLENDERS.")
    return version, blenders()[version]


def command(program: str, script: Path, *arguments: str) -> list[str]:
    if Path(program).name.lower().startswith("blender"):
        options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python", str(script)]
        return [program, *options, "--", *arguments]
    return [program, str(script), *arguments]


def environment(user: Path, mark: str) -> dict[str, str]:
    """Of a Blender whose settings, caches and temporary files all lie in ``user``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BLENDER_", "DECLAIM_", "PYTHON"))}
    temporary = user / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "BLENDER_USER_RESOURCES": str(user),
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
        "TMP": str(temporary),
        "XDG_CACHE_HOME": str(user / "cache"),
        "XDG_DATA_HOME": str(user / "data"),
        "XDG_CONFIG_HOME": str(user / "settings"),
        "OMP_NUM_THREADS": "1",
        _MARK: mark,
    }


@functools.cache
def sources_digest() -> str:
    """Of everything that the zips are made of."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256()
    for name in sorted(filter(None, listed.split("\0"))):
        path = ROOT / name
        if path.is_file() and not name.startswith(("tests/", "docs/", "training/", ".")):
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; a dead owner's lock is free again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            while True:
                with contextlib.suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    """The folder of this state of the sources; those of older states go."""
    folder = _CACHE / sources_digest()
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    states = sorted((path for path in _CACHE.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for old in states[:-_KEPT]:
        if time.time() - old.stat().st_mtime > _IDLE_S:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def built_zip(kind: str, python: str = "") -> Path:
    """The zip of these sources: "slim", or "full" for the Python "3.11"."""
    folder = _cache() / f"{kind}{python}"
    with locked(_cache() / f"{folder.name}.lock"):
        if not (folder / "done").exists():
            options = ["--kind", kind, "--out", str(folder), *(["--python", python] if python else [])]
            done = subprocess.run(
                [sys.executable, str(ROOT / "release" / "extension.py"), *options], capture_output=True, text=True
            )
            assert not done.returncode, f"The extension does not build:\n{done.stdout}{done.stderr}"
            (folder / "done").touch()
    return next(folder.glob("*.zip"))


@functools.cache
def python_of(version: str) -> str:
    """The Python inside that Blender, as "3.11"."""
    _, program = program_of(version)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "version.py"
        script.write_text("import sys; print('PYTHON', '%d.%d' % sys.version_info[:2])")
        done = subprocess.run(command(program, script), capture_output=True, text=True, timeout=120)
    return next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("PYTHON "))


@functools.cache
def installed(version: str, kind: str = "full") -> Path:
    """A user folder of that Blender with the zip installed by Blender's own call. Read only: runs get copies."""
    _, program = program_of(version)
    template = _cache() / f"user-{version}-{kind}"
    zipped = built_zip(kind, python_of(version) if kind == "full" else "")
    with locked(_cache() / f"{template.name}.lock"):
        if not (template / "installed").exists():
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir(parents=True)
            done = _run(program, _PREPARE + _INSTALL, [str(zipped)], template, 180.0)
            assert not done.returncode, f"Blender {version} does not install the zip:\n{done.stdout}{done.stderr}"
            shutil.rmtree(template / "tmp")
            (template / "installed").touch()
    return template


def fresh_user(version: str, folder: Path, kind: str = "full") -> Path:
    """A user folder of a test's own with the zip installed; ``kind`` "none": nothing is. Its files are links to the template's."""

    def copy(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    user = folder / f"user-{uuid.uuid4().hex[:8]}"
    if kind == "none":
        user.mkdir()
    else:
        os.utime(_cache())
        shutil.copytree(installed(version, kind), user, copy_function=copy)
    return user


def _run(program: str, script: str, arguments: list[str], user: Path, timeout: float, **extra: str) -> Finished:
    mark = uuid.uuid4().hex
    file = user / "tmp" / "script.py"
    env = {**environment(user, mark), **extra}
    file.write_text(script, encoding="utf-8")
    process = subprocess.Popen(
        command(program, file, *arguments),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end_leftovers(mark, grace_s=0.0)
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"The script did not end within {timeout:g} s.\n{out}\n{errors}") from None
    finally:
        left = end_leftovers(mark)
    done = Finished(process.args, process.returncode, out, errors)
    done.leftovers = left
    return done


def end_leftovers(mark: str, grace_s: float = 2.0) -> tuple[str, ...]:
    """End whatever a run started and that outlived it by ``grace_s`` seconds; their command lines."""
    import psutil

    def mine() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    until = time.monotonic() + grace_s
    while (left := mine()) and time.monotonic() < until:
        time.sleep(0.1)
    lines = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
            process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    return tuple(lines)


@pytest.fixture(params=VERSIONS)
def each_blender(request: pytest.FixtureRequest) -> str:
    """Every version that Declaim promises to work in, one after another; those that are not here are skipped."""
    return program_of(request.param)[0]


@pytest.fixture
def blender_python(tmp_path: Path) -> Iterator[BlenderPython]:
    """``blender_python(script, *arguments)`` runs ``script`` in a fresh Blender with the extension enabled.

    The script finds ``bpy``, ``EXTENSION`` (the module's full name) and its arguments in ``sys.argv[1:]``. Keywords:
    ``version`` ("4.2"; default: this environment's own Blender), ``timeout`` in seconds, ``enable=False`` to have the
    extension installed but not enabled, ``kind="slim"``, ``user`` (a folder of ``fresh_user`` to use again), ``check=False`` to
    be given failures too, ``env`` for more of the environment. Gives a CompletedProcess with ``json`` and ``leftovers``.
    """

    def run(
        script: str,
        *arguments: object,
        version: str | None = None,
        timeout: float = 120.0,
        enable: bool = True,
        kind: str = "full",
        user: Path | None = None,
        check: bool = True,
        env: dict[str, str] | None = None,
    ) -> Finished:
        version, program = program_of(version)
        user = user or fresh_user(version, tmp_path, kind)
        text = _PREPARE + (_ENABLE if enable else "") + script
        done = _run(program, text, [str(argument) for argument in arguments], user, timeout, **(env or {}))
        assert not (check and done.returncode), f"Exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    yield run
    for user in tmp_path.glob(
        "user-*"
    ):  # pytest keeps folders of past sessions; their links would keep old wheels on the disk
        shutil.rmtree(user, ignore_errors=True)
