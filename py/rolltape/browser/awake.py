"""The screen kept on (W3C Screen Wake Lock): a machine that falls asleep records nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from js import Event, WakeLockSentinel, console, document, navigator
from pyodide.ffi import JsException

from rolltape.browser.interop import Listeners, member

ANSWER_WITHIN_S = 2.0
"""Recordings begin and end with it, and do not wait for it."""


class Awake:
    """Holds the wake lock while anybody wants it; a hidden page loses it, so it is asked for again when shown."""

    def __init__(self) -> None:
        self._wanted_by: set[object] = set()
        self._lock: WakeLockSentinel | None = None
        self._tasks: set[asyncio.Future[None]] = set()
        self._listeners = Listeners()

    async def want(self, holder: object, wanted: bool) -> None:
        """Keep the screen on, or not any more as far as `holder` is concerned: one that records keeps it on for all.

        Not to want what was not wanted changes nothing. Where the browser refuses, recording goes on all the same.
        """
        was_wanted = bool(self._wanted_by)
        if wanted:
            self._wanted_by.add(holder)
        else:
            self._wanted_by.discard(holder)
        if bool(self._wanted_by) == was_wanted:
            return
        if self._wanted_by:
            self._listeners.add(document, "visibilitychange", self._on_visibility)
            await self._ask()
        else:
            self._listeners.close()
            await self._let_go()

    def _on_visibility(self, event: Event) -> None:
        self._begin(self._ask())

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask(self) -> None:
        if member(navigator, "wakeLock") is None or document.visibilityState != "visible":
            return
        answered, _ = await asyncio.wait([self._begin(self._take())], timeout=ANSWER_WITHIN_S)
        if not answered:
            console.info("The screen may go dark while recording: the browser does not answer.")

    async def _take(self) -> None:
        """Take the lock, however late the browser gives it; one that nobody wants any more is given back."""
        try:
            lock = await navigator.wakeLock.request("screen")
        except JsException as error:
            console.info(f"The screen may go dark while recording: {error.name}: {error.message}")
            return
        await self._let_go()
        self._lock = lock
        if not self._wanted_by:
            await self._let_go()

    async def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None and not lock.released:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await lock.release()
