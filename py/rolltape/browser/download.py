"""A recording as a download that grows in the Downloads folder while it is made, through the service worker.

The page announces the download to `sw.js`, opens its address in a hidden frame, and posts chunks through a
message channel; the worker reports what the browser has taken (docs/architecture.md, "Two sinks").
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from js import (
    Element,
    Event,
    MessageChannel,
    MessageEvent,
    MessagePort,
    ServiceWorkerRegistration,
    document,
    encodeURIComponent,
    navigator,
    performance,
    window,
)
from pyodide.ffi import to_js

from rolltape.browser import locks
from rolltape.browser.interop import Listeners, maybe, member, translated, uint8array
from rolltape.browser.scripts import script_url
from rolltape.core.errors import SinkError, Unsupported
from rolltape.recording.acknowledgements import Ledger

# Firefox stops a service worker that hears nothing for 30 s and calls the download complete (quirk 2).
PING_EVERY_S = 5.0
ANNOUNCE_TIMEOUT_S = 5.0
FRAME_KEPT_S = 60.0
"""A frame that goes takes a download with it that the browser has not yet begun, though it has taken all bytes:
those of a short file fit into the pipe before it. Nothing tells of the beginning."""


class Downloads:
    """The service worker that streams downloads."""

    def __init__(self, registration: ServiceWorkerRegistration) -> None:
        self._registration = registration

    @classmethod
    async def open(cls) -> Downloads:
        """Register the service worker. Raises Unsupported where there is none."""
        if member(navigator, "serviceWorker") is None:
            raise Unsupported("This browser cannot write a download while it is made.")
        with translated():
            await navigator.serviceWorker.register(script_url("sw.js"))
            return cls(await navigator.serviceWorker.ready)

    async def create(self, id: str, name: str, content_type: str) -> Download:
        """Begin a download of this name; it appears in the Downloads folder with its first bytes."""
        download = Download(self._registration)
        await download.announce(id, name, content_type)
        return download


class Download:
    """One growing download as a sink; a chunk is acknowledged once the browser has taken it."""

    name = "download"

    def __init__(self, registration: ServiceWorkerRegistration) -> None:
        self._registration = registration
        self._listeners = Listeners()
        self._port: MessagePort | None = None
        self._frame: Element | None = None
        self._announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._change = asyncio.Event()
        self._ping: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self.began = False
        self.ledger = Ledger()
        self.error: SinkError | None = None

    async def announce(self, id: str, name: str, content_type: str) -> None:
        """Tell the service worker, then open the download's address. Raises SinkError."""
        self._lock = f"rolltape-download-{id}"
        channel = MessageChannel.new()
        self._port = channel.port1
        self._listeners.add(self._port, "message", self._on_message)
        self._port.start()
        worker = maybe(self._registration.active)
        if worker is None:
            raise SinkError("The service worker that writes downloads is not running.")
        worker.postMessage(
            to_js({"announce": id, "name": name, "type": content_type}), to_js([channel.port2])
        )
        try:
            async with asyncio.timeout(ANNOUNCE_TIMEOUT_S):
                await self._announced
        except TimeoutError:
            self._release()
            raise SinkError("The service worker that writes downloads does not answer.") from None
        self._listeners.add(window, "pagehide", self._on_pagehide)
        self._frame = document.createElement("iframe")
        self._frame.hidden = True
        self._frame.src = f"download/{id}/{encodeURIComponent(name)}"
        document.body.append(self._frame)
        self._ping = asyncio.create_task(self._keep_alive())

    def _on_message(self, event: MessageEvent) -> None:
        message = event.data
        if getattr(message, "announced", None):
            if not self._announced.done():
                self._announced.set_result(None)
        elif getattr(message, "held", None):
            self._guard = asyncio.ensure_future(self._await_death())
        elif getattr(message, "cancelled", None):
            self.error = self.error or SinkError("The download was cancelled.")
        else:
            self.began = True
            self.ledger.acknowledge(message.taken)
        self._change.set()

    async def _await_death(self) -> None:
        """A worker that ends before the download does has lost it: it lets go of its lock without a word."""
        await locks.until_free(self._lock)
        if self._port is not None:
            self.error = self.error or SinkError("The browser stopped the service worker that writes it.")
            self._change.set()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            worker = maybe(self._registration.active)
            if worker is not None:
                worker.postMessage(to_js({"ping": True}))

    def _on_pagehide(self, event: Event) -> None:
        # The last chance to give the file its real name; the journal holds the rest.
        if self._port is not None:
            self._port.postMessage(to_js({"close": True}))

    def write(self, data: bytes) -> None:
        """Hand the data over; it is acknowledged in the ledger once the browser has taken it."""
        if self.error is not None or self._port is None or not data:
            return
        self.ledger.give(len(data), performance.now())
        array = uint8array(data)
        self._port.postMessage(array, to_js([array.buffer]))

    async def settle(self, timeout_s: float = 10.0) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.error is None and self.ledger.owed:
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            self.error = SinkError("The browser did not take the download's last bytes.")
        if self.error is not None:
            raise self.error

    async def close(self) -> int:
        """End the download, so that the browser gives the file its name; bytes it has taken."""
        if self._port is not None and self.error is None:
            self._port.postMessage(to_js({"close": True}))
        self._release()
        return self.ledger.acknowledged

    async def abandon(self) -> None:
        """Break the download off, so that the browser does not take it for whole."""
        if self._port is not None:
            self._port.postMessage(to_js({"abandon": True}))
        self._release()

    def _release(self) -> None:
        self._listeners.close()
        if self._ping is not None:
            self._ping.cancel()
            self._ping = None
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._frame is not None:
            asyncio.get_running_loop().call_later(FRAME_KEPT_S, self._frame.remove)
            self._frame = None
        with suppress(asyncio.InvalidStateError):
            self._announced.cancel()
