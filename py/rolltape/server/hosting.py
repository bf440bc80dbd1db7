"""Whose rooms the host lends what it has, its disk for their takes and its TURN relay: everybody's, or its own.

Who only knows the address of a server must not fill its disk or use its line. A room is the host's own if its
director's key was made from the host's key (`room/host_key.py`); its guests show that by their invitation.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from rolltape.room.host_key import hosted_key, salt_of

__all__ = ["Hosting", "host_key_of"]


@dataclass(frozen=True)
class Hosting:
    """What the host lends, and to whom."""

    host_key: str = field(default="", repr=False)
    for_all: bool = True
    """True where every room is as good as the host's own: nobody else reaches this server, or its host says so."""
    keeps_takes: bool = False

    def is_own(self, room: str, key: str) -> bool:
        """True if a room with this director's key is one that the host lends to."""
        if self.for_all:
            return True
        made = hosted_key(self.host_key, room, salt_of(key))
        return bool(self.host_key) and hmac.compare_digest(made.encode(), key.encode())


def host_key_of(secret: bytes) -> str:
    """Return the host's key, which follows from the secret that signs everything: the same in all its processes.

    >>> host_key_of(b"s" * 40) == host_key_of(b"s" * 40) != host_key_of(b"t" * 40)
    True
    """
    digest = hmac.new(secret, b"host's key\n", "sha256").digest()
    return urlsafe_b64encode(digest).decode()[:22]
