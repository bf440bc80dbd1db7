"""The queue of sessions whose tracks are to be made: a folder of files, a job each, that any number of hosts share.

    DIR/.tracks/JOB.json        a job: its state, whose worker has it, what is made
    DIR/.tracks/JOB.session     the session file as it was when the job was asked for
    DIR/.tracks/WORKER.worker   a worker that is there

A job is read, changed and written whole by rename, all under the folder's lock. Who works on it holds a lease, and
says so again and again; a job whose worker has said nothing for LEASE_S is taken up by another. No clock of another
machine is trusted for that: who waits counts from when it saw the last word. Everything here waits for the disk.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rolltape.arrivals.tracks import ListedTracks, TrackFile, TracksEvent, TracksState, advance
from rolltape.core.json_fields import Fields
from rolltape.server.takes_folder import Folder
from rolltape.server.takes_record import mark
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import now_ms

__all__ = ["LEASE_S", "QUEUE", "Earlier", "Job", "TracksQueue"]

QUEUE = ".tracks"
"""Name of the queue's folder in that of the takes."""
JOB, SESSION, WORKER = ".json", ".session", ".worker"
LEASE_S = 15.0
THERE_MS = 60_000
"""A worker that has said nothing for this long is not there."""
MAX_WAITING = 200
MAX_TRIES = 3
"""A job that ends three workers without a word is not tried again."""
MAX_SAID = 50
STAYS = "What was made before is still there."


@dataclass(frozen=True)
class Earlier:
    """Tracks of a session that are there already while they are made anew: given away until all is there."""

    asked_ms: int
    takes: tuple[str, ...]
    files: tuple[TrackFile, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types; `from_fields` reads it."""
        return vars(self) | {"files": [one.to_plain() for one in self.files]}

    @classmethod
    def from_fields(cls, found: Fields) -> Earlier:
        """Read what `to_plain` wrote. Raises ValueError."""
        files = tuple(map(TrackFile.from_fields, found.rows("files")))
        return cls(found.whole("asked_ms"), tuple(found.texts("takes")), files)


@dataclass(frozen=True)
class Job:
    """The tracks of one session; every change makes a new one."""

    room: str
    """Name of the room's folder."""
    session: str
    state: TracksState
    asked_ms: int
    takes: tuple[str, ...] = ()
    """Whose recordings are in it: names of takes."""
    worker: str = ""
    """Who has it; also after it was cancelled, until they have let go."""
    beat: int = 0
    """Counts what its worker has said: while it changes, they are there."""
    tries: int = 0
    """How often it was taken up and not let go again."""
    files: tuple[TrackFile, ...] = ()
    """What this run has made."""
    making: str = ""
    share: float = 0.0
    said: tuple[str, ...] = ()
    earlier: Earlier | None = None
    """Until this run has ended: what the one before has made, where it was made anew."""

    @property
    def given(self) -> tuple[TrackFile, ...]:
        """The files that are listed and given away."""
        return self.files if self.earlier is None else self.earlier.files

    @property
    def all_takes(self) -> tuple[str, ...]:
        """Whose recordings are in what is made, and in what is still there of an earlier run."""
        return self.takes if self.earlier is None else (*self.takes, *self.earlier.takes)

    @property
    def id(self) -> str:
        """Its name in the queue."""
        return mark(self.room, self.session)

    @property
    def is_waited_for(self) -> bool:
        """True if there is something left to do."""
        return self.state in (TracksState.QUEUED, TracksState.MAKING)

    def after(self, event: TracksEvent) -> Job:
        """Return the job after an event. Raises WrongMoment."""
        return replace(self, state=advance(self.state, event))

    def saying(self, sentence: str) -> Job:
        """Return the job with one more sentence."""
        return replace(self, said=(*self.said, sentence[:2000])[:MAX_SAID])

    def back(self) -> Job:
        """Return the job with what an earlier run has made, and nothing of this one, which came to no end."""
        if self.earlier is None:
            return self
        earlier = self.earlier
        return replace(
            self, asked_ms=earlier.asked_ms, takes=earlier.takes, files=earlier.files, earlier=None
        )

    def back_with_words(self) -> Job:
        """Return the same for one that failed, which says so."""
        return self if self.earlier is None else self.back().saying(STAYS)

    def listed(self, ahead: int) -> ListedTracks:
        """Return it as the list has it, with so many others before it."""
        return ListedTracks(
            self.session, self.state, self.asked_ms, self.given, self.making, self.share, ahead, self.said
        )

    def to_json(self) -> bytes:
        """Write the content of its file."""
        plain = vars(self) | {"files": [one.to_plain() for one in self.files]}
        plain["earlier"] = self.earlier and self.earlier.to_plain()
        return (json.dumps({"format": "rolltape-tracks-job", "version": 1, **plain}) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Job:
        """Read what `to_json` wrote. Raises ValueError."""
        found = Fields.from_json(content.decode())
        return cls(
            found.text("room"),
            found.text("session"),
            found.member("state", TracksState),
            found.whole("asked_ms"),
            tuple(found.texts("takes")),
            found.text("worker", ""),
            found.whole("beat", 0),
            found.whole("tries", 0),
            tuple(map(TrackFile.from_fields, found.rows("files"))),
            found.text("making", ""),
            found.number("share", 0.0, high=1.0),
            tuple(found.texts("said")),
            None if (earlier := found.inner_or_none("earlier")) is None else Earlier.from_fields(earlier),
        )


@dataclass(frozen=True)
class _Seen:
    worker: str
    beat: int
    at_s: float


class TracksQueue:
    """The queue, for one process. Methods raise OSError, and Refused where that is said."""

    def __init__(self, takes: Folder, lease_s: float = LEASE_S) -> None:
        """Open the queue in the folder of the takes, made if there is none."""
        self._folder = takes.folder(QUEUE, make=True)
        self.lease_s = lease_s
        self._seen: dict[str, _Seen] = {}
        """The last word of others' workers, by job, and when it was heard, by this process's own clock."""
        self._read: dict[str, tuple[tuple[int, int, int], Job]] = {}

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()

    # What a director's page asks.

    def ask(self, room: str, session: str, content: str, takes: Sequence[str]) -> Job:
        """Put a session into the queue; `content` is its session file, of these takes.

        One that is there already and not made yet stays as it is; what was made before is given away until all is
        there that is made now.

        Raises Refused where too many wait.
        """
        with self._folder.locked():
            before = self._job(mark(room, session))
            if before is not None and before.is_waited_for:
                return before
            if sum(one.is_waited_for for one in self._jobs()) >= MAX_WAITING:
                raise Refused.server("Too many sessions wait for their tracks already: try again later.", 60)
            state = before.state if before else TracksState.NONE
            job = Job(room, session, state, now_ms(), tuple(takes))
            if before is not None:  # its worker may still have to let go
                job = replace(job, worker=before.worker, beat=before.beat)
                if before.files:
                    job = replace(job, earlier=Earlier(before.asked_ms, before.takes, before.files))
            job = job.after(TracksEvent.ASKED)
            self._folder.write(job.id + SESSION, content.encode())
            self._write(job)
            return job

    def cancel(self, room: str, session: str) -> Job | None:
        """Cancel a job; what is made stays, or what was made before. Return the job then; None if there is none."""
        with self._folder.locked():
            job = self._job(mark(room, session))
            if job is not None and job.is_waited_for:
                job = replace(job.after(TracksEvent.CANCELLED).back(), making="", share=0.0)
                self._write(job)
            return job

    def forget(self, room: str, session: str) -> None:
        """Remove a job; its worker ends as soon as it looks."""
        id = mark(room, session)
        with self._folder.locked():
            self._folder.remove(id + JOB)
            self._folder.remove(id + SESSION)

    def job(self, room: str, session: str) -> Job | None:
        """Return a session's job; None if there is none."""
        return self._job(mark(room, session))

    def listed(self, job: Job) -> ListedTracks:
        """Return a job as the list has it, while it waits with how many are before it."""
        if job.state is not TracksState.QUEUED:
            return job.listed(0)
        return job.listed(sum(one.is_waited_for and one.asked_ms < job.asked_ms for one in self._jobs()))

    # What workers do.

    def is_anybody_there(self) -> bool:
        """True if a worker is there, in whatever process."""
        since_ms = now_ms() - THERE_MS
        stats = (self._folder.stat(name) for name in self._folder.names() if name.endswith(WORKER))
        return any(stat is not None and stat.st_mtime_ns // 1_000_000 > since_ms for stat in stats)

    def here(self, worker: str) -> None:
        """Say that a worker is there; to be said again within THERE_MS."""
        self._folder.write(worker + WORKER, b"")
        since_ms = now_ms() - 10 * THERE_MS
        for name in self._folder.names():
            stat = self._folder.stat(name) if name.endswith(WORKER) else None
            if stat is not None and stat.st_mtime_ns // 1_000_000 < since_ms:
                self._folder.remove(name)

    def gone(self, worker: str) -> None:
        """Say that a worker is there no more."""
        self._folder.remove(worker + WORKER)

    def take_up(self, worker: str) -> Job | None:
        """Take up the job that has waited longest, or was left by a worker that is no more; None if there is none."""
        if not any(self._is_free(one) for one in self._jobs()):
            return None
        with self._folder.locked():
            free = [one for one in self._jobs() if self._is_free(one)]
            for job in sorted(free, key=lambda one: one.asked_ms):
                if job.tries >= MAX_TRIES:
                    failed = job.after(TracksEvent.TAKEN_UP).after(TracksEvent.BROKE_OFF)
                    sentence = "It was tried three times, and each time what made them ended without a word."
                    failed = replace(failed, worker="").saying(sentence)
                    self._write(failed.back_with_words())
                    continue
                taken = replace(job.after(TracksEvent.TAKEN_UP), worker=worker, tries=job.tries + 1)
                self._write(replace(taken, beat=job.beat + 1))
                return replace(taken, beat=job.beat + 1)
        return None

    def beat(self, id: str, worker: str, change: Callable[[Job], Job], must: bool) -> bool:
        """Say that a job is still worked on, and what is new; `must`: also if nothing is.

        False: it is not this worker's any more, or was cancelled: to be ended at once.
        """
        with self._folder.locked():
            job = self._job(id)
            if job is None or job.worker != worker or job.state is not TracksState.MAKING:
                return False
            changed = change(job)
            if must or changed != job:
                self._write(replace(changed, beat=job.beat + 1))
            return True

    def end(
        self,
        id: str,
        worker: str,
        event: TracksEvent,
        change: Callable[[Job], Job],
        put_in_place: Callable[[], None],
    ) -> bool:
        """Let a job go, once nothing of its worker runs any more: `event` and `change` are what came of it.

        They do not count if it was cancelled, and nothing is made without a file. `put_in_place` puts what was made
        where an earlier run's files are, and is called once all is there that can be. False: the job is there no
        more, or another worker's.
        """
        with self._folder.locked():
            job = self._job(id)
            if job is None or job.worker != worker:
                return False
            job = replace(job, worker="", making="", share=0.0)
            if job.state is TracksState.MAKING:
                is_nothing = event is TracksEvent.MADE and not job.files
                job = change(job.after(TracksEvent.BROKE_OFF if is_nothing else event))
                if event is TracksEvent.LET_GO:
                    job = replace(job, tries=0)
                elif job.earlier is not None and job.state is TracksState.READY:
                    put_in_place()
                    job = replace(job, earlier=None)
                else:
                    job = job.back_with_words()
            self._write(job)
            return True

    def session_file(self, id: str) -> str:
        """Return the name of a job's session file in the queue's folder."""
        return id + SESSION

    # How.

    def _is_free(self, job: Job) -> bool:
        """True if it may be taken up. What others' workers say is noted meanwhile."""
        if not job.is_waited_for:
            self._seen.pop(job.id, None)
            return False
        if not job.worker:
            return True
        seen, now_s = self._seen.get(job.id), time.monotonic()
        if seen is None or (seen.worker, seen.beat) != (job.worker, job.beat):
            self._seen[job.id] = _Seen(job.worker, job.beat, now_s)
            return False
        return now_s - seen.at_s > self.lease_s

    def _jobs(self) -> Iterator[Job]:
        for name in self._folder.names():
            if name.endswith(JOB):
                job = self._job(name.removesuffix(JOB))
                if job is not None:
                    yield job

    def _job(self, id: str) -> Job | None:
        """The job as its file has it; read once as long as that is the same."""
        stat = self._folder.stat(id + JOB)
        if stat is None:
            self._read.pop(id, None)
            return None
        seen = stat.st_ino, stat.st_mtime_ns, stat.st_size
        known = self._read.get(id)
        if known is None or known[0] != seen:
            with contextlib.suppress(ValueError, FileNotFoundError):
                self._read[id] = seen, Job.from_json(self._folder.read(id + JOB))
                return self._read[id][1]
            return None
        return known[1]

    def _write(self, job: Job) -> None:
        self._folder.write(job.id + JOB, job.to_json())
