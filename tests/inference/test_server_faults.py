"""A plugin that raises, exits, hangs or kills its process costs one job, never the engine."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import psutil
import pytest

from declaim.core import wire
from declaim.core.client import EngineClient
from declaim.core.engine_process import EngineProcess
from declaim.core.errors import AudioError, DeclaimError, EngineError, ExportError, PluginError

from .conftest import TROUBLE, Stage, beep, trouble, until


def _performs(client: EngineClient, seed: int) -> None:
    """The next job works, with no help from the cache."""
    assert client.wait(client.submit(beep(), trouble(seeds=(seed,)))) == wire.Done(takes=1)


@pytest.mark.parametrize(
    ("act", "kind", "code", "said"),
    [
        ("raise", PluginError, "plugin_failed", "Trouble failed: ValueError: the moon is not full."),
        ("out_of_memory", PluginError, "plugin_failed", "Trouble failed: MemoryError"),
        ("exit", PluginError, "plugin_failed", "Trouble failed: SystemExit: I am leaving."),
        ("abort", EngineError, "worker_died", 'at the stage "Aborting"'),
        ("vanish", EngineError, "worker_died", 'ended unexpectedly (exit code 0) at the stage "Vanishing"'),
    ],
)
def test_a_plugin_that_fails_costs_one_job(
    client: EngineClient, act: str, kind: type[DeclaimError], code: str, said: str
) -> None:
    job = client.submit(beep(), trouble(act))
    following = client.submit(beep(), trouble(seeds=(sum(act.encode()), 100)))
    with pytest.raises(kind) as caught:
        client.wait(job)
    assert caught.value.code == code
    assert said in caught.value.message
    assert caught.value.hint
    state = client.job(job)
    assert state.state == "failed"
    assert state.error == wire.ErrorInfo.of(caught.value)
    with pytest.raises(EngineError, match="it has no clip"):
        client.clip(job)
    assert client.wait(following) == wire.Done(takes=2)


@pytest.mark.parametrize(("act", "stage_text"), [("hang", "Hanging"), ("hang_native", "Hanging in native code")])
def test_a_plugin_that_hangs_is_ended_by_cancel(
    client: EngineClient, engine: EngineProcess, act: str, stage_text: str
) -> None:
    job = client.submit(beep(), trouble(act))
    assert until(lambda: client.job(job).stage == stage_text, within=10)
    worker = psutil.Process(engine.pid).children()[0]
    began = time.monotonic()
    assert client.cancel(job).state == "cancelled"
    assert 0.4 < time.monotonic() - began < 1.5
    assert not worker.is_running()
    _performs(client, 200 + len(act))


def test_children_of_a_plugin_end_with_its_worker(client: EngineClient, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    job = client.submit(beep(), trouble("offspring", note=str(note)))
    assert until(lambda: client.job(job).stage == "Hanging", within=10)
    child = psutil.Process(int(note.read_text()))
    client.cancel(job)
    assert until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, within=2)


def test_a_worker_that_heeds_stays_warm(client: EngineClient, engine: EngineProcess) -> None:
    _performs(client, 300)
    worker = psutil.Process(engine.pid).children()[0]
    job = client.submit(beep(), trouble("slow"))
    assert until(lambda: client.job(job).stage == "Taking its time", within=10)
    assert client.cancel(job).state == "cancelled"
    _performs(client, 301)
    assert psutil.Process(engine.pid).children() == [worker]


def test_a_worker_killed_between_jobs_is_replaced(client: EngineClient, engine: EngineProcess) -> None:
    _performs(client, 310)
    psutil.Process(engine.pid).children()[0].kill()
    assert until(lambda: client.health().worker == "none", within=2)
    _performs(client, 311)


def test_what_libraries_print_does_no_harm(client: EngineClient) -> None:
    job = client.submit(beep(), trouble("print"))
    assert client.wait(job) == wire.Done(takes=1)


def test_an_edited_plugin_is_used_at_once(stage: Stage, tmp_path: Path) -> None:
    shutil.copytree(TROUBLE, tmp_path / "plugins")
    source = tmp_path / "plugins" / "trouble" / "trouble.py"
    stage.environment["DECLAIM_PLUGINS"] = str(tmp_path / "plugins")
    with stage.start() as engine:
        client = engine.client()
        job = client.submit(beep(), trouble())
        assert client.wait(job) == wire.Done(takes=1)
        before = client.clip(job)
        source.write_text(source.read_text().replace("0.1 * np.random", "0.2 * np.random"))
        job = client.submit(beep(), trouble())
        assert client.wait(job) == wire.Done(takes=1)
        assert client.clip(job).poses.max() == pytest.approx(2 * before.poses.max())


def test_the_engine_has_limits_of_time(stage: Stage) -> None:
    with stage.start(job_s=1.0, duration_s=2.0) as engine:
        client = engine.client()
        for act in ("hang", "slow"):
            with pytest.raises(EngineError, match="stopped after 1 seconds") as caught:
                client.wait(client.submit(beep(), trouble(act)))
            assert caught.value.code == "time_limit"
        with pytest.raises(AudioError, match="limit of 2 seconds"):
            client.wait(client.submit(beep(2.5), trouble()))
        _performs(client, 1)


@pytest.mark.skipif(os.name != "posix", reason="a limit on file sizes stands for the full disk")
def test_a_full_disk_fails_jobs_only(stage: Stage) -> None:
    command = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh", *stage.command()]  # blocks of 512 or 1024 bytes
    with EngineProcess.start(command, log=stage.folder / "log", env=stage.environment) as engine:
        client = engine.client()
        with pytest.raises(EngineError, match="cannot store the voice: file too large") as caught:
            client.submit(beep(10), trouble())
        assert caught.value.code == "disk_full"
        assert stage.jobs_on_disk == 0
        job = client.submit(beep(3), trouble(fps=240.0))
        with pytest.raises(ExportError, match="could not be written"):
            client.wait(job)
        _performs(client, 1)
