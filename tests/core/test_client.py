"""What the client says when something other than a healthy engine answers, and how it keeps following one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from declaim.core import wire
from declaim.core.client import EngineClient
from declaim.core.errors import AudioError, Cancelled, EngineError, InputError

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Answerer:
    """A socket that answers each connection with the next of the given bytes, then closes it."""

    def __init__(self, *answers: bytes) -> None:
        self.heard: list[bytes] = []
        self._answers = answers
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._server.accept()
            except OSError:  # closed
                return
            with connection:
                self.heard.append(connection.recv(1 << 16))
                if answer == b"hang":
                    time.sleep(2)
                connection.sendall(answer)

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def answering() -> Iterator[Callable[..., Answerer]]:
    made: list[Answerer] = []

    def make(*answers: bytes) -> Answerer:
        made.append(Answerer(*answers))
        return made[-1]

    yield make
    for answerer in made:
        answerer.close()


def _json(text: str) -> bytes:
    return JSON % (len(text.encode()), text.encode())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "engine_unreachable"),
        (b"hang", "engine_unreachable"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "engine_garbled"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "engine_garbled"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>", "engine_garbled"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "engine_unreachable"),
        (_json("[]"), "engine_garbled"),
        (_json('{"protocol": 1, "version": 3}'), "engine_garbled"),
        (_json('{"protocol": 999, "version": "9.0"}'), "other_version"),
    ],
)
def test_what_answers_may_be_no_engine(answering: Callable[..., Answerer], answer: bytes, code: str) -> None:
    with pytest.raises(EngineError) as caught:
        EngineClient(answering(answer).url, "token", timeout=0.5).health()
    assert caught.value.code == code
    assert caught.value.hint


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = EngineClient(f"127.0.0.1:{port}", "token", timeout=0.5)
    for call in (client.health, client.plugins, lambda: client.submit(b"x", wire.PerformRequest())):
        with pytest.raises(EngineError, match="cannot be reached") as caught:
            call()
        assert caught.value.code == "engine_unreachable"


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://x:port", "http://x:99999", "file:///etc/passwd"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InputError, match="not an engine's address"):
        EngineClient(url, "token")


def test_a_token_cannot_smuggle_headers() -> None:
    with pytest.raises(InputError, match="odd characters"):
        EngineClient("http://127.0.0.1:1", "token\r\nHost: evil")


def test_a_voice_that_is_not_there(tmp_path: Path) -> None:
    client = EngineClient("http://127.0.0.1:1", "token")
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            client.submit(path, wire.PerformRequest())


def _stream(*frames: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(frames)


def test_following_survives_a_line_that_drops(answering: Callable[..., Answerer]) -> None:
    steps = [wire.Progress(stage="one"), wire.Progress(stage="two"), wire.Warned(text="careful"), wire.Done(takes=1)]
    frames = [wire.event_frame(number, event) for number, event in enumerate(steps, 1)]
    answerer = answering(
        _stream(frames[0], frames[1], frames[2][:20]),
        b"",
        _stream(wire.HEARTBEAT_FRAME),
        _stream(*frames[2:]),
    )
    events: list[wire.Event] = []
    done = EngineClient(answerer.url, "token", timeout=2).wait("7", events.append)
    assert done == wire.Done(takes=1)
    assert events == steps
    assert b"Last-Event-ID: 2\r\n" in answerer.heard[-1]


def test_following_gives_up_where_the_engine_is_gone(answering: Callable[..., Answerer]) -> None:
    answerer = answering(_stream(wire.event_frame(1, wire.Progress(stage="one"))))
    events = EngineClient(answerer.url, "token", timeout=0.3).events("7")
    assert next(events) == wire.Progress(stage="one")
    answerer.close()
    with pytest.raises(EngineError) as caught:
        list(events)
    assert caught.value.code == "engine_unreachable"


def test_following_gives_up_on_an_engine_that_hangs(
    answering: Callable[..., Answerer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEARTBEAT_S", 0.1)
    answerer = answering(b"hang", b"hang", b"hang", b"hang", b"hang", b"hang", b"hang")
    with pytest.raises(EngineError, match="did not answer in time"):
        list(EngineClient(answerer.url, "token", timeout=0.3).events("7"))
    assert len(answerer.heard) == 1


def test_waiting_raises_what_went_wrong(answering: Callable[..., Answerer]) -> None:
    failed = wire.Failed(error=wire.ErrorInfo(code="bad_audio", message="It is empty.", hint="Record it."))
    with pytest.raises(AudioError, match=r"It is empty\. Record it\."):
        EngineClient(answering(_stream(wire.event_frame(1, failed))).url, "token").wait("7")
    with pytest.raises(Cancelled):
        EngineClient(answering(_stream(wire.event_frame(1, wire.Stopped()))).url, "token").wait("7")
    with pytest.raises(EngineError) as caught:
        EngineClient(answering(_stream(b"id: 1\nevent: done\ndata: {oops\n\n")).url, "token").wait("7")
    assert caught.value.code == "engine_garbled"


def test_a_job_number_stays_in_its_place(answering: Callable[..., Answerer]) -> None:
    answerer = answering(_json("{}"))
    with pytest.raises(EngineError):
        EngineClient(answerer.url, "token").job("../x?y#z\r\nHost: evil")
    assert answerer.heard[0].startswith(b"GET /v1/jobs/..%2Fx%3Fy%23z%0D%0AHost%3A%20evil HTTP/1.1\r\n")
