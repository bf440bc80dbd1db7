"""Whose a room is: the key that opened it first."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

__all__ = ["CLAIM_S", "Claim", "earlier", "key_id"]

CLAIM_S = 24 * 3600
"""For how long a room with nobody in it still belongs to the key that opened it."""


@dataclass(frozen=True)
class Claim:
    """Whose a room is: the key that opened it, and when (milliseconds since 1970)."""

    key_id: str
    opened_ms: int


def earlier(held: Claim | None, offered: Claim) -> Claim:
    """Which of two claims holds.

    A server that remembers nothing can so be told again whose a room was: by an invitation, which it signed.

    >>> earlier(Claim("a", 2), Claim("b", 1))
    Claim(key_id='b', opened_ms=1)
    """
    return offered if held is None or offered.opened_ms < held.opened_ms else held


def key_id(key: str) -> str:
    """What stands for a director's key where the key itself must not be seen."""
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()[:16]
