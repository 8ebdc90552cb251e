"""The engine's process: listens on this machine, announces itself, and leaves nothing behind when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import DeclaimError, EngineError
from ..core.typed_json import decoded, encoded, parsed
from ..core.wire import PROTOCOL, Announcement, ErrorInfo
from .access import default_token_file, read_or_make_token
from .job import JobLimits
from .jobs import Jobs

_LOG_WATCH_S = 2.0
_GRACE_S = 1  # what connections get to end in when the engine stops


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How the engine is to run."""

    host: str = "127.0.0.1"  # anything else opens the engine to the network, without encryption
    port: int = 0  # 0: a free one
    token_file: Path | None = None  # None: the user's own
    watch_parent: bool = False  # end when standard input does
    queue: int = 16  # jobs that may wait
    upload_bytes: int = 512 << 20  # of a voice file
    duration_s: float = 3600.0  # of a voice
    job_s: float = 3600.0  # of work on one job
    cache_folder: Path | None = None  # None: the user's own
    cache_bytes: int = 1 << 30
    log_bytes: int = 0  # standard error, where it is a file, is emptied whenever it grows beyond; 0: never


def serve(options: ServeOptions) -> None:
    """Run the engine until it is told to stop (SIGTERM, SIGINT, or the end of standard input with ``watch_parent``).

    Once it listens, one line of JSON (``core.wire.Announcement``) is written to standard output. Call it from the main
    thread. Raises EngineError where the address or the token file cannot be used.
    """
    stopping = threading.Event()
    handled = [signal.SIGTERM, signal.SIGINT, *_more_signals()]
    former = {number: signal.signal(number, lambda *_: stopping.set()) for number in handled}
    try:
        if options.watch_parent:
            threading.Thread(target=_watch_parent, args=(stopping,), daemon=True).start()
        if options.log_bytes:
            threading.Thread(target=_watch_log, args=(options.log_bytes, stopping), daemon=True).start()
        token_file = options.token_file or default_token_file()
        token = read_or_make_token(token_file)
        with _listening(options.host, options.port) as listener, _work_folder() as work_folder:
            announcement = Announcement(
                url=_url(listener), pid=os.getpid(), token_file=str(token_file), version=__version__, protocol=PROTOCOL
            )
            asyncio.run(_run(options, listener, work_folder, token, announcement, stopping))
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str]) -> None:
    """The engine without the command line: ``arguments`` holds ServeOptions as JSON, or nothing.

    What keeps it from starting is written as one line of JSON (``core.wire.ErrorInfo``) instead of the announcement.
    """
    try:
        serve(decoded(ServeOptions, parsed(arguments[0] if arguments else "{}"), name="options"))
    except DeclaimError as error:
        _say(ErrorInfo.of(error))
        raise SystemExit(str(error)) from None


async def _run(
    options: ServeOptions,
    listener: socket.socket,
    work_folder: Path,
    token: str,
    announcement: Announcement,
    stopping: threading.Event,
) -> None:
    import uvicorn

    from .routes import application

    jobs = Jobs(
        work_folder=work_folder,
        cache_folder=options.cache_folder or _default_cache_folder(),
        cache_bytes=options.cache_bytes,
        limits=JobLimits(waiting=options.queue, duration_s=options.duration_s, job_s=options.job_s),
    )

    class Server(uvicorn.Server):
        """Stops on our event, and ends the jobs before it waits for the connections that follow them."""

        def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
            return contextlib.nullcontext()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _say(announcement)

        async def on_tick(self, counter: int) -> bool:
            return await super().on_tick(counter) or stopping.is_set()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await jobs.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        application(jobs, token=token, upload_bytes=options.upload_bytes),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    working = asyncio.create_task(jobs.run())
    try:
        await Server(config).serve(sockets=[listener])
    finally:
        await jobs.close()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _say(what: Announcement | ErrorInfo) -> None:
    with contextlib.suppress(OSError, AttributeError, ValueError):  # whoever started us may not listen
        sys.stdout.write(f"{encoded(what)}\n")
        sys.stdout.flush()


def _more_signals() -> list[signal.Signals]:
    if sys.platform == "win32":
        return [signal.SIGBREAK]
    return []


def _watch_parent(stopping: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    stopping.set()


def _watch_log(most: int, stopping: threading.Event) -> None:
    """Keep the log from filling the disk: a plugin may print without end."""
    with contextlib.suppress(OSError):
        while stat.S_ISREG(os.fstat(2).st_mode) and not stopping.wait(_LOG_WATCH_S):
            if os.fstat(2).st_size > most:
                os.ftruncate(2, 0)
                os.lseek(2, 0, os.SEEK_SET)  # shared with the worker: both go on from the start
                os.write(2, f"(more than {most} bytes of log were removed)\n".encode())


@contextlib.contextmanager
def _work_folder() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="declaim-engine-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Named, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # on Windows this would let another process take the port over
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"The engine cannot listen on {host} port {port}: {(getattr(error, 'strerror', None) or str(error)).lower()}.",
            hint="Use port 0: a free one is found.",
        ) from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _default_cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("declaim", appauthor=False)) / "engine"
