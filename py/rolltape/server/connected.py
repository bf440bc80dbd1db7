"""Who is connected to this process, in which room, and whom of them something is meant for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from rolltape.room.messages import Member, Role
from rolltape.server.bus import BusMessage, Recipients
from rolltape.server.limits import Bucket, Limits
from rolltape.server.line import Line
from rolltape.server.store import HeldMember
from rolltape.server.tokens import SessionClaims

__all__ = ["Allowance", "Connected", "Visitor"]


class Allowance:
    """What one connection may still say."""

    def __init__(self, limits: Limits, now_s: Callable[[], float]) -> None:
        self.messages = Bucket(limits.messages, now_s)
        self.characters = Bucket(limits.characters, now_s)
        self.names = Bucket(limits.names, now_s)
        self.refusals = Bucket(limits.refusals, now_s)


@dataclass
class Visitor:
    """Somebody who is in, or waits outside: `member` is how the room's members know them now."""

    line: Line
    session: SessionClaims
    member: Member
    allowance: Allowance
    host: str = ""
    """The name that their page asked this server by, for people."""


class Connected:
    """The connections of this process: of one uid in one room the newest."""

    def __init__(self) -> None:
        self._by_id: dict[str, Visitor] = {}
        self._rooms: dict[str, dict[str, Visitor]] = {}
        """By room and uid."""

    def __iter__(self) -> Iterator[Visitor]:
        """Go through every connection; changes meanwhile are not seen."""
        return iter(list(self._by_id.values()))

    def held(self) -> Collection[HeldMember]:
        """Return the members whose connections these are."""
        return [HeldMember(one.session.room, one.session.uid) for one in self._by_id.values()]

    def of(self, held: HeldMember) -> Visitor | None:
        """Return a member's connection; None if they are not connected here."""
        return self._rooms.get(held.room, {}).get(held.uid)

    def add(self, one: Visitor) -> None:
        """Add a connection; one that is there already stays. It takes the place of the member's older one."""
        self._by_id[one.line.id] = one
        self._rooms.setdefault(one.session.room, {})[one.session.uid] = one

    def forget(self, one: Visitor) -> None:
        """Remove a connection; a newer one of the same member stays."""
        self._by_id.pop(one.line.id, None)
        here = self._rooms.get(one.session.room, {})
        if here.get(one.session.uid) is one:
            del here[one.session.uid]
            if not here:
                del self._rooms[one.session.room]

    def meant(self, told: BusMessage) -> Iterable[Visitor]:
        """Return the connections that something is for."""
        if told.target is Recipients.END:
            found = self._by_id.get(told.name)
            return [] if found is None else [found]
        here = self._rooms.get(told.room)
        if not here:
            return []
        if told.target in (Recipients.ONE, Recipients.ADMIT):
            return [here[told.name]] if told.name in here else []
        if told.target is Recipients.ROLE:
            return [one for one in here.values() if one.session.role == told.name]
        if told.target is Recipients.CLAIM:
            return [
                one
                for one in here.values()
                if one.session.role is Role.DIRECTOR and one.session.key_id != told.name
            ]
        if told.target is Recipients.WAITING:
            return [one for one in here.values() if one.member.waiting]
        return [one for uid, one in here.items() if uid != told.name and not one.member.waiting]
