"""Files on the disk: read in slices, played, or copied into the downloads without passing through memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice
from typing import Any

from js import URL, Blob, File, document
from pyodide.ffi import to_js

from rolltape.browser.interop import translated

CHUNK = 8 << 20
AHEAD = 2
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
        """The bytes from `start` to before `end`."""
        with translated():
            buffer = await self._file.slice(start, end).arrayBuffer()
        return buffer.to_bytes()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it, in large slices of which the next ones are on their way: each costs a turn of the event loop."""
        starts = iter(range(0, self.size, CHUNK))
        coming = deque(self._coming(start) for start in islice(starts, AHEAD))
        while coming:
            with translated():
                buffer = await coming.popleft()
            coming.extend(self._coming(start) for start in islice(starts, 1))
            yield buffer.to_bytes()

    def _coming(self, start: int) -> Any:
        return self._file.slice(start, start + CHUNK).arrayBuffer()

    def address(self, content_type: str) -> str:
        """An address under which this page can play it; give it back with `forget`."""
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


def forget(address: str) -> None:
    """Free an address made by `StoredFile.address`."""
    URL.revokeObjectURL(address)
