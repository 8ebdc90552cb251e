"""How the engine is reached: what is started, with which folders and settings, or where it is already."""

from __future__ import annotations

import dataclasses
import functools
import importlib.machinery
import os
import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import DeclaimError, EngineError
from . import engine_cache, places, preferences

_LOG_BYTES = 4 << 20
_LOGS = 5  # of this many Blenders; older ones are removed
_PARTS = ("numpy", "uvicorn", "fastapi", "soundfile")  # without these there is no engine
_LIBRARIES = ("site-packages", "dist-packages")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Read on the main thread, carried out on another."""

    log: Path
    notes: Path  # where the list of plugins is kept
    url: str = ""  # an engine elsewhere; otherwise one is started
    token: str = dataclasses.field(default="", repr=False)
    python: str = ""
    paths: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # of inference.server.ServeOptions
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)  # beside Blender's own
    problem: DeclaimError | None = dataclasses.field(default=None, compare=False)  # why it cannot be carried out


def plan() -> Plan:
    """What the preferences ask for now. Main thread only."""
    chosen = preferences.get()
    try:
        folder = _folder()
    except OSError as error:
        return Plan(log=Path(), notes=Path(), problem=_no_folder(error))
    log, notes = log_file(), notes_file()
    if chosen.engine_source == "URL":
        url = chosen.engine_url.strip()
        return Plan(log=log, notes=notes, url=url, token=chosen.engine_token.strip(), problem=_unreachable(url))
    paths = folders()
    environment = {"DECLAIM_PLUGINS": os.pathsep.join(_plugin_folders(chosen))}
    model = preferences.model_folder(chosen)
    if model is not None:
        environment["VOSK_MODEL_PATH"] = str(model)
    return Plan(
        log=log,
        notes=notes,
        python=interpreter(),
        paths=paths,
        options={
            "token_file": str(folder / "token"),
            "cache_folder": str(engine_cache.folder()),
            "cache_bytes": int(chosen.cache_gb * (1 << 30)),
            "log_bytes": _LOG_BYTES,
        },
        environment=environment,
        problem=_parts_missing(paths),
    )


def log_file() -> Path:
    """Each Blender has its own."""
    try:
        return _folder() / f"engine-{os.getpid()}.log"
    except OSError:
        return Path()


def notes_file() -> Path:
    """The list of plugins that an engine last gave."""
    try:
        return _folder() / "plugins.json"
    except OSError:
        return Path()


# Looked up once: every look at the disk lets go of Python's lock, and while an engine starts its threads are keen on it.
@functools.cache
def _folder() -> Path:
    return places.folder("engine")


@functools.cache
def interpreter() -> str:
    """The Python that Blender brings (or, for the bpy wheel and distributions' Blenders, that it runs in)."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    names = ("python.exe",) if sys.platform == "win32" else (name, "python3")
    found = [Path(sys.executable)] if sys.executable else []
    found += [
        Path(root, *folder, n)
        for root in (sys.exec_prefix, sys.base_exec_prefix)
        for folder in (("bin",), ())
        for n in names
    ]
    for path in found:
        if path.is_file() and str(path) != bpy.app.binary_path:
            return str(path)
    return sys.executable


def folders() -> tuple[str, ...]:
    """Where the engine's libraries may lie: Blender's own, the extension's wheels, what Set Up Engine has fetched."""
    packages = _packages_folder()
    return _libraries(tuple(sys.path), str(packages) if packages is not None else "")


@functools.lru_cache(maxsize=4)
def _libraries(entries: tuple[str, ...], packages: str) -> tuple[str, ...]:
    found = [entry for entry in entries if Path(entry).name in _LIBRARIES]
    numpy = importlib.machinery.PathFinder.find_spec("numpy", list(entries))  # in unusual Blenders it lies somewhere else
    if numpy is not None and numpy.origin:
        found.append(str(Path(numpy.origin).parents[1]))
    return tuple(dict.fromkeys([*found, packages] if packages else found))


def remove_old_logs(log: Path) -> None:
    """Keep the logs of the last few Blenders. May run in a thread."""
    try:
        logs = sorted(log.parent.glob("engine-*.log"), key=lambda path: path.stat().st_mtime)
        for path in logs[:-_LOGS]:
            if path != log:
                path.unlink()
    except OSError:
        return


def _packages_folder() -> Path | None:
    try:
        from . import engine_setup
    except ImportError:
        return None
    folder = engine_setup.packages_folder()
    return Path(folder) if folder else None


def _plugin_folders(chosen: Any) -> list[str]:
    named = os.environ.get("DECLAIM_PLUGINS", "").split(os.pathsep)
    own = bpy.path.abspath(chosen.plugins_folder) if chosen.plugins_folder else ""
    return [part for part in (own, *named) if part]


_complete: set[tuple[str, ...]] = set()  # folders that were seen to hold all parts


def _parts_missing(paths: tuple[str, ...]) -> EngineError | None:
    if paths in _complete:
        return None
    missing = [name for name in _PARTS if importlib.machinery.PathFinder.find_spec(name, list(paths)) is None]
    if not missing:
        _complete.add(paths)
        return None
    return EngineError(
        f"The engine's parts are not installed ({', '.join(missing)}).",
        hint="Press Set Up Engine in the preferences, or connect to an engine elsewhere.",
        code="engine_missing",
    )


def _no_folder(error: OSError) -> EngineError:
    return EngineError(
        f"Declaim cannot write to its own folder: {(error.strerror or str(error)).lower()}.",
        hint="Check the free space and the permissions of Blender's user folder.",
    )


def _unreachable(url: str) -> EngineError | None:
    if not url:
        return EngineError("No engine's address is given.", hint="Enter it in the preferences, or use the engine here.")
    try:
        host = urllib.parse.urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    except ValueError:
        host = ""  # no address at all: said when it is used
    here = not host or host == "localhost" or host.startswith("127.") or host == "::1"
    if here or getattr(bpy.app, "online_access", True):
        return None
    return EngineError(
        f"The engine at {url} is on another computer, and Blender's online access is off.",
        hint="Tick Allow Online Access in Preferences > System.",
        code="offline",
    )
