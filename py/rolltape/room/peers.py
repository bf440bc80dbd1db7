"""Pictures and sound between the members of a room: who connects with whom, at what rate, and when anew.

The newcomer offers. A page that has just come in is told who is there and connects with each of them; the others
wait for its offer. A page that only lost the server keeps its connections, which do not need the server. Whatever
fails here is shown as a missing picture and never touches a recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rolltape.core.errors import Unsupported
from rolltape.core.pace import Pace
from rolltape.room.client import RoomError, new_secret
from rolltape.room.messages import (
    Description,
    IceCandidate,
    IceServer,
    Member,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
)

__all__ = [
    "PREVIEW",
    "TALK",
    "Arriving",
    "Connection",
    "Outgoing",
    "PeerMaker",
    "Peers",
    "SendLimits",
]


@dataclass(frozen=True)
class SendLimits:
    """Limits of what is sent to one member."""

    video_kbps: int
    audio_kbps: int
    height: int
    """Lines of the picture; a larger one is scaled down."""
    fps: int
    """Pictures a second."""


PREVIEW = SendLimits(500, 64, 360, 15)
"""A guest to a director, who watches; the machine's power is the recording's."""

TALK = SendLimits(150, 48, 180, 15)
"""To a guest, for talking: each guest sends to all the others."""

INBOUND_HEIGHT, INBOUND_FPS = 2160, 60
"""While a director records what arrives, only the asked rates limit it."""

ANEW_TIMES, ANEW_MS = 3, 6000.0
"""A member's page gets new connections so often within a while: browsers count those that were given up, too."""
MAX_WAITING = 100
"""Of a member's signals, while their connection is not due: an offer and all ways to reach them."""

MAX_MESH = 8
"""With more guests than this, guests see the directors only: a mesh grows with the square."""


@dataclass(frozen=True)
class Arriving:
    """Figures of what arrives from one member (W3C WebRTC Statistics, section 8.2)."""

    video_kbps: float = 0.0
    audio_kbps: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0


class Outgoing(Protocol):
    """The tracks that this page sends to others; muting them never mutes a recording."""

    def mute(self, kind: str, on: bool) -> None:
        """Send silence (`audio`) or black (`video`), or what is captured again."""

    def close(self) -> None:
        """Send nothing any more."""


class Connection(Protocol):
    """One connection to one member (`browser/peer.py`)."""

    async def offer(self) -> None:
        """Begin: offer what there is to send, and ask for what the other has (WebRTC 1.0 section 4.4.2)."""

    async def describe(self, description: Description) -> None:
        """Take in the other side's offer or answer; an offer is answered."""

    async def candidate(self, candidate: IceCandidate) -> None:
        """Take in one way to reach the other side."""

    async def limit(self, limits: SendLimits) -> None:
        """Send this much at most, from now on; a browser may send less. Never raises."""

    async def refresh(self) -> None:
        """Send the tracks that there are now, in the place of those before; nothing where there is none."""

    async def arriving(self) -> Arriving:
        """Return figures of what has arrived since this was asked last."""

    async def round_trip_ms(self) -> float | None:
        """Return how long the other side took to answer; None if it has not answered since this was asked last."""

    def restart(self) -> None:
        """Look for another way to the other side (RFC 8445 section 2.4)."""

    def close(self) -> None:
        """End the connection, for good."""


class PeerMaker(Protocol):
    """Makes connections."""

    def __call__(
        self,
        servers: Sequence[IceServer],
        polite: bool,
        say: Callable[[Description | IceCandidate], None],
        show: Callable[[object | None], None],
        failed: Callable[[], None],
    ) -> Connection:
        """Make a connection to one member, which does nothing yet.

        `polite` gives way when both sides offer at once (WebRTC 1.0 section 10.7). `say` is called with each step for
        the other side, `show` with the stream that arrives or None, `failed` when no way was found. Raises
        Unsupported where the browser gives none.
        """


class Room(Protocol):
    """The part of `RoomClient` that connections need."""

    uid: str
    ice_servers: tuple[IceServer, ...]

    @property
    def members(self) -> Mapping[str, Member]:
        """Everybody in the room but this page, also those whose connection is gone for the moment."""

    @property
    def present(self) -> Sequence[Member]:
        """Return the members who are there right now, without this page."""

    async def send(self, message: Message) -> None:
        """Say something. Raises RoomError."""


@dataclass
class _Peer:
    member: Member
    session: str
    """The other page's; empty until it has said something."""
    connection: Connection
    turn: asyncio.Lock
    """Signals are taken in the order in which they came."""


class Peers:
    """All connections of one page; none where `make` is None, and the room goes on without.

    The page calls it for what happens in the room, and runs what is given to `spawn`; `show` is called with a
    member's uid and the stream that arrives from them, None: nothing does.
    """

    def __init__(
        self,
        room: Room,
        role: Role,
        make: PeerMaker | None,
        show: Callable[[str, object | None], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._room = room
        self._role = role
        self._make = make
        self._show = show
        self._spawn = spawn
        self._session = new_secret(6)
        self._peers: dict[str, _Peer] = {}
        self._paces: dict[str, Pace] = {}
        """Of connections that a member asked for (by the loop's time), by uid."""
        self._waiting: dict[str, list[Signal]] = {}
        """What is to be done once one may be made again: an offer, and what came after it."""
        self._is_full = False
        """Whether there were more guests than can all be connected."""

    def connect(self) -> None:
        """Offer a connection to everybody who is there and has none; the page calls it after each welcome."""
        self._is_full = self._guests > MAX_MESH
        for member in self._room.present:
            if member.uid not in self._peers and self._wanted(member):
                peer = self._add(member, "")
                if peer is not None:
                    self._spawn(peer.connection.offer())

    def members_changed(self) -> None:
        """End the connections with those who have left; call it when somebody came, went or changed."""
        for uid, peer in list(self._peers.items()):
            if uid in self._room.members:
                peer.member = self._room.members[uid]
            else:
                self._drop(uid)
        self._paces = {uid: pace for uid, pace in self._paces.items() if uid in self._room.members}
        was_full, self._is_full = self._is_full, self._guests > MAX_MESH
        if was_full and not self._is_full and self._role is Role.GUEST:
            for member in self._room.present:
                if member.uid not in self._peers and self._room.uid < member.uid:
                    added = self._add(member, "")
                    if added is not None:
                        self._spawn(added.connection.offer())

    async def receive(self, sender: Sender, signal: Signal) -> None:
        """Take one step of another member's; a new page of theirs makes a new connection, at a limited pace."""
        peer = self._peers.get(sender.uid)
        if peer is not None and peer.session not in ("", signal.session):
            if signal.description is None or signal.description.type != "offer":
                return  # late, from a page that is gone
            self._drop(sender.uid)
            peer = None
        if peer is None:
            peer = await self._begun_by(sender.uid, signal)
            if peer is None:
                return
        peer.session = signal.session
        async with peer.turn:
            if signal.description is not None:
                await peer.connection.describe(signal.description)
            elif signal.candidate is not None:
                await peer.connection.candidate(signal.candidate)

    async def _begun_by(self, uid: str, signal: Signal) -> _Peer | None:
        """The connection that a member begins with this; None: with another signal, later, or never."""
        waiting = self._waiting.get(uid)
        if signal.description is None:
            if waiting is not None and waiting[0].session == signal.session and len(waiting) < MAX_WAITING:
                waiting.append(signal)
            return None
        member = next((one for one in self._room.present if one.uid == uid), None)
        if member is None or not self._wanted(member):
            return None
        now_ms = asyncio.get_running_loop().time() * 1000
        pace = self._paces.setdefault(uid, Pace(ANEW_TIMES, ANEW_MS))
        if not pace.allows(now_ms):
            self._waiting[uid] = [signal]  # the page's last word: what it offered before is over
            if waiting is None:
                self._spawn(self._begin_later(uid, pace.wait_ms(now_ms) / 1000))
            return None
        return self._add(member, signal.session)

    async def _begin_later(self, uid: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        for signal in self._waiting.pop(uid):
            member = self._room.members.get(uid)
            if member is not None:
                await self.receive(Sender(uid, member.role, ""), signal)

    async def set_rates(self, uid: str, rates: SendRates | None) -> None:
        """Send to a member at these rates from now on; None: at the usual ones. Without a connection nothing."""
        peer = self._peers.get(uid)
        if peer is not None:
            await peer.connection.limit(self._limits(peer.member, rates))

    async def refresh(self) -> None:
        """Other tracks are captured than before: send those."""
        for peer in list(self._peers.values()):
            await peer.connection.refresh()

    async def arriving(self, uid: str) -> Arriving:
        """Return the figures of what arrives from a member; zeros without a connection."""
        peer = self._peers.get(uid)
        return Arriving() if peer is None else await peer.connection.arriving()

    async def round_trips_ms(self) -> Mapping[str, float]:
        """Return how long members took to answer, by their uid: those that have since this was asked last."""
        found = {uid: await peer.connection.round_trip_ms() for uid, peer in list(self._peers.items())}
        return {uid: took_ms for uid, took_ms in found.items() if took_ms is not None}

    def close(self) -> None:
        """End all connections; nothing is shown of anybody any more."""
        for uid in list(self._peers):
            self._drop(uid)

    def _drop(self, uid: str) -> None:
        self._peers.pop(uid).connection.close()
        self._show(uid, None)

    def _wanted(self, member: Member) -> bool:
        if self._make is None or member.waiting:
            return False
        if self._role is Role.DIRECTOR or member.role is Role.DIRECTOR:
            return True
        return self._guests <= MAX_MESH

    @property
    def _guests(self) -> int:
        """How many guests there are, this page among them if it is one."""
        return sum(one.role is Role.GUEST for one in self._room.present) + (self._role is Role.GUEST)

    def _limits(self, member: Member, rates: SendRates | None = None) -> SendLimits:
        usual = PREVIEW if member.role is Role.DIRECTOR else TALK
        if rates is None:
            return usual
        return replace(
            usual,
            video_kbps=rates.video_kbps or usual.video_kbps,
            audio_kbps=rates.audio_kbps or usual.audio_kbps,
            height=INBOUND_HEIGHT if rates.video_kbps else usual.height,
            fps=INBOUND_FPS if rates.video_kbps else usual.fps,
        )

    def _add(self, member: Member, session: str) -> _Peer | None:
        """A connection with a member; None where the browser gives none, which is a missing picture."""
        uid = member.uid
        assert self._make is not None, "no connection is wanted where none can be made"
        try:
            connection = self._make(
                self._room.ice_servers,
                self._room.uid < uid,
                lambda step: self._spawn(self._say(uid, step)),
                lambda stream: self._show(uid, stream),
                lambda: self._failed(uid),
            )
        except Unsupported:
            self._show(uid, None)
            return None
        peer = _Peer(member, session, connection, asyncio.Lock())
        self._peers[uid] = peer
        self._spawn(connection.limit(self._limits(member)))
        return peer

    def _failed(self, uid: str) -> None:
        """No way to the other side: one of the two looks for another."""
        peer = self._peers.get(uid)
        if peer is not None and self._room.uid > uid:
            peer.connection.restart()

    async def _say(self, uid: str, step: Description | IceCandidate) -> None:
        signal = (
            Signal(uid, self._session, description=step)
            if isinstance(step, Description)
            else Signal(uid, self._session, candidate=step)
        )
        try:
            await self._room.send(signal)
        except RoomError:
            return  # the connection is tried again once the room is there
