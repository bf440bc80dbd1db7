"""One conversion on the page, whoever asks for it: from files or takes into the person's downloads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Final

from rolltape.convert import Conversion, Target, plan
from rolltape.core.errors import RolltapeError, SinkError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document, Picked
from rolltape.pages.interfaces import Storage
from rolltape.recording.sinks import DownloadSink, PatchableSink, Store, StoredBytes

FOLDER: Final = "converted"
"""In the journal's storage: results that cannot be streamed into a download, until the next visit."""
AHEAD_BYTES: Final = 8 << 20
"""So much is handed over before the browser has taken it: it stays busy, and memory stays flat."""
POLL_S: Final = 0.004


class NamedFile:
    """A file of the journal under a name that people know."""

    def __init__(self, file: StoredBytes, name: str) -> None:
        self.file = file
        self.name = name
        self.size = file.size

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`, fewer where the file ends."""
        return await self.file.read(start, end)

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it, in pieces."""
        return self.file.chunks()


class SinkOutput:
    """A sink as an output: a write returns when the sink has caught up."""

    def __init__(self, sink: DownloadSink | PatchableSink) -> None:
        self._sink = sink

    async def write(self, data: bytes) -> None:
        """Hand the data over. Raises SinkError."""
        self._sink.write(data)
        await self.wait(AHEAD_BYTES)

    async def wait(self, ahead: int) -> None:
        """Wait, however long, until no more than `ahead` bytes are not taken yet. Raises SinkError."""
        while self._sink.error is None and self._sink.ledger.owed > ahead:
            await asyncio.sleep(POLL_S)
        if self._sink.error is not None:
            raise self._sink.error


class Converter:
    """Converts, names the result, delivers it, and tells what was left out."""

    def __init__(self, document: Document, browser: Storage) -> None:
        self._document = document
        self._browser = browser
        self.name = ""
        """What the last result is called."""

    async def run(
        self, sources: Sequence[NamedFile | Picked], target: Target, stem: str
    ) -> AsyncGenerator[float, None]:
        """Convert the parts of one take into a download named `stem` and an ending; yields the share done.

        Raises RolltapeError; then, and when it is closed before its end, nothing is left behind.
        """
        wanted = await plan(sources, target)
        for remark in wanted.remarks:
            self._document.notify(Notice(Level.INFO, remark))
        self.name = stem + wanted.ending
        steps = self._streamed(Conversion(wanted), self.name)
        async with aclosing(steps):
            async for share in steps:
                yield share

    async def _streamed(self, conversion: Conversion, name: str) -> AsyncGenerator[float, None]:
        """Into a download that grows, where there are such."""
        try:
            downloads = await self._browser.downloads()
        except RolltapeError:
            async with aclosing(self._stored(conversion, name)) as steps:
                async for share in steps:
                    yield share
            return
        sink: DownloadSink | None = None

        class Late:
            """Begins the download with the first bytes: before them there may be a sentence instead."""

            async def write(self, data: bytes) -> None:
                nonlocal sink
                if sink is None:
                    sink = await downloads.create(os.urandom(8).hex(), name, conversion.plan.content_type)
                await SinkOutput(sink).write(data)

        try:
            async with aclosing(conversion.run(Late())) as steps:
                async for share in steps:
                    yield share
            assert sink is not None
            await SinkOutput(sink).wait(0)
        except BaseException:
            if sink is not None:
                await sink.abandon()
            raise
        await sink.close()
        self._tell(conversion)

    async def _stored(self, conversion: Conversion, name: str) -> AsyncGenerator[float, None]:
        """The same by way of the journal's storage."""
        store, path = await self._place()
        file = await store.create(path)
        try:
            output = SinkOutput(file)
            async with aclosing(conversion.run(output)) as steps:
                async for share in steps:
                    yield share
            await output.wait(0)
        finally:
            await file.close()
        await self._save(store, path, name, conversion.plan.content_type)
        self._tell(conversion)

    async def _place(self) -> tuple[Store, str]:
        store = await self._browser.store()
        return store, f"{FOLDER}/{os.urandom(8).hex()}"

    async def _save(self, store: Store, path: str, name: str, content_type: str) -> None:
        file = await store.file(path)
        if file is None:
            raise SinkError(
                "The converted file is not in the browser's storage any more: convert it once more."
            )
        file.save(name, content_type)

    def _tell(self, conversion: Conversion) -> None:
        for sentence in conversion.losses:
            self._document.notify(Notice(Level.WARNING, sentence))

    async def clean(self) -> None:
        """Delete what earlier visits left; what another tab still writes is left alone."""
        with suppress(RolltapeError):
            store = await self._browser.store()
            if await store.names(FOLDER):
                await store.remove(FOLDER)
