"""One job: where its files are, what has happened to it, and how it can end badly."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
from pathlib import Path

from ..core.wire import Done, ErrorInfo, Event, Failed, JobState, Submission
from .event_log import EventLog

ENGINE_STOPPED = ErrorInfo(
    code="engine_stopped", message="The engine was stopped.", hint="Start it again and repeat the job."
)
MISTAKE = ErrorInfo(code="internal", message="The engine made a mistake.", hint="Report this with the engine's log.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobLimits:
    """What the queue takes on."""

    waiting: int = 16  # jobs
    duration_s: float = 3600.0  # of a voice
    job_s: float = 3600.0  # of work


class Job:
    """One request: where its files are, and what has happened to it."""

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_hex(8)
        self.folder = folder / self.id
        self.submission: Submission | None = None
        self.voice = self.folder / "voice"
        self.audio_sha256 = ""
        self.key = ""  # of its result in the cache
        self.state: JobState = "queued"
        self.log = EventLog()
        self.stop = asyncio.Event()
        self.takes = 0
        self.cached = False
        self.error: ErrorInfo | None = None

    @property
    def filename(self) -> str:
        return self.submission.filename if self.submission else ""

    def end(self, event: Event) -> None:
        """Close the job with its last event."""
        if self.log.ended:
            return
        if isinstance(event, Done):
            self.state, self.takes, self.cached = "done", event.takes, event.cached
        elif isinstance(event, Failed):
            self.state, self.error = "failed", event.error
        else:
            self.state = "cancelled"
        self.log.add(event)
        with contextlib.suppress(OSError):
            self.voice.unlink(missing_ok=True)


def worker_died(reason: str, *, ready: bool, stage: str) -> ErrorInfo:
    if not ready:
        return ErrorInfo(
            code="worker_died",
            message=f"The worker process could not start ({reason}).",
            hint="The engine's log says why; installing Declaim again may help.",
        )
    return ErrorInfo(
        code="worker_died",
        message=f'The worker process ended unexpectedly ({reason}) at the stage "{stage}".',
        hint="The next job gets a fresh one. If it happens again, choose another generator or transcriber.",
    )


def no_worker(error: OSError) -> ErrorInfo:
    return ErrorInfo(
        code="worker_died",
        message=f"No worker process could be started ({(error.strerror or str(error)).lower()}).",
        hint="Free some memory or processes and try again.",
    )


def overdue(limit_s: float, stage: str) -> ErrorInfo:
    return ErrorInfo(
        code="time_limit",
        message=f'The job was stopped after {limit_s:g} seconds, at the stage "{stage}".',
        hint="Cut the line into shorter ones, or raise the engine's time limit.",
    )
