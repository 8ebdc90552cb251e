"""``declaim plugins``: the list, and the check of one folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import DeclaimError, InputError
from ..plugins import registry
from ..plugins.manifest import read_manifest
from ..plugins.parameters import complete

if TYPE_CHECKING:
    from rich.console import Console


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """Every plugin that was found, the broken ones with their error."""

    rows: tuple[registry.Row, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"plugins": [describe(row) for row in self.rows]}

    def print(self, console: Console) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("id", "kind", "from", "what it does"):
            table.add_column(name, overflow="fold")
        for row in self.rows:
            if row.manifest:
                channels = f" ({', '.join(row.manifest.channels)})" if row.manifest.channels else ""
                table.add_row(row.id, row.manifest.kind, row.origin, Text(row.manifest.summary + channels))
            else:
                table.add_row(row.id, "broken", row.origin, Text(str(row.error), style="red"))
        console.print(table)


def describe(row: registry.Row) -> dict[str, Any]:
    """A plugin as JSON: the manifest's fields, or its id, folder and error."""
    base: dict[str, Any] = {"id": row.id, "origin": row.origin, "folder": str(row.folder)}
    if row.manifest is None:
        error = row.error
        assert error is not None
        return {**base, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    fields = dataclasses.asdict(row.manifest)
    return {**base, **{name: value for name, value in fields.items() if name not in ("folder", "package")}}


def listing() -> Listing:
    return Listing(rows=tuple(registry.find_plugins()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checked:
    """What checking a plugin showed, step by step."""

    folder: Path
    steps: tuple[tuple[str, str], ...]  # what was tried, and the error ("" where it went well)

    @property
    def failed(self) -> bool:
        return any(error for _, error in self.steps)

    def to_dict(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "ok": not self.failed,
            "steps": [{"step": s, "error": e} for s, e in self.steps],
        }

    def print(self, console: Console) -> None:
        for step, error in self.steps:
            console.print(f"  {'failed' if error else 'ok':7} {step}", markup=False)
            if error:
                console.print(f"          {error}", markup=False)


_FAILS = ("plugin.toml is sound", "it loads", "it performs", "the same seed gives the same take", "it closes")


def check(action: str, path: Path | None) -> Checked:
    """Try a plugin folder: its manifest, its import, its loading, and for a generator a short silent take."""
    if action != "check" or path is None:
        raise InputError(f'"declaim plugins {action}" is not a command.', hint="Write: declaim plugins check FOLDER")
    folder = path.resolve()
    steps: list[tuple[str, str]] = []
    try:
        # A plugin inside a package (ours, or an installed one) is loaded as the module that it is there.
        package = next(
            (row.manifest.package for row in registry.find_plugins() if row.manifest and row.folder == folder), ""
        )
        manifest = read_manifest(folder, package=package)
        steps.append((f"plugin.toml is sound: {manifest.kind} {manifest.id} {manifest.version}", ""))
        parameters = complete(manifest.id, manifest.parameters, {})
        if manifest.kind == "generator":
            from .trial import try_generator

            try_generator(manifest, parameters, steps)
        else:
            made = registry.instance(manifest)
            made.load(parameters)
            made.close()
            steps.append(("it loads", ""))
    except DeclaimError as error:
        steps.append((_FAILS[len(steps)], str(error)))
    except (Exception, SystemExit) as error:
        steps.append((_FAILS[len(steps)], f"{type(error).__name__}: {error}"))
    return Checked(folder=folder, steps=tuple(steps))
