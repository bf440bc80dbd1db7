"""The rooms of one server: lets people in, hands messages on, tells who came and went. It keeps nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import socketio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rolltape.room import (
    MAX_MESSAGE,
    ROUTES,
    Away,
    BadMessage,
    Command,
    CommandKind,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    Welcome,
    decode,
    encode,
    kind_of,
)
from rolltape.room_client import JoinRequest, new_secret
from rolltape.server.joining import Joining, NotLetIn, read_request
from rolltape.server.limits import JOINS, MESSAGES, Limiter
from rolltape.server.presence import Presence
from rolltape.server.tokens import BadToken, Session, Tokens

__all__ = ["MAX_BODY", "Rooms"]

MAX_BODY = 8192
"""Bytes of a request to join."""
MAX_PACKET = 4 * MAX_MESSAGE + 1000
"""Bytes of one Socket.IO packet: a message whose characters take four bytes each."""
SWEEP_S = 1.0


class Rooms:
    """All rooms; `socket_app` is the ASGI application of their connections."""

    def __init__(self, secret: bytes) -> None:
        self._presence = Presence(time.monotonic)
        self._tokens = Tokens(secret)
        self._joining = Joining(self._presence, self._tokens)
        self._joins = Limiter(JOINS, time.monotonic)
        self._messages = Limiter(MESSAGES, time.monotonic)
        self._sessions: dict[str, Session] = {}
        self._secrets: dict[tuple[str, str], str] = {}
        self._server: Any = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket"],
            max_http_buffer_size=MAX_PACKET,
            ping_interval=5,
            ping_timeout=5,
            cors_allowed_origins=None,  # the page's own origin, no other
        )
        self._server.on("connect", self._on_connect)
        self._server.on("disconnect", self._on_disconnect)
        self._server.on("clock", self._on_clock)
        self._server.on("*", self._on_message)
        self.socket_app: Any = socketio.ASGIApp(self._server, socketio_path="")

    async def run(self) -> None:
        """Forget those who do not come back, for as long as the server runs."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for room, uid in list(self._presence.expire()):
                self._secrets.pop((room, uid), None)
                await self._tell(room, Left(uid))

    async def close(self) -> None:
        """End every connection, so that pages connect again wherever they can."""
        await self._server.shutdown()

    def open_room(self, room: str, key: str) -> str:
        """Open a room for a key; the guest's invitation."""
        request = JoinRequest(room, Role.DIRECTOR, new_secret(9), new_secret(), key=key)
        return self._joining.join(request, _now_ms()).invite

    def metrics(self) -> str:
        """What is going on, in Prometheus's text format."""
        rooms, members = self._presence.counts()
        figures = {"rooms": rooms, "members": members, "connections": len(self._sessions)}
        return "".join(
            f"# TYPE rolltape_{name} gauge\nrolltape_{name} {value}\n" for name, value in figures.items()
        )

    async def join(self, request: Request) -> Response:
        """Answer `POST api/join`."""
        address = request.client.host if request.client else ""
        try:
            if not self._joins.allows(address):
                raise NotLetIn(429, "rate", "Too many people join from this network at once; wait a moment.")
            body = await request.body()
            if len(body) > MAX_BODY:
                raise NotLetIn(400, "bad", "The request to join is too long.")
            asked = read_request(body.decode(errors="replace"))
            reply = self._joining.join(asked, _now_ms())
        except NotLetIn as refused:
            return _answer({"error": refused.sentence, "code": refused.code}, refused.status)
        self._secrets.setdefault((self._tokens.read_session(reply.token).room, reply.uid), asked.secret)
        return _answer(asdict(reply))

    async def _on_connect(self, sid: str, environ: Mapping[str, Any], auth: object) -> None:
        token = auth.get("token") if isinstance(auth, Mapping) else None
        try:
            session = self._tokens.read_session(token if isinstance(token, str) else "")
        except BadToken:
            raise socketio.exceptions.ConnectionRefusedError("This connection has no right token.") from None
        room, uid = session.room, session.uid
        if self._presence.is_removed(room, uid) or self._presence.is_full(room, uid):
            raise socketio.exceptions.ConnectionRefusedError("This room does not let you in.")
        self._sessions[sid] = session
        member = Member(uid, session.role, session.label, session.invited)
        before = self._presence.sit(room, member, self._secrets.get((room, uid), ""), sid)
        if before:
            self._sessions.pop(before, None)
            await self._server.disconnect(before)
        for group in (room, f"{room}\n{session.role}"):
            await self._server.enter_room(sid, group)
        claim = self._presence.claimed_by(room)
        members = tuple(one for one in self._presence.members(room) if one.uid != uid)
        await self._send(sid, Welcome(uid, claim.key_id if claim else "", members))
        await self._tell(room, Joined(member), skip=sid)

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        self._messages.forget(sid)
        session = self._sessions.pop(sid, None)
        if session is not None and self._presence.lose(session.room, session.uid, sid):
            await self._tell(session.room, Away(session.uid))

    async def _on_clock(self, sid: str, *_: object) -> str:
        if not self._messages.allows(sid):
            return "Too many messages; wait a moment."
        return repr(time.time() * 1000)

    async def _on_message(self, kind: str, sid: str, *arguments: object) -> str:
        """Hand a message on; empty, or the sentence on why not."""
        session = self._sessions.get(sid)
        if session is None:
            return "This connection is over."
        if not self._messages.allows(sid):
            return "Too many messages; wait a moment."
        route = ROUTES.get(kind)
        if route is None or session.role not in route.senders:
            return f"A {session.role} does not say that."
        claim = self._presence.claimed_by(session.room)
        if session.role is Role.DIRECTOR and (claim is None or claim.key_id != session.key_id):
            return "This room belongs to another key."
        try:
            message = decode(kind, arguments[0] if arguments else None)
        except BadMessage as error:
            return error.sentence
        sender = Sender(session.uid, session.role, session.key_id)
        if not route.to_one:
            await self._server.emit(kind, encode(message, sender), room=f"{session.room}\n{route.receiver}")
        else:
            receiver = self._presence.member(session.room, getattr(message, "to", ""))
            connection = self._presence.connection(session.room, receiver.uid) if receiver else ""
            if receiver is None or (route.receiver is not None and receiver.role is not route.receiver):
                return "Nobody of this name is in the room."
            if not connection:
                return "Their connection is gone for the moment."
            await self._server.emit(kind, encode(message, sender), to=connection)
        await self._follow(session, message)
        return ""

    async def _follow(self, session: Session, message: Message) -> None:
        """What a message changes here: a name, or who is in the room."""
        if isinstance(message, GuestState):
            renamed = self._presence.rename(session.room, session.uid, message.label)
            if renamed is not None:
                await self._tell(session.room, Joined(renamed))
        elif isinstance(message, Command) and message.kind is CommandKind.REMOVE:
            connection = self._presence.connection(session.room, message.to)
            self._presence.remove(session.room, message.to)
            self._secrets.pop((session.room, message.to), None)
            await self._tell(session.room, Left(message.to))
            self._sessions.pop(connection, None)
            await self._server.disconnect(connection)

    async def _send(self, sid: str, message: Message) -> None:
        await self._server.emit(kind_of(message), encode(message), to=sid)

    async def _tell(self, room: str, message: Message, skip: str | None = None) -> None:
        await self._server.emit(kind_of(message), encode(message), room=room, skip_sid=skip)


def _now_ms() -> int:
    return round(time.time() * 1000)


def _answer(said: Mapping[str, object], status: int = 200) -> Response:
    return JSONResponse(said, status, headers={"Cache-Control": "no-store"})
