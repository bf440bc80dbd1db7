"""Who is there, kept true: places are renewed while their connections last, and whoever is gone is told, once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from rolltape.room.messages import Left, Message
from rolltape.server.store import LEASE_S, HeldMember, RoomStore, StoreGone

__all__ = ["Presence"]

SWEEP_S = 1.0
KEEP_S = 600.0
"""How often the claims on rooms with somebody in them are renewed."""

log = logging.getLogger(__name__)


class Presence:
    """The leases of the connections that this process holds."""

    def __init__(
        self,
        store: RoomStore,
        held: Callable[[], Collection[HeldMember]],
        say: Callable[[str, Message], Awaitable[None]],
        seat_again: Callable[[HeldMember], Awaitable[None]],
        now_s: Callable[[], float],
        lease_s: float = LEASE_S,
    ) -> None:
        self._renew_s = lease_s / 3
        self._now_s = now_s
        self._store = store
        self._held = held
        self._say = say
        self._seat_again = seat_again
        self._renewed_s = self._kept_s = float("-inf")

    async def run(self) -> None:
        """Run for as long as the server does (`lasting`); a store that is away is waited for."""
        while True:
            try:
                await self.step(self._now_s())
            except StoreGone as error:
                log.warning("Leases cannot be renewed.", extra={"error": str(error)})
            await asyncio.sleep(SWEEP_S)

    async def step(self, now_s: float) -> None:
        """Do what is due at `now_s`, a clock that only goes forward. Raises StoreGone."""
        if now_s - self._renewed_s >= self._renew_s:
            held = list(self._held())
            if held:
                # A place can be gone though its connection is there: Redis started anew, or this process slept.
                for one in await self._store.renew(held):
                    await self._seat_again(one)
            self._renewed_s = now_s
        if now_s - self._kept_s >= KEEP_S:
            await self._store.keep_claims({one.room for one in self._held()})
            self._kept_s = now_s
        for one in await self._store.expire():
            await self._say(one.room, Left(one.uid))
