"""Tracks at the host: asked for and cancelled, the folder that they go into, and what of them can be fetched.

Everything here waits for the disk, so it runs in threads. Files lie in `tracks` in their session's folder, made there
under other names until they are whole; only what the queue's job names is listed and given away. What is made anew
lies in `tracks.anew` until all of it is there, and then takes the place of what was made before.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rolltape.arrivals.tracks import ListedTracks, TrackFile, TracksRequest
from rolltape.core.json_fields import Fields
from rolltape.recording.clock_log import ClockLog
from rolltape.room.report import read_clock
from rolltape.room.session_file import session_json
from rolltape.server.takes_folder import Folder
from rolltape.server.takes_record import Owner, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import ANEW, RECORD, TRACKS, RecordCache, RoomTakes, as_reported
from rolltape.server.tracks_queue import QUEUE, Job, TracksQueue
from rolltape.tracks.job import JobOrder

__all__ = ["TracksStore", "told_clock"]

REPORT = "report.json"
"""Written after everybody's sound: what was made before it is made again, since it tells of all of that."""


class TracksStore:
    """Tracks in the folder of the takes. All methods raise Refused with what a page is told, and OSError."""

    def __init__(self, path: Path, root: Folder, records: RecordCache, lease_s: float) -> None:
        """`root` is the folder at `path`, open for as long as this is used."""
        self._path = path
        self._root = root
        self._records = records
        self.queue = TracksQueue(root, lease_s)

    # What directors ask.

    def ask(self, owner: Owner, wanted: TracksRequest) -> Job:
        """Have tracks made of these takes of the director's room.

        What its page knows of clocks is kept with those whose own pages have not told it.
        """
        before = self.queue.job(owner.room_folder, wanted.session)
        if before is not None and before.is_waited_for:
            return before
        with self._room(owner.room_folder) as room, room.locked():
            chosen = []
            for one in wanted.takes:
                clock = told_clock(one.clock)
                whose = replace(owner, uid=one.uid)
                with room.take(whose, one.take) as folder:
                    record = room.record(whose, one.take, folder)
                    if record is None or record.deleted_ms is not None or record.session != wanted.session:
                        raise Refused.unknown()
                    if clock is not None and record.clock is None:
                        record = replace(record, clock=clock)
                        folder.write(RECORD, record.to_json())
                    chosen.append(record)
            room.describe([wanted.session])
        kept = [one for one in chosen if one.kept]
        if not kept:
            raise Refused.no_tracks()
        content = session_json(owner.room, map(as_reported, kept))
        return self.queue.ask(owner.room_folder, wanted.session, content, [one.in_job for one in kept])

    def cancel(self, owner: Owner, session: str) -> None:
        """Cancel what is being made of a session; what is made stays. Raises Refused if nobody asked for any."""
        job = self.queue.cancel(owner.room_folder, session)
        if job is None:
            raise Refused.unknown()
        self.drop_what_is_of_no_use(job)

    def listed(self, owner: Owner, sessions: Iterable[str]) -> tuple[ListedTracks, ...]:
        """Return what there is of these sessions' tracks; of those that nobody asked for nothing."""
        jobs = (self.queue.job(owner.room_folder, session) for session in dict.fromkeys(sessions))
        return tuple(self.queue.listed(job) for job in jobs if job is not None)

    def files(self, owner: Owner, session: str) -> tuple[TrackFile, ...]:
        """Return the files of a session's tracks that are given away; none where nobody asked for any."""
        job = self.queue.job(owner.room_folder, session)
        return () if job is None else job.given

    def made_of(self, owner: Owner, session: str, records: Iterable[TakeRecord]) -> list[TakeRecord]:
        """Return those of the `records` that a session's tracks have something of, in their order."""
        job = self.queue.job(owner.room_folder, session)
        return [] if job is None else [one for one in records if one.in_job in job.all_takes]

    def open_file(self, owner: Owner, session: str, file: TrackFile) -> int:
        """Open a file to read; return its descriptor, which the caller closes. Raises Refused if it is another."""
        try:
            with self._room(owner.room_folder) as room, room.tracks(session) as folder:
                fd = folder.open(file.name, os.O_RDONLY)
        except FileNotFoundError:
            raise Refused.unknown() from None
        stat = os.fstat(fd)
        if stat.st_size != file.bytes or stat.st_mtime_ns // 1_000_000 > file.made_ms:
            os.close(fd)
            raise Refused.unknown()
        return fd

    def deleted(self, record: TakeRecord) -> None:
        """Delete the tracks that have something of a take, which was deleted."""
        room, session = record.owner.room_folder, record.session
        job = self.queue.job(room, session)
        if job is not None and record.in_job in job.all_takes:
            self.queue.forget(room, session)
            self.delete(job)

    # What workers do.

    def prepare(self, job: Job) -> JobOrder:
        """Have a job's folder, with nothing in it but what goes on being of use. Raises Refused if all is gone."""
        name = _folder_of(job)
        with self._room(job.room) as room:
            try:
                folder = room.tracks(job.session, name, make=True)
            except FileNotFoundError:
                raise Refused.unknown() from None
            with folder:
                there = folder.names()
                kept = [one.name for one in job.files if one.name in there]
                if REPORT not in kept:
                    kept = []
                for left in there:
                    if left not in kept:
                        folder.remove(left)
        folder_path = self._path / job.room / job.session
        session = self._path / QUEUE / self.queue.session_file(job.id)
        return JobOrder(folder_path, session, folder_path / name, tuple(kept))

    def put_in_place(self, job: Job) -> None:
        """Give what was made anew the place of what was made before. Raises OSError."""
        with self._room(job.room) as room:
            room.replace_tracks(job.session)

    def drop_what_is_of_no_use(self, job: Job) -> None:
        """Remove what was made anew and did not get to its end, unless somebody goes on with it. Raises OSError."""
        now = self.queue.job(job.room, job.session)
        if now is None or not (now.worker or now.earlier):
            with contextlib.suppress(Refused), self._room(job.room) as room:
                room.delete_tracks(job.session, (ANEW,))

    def sweep(self, job: Job) -> None:
        """Remove what a process has left unfinished; called when one is over, whatever came of it.

        It is no error if the folder is gone. Raises OSError.
        """
        with (
            contextlib.suppress(Refused, FileNotFoundError),
            self._room(job.room) as room,
            room.tracks(job.session, _folder_of(job)) as folder,
        ):
            for name in folder.names():
                if name.startswith("."):
                    folder.remove(name)

    def delete(self, job: Job) -> None:
        """Delete all that was made of a session; it is no error if the room is gone. Raises OSError."""
        with contextlib.suppress(Refused), self._room(job.room) as room:
            room.delete_tracks(job.session)

    def _room(self, name: str) -> RoomTakes:
        return RoomTakes(self._root, name, self._records)


def told_clock(told: Mapping[str, object] | None) -> ClockLog | None:
    """Read what a page tells of a take's clocks. Raises Refused."""
    try:
        return read_clock(None if told is None else Fields(told))
    except ValueError as error:
        raise Refused.bad(str(error)) from None


def _folder_of(job: Job) -> str:
    """Name of the folder that a job's run writes into."""
    return TRACKS if job.earlier is None else ANEW
