"""Jobs: a bounded queue before one warm worker, which is replaced when it dies or does not heed."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import EngineError
from ..core.wire import (
    Done,
    Event,
    Failed,
    JobInfo,
    Progress,
    Stopped,
    Warned,
    Words,
    WorkerState,
)
from .cache import Cache
from .fingerprint import code_fingerprint, request_fingerprint
from .job import ENGINE_STOPPED, MISTAKE, Job, JobLimits, no_worker, overdue, worker_died
from .results import keep_result, kept_result
from .worker import Order, Setup
from .worker_process import WorkerProcess

_LOG = logging.getLogger(__name__)
HEED_S = 0.5  # a worker that has not stopped a cancelled job by then is replaced
_REMEMBERED = 32  # ended jobs whose results can still be fetched


class Jobs:
    """All jobs of an engine. Lives on the engine's event loop; ``run`` works through them until ``close``."""

    def __init__(self, *, work_folder: Path, cache_folder: Path, cache_bytes: int, limits: JobLimits) -> None:
        self.limits = limits
        self.work_folder = work_folder
        self._cache_folder, self._cache_bytes = cache_folder, cache_bytes
        self._results = Cache(cache_folder, limit_bytes=cache_bytes)
        self._jobs: dict[str, Job] = {}
        self._waiting: collections.deque[Job] = collections.deque()
        self._arriving = 0
        self._running: Job | None = None
        self._woken = asyncio.Event()
        self._worker: WorkerProcess | None = None
        self._closed = False
        self._keeping: set[asyncio.Task[None]] = set()

    # What clients do.

    @contextlib.contextmanager
    def arriving(self) -> Iterator[Job]:
        """A place in the queue for a job whose voice is on its way. Its files go when it is not added."""
        if self._closed:
            raise EngineError(ENGINE_STOPPED.message, hint=ENGINE_STOPPED.hint, code=ENGINE_STOPPED.code)
        if len(self._waiting) + self._arriving >= self.limits.waiting:
            raise EngineError(
                f"{self.limits.waiting} jobs are waiting already.",
                hint="Try again when one has ended.",
                code="queue_full",
            )
        job = Job(self.work_folder)
        self._arriving += 1
        try:
            job.folder.mkdir(parents=True, mode=0o700)
            yield job
        finally:
            self._arriving -= 1
            if job.id not in self._jobs:
                shutil.rmtree(job.folder, ignore_errors=True)

    async def add(self, job: Job) -> None:
        """Queue a job that has arrived whole; one that was performed before is done at once."""
        assert job.submission is not None
        if self._keeping:  # it may be the very result that this job asks for
            await asyncio.wait(self._keeping)
        known = await asyncio.to_thread(self._look_up, job)
        if self._closed:
            raise EngineError(ENGINE_STOPPED.message, hint=ENGINE_STOPPED.hint, code=ENGINE_STOPPED.code)
        self._jobs[job.id] = job
        if known is not None:
            for event in known:
                job.log.add(event)
            job.end(Done(takes=len(job.submission.request.seeds), cached=True))
            self._forget()
            return
        self._waiting.append(job)
        self._woken.set()

    def get(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise EngineError(
                f'There is no job "{job_id}".',
                hint=f"The engine remembers the last {_REMEMBERED} jobs that ended; perform the line again.",
                code="unknown_job",
            )
        return self._jobs[job_id]

    async def cancel(self, job: Job) -> None:
        """Stop a job; returns when it has stopped. One that has ended stays as it is."""
        job.stop.set()
        if job in self._waiting:
            self._waiting.remove(job)
            job.end(Stopped())
            self._forget()
        while not job.log.ended:
            async for _ in job.log.follow(0, heartbeat_s=60.0):
                pass

    def info(self, job: Job) -> JobInfo:
        progress = job.log.progress
        ahead = self._waiting.index(job) + (self._running is not None) if job in self._waiting else 0
        return JobInfo(
            id=job.id,
            filename=job.filename,
            state=job.state,
            ahead=ahead,
            stage=progress.stage,
            fraction=progress.fraction,
            takes=job.takes,
            cached=job.cached,
            error=job.error,
        )

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    # The work.

    async def run(self) -> None:
        """Start the worker, then perform job after job."""
        with contextlib.suppress(Exception):  # the first job tries again, and says why
            await self._refresh_worker(await asyncio.to_thread(code_fingerprint))
        while not self._closed:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
                continue
            job = self._running = self._waiting.popleft()
            try:
                await self._perform(job)
            except OSError as error:
                job.end(Failed(error=no_worker(error)))
            except Exception:
                _LOG.exception("A job could not be managed")
                job.end(Failed(error=MISTAKE))
                if self._worker:
                    await self._worker.kill()
            finally:
                self._running = None
                self._forget()

    async def close(self) -> None:
        """End the worker and every job, at once."""
        self._closed = True
        self._woken.set()
        for job in self._jobs.values():
            job.end(Failed(error=ENGINE_STOPPED))
            job.stop.set()
        if self._worker:
            await self._worker.kill()

    def worker_state(self) -> WorkerState:
        if self._worker is None or not self._worker.alive:
            return "none"
        if not self._worker.ready:
            return "starting"
        return "busy" if self._running else "ready"

    async def _perform(self, job: Job) -> None:
        assert job.submission is not None
        job.state = "running"
        job.log.add(Progress(stage="Starting"))
        worker = await self._refresh_worker(await asyncio.to_thread(code_fingerprint))
        if job.log.ended:  # the engine was stopped meanwhile
            return
        worker.send(
            Order(
                do="perform",
                job=job.id,
                voice=str(job.voice),
                filename=job.filename,
                folder=str(job.folder),
                request=job.submission.request,
            )
        )
        outcome = asyncio.create_task(self._outcome(worker, job))
        stop = asyncio.create_task(job.stop.wait())
        await asyncio.wait({outcome, stop}, timeout=self.limits.job_s, return_when=asyncio.FIRST_COMPLETED)
        late = not outcome.done() and not stop.done()
        if not outcome.done():
            worker.send(Order(do="cancel", job=job.id))
            await asyncio.wait({outcome}, timeout=HEED_S)
        if not outcome.done():
            await worker.kill()
        event = await outcome
        if late:
            event = Failed(error=overdue(self.limits.job_s, job.log.progress.stage))
        elif stop.done() and not isinstance(event, Done):
            event = Stopped()
        stop.cancel()
        if isinstance(event, Done):
            self._keep(job)
        job.end(event)

    async def _outcome(self, worker: WorkerProcess, job: Job) -> Event:
        """Take in the job's events up to its last, and return that."""
        while True:
            heard = await worker.next_event()
            if heard is None:
                return Failed(error=worker_died(worker.end_reason, ready=worker.ready, stage=job.log.progress.stage))
            job_id, event = heard
            if job_id != job.id:
                continue
            if isinstance(event, Done | Failed | Stopped):
                return event
            job.log.add(event)

    async def _refresh_worker(self, code: str) -> WorkerProcess:
        """The worker; a fresh one where it has died, or runs code that has changed since."""
        worker = self._worker
        if worker is None or not worker.alive or worker.setup.code != code:
            if worker is not None:
                await worker.kill()
            setup = Setup(
                work_folder=str(self.work_folder),
                cache_folder=str(self._cache_folder),
                cache_bytes=self._cache_bytes,
                duration_s=self.limits.duration_s,
                code=code,
            )
            worker = self._worker = await WorkerProcess.start(setup)
            if self._closed:
                await worker.kill()
        return worker

    # Results.

    def _look_up(self, job: Job) -> list[Event] | None:
        assert job.submission is not None
        request = job.submission.request
        job.key = request_fingerprint(
            request, code=code_fingerprint(), audio_sha256=job.audio_sha256, filename=job.filename
        )
        return kept_result(self._results, job.key, job.folder)

    def _keep(self, job: Job) -> None:
        assert job.submission is not None
        events = [event for event in job.log.events() if isinstance(event, Words | Warned)]
        takes = len(job.submission.request.seeds)
        task = asyncio.create_task(
            asyncio.to_thread(keep_result, self._results, job.key, job.folder, takes=takes, events=events)
        )
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    def _forget(self) -> None:
        ended = [job for job in self._jobs.values() if job.log.ended]
        for job in ended[:-_REMEMBERED]:
            del self._jobs[job.id]
            shutil.rmtree(job.folder, ignore_errors=True)
