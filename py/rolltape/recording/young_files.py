"""Files that a power cut could still make disappear, and what is kept of them elsewhere until it no longer can.

A journal file's bytes are on the disk as soon as they are flushed. Its name may not be: Chromium keeps the directory
of the origin private file system in a database of its own that reaches the disk up to half a minute later (quirk 19).
So for its first minute whatever is written to a file of a take is also kept in records that are on the disk at once
(`browser/records.py`). After a power cut the files are written anew from these. A record is added only once the
journal has acknowledged the same write: where the file is there at all, it is never behind its records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from rolltape.core.errors import RolltapeError
from rolltape.media.ending import Patch
from rolltape.recording.sinks import Store

OLD_AFTER_S = 60.0
"""Twice what was measured until a file is found again after a cut."""
TAKES = "takes/"
"""Only takes are worth it: tests and conversions can be made again."""


@dataclass(frozen=True)
class Written:
    """One step in a file's life."""

    at: int
    """Where the data was written; the file was cut here where there is none."""
    data: bytes
    size: int
    """The file's size afterwards."""


@dataclass(frozen=True)
class Key:
    """Names a record: those of one path are in the order in which they were added."""

    path: str
    order: int


class Records(Protocol):
    """Records that are on the disk at once. Where they fail they end for good, and nothing here raises for it."""

    def add(self, path: str, written: Written) -> None:
        """Put one on the disk, behind all others of this path; does not wait."""

    async def keys(self) -> Sequence[Key]:
        """All there are, in order of path and then of time; none where records fail."""

    async def read(self, key: Key) -> Written:
        """Return what was added under this key, in order. Raises RolltapeError."""

    async def forget(self, path: str) -> None:
        """Take away those of a file, or of all files of a folder."""


class YoungFiles:
    """Keeps records of files while they are young; one for a page."""

    def __init__(self, records: Records, log: Callable[[str], None]) -> None:
        """`log` is told, in sentences, of what could not be put back."""
        self._records = records
        self._log = log
        self._young: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def made(self, path: str) -> None:
        """Note a file that was not there before, and is empty."""
        if path.startswith(TAKES) and path not in self._young:
            loop = asyncio.get_running_loop()
            self._young[path] = loop.call_later(OLD_AFTER_S, self._is_old, path)

    def wrote(self, path: str, written: Written) -> None:
        """Note that the journal has acknowledged this."""
        if path in self._young:
            self._records.add(path, written)

    async def forget(self, folder: str) -> None:
        """Forget a folder that is about to be deleted with all that is in it."""
        for path in [path for path in self._young if path.startswith(f"{folder}/")]:
            self._young.pop(path).cancel()
        if folder.startswith(TAKES):
            await self._records.forget(folder)

    async def put_back(self, store: Store, running: Callable[[], Awaitable[Collection[str]]]) -> bool:
        """Write anew what the store lacks of files that were young when the power went; whether there was any.

        Call it once, before takes are recovered. `running` tells the ids of takes that a tab is recording: theirs are
        left to it. What is put back is a new file, and young again.
        """
        kept: dict[str, list[Key]] = {}
        for key in await self._records.keys():
            kept.setdefault(key.path, []).append(key)
        busy = await running() if kept else ()
        found = False
        for path, keys in kept.items():
            if path in self._young or path.split("/")[1] in busy:
                continue
            try:
                found = await self._put_back(store, path, keys) or found
            except RolltapeError as error:
                self._log(f"{path} was not put back. {error.sentence} {error.detail}")
            else:
                self.made(path)
        return found

    async def _put_back(self, store: Store, path: str, keys: Sequence[Key]) -> bool:
        last = await self._records.read(keys[-1])
        file = await store.file(path)
        if file is not None and file.size >= last.size:
            return False
        sink = await store.create(path)
        try:
            for key in keys:
                written = await self._records.read(key)
                if written.data:
                    sink.patch([Patch(written.at, written.data)])
                else:
                    await sink.truncate(written.at)
                await sink.settle()
        finally:
            await sink.close()
        return True

    def _is_old(self, path: str) -> None:
        """It would be found again: its records have had their time."""
        del self._young[path]
        self._spawn(self._records.forget(path))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
