"""A running engine for the tests that drive one, with a plugin that makes trouble on request."""

from __future__ import annotations

import dataclasses
import io
import os
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from declaim.core.client import EngineClient
from declaim.core.engine_process import EngineProcess, engine_command
from declaim.core.skeleton import CHANNELS
from declaim.core.wire import PerformRequest

TROUBLE = Path(__file__).parents[1] / "data" / "plugins_in_trouble"


def beep(seconds: float = 1.0, *, pitch: float = 220.0) -> bytes:
    """A wav file."""
    samples = np.sin(2 * np.pi * pitch * np.arange(round(seconds * 16000)) / 16000)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((samples * 12000).astype("<i2").tobytes())
    return buffer.getvalue()


def trouble(act: str = "well", *, note: str = "", **changes: Any) -> PerformRequest:
    """A request that the plugin answers with ``act``."""
    parameters = {"trouble": {"act": act, "note": note}}
    return PerformRequest(generators=dict.fromkeys(CHANNELS, "trouble"), parameters=parameters, **changes)


def until(condition: Callable[[], bool], *, within: float) -> bool:
    """Whether ``condition`` came true within so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """Where engines of a test run: their folders, and how to start one."""

    folder: Path
    environment: dict[str, str]

    def command(self, **options: Any) -> list[str]:
        return engine_command(
            {"token_file": str(self.folder / "token"), "cache_folder": str(self.folder / "cache"), **options}
        )

    def start(self, **options: Any) -> EngineProcess:
        return EngineProcess.start(self.command(**options), log=self.folder / "log", env=self.environment)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def jobs_on_disk(self) -> int:
        """Folders of jobs that running engines hold."""
        return len(list((self.folder / "tmp").glob("declaim-engine-*/*")))

    @property
    def left_behind(self) -> list[str]:
        """The engines' temporary folders that are still there."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())


def new_stage(folder: Path) -> Stage:
    (folder / "tmp").mkdir()
    temporary = {name: str(folder / "tmp") for name in ("TMPDIR", "TEMP", "TMP")}
    environment = {**os.environ, **temporary, "DECLAIM_PLUGINS": str(TROUBLE), "OMP_NUM_THREADS": "1"}
    return Stage(folder=folder, environment=environment)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return new_stage(tmp_path)


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return new_stage(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def engine(shared_stage: Stage) -> Iterator[EngineProcess]:
    """One engine for a module's tests."""
    with shared_stage.start(upload_bytes=4 << 20, duration_s=30.0, queue=3) as running:
        yield running


@pytest.fixture
def client(engine: EngineProcess) -> EngineClient:
    return engine.client()


def family(pid: int) -> list[psutil.Process]:
    """A process and all that came from it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
