"""What shows that somebody may: signed tokens (JWT, RFC 7519) for a connection and for a guest's invitation."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from rolltape.room import Role

__all__ = ["BadToken", "Claim", "Invitation", "Session", "Tokens", "key_id", "load_secret"]

SESSION_S = 600
INVITATION_S = 30 * 24 * 3600
ALGORITHM = "HS256"


class BadToken(Exception):
    """Not signed here, run out, or of another kind."""


@dataclass(frozen=True)
class Claim:
    """Whose a room is: the key that opened it, and when (milliseconds since 1970)."""

    key_id: str
    opened_ms: int


@dataclass(frozen=True)
class Session:
    """What a connection is made with."""

    room: str
    role: Role
    uid: str
    key_id: str
    label: str
    invited: bool


@dataclass(frozen=True)
class Invitation:
    """What a guest's link carries."""

    room: str
    claim: Claim


class Tokens:
    """Signs and reads tokens with one secret; `now_s` is the time, seconds since 1970."""

    def __init__(self, secret: bytes, now_s: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._now_s = now_s

    def session(self, session: Session) -> str:
        """A token for one connection, good for ten minutes."""
        return self._sign(
            "session",
            SESSION_S,
            room=session.room,
            role=session.role,
            uid=session.uid,
            key_id=session.key_id,
            label=session.label,
            invited=session.invited,
        )

    def read_session(self, token: str) -> Session:
        """Read a session token. Raises BadToken."""
        said = self._read("session", token)
        return Session(
            said["room"], Role(said["role"]), said["uid"], said["key_id"], said["label"], said["invited"]
        )

    def invitation(self, invitation: Invitation) -> str:
        """A token for a guest's link, good for thirty days."""
        claim = invitation.claim
        return self._sign(
            "invite", INVITATION_S, room=invitation.room, key_id=claim.key_id, opened_ms=claim.opened_ms
        )

    def read_invitation(self, token: str) -> Invitation:
        """Read an invitation. Raises BadToken."""
        said = self._read("invite", token)
        return Invitation(said["room"], Claim(said["key_id"], said["opened_ms"]))

    def _sign(self, use: str, lasts_s: int, **said: object) -> str:
        return jwt.encode(
            {"aud": use, "exp": int(self._now_s()) + lasts_s, **said}, self._secret, algorithm=ALGORITHM
        )

    def _read(self, use: str, token: str) -> dict[str, Any]:
        try:
            said = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=use,
                options={"require": ["exp", "aud"], "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise BadToken(str(error)) from None
        if said["exp"] < self._now_s():  # by our own clock, so that tests can turn it
            raise BadToken("It has run out.")
        return dict(said)


def key_id(key: str) -> str:
    """What stands for a director's key where the key itself must not be seen."""
    digest = hashlib.sha256(key.encode()).digest()
    return urlsafe_b64encode(digest).decode()[:16]


def load_secret(path: Path) -> bytes:
    """The signing secret in this file, made at first with access for its owner only."""
    try:
        found = path.read_bytes().strip()
        if len(found) >= 32:
            return found
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(made)
    return made
