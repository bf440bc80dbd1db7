"""The rooms of one server process: its parts, put together, and its answers over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from rolltape.room.client import JoinReply, JoinRequest, new_secret
from rolltape.room.frames import framed
from rolltape.room.messages import Arrived, Role, Sender
from rolltape.room.wire import encode, kind_of
from rolltape.server.admission import Admission, address_of, is_foreign
from rolltape.server.bus import Alone, Bus, BusMessage, Recipients
from rolltape.server.hosting import Hosting
from rolltape.server.joining import Joining, NotLetIn, read_request
from rolltape.server.lasting import lasting
from rolltape.server.lending import Lending
from rolltape.server.limits import Limiter, Limits
from rolltape.server.line import MAX_FRAME, Line
from rolltape.server.memory import MemoryStore
from rolltape.server.metrics import Metrics
from rolltape.server.presence import Presence
from rolltape.server.relay import Relay
from rolltape.server.store import LEASE_S, RoomStore, StoreGone
from rolltape.server.tokens import Tokens, UploadClaims
from rolltape.server.turn import Ice

__all__ = ["MAX_BODY", "MAX_FRAME", "Rooms", "RoomsOptions"]

MAX_BODY = 8192
"""Bytes of a request to join."""
TOLD_S = 60.0
"""For how long it is told that a task broke off."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoomsOptions:
    """Options of the host for rooms."""

    limits: Limits = field(default_factory=Limits)
    ice: Ice = field(default_factory=Ice)
    metrics_token: bytes = field(default=b"", repr=False)
    """The token that opens `/metrics`; empty: nothing does."""
    redis_url: str = ""
    """The Redis over which the processes of one server talk; empty: there is one process."""
    lease_s: float = LEASE_S
    """Seconds of a lease in the store: a place is renewed three times in it."""
    now_s: Callable[[], float] = time.monotonic
    """A clock that only goes forward."""
    hosting: Hosting = field(default_factory=Hosting)


class Rooms:
    """All rooms of one server process; as an ASGI application, their WebSocket.

    The application calls `start` before the first request and `close` after the last.
    """

    def __init__(
        self, secret: bytes, store: RoomStore | None = None, options: RoomsOptions | None = None
    ) -> None:
        options = self._options = options or RoomsOptions()
        self._store = store or MemoryStore(options.now_s, options.lease_s)
        self._metrics = Metrics()
        self._gauges: dict[str, float] = {}
        """Figures of others that hold right now, by name."""
        self._broke_s: dict[str, float] = {}
        """When a task of the server last broke off, by its name."""
        tokens = Tokens(secret)
        lending = Lending(options.hosting, options.ice, tokens)
        self._bus = self._bus_of(options.redis_url)
        relay = self._relay = Relay(
            self._store, tokens, lending, options.limits, self._metrics, self._bus, options.now_s
        )
        self._joining = Joining(self._store, tokens, lending, relay.claimed)
        self._joins = Limiter(options.limits.joins, options.now_s)
        self._admission = Admission(options.limits, time.monotonic)
        self._presence = Presence(
            self._store, relay.held, relay.say, relay.seat_again, options.now_s, options.lease_s
        )
        self._running: list[asyncio.Task[None]] = []

    def _bus_of(self, redis_url: str) -> Bus:
        if not redis_url:
            return Alone()
        from rolltape.server.redis_pubsub import RedisBus

        return RedisBus(
            redis_url, lambda told: self._relay.heard(told), lambda: self._relay.greet_all(), self.broke_off
        )

    async def start(self) -> None:
        """Begin to keep presence true, and to receive what other processes publish."""
        await self._bus.start()
        for what, work in (("presence", self._presence.run), ("listening to pages", self._relay.look)):
            self._running.append(asyncio.create_task(lasting(what, work, self.broke_off)))

    async def close(self) -> None:
        """End the tasks, the bus and the store. Pages are not told to leave: they connect again wherever they can."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._bus.close()
        await self._store.close()

    def broke_off(self, what: str) -> None:
        """Count a task of the server that broke off and was begun again, and have `broken` name it for TOLD_S."""
        self._metrics.trouble(what)
        self._broke_s[what] = time.monotonic()

    def gauge(self, name: str, value: float) -> None:
        """Have `/metrics` show a figure as it is now, until it is another."""
        self._gauges[name] = value

    @property
    def broken(self) -> list[str]:
        """The tasks that broke off within the last TOLD_S, by name; each was begun again."""
        since_s = time.monotonic() - TOLD_S
        return [what for what, at_s in self._broke_s.items() if at_s > since_s]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page's WebSocket, from its request to its end; one that may not connect is not accepted."""
        address = address_of(scope)
        await receive()
        why = self._admission.refusal(scope)
        if why:
            self._metrics.refused(why)
            log.info("A connection was refused.", extra={"address": address, "why": why})
            await send({"type": "websocket.close", "code": 1008})
            return
        with self._admission.held(address):
            await send({"type": "websocket.accept"})
            line = Line(address, receive, send, self._options.limits, time.monotonic)
            await self._relay.serve(line, _host_of(Headers(scope=scope)))

    async def open_room(self, room: str, key: str) -> str:
        """Open a room for a key; return the invitation of a guest's link. Raises NotLetIn, StoreGone."""
        request = JoinRequest(room, Role.DIRECTOR, "", new_secret(), key=key)
        return (await self._joining.join(request, time.time())).invite

    async def arrived(self, upload: UploadClaims, message: Arrived) -> None:
        """Tell a room's directors what its host has of a take, if the room is still that of the key it came under."""
        try:
            claim = await self._store.claimed_by(upload.room)
        except StoreGone:
            self._metrics.trouble("store_gone")
            return
        if claim is not None and claim.key_id == upload.key_id:
            text = encode(message, Sender(upload.uid, upload.role, upload.key_id))
            self._relay.tell(
                BusMessage(upload.room, Recipients.ROLE, Role.DIRECTOR, framed(kind_of(message), text))
            )

    async def join(self, request: Request) -> Response:
        """Answer `POST api/join` (`docs/protocol.md`, Joining): 200 with a token, or a code and a sentence."""
        try:
            reply = await self._join(request)
        except NotLetIn as refused:
            self._metrics.joined(refused.code)
            return _answer({"error": refused.sentence, "code": refused.code}, refused.status)
        self._metrics.joined("ok")
        return _answer(reply)

    async def _join(self, request: Request) -> Mapping[str, object]:
        if is_foreign(request.scope):
            raise NotLetIn(403, "origin", "Rooms are joined from their own server's pages only.")
        if not self._joins.allows(address_of(request.scope)):
            raise NotLetIn(429, "rate", "Too many people join from this network at once; wait a moment.")
        try:
            body = await _body(request, self._options.limits.body_s)
            reply = await self._joining.join(read_request(body), time.time())
        except StoreGone:
            raise NotLetIn(503, "busy", "The server cannot reach its rooms at the moment.") from None
        return _plain(reply, _host_of(request.headers))

    async def metrics(self, request: Request) -> Response:
        """Answer `GET /metrics`, to who has its token (RFC 6750)."""
        token = self._options.metrics_token
        shown = request.headers.get("authorization", "").encode()
        if not token or not hmac.compare_digest(shown, b"Bearer " + token):
            return PlainTextResponse("Not Found", 404)
        held = self._relay.held()
        gauges = {"connections": len(held), "rooms": len({one.room for one in held}), **self._gauges}
        return PlainTextResponse(
            self._metrics.text(gauges),
            headers={"Cache-Control": "no-store"},
            media_type="text/plain; version=0.0.4",
        )


def _plain(reply: JoinReply, host: str) -> Mapping[str, object]:
    """The answer as JSON's own types; `host` is the name that people know this server by."""
    plain = asdict(reply)
    del plain["upload"]
    if reply.upload is not None:
        plain["upload"] = replace(reply.upload, to=host).to_plain()
    return plain


def _host_of(headers: Headers) -> str:
    return headers.get("host", "")[:200]


async def _body(request: Request, within_s: float) -> str:
    """The body, as long as it is neither too long nor too slow. Raises NotLetIn."""
    body = b""
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise NotLetIn(400, "bad", "The request to join is too long.")
    except (TimeoutError, ClientDisconnect):
        raise NotLetIn(400, "bad", "The request to join did not arrive whole.") from None
    return body.decode(errors="replace")


def _answer(said: Mapping[str, object], status: int = 200) -> Response:
    return JSONResponse(said, status, headers={"Cache-Control": "no-store"})
