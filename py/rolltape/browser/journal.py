"""The journal: files in the origin private file system, each write on the disk before it is acknowledged.

A worker writes (`journal_worker.py`); this module asks it, one operation at a time in order, and reads files
without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from itertools import accumulate

from js import FileSystemDirectoryHandle, Uint8Array, console, navigator, performance
from pyodide.ffi import JsException

from rolltape.browser.files import StoredFile
from rolltape.browser.interop import member, translated
from rolltape.browser.journal_worker import JournalWorker
from rolltape.browser.records import IndexedRecords
from rolltape.core.errors import DeviceBusy, SinkError, Unsupported
from rolltape.media.ending import Patch
from rolltape.recording.acknowledgements import Ledger
from rolltape.recording.young_files import Written, YoungFiles

READ_ATTEMPTS = 10
OPEN_TIMEOUT_S = 10.0


async def has_uploads() -> bool:
    """Return True if an earlier visit noted of any take that it is to be sent; no worker is started for that.

    False too where the browser has no such storage, or lets nobody look. Never raises.
    """
    if member(member(navigator, "storage"), "getDirectory") is None:
        return False
    try:
        root = await navigator.storage.getDirectory()
        names = [name async for name in _names(root)]
        if "takes" not in names:
            return False
        takes = await root.getDirectoryHandle("takes")
        async for id in _names(takes):
            if "upload.jsonl" in [name async for name in _names(await takes.getDirectoryHandle(id))]:
                return True
    except JsException:  # site data is blocked: nothing is kept here
        return False
    return False


async def _names(folder: FileSystemDirectoryHandle) -> AsyncIterator[str]:
    keys = folder.keys()
    while not (entry := await keys.next()).done:
        yield str(entry.value)


class Journal:
    """The journal's files by path (`recording.sinks.Store`), written by a worker of its own.

    The facade opens one for the page. Operations on files happen in the order in which they were asked for. What
    was acknowledged is flushed to the disk; a power cut may still take a young file, which `put_back` restores.
    """

    def __init__(self, root: FileSystemDirectoryHandle) -> None:
        self._root = root
        self._worker = JournalWorker()
        self._young = YoungFiles(IndexedRecords(), console.info)

    @classmethod
    async def open(cls) -> Journal:
        """Open the journal's folder and start its worker.

        Raises Unsupported where the browser has no such storage or it does not answer in OPEN_TIMEOUT_S,
        RolltapeError for what else the browser refuses.
        """
        if member(member(navigator, "storage"), "getDirectory") is None:
            raise Unsupported("This browser has no storage that survives a crash.")
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                with translated():
                    root = await navigator.storage.getDirectory()
        except TimeoutError:
            raise Unsupported("This browser's storage that survives a crash does not answer.") from None
        return cls(root)

    async def create(self, path: str) -> JournalFile:
        """Open a file for writing behind what it holds; made, folders too, if not there. Raises SinkError."""
        size = await self._worker.ask("open", path)
        if not size:
            self._young.made(path)
        return JournalFile(self._worker, path, size, self._young)

    async def append_text(self, path: str, text: str) -> None:
        """Add text at a file's end; returns once it is flushed to the disk. Raises SinkError."""
        data = text.encode()
        size = await self._worker.ask("append", path, data)
        if size == len(data):
            self._young.made(path)
        self._young.wrote(path, Written(size - len(data), data, size))

    async def read(self, path: str, at: int, length: int) -> JournalPiece:
        """Bytes of a file from there on, fewer where it ends before; also of one that is being written.

        Raises SinkError.
        """
        return JournalPiece(await self._worker.read(path, at, length))

    async def put_back(self, running: Callable[[], Awaitable[Collection[str]]]) -> bool:
        """Write anew what a power cut took of takes that no tab is recording; True if there was any.

        `running` gives the ids of those that a tab is recording. What cannot be put back is logged, and tried again
        at the next visit.
        """
        return await self._young.put_back(self, running)

    async def names(self, path: str) -> list[str]:
        """List the names in a folder, sorted; none if there is no such folder. Raises RolltapeError."""
        folder = await self._folder(path)
        if folder is None:
            return []
        names = []
        with translated():
            keys = folder.keys()
            while not (entry := await keys.next()).done:
                names.append(str(entry.value))
        return sorted(names)

    async def file(self, path: str) -> StoredFile | None:
        """Open a file as it is on the disk now; None if there is none. Raises RolltapeError."""
        folder_path, _, name = path.rpartition("/")
        folder = await self._folder(folder_path)
        if folder is None or name not in await self.names(folder_path):
            return None
        with translated():
            handle = await folder.getFileHandle(name)
            return StoredFile(await handle.getFile())

    async def text(self, path: str) -> str:
        """Read a whole file as text, also one that is being added to (quirk 3); empty if there is none.

        Raises DeviceBusy where it changed at each of READ_ATTEMPTS, RolltapeError where it cannot be read.
        """
        for attempt in range(READ_ATTEMPTS):
            file = await self.file(path)
            try:
                return (await file.read(0, file.size)).decode() if file else ""
            except DeviceBusy:
                if attempt == READ_ATTEMPTS - 1:
                    raise
        return ""

    async def remove(self, path: str) -> None:
        """Delete a folder with all that is in it. Raises RolltapeError if there is none, or a file in it is open."""
        await self._young.forget(path)
        parent, _, name = path.rpartition("/")
        folder = await self._folder(parent)
        if folder is not None:
            with translated():
                await folder.removeEntry(name, recursive=True)

    async def _folder(self, path: str) -> FileSystemDirectoryHandle | None:
        folder = self._root
        with translated():
            for name in path.split("/"):
                keys = folder.keys()
                while not (entry := await keys.next()).done and entry.value != name:
                    pass
                if entry.done:
                    return None
                folder = await folder.getDirectoryHandle(name)
        return folder

    async def persist(self) -> bool:
        """Ask the browser to keep the journal even when the disk runs full; whether it will. Raises RolltapeError."""
        if member(member(navigator, "storage"), "persist") is None:
            return False
        with translated():
            return bool(await navigator.storage.persist())

    async def space(self) -> tuple[int, int]:
        """Return bytes used and bytes left by the browser's own estimate. Raises RolltapeError."""
        if member(navigator, "storage") is None:
            return 0, 0
        with translated():
            estimate = await navigator.storage.estimate()
        used = int(estimate.usage or 0)
        return used, max(0, int(estimate.quota or 0) - used)

    def close(self) -> None:
        """Stop the worker; what it has not answered ends with a SinkError."""
        self._worker.close()


class JournalPiece:
    """Bytes that were read, as the browser holds them: Python does not copy what it only hands on."""

    def __init__(self, data: Uint8Array) -> None:
        self.data = data
        self.size: int = data.byteLength


class JournalFile:
    """One file of the journal as a sink: written in order, flushed and acknowledged chunk by chunk.

    Nothing here waits without end: the worker answers or is given up (`JournalWorker`).
    """

    name = "journal"

    def __init__(self, worker: JournalWorker, path: str, size: int, young: YoungFiles) -> None:
        self._worker = worker
        self._path = path
        self._young = young
        self.ledger = Ledger()
        self.error: SinkError | None = None
        self._end = size
        self._size = size
        """As long as the worker last said that the file is."""
        self._last: asyncio.Future[int] | None = None

    def write(self, data: bytes) -> None:
        """Hand the data over; it is acknowledged in the ledger once it is on the disk."""
        if self.error is not None or not data:
            return
        self.ledger.give(len(data), performance.now())
        self._ask_to_write([Patch(self._end, data)], self.ledger.given)
        self._end += len(data)

    def _ask_to_write(self, patches: Sequence[Patch], total: int) -> None:
        """Have these written, at once; what was handed over is on the disk up to `total` then."""
        ends = list(accumulate(len(patch.data) for patch in patches))
        pieces = [(one.offset, end - len(one.data), end) for one, end in zip(patches, ends, strict=True)]
        data = b"".join(patch.data for patch in patches)
        self._last = self._worker.ask("write", self._path, data, pieces)
        self._last.add_done_callback(lambda done: self._on_written(done, patches, total))

    def _on_written(self, done: asyncio.Future[int], patches: Sequence[Patch], total: int) -> None:
        if done.cancelled():
            return
        try:
            self._size = done.result()
        except SinkError as error:
            self.error = self.error or error
            return
        self.ledger.acknowledge(total)
        for patch in patches:
            self._young.wrote(self._path, Written(patch.offset, patch.data, self._size))

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place, after all that was written before.

        The last of them reaches the disk after all others: it says that the file is finished. An hour's file has
        thousands, one for each Cluster: asked for one by one they took 100 MB and seconds.
        """
        for together in (patches[:-1], patches[-1:]):
            if together and self.error is None:
                self._ask_to_write(together, 0)

    async def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes, after all that was written before. Raises SinkError."""
        self._size = await self._worker.ask("truncate", self._path, size)
        self._end = size
        self._young.wrote(self._path, Written(size, b"", size))

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""
        if self._last is not None:
            await asyncio.wait([self._last])
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """Close the file; its size in bytes, as far as it is known. Raises nothing: `error` tells what went wrong."""
        try:
            self._size = await self._worker.ask("close", self._path)
        except SinkError as error:
            self.error = self.error or error
        return self._size
