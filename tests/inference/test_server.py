"""The engine through its client: from a voice to a clip, and a clear answer to everything else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declaim.core import wire
from declaim.core.client import EngineClient
from declaim.core.clip_file import load_clip
from declaim.core.engine_process import EngineProcess
from declaim.core.errors import AudioError, Cancelled, DeclaimError, EngineError, InputError, PluginError
from declaim.core.report import SilentReport
from declaim.inference.pipeline import Pipeline

from .conftest import Stage, beep, trouble, until

ROOT = Path(__file__).parents[2]
VOICE = ROOT / "assets" / "demo" / "voice.flac"
SCRIPT = (ROOT / "assets" / "demo" / "script.txt").read_text(encoding="utf-8")


def _raw(engine: EngineProcess, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """A request past the client: status, and the body that must be our JSON."""
    address = engine.announcement.url.removeprefix("http://")
    token = Path(engine.announcement.token_file).read_text().strip()
    connection = http.client.HTTPConnection(address, timeout=10)
    given = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body=body, headers=given)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.getheader("Content-Type") == "application/json"
    return response.status, json.loads(content)


def test_a_line_becomes_the_clip_that_the_pipeline_makes(client: EngineClient, tmp_path: Path) -> None:
    request = wire.PerformRequest(script=SCRIPT, seeds=(0, 5))
    job = client.submit(VOICE, request)
    events = list(client.events(job))
    stages = [event.stage for event in events if isinstance(event, wire.Progress)]
    words = [event for event in events if isinstance(event, wire.Words)]
    assert len(set(stages)) >= 4
    assert " ".join(word.text for word in words[0].words).startswith("I bring")
    assert events[-1] == wire.Done(takes=2)
    expected = Pipeline().perform(VOICE, request, SilentReport())
    for take, clip in enumerate(expected):
        received = client.clip(job, take)
        assert received.timeline == clip.timeline
        assert received.provenance == clip.provenance
        for name in ("poses", "trans", "blendshapes", "expressions", "contacts"):
            assert np.array_equal(getattr(received, name), getattr(clip, name)), name
    path = tmp_path / "take.npz"
    path.write_bytes(client.clip_bytes(job, 1))
    assert load_clip(path).provenance.seed == 5


def test_another_take_of_a_line_does_not_listen_again(client: EngineClient) -> None:
    stages = []
    for seed in (100, 101):
        job = client.submit(VOICE, wire.PerformRequest(script=SCRIPT, seeds=(seed,)))
        events = list(client.events(job))
        stages.append({event.stage for event in events if isinstance(event, wire.Progress)})
        assert any(isinstance(event, wire.Words) and event.words for event in events)
        assert events[-1] == wire.Done(takes=1)
    assert "Listening" not in stages[1]
    assert stages[1] <= stages[0] | {"Starting"}


def test_health_and_plugins(client: EngineClient, engine: EngineProcess) -> None:
    health = client.health()
    assert health.pid == engine.pid
    assert health.limits == wire.Limits(upload_bytes=4 << 20, duration_s=30.0, queue=3)
    plugins = {plugin.id: plugin for plugin in client.plugins()}
    assert {"gesture", "visemes", "pocketsphinx", "trouble"} <= set(plugins)
    assert plugins["trouble"].parameters["properties"]["act"]["default"] == "well"
    assert plugins["trouble"].origin == "user"
    assert plugins["gesture"].origin == "built-in"


def test_the_same_line_again_costs_nothing(client: EngineClient) -> None:
    voice = beep(0.5, pitch=330)
    warning = wire.Warned(text="Something was printed.")
    for seed in range(3):
        request = trouble("print", fps=240.0, seeds=(seed, *range(10, 20)))
        first = client.submit(voice, request)
        assert client.wait(first) == wire.Done(takes=11)
        again = client.submit(voice, request)
        assert list(client.events(again)) == [warning, wire.Done(takes=11, cached=True)]
        assert client.clip_bytes(again) == client.clip_bytes(first)
        assert client.clip(again, 10).provenance.seed == 19


def test_old_jobs_and_all_voices_are_forgotten(client: EngineClient, shared_stage: Stage) -> None:
    voice = beep(0.2, pitch=440)
    jobs = [client.submit(voice, trouble(seeds=(9,)))]
    client.wait(jobs[0])
    jobs += [client.submit(voice, trouble(seeds=(9,))) for _ in range(32)]
    with pytest.raises(EngineError, match=f'no job "{jobs[0]}"'):
        client.clip(jobs[0])
    assert client.clip(jobs[1]).fps == 30
    folders = list((shared_stage.folder / "tmp").glob("declaim-engine-*/*"))
    assert sorted(folder.name for folder in folders) == sorted(jobs[1:])
    assert {path.name for folder in folders for path in folder.iterdir()} == {"take-0.npz"}


def test_late_followers_hear_it_all_and_others_only_the_rest(client: EngineClient) -> None:
    job = client.submit(beep(), trouble(seeds=(7,)))
    live = list(client.events(job))
    assert list(client.events(job)) == live
    assert list(client.events(job, after=len(live) - 1)) == live[-1:]


def test_health_answers_while_a_job_runs_and_jobs_wait_their_turn(client: EngineClient) -> None:
    running = client.submit(beep(), trouble("slow"))
    assert until(lambda: client.job(running).stage == "Taking its time", within=10)
    waiting = [client.submit(beep(), trouble(seeds=(seed,))) for seed in (10, 11, 12)]
    assert client.health().worker == "busy"
    assert client.health().waiting == 3
    assert [client.job(job).ahead for job in waiting] == [1, 2, 3]
    with pytest.raises(EngineError, match="3 jobs are waiting already") as caught:
        client.submit(beep(), trouble())
    assert caught.value.code == "queue_full"
    assert client.cancel(waiting[1]).state == "cancelled"
    assert until(lambda: client.job(running).fraction > 0, within=5)
    with pytest.raises(EngineError, match="no clip yet"):
        client.clip(running)
    began = time.monotonic()
    assert client.cancel(running).state == "cancelled"
    assert time.monotonic() - began < 1.0
    with pytest.raises(Cancelled):
        client.wait(running)
    for job in (waiting[0], waiting[2]):
        assert client.wait(job) == wire.Done(takes=1)
    assert client.cancel(waiting[0]).state == "done"


@pytest.mark.parametrize("token", ["", "wrong", "é".encode().decode("latin-1")])
def test_nothing_is_served_without_the_token(engine: EngineProcess, token: str) -> None:
    for path in ("/v1/health", "/v1/plugins", "/v1/jobs/1", "/", "/docs", "/openapi.json"):
        status, error = _raw(engine, "GET", path, Authorization=f"Bearer {token}")
        assert status == 401, path
        assert error["code"] == "unauthorized"
    status, _ = _raw(engine, "POST", "/v1/jobs", b"x" * 100, Authorization=f"Bearer {token}")
    assert status == 401


def test_the_client_says_that_its_token_is_wrong(engine: EngineProcess) -> None:
    with pytest.raises(EngineError, match="token is missing or wrong"):
        EngineClient(engine.announcement.url, "wrong").submit(beep(), trouble())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("GET", "/v1/jobs/nope", 404, "unknown_job"),
        ("GET", "/v1/jobs/nope/events", 404, "unknown_job"),
        ("GET", "/v1/jobs/nope/clip", 404, "unknown_job"),
        ("POST", "/v1/jobs/nope/cancel", 404, "unknown_job"),
        ("GET", "/v1/jobs/%2e%2e%2f%2e%2e/clip", 404, "not_found"),
        ("DELETE", "/v1/health", 405, "method_not_allowed"),
        ("GET", "/v1/jobs", 405, "method_not_allowed"),
        ("POST", "/v1/jobs", 400, "bad_input"),
    ],
)
def test_every_error_has_one_shape(engine: EngineProcess, method: str, path: str, status: int, code: str) -> None:
    answered, error = _raw(engine, method, path)
    assert (answered, error["code"]) == (status, code)
    assert set(error) == {"code", "message", "hint"}
    assert error["message"].endswith(".")
    assert error["hint"].endswith(".")


def test_takes_and_event_numbers_are_checked(client: EngineClient, engine: EngineProcess) -> None:
    job = client.submit(beep(), trouble())
    client.wait(job)
    for query, status, code in (
        ("take=1", 404, "unknown_take"),
        ("take=-1", 404, "unknown_take"),
        ("take=x", 422, "bad_input"),
        ("take=" + "9" * 30, 404, "unknown_take"),
    ):
        answered, error = _raw(engine, "GET", f"/v1/jobs/{job}/clip?{query}")
        assert (answered, error["code"]) == (status, code), query
        assert set(error) == {"code", "message", "hint"}
    for number in ("x", "-1", "9" * 40):
        answered, error = _raw(engine, "GET", f"/v1/jobs/{job}/events", Last_Event_ID=number)
        assert (answered, error["code"]) == (400, "bad_input")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"RIFF....WAVE", "does not begin with one line of JSON"),
        (b'{"filename": "a.wav"}', "does not begin with one line of JSON"),
        (b'{"filename": "a.wav"}\n', "lacks request"),
        (b"\n", "not valid JSON"),
        (b'{"filename": "a.wav", "request": {"fps": "fast"}}\n', "fps should be a number"),
        (b'{"x": "' + b"x" * (4 << 20) + b'"}\n', "does not begin with one line of JSON"),
    ],
)
def test_a_malformed_job_is_refused(engine: EngineProcess, shared_stage: Stage, body: bytes, said: str) -> None:
    before = shared_stage.jobs_on_disk
    status, error = _raw(engine, "POST", "/v1/jobs", body)
    assert status == 400
    assert said in error["message"]
    assert shared_stage.jobs_on_disk == before


def test_a_file_that_is_too_large_is_refused_unread(client: EngineClient, tmp_path: Path) -> None:
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(3 << 30)
    began = time.monotonic()
    with pytest.raises(EngineError, match="larger than the engine's limit of 4 MB") as caught:
        client.submit(large, trouble())
    assert caught.value.code == "too_large"
    assert time.monotonic() - began < 2


def test_a_file_that_grows_too_large_is_cut_off(engine: EngineProcess, shared_stage: Stage) -> None:
    def chunks() -> Any:
        yield wire.Submission(filename="a.wav", request=trouble()).line()
        for _ in range(64):
            yield bytes(1 << 18)

    before = shared_stage.jobs_on_disk
    status, error = _raw(engine, "POST", "/v1/jobs", chunks())
    assert (status, error["code"]) == (413, "too_large")
    assert shared_stage.jobs_on_disk == before


@pytest.mark.parametrize(
    ("voice", "kind", "said"),
    [
        (b"", AudioError, "is empty"),
        (b"no sound at all" * 99, AudioError, "not a sound"),
        (beep(31), AudioError, "longer than the limit of 30 seconds"),
    ],
)
def test_a_voice_that_cannot_be_used_is_named_as_its_user_knows_it(
    client: EngineClient, voice: bytes, kind: type[DeclaimError], said: str
) -> None:
    job = client.submit(voice, trouble(), filename="C:\\lines\\Bösewicht 01.wav")
    with pytest.raises(kind, match=said) as caught:
        client.wait(job)
    assert "Bösewicht 01.wav" in caught.value.message
    assert "declaim-engine" not in str(caught.value)
    assert client.job(job).state == "failed"


def test_a_request_that_does_not_fit_fails_by_name(client: EngineClient) -> None:
    for request, kind, said in (
        (trouble(fps=0.0), InputError, "out of range"),
        (wire.PerformRequest(generators={"mouth": "visems"}), PluginError, "visemes"),
        (trouble("no such act"), InputError, "act"),
    ):
        with pytest.raises(kind, match=said):
            client.wait(client.submit(beep(), request))


def test_a_client_that_vanishes_costs_nothing(client: EngineClient, engine: EngineProcess, shared_stage: Stage) -> None:
    before = shared_stage.jobs_on_disk
    host, _, port = engine.announcement.url.removeprefix("http://").partition(":")
    token = Path(engine.announcement.token_file).read_text().strip()
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\n"
    line = wire.Submission(filename="a.wav", request=trouble()).line()
    for sent in (
        f"POST /v1/jobs HTTP/1.1\r\n{head}Content-Length: 100000\r\n\r\n".encode(),
        f"POST /v1/jobs HTTP/1.1\r\n{head}Content-Length: 100000\r\n\r\n".encode() + line[:20],
        f"POST /v1/jobs HTTP/1.1\r\n{head}Content-Length: 100000\r\n\r\n".encode() + line + bytes(5000),
    ):
        for _ in range(3):  # more in all than the queue has places
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(sent)
                time.sleep(0.05)
    job = client.submit(beep(), trouble("slow"))
    follower = threading.Thread(target=lambda: next(client.events(job)))
    follower.start()
    follower.join(5)
    assert client.cancel(job).state == "cancelled"
    assert client.wait(client.submit(beep(), trouble(seeds=(77,)))).takes == 1
    assert until(lambda: shared_stage.jobs_on_disk == min(32, before + 2), within=2)
    assert "Traceback" not in shared_stage.log


def test_what_is_no_http_is_turned_away(engine: EngineProcess, client: EngineClient) -> None:
    host, _, port = engine.announcement.url.removeprefix("http://").partition(":")
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\0" * 100_000):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(nonsense + b"\r\n\r\n")
            answer = connection.recv(4096)
            assert b" 400 " in answer.split(b"\r\n")[0]
    assert client.health().protocol == wire.PROTOCOL
