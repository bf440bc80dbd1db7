"""How much one connection or one address may ask for: a bucket of tokens each, filled at a steady rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["JOINS", "MESSAGES", "Limiter", "Rate"]


@dataclass(frozen=True)
class Rate:
    """So many a second, and so many at once."""

    per_s: float
    burst: float


MESSAGES = Rate(20, 100)
"""Of one connection: a state each second, and a flurry of candidates when connections are made."""
JOINS = Rate(2, 60)
"""Of one address, behind which a whole office may sit."""

KEPT = 100_000
"""Buckets; beyond that the full ones, which say nothing, are forgotten."""


class Limiter:
    """A bucket for each name."""

    def __init__(self, rate: Rate, now_s: Callable[[], float]) -> None:
        self._rate = rate
        self._now_s = now_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, name: str) -> bool:
        """Take one from this name's bucket; False if there is none."""
        now = self._now_s()
        left, at = self._buckets.get(name, (self._rate.burst, now))
        left = min(self._rate.burst, left + (now - at) * self._rate.per_s)
        allowed = left >= 1
        self._buckets[name] = (left - 1 if allowed else left, now)
        if len(self._buckets) > KEPT:
            self._forget_full(now)
        return allowed

    def forget(self, name: str) -> None:
        """This name is gone."""
        self._buckets.pop(name, None)

    def _forget_full(self, now: float) -> None:
        rate = self._rate
        self._buckets = {
            name: (left, at)
            for name, (left, at) in self._buckets.items()
            if left + (now - at) * rate.per_s < rate.burst
        }
