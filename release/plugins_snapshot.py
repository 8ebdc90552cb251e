"""Writes addon/plugins.json: the built-in plugins as an engine lists them, for the sliders of a Blender that has not run one yet.

Run it after a change to a built-in plugin.toml or to the version: ``python -m release.plugins_snapshot`` in the environment
of ``make setup``. A test compares the file with the manifests.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from declaim import __version__
from declaim.inference.routes import _plugin_info
from declaim.plugins.registry import find_plugins

SNAPSHOT = Path(__file__).resolve().parent.parent / "addon" / "plugins.json"


def text() -> str:
    rows = [dataclasses.asdict(_plugin_info(row)) for row in find_plugins() if row.origin == "built-in"]
    return json.dumps({"version": __version__, "plugins": rows}, indent=1) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text(), encoding="utf-8", newline="\n")
