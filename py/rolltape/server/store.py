"""What the server keeps, as a Protocol: who is there, whose a room is. In memory, or in Redis for many processes."""

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
    "Held",
    "Hindrance",
    "NotSeated",
    "Seat",
    "Seating",
    "Store",
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
    """The store does not answer; it may again later."""


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
    """A member's place: who they are and which connection is theirs."""

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
class Held:
    """A place whose connection this process holds."""

    room: str
    uid: str


class Store(Protocol):
    """Each method is one step that nobody else's step falls into. All raise StoreGone."""

    async def open(self, room: str, key_id: str) -> Claim:
        """Claim a room that is nobody's for a key; whose it is then."""

    async def show(self, room: str, claim: Claim) -> Claim:
        """Claim a room by a claim that this server has signed before (`goes_before`); whose it is then."""

    async def claimed_by(self, room: str) -> Claim | None:
        """Return the claim on a room; None if nobody has one."""

    async def keep_claims(self, rooms: Collection[str]) -> None:
        """Somebody is in these rooms: they stay whose they are."""

    async def hindrance(self, room: str, member: Member) -> Hindrance | None:
        """Return why somebody cannot come in (removed, or the room is full for their role); None if they can."""

    async def admit(self, room: str, uid: str, word: Admitted) -> None:
        """A director lets somebody in who was not invited; they need not wait again for as long as a claim lasts."""

    async def admitted(self, room: str, uid: str) -> Admitted | None:
        """Return the word by which a director has let them in; None if nobody has."""

    async def shut(self, room: str, invited_only: bool) -> None:
        """Whether a room is for the invited only, for as long as a claim lasts since it was said."""

    async def is_shut(self, room: str) -> bool:
        """Whether it is."""

    async def use(self, token_id: str) -> bool:
        """Use up a token; False: it has been used before."""

    async def sit(self, room: str, member: Member, connection: str) -> Seating:
        """Somebody's connection is there: the room's claim is one that is used. Raises NotSeated."""

    async def lose(self, room: str, uid: str, connection: str) -> bool:
        """A connection is gone; whether it was the one that counts."""

    async def rename(self, room: str, member: Member) -> bool:
        """Somebody is known by another name; False: they are not there."""

    async def seat(self, room: str, uid: str) -> Seat | None:
        """Somebody's place."""

    async def remove(self, room: str, uid: str) -> str:
        """Take somebody's place, let them in no more for a while; the connection they had."""

    async def renew(self, held: Sequence[Held]) -> list[Held]:
        """Those are still there; the ones whose place is gone."""

    async def expire(self) -> list[Held]:
        """Take the places whose lease has run out; each is given to one caller only."""

    async def close(self) -> None:
        """Let go of connections."""
