"""Writes addon/plugins.json, Declaim's own plugins as its engine describes them: ``python release/bundled_plugins.py``.

The add-on draws sliders from it before any engine ran. A test keeps it equal to the manifests.
"""

from __future__ import annotations

import json
from pathlib import Path

from declaim import __version__
from declaim.core import wire
from declaim.core.typed_json import encoded
from declaim.inference.routes import plugin_info
from declaim.plugins.registry import find_plugins

TARGET = Path(__file__).resolve().parent.parent / "addon" / "plugins.json"


def text() -> str:
    """What the file has to hold."""
    rows = tuple(plugin_info(row) for row in find_plugins() if row.origin == "built-in")
    plain = json.loads(encoded(wire.Plugins(plugins=rows)))
    return json.dumps({"version": __version__, **plain}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8", newline="\n")
