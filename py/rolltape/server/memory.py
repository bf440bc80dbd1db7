"""The store of a single process: dictionaries, and a clock that only goes forward."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from rolltape.room.messages import Member, Role
from rolltape.server.ownership import CLAIM_S, UNUSED_S, Claim, goes_before
from rolltape.server.store import (
    LEASE_S,
    MAX_MEMBERS,
    MAX_UNINVITED,
    REMOVED_S,
    Admitted,
    HeldMember,
    Hindrance,
    NotSeated,
    Seat,
    Seating,
)
from rolltape.server.tokens import SESSION_S

__all__ = ["MemoryStore"]

_Key = TypeVar("_Key", str, tuple[str, str])
_Value = TypeVar("_Value")


class _Lasting(Generic[_Key, _Value]):
    """Entries that run out; looking for those costs nothing for the ones that stay, however many."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._entries: dict[_Key, tuple[_Value, float]] = {}
        self._due: list[tuple[float, _Key]] = []

    def put(self, key: _Key, value: _Value, lasts_s: float) -> None:
        until_s = self._now_s() + lasts_s
        self._entries[key] = (value, until_s)
        heapq.heappush(self._due, (until_s, key))

    def get(self, key: _Key) -> _Value | None:
        value, until_s = self._entries.get(key, (None, 0.0))
        return value if until_s > self._now_s() else None

    def sweep(self) -> None:
        now = self._now_s()
        while self._due and self._due[0][0] <= now:
            _, key = heapq.heappop(self._due)
            if key in self._entries and self._entries[key][1] <= now:
                del self._entries[key]


@dataclass(frozen=True)
class _Leased:
    seat: Seat
    until_s: float


class MemoryStore:
    """All rooms of one process (`store.RoomStore`)."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic, lease_s: float = LEASE_S) -> None:
        self._now_s = now_s
        self._lease_s = lease_s
        self._since_ms = round(time.time() * 1000)
        self._since_s = now_s()
        self._rooms: dict[str, dict[str, _Leased]] = {}
        self._claims: _Lasting[str, Claim] = _Lasting(now_s)
        self._removed: _Lasting[tuple[str, str], bool] = _Lasting(now_s)
        self._admitted: _Lasting[tuple[str, str], Admitted] = _Lasting(now_s)
        self._shut: _Lasting[str, bool] = _Lasting(now_s)
        self._used: _Lasting[str, bool] = _Lasting(now_s)

    async def open(self, room: str, key_id: str) -> Claim:
        """Claim a room that is nobody's for a key (`RoomStore.open`)."""
        held = self._claims.get(room)
        if held is None:
            held = Claim(key_id, self._now_ms())
            self._claims.put(room, held, UNUSED_S)
        return self._seen(held)

    async def show(self, room: str, claim: Claim) -> Claim:
        """Claim a room by a claim that this server has signed before (`RoomStore.show`)."""
        held = self._claims.get(room)
        if held is None or goes_before(claim, held, self._since_ms):
            held = claim
            self._claims.put(room, held, CLAIM_S if self._rooms.get(room) else UNUSED_S)
        return self._seen(held)

    async def claimed_by(self, room: str) -> Claim | None:
        """Return the claim on a room; None if nobody has one (`RoomStore.claimed_by`)."""
        held = self._claims.get(room)
        return None if held is None else self._seen(held)

    async def keep_claims(self, rooms: Collection[str]) -> None:
        """Have the claims on these rooms last (`RoomStore.keep_claims`)."""
        for room in rooms:
            self._keep_claim(room)

    async def hindrance(self, room: str, member: Member) -> Hindrance | None:
        """Return why somebody cannot come in; None if they can (`RoomStore.hindrance`)."""
        if self._removed.get((room, member.uid)):
            return Hindrance.REMOVED
        seats = self._rooms.get(room, {})
        if member.uid in seats or member.role is Role.DIRECTOR:
            return None
        return Hindrance.FULL if _is_full((one.seat.member for one in seats.values()), member) else None

    async def admit(self, room: str, uid: str, word: Admitted) -> None:
        """Note that a director lets somebody in (`RoomStore.admit`)."""
        self._admitted.put((room, uid), word, CLAIM_S)

    async def admitted(self, room: str, uid: str) -> Admitted | None:
        """Return the word by which a director has let them in (`RoomStore.admitted`)."""
        return self._admitted.get((room, uid))

    async def shut(self, room: str, invited_only: bool) -> None:
        """Note whether a room is for the invited only (`RoomStore.shut`)."""
        self._shut.put(room, invited_only, CLAIM_S)

    async def is_shut(self, room: str) -> bool:
        """Return whether it is (`RoomStore.is_shut`)."""
        return bool(self._shut.get(room))

    async def use(self, token_id: str) -> bool:
        """Use up a token (`RoomStore.use`)."""
        if self._used.get(token_id):
            return False
        self._used.put(token_id, True, SESSION_S)
        return True

    async def sit(self, room: str, member: Member, connection: str) -> Seating:
        """Give a member a seat (`RoomStore.sit`). Raises NotSeated."""
        why = await self.hindrance(room, member)
        if why is not None:
            raise NotSeated(why)
        self._keep_claim(room)
        seats = self._rooms.setdefault(room, {})
        before = seats.get(member.uid)
        others = tuple(one.seat.member for uid, one in seats.items() if uid != member.uid)
        seats[member.uid] = self._leased(Seat(replace(member, present=True), connection))
        return Seating(before.seat.connection if before else "", others)

    async def lose(self, room: str, uid: str, connection: str) -> bool:
        """Note that a connection is gone; True if it was the one that counts (`RoomStore.lose`)."""
        seat = await self.seat(room, uid)
        if seat is None or seat.connection != connection:
            return False
        gone = replace(seat, member=replace(seat.member, present=False), connection="")
        self._rooms[room][uid] = self._leased(gone)
        return True

    async def rename(self, room: str, member: Member) -> bool:
        """Note a member's new name (`RoomStore.rename`)."""
        leased = self._rooms.get(room, {}).get(member.uid)
        if leased is None:
            return False
        named = replace(leased.seat, member=replace(member, present=bool(leased.seat.connection)))
        self._rooms[room][member.uid] = replace(leased, seat=named)
        return True

    async def seat(self, room: str, uid: str) -> Seat | None:
        """Return a member's seat (`RoomStore.seat`)."""
        leased = self._rooms.get(room, {}).get(uid)
        return None if leased is None else leased.seat

    async def remove(self, room: str, uid: str) -> str:
        """Take somebody's place, let them in no more for a while (`RoomStore.remove`)."""
        self._removed.put((room, uid), True, REMOVED_S)
        seats = self._rooms.get(room, {})
        leased = seats.pop(uid, None)
        if room in self._rooms and not seats:
            del self._rooms[room]
        return "" if leased is None else leased.seat.connection

    async def renew(self, held: Sequence[HeldMember]) -> list[HeldMember]:
        """Renew leases; return the members whose seat is gone (`RoomStore.renew`)."""
        missing = []
        for one in held:
            leased = self._rooms.get(one.room, {}).get(one.uid)
            if leased is None:
                missing.append(one)
            else:
                self._rooms[one.room][one.uid] = self._leased(leased.seat)
        return missing

    async def expire(self) -> list[HeldMember]:
        """Take the places whose lease has run out, and forget what nobody needs any more (`RoomStore.expire`)."""
        now = self._now_s()
        late = [
            HeldMember(room, uid)
            for room, seats in self._rooms.items()
            for uid, leased in seats.items()
            if leased.until_s <= now
        ]
        for one in late:
            del self._rooms[one.room][one.uid]
            if not self._rooms[one.room]:
                del self._rooms[one.room]
        for lasting in (self._claims, self._removed, self._admitted, self._shut, self._used):
            lasting.sweep()
        return late

    async def close(self) -> None:
        """Nothing to let go of (`RoomStore.close`)."""

    def _leased(self, seat: Seat) -> _Leased:
        return _Leased(seat, self._now_s() + self._lease_s)

    def _keep_claim(self, room: str) -> None:
        held = self._claims.get(room)
        if held is not None:
            self._claims.put(room, held, CLAIM_S)

    def _seen(self, held: Claim) -> Claim:
        return replace(held, held_ms=self._now_ms())

    def _now_ms(self) -> int:
        return self._since_ms + round((self._now_s() - self._since_s) * 1000)


def _is_full(there: Iterable[Member], member: Member) -> bool:
    guests = [one for one in there if one.role is Role.GUEST]
    uninvited = sum(not one.invited for one in guests)
    return len(guests) >= MAX_MEMBERS or (not member.invited and uninvited >= MAX_UNINVITED)
