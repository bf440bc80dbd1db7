"""The secret that signs every token: from the environment, or from a file that is made at the first start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

__all__ = ["BadSecret", "default_file", "given_secret", "load_secret", "new_signing_secret"]

VARIABLE = "ROLLTAPE_SECRET"
SHORTEST = 32
"""Octets: as long as the digest of the signature (RFC 7518 section 3.2)."""


class BadSecret(Exception):
    """The secret cannot be used; a sentence."""


def default_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the secret's file (XDG Base Directory Specification)."""
    state = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "rolltape" / "secret"


def given_secret(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return the secret in the environment; None without one. Raises BadSecret for one that is too short."""
    given = environment.get(VARIABLE, "").strip().encode()
    if given and len(given) < SHORTEST:
        raise BadSecret(f"{VARIABLE} is too short: it needs {SHORTEST} characters or more.")
    return given or None


def load_secret(path: Path) -> bytes:
    """Return the secret in this file, which is made if there is none, for its owner only. Raises BadSecret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(new_signing_secret())
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSecret(f"The secret cannot be kept in {path}: {error.strerror}.") from None
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise BadSecret(f"The secret in {path} cannot be read: {error.strerror}.") from None
    if len(found) < SHORTEST:
        raise BadSecret(f"The secret in {path} is too short: delete the file, and a new one is made.")
    return found


def new_signing_secret() -> bytes:
    """Make a secret of SHORTEST random octets, as base64url."""
    return secrets.token_urlsafe(SHORTEST).encode()
