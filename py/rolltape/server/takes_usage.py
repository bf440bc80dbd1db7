"""How much room takes have at the host: of a guest, of a room, of all, and what the disk has left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rolltape.server.takes_refused import Refused

__all__ = ["Quotas", "Usage"]

GB = 10**9
FRESH_S = 30.0
"""For how long a count holds, beside what this process adds itself: other processes write too."""


@dataclass(frozen=True)
class Quotas:
    """How much the host keeps at most; in bytes, but for counts."""

    part: int = 100 * GB
    guest: int = 50 * GB
    room: int = 500 * GB
    all: int | None = None
    """None: as much as the disk has."""
    free: int = 5 * GB
    """What stays free on the disk, at least; and a twentieth of it."""
    takes: int = 500
    """Takes of one guest, deleted ones too."""


class Usage:
    """What is used, by room's and guest's folder; `count` looks through the disk."""

    def __init__(
        self,
        quotas: Quotas,
        count: Callable[[], Counter[tuple[str, str]]],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quotas = quotas
        self._count = count
        self._now_s = now_s
        self._used: Counter[tuple[str, str]] = Counter()
        self._counted_s: float | None = None

    def check(self, room: str, guest: str, length: int, disk: tuple[int, int]) -> None:
        """Look whether `length` bytes more may come; `disk` is what it has left, and has in all. Raises Refused."""
        quotas = self._quotas
        if not self.leaves_free(length, disk):
            raise Refused.full("The host's disk is full")
        used = self._fresh()
        if used[room, guest] + length > quotas.guest:
            raise Refused.full("The host keeps no more of one guest")
        if sum(bytes for (of, _), bytes in used.items() if of == room) + length > quotas.room:
            raise Refused.full("The host keeps no more of one room")
        if quotas.all is not None and used.total() + length > quotas.all:
            raise Refused.full("The host keeps no more recordings")

    def leaves_free(self, length: int, disk: tuple[int, int]) -> bool:
        """True if enough of the disk stays free with `length` bytes more; `disk` as in `check`."""
        left, has = disk
        return left - length >= max(self._quotas.free, has // 20 if self._quotas.free else 0)

    def add(self, room: str, guest: str, length: int) -> None:
        """Note that `length` bytes more are there; fewer, if it is negative."""
        self._used[room, guest] += length

    def look_again(self) -> None:
        """Forget what was counted, since something was deleted: the next question counts anew."""
        self._counted_s = None

    def _fresh(self) -> Counter[tuple[str, str]]:
        now_s = self._now_s()
        if self._counted_s is None or now_s - self._counted_s > FRESH_S:
            self._counted_s = now_s
            self._used = self._count()
        return self._used
