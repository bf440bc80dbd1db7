"""The names that a server goes by: a page of another site must not reach it by giving its own name our address.

That is DNS rebinding: the browser then takes the two for one origin. Whoever asks by an address, or by `localhost`,
has named no site.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Hosts", "OwnHosts"]

log = logging.getLogger(__name__)


class Hosts:
    """Names that are ours; `*.example.org` stands for all names below, `*` for all there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {"localhost", "*.localhost", *(name.lower() for name in names)}

    def has(self, host: str) -> bool:
        """True if a `Host` header (RFC 9110 section 7.2) names us.

        >>> hosts = Hosts(["record.example.org"])
        >>> [hosts.has(one) for one in ("record.example.org:443", "[::1]:8000", "192.0.2.1", "evil.example")]
        [True, True, True, False]
        """
        name = _name(host.strip().lower())
        if not name or _is_address(name):  # no browser leaves it out
            return True
        below = {f"*.{name.split('.', count)[count]}" for count in range(1, name.count(".") + 1)}
        return not self._names.isdisjoint({name, "*", *below})


class OwnHosts:
    """Answers 421 (RFC 9110 section 15.5.20) to whoever asks for another name."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it asks for one of our names; else answer 421, or close the WebSocket."""
        host = "" if scope["type"] == "lifespan" else Headers(scope=scope).get("host", "")
        if scope["type"] == "lifespan" or self._hosts.has(host):
            await self._app(scope, receive, send)
            return
        log.info("Somebody asked for another name.", extra={"host": host[:200], "why": "foreign_host"})
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        text = "This server does not go by that name. Whoever runs it can add the name with --allowed-host.\n"
        await PlainTextResponse(text, 421)(scope, receive, send)


def _name(host: str) -> str:
    """Without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
