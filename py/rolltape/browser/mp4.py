"""MP4 by mediabunny, a module that is loaded only when it is asked for: packets copied, nothing encoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from js import URL, WritableStream, document
from pyodide.ffi import JsException, create_proxy, to_js

from rolltape.browser.files import StoredFile
from rolltape.browser.journal import Journal
from rolltape.errors import ConvertError, SinkError

MODULE = "static/vendor/mediabunny-1.61.0-1/mediabunny.min.mjs"
CHUNK = 4 << 20


async def load() -> Any:
    """The module, from our own origin."""
    from _pyscript import js_import

    (module,) = await js_import(URL.new(MODULE, document.baseURI).href)
    return module


async def write(file: StoredFile, journal: Journal, path: str) -> AsyncGenerator[float, None]:
    """Write the file's packets as MP4 into `path` in the journal; yields the share done.

    Raises ConvertError where MP4 cannot hold them, SinkError where nothing more can be written.
    """
    library = await load()
    failed: list[SinkError] = []

    async def put(chunk: Any, *_: object) -> None:
        try:
            await journal.ask("write", path, chunk.data, chunk.position)
        except SinkError as error:
            failed.append(error)
            raise

    sink = create_proxy(put)
    await journal.ask("open", path)
    await journal.ask("truncate", path, 0)
    try:
        async for share in _convert(library, file, WritableStream.new(write=sink)):
            yield share
    except JsException as error:
        if failed:
            raise failed[0] from None
        raise ConvertError("This recording could not be written as MP4.", str(error)) from None
    finally:
        sink.destroy()
        await journal.ask("close", path)


async def _convert(library: Any, file: StoredFile, stream: Any) -> AsyncGenerator[float, None]:
    recording = library.Input.new(
        formats=to_js([library.WEBM, library.MATROSKA]), source=library.BlobSource.new(file.blob)
    )
    result = library.Output.new(
        format=library.Mp4OutputFormat.new(fastStart=False),
        target=library.StreamTarget.new(stream, chunked=True, chunkSize=CHUNK),
    )
    conversion = await library.Conversion.init(
        input=recording, output=result, copy=to_js({"mode": "forced"}), showWarnings=False
    )
    if not conversion.isValid or len(conversion.discardedTracks):
        raise ConvertError(
            "MP4 cannot hold this recording's picture or sound as it is; it is not encoded anew."
        )
    shares = [0.0]
    changed = asyncio.Event()

    def progress(share: float, *_: object) -> None:
        shares[0] = share
        changed.set()

    listener = create_proxy(progress)
    conversion.onProgress = listener
    work = asyncio.ensure_future(conversion.execute())
    work.add_done_callback(lambda _: changed.set())
    try:
        while not work.done():
            await changed.wait()
            changed.clear()
            yield shares[0]
        await work
        yield 1.0
    finally:
        if not work.done():
            await conversion.cancel()
            await asyncio.wait([work])
            work.exception()
        recording.dispose()
        listener.destroy()
