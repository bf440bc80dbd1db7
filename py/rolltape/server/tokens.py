"""What shows that somebody may: signed tokens (JWT, RFC 7519) for a connection and for a guest's invitation."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt

from rolltape.room.messages import Role
from rolltape.server.ownership import Claim

__all__ = ["SESSION_S", "BadToken", "Invitation", "Session", "Tokens", "page_mark"]

SESSION_S = 600
INVITATION_S = 30 * 24 * 3600
ALGORITHM = "HS256"


class BadToken(Exception):
    """Not signed here, run out, or of another kind."""


@dataclass(frozen=True)
class Session:
    """What a connection is made with."""

    room: str
    role: Role
    uid: str
    label: str = ""
    invited: bool = True
    claim: Claim | None = None
    """Whose the room was when they were let in."""
    mark: str = ""
    """Of the page, by its secret (`page_mark`)."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    """A token opens one connection."""

    @property
    def key_id(self) -> str:
        """Which director's key this goes back to; empty: none."""
        return self.claim.key_id if self.claim else ""


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
            jti=session.id,
            room=session.room,
            role=session.role,
            uid=session.uid,
            label=session.label,
            invited=session.invited,
            mark=session.mark,
            **_claim_said(session.claim),
        )

    def read_session(self, token: str) -> Session:
        """Read a session token. Raises BadToken."""
        said = self._read("session", token)
        return Session(
            said["room"],
            Role(said["role"]),
            said["uid"],
            said["label"],
            said["invited"],
            _claim_read(said),
            said["mark"],
            said["jti"],
        )

    def invitation(self, invitation: Invitation) -> str:
        """A token for a guest's link, good for thirty days."""
        return self._sign("invite", INVITATION_S, room=invitation.room, **_claim_said(invitation.claim))

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


def page_mark(secret: str) -> str:
    """What stands for a page's secret where the secret itself must not be seen."""
    return urlsafe_b64encode(hashlib.sha256(b"page\n" + secret.encode()).digest()).decode()[:22]


def _claim_said(claim: Claim | None) -> dict[str, object]:
    return {} if claim is None else {"key_id": claim.key_id, "opened_ms": claim.opened_ms}


def _claim_read(said: dict[str, Any]) -> Claim | None:
    return Claim(said["key_id"], said["opened_ms"]) if "key_id" in said else None
