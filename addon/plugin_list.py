"""The list of plugins that an engine last gave, kept on disk, so that sliders are there before an engine runs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..core.errors import DeclaimError

if TYPE_CHECKING:
    from ..core.wire import PluginInfo

_BUNDLED = Path(__file__).with_name("plugins.json")  # what the engine of this version brings


def plain(plugins: tuple[PluginInfo, ...]) -> tuple[dict[str, Any], ...]:
    """The fields of core.wire.PluginInfo as JSON has them."""
    return tuple(json.loads(json.dumps([dataclasses.asdict(plugin) for plugin in plugins])))


def kept(notes: Path) -> tuple[dict[str, Any], ...]:
    """The list in ``notes`` where this version wrote it, or else the bundled one."""
    return _read(notes) or _read(_BUNDLED)


def keep(notes: Path, plugins: tuple[dict[str, Any], ...]) -> None:
    """Never fails: a list that cannot be kept is fetched again."""
    from ..core.files import replacing

    text = json.dumps({"version": __version__, "plugins": plugins}, indent=1)
    with contextlib.suppress(OSError, DeclaimError), replacing(notes) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _read(path: Path) -> tuple[dict[str, Any], ...]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] == __version__ and all(isinstance(row["id"], str) for row in data["plugins"]):
            return tuple(data["plugins"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return ()
