"""The engine's HTTP interface, version 1."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response, StreamingResponse

from .. import __version__
from ..core import wire
from ..core.errors import DeclaimError, EngineError, InputError
from ..core.typed_json import encoded
from ..plugins.registry import Row, find_plugins
from .access import allows
from .job import Job
from .jobs import Jobs
from .worker import take_file

_STATUS = {
    "unauthorized": 401,
    "not_found": 404,
    "unknown_job": 404,
    "unknown_take": 404,
    "method_not_allowed": 405,
    "upload_stalled": 408,
    "not_ready": 409,
    "too_large": 413,
    "queue_full": 429,
    "engine_stopped": 503,
    "disk_full": 507,
}
_CODES = {404: "not_found", 405: "method_not_allowed"}
_STALLED_S = 30.0  # an upload that sends nothing for so long is given up

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def application(jobs: Jobs, *, token: str, upload_bytes: int) -> FastAPI:
    """The engine's application. ``upload_bytes`` is the most that a voice file may have."""
    app = FastAPI(title="Declaim", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_TokenCheck, token=token)
    app.add_exception_handler(DeclaimError, _refused)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _failed)

    @app.get("/v1/health")
    async def health() -> Response:
        limits = wire.Limits(upload_bytes=upload_bytes, duration_s=jobs.limits.duration_s, queue=jobs.limits.waiting)
        return _json(
            wire.Health(
                version=__version__,
                protocol=wire.PROTOCOL,
                pid=os.getpid(),
                worker=jobs.worker_state(),
                waiting=jobs.waiting,
                limits=limits,
            )
        )

    @app.get("/v1/plugins")
    async def plugins() -> Response:
        rows = await asyncio.to_thread(find_plugins)
        return _json(wire.Plugins(plugins=tuple(plugin_info(row) for row in rows)))

    @app.post("/v1/jobs")
    async def submit(request: Request) -> Response:
        with jobs.arriving() as job:
            await _receive(request, job, upload_bytes)
            await jobs.add(job)
        return _json(jobs.info(job), status=202)

    @app.get("/v1/jobs/{job_id}")
    async def job_info(job_id: str) -> Response:
        return _json(jobs.info(jobs.get(job_id)))

    @app.post("/v1/jobs/{job_id}/cancel")
    async def cancel(job_id: str) -> Response:
        job = jobs.get(job_id)
        await jobs.cancel(job)
        return _json(jobs.info(job))

    @app.get("/v1/jobs/{job_id}/events")
    async def events(job_id: str, request: Request) -> Response:
        job = jobs.get(job_id)
        last = request.headers.get("Last-Event-ID", "0")
        if not last.isdecimal() or len(last) > 18:
            raise InputError("Last-Event-ID is not a number.", hint="Send the id of the last event that arrived.")
        return StreamingResponse(_frames(job, int(last)), media_type="text/event-stream", headers=_FRESH)

    @app.get("/v1/jobs/{job_id}/clip")
    async def clip(job_id: str, take: int = 0) -> Response:
        job = jobs.get(job_id)
        if job.state != "done":
            raise EngineError(
                f"The job is {job.state}; it has no clip{' yet' if job.state in ('queued', 'running') else ''}.",
                hint="Follow its events until it is done.",
                code="not_ready",
            )
        if not 0 <= take < job.takes:
            raise EngineError(
                f"The job has no take {take}.", hint=f"Takes go from 0 to {job.takes - 1}.", code="unknown_take"
            )
        return FileResponse(take_file(job.folder, take), media_type=wire.CLIP_TYPE, headers=_FRESH)

    return app


_FRESH = {"Cache-Control": "no-store"}


async def _frames(job: Job, after: int) -> AsyncIterator[bytes]:
    async for item in job.log.follow(after, heartbeat_s=wire.HEARTBEAT_S):
        yield wire.HEARTBEAT_FRAME if item is None else wire.event_frame(*item)


async def _receive(request: Request, job: Job, upload_bytes: int) -> None:
    """Write the voice to the job's folder as it comes, never more than the limit."""
    announced = request.headers.get("Content-Length", "0")
    if announced.isdecimal() and int(announced) > upload_bytes + wire.MAX_HEADER_BYTES:
        raise _too_large(upload_bytes)
    chunks = _chunks(request)
    head = b""
    async for chunk in chunks:
        head += chunk
        if b"\n" in chunk or len(head) > wire.MAX_HEADER_BYTES:
            break
    line, found, rest = head.partition(b"\n")
    if not found or len(line) > wire.MAX_HEADER_BYTES:
        raise InputError(
            "The job does not begin with one line of JSON.",
            hint='Send {"filename": ..., "request": {...}}, a line feed, then the bytes of the voice file.',
        )
    job.submission = wire.Submission.from_line(line)
    job.voice = job.folder / f"voice{_suffix(job.submission.filename)}"
    digest = hashlib.sha256()
    try:
        with job.voice.open("wb") as file:
            async for chunk in _followed_by(rest, chunks):
                digest.update(chunk)
                file.write(chunk)
                if file.tell() > upload_bytes:
                    raise _too_large(upload_bytes)
    except OSError as error:
        raise EngineError(
            f"The engine cannot store the voice: {(error.strerror or str(error)).lower()}.",
            hint=f"Free some space in {job.folder.parent.parent}.",
            code="disk_full",
        ) from None
    job.audio_sha256 = digest.hexdigest()


async def _followed_by(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_STALLED_S):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise EngineError(
                "The upload stalled.", hint="Check the connection and send the job again.", code="upload_stalled"
            ) from None
        if chunk is None:
            return
        yield chunk


def _suffix(filename: str) -> str:
    """The file's suffix where it is an ordinary one: it may help to read the file, and must do no harm."""
    suffix = Path(filename).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def _too_large(upload_bytes: int) -> EngineError:
    return EngineError(
        f"The voice file is larger than the engine's limit of {upload_bytes / (1 << 20):g} MB.",
        hint="Send it as FLAC or cut it into lines.",
        code="too_large",
    )


def plugin_info(row: Row) -> wire.PluginInfo:
    error = wire.ErrorInfo.of(row.error) if row.error else None
    if row.manifest is None:
        return wire.PluginInfo(id=row.id, origin=row.origin, error=error)
    manifest = row.manifest
    return wire.PluginInfo(
        id=manifest.id,
        origin=row.origin,
        kind=manifest.kind,
        title=manifest.title,
        summary=manifest.summary,
        version=manifest.version,
        licence=manifest.licence,
        fps=manifest.fps,
        needs=manifest.needs,
        channels=manifest.channels,
        face=manifest.face,
        abilities=manifest.abilities,
        parameters=manifest.parameters,
        error=error,
    )


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(encoded(value), status_code=status, media_type="application/json", headers=_FRESH)


def _error(code: str, message: str, hint: str, status: int) -> Response:
    return _json(wire.ErrorInfo(code=code, message=message, hint=hint), status=status)


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast(DeclaimError, error)
    status = _STATUS.get(refusal.code, 400 if isinstance(refusal, InputError) else 500)
    return _error(refusal.code, refusal.message, refusal.hint, status)


async def _not_served(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    message = {
        404: f"The engine has nothing at {request.url.path}.",
        405: f"{request.url.path} does not take {request.method}.",
    }.get(status, "The request cannot be served.")
    return _error(_CODES.get(status, "bad_request"), message, "See the engine's interface in the documentation.", status)


async def _malformed(request: Request, error: Exception) -> Response:
    first = cast(RequestValidationError, error).errors()[0]
    return _error("bad_input", f"{first['loc'][-1]}: {first['msg']}.", "Correct it and send the request again.", 422)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _failed(request: Request, error: Exception) -> Response:
    return _error("internal", "The engine made a mistake.", "Report this with the engine's log.", 500)


class _TokenCheck:
    """Nothing is served without the token, not even that a path does not exist."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not allows(self._token, given):
                refusal = _error(
                    "unauthorized",
                    "The engine's token is missing or wrong.",
                    "Send the token of the engine's token file as: Authorization: Bearer TOKEN.",
                    401,
                )
                refusal.headers["WWW-Authenticate"] = "Bearer"
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
