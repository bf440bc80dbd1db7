"""The rooms of one server process: its parts, put together, and its answers over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import socketio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from rolltape.room.client import JoinReply, JoinRequest, new_secret
from rolltape.room.messages import Role
from rolltape.server.admission import Gate, address_of, is_foreign
from rolltape.server.hosting import Hosting
from rolltape.server.joining import Joining, NotLetIn, read_request
from rolltape.server.lasting import lasting
from rolltape.server.limits import Limiter, Limits
from rolltape.server.memory import MemoryStore
from rolltape.server.metrics import Metrics
from rolltape.server.presence import Presence
from rolltape.server.relay import MAX_PACKET, Relay
from rolltape.server.socketio_rooms import Groups
from rolltape.server.store import LEASE_S, Store, StoreGone
from rolltape.server.tokens import Tokens
from rolltape.server.turn import Ice

__all__ = ["MAX_BODY", "MAX_PACKET", "Rooms", "RoomsOptions"]

MAX_BODY = 8192
"""Bytes of a request to join."""


@dataclass(frozen=True)
class RoomsOptions:
    """Options of the host for rooms."""

    limits: Limits = field(default_factory=Limits)
    ice: Ice = field(default_factory=Ice)
    metrics_token: bytes = field(default=b"", repr=False)
    """What opens `/metrics`; empty: nothing does."""
    redis_url: str = ""
    """Over which the processes of one server talk; empty: there is one process."""
    lease_s: float = LEASE_S
    """What the store counts a lease by."""
    now_s: Callable[[], float] = time.monotonic
    """A clock that only goes forward."""
    hosting: Hosting = field(default_factory=Hosting)


class Rooms:
    """All rooms; `socket_app` is the ASGI application of their connections."""

    def __init__(
        self, secret: bytes, store: Store | None = None, options: RoomsOptions | None = None
    ) -> None:
        options = options or RoomsOptions()
        self._options = options
        self._store = store or MemoryStore(options.now_s, options.lease_s)
        tokens = Tokens(secret)
        self._metrics = Metrics()
        self._joining = Joining(self._store, tokens, options.ice, options.hosting)
        self._joins = Limiter(options.limits.joins, options.now_s)
        self._groups = self._groups_of(options.redis_url)
        relay = self._relay = Relay(
            self._store, tokens, options.limits, self._metrics, self._groups, options.now_s
        )
        self._presence = Presence(
            self._store, relay.held, relay.tell, relay.seat_again, options.now_s, options.lease_s
        )
        app = socketio.ASGIApp(self._relay.server, socketio_path="")
        self.socket_app = Gate(app, options.limits, self._metrics.refused)
        self._running: asyncio.Task[None] | None = None

    def _groups_of(self, redis_url: str) -> Any:
        if not redis_url:
            return Groups()
        from rolltape.server.redis_pubsub import FanOut

        return FanOut(redis_url, lambda: self._relay.greet_all(), self._metrics.trouble)

    async def start(self) -> None:
        """Begin to keep presence true, and to hear what other processes say."""
        if self._options.redis_url:
            server = self._relay.server
            server.manager_initialized = True
            self._groups.initialize()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await self._groups.subscribed.wait()
        keeping = lasting("presence", self._presence.run, self._metrics.trouble)
        self._running = asyncio.create_task(keeping)

    async def close(self) -> None:
        """End; pages connect again wherever they can."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._relay.server.shutdown()
        if self._options.redis_url:
            await self._groups.close()
        await self._store.close()

    async def open_room(self, room: str, key: str) -> str:
        """Open a room for a key; the guest's invitation. Raises StoreGone."""
        request = JoinRequest(room, Role.DIRECTOR, "", new_secret(), key=key)
        return (await self._joining.join(request, time.time())).invite

    async def join(self, request: Request) -> Response:
        """Answer `POST api/join`."""
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
        return _plain(reply, request.headers.get("host", ""))

    async def metrics(self, request: Request) -> Response:
        """Answer `GET /metrics`, to who has its token (RFC 6750)."""
        token = self._options.metrics_token
        shown = request.headers.get("authorization", "").encode()
        if not token or not hmac.compare_digest(shown, b"Bearer " + token):
            return PlainTextResponse("Not Found", 404)
        held = self._relay.held()
        gauges = {"connections": len(held), "rooms": len({one.room for one in held})}
        return PlainTextResponse(
            self._metrics.text(gauges),
            headers={"Cache-Control": "no-store"},
            media_type="text/plain; version=0.0.4",
        )


def _plain(reply: JoinReply, host: str) -> Mapping[str, object]:
    """The answer as JSON's own types; `host` is the name that the page knows this server by."""
    plain = asdict(reply)
    del plain["upload"]
    if reply.upload is not None:
        plain["upload"] = replace(reply.upload, to=host[:200]).to_plain()
    return plain


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
