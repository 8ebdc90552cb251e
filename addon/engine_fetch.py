"""Fetching the engine's packages: which, and the run of pip that brings them into a folder of our own."""

from __future__ import annotations

import functools
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from bpy.app.translations import pgettext_rpt as rpt_

from ..core.errors import Cancelled, EngineError
from . import places, status

_LINES_KEPT = 40  # of pip's, for the reason of a failure
_ABANDONED_S = 3600.0  # an incomplete folder that nothing was added to for so long is nobody's


@functools.cache
def parts() -> dict[str, tuple[str, float]]:
    """What the engine needs: name to version and size in MB."""
    import tomllib

    table = tomllib.loads(Path(__file__).with_name("engine_wheels.toml").read_text(encoding="utf-8"))
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    rows = {**table["wheels"], **table.get(f"wheels-{system}", {})}
    return {name: (str(version), float(size)) for name, (version, size) in rows.items()}


def megabytes() -> float:
    return sum(size for _, size in parts().values())


def target() -> Path:
    """Where the packages go: another Blender may have another Python."""
    return places.folder("engine-packages") / f"python{sys.version_info.major}.{sys.version_info.minor}"


class Fetch:
    """One run of pip, from its start to a folder that is complete or not there. Main thread, but for the listening."""

    def __init__(self, wheels: Path | None, target: Path) -> None:
        from . import engine_plan

        self.target = target
        self._wheels = wheels
        self._partial = self.target.with_name(f"{self.target.name}.{os.getpid()}.tmp")
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._kept: list[str] = []
        self._done = 0.0  # MB
        _remove_old(target.parent)
        command = [engine_plan.interpreter(), "-I", str(Path(__file__).with_name("pip_child.py")), *self._pip()]
        try:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"},  # it would refuse any folder
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise EngineError(
                f"Blender's Python cannot be started ({(error.strerror or str(error)).lower()}).",
                hint="Install the full extension instead.",
            ) from None
        self._listener = threading.Thread(target=self._listen, name="declaim-set-up", daemon=True)
        self._listener.start()

    def step(self) -> bool:
        """Tell how far it is; True once all is in place. Raises DeclaimError; Cancelled where the artist stopped it."""
        if status.STATUS.cancel_wanted:
            raise Cancelled()
        code = self._process.poll()
        if code is not None:
            self._listener.join(1.0)  # its last words are the reason
        while not self._lines.empty():
            self._tell(self._lines.get().strip())
        if code is None:
            return False
        if code:
            raise _failed(self._kept, self._wheels)
        self._put_in_place()
        return True

    def close(self) -> None:
        """End pip, wherever it is, and remove what is incomplete."""
        if self._process.stdin is not None:
            self._process.stdin.close()  # tells it to end
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._partial, ignore_errors=True)

    def _pip(self) -> list[str]:
        options = ["install", "--no-deps", "--target", str(self._partial), "--no-user", "--no-input"]
        options += ["--disable-pip-version-check", "--progress-bar", "off", "--no-warn-script-location", "--prefer-binary"]
        if self._wheels is not None:
            options += ["--no-index", "--find-links", str(self._wheels)]
        return [*options, *(f"{name}=={version}" for name, (version, _) in parts().items())]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _tell(self, line: str) -> None:
        self._kept = [*self._kept[-_LINES_KEPT:], line] if line else self._kept
        verb, _, rest = line.partition(" ")
        name = rest.partition("==")[0] if verb == "Collecting" else _named(rest)
        if verb in ("Collecting", "Processing") and name in parts():
            status.stage(rpt_("Fetching {name}").format(name=name), 0.9 * self._done / megabytes())
            self._done += parts()[name][1]
        elif verb == "Installing":
            status.stage(rpt_("Unpacking the engine's parts"), 0.95)

    def _put_in_place(self) -> None:
        from . import engine

        engine.HOST.stop(wait=True)  # it may hold files of the folder open
        old = self.target.with_name(f"{self.target.name}.old.tmp")
        try:
            shutil.rmtree(old, ignore_errors=True)
            if self.target.exists():
                self.target.rename(old)
            self._partial.rename(self.target)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise EngineError(
                f"The engine's parts cannot be put into {self.target} ({(error.strerror or str(error)).lower()}).",
                hint="Check the folder's permissions and the free space, then try again.",
            ) from None


def _remove_old(folder: Path) -> None:
    """What a Blender that ended during a set-up has left."""
    for path in folder.glob("*.tmp"):
        if time.time() - path.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def _named(wheel: str) -> str:
    """The package of a wheel's file."""
    stem = Path(wheel).name.partition("-")[0]
    return next((name for name in parts() if name.replace("-", "_") == stem), "")


def _failed(lines: list[str], wheels: Path | None) -> EngineError:
    """Why pip gave up, out of what it said."""
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    absent = next((line.split("requirement ")[1].split()[0] for line in errors if "satisfies the requirement " in line), "")
    package = f"{absent.replace('==', ' ')} for Python {sys.version_info.major}.{sys.version_info.minor}"
    if absent and wheels is not None:
        return EngineError(
            f"{wheels} holds no wheel of {package} on this system.",
            hint="Fill it as docs/extension.md says, or leave the field empty to fetch from the internet.",
        )
    if absent or any("connection" in line.lower() for line in lines):
        what = f"has no {package}" if absent else "broke the connection"
        return EngineError(
            f"The package registry cannot be reached, or {what}.",
            hint="Check the connection, choose a folder of wheels, or install the full extension.",
        )
    text = (errors or lines or ["pip did not start"])[0].rstrip(".")
    return EngineError(f"The engine could not be set up: {text}.", hint="Install the full extension instead.")
