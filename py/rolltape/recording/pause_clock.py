"""The time of a recording: a clock that stands while it is paused, shared by a take and all of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from rolltape.recording.timeline import ClosedPause


class PauseClock:
    """Pauses of one take, in milliseconds of the clock `now_ms`; one is open at most."""

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._pauses: list[tuple[float, float]] = []
        self._since_ms: float | None = None
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    @property
    def is_paused(self) -> bool:
        """True if a pause is open."""
        return self._since_ms is not None

    def pause(self) -> float:
        """Begin a pause, or leave the open one as it is; when it began."""
        if self._since_ms is None:
            self._since_ms = self._now_ms()
            self._over.clear()
            self._begun.set()
        return self._since_ms

    def resume(self, at_ms: float | None = None) -> float:
        """End the open pause, if there is one, now or at another moment; when it ended."""
        until_ms = self._now_ms() if at_ms is None else at_ms
        if self._since_ms is not None:
            until_ms = max(until_ms, self._since_ms)
            self._pauses.append((self._since_ms, until_ms))
            self._since_ms = None
            self._begun.clear()
            self._over.set()
        return until_ms

    async def until_paused(self) -> None:
        """Wait for a pause to begin; return at once in one."""
        await self._begun.wait()

    async def until_resumed(self) -> None:
        """Wait for the open pause to end; return at once where there is none."""
        await self._over.wait()

    async def wait_recorded(self, event: asyncio.Event, timeout_s: float) -> None:
        """Wait for an event for at most so many seconds; the time counts anew after a pause, and not in one."""
        while not event.is_set():
            if self.is_paused:
                await _either(event.wait(), self.until_resumed())
                continue
            try:
                async with asyncio.timeout(timeout_s):
                    await _either(event.wait(), self.until_paused())
            except TimeoutError:
                return

    def recorded_ms(self, from_ms: float, to_ms: float) -> float:
        """Return the milliseconds between two moments that were not paused."""
        return to_ms - from_ms - sum(self._overlap_ms(from_ms, to_ms))

    def moment_ms(self, from_ms: float, recorded_ms: float) -> float:
        """Return the moment at which so much time has been recorded since `from_ms`."""
        at_ms = from_ms + recorded_ms
        for began_ms, ended_ms in self._pauses:
            if from_ms <= began_ms < at_ms:
                at_ms += ended_ms - began_ms
        return at_ms

    def closed(self, from_ms: float) -> list[ClosedPause]:
        """Return the pauses that are over in a file that began at this moment, as they close up in it."""
        over = [(max(began, from_ms), ended) for began, ended in self._pauses if ended > from_ms]
        found, closed_ms = [], 0.0
        for began_ms, ended_ms in over:
            found.append(ClosedPause(began_ms - from_ms - closed_ms, ended_ms - began_ms))
            closed_ms += ended_ms - began_ms
        return found

    def _overlap_ms(self, from_ms: float, to_ms: float) -> list[float]:
        open_pause = [] if self._since_ms is None else [(self._since_ms, max(self._since_ms, self._now_ms()))]
        spans = [*self._pauses, *open_pause]
        return [max(0.0, min(ended, to_ms) - max(began, from_ms)) for began, ended in spans]


async def _either(*waits: Coroutine[None, None, object]) -> None:
    """Wait until one of them is done; the others are cancelled."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
