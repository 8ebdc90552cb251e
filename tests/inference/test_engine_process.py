"""The engine as a process: how it starts, that it ends, and that nothing is left running or lying about."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from declaim.core import wire
from declaim.core.client import EngineClient
from declaim.core.engine_process import EngineProcess
from declaim.core.errors import Cancelled, EngineError

from .conftest import Stage, beep, family, trouble, until

posix = pytest.mark.skipif(os.name != "posix", reason="signals and mode bits are POSIX's")


def _busy(engine: EngineProcess, act: str = "hang", stage_text: str = "Hanging") -> tuple[EngineClient, str]:
    """The engine with a job that will not end."""
    client = engine.client()
    job = client.submit(beep(), trouble(act))
    assert until(lambda: client.job(job).stage == stage_text, within=10)
    return client, job


def _gone(processes: list[psutil.Process], *, within: float) -> bool:
    return until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes), within=within)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("act", [("hang", "Hanging"), ("hang_native", "Hanging in native code")])
def test_a_signal_during_a_job_ends_everything_at_once(stage: Stage, number: int, act: tuple[str, str]) -> None:
    engine = stage.start()
    client, job = _busy(engine, *act)
    last: list[wire.Event] = []
    follower = threading.Thread(target=lambda: last.extend(client.events(job)))
    follower.start()
    processes = family(engine.pid)
    assert len(processes) == 2
    os.kill(engine.pid, number)
    assert _gone(processes, within=2.0)
    assert stage.left_behind == []
    follower.join(5)
    assert isinstance(last[-1], wire.Failed)
    assert last[-1].error.code == "engine_stopped"
    engine.stop()
    assert "Traceback" not in stage.log


def test_the_end_of_its_input_ends_the_engine(stage: Stage) -> None:
    engine = stage.start()
    _busy(engine)
    processes = family(engine.pid)
    engine.stop()
    assert _gone(processes, within=0.1)
    assert stage.left_behind == []
    assert not engine.running


_PARENT = """
import sys, time
from declaim.core.engine_process import EngineProcess
engine = EngineProcess.start(sys.argv[1:])
print(engine.announcement.url, engine.announcement.token_file, engine.pid, flush=True)
time.sleep(600)
"""


def test_a_parent_that_is_killed_takes_the_engine_with_it(stage: Stage) -> None:
    command = [sys.executable, "-c", _PARENT, *stage.command()]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=stage.environment)
    assert parent.stdout is not None
    url, token_file, pid = parent.stdout.readline().split()
    client = EngineClient(url, Path(token_file).read_text().strip())
    job = client.submit(beep(), trouble("hang"))
    assert until(lambda: client.job(job).stage == "Hanging", within=10)
    processes = family(int(pid))
    assert len(processes) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _gone(processes, within=3.0)
    assert stage.left_behind == []


def test_an_engine_that_is_killed_takes_its_worker_with_it(stage: Stage, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    engine = stage.start()
    client = engine.client()
    job = client.submit(beep(), trouble("offspring", note=str(note)))
    assert until(lambda: client.job(job).stage == "Hanging", within=10)
    processes = family(engine.pid)
    assert len(processes) == 3
    psutil.Process(engine.pid).kill()
    assert _gone(processes, within=3.0)
    assert stage.left_behind == []
    engine.stop()
    with pytest.raises(EngineError) as caught:
        client.health()
    assert caught.value.code == "engine_unreachable"


@posix
def test_a_signal_during_an_upload_ends_the_engine_too(stage: Stage) -> None:
    engine = stage.start()
    host, _, port = engine.announcement.url.removeprefix("http://").partition(":")
    token = Path(engine.announcement.token_file).read_text().strip()
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 99999\r\n\r\n"
        connection.sendall(head.encode() + wire.Submission(filename="a", request=trouble()).line())
        assert until(lambda: stage.jobs_on_disk == 1, within=2)
        processes = family(engine.pid)
        os.kill(engine.pid, signal.SIGTERM)
        assert _gone(processes, within=2.5)
    assert stage.left_behind == []
    engine.stop()


@posix
def test_the_token_is_for_its_user_alone(stage: Stage) -> None:
    token_file = stage.folder / "new" / "folder" / "token"
    with stage.start(token_file=str(token_file)) as engine:
        assert engine.announcement.token_file == str(token_file)
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        token = token_file.read_text()
        assert len(token.strip()) >= 43
    with stage.start(token_file=str(token_file)):
        assert token_file.read_text() == token
    token_file.chmod(0o640)
    with pytest.raises(EngineError, match="Other users can read the token file"):
        stage.start(token_file=str(token_file))
    token_file.chmod(0o600)
    token_file.write_text("short\n")
    with pytest.raises(EngineError, match="holds no token"):
        stage.start(token_file=str(token_file))


def test_what_keeps_it_from_starting_is_said(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(EngineError, match="cannot listen on"):
        stage.start(port=taken.getsockname()[1])
    blocked = stage.folder / "file"
    blocked.touch()
    with pytest.raises(EngineError, match=r"token file .* cannot be used"):
        stage.start(token_file=str(blocked / "token"))
    with pytest.raises(EngineError, match="no field"):
        stage.start(prot=1)
    with pytest.raises(EngineError, match="cannot be started"):
        EngineProcess.start([str(stage.folder / "no-python")])
    with pytest.raises(EngineError, match="announced itself as"):
        EngineProcess.start([sys.executable, "-c", "print('hello')"])
    with pytest.raises(EngineError, match="did not start within"):
        EngineProcess.start([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert stage.left_behind == []


def test_two_engines_share_a_token_and_a_cache(stage: Stage) -> None:
    with stage.start() as one, stage.start() as other:
        assert one.announcement.url != other.announcement.url
        assert one.client().wait(one.client().submit(beep(), trouble())) == wire.Done(takes=1)
        job = other.client().submit(beep(), trouble())
        assert other.client().wait(job) == wire.Done(takes=1, cached=True)
    assert stage.left_behind == []


def test_declaim_serve_is_the_same_engine(stage: Stage) -> None:
    command = [sys.executable, "-m", "declaim.inference.cli", "serve", "--until-stdin-closes"]
    command += ["--token-file", str(stage.folder / "token")]
    with EngineProcess.start(command, log=stage.folder / "log", env=stage.environment) as engine:
        assert engine.client().health().pid == engine.pid
    assert not engine.running


def test_the_announcement_is_one_line_of_json(stage: Stage) -> None:
    process = subprocess.Popen(stage.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=stage.environment)
    assert process.stdout is not None and process.stdin is not None
    announced = json.loads(process.stdout.readline())
    assert announced["pid"] == process.pid
    assert announced["url"].startswith("http://127.0.0.1:")
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(5) == 0


@posix
def test_an_engine_without_standard_error_works(stage: Stage) -> None:
    command = ["sh", "-c", 'exec 2>&-; exec "$@"', "sh", *stage.command()]
    with EngineProcess.start(command, env=stage.environment) as engine:
        client = engine.client()
        for act in ("print", "well"):
            assert client.wait(client.submit(beep(), trouble(act))) == wire.Done(takes=1)


def test_a_start_that_is_no_longer_wanted_ends_at_once(stage: Stage) -> None:
    unwanted = threading.Event()
    threading.Timer(0.3, unwanted.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        EngineProcess.start([sys.executable, "-c", "import time; time.sleep(60)"], unwanted=unwanted)
    assert time.monotonic() - began < 2.0
    assert not psutil.Process().children()


def test_the_log_stays_small(stage: Stage) -> None:
    with stage.start(log_bytes=200) as engine:
        client = engine.client()
        for seed in range(6):
            client.wait(client.submit(beep(), trouble("print", seeds=(seed,))))
        assert until(lambda: "bytes of log were removed" in stage.log, within=5)
        client.wait(client.submit(beep(), trouble("print", seeds=(7,))))
        assert stage.log.startswith("(more than 200 bytes") and "no end" in stage.log and "\0" not in stage.log


def test_what_an_earlier_engine_logged_is_not_this_ones_reason(stage: Stage) -> None:
    (stage.folder / "log").write_text("an old story\n")
    with pytest.raises(EngineError, match="exit code 3") as caught:
        EngineProcess.start([sys.executable, "-c", "raise SystemExit(3)"], log=stage.folder / "log")
    assert "old story" not in str(caught.value)
    with pytest.raises(EngineError, match="a new one"):
        EngineProcess.start([sys.executable, "-c", "raise SystemExit('a new one')"], log=stage.folder / "log")
    with pytest.raises(EngineError, match=r"log .* cannot be written: is a directory"):
        EngineProcess.start(stage.command(), log=stage.folder)
