"""The screen kept on (W3C Screen Wake Lock): a machine that falls asleep records nothing."""

from __future__ import annotations

import asyncio

from js import Event, WakeLockSentinel, console, document, navigator
from pyodide.ffi import JsException

from rolltape.browser.interop import Listeners, member


class Awake:
    """Holds the wake lock while it is wanted; a hidden page loses it, so it is asked for again when shown."""

    def __init__(self) -> None:
        self._wanted = False
        self._lock: WakeLockSentinel | None = None
        self._asking: asyncio.Future[None] | None = None
        self._listeners = Listeners()

    async def want(self, wanted: bool) -> None:
        """Keep the screen on, or not any more. Where the browser refuses, recording goes on all the same."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted:
            self._listeners.add(document, "visibilitychange", self._on_visibility)
            await self._ask()
        else:
            self._listeners.close()
            await self._let_go()

    def _on_visibility(self, event: Event) -> None:
        self._asking = asyncio.ensure_future(self._ask())

    async def _ask(self) -> None:
        if member(navigator, "wakeLock") is None or document.visibilityState != "visible":
            return
        try:
            lock = await navigator.wakeLock.request("screen")
        except JsException as error:
            console.info(f"The screen may go dark while recording: {error.name}: {error.message}")
            return
        await self._let_go()
        self._lock = lock
        if not self._wanted:
            await self._let_go()

    async def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None and not lock.released:
            await lock.release()
