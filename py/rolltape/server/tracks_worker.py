"""Workers: each takes a job from the queue, has a process make its tracks, and says how far that is.

The process is one of its own at the lowest priority (`tracks/child.py`). It is ended, at any moment, when its job is
cancelled, its recordings are deleted, the disk has too little left, or nothing has come of it for too long. It ends
by itself when this process does, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from rolltape.arrivals.tracks import TrackFile, TracksEvent
from rolltape.server.bucket import CREDENTIALS, Bucket
from rolltape.server.lasting import lasting
from rolltape.server.secret import VARIABLE
from rolltape.server.takes_mover import bring_back
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import now_ms
from rolltape.server.takes_store import TakesStore
from rolltape.server.tracks_queue import Job
from rolltape.tracks.job import JobLine

__all__ = ["TracksWorkers", "can_make_tracks", "default_workers", "told_environment"]

LOOK_S = 0.5
"""So often a worker looks whether its job is still to be done, or whether there is one."""
HERE_S = 15.0
STALL_S = 900.0
"""A process that has said nothing for this long is ended: a percent of a long film takes a minute or two."""
GONE_S = 5.0
LONGEST_LINE = 1 << 20
KEPT_ERRORS = 2000

FULL = "The host's disk is too full to make tracks: what was made stays. Delete something, then ask again."
STALLED = "What makes the tracks stood still and was ended: what was made stays."

SECRETS = (VARIABLE, *CREDENTIALS)
"""How the names of variables begin that a process is not told."""

log = logging.getLogger(__name__)


def can_make_tracks() -> bool:
    """True if what tracks are made with is installed here (`rolltape[tracks]`)."""
    return importlib.util.find_spec("av") is not None


def default_workers() -> int:
    """Return how many sessions are worked on at once where nobody says: half the cores, one at least."""
    return max(1, (os.cpu_count() or 1) // 2)


def told_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of the environment is told to what decodes strangers' files: no secret."""
    return {name: value for name, value in environment.items() if not name.startswith(SECRETS)}


class TracksWorkers:
    """So many workers in this process; `start` and `close` once each."""

    def __init__(
        self, takes: TakesStore, count: int, broke_off: Callable[[str], None], bucket: Bucket | None = None
    ) -> None:
        """`broke_off` is told when a worker had to be begun again; `bucket`: where recordings were moved."""
        self._takes = takes
        self._bucket = bucket
        self._tracks = takes.tracks
        self._queue = takes.tracks.queue
        self._broke_off = broke_off
        self._names = [secrets.token_hex(8) for _ in range(count)]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work."""
        for name in self._names:
            await asyncio.to_thread(self._queue.here, name)
            work = partial(self._work, name)
            self._tasks.append(asyncio.create_task(lasting("making tracks", work, self._broke_off)))

    async def close(self) -> None:
        """End; what is under way is let go, for another worker."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name in self._names:
            with contextlib.suppress(OSError):
                self._queue.gone(name)

    async def _work(self, worker: str) -> None:
        here_s = 0.0
        while True:
            if time.monotonic() - here_s > HERE_S:
                await asyncio.to_thread(self._queue.here, worker)
                here_s = time.monotonic()
            job = await asyncio.to_thread(self._queue.take_up, worker)
            if job is None:
                await asyncio.sleep(LOOK_S)
            else:
                await self._make(job, worker)

    async def _make(self, job: Job, worker: str) -> None:
        event: TracksEvent = TracksEvent.LET_GO
        change: Callable[[Job], Job] = _unchanged
        try:
            missing = await self._bring_back(job, worker)
            if missing:
                event, change = TracksEvent.BROKE_OFF, partial(_saying, missing)
            elif missing is not None:
                order = await asyncio.to_thread(self._tracks.prepare, job)
                async with _Process(order.to_json()) as process:
                    event, change = await self._watch(job, worker, process)
        except Refused:  # all of it was deleted meanwhile
            event = TracksEvent.BROKE_OFF
        except OSError as error:
            log.warning("Tracks cannot be made.", extra={"error": error.strerror, "number": error.errno})
            sentence = f"The host's disk does not take the tracks: {error.strerror or error}."
            event, change = TracksEvent.BROKE_OFF, partial(_saying, sentence)
        finally:
            await asyncio.shield(asyncio.to_thread(self._end, job, worker, event, change))

    def _end(self, job: Job, worker: str, event: TracksEvent, change: Callable[[Job], Job]) -> None:
        self._tracks.sweep(job)
        in_place = partial(self._tracks.put_in_place, job)
        if not self._queue.end(job.id, worker, event, change, in_place) and not self._queue.job(
            job.room, job.session
        ):
            self._tracks.delete(job)  # its recordings were deleted meanwhile
        self._tracks.drop_what_is_of_no_use(job)

    async def _bring_back(self, job: Job, worker: str) -> str | None:
        """Fetch the recordings that lie in a bucket; a sentence where that fails.

        None: the job is this worker's no more.
        """
        fetching = asyncio.create_task(bring_back(self._takes.spool, self._bucket, job, self._takes.has_room))
        try:
            while not (await asyncio.wait({fetching}, timeout=LOOK_S))[0]:
                if not await asyncio.to_thread(self._queue.beat, job.id, worker, _unchanged, True):
                    return None
            return fetching.result()
        finally:
            fetching.cancel()
            await asyncio.wait({fetching})

    async def _watch(
        self, job: Job, worker: str, process: _Process
    ) -> tuple[TracksEvent, Callable[[Job], Job]]:
        """What came of the process, once it has ended or is to be ended."""
        beaten_s = heard_s = time.monotonic()
        while True:
            lines = await process.lines(LOOK_S)
            now_s = time.monotonic()
            heard_s = now_s if lines else heard_s
            must = now_s - beaten_s > self._queue.lease_s / 4
            told = partial(_told, lines=tuple(lines), at_ms=now_ms())
            if not await asyncio.to_thread(self._queue.beat, job.id, worker, told, must):
                return TracksEvent.LET_GO, _unchanged
            beaten_s = now_s if must or lines else beaten_s
            if process.has_ended:
                return _outcome(process)
            if not await asyncio.to_thread(self._takes.has_room):
                return TracksEvent.BROKE_OFF, partial(_saying, FULL)
            if now_s - heard_s > STALL_S:
                return TracksEvent.BROKE_OFF, partial(_saying, STALLED)


class _Process:
    """The process that makes the tracks of one job; gone when this is left, and with it those that it has begun."""

    def __init__(self, order: str) -> None:
        self._order = order
        self._process: asyncio.subprocess.Process | None = None
        self._heard: asyncio.Queue[JobLine | None] = asyncio.Queue()
        self._readers: list[asyncio.Task[None]] = []
        self.errors = b""
        """The end of what it has written to standard error."""
        self.has_ended = False
        self.is_over = False
        """True if it has said that it is done."""

    async def __aenter__(self) -> _Process:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rolltape.tracks.child"),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=told_environment(os.environ),
            limit=LONGEST_LINE,
        )
        assert self._process.stdin is not None  # held open until it is to end
        self._process.stdin.write(self._order.encode() + b"\n")
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        # Those that it has begun end with it; until they have, they hold its standard error.
        await asyncio.wait(self._readers, timeout=GONE_S)
        for reader in self._readers:
            reader.cancel()

    @property
    def status(self) -> int:
        """Its exit status, once it has ended; negative: the signal that ended it."""
        assert self._process is not None and self._process.returncode is not None
        return self._process.returncode

    async def lines(self, wait_s: float) -> list[JobLine]:
        """What it has said since it was asked last; nothing comes within `wait_s` if it says nothing."""
        found: list[JobLine] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._take(found)
        while not self._heard.empty():
            await self._take(found)
        return found

    async def _take(self, found: list[JobLine]) -> None:
        line = await self._heard.get()
        if line is None:
            self.has_ended = True
        else:
            found.append(line)
            self.is_over = self.is_over or line.is_whole is not None

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                self._heard.put_nowait(JobLine.from_json(line.decode()))
        except ValueError as error:  # a line that none of ours would write
            self._process.kill()
            log.error("What makes tracks said what is none of its lines.", extra={"error": str(error)})
        await self._process.wait()
        self._heard.put_nowait(None)

    async def _read_errors(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while said := await self._process.stderr.read(KEPT_ERRORS):
            self.errors = (self.errors + said)[-KEPT_ERRORS:]


def _unchanged(job: Job) -> Job:
    return job


def _saying(sentence: str, job: Job) -> Job:
    return job.saying(sentence)


def _told(job: Job, lines: tuple[JobLine, ...], at_ms: int) -> Job:
    """A job with what its process has said."""
    for line in lines:
        if line.file:
            file = TrackFile(line.file, line.bytes, line.sha256, line.crc32, at_ms)
            others = (one for one in job.files if one.name != file.name)
            job = replace(job, files=(*others, file), making="", share=0.0)
        elif line.making:
            job = replace(job, making=line.making, share=line.share)
        elif line.sentence:
            job = job.saying(line.sentence)
    return job


def _outcome(process: _Process) -> tuple[TracksEvent, Callable[[Job], Job]]:
    """What a process that has ended by itself has come to."""
    status = process.status
    if status == 0 and process.is_over:
        return TracksEvent.MADE, _unchanged
    errors = process.errors.decode(errors="replace")
    log.error("What makes tracks broke off.", extra={"status": status, "errors": errors})
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return TracksEvent.BROKE_OFF, partial(_saying, f"What makes the tracks {how}: what was made stays.")
