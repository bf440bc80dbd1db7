"""Hands messages on: who may say what to whom is `room.ROUTES`; what is said is checked by `room.decode`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import socketio

from rolltape.room.messages import (
    ROUTES,
    Away,
    Command,
    CommandKind,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Route,
    Sender,
    Welcome,
)
from rolltape.room.wire import MAX_MESSAGE, BadMessage, decode, encode, kind_of, with_sender
from rolltape.server.admission import VISIT, Visit
from rolltape.server.limits import Limiter, Limits
from rolltape.server.log import room_mark
from rolltape.server.metrics import Metrics
from rolltape.server.packet import TextPacket
from rolltape.server.send_queue import Outbox
from rolltape.server.store import Held, NotSeated, Store, StoreGone
from rolltape.server.tokens import BadToken, Session, Tokens

__all__ = ["MAX_PACKET", "PING_S", "Relay"]

MAX_PACKET = 4 * MAX_MESSAGE + 1000
"""Bytes of one Socket.IO packet: a message whose characters take four bytes each."""
PING_S = 5
"""How often a connection is asked whether it is still there, and for how long the answer may take."""

TOO_MANY = "Too many messages; wait a moment."
NOT_NOW = "The server cannot reach its rooms at the moment; try again."

log = logging.getLogger(__name__)


class _Refused(Exception):
    """A message is not handed on; a sentence for its sender, a word for the figures."""

    def __init__(self, sentence: str, why: str) -> None:
        super().__init__(sentence)
        self.sentence, self.why = sentence, why


@dataclass
class _Connection:
    """Somebody who is in."""

    sid: str
    session: Session
    member: Member
    visit: Visit | None


class Relay:
    """The connections of this process; `server` is python-socketio's."""

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        limits: Limits,
        metrics: Metrics,
        manager: Any,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._metrics = metrics
        self._connections: dict[str, _Connection] = {}
        self._messages = Limiter(limits.messages, clock)
        self._characters = Limiter(limits.characters, clock)
        self._names = Limiter(limits.names, clock)
        self._refusals = Limiter(limits.refusals, clock)
        quiet = logging.getLogger(f"{__name__}.socketio")
        quiet.setLevel(logging.ERROR)  # at level info it logs what is said
        self.server: Any = socketio.AsyncServer(
            async_mode="asgi",
            logger=quiet,
            engineio_logger=quiet,
            async_handlers=False,  # one message of a connection after the other: in order, and none piles up
            client_manager=manager,
            serializer=TextPacket,
            transports=["websocket"],
            max_http_buffer_size=MAX_PACKET,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            cors_allowed_origins=[],  # the gate has looked at the origin
        )
        self.server.eio.create_queue = Outbox
        self.server.on("connect", self._on_connect)
        self.server.on("disconnect", self._on_disconnect)
        self.server.on("clock", self._on_clock)
        self.server.on("*", self._on_message)

    def held(self) -> Collection[Held]:
        """Return the members whose connections this process has."""
        return [Held(one.session.room, one.session.uid) for one in self._connections.values()]

    async def tell(self, room: str, message: Message, skip: str | None = None) -> None:
        """Say something to everybody in a room."""
        await self.server.emit(kind_of(message), encode(message), room=_all(room), skip_sid=skip)

    async def seat_again(self, held: Held) -> None:
        """Somebody is here whose place is gone: they sit down anew."""
        for one in list(self._connections.values()):
            if (one.session.room, one.session.uid) == (held.room, held.uid):
                await self._sit(one)

    async def greet_all(self) -> None:
        """Tell everybody anew who is there: something may have been missed."""
        for one in list(self._connections.values()):
            try:
                await self._sit(one)
            except StoreGone as error:
                log.warning("Somebody could not be told who is there.", extra={"error": str(error)})

    async def _on_connect(self, sid: str, environ: Mapping[str, Any], auth: object) -> None:
        token = auth.get("token") if isinstance(auth, Mapping) else None
        try:
            session = self._tokens.read_session(token if isinstance(token, str) else "")
            if not await self._store.use(session.id):
                raise BadToken("It has been used before.")
            visit = environ["asgi.scope"].get(VISIT)
            member = Member(session.uid, session.role, session.label, session.invited)
            one = self._connections[sid] = _Connection(sid, session, member, visit)
            await self._sit(one)
        except BadToken:
            self._turned_away("bad_token")
            raise socketio.exceptions.ConnectionRefusedError("This connection has no right token.") from None
        except StoreGone:
            self._turned_away("store_gone")
            self._connections.pop(sid, None)
            raise socketio.exceptions.ConnectionRefusedError(NOT_NOW) from None
        if sid not in self._connections:
            raise socketio.exceptions.ConnectionRefusedError("This room does not let you in.")
        if visit is not None:
            visit.is_in = True
        log.info("Somebody is in.", extra={"room": room_mark(session.room), "role": session.role})

    async def _sit(self, one: _Connection) -> None:
        """Take the place of a connection and greet it; it is let go if there is none."""
        session = one.session
        room = session.room
        # In the groups before it is known who is there: what happens in between is heard, not missed.
        for group in (_all(room), _of_role(room, session.role), _only(room, session.uid)):
            await self.server.enter_room(one.sid, group)
        claim = await self._store.claimed_by(room)
        if session.claim is not None and claim is None:
            claim = await self._store.show(room, session.claim)
        try:
            seating = await self._store.sit(room, one.member, one.sid)
        except NotSeated as refused:
            self._turned_away(refused.why)
            await self._let_go(one)
            return
        await self._send(one.sid, Welcome(session.uid, claim.key_id if claim else "", seating.others))
        if seating.before != one.sid:
            await self.tell(room, Joined(one.member), skip=one.sid)
            if seating.before:
                await self._let_go_of(seating.before)

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        for limiter in (self._messages, self._characters, self._names, self._refusals):
            limiter.forget(sid)
        one = self._connections.pop(sid, None)
        if one is None:
            return
        if one.visit is not None:
            one.visit.end()
        session = one.session
        about = {"room": room_mark(session.room), "role": session.role, "why": reason}
        log.info("A connection is gone.", extra=about)
        try:
            if await self._store.lose(session.room, session.uid, sid):
                await self.tell(session.room, Away(session.uid))
        except StoreGone:
            self._metrics.trouble("store_gone")  # the lease runs out by itself

    async def _on_clock(self, sid: str, *_: object) -> str:
        if not self._messages.allows(sid):
            return await self._refuse(sid, _Refused(TOO_MANY, "too_many"))
        return repr(time.time() * 1000)

    async def _on_message(self, kind: str, sid: str, *arguments: object) -> str:
        """Hand a message on; empty, or the sentence on why not."""
        try:
            one = self._connections.get(sid)
            if one is None:
                raise _Refused("This connection is over.", "over")
            text = arguments[0] if arguments else None
            self._check_rate(sid, text)
            route = self._route(one, kind)
            message = decode(kind, text)
            await self._hand_on(one, route, kind, message, str(text))
            await self._follow(one, message)
        except _Refused as refused:
            return await self._refuse(sid, refused)
        except BadMessage as error:
            return await self._refuse(sid, _Refused(error.sentence, "malformed"))
        except StoreGone:
            self._metrics.trouble("store_gone")
            return NOT_NOW
        self._metrics.message(kind)
        return ""

    def _check_rate(self, sid: str, text: object) -> None:
        size = len(text) if isinstance(text, str | bytes) else 0
        if not self._messages.allows(sid) or not self._characters.allows(sid, size):
            raise _Refused(TOO_MANY, "too_many")

    def _route(self, one: _Connection, kind: str) -> Route:
        route = ROUTES.get(kind)
        if route is None:
            raise _Refused("There is no such message.", "unknown")
        if one.session.role not in route.senders:
            raise _Refused(f"A {one.session.role} does not say that.", "not_allowed")
        return route

    async def _hand_on(self, one: _Connection, route: Route, kind: str, message: Message, said: str) -> None:
        """What is handed on is what came, with who sent it: writing it anew would cost more than reading it."""
        session = one.session
        room = session.room
        if session.role is Role.DIRECTOR:
            claim = await self._store.claimed_by(room)
            if claim is None or claim.key_id != session.key_id:
                raise _Refused("This room belongs to another key.", "other_key")
        text = with_sender(said, Sender(session.uid, session.role, session.key_id))
        if not route.to_one:
            await self.server.emit(kind, text, room=_of_role(room, route.receiver))
            return
        uid = str(getattr(message, "to", ""))
        seat = await self._store.seat(room, uid)
        if seat is None or (route.receiver is not None and seat.member.role is not route.receiver):
            raise _Refused("Nobody of this name is in the room.", "nobody")
        if not seat.connection and not _removes(message):
            raise _Refused("Their connection is gone for the moment.", "away")
        await self.server.emit(kind, text, room=_only(room, uid))

    async def _follow(self, one: _Connection, message: Message) -> None:
        """What a message changes here: a name, or who is in the room."""
        if isinstance(message, GuestState) and message.label != one.member.label:
            if self._names.allows(one.sid):
                one.member = replace(one.member, label=message.label)
                if await self._store.rename(one.session.room, one.member):
                    await self.tell(one.session.room, Joined(one.member))
        elif isinstance(message, Command) and _removes(message):
            connection = await self._store.remove(one.session.room, message.to)
            await self.tell(one.session.room, Left(message.to))
            await self._let_go_of(connection)

    async def _refuse(self, sid: str, refused: _Refused) -> str:
        """Count it; who is refused all the time is let go."""
        self._metrics.refused(refused.why)
        if not self._refusals.allows(sid):
            one = self._connections.get(sid)
            if one is not None:
                self._turned_away("flood", one.visit)
                await self.server.disconnect(sid)
        return refused.sentence

    def _turned_away(self, why: str, visit: Visit | None = None) -> None:
        self._metrics.refused(why)
        log.info(
            "A connection was ended.", extra={"why": why} | ({"address": visit.address} if visit else {})
        )

    async def _let_go(self, one: _Connection) -> None:
        """A connection has no place: it ends without a word to the room."""
        self._connections.pop(one.sid, None)
        for group in (
            _all(one.session.room), _of_role(one.session.room, one.session.role),
            _only(one.session.room, one.session.uid),
        ):  # fmt: skip
            await self.server.leave_room(one.sid, group)
        if one.visit is not None and one.visit.is_in:
            await self.server.disconnect(one.sid)
            one.visit.end()

    async def _let_go_of(self, connection: str) -> None:
        """The same for a connection that may be another process's."""
        if connection in self._connections:
            await self._let_go(self._connections[connection])
        elif connection:
            await self.server.disconnect(connection)

    async def _send(self, sid: str, message: Message) -> None:
        await self.server.emit(kind_of(message), encode(message), to=sid)


def _removes(message: Message) -> bool:
    return isinstance(message, Command) and message.kind is CommandKind.REMOVE


def _all(room: str) -> str:
    return f"{room}\n"


def _of_role(room: str, role: Role | None) -> str:
    return f"{room}\n*{role}"


def _only(room: str, uid: str) -> str:
    return f"{room}\n@{uid}"
