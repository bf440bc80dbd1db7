"""The key of a room that is opened with the host's key: whoever runs the server sees that its owner may use the host.

The host's key itself is never sent: a room's key is made from it, and nobody else could make one. So a director's
link says all by itself that this room's takes are kept, on any machine, after any restart.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from hashlib import sha256

from rolltape.room.messages import room_key

__all__ = ["hosted_key", "salt_of"]

SALT = 12
"""Characters of a room's key that are random, so that one room's name can have many keys."""


def hosted_key(host_key: str, room: str, salt: str = "") -> str:
    """Make a director's key for a room of this name from the host's key; without `salt` another one each time.

    Pages call it to open a room; the server calls it with `salt_of` a key that it is shown, and compares.

    >>> hosted_key("k" * 22, "Studio ", "s" * 12) == hosted_key("k" * 22, "studio", "s" * 12)
    True
    >>> len(hosted_key("k" * 22, "studio"))
    34
    """
    salt = salt or _text(os.urandom(9))
    inner = sha256(f"{host_key}\n{salt}\n{room_key(room)}".encode()).digest()
    return salt + _text(sha256(host_key.encode() + inner).digest()[:16])


def salt_of(key: str) -> str:
    """Return the random beginning of a director's key; any text has one."""
    return key[:SALT]


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
