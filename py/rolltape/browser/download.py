"""A recording as a download that grows in the Downloads folder while it is made, through the service worker.

The page announces the download to `sw.js`, opens its address in a hidden frame, and posts chunks through a
message channel; the worker reports what the browser has taken (docs/architecture.md, "Two sinks").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
from rolltape.core.errors import NotTaken, RolltapeError, SinkError, Unsupported
from rolltape.recording.acknowledgements import Ledger, has_room
from rolltape.recording.save_permission import SavePermission, has_begun, is_asking

# Firefox stops a service worker that hears nothing for 30 s and calls the download complete (quirk 2).
PING_EVERY_S = 5.0
ANNOUNCE_TIMEOUT_S = 5.0
FRAME_KEPT_S = 60.0
"""A frame that goes takes a download with it that the browser has not yet begun, though it has taken all bytes:
those of a short file fit into the pipe before it. Nothing tells of the beginning."""
END_TIMEOUT_S = 0.5
"""So long is waited for a download's last bytes: no question of the browser's holds up the end of a recording."""
LOOK_EVERY_S = 0.2
LOOK_AFTERWARDS_EVERY_S = 1.0
LAST_WORD_S = 0.5
"""A worker's lock and its words come over two ways: what it said before it let go is there by then."""
ALONE_AFTER_MS = 1000.0
"""So long after a download was opened the browser has noted it: its answer then counts it."""
READY_TIMEOUT_S = 10.0
"""On a first visit the worker is fetched and started meanwhile."""
NOT_READY = (
    "The browser did not start what writes downloads while they are made. To have it, load the page again before "
    "you record."
)
NOT_TAKEN = (
    "The browser has not saved the file: most likely it asks something first. The recording is kept in this browser; "
    "“Save seekable copy” in the list below puts it into your Downloads folder."
)


async def save_permission() -> SavePermission:
    """Ask the browser whether it saves one more file of this page without a question (quirk 20). Never raises."""
    permissions = member(navigator, "permissions")
    if permissions is None:
        return SavePermission.NO_QUESTION
    try:
        with translated():
            return SavePermission(str((await permissions.query(to_js({"name": "background-fetch"}))).state))
    except (RolltapeError, ValueError):  # this browser knows no such permission, or another word
        return SavePermission.NO_QUESTION


class Downloads:
    """The service worker that streams downloads; what waits for the browser is bounded over all of them."""

    def __init__(self, registration: ServiceWorkerRegistration) -> None:
        self.registration = registration
        self.taken_late: Callable[[str], None] = lambda id: None
        """Told of a download, by its id, that the browser took after `close` had given up waiting for it."""
        self._open: list[Download] = []
        self._opened_ms = -ALONE_AFTER_MS

    @classmethod
    async def open(cls) -> Downloads:
        """Register the service worker. Raises Unsupported where there is none, or it does not start in time.

        `ready` never settles where no worker becomes active (Service Workers, section 3.4.2).
        """
        if member(navigator, "serviceWorker") is None:
            raise Unsupported("This browser cannot write a download while it is made.")
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                with translated():
                    await navigator.serviceWorker.register(script_url("sw.js"))
                    return cls(await navigator.serviceWorker.ready)
        except TimeoutError:
            raise Unsupported(NOT_READY) from None

    async def create(self, id: str, name: str, content_type: str) -> Download:
        """Begin a download of this name; it appears in the Downloads folder with its first bytes."""
        alone, self._opened_ms = self._is_alone(), performance.now()
        download = Download(self, id, await save_permission(), alone=alone)
        await download.announce(name, content_type)
        self._open.append(download)
        return download

    def _is_alone(self) -> bool:
        return performance.now() - self._opened_ms >= ALONE_AFTER_MS

    def has_room(self, size: int) -> bool:
        """Return True if so many more bytes may wait in memory; for them, downloads that are over are given up."""
        over = iter([one for one in self._open if one.is_over])
        while not has_room([one.ledger for one in self._open], size):
            if (waiting := next(over, None)) is None:
                return False
            waiting.give_up()
        return True

    def forget(self, download: Download) -> None:
        """Count a download no more: it holds nothing. It is called once, by the download itself."""
        if download in self._open:
            self._open.remove(download)


class Download:
    """One growing download as a sink; a chunk is acknowledged once the browser has taken it."""

    name = "download"

    def __init__(self, owner: Downloads, id: str, permission: SavePermission, *, alone: bool) -> None:
        self._owner = owner
        self._registration = owner.registration
        self._id = id
        self._permission = permission
        self._alone = alone
        self._lock = f"rolltape-download-{id}"
        self._listeners = Listeners()
        self._port: MessagePort | None = None
        self._frame: Element | None = None
        self._announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._change = asyncio.Event()
        self._ping: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._begun = False
        self.is_over = False
        """Whether `close` was called: no byte comes any more."""
        self.ledger = Ledger()
        self.error: SinkError | None = None

    async def announce(self, name: str, content_type: str) -> None:
        """Tell the service worker, then open the download's address. Raises SinkError."""
        channel = MessageChannel.new()
        self._port = channel.port1
        self._listeners.add(self._port, "message", self._on_message)
        self._port.start()
        worker = maybe(self._registration.active)
        if worker is None:
            self._release()
            raise SinkError("What writes downloads is not running.")
        worker.postMessage(
            to_js({"announce": self._id, "name": name, "type": content_type}), to_js([channel.port2])
        )
        try:
            async with asyncio.timeout(ANNOUNCE_TIMEOUT_S):
                await self._announced
        except TimeoutError:
            self._release()
            raise SinkError("What writes downloads does not answer.") from None
        self._listeners.add(window, "pagehide", self._on_pagehide)
        self._frame = document.createElement("iframe")
        self._frame.hidden = True
        self._frame.src = f"download/{self._id}/{encodeURIComponent(name)}"
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
        elif getattr(message, "full", None):
            self.give_up()
        else:
            self.ledger.acknowledge(message.taken)
        self._change.set()

    async def _await_death(self) -> None:
        """A worker that ends before the download does has lost it: it lets go of its lock without a word."""
        await locks.until_free(self._lock)
        with suppress(TimeoutError):  # its last word may be on its way: that all is taken, or why it ends
            async with asyncio.timeout(LAST_WORD_S):
                while self.error is None and (self.ledger.owed or not self.is_over):
                    self._change.clear()
                    await self._change.wait()
        if self._port is not None and (self.ledger.owed or not self.is_over):
            self.error = self.error or SinkError("The browser stopped what writes it.")
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
        if not self._owner.has_room(len(data)):
            self.give_up()
            return
        self.ledger.give(len(data), performance.now())
        array = uint8array(data)
        self._port.postMessage(array, to_js([array.buffer]))

    async def settle(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """Wait until the browser has taken everything handed over, and writes it, as far as a page can know.

        Raises SinkError where it broke, NotTaken where the browser asks its person first, or the time is over: it
        may still be taken after `close`.
        """
        if self.error is None and is_asking(
            self._permission, await save_permission(), self.ledger.acknowledged
        ):
            raise NotTaken(NOT_TAKEN)
        try:
            async with asyncio.timeout(timeout_s):
                while self.error is None and not await self._is_taken():
                    await self._changed(LOOK_EVERY_S)
        except TimeoutError:
            raise NotTaken(NOT_TAKEN) from None
        if self.error is not None:
            raise self.error

    async def _is_taken(self) -> bool:
        """True if nothing is owed, and the browser does not ask its person first."""
        if self.ledger.owed:
            return False
        if not self._begun:
            taken = self.ledger.acknowledged
            self._begun = has_begun(self._permission, await save_permission(), taken, alone=self._alone)
        return self._begun

    async def _changed(self, at_most_s: float) -> None:
        """Wait for a message, or for long enough that the person may have answered."""
        self._change.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._change.wait(), at_most_s)

    async def close(self) -> int:
        """End the download, so that the browser gives the file its name; bytes it has taken.

        Nothing is waited for: what the browser has not taken yet, since it asks its person first, it is offered
        until they have answered, the page goes, or another recording needs the room.
        """
        self.is_over = True
        taken = self.ledger.acknowledged
        if self._port is None or self.error is not None:
            self._release()
            return taken
        self._port.postMessage(to_js({"close": True}))
        if await self._is_taken():
            self._release()
        else:
            self._waiting = asyncio.create_task(self._wait())
        return taken

    async def _wait(self) -> None:
        """Until it is taken or refused."""
        while self.error is None and not await self._is_taken():
            await self._changed(LOOK_AFTERWARDS_EVERY_S)
            if not self._begun and await save_permission() is SavePermission.REFUSED:
                break
        else:
            if self.error is None:
                self._owner.taken_late(self._id)
        self._release()

    def give_up(self) -> None:
        """Let go of the download and end it with an error, since too much waits for the browser."""
        self.error = self.error or NotTaken(NOT_TAKEN)
        if self._port is not None:
            self._port.postMessage(to_js({"abandon": True}))
        self._release()
        self._change.set()

    async def abandon(self) -> None:
        """Break the download off, so that the browser does not take it for whole."""
        if self._port is not None:
            self._port.postMessage(to_js({"abandon": True}))
        self._release()

    def _release(self) -> None:
        self._owner.forget(self)
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
