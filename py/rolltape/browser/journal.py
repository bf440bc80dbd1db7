"""The journal: files in the origin private file system, each write on the disk before it is acknowledged.

Sync access handles exist in workers only (W3C File System), so `static/journal.js` holds them; this module
asks it, one operation at a time in order, and reads files without it. A worker that dies is replaced, and
the next is asked again what the dead one did not answer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

from js import FileSystemDirectoryHandle, MessageEvent, Worker, navigator, performance
from pyodide.ffi import to_js

from rolltape.browser import locks
from rolltape.browser.files import StoredFile
from rolltape.browser.interop import Listeners, error_of, member, translated, uint8array
from rolltape.browser.scripts import script_url
from rolltape.core.errors import DeviceBusy, SinkError, StorageFull, Unsupported
from rolltape.media.webm import Patch
from rolltape.recording.acknowledgements import Ledger

READ_ATTEMPTS = 10


@dataclass(frozen=True)
class Request:
    """What the worker was asked; kept until it answers."""

    operation: str
    path: str
    argument: bytes | int | None
    at: int | None
    answer: asyncio.Future[int]

    @property
    def end(self) -> int:
        """How long the file has to be once this is written; 0 for what does not write at a place."""
        return self.at + len(self.argument) if self.at is not None and isinstance(self.argument, bytes) else 0


class Journal:
    """The journal's worker and folder."""

    def __init__(self, root: FileSystemDirectoryHandle) -> None:
        self._root = root
        self._unanswered: dict[int, Request] = {}
        self._open: list[str] = []
        self._asked = 0
        self._dead = False
        self._hire()

    def _hire(self) -> None:
        """Start a worker; its name is the lock that it holds while it lives."""
        self._lock = f"rolltape-journal-{os.urandom(8).hex()}"
        self._answered = False
        self._guard: asyncio.Task[None] | None = None
        self._worker = Worker.new(script_url("static/journal.js"), name=self._lock)
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
        self, operation: str, path: str, argument: bytes | int | None = None, at: int | None = None
    ) -> asyncio.Future[int]:
        """Have the worker do one operation; the answer is the file's size. Raises SinkError."""
        self._asked += 1
        request = Request(operation, path, argument, at, asyncio.get_running_loop().create_future())
        if self._dead:
            request.answer.set_exception(SinkError("The journal's worker stopped."))
            return request.answer
        self._unanswered[self._asked] = request
        self._post(self._asked, request)
        return request.answer

    def _post(self, number: int, request: Request) -> None:
        data = request.argument
        if not isinstance(data, bytes):
            self._worker.postMessage(to_js([number, request.operation, request.path, data]))
            return
        array = uint8array(data)
        message = to_js([number, request.operation, request.path, array, request.at])
        self._worker.postMessage(message, to_js([array.buffer]))

    def _on_answer(self, event: MessageEvent) -> None:
        number, *told = event.data
        if not number:
            self._guard = asyncio.ensure_future(self._await_death())
            return
        self._answered = True
        request = self._unanswered.pop(number)
        size, *error = told
        if error:
            found = error_of(*error)
            failure = found if isinstance(found, SinkError) else None
            self._settle(request, failure or SinkError("The journal failed.", found.detail))
            return
        if size < request.end:  # Firefox says nothing when the disk is full (quirk 17)
            self._settle(request, StorageFull("There is no room left in the browser's storage."))
            return
        if request.operation == "open":
            self._open.append(request.path)
        elif request.operation == "close" and request.path in self._open:
            self._open.remove(request.path)
        if not request.answer.done():
            request.answer.set_result(size)

    def _settle(self, request: Request, error: SinkError) -> None:
        if not request.answer.done():
            request.answer.set_exception(error)

    async def _await_death(self) -> None:
        """Replace the worker when it dies; one that died before it did anything has no successor."""
        await locks.until_free(self._lock)
        if self._dead:
            return
        self._listeners.close()
        if not self._answered:
            self._give_up("")
            return
        self._hire()
        reopened, self._open = self._open, []
        pending, self._unanswered = self._unanswered, {}
        for path in reopened:
            self.ask("open", path)
        for number, request in pending.items():
            self._unanswered[number] = request
            self._post(number, request)

    def _on_worker_error(self, event: object) -> None:
        self._give_up(str(getattr(event, "message", "")))

    def _give_up(self, detail: str) -> None:
        self._dead = True
        for request in self._unanswered.values():
            self._settle(request, SinkError("The journal's worker stopped.", detail))
        self._unanswered.clear()

    async def create(self, path: str) -> JournalFile:
        """Open a file for writing, made if it is not there. Raises StorageLocked, StorageFull."""
        size = await self.ask("open", path)
        return JournalFile(self, path, size)

    async def append_text(self, path: str, text: str) -> None:
        """Add text at a file's end and put it on the disk."""
        await self.ask("append", path, text.encode())

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
        self._dead = True
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
        self._end = size
        self._last: asyncio.Future[int] | None = None

    def write(self, data: bytes) -> None:
        """Hand the data over; it is acknowledged in the ledger once it is on the disk."""
        if self.error is not None or not data:
            return
        self.ledger.give(len(data), performance.now())
        answer = self._journal.ask("write", self._path, data, self._end)
        self._end += len(data)
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
            answer = self._journal.ask("write", self._path, patch.data, patch.offset)
            answer.add_done_callback(lambda done: self._on_written(done, self.ledger.acknowledged))
            self._last = answer

    async def truncate(self, size: int) -> None:
        """Cut the file's end off."""
        await self._journal.ask("truncate", self._path, size)
        self._end = size

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""
        if self._last is not None:
            await asyncio.wait([self._last])
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """Close the file; its size in bytes."""
        return await self._journal.ask("close", self._path)
