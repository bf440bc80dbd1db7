"""A refusal of the host, as both sides read it: RFC 9457, with the reasons that a page goes by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rolltape.arrivals.segments import Account
from rolltape.core.json_fields import Fields, compact_json

__all__ = ["PROBLEM_TYPE", "Problem", "ProblemKind"]

PROBLEM_TYPE = "application/problem+json"


class ProblemKind(StrEnum):
    """Reasons for a refusal. A page decides by this alone (`Sender`); the value is the end of the problem's type."""

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
    """A refusal (RFC 9457): the body of an answer of type `application/problem+json`."""

    kind: ProblemKind
    status: int
    """The answer's HTTP status."""
    detail: str
    """A sentence for people: what happened, what was kept, what to do."""
    retry_after_s: int | None = None
    """Seconds until it may be otherwise; the field `Retry-After` says the same."""
    account: Account | None = None
    """What the host holds of the part."""
    missing: tuple[tuple[int, int], ...] = ()
    """Segments whose bytes are to be put again: (offset, length) in bytes."""

    def to_json(self) -> str:
        """Write the body of the answer."""
        more: dict[str, Any] = {}
        if self.retry_after_s is not None:
            more["retry_after_s"] = self.retry_after_s
        if self.account is not None:
            more["held"] = self.account.to_plain()
        if self.missing:
            more["missing"] = [list(one) for one in self.missing]
        return compact_json(
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
        """Read a body. Raises ValueError where it is no problem of ours, but a proxy's page, say."""
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
            None if held is None else Account.from_fields(held),
            tuple(_stretch(row) for row in rows),
        )


def _stretch(row: object) -> tuple[int, int]:
    if not isinstance(row, list) or len(row) != 2:
        raise ValueError("missing has what is no stretch")
    named = Fields(dict(zip(("at", "length"), row, strict=True)))
    return named.whole("at"), named.whole("length", low=1)
