"""Before a connection: who asks, from where, and how many an address has already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from rolltape.server.limits import Limiter, Limits

__all__ = ["Admission", "address_of", "is_foreign"]


class Admission:
    """Counts the connections of each address, and says which may not be made."""

    def __init__(self, limits: Limits, now_s: Callable[[], float]) -> None:
        self._limits = limits
        self._arrivals = Limiter(limits.joins, now_s)
        self._held: Counter[str] = Counter()

    def refusal(self, scope: Scope) -> str:
        """Return why a WebSocket may not be made, a word for the metrics; empty if it may. An attempt is charged."""
        address = address_of(scope)
        if is_foreign(scope):
            return "foreign_origin"
        if self._held[address] >= self._limits.connections:
            return "too_many_connections"
        return "" if self._arrivals.allows(address) else "too_many_arrivals"

    @contextmanager
    def held(self, address: str) -> Iterator[None]:
        """Count a connection of this address for as long as it lasts; a context manager."""
        self._held[address] += 1
        try:
            yield
        finally:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from; behind a trusted proxy the one that it names (uvicorn's doing).

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
