"""Who is in which room, and whose a room is: kept in memory, for as long as anybody might be back."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rolltape.room import Member
from rolltape.server.tokens import Claim

__all__ = ["LEASE_S", "MAX_MEMBERS", "Presence"]

LEASE_S = 15.0
"""For how long somebody whose connection is gone is waited for."""
CLAIM_S = 24 * 3600.0
"""For how long a room with nobody in it still belongs to the key that opened it."""
REMOVED_S = 600.0
MAX_MEMBERS = 100
"""In one room."""


@dataclass(frozen=True)
class _Seat:
    member: Member
    secret: str
    connection: str
    """The connection's id; empty while there is none."""
    gone_s: float = 0.0
    """When the connection was lost."""


class Presence:
    """All rooms of one server; `now_s` is a clock that only goes forward."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._seats: dict[str, dict[str, _Seat]] = {}
        self._claims: dict[str, tuple[Claim, float]] = {}
        self._removed: dict[tuple[str, str], float] = {}

    def claim(self, room: str, offered: Claim) -> Claim:
        """Claim a room; whose it is then: of two claims the earlier one holds."""
        known = self._claims.get(room)
        held = offered if known is None else min(known[0], offered, key=lambda one: one.opened_ms)
        self._claims[room] = (held, self._now_s())
        return held

    def claimed_by(self, room: str) -> Claim | None:
        """Whose a room is; None: nobody has opened it."""
        known = self._claims.get(room)
        return None if known is None else known[0]

    def reserve(self, room: str, uid: str, secret: str) -> bool:
        """Whether the page with this secret may be this uid: nobody else is."""
        seat = self._seats.get(room, {}).get(uid)
        return seat is None or hmac.compare_digest(seat.secret.encode(), secret.encode())

    def is_full(self, room: str, uid: str) -> bool:
        """Whether no other member fits in."""
        seats = self._seats.get(room, {})
        return uid not in seats and len(seats) >= MAX_MEMBERS

    def sit(self, room: str, member: Member, secret: str, connection: str) -> str:
        """Somebody's connection is there; the connection that they had before, or an empty text."""
        seats = self._seats.setdefault(room, {})
        before = seats.get(member.uid)
        seats[member.uid] = _Seat(replace(member, present=True), secret, connection)
        return before.connection if before else ""

    def lose(self, room: str, uid: str, connection: str) -> bool:
        """A connection is gone; whether it was the one that counts."""
        seat = self._seats.get(room, {}).get(uid)
        if seat is None or seat.connection != connection:
            return False
        gone = replace(seat.member, present=False)
        self._seats[room][uid] = _Seat(gone, seat.secret, "", self._now_s())
        return True

    def rename(self, room: str, uid: str, label: str) -> Member | None:
        """A member's name; the member if it is another than before."""
        seat = self._seats.get(room, {}).get(uid)
        if seat is None or seat.member.label == label:
            return None
        self._seats[room][uid] = replace(seat, member=replace(seat.member, label=label))
        return self._seats[room][uid].member

    def remove(self, room: str, uid: str) -> None:
        """Let somebody in no more for a while."""
        self._removed[room, uid] = self._now_s() + REMOVED_S
        self._seats.get(room, {}).pop(uid, None)

    def is_removed(self, room: str, uid: str) -> bool:
        """Whether a director removed them a short while ago."""
        return self._removed.get((room, uid), 0.0) > self._now_s()

    def member(self, room: str, uid: str) -> Member | None:
        """Who this is."""
        seat = self._seats.get(room, {}).get(uid)
        return None if seat is None else seat.member

    def connection(self, room: str, uid: str) -> str:
        """The connection of a member; empty while there is none."""
        seat = self._seats.get(room, {}).get(uid)
        return "" if seat is None else seat.connection

    def members(self, room: str) -> tuple[Member, ...]:
        """Everybody in a room."""
        return tuple(seat.member for seat in self._seats.get(room, {}).values())

    def counts(self) -> tuple[int, int]:
        """How many rooms there are, and how many members."""
        return len(self._seats), sum(map(len, self._seats.values()))

    def expire(self) -> Iterator[tuple[str, str]]:
        """Forget everybody who was waited for long enough: room and uid of each."""
        now = self._now_s()
        for room, seats in list(self._seats.items()):
            for uid, seat in list(seats.items()):
                if not seat.connection and now - seat.gone_s >= LEASE_S:
                    del seats[uid]
                    yield room, uid
            if seats and room in self._claims:
                self._claims[room] = (self._claims[room][0], now)
            if not seats:
                del self._seats[room]
        for room, (_, seen_s) in list(self._claims.items()):
            if now - seen_s >= CLAIM_S:
                del self._claims[room]
        self._removed = {one: until for one, until in self._removed.items() if until > now}
