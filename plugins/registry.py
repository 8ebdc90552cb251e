"""Finding plugins, and loading the one that is asked for. Finding imports nothing of theirs."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from ..core.errors import DeclaimError, ModelMissing, PluginError
from .contracts import Generator, Transcriber
from .manifest import Kind, Manifest, read_manifest
from .own_python import OwnPythonGenerator

Origin = Literal["built-in", "installed", "user"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A plugin that was found: its manifest, or the error that keeps it from working."""

    origin: Origin
    folder: Path
    manifest: Manifest | None
    error: PluginError | None = None

    @property
    def id(self) -> str:
        return self.manifest.id if self.manifest else self.folder.name


def user_folders() -> list[Path]:
    """Where users put plugins: the folders in ``DECLAIM_PLUGINS``, then their own plugin folder."""
    import platformdirs

    named = [Path(part) for part in os.environ.get("DECLAIM_PLUGINS", "").split(os.pathsep) if part]
    return [*named, Path(platformdirs.user_data_dir("declaim", appauthor=False)) / "plugins"]


def find_plugins() -> list[Row]:
    """Every plugin: ours, then those of installed packages (entry-point group ``declaim.plugins``), then the user's.

    A broken one is a row with its error. A second plugin of the same kind and id is such a row too: the first counts.
    """
    rows: list[Row] = []
    taken: set[tuple[str, str]] = set()
    for origin, folder, package in _places():
        row = _row(origin, folder, package)
        if row.manifest is not None:
            key = (row.manifest.kind, row.manifest.id)
            if key in taken:
                error = PluginError(
                    f'{folder}: there is another {row.manifest.kind} called "{row.manifest.id}".',
                    hint="Change the id of one of them.",
                )
                row = dataclasses.replace(row, manifest=None, error=error)
            taken.add(key)
        rows.append(row)
    return rows


def _places() -> Iterator[tuple[Origin, Path, str]]:
    for folder in _plugin_folders(Path(__file__).parent):
        yield "built-in", folder, f"{__package__}.{folder.name}"
    for point in sorted(entry_points(group="declaim.plugins"), key=lambda point: point.name):
        # The entry point's value is the package whose folder holds plugin.toml; found without importing it.
        spec = importlib.util.find_spec(point.module.split(".")[0])
        for root in (spec.submodule_search_locations or ()) if spec else ():
            yield "installed", Path(root, *point.module.split(".")[1:]), point.module
    for parent in user_folders():
        if (parent / "plugin.toml").is_file():
            yield "user", parent, ""
        elif parent.is_dir():
            for folder in _plugin_folders(parent):
                yield "user", folder, ""


def _plugin_folders(parent: Path) -> Iterable[Path]:
    return sorted(folder for folder in parent.iterdir() if (folder / "plugin.toml").is_file())


def _row(origin: Origin, folder: Path, package: str) -> Row:
    try:
        return Row(origin=origin, folder=folder, manifest=read_manifest(folder, package=package))
    except PluginError as error:
        return Row(origin=origin, folder=folder, manifest=None, error=error)


def find(kind: Kind, plugin_id: str) -> Manifest:
    """The plugin of that kind and id. Raises PluginError, naming the near ones or why it is broken."""
    rows = find_plugins()
    for row in rows:
        if row.manifest and row.manifest.kind == kind and row.manifest.id == plugin_id:
            return row.manifest
    for row in rows:
        if row.error and row.folder.name == plugin_id:
            raise row.error
    names = [row.manifest.id for row in rows if row.manifest and row.manifest.kind == kind]
    near = difflib.get_close_matches(plugin_id, names, n=3)
    raise PluginError(
        f'There is no {kind} called "{plugin_id}".',
        hint=f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(names)}; see `declaim plugins`.",
        code="unknown_plugin",
    )


def load_class(folder: Path, entry: str, *, package: str = "") -> Any:
    """Import what ``entry`` ("module:Class") names, from ``package`` or else from the plugin's folder."""
    module_name, _, class_name = entry.partition(":")
    module = importlib.import_module(f"{package}.{module_name}") if package else _from_path(folder, module_name)
    return getattr(module, class_name)


def _from_path(folder: Path, module_name: str) -> Any:
    """Import ``module_name`` from a folder that is no installed package, under a package name of its own."""
    name = "declaim_plugin_" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    if name not in sys.modules:
        init = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, init if init.is_file() else None, submodule_search_locations=[str(folder)]
        ) or importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        try:
            if spec.loader:
                spec.loader.exec_module(package)
        except BaseException:
            del sys.modules[name]
            raise
    return importlib.import_module(f"{name}.{module_name}")


def instance(manifest: Manifest) -> Any:
    """Import a plugin and construct its class. Raises PluginError or ModelMissing in one sentence."""
    check_weights(manifest)
    try:
        return load_class(manifest.folder, manifest.entry, package=manifest.package)()
    except DeclaimError:
        raise
    except ImportError as error:
        hint = f"Install it with: pip install 'declaim[{manifest.extra}]'" if manifest.extra else "Install what it needs."
        raise ModelMissing(f"{manifest.title} cannot be loaded: {error}.", hint=hint) from error
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{manifest.title} cannot be loaded: {error}.", hint=f"The fault is in {manifest.folder}."
        ) from error


def check_weights(manifest: Manifest) -> None:
    """Raise ModelMissing where a weights file is absent or differs from its sha256."""
    for row in manifest.weights:
        path = manifest.folder / row.file
        if not path.is_file():
            raise ModelMissing(
                f"{manifest.title} misses its weights {row.file}.", hint=f"Put the file into {manifest.folder}."
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != row.sha256:
            raise ModelMissing(f"The weights {path} are not the ones the plugin names.", hint="Get the file again.")


def generator(manifest: Manifest) -> Generator:
    """The generator itself, or its stand-in where it lives in an interpreter of its own."""
    if manifest.python:
        check_weights(manifest)
        return OwnPythonGenerator(manifest)
    made = instance(manifest)
    if not isinstance(made, Generator):
        raise PluginError(f"{manifest.title} is no generator: its class lacks load, generate or close.")
    return made


def transcriber(manifest: Manifest) -> Transcriber:
    made = instance(manifest)
    if not isinstance(made, Transcriber):
        raise PluginError(f"{manifest.title} is no transcriber: its class lacks load, transcribe or close.")
    return made
