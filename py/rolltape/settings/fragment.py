"""What stands behind the `#` of an address: the secrets of a room, which browsers keep from servers and logs.

>>> read_fragment("#key=abc")
Secrets(key='abc', invite='')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Secrets", "read_fragment", "write_fragment"]

_SAFE = re.compile(r"[A-Za-z0-9_.~-]{1,2000}")
"""Keys and tokens are base64url, with full stops between a token's parts."""


@dataclass(frozen=True)
class Secrets:
    """A link's secrets for its room, from the fragment that browsers do not send; empty strings where it has none."""

    key: str = ""
    """A director's key."""
    invite: str = ""
    """A guest's invitation."""


def read_fragment(fragment: str) -> Secrets:
    """Read a fragment, with or without its `#`; never raises, what cannot be a secret is left out."""
    pairs = (pair.partition("=") for pair in fragment.removeprefix("#").split("&"))
    found = {name.strip().lower(): unquote(value).strip() for name, _, value in pairs}
    kept = {name: value for name, value in found.items() if _SAFE.fullmatch(value)}
    return Secrets(kept.get("key", ""), kept.get("invite", ""))


def write_fragment(secrets: Secrets) -> str:
    """Write a fragment, `#` included; empty where there are no secrets."""
    pairs = [f"{name}={value}" for name, value in (("key", secrets.key), ("invite", secrets.invite)) if value]
    return "#" + "&".join(pairs) if pairs else ""
