"""How much one connection or one address may ask for: a bucket of tokens each, filled at a steady rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Bucket", "BucketRate", "Limiter", "Limits"]

KEPT = 100_000
"""Buckets; beyond that the ones that were longest not asked of are forgotten."""


@dataclass(frozen=True)
class BucketRate:
    """A token bucket's: so many a second, and so many at once."""

    per_s: float
    burst: float


@dataclass(frozen=True)
class Limits:
    """Limits of a server; rates are token buckets."""

    messages: BucketRate = BucketRate(20, 100)
    """Messages of one connection: a state each second, and a flurry of candidates when connections are made."""
    characters: BucketRate = BucketRate(50_000, 500_000)
    """Characters of one connection's messages: twenty descriptions of connections at once."""
    names: BucketRate = BucketRate(0.2, 5)
    """New names of one guest, each of which is told to the whole room."""
    refusals: BucketRate = BucketRate(1, 200)
    """Refused messages of one connection, for any reason. Beyond it the client is disconnected."""
    frames: BucketRate = BucketRate(50, 500)
    """Frames of one connection, whatever is in them. Beyond it the client is disconnected."""
    octets: BucketRate = BucketRate(100_000, 1_500_000)
    """Characters of one connection's frames, whatever is in them. Beyond it the client is disconnected."""
    offers: BucketRate = BucketRate(0.5, 10)
    """Offers of one member to one other: each makes the other's browser set up a connection anew."""
    work: BucketRate = BucketRate(0.2, 0.1)
    """Seconds of the processor that it takes to read what the connections of one address say."""
    joins: BucketRate = BucketRate(2, 60)
    """Requests to join of one address, behind which a whole office may sit; and as many new connections."""
    connections: int = 200
    """Connections of one address at a time."""

    stranger_s: float = 15.0
    """Seconds that a connection may be there without being let in."""
    body_s: float = 10.0
    """Seconds that a request to join may take to arrive."""
    unread_s: float = 20.0
    """Seconds that a page may take nothing of what it is sent; they are counted once a second."""

    @classmethod
    def for_addresses(cls, connections: int) -> Limits:
        """Return the limits where so many connections may come from one address; joins and work in proportion."""
        return cls(
            joins=BucketRate(connections * 0.01, connections * 0.3),
            connections=connections,
            work=BucketRate(connections * 0.001, connections * 0.0005),
        )


class Bucket:
    """A token bucket, full at first; `now_s` is a clock that only goes forward."""

    __slots__ = ("_at_s", "_left", "_now_s", "_rate")

    def __init__(self, rate: BucketRate, now_s: Callable[[], float]) -> None:
        self._rate, self._now_s = rate, now_s
        self._left, self._at_s = rate.burst, now_s()

    def allows(self, cost: float = 1) -> bool:
        """Take `cost` and return True; False, and nothing is taken, if there is less."""
        self._fill()
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def spend(self, cost: float) -> None:
        """Take `cost` whether it is there or not: what was done already is owed, and paid before more is."""
        self._fill()
        self._left -= cost

    def _fill(self) -> None:
        now_s, rate = self._now_s(), self._rate
        left = self._left + (now_s - self._at_s) * rate.per_s
        self._left = left if left < rate.burst else rate.burst
        self._at_s = now_s


class Limiter:
    """A bucket for each name; `now_s` is a clock that only goes forward."""

    def __init__(self, rate: BucketRate, now_s: Callable[[], float]) -> None:
        self._rate = rate
        self._now_s = now_s
        self._buckets: dict[str, Bucket] = {}

    def allows(self, name: str, cost: float = 1) -> bool:
        """Take `cost` from this name's bucket and return True; False, and nothing is taken, if there is less."""
        return self._bucket(name).allows(cost)

    def spend(self, name: str, cost: float) -> None:
        """Take `cost` whether it is there or not (`Bucket.spend`)."""
        self._bucket(name).spend(cost)

    def _bucket(self, name: str) -> Bucket:
        bucket = self._buckets.pop(name, None) or Bucket(self._rate, self._now_s)
        self._buckets[name] = bucket  # as the newest
        if len(self._buckets) > KEPT:
            del self._buckets[next(iter(self._buckets))]
        return bucket
