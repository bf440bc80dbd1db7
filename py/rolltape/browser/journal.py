"""The journal: files in the origin private file system, each write on the disk before it is acknowledged.

Sync access handles exist in workers only (W3C File System), so `static/journal.js` holds them; this module
asks it, one operation at a time in order, and reads files without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from js import FileSystemDirectoryHandle, MessageEvent, Worker, navigator, performance
from pyodide.ffi import to_js

from rolltape.browser.files import StoredFile
from rolltape.browser.interop import Listeners, error_of, member, translated, uint8array
from rolltape.browser.scripts import script_url
from rolltape.errors import DeviceBusy, SinkError, Unsupported
from rolltape.ledger import Ledger
from rolltape.media.webm import Patch

READ_ATTEMPTS = 10


class Journal:
    """The journal's worker and folder."""

    def __init__(self, root: FileSystemDirectoryHandle) -> None:
        self._root = root
        self._worker = Worker.new(script_url("static/journal.js"))
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._asked = 0
        self._listeners = Listeners()
        self._listeners.add(self._worker, "message", self._on_answer)
        self._listeners.add(self._worker, "error", self._on_worker_error)

    @classmethod
    async def open(cls) -> Journal:
        """Start the journal. Raises Unsupported where the browser has no such storage."""
        if member(member(navigator, "storage"), "getDirectory") is None:
            raise Unsupported("This browser has no storage that survives a crash.")
        with translated():
            root = await navigator.storage.getDirectory()
        return cls(root)

    def ask(
        self, operation: str, path: str, *arguments: object, transfer: object = None
    ) -> asyncio.Future[int]:
        """Have the worker do one operation; the answer is the file's size. Raises SinkError."""
        self._asked += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[self._asked] = answer
        message = to_js([self._asked, operation, path, *arguments])
        if transfer is None:
            self._worker.postMessage(message)
        else:
            self._worker.postMessage(message, to_js([transfer]))
        return answer

    def _on_answer(self, event: MessageEvent) -> None:
        number, size, *error = event.data
        answer = self._answers.pop(number)
        if answer.done():
            return
        if error:
            found = error_of(*error)
            sentence = (
                found if isinstance(found, SinkError) else SinkError("The journal failed.", found.detail)
            )
            answer.set_exception(sentence)
        else:
            answer.set_result(size)

    def _on_worker_error(self, event: object) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(
                    SinkError("The journal's worker stopped.", getattr(event, "message", ""))
                )
        self._answers.clear()

    async def create(self, path: str) -> JournalFile:
        """Open a file for writing, made if it is not there. Raises StorageLocked, StorageFull."""
        size = await self.ask("open", path)
        return JournalFile(self, path, size)

    async def append_text(self, path: str, text: str) -> None:
        """Add text at a file's end and put it on the disk."""
        await self.ask("open", path)
        try:
            await self.ask("write", path, uint8array(text.encode()))
        finally:
            await self.ask("close", path)

    async def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none if there is no such folder."""
        folder = await self._folder(path)
        if folder is None:
            return []
        names = []
        keys = folder.keys()
        while not (entry := await keys.next()).done:
            names.append(str(entry.value))
        return sorted(names)

    async def file(self, path: str) -> StoredFile | None:
        """The file as it is on the disk now; None if there is none."""
        folder_path, _, name = path.rpartition("/")
        folder = await self._folder(folder_path)
        if folder is None or name not in await self.names(folder_path):
            return None
        with translated():
            handle = await folder.getFileHandle(name)
            return StoredFile(await handle.getFile())

    async def text(self, path: str) -> str:
        """A whole file as text, also one that is being added to (quirk 3); empty if there is none."""
        for attempt in range(READ_ATTEMPTS):
            file = await self.file(path)
            try:
                return (await file.read(0, file.size)).decode() if file else ""
            except DeviceBusy:
                if attempt == READ_ATTEMPTS - 1:
                    raise
        return ""

    async def remove(self, path: str) -> None:
        """Delete a folder with all that is in it."""
        parent, _, name = path.rpartition("/")
        folder = await self._folder(parent)
        if folder is not None:
            with translated():
                await folder.removeEntry(name, recursive=True)

    async def _folder(self, path: str) -> FileSystemDirectoryHandle | None:
        folder = self._root
        for name in path.split("/"):
            keys = folder.keys()
            while not (entry := await keys.next()).done and entry.value != name:
                pass
            if entry.done:
                return None
            folder = await folder.getDirectoryHandle(name)
        return folder

    async def persist(self) -> bool:
        """Ask the browser to keep the journal even when the disk runs full; whether it will."""
        if member(member(navigator, "storage"), "persist") is None:
            return False
        return bool(await navigator.storage.persist())

    async def space(self) -> tuple[int, int]:
        """Bytes used and bytes left by the browser's own estimate."""
        if member(navigator, "storage") is None:
            return 0, 0
        estimate = await navigator.storage.estimate()
        used = int(estimate.usage or 0)
        return used, max(0, int(estimate.quota or 0) - used)

    def close(self) -> None:
        """Stop the worker."""
        self._listeners.close()
        self._worker.terminate()


class JournalFile:
    """One file of the journal as a sink: written in order, flushed and acknowledged chunk by chunk."""

    name = "journal"

    def __init__(self, journal: Journal, path: str, size: int) -> None:
        self._journal = journal
        self._path = path
        self.ledger = Ledger()
        self.error: SinkError | None = None
        self._size_at_open = size
        self._last: asyncio.Future[int] | None = None

    def write(self, data: bytes) -> None:
        """Hand the data over; it is acknowledged in the ledger once it is on the disk."""
        if self.error is not None or not data:
            return
        self.ledger.give(len(data), performance.now())
        array = uint8array(data)
        answer = self._journal.ask("write", self._path, array, transfer=array.buffer)
        total = self.ledger.given
        answer.add_done_callback(lambda done: self._on_written(done, total))
        self._last = answer

    def _on_written(self, done: asyncio.Future[int], total: int) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self.ledger.acknowledge(total)
        elif self.error is None:
            self.error = (
                error if isinstance(error, SinkError) else SinkError("The journal failed.", str(error))
            )

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place, after all that was written before."""
        for patch in patches if self.error is None else ():
            answer = self._journal.ask("write", self._path, uint8array(patch.data), patch.offset)
            answer.add_done_callback(lambda done: self._on_written(done, self.ledger.acknowledged))
            self._last = answer

    async def truncate(self, size: int) -> None:
        """Cut the file's end off."""
        await self._journal.ask("truncate", self._path, size)

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""
        if self._last is not None:
            await asyncio.wait([self._last])
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """Close the file; its size in bytes."""
        return await self._journal.ask("close", self._path)
