"""What page and server say to each other while takes arrive: paths, JSON, limits, problems (`docs/protocol.md`).

Paths are relative to the page's address. Every request but a ticket's download carries `Authorization: Bearer TOKEN`
with the token of the answer to `api/join`. What is refused is answered with a `Problem` (RFC 9457), whose `detail` is
a sentence for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rolltape.arrivals.segments import Account, Segment
from rolltape.core.json_fields import Fields

__all__ = [
    "MAX_ACCOUNT_BODY",
    "MAX_SEGMENT",
    "PAGE_OF_SEGMENTS",
    "PROBLEM_TYPE",
    "TAKES",
    "TICKETS",
    "Announcement",
    "ArrivalState",
    "ArrivedPart",
    "ArrivedTake",
    "Completion",
    "Held",
    "Listing",
    "Problem",
    "ProblemKind",
    "Segments",
    "Ticket",
    "TicketRequest",
    "UploadOffer",
    "complete_path",
    "finish_path",
    "is_part",
    "is_take",
    "part_name",
    "part_number",
    "part_path",
    "segment_path",
    "segments_path",
    "take_path",
]

TAKES = "api/takes"
TICKETS = "api/tickets"
MAX_SEGMENT = 1 << 20
"""Bytes of one segment: what proxies let through by default (nginx's `client_max_body_size`)."""
MAX_ACCOUNT_BODY = 1 << 20
"""Bytes of an announcement and of a completion."""
PAGE_OF_SEGMENTS = 5000
"""Segments in one answer to `GET …/segments`."""
PROBLEM_TYPE = "application/problem+json"
VERSION = 1

_TAKE = re.compile(r"[0-9]{13}-[0-9a-f]{8}")
_PART = re.compile(r"part[1-9][0-9]{0,3}")
_SHA256 = re.compile(r"[A-Za-z0-9+/]{43}=")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_take(id: str) -> bool:
    """True if a text can be the id of a take: when it began, and eight random digits.

    >>> is_take("1764381600000-0a1b2c3d"), is_take("../1764381600000-0a1b2c3d")
    (True, False)
    """
    return _TAKE.fullmatch(id) is not None


def is_part(name: str) -> bool:
    """True if a text can be the name of a part, as the journal has it: `part1` to `part9999`."""
    return _PART.fullmatch(name) is not None


def part_name(number: int) -> str:
    """The name of a take's part, in paths and in the journal. Raises ValueError where there is none."""
    name = f"part{number}"
    if not is_part(name):
        raise ValueError(f"no part has the number {number}")
    return name


def part_number(name: str) -> int:
    """The number of the part with this name. Raises ValueError."""
    if not is_part(name):
        raise ValueError("it is no name of a part")
    return int(name.removeprefix("part"))


def take_path(take: str, uid: str = "") -> str:
    """`DELETE`: the take goes. A director names whose it is."""
    return f"{TAKES}/{take}" + (f"?uid={uid}" if uid else "")


def finish_path(take: str, uid: str = "") -> str:
    """`POST`: what has arrived is finished without its guest; a `Listing` of it, 202 while it is under way."""
    return f"{TAKES}/{take}/finish" + (f"?uid={uid}" if uid else "")


def part_path(take: str, part: str) -> str:
    """`PUT` an `Announcement`, answered with `Held`."""
    return f"{TAKES}/{take}/{part}"


def segments_path(take: str, part: str, start: int = 0) -> str:
    """`GET`: `Segments`, from the one with this place in the list on."""
    return f"{TAKES}/{take}/{part}/segments" + (f"?start={start}" if start else "")


def segment_path(take: str, part: str, at: int) -> str:
    """`PUT` the bytes of a segment, with `Content-Length` and `Content-Digest`; answered with 204."""
    return f"{TAKES}/{take}/{part}/{at}"


def complete_path(take: str, part: str) -> str:
    """`POST` a `Completion`, answered with `Held`: 200 if it is complete, 202 while it is still being compared."""
    return f"{TAKES}/{take}/{part}/complete"


class ArrivalState(StrEnum):
    """States of a part at the host; of a take, the one of its parts that comes first here."""

    OPEN = "open"
    """More is expected."""
    PROVING = "proving"
    """All of it is there, and what lies on the disk is compared with what was acknowledged."""
    CUT = "cut"
    """Finished from what had arrived, without the guest; what is missing is told with it."""
    COMPLETE = "complete"
    """Byte for byte what the guest's machine holds, under its name."""
    DELETED = "deleted"


@dataclass(frozen=True)
class UploadOffer:
    """In the answer to `api/join`: this server keeps the takes of this page. Without it nothing is sent."""

    token: str = field(repr=False)
    until_ms: int
    """When the token runs out, milliseconds since 1970."""
    segment_max: int = MAX_SEGMENT
    to: str = ""
    """The host's name, for people."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON's own types: the field `upload` of the answer."""
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
    """A part of a take is about to arrive, or goes on. It may be said again at any time: the newest counts."""

    type: str
    """The MIME type of its file."""
    take: Mapping[str, object]
    """The take as it now is, as its log has it (`take_log.plain_take`)."""
    end: int | None = None
    """What is there beyond this byte is dropped; it must be where a segment ends. None: nothing is."""

    def to_json(self) -> str:
        """The body of the request."""
        return _json({"v": VERSION, "type": self.type, "take": self.take, "end": self.end})

    @classmethod
    def from_json(cls, text: str) -> Announcement:
        """Read a body. Raises ValueError."""
        found = _versioned(text)
        return cls(found.text("type", limit=200), found.inner("take").plain(), found.whole_or_none("end"))


@dataclass(frozen=True)
class Held:
    """What the host holds of a part."""

    account: Account
    state: ArrivalState = ArrivalState.OPEN
    name: str = ""
    """Of its file at the host, once it is complete or cut."""
    sha256: str = ""
    """Of the whole file, in hexadecimal digits, once it is known."""

    def to_json(self) -> str:
        """The body of the answer."""
        return _json(
            {
                **_plain_account(self.account),
                "state": self.state,
                "name": self.name,
                "sha256": self.sha256,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Held:
        """Read a body. Raises ValueError."""
        found = Fields.from_json(text)
        return cls(
            _account(found),
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
        """The body of the answer: a segment is `[at, length, SHA-256 in base64]`."""
        rows = [[one.at, one.length, one.sha256] for one in self.segments]
        return _json({"segments": rows, "following": self.following})

    @classmethod
    def from_json(cls, text: str) -> Segments:
        """Read a body. Raises ValueError."""
        found = Fields.from_json(text)
        rows = found.plain().get("segments")
        if not isinstance(rows, list) or len(rows) > PAGE_OF_SEGMENTS:
            raise ValueError("segments is not a list, or too long")
        return cls(tuple(map(_segment, rows)), found.whole_or_none("following"))


@dataclass(frozen=True)
class Completion:
    """A part is over, and this is what its file is."""

    account: Account
    take: Mapping[str, object]
    """The take as it is at the end (`take_log.plain_take`)."""

    def to_json(self) -> str:
        """The body of the request."""
        return _json({"v": VERSION, **_plain_account(self.account), "take": self.take})

    @classmethod
    def from_json(cls, text: str) -> Completion:
        """Read a body. Raises ValueError."""
        found = _versioned(text)
        return cls(_account(found), found.inner("take").plain())


@dataclass(frozen=True)
class ArrivedPart:
    """A part as the list has it."""

    part: str
    state: ArrivalState
    type: str
    bytes: int
    """How much of it has arrived."""
    name: str = ""
    """Of its file, once it is complete or cut."""
    sha256: str = ""
    """Of its file, in hexadecimal digits, once that is known."""
    seen_ms: int = 0
    """When something of it came last, milliseconds since 1970."""
    problem: str = ""
    """A sentence: why it could not be finished, or what it lacks."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON's own types."""
        return dict(vars(self))

    @classmethod
    def from_fields(cls, found: Fields) -> ArrivedPart:
        """Read what `to_plain` wrote. Raises ValueError."""
        part = found.text("part")
        if not is_part(part):
            raise ValueError("part is no name of a part")
        return cls(
            part,
            found.member("state", ArrivalState),
            found.text("type", "", 200),
            found.whole("bytes"),
            found.text("name", "", 400),
            found.text("sha256", "", 64),
            found.whole("seen_ms", 0),
            found.text("problem", "", 1000),
        )


@dataclass(frozen=True)
class ArrivedTake:
    """A take as the list has it."""

    uid: str
    """Whose it is."""
    take: str
    session: str
    """The sitting that it belongs to: what one zip holds."""
    label: str
    number: int
    started_at_ms: int
    parts: tuple[ArrivedPart, ...] = ()
    fetched_ms: int | None = None
    """When a director first fetched it; from then on its guest cannot take it back."""
    goes_ms: int | None = None
    """When the host deletes it; None: it does not by itself."""

    @property
    def state(self) -> ArrivalState:
        """Of all its parts together."""
        order = list(ArrivalState)
        return min((part.state for part in self.parts), key=order.index, default=ArrivalState.OPEN)

    @property
    def bytes(self) -> int:
        """How much of it has arrived."""
        return sum(part.bytes for part in self.parts)

    def to_plain(self) -> dict[str, Any]:
        """As JSON's own types."""
        return vars(self) | {"parts": [part.to_plain() for part in self.parts]}

    @classmethod
    def from_fields(cls, found: Fields) -> ArrivedTake:
        """Read what `to_plain` wrote. Raises ValueError."""
        take = found.text("take")
        if not is_take(take):
            raise ValueError("take is no id of a take")
        return cls(
            found.text("uid", limit=100),
            take,
            found.text("session", limit=100),
            found.text("label", "", 400),
            found.whole("number", 0),
            found.whole("started_at_ms", 0),
            tuple(map(ArrivedPart.from_fields, found.rows("parts"))),
            found.whole_or_none("fetched_ms"),
            found.whole_or_none("goes_ms"),
        )


@dataclass(frozen=True)
class Listing:
    """The answer to `GET api/takes`: a director's of the whole room, a guest's of what is theirs."""

    takes: tuple[ArrivedTake, ...]
    """The newest first."""

    def to_json(self) -> str:
        """The body of the answer."""
        return _json({"takes": [take.to_plain() for take in self.takes]})

    @classmethod
    def from_json(cls, text: str) -> Listing:
        """Read a body. Raises ValueError."""
        return cls(tuple(map(ArrivedTake.from_fields, Fields.from_json(text).rows("takes"))))


@dataclass(frozen=True)
class TicketRequest:
    """A director, or a guest for what is theirs, wants a file, or those of a take or session as one zip."""

    session: str = ""
    """The session whose files are wanted, by a director; empty: a take, or one of its files, is."""
    uid: str = ""
    take: str = ""
    part: str = ""
    """Empty: all parts of the take that are there, as one zip."""

    def to_json(self) -> str:
        """The body of the request."""
        return _json(vars(self))

    @classmethod
    def from_json(cls, text: str) -> TicketRequest:
        """Read a body. Raises ValueError."""
        found = Fields.from_json(text)
        wanted = cls(
            found.text("session", "", 100),
            found.text("uid", "", 100),
            found.text("take", "", 40),
            found.text("part", "", 40),
        )
        if not wanted.session and not (is_take(wanted.take) and (not wanted.part or is_part(wanted.part))):
            raise ValueError("neither a session nor a take or its part is named")
        return wanted


@dataclass(frozen=True)
class Ticket:
    """What opens one download for twelve hours; nothing else is asked of who has it."""

    path: str
    """Of the file or the zip, relative to the page's address: `api/files/TICKET/NAME`."""
    size: int
    name: str

    def to_json(self) -> str:
        """The body of the answer."""
        return _json(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Ticket:
        """Read a body. Raises ValueError."""
        found = Fields.from_json(text)
        return cls(found.text("path"), found.whole("size"), found.text("name"))


class ProblemKind(StrEnum):
    """Reasons for a refusal: what a page goes by. The value is the end of the problem's type."""

    BAD_REQUEST = "bad-request"
    """400: it is not as it should be, and would not be the next time."""
    DIGEST = "digest"
    """400: the bytes are not those of their digest. They were bent on the way: put them again."""
    CUT_SHORT = "cut-short"
    """400: fewer bytes came than were told. Put them again."""
    TOKEN = "token"
    """401: the token has run out, or is none: join the room again."""
    FORBIDDEN = "forbidden"
    """403: this page may not."""
    UNKNOWN = "unknown"
    """404: nothing of this take or part is here: announce it."""
    SLOW = "slow"
    """408: nothing came for too long. Put it again."""
    PLACE = "place"
    """409: the segment is neither where the part ends nor one that is there. `account` says what is there."""
    DIFFERENT = "different"
    """409 to a completion: other segments are here (`account`), or what lies on the disk is not what was acknowledged
    (`missing`): put these again, then complete again."""
    COMPLETE = "complete"
    """409: the part is complete or cut; nothing more is taken."""
    FETCHED = "fetched"
    """409: a director has fetched it; it cannot be withdrawn any more."""
    DELETED = "deleted"
    """410: it was deleted or withdrawn. Send nothing more of this take."""
    NO_LENGTH = "no-length"
    """411: Content-Length is missing."""
    TOO_LARGE = "too-large"
    """413: a segment, a body or a part that is larger than any may be."""
    ENCODED = "encoded"
    """415: a body with a Content-Encoding."""
    RATE = "rate"
    """429: too many requests at once. Wait `retry_after_s`, then try again."""
    SERVER = "server"
    """503: something is in the way that may pass. Wait, then try again."""
    FULL = "full"
    """507: the host has no room, or what this guest or room may have is used up. Wait, then try again."""


_URN = "urn:rolltape:problem:"


@dataclass(frozen=True)
class Problem:
    """A refusal (RFC 9457)."""

    kind: ProblemKind
    status: int
    detail: str
    """A sentence for people: what happened, what was kept, what to do."""
    retry_after_s: int | None = None
    """When it may be otherwise; the field `Retry-After` says the same."""
    account: Account | None = None
    """What is here of the part."""
    missing: tuple[tuple[int, int], ...] = ()
    """Where segments begin and how long they are whose bytes are to be put again."""

    def to_json(self) -> str:
        """The body of the answer."""
        more: dict[str, Any] = {}
        if self.retry_after_s is not None:
            more["retry_after_s"] = self.retry_after_s
        if self.account is not None:
            more["held"] = _plain_account(self.account)
        if self.missing:
            more["missing"] = [list(one) for one in self.missing]
        return _json(
            {
                "type": _URN + self.kind,
                "title": self.kind.replace("-", " "),
                "status": self.status,
                "detail": self.detail,
                **more,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Problem:
        """Read a body. Raises ValueError: it is no problem of ours, but a proxy's word, say."""
        found = Fields.from_json(text)
        held = found.inner_or_none("held")
        rows = found.plain().get("missing", [])
        if not isinstance(rows, list):
            raise ValueError("missing is not a list")
        return cls(
            ProblemKind(found.text("type").removeprefix(_URN)),
            found.whole("status", high=999),
            found.text("detail", limit=1000),
            found.whole_or_none("retry_after_s"),
            None if held is None else _account(held),
            tuple(_stretch(row) for row in rows),
        )


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def _versioned(text: str) -> Fields:
    found = Fields.from_json(text)
    if found.whole("v") != VERSION:
        raise ValueError("it is of another version; reload the page")
    return found


def _plain_account(account: Account) -> dict[str, Any]:
    return {"end": account.end, "count": account.count, "digest": account.digest}


def _account(found: Fields) -> Account:
    digest = found.text("digest")
    if not _DIGEST.fullmatch(digest):
        raise ValueError("digest is not 64 hexadecimal digits")
    return Account(found.whole("end"), found.whole("count"), digest)


def _segment(row: object) -> Segment:
    if not isinstance(row, list) or len(row) != 3:
        raise ValueError("a segment is not three values")
    named = Fields(dict(zip(("at", "length", "sha256"), row, strict=True)))
    sha256 = named.text("sha256")
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a segment has no SHA-256")
    return Segment(named.whole("at"), named.whole("length", low=1), sha256)


def _stretch(row: object) -> tuple[int, int]:
    if not isinstance(row, list) or len(row) != 2:
        raise ValueError("missing has what is no stretch")
    named = Fields(dict(zip(("at", "length"), row, strict=True)))
    return named.whole("at"), named.whole("length", low=1)
