"""A recording that goes into the downloads when it is over: the last resort, where nothing may be kept meanwhile.

Its bytes lie in the page's memory until then, so none of them is called safe before.
"""

from __future__ import annotations

from js import Blob, Uint8Array, performance
from pyodide.ffi import to_js

from rolltape.browser.files import StoredFile
from rolltape.browser.interop import uint8array
from rolltape.core.errors import SinkError, StorageFull
from rolltape.recording.acknowledgements import Ledger

MAY_HOLD_BYTES = 1 << 30
"""Tabs that hold more are closed by browsers."""


class DownloadsAtEnd:
    """Makes downloads that begin at the end (`sinks.Downloads`)."""

    async def create(self, id: str, name: str, content_type: str) -> DownloadAtEnd:
        """Make a download that holds its bytes in memory and begins with `settle`. Never raises."""
        return DownloadAtEnd(name, content_type)


class DownloadAtEnd:
    """A part's bytes in memory; what was handed over is acknowledged once the browser was given all of it."""

    name = "download"

    def __init__(self, file_name: str, content_type: str) -> None:
        self._file_name = file_name
        self._content_type = content_type
        self._held: list[Uint8Array] = []
        self._size = 0
        self.ledger = Ledger()
        self.error: SinkError | None = None

    def write(self, data: bytes) -> None:
        """Keep the bytes; one that has an error ignores them."""
        if self.error is not None or not data:
            return
        if self._size + len(data) > MAY_HOLD_BYTES:
            self.error = StorageFull(
                "This page holds 1 GB of the recording; browsers close pages that hold more."
            )
            return
        self._size += len(data)
        self._held.append(uint8array(data))

    async def settle(self) -> None:
        """Give it to the browser's downloads. Raises SinkError where the end did not fit into memory."""
        if self._held:
            StoredFile(Blob.new(to_js(self._held))).save(self._file_name, self._content_type)
            self._held.clear()
            self.ledger.give(self._size, performance.now())
            self.ledger.acknowledge(self._size)
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """Nothing more is held; how many bytes the browser was given."""
        return self.ledger.acknowledged

    async def abandon(self) -> None:
        """Give nothing to the browser, and free what was held (`DownloadSink`)."""
        self._held.clear()
