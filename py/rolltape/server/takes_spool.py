"""The folder of the takes as a spool: what of it is to be moved into a bucket, deleted there, or fetched back.

    DIR/.bucket/url     the bucket's address
    DIR/.bucket/mover   held (flock) by the process that moves

What is to be is noted in `take.json` before it is done: the key before its object is put, the object as the file's
place before the file goes. Whoever goes on after a crash knows of every object that may be there. Everything
here waits for the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from rolltape.server.takes_folder import Folder
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import RECORD, RecordCache, RoomTakes, now_ms
from rolltape.server.tracks_queue import Job, TracksQueue

__all__ = ["Errand", "ErrandKind", "Spool", "errands_of"]

BUCKET = ".bucket"
"""Name of the folder for what is known of the bucket, in that of the takes."""
URL, MOVER = "url", "mover"
FETCHED = ".fetched"
"""How the name of a file ends that is being fetched back."""
ABANDONED_MS = 3600_000
"""Nobody fetches a file that has not grown for this long."""


class ErrandKind(Enum):
    """What there is to do."""

    MOVE = auto()
    """Put a file into the bucket, compare, and note that it is there."""
    DROP = auto()
    """Remove a file that is in the bucket from the folder."""
    DELETE = auto()
    """Delete an object of a recording that was deleted, or replaced."""


@dataclass(frozen=True)
class Errand:
    """Something to do for a take."""

    kind: ErrandKind
    owner: Owner
    id: str
    part: PartRecord | None = None
    """Of which part; None for DELETE."""
    key: str = ""
    """Of the object that is to be deleted."""

    @property
    def mark(self) -> tuple[object, ...]:
        """The same as long as it is about the same."""
        return self.kind, self.owner, self.id, self.key, self.part and (self.part.part, self.part.sha256)

    @property
    def bytes(self) -> int:
        """Bytes of the file."""
        return 0 if self.part is None else self.part.bytes


def errands_of(record: TakeRecord, here: Collection[str], is_needed: bool) -> Iterator[Errand]:
    """Yield what there is to do for a take: `here` are the names in its session's folder.

    `is_needed`: tracks are being made of its session, or wait to be, so that its files stay.
    """
    for key in set(record.leftovers) - {part.key for part in record.parts}:
        yield Errand(ErrandKind.DELETE, record.owner, record.id, key=key)
    for part in record.kept:
        if part.name not in here:
            continue
        if not part.is_moved:
            if part.is_to_sum_up:  # what lies in the bucket is compared by it
                continue
            yield Errand(ErrandKind.MOVE, record.owner, record.id, part)
        elif not is_needed:
            yield Errand(ErrandKind.DROP, record.owner, record.id, part)


class Spool:
    """What of the folder has to do with a bucket. Methods raise OSError, and Refused where a take is gone."""

    def __init__(self, root: Folder, records: RecordCache, queue: TracksQueue) -> None:
        self._root = root
        self._records = records
        self._queue = queue
        self._held: int | None = None

    @property
    def url(self) -> str:
        """Address of the bucket that files of this folder were moved into; empty if there never was one."""
        with contextlib.suppress(FileNotFoundError), self._root.folder(BUCKET) as folder:
            return folder.read(URL).decode().strip()
        return ""

    def use(self, url: str) -> None:
        """Note the address of the bucket that is used from now on."""
        with self._root.folder(BUCKET, make=True) as folder:
            folder.write(URL, f"{url}\n".encode())

    def may_move(self) -> bool:
        """True if it is for this process to move files: no other one that uses the folder does."""
        if self._held is not None:
            return True
        with self._root.folder(BUCKET, make=True) as folder:
            fd = folder.open(MOVER, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._held = fd
        return True

    def close(self) -> None:
        """Let another process move files."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def errands(self) -> list[Errand]:
        """Return all that there is to do."""
        found: list[Errand] = []
        for name in self._root.names():
            with contextlib.suppress(Refused), RoomTakes(self._root, name, self._records) as room:
                here: dict[str, Collection[str]] = {}
                for _, record in room.each():
                    if record.session not in here:
                        here[record.session] = room.file_names(record.session)
                    found += errands_of(record, here[record.session], self._is_needed(record))
        return found

    # A file's way into the bucket.

    def intend(self, errand: Errand) -> PartRecord | None:
        """Note under which key a file is about to be put; return its part then. None: it is another, or gone."""

        def keyed(record: TakeRecord, part: PartRecord) -> PartRecord:
            return replace(part, key=part.key or record.key(part))

        return self._change(errand, keyed)

    def moved(self, errand: Errand) -> bool:
        """Note that the object is the file's place from now on. False: it is another, or gone, by now."""
        return self._change(errand, lambda record, part: replace(part, is_moved=True)) is not None

    def open(self, errand: Errand) -> int | None:
        """Open the file to read; return its descriptor, which the caller closes. None if it is not here."""
        assert errand.part is not None
        with self._take(errand) as (room, _, record):
            return room.open_file(record, errand.part)

    def drop(self, errand: Errand) -> None:
        """Remove the file from the folder, unless tracks are made of it; who reads it just now goes on."""
        assert errand.part is not None
        with contextlib.suppress(Refused), self._take(errand) as (room, folder, _), room.locked():
            record = room.record(errand.owner, errand.id, folder)
            part = None if record is None else record.part(errand.part.part)
            if record is not None and part is not None and part.is_moved and not self._is_needed(record):
                room.remove_file(record, part)

    def deleted(self, errand: Errand) -> None:
        """Note that an object is deleted."""
        with contextlib.suppress(Refused), self._take(errand) as (room, folder, _), room.locked():
            record = room.record(errand.owner, errand.id, folder)
            if record is not None:
                left = tuple(key for key in record.leftovers if key != errand.key)
                folder.write(RECORD, replace(record, leftovers=left).to_json())

    # And back, for the time that tracks are made of it.

    def to_fetch(self, job: Job) -> list[Errand]:
        """Return the files that a job needs and that are not in the folder."""
        with RoomTakes(self._root, job.room, self._records) as room, room.locked():
            here = room.file_names(job.session)
            return [
                Errand(ErrandKind.MOVE, record.owner, record.id, part)
                for record in room.records()
                if record.session == job.session and record.in_job in job.takes
                for part in record.kept
                if part.is_moved and part.name not in here
            ]

    def fetching(self, errand: Errand) -> int:
        """Make the file that is fetched back, which nobody sees yet; return its descriptor, to be closed."""
        assert errand.part is not None
        with self._take(errand) as (_, folder, _record):
            return folder.open(errand.part.part + FETCHED, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def discard_fetched(self, errand: Errand) -> None:
        """Remove what was fetched of a file and not put into its place; it is no error if nothing was."""
        assert errand.part is not None
        with contextlib.suppress(Refused), self._take(errand) as (_, folder, _record):
            folder.remove(errand.part.part + FETCHED)

    def fetched(self, errand: Errand) -> None:
        """Put a file that was fetched, and compared, into its session's folder; if it is another by now, it goes."""
        assert errand.part is not None
        name = errand.part.part + FETCHED
        with self._take(errand) as (room, folder, _), room.locked():
            record = room.record(errand.owner, errand.id, folder)
            part = None if record is None else record.part(errand.part.part)
            if record is None or part is None or part.sha256 != errand.part.sha256:
                folder.remove(name)
            else:
                room.put_back(folder, name, record, part)

    def sweep(self, folder: Folder) -> None:
        """Remove from a take's folder what somebody began to fetch and never ended: they were killed."""
        for name in folder.names():
            stat = folder.stat(name) if name.endswith(FETCHED) else None
            if stat is not None and now_ms() - stat.st_mtime_ns // 1_000_000 > ABANDONED_MS:
                folder.remove(name)

    # How.

    def _is_needed(self, record: TakeRecord) -> bool:
        job = self._queue.job(record.owner.room_folder, record.session)
        return job is not None and job.is_waited_for and record.in_job in job.takes

    @contextlib.contextmanager
    def _take(self, errand: Errand) -> Iterator[tuple[RoomTakes, Folder, TakeRecord]]:
        """A take's room, folder and record. Raises Refused if it is gone."""
        with (
            RoomTakes(self._root, errand.owner.room_folder, self._records) as room,
            room.take(errand.owner, errand.id) as folder,
        ):
            record = room.record(errand.owner, errand.id, folder)
            if record is None:
                raise Refused.unknown()
            yield room, folder, record

    def _change(
        self, errand: Errand, change: Callable[[TakeRecord, PartRecord], PartRecord]
    ) -> PartRecord | None:
        """Change what is noted of a part, if it is still the errand's; return it then."""
        assert errand.part is not None
        with contextlib.suppress(Refused), self._take(errand) as (room, folder, _), room.locked():
            record = room.record(errand.owner, errand.id, folder)
            part = None if record is None else record.part(errand.part.part)
            if record is None or part is None or not part.is_kept or part.sha256 != errand.part.sha256:
                return None
            changed = change(record, part)
            if changed != part:
                folder.write(RECORD, record.with_part(changed).to_json())
            return changed
        return None
