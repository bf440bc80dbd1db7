"""A recording as a file in a folder that the person chose (W3C File System Access, Chromium on a desk).

The browser writes beside the file, into `NAME.crswap`, and puts that in the file's place when it is closed:
until then the file is empty, and what a crash leaves is the `.crswap`, if anything. The journal is what
survives; the folder is where the finished file is.

The folder's handle is remembered in IndexedDB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from js import (
    FileSystemDirectoryHandle,
    FileSystemWritableFileStream,
    IDBRequest,
    performance,
    window,
)
from pyodide.ffi import JsException, to_js

from rolltape.browser.interop import Listeners, maybe, member, translated, uint8array
from rolltape.core.errors import RolltapeError, SinkError, StorageFull
from rolltape.core.naming import free_name
from rolltape.media.ending import Patch
from rolltape.recording.acknowledgements import Ledger

DATABASE, HANDLES, KEY = "rolltape", "handles", "folder"
WRITE = {"mode": "readwrite"}
ANSWER_WITHIN_S = 2.0
"""The page waits for it when it starts."""
CLOSE_TIMEOUT_S = 60.0
"""A browser may check the whole file before it puts it in its place."""


def can_be_chosen() -> bool:
    """Return True if this browser lets a person choose a folder for a page."""
    return member(window, "showDirectoryPicker") is not None


async def choose() -> Folder | None:
    """Show the browser's picker and remember what was chosen; None if it was closed without a choice."""
    try:
        handle = await window.showDirectoryPicker(id="rolltape", mode="readwrite")
    except JsException as error:
        if error.name == "AbortError":
            return None
        detail = f"{error.name}: {error.message}"
        raise SinkError(
            "The browser let no folder be chosen: recordings go where they went before.", detail
        ) from None
    await _with_handles("readwrite", lambda handles: handles.put(handle, KEY))
    return Folder(handle)


async def remembered() -> Folder | None:
    """Return the folder that was chosen last; None if none was, or the database does not answer in two seconds."""
    handle = await _with_handles("readonly", lambda handles: handles.get(KEY))
    return Folder(handle) if handle is not None else None


async def forget() -> None:
    """Remember no folder any more: the next recording goes into the downloads, until one is chosen."""
    await _with_handles("readwrite", lambda handles: handles.delete(KEY))


async def _with_handles(mode: str, ask: Callable[[Any], IDBRequest]) -> Any:
    """The answer of the database's table of handles; None where there is no database."""
    with suppress(JsException):
        opening = window.indexedDB.open(DATABASE, 1)
        listeners = Listeners()
        listeners.add(
            opening, "upgradeneeded", lambda event: opening.result.createObjectStore(HANDLES) and None
        )
        database = await _answer(opening)
        listeners.close()
        if database is not None:
            found = await _answer(ask(database.transaction(HANDLES, mode).objectStore(HANDLES)))
            database.close()
            return found
    return None


async def _answer(request: IDBRequest) -> Any:
    """What a request gives; None if it fails, gives nothing, or never answers."""
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    listeners = Listeners()
    listeners.add(request, "success", lambda event: answered.set_result(maybe(request.result)))
    listeners.add(request, "error", lambda event: answered.set_result(None))
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await answered
    except TimeoutError:
        return None
    finally:
        listeners.close()


class Folder:
    """A folder that the person chose."""

    def __init__(self, handle: FileSystemDirectoryHandle) -> None:
        self._handle = handle
        self.name: str = handle.name

    async def is_allowed(self) -> bool:
        """Ask the browser whether the folder may be written without a question."""
        return await self._handle.queryPermission(to_js(WRITE)) == "granted"

    async def ask(self) -> bool:
        """Ask the person, who has just pressed a button; whether it may be written."""
        if await self.is_allowed():
            return True
        with suppress(JsException):
            return await self._handle.requestPermission(to_js(WRITE)) == "granted"
        return False

    async def create(self, name: str) -> FolderFile:
        """Open a new file for writing, never one that is there already. Raises SinkError."""
        try:
            with translated():
                free = free_name(name, await self._names())
                file = await self._handle.getFileHandle(free, create=True)
                return FolderFile(self._handle, free, await file.createWritable())
        except RolltapeError as error:
            raise SinkError("The folder you chose cannot be written.", error.detail) from error

    async def size(self, name: str) -> int | None:
        """Return the size of the file of this name there, in bytes; None if there is none, or nobody may look."""
        try:
            file = await (await self._handle.getFileHandle(name)).getFile()
        except JsException:
            return None
        return int(file.size)

    async def _names(self) -> set[str]:
        """What lies in it."""
        names, keys = set(), self._handle.keys()
        while not (entry := await keys.next()).done:
            names.add(str(entry.value))
        return names


class FolderFile:
    """One new file of the folder as a sink; its bytes can be changed until it is closed."""

    name = "folder"

    def __init__(
        self, folder: FileSystemDirectoryHandle, file: str, stream: FileSystemWritableFileStream
    ) -> None:
        self._folder = folder
        self._file = file
        self._stream = stream
        self._end = 0
        self._last: asyncio.Task[None] | None = None
        self._listeners = Listeners()
        self._listeners.add(window, "pagehide", lambda event: self._stream.close() and None)
        self.ledger = Ledger()
        self.error: SinkError | None = None

    def write(self, data: bytes) -> None:
        """Hand the data over; it is acknowledged once the browser has written it."""
        if self.error is not None or not data:
            return
        self.ledger.give(len(data), performance.now())
        self._ask({"type": "write", "position": self._end, "data": uint8array(data)}, self.ledger.given)
        self._end += len(data)

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place, after all that was written before."""
        for patch in patches:
            self._ask({"type": "write", "position": patch.offset, "data": uint8array(patch.data)})

    async def truncate(self, size: int) -> None:
        """Cut everything from `size` on off."""
        self._ask({"type": "truncate", "size": size})
        self._end = size
        await self.settle()

    def _ask(self, command: dict[str, object], total: int = 0) -> None:
        """Have the stream do something; it does one after the other."""
        if self.error is None:
            self._last = asyncio.create_task(self._confirm(self._stream.write(to_js(command)), total))

    async def _confirm(self, written: Any, total: int) -> None:
        try:
            with translated():
                await written
            self.ledger.acknowledge(total)
        except StorageFull as error:
            self.error = self.error or StorageFull("The disk is full.", error.detail)
        except RolltapeError as error:
            sentence = "The folder you chose cannot be written any more."
            self.error = self.error or SinkError(sentence, error.detail)

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""
        if self._last is not None:
            await asyncio.wait([self._last])
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """Put the file in its place; its size in bytes. One that broke is taken away: it would be empty."""
        self._listeners.close()
        if self.error is not None:
            with suppress(JsException):
                await self._folder.removeEntry(self._file)
            raise self.error
        self._last = asyncio.create_task(self._confirm(self._stream.close(), 0))
        await asyncio.wait([self._last], timeout=CLOSE_TIMEOUT_S)
        if not self._last.done():
            raise SinkError("The browser did not put the file into the folder within a minute.")
        if self.error is not None:
            raise self.error
        return self._end
