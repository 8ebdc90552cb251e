"""What can go wrong between Blender and the engine: each a clear sentence, no hang, no process that stays behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from declaim import __version__

from .conftest import BlenderPython
from .test_engine_in_blender import HELP, TROUBLE

posix = pytest.mark.skipif(os.name != "posix", reason="signals and mode bits are POSIX's")


def _sentence(said: str, *parts: str) -> None:
    """One sentence of what happened and one or two of what to do; nothing of the machinery."""
    for part in parts:
        assert part in said, said
    assert said.endswith(".") and "\n" not in said and len(said) < 260, said
    for machinery in ("Traceback", "Errno", "Error(", "None", "127.0.0.1"):
        assert machinery not in said, said


DIES = (
    HELP
    + """
import signal
voice = beep(places.folder("t") / "beep.wav")

def during(act, text, deed):
    job = job_of(voice, trouble(act)).start()
    stages = stage_of(job, text)
    one = pid()
    deed(one)
    began = time.monotonic()
    until(lambda: job.finished, 40)
    found = {"stages": stages, "seconds": time.monotonic() - began, "said": str(job.error or ""), "code": getattr(job.error, "code", "")}
    found["state"], found["reason"] = engine.state(), engine.reason()
    found["next"] = outcome(job_of(voice, trouble("well")))
    found["anew"] = pid() != one
    return found

found = {
    "killed": during("hang", "Hanging", lambda pid: os.kill(pid, signal.SIGKILL)),
    "ended": during("hang", "Hanging", lambda pid: os.kill(pid, signal.SIGTERM)),
    "stopped": during("hang", "Hanging", lambda pid: engine.stop()),
    "restarted": during("hang", "Hanging", lambda pid: engine.restart()),
    "worker": {act: outcome(job_of(voice, trouble(act))) for act in ("abort", "raise", "vanish", "exit")},
}
os.kill(pid(), signal.SIGKILL)  # with nothing to do
until(lambda: engine.state() == "CRASHED", 5)
found["idle"] = [engine.state(), engine.reason()]
found["after"] = outcome(job_of(voice, trouble("well")))
leave(**found)
"""
)


@posix
def test_the_engine_dies(blender_python: BlenderPython) -> None:
    done = blender_python(DIES, env={"DECLAIM_PLUGINS": str(TROUBLE)})
    found = done.json
    for case in ("killed", "ended", "stopped", "restarted"):
        row = found[case]
        assert "Hanging" in row["stages"] and row["seconds"] < 5.0, row
        _sentence(row["said"], "The engine")
        assert row["next"]["said"] == "" and row["anew"], row
    _sentence(found["killed"]["said"], "ended unexpectedly", "killed", "Try again")
    assert found["killed"]["state"] == "CRASHED" and "killed" in found["killed"]["reason"]
    _sentence(found["stopped"]["said"], "was stopped")
    for act, part in (
        ("abort", "SIGABRT"),
        ("raise", "the moon is not full"),
        ("vanish", "worker process"),
        ("exit", "leaving"),
    ):
        row = found["worker"][act]
        _sentence(row["said"], part)
        assert row["state"] == "READY" and row["seconds"] < 10.0
    assert found["idle"][0] == "CRASHED"
    _sentence(found["idle"][1], "ended unexpectedly", "killed")
    assert found["after"]["takes"] == 1
    assert done.leftovers == ()


SILENT = (
    HELP
    + """
import signal
voice = beep(places.folder("t") / "beep.wav")
job = job_of(voice, trouble("slow")).start()
stage_of(job, "Taking its time")
one = pid()
os.kill(one, signal.SIGSTOP)
began = time.monotonic()
until(lambda: job.finished, 60)
found = {"seconds": time.monotonic() - began, "said": str(job.error), "state": engine.state(), "reason": engine.reason()}
found["next"] = outcome(job_of(voice, trouble("well")))
os.kill(pid(), signal.SIGSTOP)
job = job_of(voice, trouble("well")).start()
time.sleep(0.3)
began = time.perf_counter()
job.cancel()
found["cancel"] = [1000 * (time.perf_counter() - began), job.finished]
began = time.monotonic()
found["restart"] = sorted(bpy.ops.declaim.engine_restart())
found["restarted"] = [time.monotonic() - began, engine.state()]
found["last"] = outcome(job_of(voice, trouble("well")))
leave(**found)
"""
)


@posix
def test_the_engine_hangs(blender_python: BlenderPython) -> None:
    done = blender_python(SILENT, env={"DECLAIM_PLUGINS": str(TROUBLE)})
    found = done.json
    assert found["seconds"] < 25.0
    _sentence(found["said"], "stopped answering", "Try again")
    assert found["state"] == "CRASHED" and "stopped answering" in found["reason"]
    assert found["next"]["said"] == ""
    assert found["cancel"][0] < 10.0 and found["cancel"][1]
    assert found["restart"] == ["FINISHED"] and found["restarted"][0] < 10.0 and found["restarted"][1] == "READY"
    assert found["last"]["takes"] == 1
    assert done.leftovers == ()


class Answerer:
    """A program on a port that answers every connection with the same bytes, or with nothing at all."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            if self._answer is not None:
                connection.recv(1 << 16)
                connection.sendall(self._answer)
                connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._server.close()
        for connection in self._open:
            connection.close()


def _json(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text.encode())


OTHERS: dict[str, bytes | None] = {
    "silent": None,
    "shell": b"SSH-2.0-OpenSSH_9.6\r\n",
    "site": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
    "missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
    "newer": _json('{"version": "9.0.0", "protocol": 99}'),
    "noise": os.urandom(2000),
}


@pytest.fixture
def others() -> Iterator[dict[str, Answerer]]:
    found = {name: Answerer(answer) for name, answer in OTHERS.items()}
    yield found
    for answerer in found.values():
        answerer.close()


ELSEWHERE = (
    HELP
    + """
settings.engine_source, settings.engine_token = "URL", "x" * 40
found = {}
for name, url in json.loads(sys.argv[1]).items():
    settings.engine_url = url
    found[name] = outcome(job_of(DEMO))
    if name != "silent":
        try:
            bpy.ops.declaim.engine_test()
        except RuntimeError as error:
            found[name]["tested"] = str(error).strip().removeprefix("Error: ")
leave(**found)
"""
)


def test_what_answers_elsewhere_is_no_engine_of_ours(blender_python: BlenderPython, others: dict[str, Answerer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    urls = {name: answerer.url for name, answerer in others.items()} | {"nobody": nobody}
    done = blender_python(ELSEWHERE, json.dumps(urls))
    found = done.json
    for name, url in urls.items():
        row: dict[str, Any] = found[name]
        assert url in row["said"] and row["state"] == "CRASHED" and row["seconds"] < 12.0, row
        _sentence(row["said"].replace(url, "URL"))
        if name != "silent":
            assert row["tested"] == row["said"]
    for name in ("shell", "site", "missing", "noise"):  # its port is taken by something else
        _sentence(
            found[name]["said"].replace(urls[name], "URL"), "is not a Declaim engine", "address in Declaim's preferences"
        )
    _sentence(found["newer"]["said"].replace(urls["newer"], "URL"), "9.0.0", "same version", __version__)
    _sentence(found["silent"]["said"].replace(urls["silent"], "URL"), "did not answer in time")
    _sentence(found["nobody"]["said"].replace(nobody, "URL"), "cannot be reached", "Start it there")
    assert done.leftovers == ()


STARTS = (
    HELP
    + """
import socket, stat
folder = places.folder("engine")
found = {}
plan = addon["engine_plan"].Plan
def by(**changes):
    import dataclasses
    asked = addon["engine_plan"].plan
    addon["engine_plan"].plan = lambda: dataclasses.replace(asked(), **changes)
    try:
        engine.stop()
        return outcome(job_of(DEMO))
    finally:
        addon["engine_plan"].plan = asked

options = dict(engine.capture().options)
with socket.create_server(("127.0.0.1", 0)) as taken:
    found["port"] = by(options={**options, "port": taken.getsockname()[1]})
found["python"] = by(python=str(folder / "python"))
found["version"] = by(options={**options, "no_such_option": 1})
found["parts"] = by(paths=(), problem=addon["engine_plan"]._parts_missing((str(folder),)))
(folder / "token").write_text("short\\n")
(folder / "token").chmod(0o600)
found["token"] = outcome(job_of(DEMO))
(folder / "token").unlink()
found["after"] = outcome(job_of(DEMO))
leave(**found)
"""
)


@posix
def test_it_does_not_start(blender_python: BlenderPython) -> None:
    done = blender_python(STARTS)
    found = done.json
    _sentence(found["port"]["said"].replace("127.0.0.1", "here"), "cannot listen", "address already in use")
    _sentence(found["python"]["said"], "cannot be started", "engine/python: no such file or directory")
    _sentence(found["version"]["said"], "no_such_option")
    _sentence(found["parts"]["said"], "not installed", "Set Up Engine")
    _sentence(found["token"]["said"], "holds no token", "Delete it")
    for case in ("port", "python", "version", "parts", "token"):
        assert found[case]["state"] == "CRASHED" and found[case]["reason"] and found[case]["seconds"] < 10.0, found[case]
    assert found["after"]["takes"] == 1
    assert done.leftovers == ()


FULL = (
    HELP
    + """
import subprocess, tempfile
folder, small = Path(sys.argv[1]), Path(sys.argv[2])
def full(path):
    with open(path / "filler", "wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            pass

found = {}
voice = beep(small / "beep.wav", 20.0)
pid()
full(small)  # temporary files, where the engine keeps voices and takes
found["voice"] = outcome(job_of(voice, trouble("well")))
(small / "filler").unlink()
found["freed"] = outcome(job_of(voice, trouble("well")))
engine.HOST.stop(wait=True)
full(folder)  # where the engine's token, log and cache lie
found["uncached"] = outcome(job_of(voice, trouble("well", seeds=(4,))))
engine.HOST.stop(wait=True)
(folder / "token").unlink()
full(folder)
found["start"] = outcome(job_of(voice, trouble("well", seeds=(5,))))
(folder / "filler").unlink()
found["last"] = outcome(job_of(voice, trouble("well", seeds=(6,))))
leave(**found)
"""
)


@pytest.fixture
def small_disks(tmp_path: Path) -> Iterator[list[Path]]:
    """Two disks of 3 MB."""
    folders = [tmp_path / name for name in ("own", "temporary")]
    mounted = []
    try:
        for folder in folders:
            folder.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
            try:
                done = subprocess.run(command, capture_output=True, check=False)
            except OSError:
                pytest.skip("There is no mount command: a full disk cannot be had.")
            if done.returncode:
                pytest.skip("Only root can make a small disk to fill.")
            mounted.append(folder)
        yield folders
    finally:
        for folder in mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


@posix
def test_the_disk_is_full(blender_python: BlenderPython, small_disks: list[Path], tmp_path: Path) -> None:
    from .conftest import fresh_user, program_of

    own, temporary = small_disks
    user = fresh_user(program_of(None)[0], tmp_path)
    place = user / "extensions" / ".user" / "user_default" / "declaim" / "engine"
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(own)
    done = blender_python(
        FULL,
        own,
        temporary,
        user=user,
        env={"DECLAIM_PLUGINS": str(TROUBLE), "TMPDIR": str(temporary), "TEMP": str(temporary)},
    )
    found = done.json
    _sentence(found["voice"]["said"], "no space left on device")
    _sentence(found["start"]["said"], "no space left on device")
    for case in ("freed", "uncached", "last"):
        assert found[case]["takes"] == 1, found
    assert done.leftovers == ()


VANISHES = (
    HELP
    + """
folder = places.folder("t")
found = {"never": outcome(job_of(folder / "none.wav")), "folder": outcome(job_of(folder))}
pid()
large = beep(folder / "large.wav", 400.0)
job = job_of(large, trouble("well"), ready=lambda: None)
send = None
from importlib import import_module
client = import_module(f"{EXTENSION}.core.client")
pieces = client._pieces
def shrinking(file, voice, size, unwanted):
    for number, piece in enumerate(pieces(file, voice, size, unwanted)):
        if number == 2:
            os.truncate(large, 1 << 20)
        yield piece
client._pieces = shrinking
found["shrinks"] = outcome(job)
client._pieces = pieces
voice = beep(folder / "beep.wav")
job = job_of(voice, trouble("slow")).start()
stage_of(job, "Taking its time")
voice.unlink()
time.sleep(0.3)
found["sent"] = [job.finished, str(job.error or "")]
job.cancel()
beep(folder / "empty.wav").write_bytes(b"")
(folder / "text.wav").write_text("This is no sound at all." * 100)
found["empty"] = outcome(job_of(folder / "empty.wav"))
found["text"] = outcome(job_of(folder / "text.wav"))
def broken():
    raise ValueError("no such luck")
found["making"] = outcome(job_of(voice, ready=broken))
found["landing"] = outcome(jobs.Job(jobs.Order(voice=Path(DEMO)), lambda clip: 1 / 0))
found["log"] = engine.log_path().read_text()
found["request"] = outcome(job_of(DEMO, {"no_such_field": 1}))
found["state"] = engine.state()
leave(**found)
"""
)


def test_the_voice_vanishes(blender_python: BlenderPython) -> None:
    done = blender_python(VANISHES, env={"DECLAIM_PLUGINS": str(TROUBLE)})
    found = done.json
    _sentence(found["never"]["said"], "none.wav cannot be read: no such file", "Check the path")
    _sentence(found["folder"]["said"], "it is a folder")
    _sentence(found["shrinks"]["said"], "became shorter while it was sent")
    assert found["shrinks"]["seconds"] < 5.0
    assert found["sent"] == [False, ""]  # the engine has it already
    _sentence(found["empty"]["said"], "empty.wav")
    _sentence(found["text"]["said"], "text.wav")
    _sentence(found["making"]["said"], "no such luck", "Report this")
    _sentence(found["landing"]["said"], "division by zero")
    assert "ZeroDivisionError" in found["log"]
    _sentence(found["request"]["said"], "no_such_field")
    assert found["state"] == "READY"
    assert done.leftovers == ()
