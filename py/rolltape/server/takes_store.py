"""The folder store: takes arrive in it segment by segment, are proven, and get their names.

Everything here waits for the disk, so it runs in threads. Any process of this machine may serve any request: what
counts is on the disk, and locks (`flock`) are on what they protect. A part's log is the lock of its bytes; the room's
lock is that of its records and names. Whoever holds a log's lock may ask for the room's, never the other way round.
"""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from rolltape.arrivals.listing import ArrivalState, ArrivedTake
from rolltape.arrivals.segments import Account, Segment, segment_of
from rolltape.arrivals.wire import PAGE_OF_SEGMENTS, Announcement, Completion, Held, Segments
from rolltape.recording.take import Take
from rolltape.server.takes_folder import Folder
from rolltape.server.takes_log import Logged, PartLog
from rolltape.server.takes_open import OpenTake
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord, session_of, told_take
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import LOG, PART, TRACKS, RecordCache, RoomTakes, now_ms
from rolltape.server.takes_spool import Spool
from rolltape.server.takes_usage import Quotas, Usage
from rolltape.server.tracks_queue import LEASE_S
from rolltape.server.tracks_store import TracksStore, told_clock

__all__ = ["TakesStore"]

DAY_MS = 24 * 3600_000
MAX_PARTS = 300
"""Of one take: devices come and go, and long takes are split."""
SILENT_MS = 7 * DAY_MS
"""After this time without a byte a take is finished from what had arrived."""
FORGOTTEN_MS = 31 * DAY_MS
"""Longer than a token lasts: nobody can send it any more."""
FEW_SEGMENTS = 10_000
SMALL_SEGMENT = 4096
"""On the average no segment is smaller, but for the first few: each costs a line in the log."""


class TakesStore:
    """Takes in a folder. All methods raise Refused with what the page is told, and OSError for what the disk says.

    They wait for the disk, so they are called from threads, any number at once; other processes may have the same
    folder. What a method returns of segments is on the disk, as far as fsync says.
    """

    def __init__(
        self,
        root: Path,
        quotas: Quotas | None = None,
        keep_days: int | None = None,
        track_lease_s: float = LEASE_S,
    ) -> None:
        """Open the folder, made if there is none. `keep_days`: how long a take that has arrived is kept.

        `track_lease_s`: after so many seconds without a word a worker that makes tracks is followed by another.
        """
        self._root = Folder.root(root)
        self._quotas = quotas or Quotas()
        self._keep_ms = None if keep_days is None else keep_days * DAY_MS
        self._records = RecordCache()
        self._usage = Usage(self._quotas, self._count)
        self.tracks = TracksStore(root.resolve(), self._root, self._records, track_lease_s)
        """What is made of sessions."""
        self.spool = Spool(self._root, self._records, self.tracks.queue)
        """What is to be moved into a bucket, where there is one."""
        self._over = threading.Event()

    def end(self) -> None:
        """Have threads leave soon what takes long; what is left is begun again by the next server."""
        self._over.set()

    def close(self) -> None:
        """Close the folder; no thread may have to do with it any more."""
        self.spool.close()
        self.tracks.queue.close()
        self._root.close()

    # What a page sends.

    def announce(self, owner: Owner, id: str, part: str, told: Announcement) -> Held:
        """Note that a part is about to arrive, or goes on; return what is there of it.

        Where the guest has less than lies here, what is too much is dropped. Raises Refused for a take or part that
        is not to be taken.
        """
        take = _told(id, told.take)
        with self._room(owner, make=True) as room:
            known = self._announced(room, owner, take, part, told.type)
        if known.state is ArrivalState.COMPLETE:
            return known.held
        with self._open(owner, id) as opened:
            if opened.is_proving(part):
                return Held(opened.account(part), ArrivalState.PROVING)
            with opened.log(part) as log:
                if told.end is not None and told.end < log.account.end:
                    opened.drop(part, log, told.end)
                return Held(log.account)

    def check(self, owner: Owner, length: int) -> None:
        """Look whether there is room for `length` more bytes of this guest. Raises Refused where there is not."""
        self._usage.check(owner.room_folder, owner.guest_folder, length, self._root.free())

    def has_room(self, length: int = 0) -> bool:
        """True if the disk has more left than is to stay free, also with `length` bytes more."""
        return self._usage.leaves_free(length, self._root.free())

    def put(self, owner: Owner, id: str, part: str, at: int, content: bytes, sha256: str) -> Account:
        """Check a segment against its SHA-256 (base64), have it on the disk, and return the part's account then.

        It is the part's next one, or one that is there already, which it replaces. Raises Refused where it is
        neither, or its bytes are not those of the sum; then nothing has changed.
        """
        segment = segment_of(at, content)
        if segment.sha256 != sha256:
            raise Refused.digest()
        logged = Logged(segment, zlib.crc32(content))
        with self._open(owner, id) as opened, opened.log(part) as log:
            before = self._fitting(log, segment)
            opened.write_content(part, at, content)
            if before is None:
                log.append(logged)
                self._usage.add(owner.room_folder, owner.guest_folder, segment.length)
            elif before != logged:
                log.replace(before.segment, logged)
            return log.account

    def segments(self, owner: Owner, id: str, part: str, start: int) -> Segments:
        """Return a part's segments from the `start`th on, PAGE_OF_SEGMENTS at most.

        Raises Refused where there is no such take.
        """
        with self._open(owner, id) as opened:
            some = opened.segments(part, start, PAGE_OF_SEGMENTS + 1)
        more = start + PAGE_OF_SEGMENTS if len(some) > PAGE_OF_SEGMENTS else None
        return Segments(tuple(some[:PAGE_OF_SEGMENTS]), more)

    def complete(self, owner: Owner, id: str, part: str, told: Completion) -> Held:
        """Compare a part that is over with what the guest has, prove it on the disk, give it its name.

        While another call is at it, the state is returned at once. Raises Refused where the accounts differ, or there
        is no such take. Once it is complete, asking again changes nothing. Of a large file no SHA-256 is told yet:
        `sum_up` is for the caller to call then.
        """
        take, clock = _told(id, told.take), told_clock(told.clock)
        with self._open(owner, id) as opened:
            known = opened.part(part)
            if known.state is ArrivalState.COMPLETE:
                return known.held
            if not opened.is_proving(part):
                with opened.log(part) as log:
                    if log.account != told.account:
                        raise Refused.different(log.account)
                    with opened.room.locked():
                        record = opened.record()
                        opened.write(replace(record, take=take, clock=clock or record.clock))
                    opened.put_away(part)
            return opened.prove(part)

    def sum_up(self, owner: Owner, id: str) -> bool:
        """Note the sums of a take's files that are not known yet (`OpenTake.sum_up`); False if one is damaged."""
        with self._open(owner, id) as opened:
            return all([opened.sum_up(part.part) for part in opened.record().kept])

    # What those may ask who see it.

    def listed(self, owner: Owner, mine: bool) -> list[ArrivedTake]:
        """Return the takes of the room, or with `mine` those of the owner alone; the newest first."""
        try:
            with self._room(owner) as room:
                return room.listed(owner if mine else None, self._keep_ms)
        except Refused:
            return []

    def delete(self, owner: Owner, id: str, is_director: bool) -> None:
        """Delete a take of the owner's; a guest can only as long as no director has fetched it."""
        with self._open(owner, id) as opened, opened.room.locked():
            record = opened.record()
            if record.deleted_ms is not None:
                return
            if record.fetched_ms is not None and not is_director:
                raise Refused.fetched()
            self.tracks.deleted(record)
            opened.room.delete(opened.folder, record)
        self._usage.look_again()

    def finish(self, owner: Owner, id: str) -> ArrivedTake:
        """Finish what has arrived of a take without its guest (`OpenTake.finish`); return the take as listed then."""
        with self._open(owner, id) as opened:
            for part in opened.record().parts:
                opened.finish(part.part)
            with opened.room.locked():
                opened.leave_out_what_is_empty()
        return next(one for one in self.listed(owner, mine=True) if one.take == id)

    def fetched(self, owner: Owner, id: str) -> None:
        """Note that a director fetches a take: from now on its guest cannot withdraw it."""
        with self._open(owner, id) as opened, opened.room.locked():
            record = opened.record()
            if record.fetched_ms is None and record.deleted_ms is None:
                opened.write(replace(record, fetched_ms=now_ms()))

    def records(self, owner: Owner) -> list[TakeRecord]:
        """Return the records of the room's takes that were not deleted."""
        try:
            with self._room(owner) as room:
                return room.records()
        except Refused:
            return []

    def open_file(self, owner: Owner, record: TakeRecord, part: PartRecord) -> int | str:
        """Open the file of a part that is kept, to read; return its descriptor, which the caller closes.

        Where it lies in the bucket, return its object's key. Raises Refused if it is another by now, or gone.
        """
        with self._room(owner) as room:
            fd = room.open_file(record, part)
            if fd is not None and os.fstat(fd).st_size == part.bytes:
                return fd
            if fd is not None:
                os.close(fd)
            with room.take(owner, record.id) as folder:
                now = room.record(owner, record.id, folder)
        known = None if now is None else now.part(part.part)
        if known is None or not known.is_moved or known.sha256 != part.sha256:
            raise Refused.unknown()
        return known.key

    def tidy(self) -> None:
        """Do what is due and nobody asks for; what cannot be done now is tried the next time.

        What a server left when it ended is gone on with, what nobody has sent to for a week is finished, what was
        kept for long enough is deleted, and in the end it is forgotten that it was.
        """
        for name in self._root.names():
            with contextlib.suppress(Refused), RoomTakes(self._root, name, self._records) as room:
                room.sweep()
                for record in [record for _, record in room.each()]:
                    if self._over.is_set():
                        return
                    with contextlib.suppress(Refused), room.take(record.owner, record.id) as folder:
                        self._tidy_one(self._opened(room, folder, record.owner, record.id), record)

    # How.

    def _tidy_one(self, opened: OpenTake, record: TakeRecord) -> None:
        now = now_ms()
        if record.deleted_ms is not None:
            if now - record.deleted_ms > FORGOTTEN_MS and not record.leftovers:
                opened.room.forget(record)
            return
        self.spool.sweep(opened.folder)
        done_ms = max((part.done_ms for part in record.kept), default=now)
        if self._keep_ms is not None and now - done_ms > self._keep_ms and record.kept == record.parts:
            self.delete(record.owner, record.id, is_director=True)
            return
        for part in record.parts:
            with contextlib.suppress(Refused):
                opened.sum_up(part.part)
                if opened.is_proving(part.part):
                    opened.prove(part.part)
                elif opened.silent_ms(part.part) > SILENT_MS:
                    opened.finish(part.part)

    def _room(self, owner: Owner, make: bool = False) -> RoomTakes:
        return RoomTakes(self._root, owner.room_folder, self._records, make)

    @contextlib.contextmanager
    def _open(self, owner: Owner, id: str) -> Iterator[OpenTake]:
        with self._room(owner) as room, room.take(owner, id) as folder:
            yield self._opened(room, folder, owner, id)

    def _opened(self, room: RoomTakes, folder: Folder, owner: Owner, id: str) -> OpenTake:
        return OpenTake(room, folder, owner, id, self._over.is_set)

    def _announced(self, room: RoomTakes, owner: Owner, take: Take, part: str, type: str) -> PartRecord:
        """Keep in mind what is told of a take, and make place for its part."""
        with room.locked():
            if room.count_of(owner) >= self._quotas.takes and not room.has(owner, take.id):
                raise Refused.full("The host keeps no more recordings of one guest")
            with room.take(owner, take.id, make=True) as folder:
                before = room.record(owner, take.id, folder)
                record = before or TakeRecord(owner, take, "")
                if before is None:
                    record = replace(record, session=session_of(record, room.records()))
                if record.deleted_ms is not None:
                    raise Refused.deleted()
                known = record.part(part) or PartRecord(part, type)
                if record.part(part) is None:
                    if len(record.parts) >= MAX_PARTS:
                        raise Refused.too_large("a recording of so many parts")
                    for ending in (PART, LOG):
                        os.close(folder.open(part + ending, os.O_WRONLY | os.O_CREAT))
                changed = replace(record, take=take).with_part(known)
                if changed != before:
                    self._opened(room, folder, owner, take.id).write(changed)
                return known

    def _fitting(self, log: PartLog, segment: Segment) -> Logged | None:
        """The segment that this one replaces; None: it is the next one. Raises Refused."""
        account = log.account
        if segment.at == account.end:
            if segment.end > self._quotas.part:
                raise Refused.too_large(f"a file of more than {self._quotas.part} bytes")
            if account.count >= FEW_SEGMENTS + account.end // SMALL_SEGMENT:
                raise Refused.too_large("so many small pieces")
            return None
        before = log.at(segment.at)
        if before is None or before.segment.length != segment.length:
            raise Refused.place(account)
        return before

    def _count(self) -> Counter[tuple[str, str]]:
        """How many bytes each guest has, by the names of room's and guest's folder."""
        used: Counter[tuple[str, str]] = Counter()
        for name in self._root.names():
            with contextlib.suppress(Refused), RoomTakes(self._root, name, self._records) as room:
                used[name, TRACKS] = room.bytes_of_tracks()
                for folder, record in room.each():
                    used[name, record.owner.guest_folder] += sum(map(partial(_size, folder), record.parts))
        return used


def _told(id: str, told: Mapping[str, object]) -> Take:
    try:
        return told_take(id, told)
    except ValueError as error:
        raise Refused.bad(str(error)) from None


def _size(folder: Folder, part: PartRecord) -> int:
    stat = folder.stat(part.part + PART)
    return (stat.st_size if stat else 0) + (part.bytes if part.is_kept else 0)
