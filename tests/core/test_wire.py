"""Messages survive the wire, and what is wrong with one is said in a sentence that names the field."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from declaim.core import errors, wire
from declaim.core.errors import DeclaimError, EngineError, InputError
from declaim.core.timeline import Word
from declaim.core.typed_json import decoded, encoded, parsed

REQUEST = wire.PerformRequest(
    script="Hello, “world” — 🎭",
    language="de",
    transcriber="vosk",
    generators={"body": "gesture", "mouth": "visemes"},
    seeds=(3, 1 << 40),
    fps=29.97,
    betas=(0.5, -1.0),
    start_pose=wire.Pose(poses=(0.25,) * 165, trans=(0.0, 1.0, 2.0), blendshapes={"jawOpen": 0.5}),
    body="C:\\bodies\\mine.npz",
    parameters={"gesture": {"energy": 0.5, "hand": "left", "list": [1, None, True]}},
    pronunciations={"declaim": "D IH0 K L EY1 M"},
)
EVENTS = [
    wire.Progress(stage="Hören", fraction=0.25),
    wire.Words(words=(Word(text="Oh", start=0.1, end=0.2, confidence=0.5, unsure=True, break_after=","),)),
    wire.Warned(text="One line,\nor two."),
    wire.Done(takes=2, cached=True),
    wire.Failed(error=wire.ErrorInfo(code="bad_audio", message="No.", hint="Yes.")),
    wire.Stopped(),
]


def test_a_submission_survives() -> None:
    line = wire.Submission(filename="a.wav", request=REQUEST).line()
    assert line.count(b"\n") == 1
    assert wire.Submission.from_line(line).request == REQUEST


def test_every_field_of_a_request_is_checked() -> None:
    for field in dataclasses.fields(wire.PerformRequest):
        for wrong in (7, [{}], {"x": 7}):  # no field takes all three
            line = encoded({"filename": "a", "request": {field.name: wrong}}).encode()
            try:
                wire.Submission.from_line(line)
            except InputError as error:
                assert field.name in error.message
                break
        else:
            pytest.fail(f"{field.name} takes anything")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"filename": "a", "request": {"fps": NaN}}', "NaN is not a number"),
        (b'{"filename": "a", "request": {"fps": 1e999}}', "fps should be a finite number"),
        (b'{"filename": "a", "request": {"fps": "30"}}', "fps should be a number"),
        (b'{"filename": "a", "request": {"fps": true}}', "fps should be a number"),
        (b'{"filename": "a", "request": {"seeds": [1.5]}}', r"seeds\[0\] should be a whole number"),
        (b'{"filename": "a", "request": {"seeds": ' + b"9" * 5000 + b"}}", "not valid JSON"),
        (b'{"filename": "a", "request": {"sed": [1]}}', 'no field "sed". Did you mean seeds'),
        (b'{"filename": "a", "request": {"generators": {"tail": "x"}}}', "tail"),
        (b'{"filename": "a", "request": {"script": "\\ud800"}}', "half of a character"),
        (b'{"filename": "a", "request": {"start_pose": {}}}', "lacks poses"),
        (b'{"filename": "a", "request": {"start_pose": {"poses": [], "trans": [1]}}}', "trans has 1 values, not 3"),
        (b'{"request": {}}', "job lacks filename"),
        (b'{"filename": "a", "request": []}', "request should be an object"),
        (b"7", "job should be an object"),
    ],
)
def test_a_malformed_submission_is_one_sentence(line: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        wire.Submission.from_line(line)
    assert len(str(caught.value)) < 400
    assert caught.value.hint


def test_events_survive_the_stream() -> None:
    stream = wire.HEARTBEAT_FRAME.join(wire.event_frame(number, event) for number, event in enumerate(EVENTS, 1))
    assert list(wire.read_event_frames(stream.splitlines(keepends=True))) == list(enumerate(EVENTS, 1))
    assert set(wire.EVENTS) == set(wire.EVENT_NAMES.values())
    assert set(wire.EVENTS.values()) == {type(event) for event in EVENTS}


def test_a_newer_engine_may_say_more() -> None:
    stream = [b"id: 4\n", b"event: applause\n", b'data: {"loud": 1}\n', b"\n"]
    stream += [b"id: 5\n", b"event: done\n", b'data: {"takes": 1, "mood": "good"}\n', b"\n"]
    assert list(wire.read_event_frames(stream)) == [(5, wire.Done(takes=1))]
    with pytest.raises(InputError, match="mood"):
        decoded(wire.Done, {"takes": 1, "mood": "good"}, name="done")


def _all_errors(kind: type[DeclaimError]) -> list[type[DeclaimError]]:
    return [kind, *(found for inner in kind.__subclasses__() for found in _all_errors(inner))]


@pytest.mark.parametrize("kind", [kind for kind in _all_errors(DeclaimError) if kind.__module__ == errors.__name__])
def test_errors_come_back_as_what_they_were(kind: type[DeclaimError]) -> None:
    sent = kind("It broke.", hint="Mend it.")
    info = decoded(wire.ErrorInfo, parsed(encoded(wire.ErrorInfo.of(sent))), name="error")
    received = info.error()
    assert type(received) is kind
    assert (received.code, received.message, received.hint) == (sent.code, "It broke.", "Mend it.")


def test_an_unknown_code_is_an_engine_error() -> None:
    error = wire.ErrorInfo(code="coffee", message="No coffee.").error()
    assert type(error) is EngineError
    assert error.code == "coffee"


@pytest.mark.parametrize(
    "message",
    [
        wire.JobInfo(id="1", filename="a", state="failed", error=wire.ErrorInfo(code="x", message="y")),
        wire.Health(
            version="1",
            protocol=1,
            pid=1,
            worker="busy",
            waiting=0,
            limits=wire.Limits(upload_bytes=1, duration_s=1.0, queue=1),
        ),
        wire.Plugins(plugins=(wire.PluginInfo(id="x", origin="user", parameters={"type": "object"}, needs=("words",)),)),
        wire.Announcement(url="http://127.0.0.1:1", pid=1, token_file="t", version="1", protocol=1),
    ],
)
def test_every_other_message_survives(message: Any) -> None:
    assert decoded(type(message), parsed(encoded(message)), name="message") == message


def test_numbers_of_numpy_are_numbers() -> None:
    assert parsed(encoded({"a": np.float32(0.5), "b": np.arange(3)})) == {"a": 0.5, "b": [0, 1, 2]}
    for unfit in (float("nan"), float("inf"), object()):
        with pytest.raises(InputError, match="cannot be sent"):
            encoded({"a": unfit})
