"""Keeps a page's idea of its room's clock: reads it often at first, then now and then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from rolltape.core.clock import Instant, Reading, RoomClock
from rolltape.room.client import RoomClient, RoomError

READINGS_AT_FIRST = 8
AT_ONCE = 4
"""Readings one after the other: a line through those that came quickest is known five times as well as with one."""
EVERY_S = 10.0
BETWEEN_S = 0.3
MEASURED_S = 0.5
"""So often the line's delay is measured while something else is sent over it."""
KEPT = 20_000
"""Of fourteen hours."""


class RoomTime:
    """Estimates the clock of the room's server from readings over the page's connection to it.

    Pages of guests and directors make one each and run `keep`. Moments are milliseconds, the page's own by its
    `now_ms`, the room's by its server. How well they agree is estimated (`error_ms`), not guaranteed.
    """

    def __init__(self, client: RoomClient, now_ms: Callable[[], float]) -> None:
        self._client = client
        self._now_ms = now_ms
        self._clock = RoomClock()
        self.readings: deque[Reading] = deque(maxlen=KEPT)
        """All of them in order, the oldest left out where there are too many."""

    def at(self, own_ms: float) -> Instant | None:
        """Convert a moment of this page's clock (ms) to the room's; None while nothing is known of it."""
        return self._clock.at(own_ms)

    @property
    def error_ms(self) -> int | None:
        """Milliseconds by which the estimate may be wrong now; None before the first reading."""
        now = self.at(self._now_ms())
        return None if now is None else round(now.error_ms)

    async def keep(self) -> None:
        """Read the clock until the task is cancelled; without a connection it waits for one. Raises no RoomError."""
        readings = 0
        while True:
            if self._client.connected:
                try:
                    await self._read()
                    readings += 1
                except RoomError:
                    readings = 0  # the connection has gone: begin anew with the next
            await asyncio.sleep(
                EVERY_S if readings >= READINGS_AT_FIRST and not readings % AT_ONCE else BETWEEN_S
            )

    async def measure(self, busy: Callable[[], bool], heard: Callable[[float], None]) -> None:
        """While `busy()` is true, call `heard` each MEASURED_S with the milliseconds that an answer took.

        It runs until the task is cancelled; where no answer comes, nothing is told. These are no readings of the
        clock: they are taken while the line is full.
        """
        while True:
            if self._client.connected and busy():
                asked_ms = self._now_ms()
                try:
                    await self._client.server_ms()
                except RoomError:
                    pass  # nothing is known of the line until there is another connection
                else:
                    heard(self._now_ms() - asked_ms)
            await asyncio.sleep(MEASURED_S)

    async def _read(self) -> None:
        asked_ms = self._now_ms()
        server_ms = await self._client.server_ms()
        reading = Reading(asked_ms, self._now_ms(), server_ms)
        self._clock.add(reading)
        self.readings.append(reading)
