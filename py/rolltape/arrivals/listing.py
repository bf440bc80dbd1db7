"""What lies at the host, as it tells a page: takes with the states of their parts, and tickets to fetch them.

The server writes these (`server/takes.py`), the director's page and a guest's own list read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rolltape.arrivals.paths import is_part, is_take
from rolltape.arrivals.tracks import ListedTracks
from rolltape.core.json_fields import Fields, compact_json

__all__ = ["STILL_MS", "ArrivalState", "ArrivedPart", "ArrivedTake", "Listing", "Ticket", "TicketRequest"]

STILL_MS = 30_000
"""A take of which something came within this time is still arriving, and is not finished without its guest."""


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
class ArrivedPart:
    """A part of a take at the host, in a `Listing`."""

    part: str
    """`part1` to `part9999`."""
    state: ArrivalState
    type: str
    """The MIME type of its file."""
    bytes: int
    """Bytes that have arrived, whole segments only."""
    name: str = ""
    """Of its file, once it is complete or cut."""
    sha256: str = ""
    """Of its file, in hexadecimal digits, once that is known."""
    seen_ms: int = 0
    """When something of it came last, milliseconds since 1970 by the host's clock."""
    problem: str = ""
    """A sentence: why it could not be finished, or what it lacks."""

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types; `from_fields` reads it."""
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
    """A take at the host, in a `Listing`."""

    uid: str
    """The guest's uid in the room."""
    take: str
    """Its id, as in the guest's journal."""
    session: str
    """Name of the session that it belongs to: what one zip holds."""
    label: str
    """The guest's name when it began."""
    number: int
    """Of the guest's takes, from 1."""
    started_at_ms: int
    """Milliseconds since 1970, by the guest's clock."""
    parts: tuple[ArrivedPart, ...] = ()
    fetched_ms: int | None = None
    """When a director first fetched it, milliseconds since 1970; from then on its guest cannot take it back."""
    goes_ms: int | None = None
    """When the host deletes it, milliseconds since 1970; None: not by itself."""

    @property
    def state(self) -> ArrivalState:
        """The state of the part that is least far; `open` without parts."""
        order = list(ArrivalState)
        return min((part.state for part in self.parts), key=order.index, default=ArrivalState.OPEN)

    @property
    def bytes(self) -> int:
        """Bytes that have arrived, over all parts."""
        return sum(part.bytes for part in self.parts)

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types; `from_fields` reads it."""
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
    """The answer to `GET api/takes`: all takes of the room for a director, their own for a guest."""

    takes: tuple[ArrivedTake, ...]
    """The newest first."""
    makes_tracks: bool = False
    """For a director: whether somebody is there who makes tracks of sessions."""
    tracks: tuple[ListedTracks, ...] = ()
    """For a director: what there is of each session's tracks, where they were asked for."""
    now_ms: int | None = None
    """When it was listed, milliseconds since 1970 by the host's clock; None: it did not say."""

    def to_json(self) -> str:
        """Write the body of the answer."""
        takes, tracks = ([one.to_plain() for one in rows] for rows in (self.takes, self.tracks))
        plain = {"takes": takes, "makes_tracks": self.makes_tracks, "tracks": tracks, "now_ms": self.now_ms}
        return compact_json(plain)

    @classmethod
    def from_json(cls, text: str) -> Listing:
        """Read a body. Raises ValueError, with words for a log, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        return cls(
            tuple(map(ArrivedTake.from_fields, found.rows("takes"))),
            found.flag("makes_tracks", False),
            tuple(map(ListedTracks.from_fields, found.rows("tracks"))),
            found.whole_or_none("now_ms"),
        )


@dataclass(frozen=True)
class TicketRequest:
    """A director, or a guest for what is theirs, wants a file, or those of a take or session as one zip.

    Either `session` is named, or `uid` and `take`.
    """

    session: str = ""
    """The session whose files are wanted, by a director; empty: a take, or one of its files, is."""
    uid: str = ""
    take: str = ""
    part: str = ""
    """Empty: all parts of the take that are there, as one zip."""
    track: str = ""
    """Name of a file that was made of the session, which alone is wanted."""

    def to_json(self) -> str:
        """Write the body of the request."""
        return compact_json(vars(self))

    @classmethod
    def from_json(cls, text: str) -> TicketRequest:
        """Read a body. Raises ValueError, with words for a log, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        wanted = cls(
            found.text("session", "", 100),
            found.text("uid", "", 100),
            found.text("take", "", 40),
            found.text("part", "", 40),
            found.text("track", "", 400),
        )
        if not wanted.session and not (is_take(wanted.take) and (not wanted.part or is_part(wanted.part))):
            raise ValueError("neither a session nor a take or its part is named")
        return wanted


@dataclass(frozen=True)
class Ticket:
    """Opens one download for twelve hours. Whoever has its path may fetch the file: no token is asked for."""

    path: str
    """Of the file or the zip, relative to the page's address: `api/files/TICKET/NAME`."""
    size: int
    """Bytes of the file or the zip."""
    name: str
    """The name under which a browser saves it."""

    def to_json(self) -> str:
        """Write the body of the answer."""
        return compact_json(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Ticket:
        """Read a body. Raises ValueError, with words for a log, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        return cls(found.text("path"), found.whole("size"), found.text("name"))
