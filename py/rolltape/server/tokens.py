"""What shows that somebody may: signed tokens (JWT, RFC 7519) for a connection and for a guest's invitation."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, TypeVar

import jwt

from rolltape.room.messages import Role
from rolltape.server.ownership import Claim

__all__ = [
    "SESSION_S",
    "UPLOAD_S",
    "BadToken",
    "DownloadClaims",
    "Invitation",
    "SessionClaims",
    "Tokens",
    "UploadClaims",
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
class SessionClaims:
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
class UploadClaims:
    """Upload token: what a page sends its takes with, and sees those that have arrived."""

    room: str
    key_id: str
    """Whose room it is: another director's room of the same name is another one."""
    role: Role
    uid: str


@dataclass(frozen=True)
class DownloadClaims:
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
    track: str = ""
    """Name of a file that was made of the session; empty: it is the zip."""


_Signed = TypeVar("_Signed", SessionClaims, Invitation, UploadClaims, DownloadClaims)


class Tokens:
    """Signs and reads tokens (JWT, HS256) with one secret; `now_s` is the time, seconds since 1970.

    A token is not taken back before it runs out, but by another secret. Each kind has its audience, so that none is
    read as another.
    """

    def __init__(self, secret: bytes, now_s: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._now_s = now_s

    def session(self, session: SessionClaims) -> str:
        """Sign a token for one connection, good for ten minutes; that it is used once is the store's to see to."""
        return self._sign("session", SESSION_S, session)

    def read_session(self, token: str) -> SessionClaims:
        """Read a session token. Raises BadToken."""
        return self._read("session", token, SessionClaims)

    def invitation(self, invitation: Invitation) -> str:
        """Sign an invitation for a guest's link, good for thirty days, for any number of guests."""
        return self._sign("invite", INVITATION_S, invitation)

    def read_invitation(self, token: str) -> Invitation:
        """Read an invitation. Raises BadToken."""
        return self._read("invite", token, Invitation)

    def upload(self, upload: UploadClaims) -> str:
        """Sign a token for the takes of one page, good for thirty days."""
        return self._sign("upload", UPLOAD_S, upload)

    def read_upload(self, token: str) -> UploadClaims:
        """Read an upload token. Raises BadToken."""
        return self._read("upload", token, UploadClaims)

    def ticket(self, download: DownloadClaims) -> str:
        """Sign a ticket for one download, good for twelve hours, for whoever has it."""
        return self._sign("ticket", TICKET_S, download)

    def read_ticket(self, token: str) -> DownloadClaims:
        """Read a ticket. Raises BadToken."""
        return self._read("ticket", token, DownloadClaims)

    def _sign(self, use: str, lasts_s: int, what: _Signed) -> str:
        said = _said(what) | {"aud": use, "exp": int(self._now_s()) + lasts_s}
        return jwt.encode(said, self._secret, algorithm=ALGORITHM)

    def _read(self, use: str, token: str, kind: type[_Signed]) -> _Signed:
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
        return _made(kind, said)


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


def _said(what: _Signed) -> dict[str, object]:
    """The claims (RFC 7519 section 4) of a token, without its audience and its end."""
    said = dict(vars(what))
    if "id" in said:
        said["jti"] = said.pop("id")
    claim = said.pop("claim", None)
    return said | (vars(claim) if isinstance(claim, Claim) else {})


def _made(kind: type[_Signed], said: Mapping[str, Any]) -> _Signed:
    """What `_said` wrote, also before the newest fields were there: these are as by default."""
    names = {one.name for one in fields(kind)}
    found = {name: said[name] for name in names if name in said}
    if "role" in names:
        found["role"] = Role(said["role"])
    if "id" in names:
        found["id"] = said["jti"]
    if "claim" in names and "key_id" in said:
        found["claim"] = Claim(said["key_id"], said["opened_ms"], said.get("held_ms", 0))
    return kind(**found)
