"""STUN and TURN for the pages: a relay's credentials that run out (coturn's `use-auth-secret`)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field

from rolltape.room.messages import IceServer

__all__ = ["CREDENTIAL_S", "Ice"]

CREDENTIAL_S = 12 * 3600
"""Longer than any recording; each connection to the room brings new ones."""


@dataclass(frozen=True)
class Ice:
    """The STUN and TURN servers that pages may use to find each other (RFC 8445)."""

    stun_urls: tuple[str, ...] = ()
    turn_urls: tuple[str, ...] = ()
    turn_secret: bytes = field(default=b"", repr=False)

    @property
    def open_servers(self) -> tuple[IceServer, ...]:
        """Return the ICE servers for whoever asks: STUN only, which relays nothing and needs no credentials."""
        return (IceServer(self.stun_urls),) if self.stun_urls else ()

    def servers(self, uid: str, now_s: float) -> tuple[IceServer, ...]:
        """Return the ICE servers for one page, with credentials that expire: the user name is `expiry:uid`."""
        if not self.turn_urls:
            return self.open_servers
        username = f"{int(now_s) + CREDENTIAL_S}:{uid}"
        digest = hmac.new(self.turn_secret, username.encode(), hashlib.sha1).digest()
        return (*self.open_servers, IceServer(self.turn_urls, username, b64encode(digest).decode()))
