"""The store of a single process: dictionaries, and a clock that only goes forward."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from rolltape.room.messages import Member
from rolltape.server.ownership import CLAIM_S, Claim, earlier
from rolltape.server.store import (
    LEASE_S,
    MAX_MEMBERS,
    OWNED_S,
    REMOVED_S,
    Held,
    Hindrance,
    NotSeated,
    Seat,
    Seating,
)
from rolltape.server.tokens import SESSION_S

__all__ = ["MemoryStore"]


@dataclass(frozen=True)
class _Leased:
    seat: Seat
    until_s: float


class MemoryStore:
    """All rooms of one process (`store.Store`)."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic, lease_s: float = LEASE_S) -> None:
        self._now_s = now_s
        self._lease_s = lease_s
        self._rooms: dict[str, dict[str, _Leased]] = {}
        self._claims: dict[str, tuple[Claim, float]] = {}
        self._owned: dict[tuple[str, str], tuple[str, float]] = {}
        self._removed: dict[tuple[str, str], float] = {}
        self._used: dict[str, float] = {}

    async def claim(self, room: str, offered: Claim) -> Claim:
        """Claim a room; whose it is then."""
        held = earlier(await self.claimed_by(room), offered)
        self._claims[room] = (held, self._now_s() + CLAIM_S)
        return held

    async def claimed_by(self, room: str) -> Claim | None:
        """Whose a room is; None: nobody's."""
        known = self._claims.get(room)
        return None if known is None or known[1] <= self._now_s() else known[0]

    async def keep_claims(self, rooms: Collection[str]) -> None:
        """Somebody is in these rooms: they stay whose they are."""
        for room in rooms:
            if room in self._claims:
                self._claims[room] = (self._claims[room][0], self._now_s() + CLAIM_S)

    async def hindrance(self, room: str, uid: str) -> Hindrance | None:
        """Whether somebody cannot come in."""
        if self._removed.get((room, uid), 0.0) > self._now_s():
            return Hindrance.REMOVED
        seats = self._rooms.get(room, {})
        return Hindrance.FULL if uid not in seats and len(seats) >= MAX_MEMBERS else None

    async def own(self, room: str, uid: str, mark: str) -> bool:
        """Take a uid for the page with this mark."""
        if not hmac.compare_digest(self._owner(room, uid) or mark, mark):
            return False
        self._owned[room, uid] = (mark, self._now_s() + OWNED_S)
        return True

    async def use(self, token_id: str) -> bool:
        """Use up a token."""
        if token_id in self._used:
            return False
        self._used[token_id] = self._now_s() + SESSION_S
        return True

    async def sit(self, room: str, member: Member, connection: str, mark: str) -> Seating:
        """Somebody's connection is there. Raises NotSeated."""
        why = await self.hindrance(room, member.uid)
        if why is None and not await self.own(room, member.uid, mark):
            why = Hindrance.TAKEN
        if why is not None:
            raise NotSeated(why)
        seats = self._rooms.setdefault(room, {})
        before = seats.get(member.uid)
        others = tuple(one.seat.member for uid, one in seats.items() if uid != member.uid)
        seats[member.uid] = self._leased(Seat(replace(member, present=True), connection, mark))
        return Seating(before.seat.connection if before else "", others)

    async def lose(self, room: str, uid: str, connection: str) -> bool:
        """A connection is gone; whether it was the one that counts."""
        seat = await self.seat(room, uid)
        if seat is None or seat.connection != connection:
            return False
        gone = replace(seat, member=replace(seat.member, present=False), connection="")
        self._rooms[room][uid] = self._leased(gone)
        return True

    async def rename(self, room: str, member: Member) -> bool:
        """Somebody is known by another name."""
        leased = self._rooms.get(room, {}).get(member.uid)
        if leased is None:
            return False
        named = replace(leased.seat, member=replace(member, present=bool(leased.seat.connection)))
        self._rooms[room][member.uid] = replace(leased, seat=named)
        return True

    async def seat(self, room: str, uid: str) -> Seat | None:
        """Somebody's place."""
        leased = self._rooms.get(room, {}).get(uid)
        return None if leased is None else leased.seat

    async def remove(self, room: str, uid: str) -> str:
        """Take somebody's place, let them in no more for a while."""
        self._removed[room, uid] = self._now_s() + REMOVED_S
        leased = self._rooms.get(room, {}).pop(uid, None)
        return "" if leased is None else leased.seat.connection

    async def renew(self, held: Sequence[Held]) -> list[Held]:
        """Those are still there; the ones whose place is gone."""
        missing = []
        for one in held:
            leased = self._rooms.get(one.room, {}).get(one.uid)
            if leased is None:
                missing.append(one)
            else:
                self._rooms[one.room][one.uid] = self._leased(leased.seat)
        return missing

    async def expire(self) -> list[Held]:
        """Take the places whose lease has run out, and forget what nobody needs any more."""
        now = self._now_s()
        late = [
            Held(room, uid)
            for room, seats in self._rooms.items()
            for uid, leased in seats.items()
            if leased.until_s <= now
        ]
        for one in late:
            del self._rooms[one.room][one.uid]
        self._rooms = {room: seats for room, seats in self._rooms.items() if seats}
        self._claims = {room: one for room, one in self._claims.items() if one[1] > now}
        self._owned = {who: one for who, one in self._owned.items() if one[1] > now}
        self._removed = {who: until for who, until in self._removed.items() if until > now}
        self._used = {token: until for token, until in self._used.items() if until > now}
        return late

    async def close(self) -> None:
        """Nothing to let go of."""

    def _leased(self, seat: Seat) -> _Leased:
        return _Leased(seat, self._now_s() + self._lease_s)

    def _owner(self, room: str, uid: str) -> str:
        leased = self._rooms.get(room, {}).get(uid)
        if leased is not None:
            return leased.seat.mark
        mark, until = self._owned.get((room, uid), ("", 0.0))
        return mark if until > self._now_s() else ""
