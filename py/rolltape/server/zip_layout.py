"""A zip archive as it will be, byte for byte, without making it: any stretch of it can be sent at any time.

The files are stored as they are, so that every byte is known from names, sizes and CRC-32s (PKWARE's APPNOTE 6.3.10,
sections 4.3 to 4.5: ZIP64 where a size or a place needs it, names in UTF-8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import accumulate
from typing import Generic, TypeVar

__all__ = ["Entry", "ZipLayout"]

_Content = TypeVar("_Content")
FULL = 0xFFFFFFFF
FULL_COUNT = 0xFFFF
UTF_8 = 0x0800
PLAIN, ZIP64 = 20, 45
UNIX_FILE = 0o100644 << 16


@dataclass(frozen=True)
class Entry(Generic[_Content]):
    """A file in the archive; `content` is whatever its bytes are had from."""

    name: str
    size: int
    crc32: int
    at: datetime
    """Its time, as clocks show it where it was made."""
    content: _Content

    @property
    def local(self) -> bytes:
        """Return its local header (APPNOTE 4.3.7)."""
        is_big = self.size >= FULL
        sizes = (FULL, FULL) if is_big else (self.size, self.size)
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.size) if is_big else b""
        name = self.name.encode()
        head = struct.pack(
            "<4sHHHHHIIIHH",
            b"PK\3\4",
            ZIP64 if is_big else PLAIN,
            UTF_8,
            0,
            *self._dos_time,
            self.crc32,
            *sizes,
            len(name),
            len(extra),
        )
        return head + name + extra

    def central(self, offset: int) -> bytes:
        """Return its entry in the central directory (APPNOTE 4.3.12); `offset` is its local header's place."""
        wide = [self.size, self.size] if self.size >= FULL else []
        wide += [offset] if offset >= FULL else []
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, name = min(self.size, FULL), self.name.encode()
        version = ZIP64 if wide else PLAIN
        head = struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2",
            3 << 8 | version,
            version,
            UTF_8,
            0,
            *self._dos_time,
            self.crc32,
            size,
            size,
            len(name),
            len(extra),
            0,
            0,
            0,
            UNIX_FILE,
            min(offset, FULL),
        )
        return head + name + extra

    @property
    def _dos_time(self) -> tuple[int, int]:
        at = min(max(self.at.replace(tzinfo=None), datetime(1980, 1, 1)), datetime(2107, 12, 31))
        return at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day


class ZipLayout(Generic[_Content]):
    """An archive of these entries, in this order; nothing of their content is read."""

    def __init__(self, entries: Sequence[Entry[_Content]]) -> None:
        pieces: list[tuple[int, bytes | Entry[_Content]]] = []
        for entry in entries:
            pieces += [(len(entry.local), entry.local), (entry.size, entry)]
        starts = list(accumulate((length for length, _ in pieces), initial=0))
        directory = b"".join(entry.central(starts[2 * number]) for number, entry in enumerate(entries))
        end = directory + _end(len(entries), starts[-1], len(directory))
        self._pieces = [*pieces, (len(end), end)]
        self._starts = starts
        self.size = starts[-1] + len(end)
        self.mark = sha256(end).hexdigest()
        """The same for the same content: the directory has every name, size and CRC-32."""

    def stretch(self, start: int, end: int) -> Iterator[tuple[bytes | Entry[_Content], int, int]]:
        """Yield what makes up the bytes from `start` to `end`: bytes or an entry, and from where to where of each."""
        for at, (length, piece) in zip(self._starts, self._pieces, strict=True):
            low, high = max(start, at), min(end, at + length)
            if low < high:
                yield piece, low - at, high - at


def _end(count: int, at: int, length: int) -> bytes:
    """What follows the directory (4.3.14 to 4.3.16)."""
    wide = b""
    if count >= FULL_COUNT or at >= FULL or length >= FULL:
        wide = struct.pack(
            "<4sQHHIIQQQQ", b"PK\6\6", 44, 3 << 8 | ZIP64, ZIP64, 0, 0, count, count, length, at
        )
        wide += struct.pack("<4sIQI", b"PK\6\7", 0, at + length, 1)
    few = min(count, FULL_COUNT)
    return wide + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, few, few, min(length, FULL), min(at, FULL), 0)
