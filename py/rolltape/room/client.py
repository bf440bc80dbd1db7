"""Somebody's side of a room: joins it, stays in it over every interruption, knows who is there.

The line underneath (`browser/socket.py`) connects again by itself; each connection begins with the server's
`Welcome`, after which a page says anew whatever others need to know, so nothing depends on what was said before.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from rolltape.arrivals.wire import UploadOffer
from rolltape.core.errors import RolltapeError
from rolltape.room.messages import (
    Away,
    Command,
    IceServer,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    Welcome,
)
from rolltape.room.wire import decode, encode, kind_of, sender_of

__all__ = [
    "JoinReply",
    "JoinRequest",
    "RoomClient",
    "RoomError",
    "RoomLine",
    "RoomListener",
    "new_secret",
    "refusal",
]


FINAL = frozenset({"bad", "key", "invite", "uninvited", "removed"})
"""Refusals that another try does not change."""


class RoomError(RolltapeError):
    """The room cannot be joined, or what was said was not handed on; `detail` is a code for the page."""


@dataclass(frozen=True)
class JoinRequest:
    """A request to join a room, with what shows that the page may (`docs/protocol.md`, Joining)."""

    room: str
    role: Role
    push: str
    """The beginning of their `uid`, by their own choice; may be empty."""
    secret: str
    """Known to this page only; their `uid` follows from it, so that nobody else can be it."""
    label: str = ""
    key: str = ""
    """A director's key; empty for a guest."""
    invite: str = ""
    """A guest's, from the link; empty: came by the room's name alone. A director's own: it was theirs before."""


@dataclass(frozen=True)
class JoinReply:
    """The server's answer to a page that may join."""

    token: str
    uid: str
    """What follows from the request's secret, so that it is the same each time."""
    key_id: str
    """The key that directs the room, for those who were invited; empty: nobody's, or not told yet."""
    invite: str = ""
    """For directors: what a guest's link carries behind `#`."""
    ice_servers: tuple[IceServer, ...] = ()
    upload: UploadOffer | None = None
    """What this page sends its takes with; None: this host keeps none of it."""


class RoomListener(Protocol):
    """Callbacks of a page for what happens in its room."""

    def room_connected(self, connected: bool) -> None:
        """The connection is there and `RoomClient.members` is true, or it is gone and is being made again."""

    def room_members(self) -> None:
        """Somebody came, went, or changed: see `RoomClient.members`."""

    def room_message(self, sender: Sender, message: Message) -> None:
        """A message for this page; `sender` is the server's word."""

    def room_refused(self, reason: str) -> None:
        """The server does not let this page in, for the reason in the sentence; it is asked again all the same."""

    def room_closed(self, reason: str) -> None:
        """The membership is over: the sentence says why. Nothing is tried again."""


class RoomLine(Protocol):
    """The connection to the server, made again after each interruption."""

    async def open(self, request: JoinRequest, client: RoomClient) -> None:
        """Join and connect, again after each interruption, until `close` or until the server says no for good.

        Raises Unsupported where there is no server for rooms.
        """

    async def send(self, kind: str, text: str) -> str:
        """Hand a message over; return the server's sentence on why it was not handed on, empty if it was."""

    def say(self, kind: str, text: str) -> None:
        """Hand a message over at once, without hearing what became of it: an unloaded page waits for nothing."""

    async def server_ms(self) -> float:
        """Ask for the server's clock, milliseconds since 1970. Raises RoomError while there is no connection."""

    def close(self) -> None:
        """End the connection, and make it no more."""


class RoomClient:
    """One page's membership of one room. Pages ask and say; what the line hears comes back through the listener."""

    def __init__(self, line: RoomLine, listener: RoomListener) -> None:
        self.uid = ""
        """As the server gave it; empty before the first answer."""
        self.key_id = ""
        """The key that directs this room, as first told: another one directs nothing here."""
        self.invite = ""
        """For directors: what a guest's link carries behind `#`."""
        self.ice_servers: tuple[IceServer, ...] = ()
        self.upload: UploadOffer | None = None
        """As the server offered it last; None: the host keeps none of this page's takes."""
        self.connected = False
        self.waiting = False
        """Connected, but outside: no director has let this page in yet."""
        self.invited_only = False
        """True if the uninvited are turned away; told to directors."""
        self._line = line
        self._listener = listener
        self._members: dict[str, Member] = {}

    @property
    def members(self) -> Mapping[str, Member]:
        """Everybody in the room but this page, by uid."""
        return self._members

    @property
    def present(self) -> list[Member]:
        """Everybody whose connection is there right now, but this page."""
        return [one for one in self._members.values() if one.present]

    @property
    def directors(self) -> list[Member]:
        """The directors whose connection is there right now."""
        return [one for one in self.present if one.role is Role.DIRECTOR]

    async def open(self, request: JoinRequest, key_id: str = "") -> None:
        """Join, and stay until `close` or a final refusal; `key_id` is the key known from an earlier visit.

        Raises Unsupported where there is no server for rooms. Everything else is told the listener.
        """
        self.key_id = key_id
        self.invite = request.invite if request.role is Role.DIRECTOR else ""
        await self._line.open(request, self)

    async def send(self, message: Message) -> None:
        """Say something. Raises RoomError if it was not handed on; if it was, its receiver need not have read it."""
        if not self.connected:
            raise RoomError(
                "There is no connection to the room right now; it is being made again.", "offline"
            )
        refused = await self._line.send(kind_of(message), encode(message))
        if refused:
            raise RoomError(refused, "refused")

    def say(self, message: Message) -> None:
        """Say something at once, without hearing what becomes of it; without a connection nothing is said."""
        if self.connected:
            self._line.say(kind_of(message), encode(message))

    async def server_ms(self) -> float:
        """Ask for the room's clock, milliseconds since 1970. Raises RoomError while there is no connection."""
        return await self._line.server_ms()

    def close(self) -> None:
        """Leave the room; the listener hears nothing of it."""
        self._line.close()
        self.connected = False

    # What the line tells.

    def joined(self, reply: JoinReply) -> None:
        """The server let this page in, at first or again: its answer to `api/join`."""
        self.uid = reply.uid
        self.invite = reply.invite or self.invite
        self.ice_servers = reply.ice_servers
        self.upload = reply.upload or self.upload
        self.key_id = self.key_id or reply.key_id

    def is_final(self, error: RoomError) -> bool:
        """True if being refused so is the end: another try would not change it.

        A director who has been in the room is not told by one refusal that it is not theirs: their invitation shows
        that it is, to a server that has forgotten it.
        """
        return error.detail in (FINAL - {"key"} if self.invite else FINAL)

    def refused(self, error: RoomError) -> None:
        """The server does not let this page in at the moment, or is not there; it is asked again."""
        if error.detail in FINAL:
            self._listener.room_refused(error.sentence)

    def received(self, kind: str, text: str) -> None:
        """An event came. One that is not right changes nothing: BadMessage is raised for the line's log."""
        message = decode(kind, text)
        if isinstance(message, Welcome):
            self.key_id = self.key_id or message.key_id
            # After a server's restart not everybody is back yet: who was here is away until the server says more.
            away = {uid: replace(one, present=False) for uid, one in self._members.items()}
            self._members = away | {one.uid: one for one in message.members if one.uid != self.uid}
            self.connected = True
            self.waiting, self.invited_only = message.waiting, message.invited_only
            self.ice_servers = message.ice_servers or self.ice_servers
            self.upload = message.upload or self.upload
            self._listener.room_connected(True)
        elif isinstance(message, Joined | Away | Left):
            self._changed(message)
            self._listener.room_members()
        else:
            self._listener.room_message(sender_of(text), message)

    def disconnected(self) -> None:
        """The connection is gone; the line makes it again. Twice is told once."""
        if self.connected:
            self.connected = False
            self._listener.room_connected(False)

    def closed(self, reason: str) -> None:
        """Note that the server has ended this page's membership, for this reason; no line is made again."""
        self.connected = False
        self._listener.room_closed(reason)

    def _changed(self, message: Joined | Away | Left) -> None:
        if isinstance(message, Joined):
            if message.member.uid != self.uid:
                self._members[message.member.uid] = message.member
        elif isinstance(message, Left):
            self._members.pop(message.uid, None)
        elif message.uid in self._members:
            self._members[message.uid] = replace(self._members[message.uid], present=False)


def refusal(sender: Sender, command: Command, uid: str, key_id: str) -> str:
    """Return a sentence about why a guest does not obey this command; empty if it does.

    The server has checked the same; this is the guest's own word, since it is the guest who is recorded.
    """
    if sender.role is not Role.DIRECTOR:
        return "Only a director may ask for that."
    if not key_id or sender.key_id != key_id:
        return "This director's key is not the one that opened the room."
    if command.to != uid:
        return "That was meant for somebody else."
    return ""


def new_secret(octets: int = 16) -> str:
    """Make a secret of so many random octets, in base64url (RFC 4648 section 5)."""
    return urlsafe_b64encode(os.urandom(octets)).rstrip(b"=").decode()
