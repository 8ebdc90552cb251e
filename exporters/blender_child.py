"""The script that Blender runs: ``blender --python blender_child.py -- JOB`` or ``python blender_child.py -- JOB``.

It loads the folder that it lies in as the package ``declaim``, for Blender's Python has no such package installed and
putting a folder on the path would expose whatever else lies there.
"""

import importlib.util
import os
import sys
from pathlib import Path


def main() -> None:
    folder = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "declaim", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["declaim"] = package
    spec.loader.exec_module(package)
    work = importlib.import_module("declaim.exporters.blender_work")
    code = work.run(Path(sys.argv[sys.argv.index("--") + 1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is on disk; Blender's own way out takes seconds and may crash in graphics drivers


main()
