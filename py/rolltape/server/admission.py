"""In front of the connections: how many an address has, how long a stranger may stay, how slowly one may read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rolltape.server.limits import Limiter, Limits
from rolltape.server.packet import is_spoken_here

__all__ = ["VISIT", "Gate", "Visit", "address_of", "is_foreign"]

VISIT = "rolltape.visit"
"""Under which a connection's scope carries its `Visit`."""
STRANGER_FRAMES = 20
GONE: Message = {"type": "websocket.disconnect", "code": 1008}

log = logging.getLogger(__name__)


@dataclass
class Visit:
    """One connection, from before it is let in until it is over."""

    address: str
    is_in: bool = False
    is_over: bool = False
    heard: int = 0
    waiting: asyncio.Timeout | None = None
    """For the page's next word."""

    def end(self) -> None:
        """Hear no more from this connection: what it was told is still sent, then it closes."""
        self.is_over = True
        if self.waiting is not None:
            self.waiting.reschedule(0)


class Gate:
    """ASGI middleware around Socket.IO's application."""

    def __init__(self, app: ASGIApp, limits: Limits, count: Callable[[str], None]) -> None:
        self._app = app
        self._limits = limits
        self._arrivals = Limiter(limits.joins, time.monotonic)
        self._count = count
        self._held: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a WebSocket pass, or not."""
        if scope["type"] != "websocket":
            await PlainTextResponse("Rooms are reached by WebSocket only.\n", 400)(scope, receive, send)
            return
        visit = Visit(address_of(scope))
        why = self._refusal(scope, visit.address)
        if why:
            self._count(why)
            log.info("A connection was refused.", extra={"address": visit.address, "why": why})
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        scope[VISIT] = visit
        self._held[visit.address] += 1
        try:
            hearing = _Hearing(visit, receive, self._limits, self._count)
            await self._app(scope, hearing, _Saying(visit, send, self._limits.unread_s))
        finally:
            self._held[visit.address] -= 1
            if not self._held[visit.address]:
                del self._held[visit.address]

    def _refusal(self, scope: Scope, address: str) -> str:
        if is_foreign(scope):
            return "foreign_origin"
        if self._held[address] >= self._limits.connections:
            return "too_many_connections"
        return "" if self._arrivals.allows(address) else "too_many_arrivals"


class _Hearing:
    """What a connection says, for as long as it may."""

    def __init__(self, visit: Visit, receive: Receive, limits: Limits, count: Callable[[str], None]) -> None:
        self._visit, self._receive, self._count = visit, receive, count
        self._frames = Limiter(limits.frames, time.monotonic)
        self._until = time.monotonic() + limits.stranger_s

    async def __call__(self) -> Message:
        visit = self._visit
        left_s = None if visit.is_in else self._until - time.monotonic()
        try:
            async with asyncio.timeout(left_s) as visit.waiting:
                event = GONE if visit.is_over else await self._receive()
        except TimeoutError:
            return GONE if visit.is_over else self._end("stranger")
        finally:
            visit.waiting = None
        if event["type"] != "websocket.receive":
            return event
        visit.heard += 1
        if not visit.is_in and visit.heard > STRANGER_FRAMES:
            return self._end("stranger")
        if not self._frames.allows(""):
            return self._end("flood")
        return event if is_spoken_here(event.get("text")) else self._end("not_spoken_here")

    def _end(self, why: str) -> Message:
        self._visit.is_over = True
        self._count(why)
        log.info("A connection was ended.", extra={"address": self._visit.address, "why": why})
        return GONE


class _Saying:
    """What a connection is told, for as long as it listens."""

    def __init__(self, visit: Visit, send: Send, unread_s: float) -> None:
        self._visit, self._send = visit, send
        self._unread_s = unread_s
        self._is_stuck = False

    async def __call__(self, message: Message) -> None:
        if self._is_stuck:
            return
        try:
            async with asyncio.timeout(self._unread_s):
                await self._send(message)
        except TimeoutError:
            self._is_stuck = True
            self._visit.end()
            raise OSError("The page does not read.") from None


def address_of(scope: Scope) -> str:
    """The address a request comes from; behind a trusted proxy the one that it names (uvicorn's doing).

    Of an IPv6 address its network of 64 bits: whoever has one has them all (RFC 7421).
    """
    client = scope.get("client")
    return _network(str(client[0])) if client else ""


def _network(address: str) -> str:
    """What counts as one address.

    >>> _network("2001:db8:0:1:2:3:4:5"), _network("203.0.113.9"), _network("::ffff:203.0.113.9")
    ('2001:db8:0:1::/64', '203.0.113.9', '203.0.113.9')
    """
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))


def is_foreign(scope: Scope) -> bool:
    """True if a page of another origin asks (RFC 6454 section 7): what no browser says is not held against it."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        said = urlsplit(origin)
    except ValueError:
        return True
    host = said.netloc.lower()
    default = {"http": ":80", "https": ":443"}.get(said.scheme, "")
    asked = headers.get("host", "").lower()
    return not host or host.removesuffix(default) != asked.removesuffix(default)
