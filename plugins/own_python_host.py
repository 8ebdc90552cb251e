"""The other side of ``own_python.py``: runs in the plugin's own interpreter, which needs numpy and whatever the plugin does."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ..core.body import load_body
from ..core.clip_file import load_clip, save_clip
from ..core.errors import DeclaimError
from ..core.speech_file import speech_from_bytes
from .contracts import Brief, Direction, Pin, StyledRange
from .registry import load_class


class _Pipe:
    """The two pipes, kept from the plugin: what it prints goes to the log."""

    def __init__(self) -> None:
        self.orders: IO[bytes] = os.fdopen(os.dup(0), "rb")
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, kind: str, **fields: Any) -> None:
        with self._lock:
            self._out.write(json.dumps({"kind": kind, **fields}).encode() + b"\n")
            self._out.flush()

    # --- the Report that the plugin sees; a cancelled take ends with this process ---

    def stage(self, text: str, fraction: float = 0.0) -> None:
        self.send("stage", text=text, fraction=float(fraction))

    def warn(self, text: str) -> None:
        self.send("warn", text=text)

    @property
    def cancelled(self) -> bool:
        return False


def main(arguments: Sequence[str]) -> None:
    """``arguments``: the plugin's folder, its entry, the device."""
    folder, entry, device = arguments
    pipe = _Pipe()
    lines: list[bytes] = []
    arrived = threading.Semaphore(0)
    threading.Thread(target=_listen, args=(pipe, lines, arrived), daemon=True).start()
    try:
        generator = load_class(Path(folder), entry)()
        generator.load(device)
        pipe.send("ready")
        while True:
            arrived.acquire()
            _generate(generator, json.loads(lines.pop(0)), pipe)
    except DeclaimError as error:
        pipe.send("error", text=str(error).rstrip("."))
    except Exception as error:
        pipe.send("error", text=f"{type(error).__name__}: {error}")
    sys.exit(1)


def _listen(pipe: _Pipe, lines: list[bytes], arrived: threading.Semaphore) -> None:
    for line in pipe.orders:
        lines.append(line)
        arrived.release()
    os._exit(0)  # Declaim has closed the pipe, or is gone


def _generate(generator: Any, order: dict[str, Any], pipe: _Pipe) -> None:
    folder = Path(order["folder"])
    speech = speech_from_bytes((folder / "speech.npz").read_bytes())
    briefs = [_brief(row, index, folder) for index, row in enumerate(order["briefs"])]
    clips = generator.generate(speech, briefs, pipe)
    for index, clip in enumerate(clips):
        save_clip(clip, folder / f"take-{index}.npz")
    pipe.send("done", takes=len(clips))


def _brief(row: dict[str, Any], index: int, folder: Path) -> Brief:
    import numpy as np

    direction = row["direction"]
    return Brief(
        fps=row["fps"],
        seed=row["seed"],
        body=load_body(None if row["body"] is None else Path(row["body"])),
        betas=np.array(row["betas"], dtype=np.float32),
        parameters=row["parameters"],
        direction=Direction(
            emphasis=dict(direction["emphasis"]),
            muted=frozenset(direction["muted"]),
            reserved=frozenset(direction["reserved"]),
            gestures=dict(direction["gestures"]),
            styles=tuple(StyledRange(**style) for style in direction["styles"]),
        ),
        start_pose=load_clip(folder / f"start-{index}.npz") if row["start"] else None,
        end_pose=load_clip(folder / f"end-{index}.npz") if row["end"] else None,
        pinned=tuple(
            Pin(start=start, clip=load_clip(folder / f"pin{n}-{index}.npz")) for n, start in enumerate(row["pins"])
        ),
    )
