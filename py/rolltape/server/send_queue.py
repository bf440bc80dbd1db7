"""What waits to be sent on one connection, bounded: who does not read is let go, not waited for in memory."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["MAX_WAITING", "Outbox"]

MAX_WAITING = 2_000_000
"""Characters. A room's worth of states for many seconds, or all that setting up fifty connections says."""


class Outbox(asyncio.Queue[Any]):
    """The queue of a connection (python-engineio's): beyond the bound it ends the connection instead."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._held = 0
        self._over = False

    def _put(self, item: Any) -> None:
        if self._over:
            item = None
        self._held += _size(item)
        if self._held > MAX_WAITING:
            self._over, self._held, item = True, 0, None
            while not self.empty():
                super()._get()
        if item is not None or self.empty():
            super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self._held -= _size(item)
        return item


def _size(packet: Any) -> int:
    return len(packet.data) + 40 if packet is not None and packet.data else 40
