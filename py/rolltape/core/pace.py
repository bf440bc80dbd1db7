"""How often something may happen: so many times within a while, whoever asks for it."""

from __future__ import annotations

from collections import deque

__all__ = ["Pace"]


class Pace:
    """Counts what was let happen; times are milliseconds of a clock that only goes forward."""

    def __init__(self, times: int, within_ms: float) -> None:
        self._within_ms = within_ms
        self._last: deque[float] = deque(maxlen=times)

    def allows(self, now_ms: float) -> bool:
        """Return True if it may happen now; then it counts.

        >>> pace = Pace(1, 1000)
        >>> pace.allows(0), pace.allows(500), pace.allows(1000)
        (True, False, True)
        """
        if self.wait_ms(now_ms) > 0:
            return False
        self._last.append(now_ms)
        return True

    def wait_ms(self, now_ms: float) -> float:
        """Return the milliseconds for which it may not happen yet; 0: it may now. It does not count."""
        is_full = len(self._last) == self._last.maxlen
        return max(0.0, self._last[0] + self._within_ms - now_ms) if is_full else 0.0
