"""What the server keeps of rooms, as a Protocol: who is there, whose a room is, who may not come back.

`memory.py` keeps it in one process, `redis_store.py` in Redis for many; both are held to the same stories by
`tests/server/test_store.py`. Nothing of it survives a restart of what keeps it but what tokens bring back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rolltape.room.messages import Member
from rolltape.server.ownership import Claim

__all__ = [
    "LEASE_S",
    "MAX_MEMBERS",
    "MAX_UNINVITED",
    "REMOVED_S",
    "Admitted",
    "HeldMember",
    "Hindrance",
    "NotSeated",
    "RoomStore",
    "Seat",
    "Seating",
    "StoreGone",
]

LEASE_S = 15.0
"""For how long a member counts whose server says nothing of them; it says so every third of that."""
REMOVED_S = 600.0
"""For how long a guest whom a director removed is not let in again."""
MAX_MEMBERS = 100
"""Guests in one room; directors always find a place."""
MAX_UNINVITED = 50
"""Of those, who came by the room's name alone: the others have theirs, however many want in."""


class StoreGone(Exception):
    """The store does not answer; it may again later. Pages are told to try again."""


class Hindrance(StrEnum):
    """Reasons why somebody cannot have a place in a room."""

    REMOVED = "removed"
    FULL = "full"


class NotSeated(Exception):
    """There is no place for this one."""

    def __init__(self, why: Hindrance) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Admitted:
    """A director's word that somebody without an invitation is in; it does for them what an invitation would."""

    key_id: str
    """The director's."""
    hosted: bool
    """True if the room is one that the host lends to (`hosting.Hosting`)."""


@dataclass(frozen=True)
class Seat:
    """A member's seat: who they are and which connection is theirs."""

    member: Member
    connection: str
    """Empty while there is none."""


@dataclass(frozen=True)
class Seating:
    """Result of taking a seat: the connection it replaced and the other members."""

    before: str
    """The connection that they had before; empty: none."""
    others: tuple[Member, ...]


@dataclass(frozen=True)
class HeldMember:
    """A member whose connection this process holds."""

    room: str
    uid: str


class RoomStore(Protocol):
    """Every method is atomic with respect to all other callers, in this and in other processes.

    All raise StoreGone while the store does not answer; whether the step was taken is not known then.
    """

    async def open(self, room: str, key_id: str) -> Claim:
        """Claim a room for a key if it is nobody's; return whose it is then. Unused, the claim lasts UNUSED_S."""

    async def show(self, room: str, claim: Claim) -> Claim:
        """Claim a room by a claim that this server has signed before; return whose it is then (`goes_before`)."""

    async def claimed_by(self, room: str) -> Claim | None:
        """Return the claim on a room; None if nobody has one."""

    async def keep_claims(self, rooms: Collection[str]) -> None:
        """Somebody is in these rooms: their claims last CLAIM_S from now on."""

    async def hindrance(self, room: str, member: Member) -> Hindrance | None:
        """Return why somebody cannot come in (removed, or the room is full for their role); None if they can."""

    async def admit(self, room: str, uid: str, word: Admitted) -> None:
        """Note that a director lets somebody in who was not invited: they need not wait again for CLAIM_S."""

    async def admitted(self, room: str, uid: str) -> Admitted | None:
        """Return the word by which a director has let them in; None if none has, or it has run out."""

    async def shut(self, room: str, invited_only: bool) -> None:
        """Note whether a room is for the invited only; after CLAIM_S it is not any more."""

    async def is_shut(self, room: str) -> bool:
        """True if the room is for the invited only."""

    async def use(self, token_id: str) -> bool:
        """Use up a session token by its id; False if it has been used before."""

    async def sit(self, room: str, member: Member, connection: str) -> Seating:
        """Give a member a seat with this connection, for LEASE_S; it takes the place of one that they had.

        The room's claim is one that is used from then on. Raises NotSeated, and then nothing has changed.
        """

    async def lose(self, room: str, uid: str, connection: str) -> bool:
        """Mark a member as disconnected. True if `connection` was their current one; else nothing changes."""

    async def rename(self, room: str, member: Member) -> bool:
        """Change what the room knows of a member: their name. False if they have no seat."""

    async def seat(self, room: str, uid: str) -> Seat | None:
        """Return a member's seat; None if they have none."""

    async def remove(self, room: str, uid: str) -> str:
        """Take a member's seat and let them in no more for REMOVED_S; return the connection they had, empty: none."""

    async def renew(self, held: Sequence[HeldMember]) -> list[HeldMember]:
        """Renew the leases of these members for LEASE_S; return the ones whose seat is gone."""

    async def expire(self) -> list[HeldMember]:
        """Take the seats whose lease has run out, and return them; each is given to one caller only."""

    async def close(self) -> None:
        """Close what connects to the store."""
