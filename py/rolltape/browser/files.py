"""Files on the disk: read in slices, played, or copied into the downloads without passing through memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from js import URL, ArrayBuffer, Blob, Event, File, MessageEvent, Uint8Array, Worker, document
from pyodide.ffi import to_js

from rolltape.browser.interop import Listeners, error_of, translated
from rolltape.browser.scripts import script_url
from rolltape.core.errors import RolltapeError

CHUNK = 8 << 20
AHEAD = 4
# The browser has opened the file long before; until then the address must hold.
FORGET_AFTER_S = 60.0


class StoredFile:
    """A file of the journal: its bytes stay on the disk until they are read."""

    def __init__(self, file: Blob) -> None:
        self._file = file
        self.blob = file
        """The browser's own object, for its other modules."""
        self.size: int = file.size

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`, fewer where the file ends. Raises RolltapeError."""
        with translated():
            buffer = await self._file.slice(start, end).arrayBuffer()
        return buffer.to_bytes()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it, in large slices: the next ones are read by a worker while this one is worked on."""
        reader, starts = _Reader(self._file), iter(range(0, self.size, CHUNK))
        try:
            for start in islice(starts, AHEAD):
                reader.ask(start, ArrayBuffer.new(min(CHUNK, self.size)))
            while reader.asked:
                read = await reader.asked.popleft()
                chunk = read.to_bytes()
                for start in islice(starts, 1):
                    reader.ask(start, read.buffer)
                yield chunk
        finally:
            reader.close()

    def address(self, content_type: str) -> str:
        """Make an address under which this page can play it; the caller gives it back with `forget`."""
        return URL.createObjectURL(self._file.slice(0, self.size, content_type))

    def save(self, name: str, content_type: str) -> None:
        """Have the browser copy it into its downloads, from disk to disk."""
        address = URL.createObjectURL(File.new(to_js([self._file]), name, type=content_type))
        link = document.createElement("a")
        link.href = address
        link.download = name
        link.click()
        asyncio.get_running_loop().call_later(FORGET_AFTER_S, forget, address)


class PickedFile(StoredFile):
    """A file that a person chose."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        self.name = file.name


class _Reader:
    """A worker that reads one file; what it was asked for comes in the same order."""

    def __init__(self, file: Blob) -> None:
        self.asked: deque[asyncio.Future[Uint8Array]] = deque()
        self._file = file
        self._coming: dict[int, asyncio.Future[Uint8Array]] = {}
        self._worker = Worker.new(script_url("static/reader.js"))
        self._listeners = Listeners()
        self._listeners.add(self._worker, "message", self._on_message)
        self._listeners.add(self._worker, "error", self._on_error)

    def ask(self, start: int, buffer: ArrayBuffer) -> None:
        """Have the slice that begins here read into the buffer, which is gone until it comes back with it."""
        answer: asyncio.Future[Uint8Array] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        self._coming[start] = answer
        self._worker.postMessage(to_js([self._file, start, start + CHUNK, buffer]), to_js([buffer]))

    def _on_message(self, event: MessageEvent) -> None:
        start, *told = event.data
        answer = self._coming.pop(start)
        if answer.done():  # whoever asked was cancelled meanwhile
            return
        if len(told) > 1:
            answer.set_exception(error_of(*told))
        else:
            answer.set_result(*told)

    def _on_error(self, event: Event) -> None:
        for answer in self._coming.values():
            if not answer.done():
                answer.set_exception(
                    RolltapeError("The file cannot be read here: a part of the page is missing.")
                )
        self._coming.clear()

    def close(self) -> None:
        """No more is wanted."""
        self._worker.terminate()
        self._listeners.close()
        for answer in self._coming.values():
            answer.cancel()


def forget(address: str) -> None:
    """Free an address made by `StoredFile.address`."""
    URL.revokeObjectURL(address)
