"""The ledger of a sink: what was given to it, what it acknowledged, and since when it owes an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

# A sink that has not acknowledged for this long is reported to the guest and the director.
LATE_AFTER_MS = 5000.0

MAX_WAITING = 31 << 20
"""Bytes that may wait in memory until the browser takes them, over all downloads of a page. One MiB less than what
the service worker holds for all pages (`sw.js`): the page knows first, and says why."""


class Ledger:
    """Counts bytes given and acknowledged; times are milliseconds of one monotonic clock.

    Memory is bounded by what is unacknowledged: one entry a write.
    """

    def __init__(self) -> None:
        self.given = 0
        self.acknowledged = 0
        self._owed: deque[tuple[int, float]] = deque()

    def give(self, size: int, now_ms: float) -> None:
        """Note that `size` bytes were handed over."""
        self.given += size
        self._owed.append((self.given, now_ms))

    def acknowledge(self, total: int) -> None:
        """Note that all bytes up to `total` are taken; what was acknowledged never shrinks."""
        self.acknowledged = max(self.acknowledged, min(total, self.given))
        while self._owed and self._owed[0][0] <= self.acknowledged:
            self._owed.popleft()

    @property
    def owed(self) -> int:
        """Bytes given and not acknowledged."""
        return self.given - self.acknowledged

    def waiting_ms(self, now_ms: float) -> float:
        """For how long the oldest unacknowledged write has been waiting; 0 if none is."""
        return now_ms - self._owed[0][1] if self._owed else 0.0

    def is_late(self, now_ms: float) -> bool:
        """Return True if an acknowledgement is overdue."""
        return self.waiting_ms(now_ms) > LATE_AFTER_MS


def has_room(ledgers: Iterable[Ledger], size: int) -> bool:
    """Return True if `size` more bytes may wait in memory beside what these owe."""
    return sum(ledger.owed for ledger in ledgers) + size <= MAX_WAITING
