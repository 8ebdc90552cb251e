"""Runs pip in a process of its own: ``python -I pip_child.py ARGUMENT ...``. Ends as soon as its standard input does.

Where this Python has no pip, the one that lies in ensurepip is used as it is: nothing of Blender's own is changed.
"""

import os
import runpy
import sys
import threading
from pathlib import Path


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _find_pip() -> None:
    try:
        import pip  # noqa: F401
    except ImportError:
        import ensurepip

        wheels = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
        sys.path[:0] = [str(wheel) for wheel in wheels]


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _find_pip()
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
