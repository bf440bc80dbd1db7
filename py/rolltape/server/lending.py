"""What a page is given of what the host lends: credentials for its TURN relay, a token for its disk."""

from __future__ import annotations

from dataclasses import dataclass

from rolltape.arrivals.wire import UploadOffer
from rolltape.room.messages import IceServer
from rolltape.server.hosting import Hosting
from rolltape.server.tokens import UPLOAD_S, Tokens, UploadClaims
from rolltape.server.turn import Ice

__all__ = ["Lending", "Lent"]


@dataclass(frozen=True)
class Lent:
    """What one page is given, in the answer to its join or in its welcome."""

    ice_servers: tuple[IceServer, ...]
    upload: UploadOffer | None
    """None: this host keeps none of its takes."""


@dataclass(frozen=True)
class Lending:
    """Gives pages what their host lends, when they join and now and then: ICE servers, and a place for takes."""

    hosting: Hosting
    ice: Ice
    tokens: Tokens

    def to(self, page: UploadClaims, hosted: bool, now_s: float) -> Lent:
        """Return what this page is given at `now_s` (since 1970); `hosted`: its room is one that the host lends to.

        A room that is nobody's (no key id) has nowhere to keep takes.
        """
        if not hosted:
            return Lent(self.ice.open_servers, None)
        keeps = self.hosting.keeps_takes and bool(page.key_id)
        until_ms = round((now_s + UPLOAD_S) * 1000)
        offer = UploadOffer(self.tokens.upload(page), until_ms) if keeps else None
        return Lent(self.ice.servers(page.uid, now_s), offer)
