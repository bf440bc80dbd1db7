"""The log of one part: a line for every segment that is on the disk, with what the part amounts to then.

A segment is acknowledged when its bytes and then its line are on the disk. Each line has the account after it, so
that opening a log costs as much for ten hours as for ten seconds: its last whole line is enough. What a crash left
behind that line was never acknowledged, and is cut off before the next one is appended.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rolltape.arrivals.segments import EMPTY, Account, Segment, account_of
from rolltape.core.json_fields import Fields
from rolltape.server.takes_folder import sync_content, write_all

__all__ = ["Logged", "PartLog"]

TAIL = 4096
"""Several lines."""
_NAMES = ("at", "length", "sha256", "crc32", "end", "count", "digest")


@dataclass(frozen=True)
class Logged:
    """A segment that is on the disk, as the log has it."""

    segment: Segment
    crc32: int


@dataclass(frozen=True)
class _Line:
    logged: Logged
    account: Account

    @property
    def is_cut(self) -> bool:
        """True if it says that from its place on nothing counts any more."""
        return not self.logged.segment.length

    def to_bytes(self) -> bytes:
        one, after = self.logged.segment, self.account
        row = [one.at, one.length, one.sha256, self.logged.crc32, after.end, after.count, after.digest]
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


class PartLog:
    """An open log. The caller holds its lock (`flock`), so that nobody else changes it meanwhile.

    A torn line at its end was never acknowledged, and is cut off when the log is opened.
    """

    def __init__(self, fd: int) -> None:
        """Read what is needed of it. Raises OSError."""
        self._fd = fd
        self._size = 0
        self.account = EMPTY
        self.last: Logged | None = None
        """The segment that was put last, or None where another call is to find it."""
        self._read_end()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else has the log for themselves, and have it."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def append(self, logged: Logged) -> None:
        """Note, on the disk, a segment that is there behind the others. Raises ValueError elsewhere, OSError."""
        self._write(_Line(logged, self.account.appended(logged.segment)))

    def replace(self, before: Segment, logged: Logged) -> None:
        """Note, on the disk, that a segment has other bytes now. Raises ValueError for another stretch, OSError."""
        self._write(_Line(logged, self.account.replaced(before, logged.segment)))

    def cut(self, end: int) -> None:
        """Note, on the disk, that nothing beyond `end` counts. Raises ValueError where no segment ends, OSError."""
        account = account_of(one.segment for one in self if one.segment.end <= end)
        if account.end != end:
            raise ValueError("no segment ends there")
        self._write(_Line(Logged(Segment(end, 0, ""), 0), account))

    def at(self, place: int) -> Logged | None:
        """Return the segment that begins at byte `place`; None if none does. Raises OSError."""
        if self.last is not None and self.last.segment.at == place:
            return self.last
        return next((one for one in self if one.segment.at == place), None)

    def __iter__(self) -> Iterator[Logged]:
        """All segments that count, in order from the first byte on, without a hole. Raises OSError.

        Where the disk has lost lines in the midst of the log, these are fewer than the account says.
        """
        found: dict[int, Logged] = {}
        for line in _lines(self._bytes(0).split(b"\n")[:-1]):
            if line.is_cut:
                for at in [at for at in found if at >= line.logged.segment.at]:
                    del found[at]
            else:
                found[line.logged.segment.at] = line.logged
        end = 0
        while (logged := found.get(end)) is not None:
            yield logged
            end = logged.segment.end

    def _write(self, line: _Line) -> None:
        content = line.to_bytes()
        write_all(self._fd, content, self._size)
        sync_content(self._fd)
        self._size += len(content)
        self.account, self.last = line.account, None if line.is_cut else line.logged

    def _read_end(self) -> None:
        """Find the last whole line; cut off what is behind it."""
        size = os.fstat(self._fd).st_size
        for start in (max(0, size - TAIL), 0):
            content = self._bytes(start)
            pieces = content.split(b"\n")[1 if start else 0 : -1]  # of others, an end may be missing
            line = next(_lines(reversed(pieces)), None)
            if line is not None:
                self.account, self.last = line.account, None if line.is_cut else line.logged
                self._size = start + content.rfind(line.to_bytes()) + len(line.to_bytes())
                break
        if self._size != size:
            os.ftruncate(self._fd, self._size)

    def _bytes(self, start: int) -> bytes:
        pieces, at = [], start
        while piece := os.pread(self._fd, 1 << 20, at):
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)


def _lines(pieces: Iterable[bytes]) -> Iterator[_Line]:
    """Those that are whole lines."""
    for piece in pieces:
        try:
            row = json.loads(piece)
            if not isinstance(row, list) or len(row) != len(_NAMES):
                continue
            found = Fields(dict(zip(_NAMES, row, strict=True)))
            segment = Segment(found.whole("at"), found.whole("length"), found.text("sha256"))
            account = Account.from_fields(found)
            line = _Line(Logged(segment, found.whole("crc32")), account)
        except ValueError:
            continue
        if line.to_bytes() == piece + b"\n":
            yield line
