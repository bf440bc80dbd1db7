"""What shows that somebody may: signed tokens (JWT, RFC 7519) for a connection and for a guest's invitation."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any

import jwt

from rolltape.room.messages import Role
from rolltape.server.ownership import Claim

__all__ = [
    "SESSION_S",
    "UPLOAD_S",
    "BadToken",
    "Download",
    "Invitation",
    "Session",
    "Tokens",
    "Upload",
    "uid_of",
]

SESSION_S = 600
INVITATION_S = 30 * 24 * 3600
UPLOAD_S = 30 * 24 * 3600
"""Uploads outlive rooms: the next visit goes on with what an earlier one began."""
TICKET_S = 12 * 3600
ALGORITHM = "HS256"


class BadToken(Exception):
    """Not signed here, run out, or of another kind."""


@dataclass(frozen=True)
class Session:
    """Session token: what a connection is made with."""

    room: str
    role: Role
    uid: str
    label: str = ""
    invited: bool = True
    claim: Claim | None = None
    """Whose the room was when they were let in."""
    hosted: bool = False
    """True if the host lends this page its disk and its relay, and so to whom it lets in as a director."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    """A token opens one connection."""

    @property
    def key_id(self) -> str:
        """Which director's key this goes back to; empty: none."""
        return self.claim.key_id if self.claim else ""


@dataclass(frozen=True)
class Invitation:
    """Invitation token: what a guest's link carries."""

    room: str
    claim: Claim
    hosted: bool = False
    """True if the room is the host's own: it lends its disk and its relay to who shows this."""


@dataclass(frozen=True)
class Upload:
    """Upload token: what a page sends its takes with, and sees those that have arrived."""

    room: str
    key_id: str
    """Whose room it is: another director's room of the same name is another one."""
    role: Role
    uid: str


@dataclass(frozen=True)
class Download:
    """Ticket: opens one download, of a part of a take or of a session's files as a zip."""

    room: str
    key_id: str
    uid: str
    """Whose the take is; of a zip, who asked for it."""
    take: str = ""
    part: str = ""
    session: str = ""
    """Of a zip; otherwise empty."""
    made_ms: int = 0
    """What has arrived by then is in the zip: it stays the same while more arrives."""
    directed: bool = False
    """True if a director fetches it."""


class Tokens:
    """Signs and reads tokens (JWT, HS256) with one secret; `now_s` is the time, seconds since 1970.

    A token is not taken back before it runs out, but by another secret. Each kind has its audience, so that none is
    read as another.
    """

    def __init__(self, secret: bytes, now_s: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._now_s = now_s

    def session(self, session: Session) -> str:
        """Sign a token for one connection, good for ten minutes; that it is used once is the store's to see to."""
        return self._sign(
            "session",
            SESSION_S,
            jti=session.id,
            room=session.room,
            role=session.role,
            uid=session.uid,
            label=session.label,
            invited=session.invited,
            hosted=session.hosted,
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
            said.get("hosted", False),
            said["jti"],
        )

    def invitation(self, invitation: Invitation) -> str:
        """Sign an invitation for a guest's link, good for thirty days, for any number of guests."""
        return self._sign(
            "invite",
            INVITATION_S,
            room=invitation.room,
            hosted=invitation.hosted,
            **_claim_said(invitation.claim),
        )

    def read_invitation(self, token: str) -> Invitation:
        """Read an invitation. Raises BadToken."""
        said = self._read("invite", token)
        claim = Claim(said["key_id"], said["opened_ms"], said.get("held_ms", 0))
        return Invitation(said["room"], claim, said.get("hosted", False))

    def upload(self, upload: Upload) -> str:
        """Sign a token for the takes of one page, good for thirty days."""
        return self._sign(
            "upload",
            UPLOAD_S,
            room=upload.room,
            key_id=upload.key_id,
            role=upload.role,
            uid=upload.uid,
        )

    def read_upload(self, token: str) -> Upload:
        """Read an upload token. Raises BadToken."""
        said = self._read("upload", token)
        return Upload(said["room"], said["key_id"], Role(said["role"]), said["uid"])

    def ticket(self, download: Download) -> str:
        """Sign a ticket for one download, good for twelve hours, for whoever has it."""
        return self._sign("ticket", TICKET_S, **vars(download))

    def read_ticket(self, token: str) -> Download:
        """Read a ticket. Raises BadToken."""
        said = self._read("ticket", token)
        return Download(**{one.name: said[one.name] for one in fields(Download)})

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
        except (jwt.InvalidTokenError, ValueError) as error:  # the latter for what is no text of Unicode's
            raise BadToken(str(error)) from None
        if said["exp"] < self._now_s():  # by our own clock, so that tests can turn it
            raise BadToken("It has run out.")
        return dict(said)


def uid_of(secret: str, push: str = "") -> str:
    """Return the uid of the page with this secret; nobody can have it without the secret, on any server, at any time.

    >>> uid_of("s" * 22) == uid_of("s" * 22) != uid_of("t" * 22)
    True
    >>> uid_of("s" * 22, "ada").startswith("ada-")
    True
    """
    digest = sha256(b"page\n" + secret.encode()).digest()
    own = urlsafe_b64encode(digest).decode()[:16]
    return f"{push[:40]}-{own}" if push else own


def _claim_said(claim: Claim | None) -> dict[str, object]:
    return {} if claim is None else vars(claim)


def _claim_read(said: dict[str, Any]) -> Claim | None:
    return Claim(said["key_id"], said["opened_ms"], said["held_ms"]) if "key_id" in said else None
