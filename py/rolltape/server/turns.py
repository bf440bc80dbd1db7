"""Turns at what takes the event loop long: one of an address at a time, so that others are seen to in between."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

__all__ = ["LONG", "Turns"]


LONG = 4000
"""Characters of a message that takes a millisecond or more to read."""


class Turns:
    """The turns of each address: who has waited for theirs does what takes long before they wait for anything else.

    Between any two of one address the loop comes round: whatever is ready of others by then is done. However many
    connections an address has, another waits for one of its turns, not for all of them.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """They go with the last who waits."""

    async def mine(self, address: str, characters: int) -> None:
        """Wait for a turn of this address to read so many characters; what is short is read at once.

        Turns come in the order in which they were asked for.
        """
        if characters <= LONG:
            return
        lock = self._locks.setdefault(address, asyncio.Lock())
        async with lock:
            await asyncio.sleep(0)
