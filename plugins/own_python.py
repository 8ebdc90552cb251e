"""A generator that lives in an interpreter of its own (``python`` in its manifest): this side of the pipe.

The other side is ``own_python_host.py``. Messages are JSON lines; speech, clips and takes go through files in a folder that
both see, so nothing is ever unpickled. A cancelled or crashed generator costs its process, which is started anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.clip import MotionClip
from ..core.clip_file import load_clip, save_clip
from ..core.errors import ModelMissing, PluginError
from ..core.report import Report
from ..core.speech import Speech
from ..core.speech_file import speech_to_bytes
from ..core.typed_json import encoded, parsed
from .contracts import Brief
from .manifest import Manifest

_LAUNCHER = Path(__file__).resolve().parents[1] / "core" / "launch.py"
_POLL = 0.1  # s between looks at the report, so that a wish to stop is heard


class OwnPythonGenerator:
    """Stands in for a generator whose manifest names an interpreter."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._device = "cpu"
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._log: Any = None

    def load(self, device: str) -> None:
        self._device = device
        self._start()

    def generate(self, speech: Speech, briefs: Sequence[Brief], report: Report) -> list[MotionClip]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        with tempfile.TemporaryDirectory(prefix="declaim-plugin-") as name:
            folder = Path(name)
            (folder / "speech.npz").write_bytes(speech_to_bytes(speech))
            rows = [_row(brief, index, folder) for index, brief in enumerate(briefs)]
            self._send({"folder": name, "briefs": rows})
            try:
                while (message := self._next(report))["kind"] != "done":
                    if message["kind"] == "stage":
                        report.stage(message["text"], message["fraction"])
                    elif message["kind"] == "warn":
                        report.warn(message["text"])
            except BaseException:
                self._kill()  # its answer, if it comes, is not wanted any more
                raise
            return [load_clip(folder / f"take-{index}.npz") for index in range(message["takes"])]

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
        self._kill()

    def _start(self) -> None:
        self._kill()
        command = [_interpreter(self._manifest), "-I", str(_LAUNCHER), "declaim.plugins.own_python_host"]
        folder, entry = str(self._manifest.folder.resolve()), self._manifest.entry
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(
                [*command, folder, entry, self._device],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise PluginError(
                f"{command[0]}, which {self._manifest.title} asks for, could not be started: {reason}."
            ) from error
        self._messages = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._messages), daemon=True).start()
        self._next(None)

    def _next(self, report: Report | None) -> dict[str, Any]:
        """The next message. Raises PluginError for one that tells of a fault, and where the process has ended."""
        while True:
            try:
                message = self._messages.get(timeout=_POLL)
            except queue.Empty:
                if report is not None and report.cancelled:
                    report.stage("Stopping")  # raises Cancelled
                continue
            if message is None:
                raise PluginError(
                    f"The interpreter of {self._manifest.title} ended in the middle of its work{self._last_words()}"
                )
            if message["kind"] == "error":
                raise PluginError(
                    f"{self._manifest.title} failed: {message['text']}.", hint=f"The fault is in {self._manifest.folder}."
                )
            return message

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(f"{encoded(message)}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise PluginError(f"The interpreter of {self._manifest.title} has ended{self._last_words()}") from None

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return f" ({lines[-1][:300]})." if lines else "."

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None


def _interpreter(manifest: Manifest) -> str:
    """The manifest's interpreter: a path (relative to the plugin's folder) or a name on the path."""
    beside = manifest.folder / Path(manifest.python).expanduser()
    found = str(beside) if beside.is_file() else shutil.which(manifest.python)
    if found is None:
        raise ModelMissing(
            f"{manifest.title} asks for the interpreter {manifest.python}, which is not there.",
            hint=f"Make that environment, or correct python in {manifest.folder / 'plugin.toml'}.",
        )
    return found


def _row(brief: Brief, index: int, folder: Path) -> dict[str, Any]:
    """A brief as plain JSON, its clips written beside."""
    clips = {
        "start": brief.start_pose,
        "end": brief.end_pose,
        **{f"pin{n}": pin.clip for n, pin in enumerate(brief.pinned)},
    }
    for name, clip in clips.items():
        if clip is not None:
            save_clip(clip, folder / f"{name}-{index}.npz")
    direction = dataclasses.asdict(brief.direction)
    for name in ("emphasis", "gestures"):  # JSON has texts for keys only
        direction[name] = [[word, value] for word, value in direction[name].items()]
    direction["muted"], direction["reserved"] = sorted(direction["muted"]), sorted(direction["reserved"])
    return {
        "fps": brief.fps,
        "seed": brief.seed,
        "body": None if brief.body.path is None else str(brief.body.path.resolve()),
        "betas": [float(value) for value in brief.betas],
        "parameters": dict(brief.parameters),
        "direction": direction,
        "start": brief.start_pose is not None,
        "end": brief.end_pose is not None,
        "pins": [pin.start for pin in brief.pinned],
    }


def _read(process: subprocess.Popen[bytes], messages: queue.Queue[dict[str, Any] | None]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            messages.put(parsed(line))
    messages.put(None)
