"""Start one of our modules in a fresh Python: ``python -I launch.py [--path FOLDER ...] MODULE [ARGUMENT ...]``.

Loads the folder above as the package ``declaim`` whether or not it is installed: inside Blender it is an extension
under another name, and its parent folder must stay off the path, where it would expose every other extension. The
module's ``main`` is called with the arguments. ``--path`` folders are searched last.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "declaim"


def command(module: str, *arguments: str) -> list[str]:
    """The command line that starts ``declaim.<module>`` with this interpreter and what it can import."""
    here = Path(__file__).resolve()
    folders = [entry for entry in sys.path if entry and Path(entry).exists() and Path(entry).resolve() != here.parent]
    paths = [part for folder in folders for part in ("--path", folder)]
    return [sys.executable, "-I", str(here), *paths, f"{PACKAGE}.{module}", *arguments]


def load_package() -> None:
    """Make the folder above importable as ``declaim``."""
    folder = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> None:
    arguments = sys.argv[1:]
    while arguments[:1] == ["--path"]:
        if arguments[1] not in sys.path:
            sys.path.append(arguments[1])
        arguments = arguments[2:]
    load_package()
    importlib.import_module(arguments[0]).main(arguments[1:])


if __name__ == "__main__":
    main()
