"""What page and server say to each other about one part that arrives: JSON bodies and limits (`docs/protocol.md`).

Both sides write and read with these classes. Every request but a ticket's download carries `Authorization: Bearer
TOKEN` (RFC 6750) with the token of the answer to `api/join`. What is refused is answered with a `Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.segments import Account, Segment
from rolltape.core.json_fields import Fields, compact_json

__all__ = [
    "MAX_ACCOUNT_BODY",
    "MAX_SEGMENT",
    "PAGE_OF_SEGMENTS",
    "Announcement",
    "Completion",
    "Held",
    "Segments",
    "UploadOffer",
]
MAX_SEGMENT = 1 << 20
"""Bytes of one segment at most: what proxies let through by default (nginx's `client_max_body_size`)."""
MAX_ACCOUNT_BODY = 1 << 20
"""Bytes of an announcement's and of a completion's body at most."""
PAGE_OF_SEGMENTS = 5000
"""Segments in one answer to `GET …/segments` at most."""
VERSION = 1
_SHA256 = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True)
class UploadOffer:
    """In the answer to `api/join`: this server keeps the takes of this page. Without it nothing is sent."""

    token: str = field(repr=False)
    until_ms: int
    """When the token runs out, milliseconds since 1970."""
    segment_max: int = MAX_SEGMENT
    """Bytes of one segment at most, by this server's word."""
    to: str = ""
    """The host's name, for people."""

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types: the field `upload` of the answer."""
        return {
            "token": self.token,
            "until": self.until_ms,
            "segment_max": self.segment_max,
            "to": self.to,
        }

    @classmethod
    def from_fields(cls, found: Fields) -> UploadOffer:
        """Read what `to_plain` wrote. Raises ValueError."""
        return cls(
            found.text("token", limit=4000),
            found.whole("until"),
            found.whole("segment_max", low=1),
            found.text("to", "", 300),
        )


@dataclass(frozen=True)
class Announcement:
    """The page announces a part that is about to arrive, or goes on; again at any time, and the newest counts."""

    type: str
    """The MIME type of its file."""
    take: Mapping[str, object]
    """The take as it now is, as its log has it (`take_log.plain_take`)."""
    end: int | None = None
    """The host drops what it holds beyond this byte, which must be the end of a segment. None: it drops nothing."""

    def to_json(self) -> str:
        """Write the body of the request."""
        return compact_json({"v": VERSION, "type": self.type, "take": self.take, "end": self.end})

    @classmethod
    def from_json(cls, text: str) -> Announcement:
        """Read a body. Raises ValueError, with words for a sentence, where it is not as `to_json` writes it."""
        found = _versioned(text)
        return cls(found.text("type", limit=200), found.inner("take").plain(), found.whole_or_none("end"))


@dataclass(frozen=True)
class Held:
    """The host's answer to an announcement and a completion: what it holds of the part, on its disk."""

    account: Account
    state: ArrivalState = ArrivalState.OPEN
    name: str = ""
    """Name of its file at the host, once it is complete or cut."""
    sha256: str = ""
    """SHA-256 of the whole file, in hexadecimal digits, once it is known."""

    def to_json(self) -> str:
        """Write the body of the answer."""
        return compact_json(
            {
                **self.account.to_plain(),
                "state": self.state,
                "name": self.name,
                "sha256": self.sha256,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Held:
        """Read a body. Raises ValueError, with words for a sentence, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        return cls(
            Account.from_fields(found),
            found.member("state", ArrivalState),
            found.text("name", "", 400),
            found.text("sha256", "", 64),
        )


@dataclass(frozen=True)
class Segments:
    """Some of the segments that the host holds of a part, in order."""

    segments: tuple[Segment, ...]
    following: int | None = None
    """Where in the list the next answer begins; None: these were the last."""

    def to_json(self) -> str:
        """Write the body of the answer; a segment is `[at, length, SHA-256 in base64]`."""
        rows = [[one.at, one.length, one.sha256] for one in self.segments]
        return compact_json({"segments": rows, "following": self.following})

    @classmethod
    def from_json(cls, text: str) -> Segments:
        """Read a body. Raises ValueError, with words for a sentence, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        rows = found.plain().get("segments")
        if not isinstance(rows, list) or len(rows) > PAGE_OF_SEGMENTS:
            raise ValueError("segments is not a list, or too long")
        return cls(tuple(map(_segment, rows)), found.whole_or_none("following"))


@dataclass(frozen=True)
class Completion:
    """The page says that a part is over, and what its file is: the host compares its own account with this one."""

    account: Account
    take: Mapping[str, object]
    """The take as it is at the end (`take_log.plain_take`)."""
    clock: Mapping[str, object] | None = None
    """What its page noted of clocks (`ClockLog.to_plain`), for the session file; None: nothing."""

    def to_json(self) -> str:
        """Write the body of the request."""
        clock = {} if self.clock is None else {"clock": self.clock}
        return compact_json({"v": VERSION, **self.account.to_plain(), "take": self.take, **clock})

    @classmethod
    def from_json(cls, text: str) -> Completion:
        """Read a body. Raises ValueError, with words for a sentence, where it is not as `to_json` writes it."""
        found = _versioned(text)
        clock = found.inner_or_none("clock")
        return cls(
            Account.from_fields(found),
            found.inner("take").plain(),
            None if clock is None else clock.plain(),
        )


def _versioned(text: str) -> Fields:
    found = Fields.from_json(text)
    if found.whole("v") != VERSION:
        raise ValueError("it is of another version; reload the page")
    return found


def _segment(row: object) -> Segment:
    if not isinstance(row, list) or len(row) != 3:
        raise ValueError("a segment is not three values")
    named = Fields(dict(zip(("at", "length", "sha256"), row, strict=True)))
    sha256 = named.text("sha256")
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a segment has no SHA-256")
    return Segment(named.whole("at"), named.whole("length", low=1), sha256)
