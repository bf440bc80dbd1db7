"""A recording whose guest never came back, finished from what had arrived: by the code that mends journals.

It is finished in a copy. What had arrived stays beside it, so that the guest's page may yet send the rest.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from rolltape.core.errors import SinkError
from rolltape.media.ending import Patch
from rolltape.recording.container import reader_for
from rolltape.recording.recovery import Mended, finish_in_place
from rolltape.recording.timeline import ClosedPause
from rolltape.server.takes_folder import Folder, write_all
from rolltape.settings.codec import contents

__all__ = ["Cut", "cut_copy"]

SLICE = 1 << 20


@dataclass(frozen=True)
class Cut:
    """Outcome of `cut_copy`: what the finished copy is."""

    mended: Mended
    size: int
    sha256: str
    crc32: int


def cut_copy(
    folder: Folder,
    names: tuple[str, str],
    end: int,
    type: str,
    pauses: Sequence[ClosedPause],
    check: Callable[[], None],
) -> Cut | None:
    """Copy the first `end` bytes of a file under another name, and finish the copy. Raises OSError.

    None if nothing that could be played has arrived. `names`: of the file and of the copy; `check` is called now and
    then, and raises to have it left.
    """
    reader = reader_for(contents(type).container)
    source = folder.open(names[0], os.O_RDONLY)
    try:
        copy = folder.open(names[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            for at, content in _slices(source, end):
                check()
                reader.feed(content)
                write_all(copy, content, at)
        finally:
            os.close(copy)
    finally:
        os.close(source)
    if reader.is_empty:
        folder.remove(names[1])
        return None
    mended = asyncio.run(finish_in_place(_Opens(folder), names[1], reader, end, pauses))
    return _summed(folder, names[1], mended, check)


def _summed(folder: Folder, name: str, mended: Mended, check: Callable[[], None]) -> Cut:
    whole, crc32, size = sha256(), 0, 0
    fd = folder.open(name, os.O_RDWR)
    try:
        for _, content in _slices(fd, os.fstat(fd).st_size):
            check()
            whole.update(content)
            crc32 = zlib.crc32(content, crc32)
            size += len(content)
        os.fsync(fd)
    finally:
        os.close(fd)
    return Cut(mended, size, whole.hexdigest(), crc32)


def _slices(fd: int, end: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < end and (content := os.pread(fd, min(SLICE, end - at), at)):
        yield at, content
        at += len(content)


class _Opens:
    """The folder, as recovery opens files."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def create(self, path: str) -> _File:
        """Open a file that is there."""
        return _File(self._folder.open(path, os.O_WRONLY))


class _File:
    """A file at the host, as recovery changes it. What the disk refuses is told when it settles."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._error: OSError | None = None

    def write(self, data: bytes) -> None:
        """Add bytes at its end."""
        self._write(os.fstat(self._fd).st_size, data)

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place."""
        for patch in patches:
            self._write(patch.offset, patch.data)

    async def truncate(self, size: int) -> None:
        """Cut everything from there on off."""
        os.ftruncate(self._fd, size)

    async def settle(self) -> None:
        """Tell what the disk has refused. Raises SinkError."""
        if self._error is not None:
            error, self._error = self._error, None
            raise SinkError("The host's disk does not take it.", str(error))

    async def close(self) -> int:
        """Let go of it; its size."""
        size = os.fstat(self._fd).st_size
        os.close(self._fd)
        return size

    def _write(self, at: int, data: bytes) -> None:
        try:
            write_all(self._fd, data, at)
        except OSError as error:
            self._error = error
