"""Whose a room is: the key that opened it first, as long as it is used."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

__all__ = ["CLAIM_S", "UNUSED_S", "Claim", "goes_before", "key_id"]

CLAIM_S = 24 * 3600
"""For how long a room with nobody in it still belongs to the key that opened it."""
UNUSED_S = 600
"""The same where nobody has been in the room yet: joining alone keeps no name for long."""


@dataclass(frozen=True)
class Claim:
    """Claim on a room: the id of the key that opened it, and when (milliseconds since 1970 by the store's clock)."""

    key_id: str
    opened_ms: int
    held_ms: int = field(default=0, compare=False)
    """When it was last known to hold: when the store was asked."""


def goes_before(shown: Claim, held: Claim, since_ms: int) -> bool:
    """True if a claim that somebody shows, signed by this server, takes the place of the one that is held.

    Only where the store forgot it: it remembers nothing from before `since_ms`. What it has seen since has run out,
    or it would hold now; and a claim that had run out by the time the held one was made is worth nothing either.

    >>> goes_before(Claim("a", 1, 5), Claim("b", 9), since_ms=8)
    True
    >>> goes_before(Claim("a", 1, 5), Claim("b", 9), since_ms=2)
    False
    """
    forgotten = shown.opened_ms < held.opened_ms and shown.held_ms <= since_ms
    return forgotten and held.opened_ms - shown.held_ms < CLAIM_S * 1000


def key_id(key: str) -> str:
    """Return the public fingerprint of a director's key (truncated SHA-256), safe to log and to send."""
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()[:16]
