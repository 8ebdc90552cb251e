"""What the engine and its clients say to each other: requests, states, events and errors, as JSON. Used by both ends.

A job is submitted as one line of JSON (``Submission``) followed by the bytes of the voice file. Its events come back as
server-sent events, numbered from 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from . import errors
from .errors import DeclaimError, EngineError, InputError
from .skeleton import CHANNELS, Channel
from .timeline import Word
from .typed_json import decoded, encoded, parsed

PROTOCOL = 1  # raised when an older client or engine could misunderstand
JOB_TYPE = "application/x-declaim-job"  # content type of a submission
CLIP_TYPE = "application/x-npz"
MAX_HEADER_BYTES = 4 << 20  # of a submission's JSON line
HEARTBEAT_S = 5.0  # an event stream is never silent for longer

DEFAULT_GENERATORS: Mapping[Channel, str] = {
    channel: "visemes" if channel == "mouth" else "gesture" for channel in CHANNELS
}
DEFAULT_TRANSCRIBER = "pocketsphinx"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pose:
    """One pose of the whole character, for the start or the end of a take."""

    poses: tuple[float, ...]  # 165 numbers: 55 joints, axis-angle, rad
    trans: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m
    blendshapes: Mapping[str, float] = dataclasses.field(default_factory=dict)  # ARKit name -> 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerformRequest:
    """How a line is to be performed. The voice itself travels beside it."""

    script: str | None = None
    language: str = "en"
    transcriber: str = DEFAULT_TRANSCRIBER
    generators: Mapping[Channel, str] = dataclasses.field(default_factory=lambda: dict(DEFAULT_GENERATORS))
    seeds: tuple[int, ...] = (0,)  # one take a seed
    fps: float = 30.0
    betas: tuple[float, ...] = ()  # the character's shape, in the body's own directions
    start_pose: Pose | None = None
    end_pose: Pose | None = None
    body: str | None = None  # path of a body file on the engine's machine; None: the built-in body
    parameters: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # plugin id -> its parameters
    pronunciations: Mapping[str, str] = dataclasses.field(default_factory=dict)  # lower-case word -> ARPAbet, spaced


@dataclasses.dataclass(frozen=True, kw_only=True)
class Submission:
    """What goes before the voice's bytes in a job."""

    filename: str  # the voice's, for its suffix and for messages
    request: PerformRequest

    def line(self) -> bytes:
        """One line of JSON, ended by a line feed."""
        return encoded(self).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Submission:
        """Raises InputError that names the field that is wrong."""
        return decoded(cls, parsed(line), name="job")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorInfo:
    """The one shape of every error: a stable code, what happened in one sentence, what to do."""

    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: DeclaimError) -> ErrorInfo:
        return cls(code=error.code, message=error.message, hint=error.hint)

    def error(self) -> DeclaimError:
        """The error again, as the class that has its code; EngineError for codes that no class has."""
        kind = _classes(DeclaimError).get(self.code, _OTHER_CODES.get(self.code, EngineError))
        return kind(self.message, hint=self.hint, code=self.code)


_OTHER_CODES: Mapping[str, type[DeclaimError]] = {"unknown_plugin": errors.PluginError}


def _classes(kind: type[DeclaimError]) -> dict[str, type[DeclaimError]]:
    found = {kind.code: kind}
    for inner in kind.__subclasses__():
        if inner.__module__ == errors.__name__:
            found.update(_classes(inner))
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """What the engine is doing, in words a person understands."""

    stage: str
    fraction: float = 0.0  # 0..1 of this stage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """The words that were heard, as soon as they are known."""

    words: tuple[Word, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Warned:
    """One sentence for the user. The work goes on."""

    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """The clips can be fetched."""

    takes: int
    cached: bool = False  # the same line had been performed before: nothing was computed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """The job ended without a clip."""

    error: ErrorInfo


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stopped:
    """The job was cancelled."""


Event = Progress | Words | Warned | Done | Failed | Stopped
EVENTS: Mapping[str, type[Event]] = {
    "progress": Progress,
    "words": Words,
    "warning": Warned,
    "done": Done,
    "failed": Failed,
    "cancelled": Stopped,
}
EVENT_NAMES: Mapping[type[Event], str] = {kind: name for name, kind in EVENTS.items()}
LAST_EVENTS = (Done, Failed, Stopped)  # nothing follows one of these


def read_event(name: str, data: Any) -> Event:
    """The event of that name. Raises InputError for what is no event of ours."""
    if name not in EVENTS:
        raise InputError(f'"{name}" is no event.', hint=f"Events are {', '.join(EVENTS)}.")
    return decoded(EVENTS[name], data, name=name, strict=False)


def event_frame(number: int, event: Event) -> bytes:
    """One server-sent event."""
    return f"id: {number}\nevent: {EVENT_NAMES[type(event)]}\ndata: {encoded(event)}\n\n".encode()


HEARTBEAT_FRAME = b": alive\n\n"


def read_event_frames(lines: Iterable[bytes]) -> Iterator[tuple[int, Event]]:
    """The numbered events in a server-sent stream; names that this version does not know are passed over."""
    number, name, data = 0, "", b""
    for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"id":
            number = int(value)
        elif field == b"event":
            name = value.decode()
        elif field == b"data":
            data += value
        elif not field and not value and data:
            if name in EVENTS:
                yield number, read_event(name, parsed(data))
            name, data = "", b""


JobState = Literal["queued", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
WorkerState = Literal["none", "starting", "ready", "busy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobInfo:
    """Where a job stands."""

    id: str
    filename: str
    state: JobState
    ahead: int = 0  # jobs that run before this one
    stage: str = ""
    fraction: float = 0.0  # 0..1 of the stage
    takes: int = 0  # clips that can be fetched
    cached: bool = False
    error: ErrorInfo | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What the engine accepts."""

    upload_bytes: int
    duration_s: float
    queue: int  # jobs that may wait


@dataclasses.dataclass(frozen=True, kw_only=True)
class Health:
    """The engine's state."""

    version: str
    protocol: int
    pid: int
    worker: WorkerState
    waiting: int  # jobs in the queue
    limits: Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """One plugin that the engine found; ``error`` says what keeps it from working."""

    id: str
    origin: Literal["built-in", "installed", "user"]
    kind: str = ""
    title: str = ""
    summary: str = ""
    version: str = ""
    licence: str = ""
    fps: float | None = None  # native frame rate
    needs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    face: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # JSON Schema of an object
    error: ErrorInfo | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plugins:
    """All plugins that the engine found."""

    plugins: tuple[PluginInfo, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Announcement:
    """The one line that an engine writes to its standard output once it listens."""

    url: str
    pid: int
    token_file: str
    version: str
    protocol: int
