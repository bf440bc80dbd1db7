"""What a room's folder holds: a record of each take, the files that have arrived, and what lies beside them.

    DIR/ROOM/SESSION/NAME, SHA256SUMS, ROOM_session.json, ROOM_session.otio, tracks/NAME, tracks.anew/NAME
    DIR/ROOM/.rolltape/GUEST/TAKE/take.json, part1.part, part1.log

Only the first line is for people: plain files, whole without Rolltape. The second is for what still arrives, and for
what is known of what has.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from rolltape.arrivals.listing import ArrivalState, ArrivedPart, ArrivedTake
from rolltape.arrivals.paths import is_take
from rolltape.core.naming import free_name, safe_name
from rolltape.room.session_file import Report, session_json, session_otio
from rolltape.server.takes_folder import Folder
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused

__all__ = [
    "ANEW",
    "COPY",
    "DONE",
    "HIDDEN",
    "LOG",
    "PART",
    "PROOF",
    "RECORD",
    "TRACKS",
    "RecordCache",
    "RoomTakes",
    "now_ms",
]

HIDDEN = ".rolltape"
RECORD = "take.json"
SUMS = "SHA256SUMS"
TRACKS = "tracks"
"""Name of the folder in a session's for what is made of it."""
ANEW = "tracks.anew"
"""Name of the folder for what is to take the place of that, once it is all there."""
GONE = "gone-"
"""How the name of a folder begins that is being deleted."""
PART, COPY = ".part", ".copy"
"""How names end: of the bytes of a part as they arrive, and of a copy that is finished without the guest."""
LOG, PROOF, DONE = ".log", ".proof", ".done"
"""How names end: of a part's log, of the log while it is being proven, and afterwards."""


def now_ms() -> int:
    """Return the time, milliseconds since 1970."""
    return round(time.time() * 1000)


class RecordCache:
    """Reads records, each once as long as it is the same."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, ...], tuple[tuple[int, int, int], TakeRecord]] = {}

    def read(self, folder: Folder, *where: str) -> TakeRecord | None:
        """Return the record in a take's folder, which is at `where`; None if there is none that can be read."""
        stat = folder.stat(RECORD)
        if stat is None:
            return None
        seen = stat.st_ino, stat.st_mtime_ns, stat.st_size
        known = self._read.get(where)
        if known is not None and known[0] == seen:
            return known[1]
        try:
            record = TakeRecord.from_json(folder.read(RECORD))
        except (ValueError, FileNotFoundError):
            return None
        self._read[where] = seen, record
        return record


class RoomTakes:
    """A room's folder, open: a context manager. All methods raise OSError."""

    def __init__(self, root: Folder, name: str, records: RecordCache, make: bool = False) -> None:
        """Open the folder of this name, or `make` it. Raises Refused where there is none."""
        self._name = name
        self._records = records
        try:
            self._folder = root.folder(name, make)
        except (FileNotFoundError, NotADirectoryError):
            raise Refused.unknown() from None
        try:
            self._hidden = self._folder.folder(HIDDEN, make)
        except (FileNotFoundError, NotADirectoryError):
            self._folder.close()
            raise Refused.unknown() from None

    def __enter__(self) -> RoomTakes:
        return self

    def __exit__(self, *_: object) -> None:
        self._hidden.close()
        self._folder.close()

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Hold the room's lock, without which no record is changed and no file is put in its place."""
        return self._hidden.locked()

    @contextlib.contextmanager
    def take(self, owner: Owner, id: str, make: bool = False) -> Iterator[Folder]:
        """Open the folder of a take for as long as it is needed, or `make` it. Raises Refused where there is none."""
        try:
            guest = self._hidden.folder(owner.guest_folder, make)
            with guest:
                take = guest.folder(id, make)
        except FileNotFoundError:
            raise Refused.unknown() from None
        with take:
            yield take

    def count_of(self, owner: Owner) -> int:
        """Count the takes that a guest has here, deleted ones too."""
        try:
            with self._hidden.folder(owner.guest_folder) as guest:
                return len(guest.names())
        except FileNotFoundError:
            return 0

    def has(self, owner: Owner, id: str) -> bool:
        """True if there is a folder of this take."""
        with contextlib.suppress(FileNotFoundError), self._hidden.folder(owner.guest_folder) as guest:
            return guest.stat(id) is not None
        return False

    def record(self, owner: Owner, id: str, folder: Folder) -> TakeRecord | None:
        """Return the record of a take, whose folder is open; None if there is none yet."""
        return self._records.read(folder, self._name, owner.guest_folder, id)

    def each(self, only: Owner | None = None) -> Iterator[tuple[Folder, TakeRecord]]:
        """Yield all takes, or one guest's: open folders, each until the next one, and records; deleted ones too."""
        for name in self._hidden.names() if only is None else [only.guest_folder]:
            try:
                guest = self._hidden.folder(name)
            except (FileNotFoundError, NotADirectoryError):  # the lock, or nothing of theirs
                continue
            with guest:
                for id in filter(is_take, guest.names()):
                    with guest.folder(id) as folder:
                        record = self._records.read(folder, self._name, name, id)
                        if record is not None:
                            yield folder, record

    def records(self) -> list[TakeRecord]:
        """Return the records of all takes that were not deleted."""
        return [record for _, record in self.each() if record.deleted_ms is None]

    def listed(self, only: Owner | None, keep_ms: int | None) -> list[ArrivedTake]:
        """Return the takes as the list has them, the newest first: all of the room, or one guest's.

        `keep_ms` is how long a take that has arrived is kept; None: without an end.
        """
        found = []
        for folder, record in self.each(only):
            if record.deleted_ms is None:
                parts = tuple(_listed(part, folder) for part in record.parts)
                done_ms = max((part.done_ms for part in record.kept), default=None)
                goes_ms = None if keep_ms is None or done_ms is None else done_ms + keep_ms
                found.append(record.listed(parts, goes_ms))
        return sorted(found, key=lambda one: (one.started_at_ms, one.take), reverse=True)

    def publish(self, folder: Folder, record: TakeRecord, part: PartRecord, file: str) -> TakeRecord:
        """Put a part's `file` into its session's folder, under its name, or in an earlier one's place.

        Returns the record then. The caller holds the room's lock. What is to be is written first, so that it goes on
        after a crash.
        """
        others = [one for one in self.records() if (one.uid, one.id) != (record.uid, record.id)]
        with self._folder.folder(record.session, make=True) as session:
            record = record.with_stem(one.stem for one in others if one.session == record.session)
            if not part.name:
                part = replace(part, name=free_name(record.file_name(part), session.names()))
            part = replace(part, key="", is_moved=False)
            before = record.part(part.part) or part
            if part.state is ArrivalState.COMPLETE:
                record = record.without_objects([before])
                intended = replace(part, state=ArrivalState.PROVING)
            else:
                intended = replace(before, name=part.name)
            folder.write(RECORD, record.with_part(intended).to_json())
            if folder.stat(file) is not None:
                folder.rename(file, session, part.name)
            record = record.without_objects([before]).with_part(part)
            folder.write(RECORD, record.to_json())
            self._describe(session, record, [*others, record])
        return record

    def delete(self, folder: Folder, record: TakeRecord) -> TakeRecord:
        """Delete a take's files, note it, and return the record then. The caller holds the room's lock."""
        gone = replace(record.without_objects(record.parts), deleted_ms=now_ms(), parts=())
        folder.write(RECORD, gone.to_json())
        for name in folder.names():
            if name != RECORD:
                folder.remove(name)
        with contextlib.suppress(FileNotFoundError), self._folder.folder(record.session) as session:
            for part in record.parts:
                if part.name:
                    session.remove(part.name)
            self._describe(session, gone, self.records())
        return gone

    def forget(self, record: TakeRecord) -> None:
        """Remove what is left of a take that was deleted."""
        with self.locked(), self._hidden.folder(record.owner.guest_folder) as guest:
            with guest.folder(record.id) as folder:
                for name in folder.names():
                    folder.remove(name)
            guest.remove_folder(record.id)

    def open_file(self, record: TakeRecord, part: PartRecord) -> int | None:
        """Open a part's file to read; return its descriptor, to be closed. None if it is not in the folder."""
        try:
            with self._folder.folder(record.session) as session:
                return session.open(part.name, 0)
        except FileNotFoundError:
            return None

    def file_names(self, session: str) -> frozenset[str]:
        """Return the names of what lies in a session's folder; none where there is no such folder."""
        try:
            with self._folder.folder(session) as folder:
                return frozenset(folder.names())
        except FileNotFoundError:
            return frozenset()

    def remove_file(self, record: TakeRecord, part: PartRecord) -> None:
        """Remove a part's file from its session's folder. The caller holds the room's lock."""
        with contextlib.suppress(FileNotFoundError), self._folder.folder(record.session) as session:
            session.remove(part.name)

    def put_back(self, folder: Folder, file: str, record: TakeRecord, part: PartRecord) -> None:
        """Put a `file` of the take's `folder` into its session's folder again. The caller holds the room's lock."""
        with self._folder.folder(record.session, make=True) as session:
            folder.rename(file, session, part.name)

    def tracks(self, session: str, name: str = TRACKS, make: bool = False) -> Folder:
        """Open the folder of a session's tracks, or `make` it. Raises FileNotFoundError where there is none."""
        with self._folder.folder(session) as folder:
            return folder.folder(name, make)

    def replace_tracks(self, session: str) -> None:
        """Give the tracks that were made anew the place of those that are there."""
        self.delete_tracks(session, (TRACKS,))
        with self._folder.folder(session) as folder:
            folder.rename(ANEW, folder, TRACKS)

    def delete_tracks(self, session: str, names: Iterable[str] = (TRACKS, ANEW)) -> None:
        """Delete a session's tracks; what is still being made of them gets no name any more."""
        for name in names:
            gone = GONE + secrets.token_hex(8)
            with contextlib.suppress(FileNotFoundError), self._folder.folder(session) as folder:
                folder.rename(name, self._hidden, gone)
        self.sweep()

    def sweep(self) -> None:
        """Remove what is left of what was deleted."""
        for name in self._hidden.names():
            if name.startswith(GONE):
                with contextlib.suppress(FileNotFoundError):
                    with self._hidden.folder(name) as folder:
                        for file in folder.names():
                            folder.remove(file)
                    self._hidden.remove_folder(name)

    def bytes_of_tracks(self) -> int:
        """Count the bytes of all tracks of the room."""
        total = 0
        sessions = {record.session for record in self.records()}
        for session, which in itertools.product(sessions, (TRACKS, ANEW)):
            with (
                contextlib.suppress(FileNotFoundError, NotADirectoryError),
                self.tracks(session, which) as folder,
            ):
                stats = [folder.stat(name) for name in folder.names()]
                total += sum(stat.st_size for stat in stats if stat is not None)
        return total

    def describe(self, sessions: Iterable[str]) -> None:
        """Write anew what lies beside the files of sessions. The caller holds the room's lock."""
        records = self.records()
        for of in {record.session: record for record in records if record.session in sessions}.values():
            with contextlib.suppress(FileNotFoundError), self._folder.folder(of.session) as session:
                self._describe(session, of, records)

    def _describe(self, session: Folder, of: TakeRecord, records: Iterable[TakeRecord]) -> None:
        """Write what lies beside the files of a take's session; without files there is nothing to say."""
        here = [one for one in records if one.session == of.session and one.kept]
        described = beside(of.owner.room, here)
        for name in _names_beside(of.owner.room):
            if name in described:
                session.write(name, described[name])
            else:
                session.remove(name)
        if not here and not session.names():
            self._folder.remove_folder(of.session)


def _names_beside(room: str) -> tuple[str, str, str]:
    stem = f"{safe_name(room)}_session"
    return SUMS, f"{stem}.json", f"{stem}.otio"


def beside(room: str, records: Iterable[TakeRecord]) -> dict[str, bytes]:
    """Return what lies beside the files of these takes, by file name: `SHA256SUMS`, and the session files.

    What is not summed up yet has no line in the sums.
    """
    kept = sorted((one for one in records if one.kept), key=lambda one: (one.begins_ms, one.id, one.uid))
    if not kept:
        return {}
    sums = sorted((part.name, part.sha256) for one in kept for part in one.kept if part.sha256)
    contents = (
        "".join(f"{sha256}  {name}\n" for name, sha256 in sums),
        *_session_files(room, tuple(map(as_reported, kept))),
    )
    return {name: content.encode() for name, content in zip(_names_beside(room), contents, strict=True)}


def as_reported(record: TakeRecord) -> Report:
    """Return a take as session files have it, under the names of its files at the host."""
    return Report(record.uid, record.as_kept(), clock=record.clock)


@lru_cache(maxsize=32)
def _session_files(room: str, reports: tuple[Report, ...]) -> tuple[str, str]:
    """As JSON and as OpenTimelineIO; each stretch of a zip asks for them, and clocks take a while to be lined up."""
    return session_json(room, reports), session_otio(room, reports)


def _listed(part: PartRecord, folder: Folder) -> ArrivedPart:
    if part.is_kept:
        return ArrivedPart(
            part.part, part.state, part.type, part.bytes, part.name, part.sha256, part.done_ms, part.problem
        )
    stat = folder.stat(part.part + PART)
    state = part.state if folder.stat(part.part + PROOF) is None else ArrivalState.PROVING
    there, since_ms = (stat.st_size, stat.st_mtime_ns // 1_000_000) if stat else (0, 0)
    return ArrivedPart(part.part, state, part.type, there, seen_ms=since_ms, problem=part.problem)
