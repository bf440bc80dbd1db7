"""One take at the host, its folder open: its record, its parts' logs, and the proof of what lies on the disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from rolltape.arrivals.listing import STILL_MS, ArrivalState
from rolltape.arrivals.paths import part_number
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.segments import EMPTY, Account, Segment, account_of
from rolltape.arrivals.wire import Held
from rolltape.recording.shelf import closed_pauses
from rolltape.recording.take import Part
from rolltape.server.takes_cut import cut_copy
from rolltape.server.takes_folder import Folder, sync_content, write_all
from rolltape.server.takes_log import PartLog
from rolltape.server.takes_proof import Proof, read_through
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import COPY, DONE, LOG, PART, PROOF, RECORD, RoomTakes, now_ms

__all__ = ["OpenTake"]

MAX_MISSING = 1000
"""Stretches that one answer names."""
READ_AT_ONCE = 256 << 20
"""Bytes of a file that is read through before it is complete. A longer one is so afterwards (`sum_up`): all of it was
read back as it came.
"""
DAMAGED = "What lies on the host's disk is no longer what arrived: ask the guest for the file that they have."


@dataclass(frozen=True)
class OpenTake:
    """A take whose folder is open. All methods raise Refused, with what the page is told, and OSError.

    `part` is a part's name, `part1` …; a lock that a method needs is the caller's to hold where it says so.
    """

    room: RoomTakes
    folder: Folder
    owner: Owner
    id: str
    is_over: Callable[[], bool]
    """True once the server ends: whatever takes long is left, and begun again by the next."""

    def record(self) -> TakeRecord:
        """Return what is written of it (`take.json`), of a deleted one too."""
        record = self.room.record(self.owner, self.id, self.folder)
        if record is None:
            raise Refused.unknown()
        return record

    def part(self, name: str) -> PartRecord:
        """Return what is written of a part. Raises Refused if it was not announced, or the take was deleted."""
        record = self.record()
        if record.deleted_ms is not None:
            raise Refused.deleted()
        part = record.part(name)
        if part is None:
            raise Refused.unknown()
        return part

    def write(self, record: TakeRecord) -> None:
        """Write the take's record anew; the caller holds the room's lock."""
        self.folder.write(RECORD, record.to_json())

    @contextlib.contextmanager
    def log(self, part: str) -> Iterator[PartLog]:
        """Open a part's log to write, while nobody else has it. Raises Refused if no more of the part is taken."""
        while True:
            try:
                fd = self.folder.open(part + LOG, os.O_RDWR)
            except FileNotFoundError:
                known = self.part(part)
                raise (Refused.complete() if known.is_kept else Refused.proving()) from None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                here = self.folder.stat(part + LOG)
                if here is None or here.st_ino != os.fstat(fd).st_ino:
                    continue  # it was put away while we waited
                yield PartLog(fd)
                return
            finally:
                os.close(fd)

    def account(self, part: str) -> Account:
        """Return what has arrived of a part and is on the disk."""
        with self._read(part) as log:
            return log.account

    def segments(self, part: str, start: int, most: int) -> list[Segment]:
        """Return at most `most` segments of a part from the `start`th on, also once it is complete."""
        with self._read(part) as log:
            return [one.segment for one in islice(log, start, start + most)]

    @contextlib.contextmanager
    def _read(self, part: str) -> Iterator[PartLog]:
        """A part's log to read; one that was put away is not written any more, so nobody waits for it."""
        for name in (part + PROOF, part + DONE):
            with contextlib.suppress(FileNotFoundError):
                fd = self.folder.open(name, os.O_RDWR)
                break
        else:
            with self.log(part) as log:
                yield log
            return
        try:
            yield PartLog(fd)
        finally:
            os.close(fd)

    def write_content(self, part: str, at: int, content: bytes) -> None:
        """Write bytes of a part at offset `at`, have them on the disk and read them back; the caller holds its log.

        Raises Refused if what is read is not what was written.
        """
        fd = self.folder.open(part + PART, os.O_RDWR)
        try:
            write_all(fd, content, at)
            sync_content(fd)
            if os.pread(fd, len(content), at) != content:
                raise Refused.server()
        finally:
            os.close(fd)

    def drop(self, part: str, log: PartLog, end: int) -> None:
        """Drop what is there of a part beyond byte `end`; the caller holds its log."""
        try:
            log.cut(end)
        except ValueError:
            raise Refused.place(log.account) from None
        fd = self.folder.open(part + PART, os.O_WRONLY)
        try:
            os.ftruncate(fd, end)
        finally:
            os.close(fd)

    def is_proving(self, part: str) -> bool:
        """True if a part's log was put away because all of it is there, and it has no name yet."""
        return self.folder.stat(part + PROOF) is not None

    def put_away(self, part: str) -> None:
        """Put a part's log away, since all of it is there: nothing more is taken. The caller holds its log."""
        self.folder.rename(part + LOG, self.folder, part + PROOF)

    def prove(self, part: str) -> Held:
        """Give a part whose log was put away its name, once what is not large was read through; within a second.

        While another call is at it, the state is told, and nothing is waited for. Where the disk holds something else
        than was acknowledged, the log is in its place again.
        """
        try:
            fd = self.folder.open(part + PROOF, os.O_RDWR)
        except FileNotFoundError:  # another call has just ended
            return self._held(part)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            done = self._proven(part, PartLog(fd))
            with self.room.locked():
                self.part(part)  # it may have been deleted meanwhile
                self.room.publish(self.folder, self.record(), done, part + PART)
            self._keep_log(part)
        except BlockingIOError:
            return Held(EMPTY, ArrivalState.PROVING)
        finally:
            os.close(fd)
        return self._held(part)

    def _held(self, part: str) -> Held:
        known = self.part(part)
        if not known.is_kept:
            raise Refused.proving()
        return known.held

    def _keep_log(self, part: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(part + PROOF, self.folder, part + DONE)

    def silent_ms(self, part: str) -> int:
        """Return for how many milliseconds nothing has come of a part."""
        stat = self.folder.stat(part + PART)
        return 0 if stat is None else now_ms() - stat.st_mtime_ns // 1_000_000

    def finish(self, part: str) -> None:
        """Finish what has arrived of a part in a copy, under its name (`takes_cut`); it may take a while.

        Raises Refused while it is still arriving. Where nothing has arrived, or it is complete, nothing is done.
        """
        with self.folder.locked():
            if self._is_proven(part):
                return
            known = self.part(part)
            account = self.account(part)
            if known.state is ArrivalState.COMPLETE or account in (EMPTY, known.account):
                return
            if self.silent_ms(part) < STILL_MS:
                raise Refused.server("This recording is still arriving: wait until it stands still.", 30)
            take = self.record().take
            told = next((one for one in take.parts if one.number == part_number(part)), None)
            told = told or Part(part_number(part), part)
            names = part + PART, part + COPY
            pauses = closed_pauses(take, told)
            cut = cut_copy(self.folder, names, account.end, known.type, pauses, self._check)
            if cut is None:
                return
            done = replace(
                known,
                state=ArrivalState.CUT,
                bytes=cut.size,
                account=account,
                sha256=cut.sha256,
                crc32=cut.crc32,
                done_ms=now_ms(),
                problem=cut.mended.problem or _ends(cut.mended.duration_ms),
            )
            with self.room.locked():
                self.part(part)
                record = self.record()
                record = replace(record, take=record.take.with_part(cut.mended.part(told)))
                self.room.publish(self.folder, record, done, part + COPY)

    def leave_out_what_is_empty(self) -> None:
        """Once others are finished, parts of which nothing came that could be played are none of the take.

        The caller holds the room's lock. Raises Refused if there is nothing else.
        """
        record = self.record()
        if not record.kept:
            raise Refused.nothing()
        for part in record.parts:
            if not part.is_kept:
                for ending in (PART, LOG, PROOF):
                    self.folder.remove(part.part + ending)
        if record.kept != record.parts:
            self.write(replace(record, parts=record.kept))

    def _is_proven(self, part: str) -> bool:
        """True if all of it had arrived, and that is all there was to finish."""
        try:
            return self.is_proving(part) and bool(self.prove(part))
        except Refused as refused:
            if refused.problem.kind is not ProblemKind.DIFFERENT:
                raise
            return False  # the disk holds something else: what is there is finished

    def _check(self) -> None:
        if self.is_over():
            raise Refused.server("The host is being stopped; it goes on once it is there again.")

    def _proven(self, name: str, log: PartLog) -> PartRecord:
        """The part as it is once it is complete."""
        part = self.part(name)
        if part.state is not ArrivalState.PROVING:  # else it was proven before a crash
            sha256, crc32 = self._proof(name, log)
            part = replace(part, bytes=log.account.end, account=log.account, sha256=sha256, crc32=crc32)
        return replace(part, state=ArrivalState.COMPLETE, done_ms=now_ms(), problem="")

    def _proof(self, part: str, log: PartLog) -> tuple[str, int]:
        """Sums of a part's file, SHA-256 and CRC-32; of a large one, which is read through later, none yet."""
        segments = list(log)
        there = account_of(one.segment for one in segments)
        if there != log.account:  # the disk has lost lines of the log
            self.drop(part, log, there.end)
            self.folder.rename(part + PROOF, self.folder, part + LOG)
            raise Refused.different(log.account)
        fd = self.folder.open(part + PART, os.O_RDWR)
        try:
            os.ftruncate(fd, there.end)  # what was written, but never acknowledged
            is_large = there.end > READ_AT_ONCE
            proof = Proof("", 0, ()) if is_large else read_through(fd, segments, self._check)
            os.fsync(fd)
        finally:
            os.close(fd)
        if proof.missing:
            self.folder.rename(part + PROOF, self.folder, part + LOG)
            raise Refused.different(log.account, proof.missing[:MAX_MISSING])
        return proof.sha256, proof.crc32

    def sum_up(self, part: str) -> bool:
        """Note the sums of a part's file where they are not known yet; True unless it was found damaged.

        It takes most of a second a gigabyte; while another call is at it, it is waited for. The caller holds no lock.
        Where the disk holds something else by now than it did when it was complete, that is the part's `problem`, and
        the sums are of what is there.
        """
        if not self.part(part).is_to_sum_up:
            return True
        with self._read(part) as log, log.alone():
            known, record = self.part(part), self.record()
            fd = self.room.open_file(record, known) if known.is_to_sum_up else None
            if fd is None:
                return True
            try:
                proof = read_through(fd, list(log), self._check)
            finally:
                os.close(fd)
            with self.room.locked():
                if self.part(part) != known:
                    return True
                problem = DAMAGED if proof.missing else known.problem
                summed = replace(known, sha256=proof.sha256, crc32=proof.crc32, problem=problem)
                self.write(self.record().with_part(summed))
                self.room.describe([record.session])
        return not proof.missing


def _ends(duration_ms: int) -> str:
    seconds = duration_ms // 1000
    after = f"{seconds // 60}:{seconds % 60:02d}"
    return f"Its guest's page did not send the rest: it ends after {after}."
