"""A client of the engine. Standard library only beside numpy: it lives inside Blender's Python."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import socket
import ssl
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from . import wire
from .clip import MotionClip
from .clip_file import load_clip
from .errors import Cancelled, DeclaimError, EngineError, InputError
from .typed_json import decoded, parsed

_CHUNK = 1 << 18
_RECONNECTS = 5
_UNREACHABLE = (OSError, http.client.HTTPException)
_T = TypeVar("_T")
_STAY = "Leave the file alone until the line is performed."


class EngineClient:
    """Talks to one engine. Every call opens its own connection, so one client serves several threads.

    Every method raises the DeclaimError that the engine answered with, or EngineError with the code
    ``engine_unreachable`` (nothing answers in ``timeout`` seconds) or ``engine_garbled`` (something else answers).
    """

    def __init__(self, url: str, token: str, *, timeout: float = 10.0) -> None:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InputError(f"{url} is not an engine's address.", hint="It looks like http://127.0.0.1:8765.")
        if not token.isascii() or not token.isprintable():
            raise InputError("The engine's token holds odd characters.", hint="Copy the token file's one line.")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._token = token
        self._timeout = timeout

    def health(self) -> wire.Health:
        """The engine's state. Raises EngineError (``other_version``) where it speaks another protocol than ours."""
        data = self._json("GET", "/v1/health")
        if isinstance(data, dict) and data.get("protocol") != wire.PROTOCOL:
            raise EngineError(
                f"The engine at {self.url} is version {data.get('version')}, which speaks another protocol.",
                hint="Use the same version of Declaim on both sides.",
                code="other_version",
            )
        return self._decoded(wire.Health, data)

    def plugins(self) -> tuple[wire.PluginInfo, ...]:
        return self._decoded(wire.Plugins, self._json("GET", "/v1/plugins")).plugins

    def submit(
        self,
        voice: Path | bytes,
        request: wire.PerformRequest,
        *,
        filename: str = "",
        unwanted: threading.Event | None = None,
    ) -> str:
        """Send a voice file, or its bytes, to be performed; the job's id.

        Raises InputError where it cannot be read, and Cancelled where ``unwanted`` is set before all of it was sent.
        """
        with contextlib.ExitStack() as stack:
            if isinstance(voice, bytes):
                size, pieces = len(voice), iter((voice,))
            else:
                try:
                    file = stack.enter_context(voice.open("rb"))
                except OSError as error:
                    reason = "it is a folder" if voice.is_dir() else (error.strerror or str(error)).lower()
                    raise InputError(f"{voice} cannot be read: {reason}.", hint="Check the path.") from None
                size = os.fstat(file.fileno()).st_size
                pieces = _pieces(file, voice, size, unwanted)
                filename = filename or voice.name
            line = wire.Submission(filename=filename or "voice.wav", request=request).line()
            connection = stack.enter_context(self._connection(self._timeout))
            with self._reaching():
                response = _post(connection, self._headers(), line, pieces, len(line) + size, self._secure)
            return self._decoded(wire.JobInfo, self._answer(response)).id

    def job(self, job_id: str) -> wire.JobInfo:
        return self._decoded(wire.JobInfo, self._json("GET", _path(job_id)))

    def cancel(self, job_id: str) -> wire.JobInfo:
        """Stop a job. One that has ended stays as it is."""
        return self._decoded(wire.JobInfo, self._json("POST", _path(job_id, "cancel")))

    def events(self, job_id: str, *, after: int = 0) -> Iterator[wire.Event]:
        """The job's events from the first one after number ``after``, until it ends; reconnects where the line drops."""
        failures = 0
        while True:
            try:
                for number, event in self._stream(job_id, after):
                    failures, after = 0, number
                    yield event
                    if isinstance(event, wire.LAST_EVENTS):
                        return
            except EngineError as error:
                silent = isinstance(error.__context__, TimeoutError)  # it hangs: heartbeats are more frequent
                if error.code != "engine_unreachable" or silent or failures >= _RECONNECTS:
                    raise
            failures += 1
            if failures > _RECONNECTS:
                raise EngineError(
                    f"The engine at {self.url} broke off while it performed.",
                    hint="Start it again.",
                    code="engine_unreachable",
                )
            time.sleep(0.1 * failures)

    def wait(self, job_id: str, on_event: Callable[[wire.Event], None] = lambda event: None) -> wire.Done:
        """Follow a job to its end. Raises the error of one that failed, and Cancelled."""
        for event in self.events(job_id):
            on_event(event)
            if isinstance(event, wire.Done):
                return event
            if isinstance(event, wire.Failed):
                raise event.error.error()
        raise Cancelled()

    def clip(self, job_id: str, take: int = 0) -> MotionClip:
        """A finished job's take."""
        content = self.clip_bytes(job_id, take)
        try:
            with tempfile.TemporaryDirectory(prefix="declaim-") as folder:
                path = Path(folder) / "clip.npz"
                path.write_bytes(content)
                return load_clip(path)
        except OSError as error:
            raise EngineError(
                f"The take cannot be stored: {(error.strerror or str(error)).lower()}.",
                hint="Free some space on the disk that holds temporary files.",
                code="disk_full",
            ) from None

    def clip_bytes(self, job_id: str, take: int = 0) -> bytes:
        """A finished job's take as the bytes of an npz file."""
        with self._request("GET", f"{_path(job_id, 'clip')}?take={take}") as response, self._reaching():
            if response.status != 200 or response.getheader("Content-Type") != wire.CLIP_TYPE:
                self._answer(response)
                raise self._garbled()
            return response.read()

    def _stream(self, job_id: str, after: int) -> Iterator[tuple[int, wire.Event]]:
        timeout = max(self._timeout, 3 * wire.HEARTBEAT_S)
        headers = {"Last-Event-ID": str(after)}
        with self._request("GET", _path(job_id, "events"), headers, timeout) as response, self._reaching():
            if response.status != 200:
                self._answer(response)
            try:
                yield from wire.read_event_frames(iter(response.readline, b""))
            except (InputError, ValueError):
                raise self._garbled() from None

    def _json(self, method: str, path: str) -> Any:
        with self._request(method, path) as response:
            return self._answer(response)

    def _answer(self, response: http.client.HTTPResponse) -> Any:
        """The JSON of a response; its error, raised."""
        with self._reaching():
            body = response.read()
        try:
            data = parsed(body)
            if response.status < 400:
                return data
            info = decoded(wire.ErrorInfo, data, name="error", strict=False)
        except InputError:
            raise self._garbled() from None
        raise info.error()

    def _decoded(self, kind: type[_T], data: Any) -> _T:
        try:
            return decoded(kind, data, name="answer", strict=False)
        except InputError:
            raise self._garbled() from None

    @contextlib.contextmanager
    def _request(
        self, method: str, path: str, headers: dict[str, str] | None = None, timeout: float | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        with self._connection(timeout or self._timeout) as connection:
            with self._reaching():
                connection.request(method, path, headers={**self._headers(), **(headers or {})})
                response = connection.getresponse()
            yield response

    @contextlib.contextmanager
    def _connection(self, timeout: float) -> Iterator[http.client.HTTPConnection]:
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        with contextlib.closing(connection):
            yield connection

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "User-Agent": "declaim"}

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except http.client.BadStatusLine as error:
            raise (self._unreachable(error) if isinstance(error, ConnectionError) else self._garbled()) from None
        except _UNREACHABLE as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> DeclaimError:
        plain = str(getattr(error, "strerror", None) or error or type(error).__name__)
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else plain[:1].lower() + plain[1:]
        return EngineError(
            f"The engine at {self.url} cannot be reached ({reason}).",
            hint="Start the engine, or check its address.",
            code="engine_unreachable",
        )

    def _garbled(self) -> DeclaimError:
        return EngineError(
            f"What answers at {self.url} is not a Declaim engine.", hint="Check the address.", code="engine_garbled"
        )


def _path(job_id: str, *more: str) -> str:
    return "/".join(("/v1/jobs", urllib.parse.quote(job_id, safe=""), *more))


def _pieces(file: IO[bytes], voice: Path, size: int, unwanted: threading.Event | None) -> Iterator[bytes]:
    """The ``size`` bytes of a file. Raises InputError where they are not there any more."""
    while size > 0:
        if unwanted is not None and unwanted.is_set():
            raise Cancelled()
        try:
            piece = file.read(min(size, _CHUNK))
        except OSError as error:  # a drive that was taken out
            raise InputError(
                f"{voice} can no longer be read: {(error.strerror or str(error)).lower()}.", hint=_STAY
            ) from None
        if not piece:
            raise InputError(f"{voice} became shorter while it was sent.", hint=_STAY)
        size -= len(piece)
        yield piece


def _post(
    connection: http.client.HTTPConnection,
    headers: dict[str, str],
    line: bytes,
    pieces: Iterable[bytes],
    size: int,
    secure: bool,
) -> http.client.HTTPResponse:
    """POST a job. The engine is asked first whether it wants the body, so that a refusal costs no upload."""
    connection.putrequest("POST", "/v1/jobs")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Type", wire.JOB_TYPE)
    connection.putheader("Content-Length", str(size))
    if not secure:
        connection.putheader("Expect", "100-continue")
    connection.endheaders()
    if secure or _invited(connection.sock):
        try:
            connection.send(line)
            for piece in pieces:
                connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the engine has heard enough; its answer says why
    return connection.getresponse()


def _invited(connected: socket.socket) -> bool:
    """Whether to send the body: yes on "100 Continue", and where a proxy swallows it; no on any other answer."""
    ready, _, _ = select.select([connected], [], [], 1.0)
    return not ready or connected.recv(12, socket.MSG_PEEK).startswith(b"HTTP/1.1 100")


def read_announcement(line: str) -> wire.Announcement:
    """What an engine wrote to its standard output. Raises EngineError for all else: its own, where it wrote one."""
    try:
        data = json.loads(line)
        said: wire.ErrorInfo | wire.Announcement
        if isinstance(data, dict) and "code" in data:
            said = decoded(wire.ErrorInfo, data, name="error", strict=False)
        else:
            said = decoded(wire.Announcement, data, name="announcement", strict=False)
    except (ValueError, InputError):
        raise EngineError(f"The engine announced itself as {line[:80]!r}.", hint="Look at its log.") from None
    if isinstance(said, wire.ErrorInfo):
        raise EngineError(said.message, hint=said.hint, code=said.code)
    return said
