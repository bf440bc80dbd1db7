"""Names of takes and parts, and the paths at which a host takes and gives them (`docs/protocol.md`).

Paths are relative to the page's address. Pages make them from names of their own; the server checks with `is_take`
and `is_part` what stands in a request, before a file's name is made of it.
"""

from __future__ import annotations

import re

__all__ = [
    "TAKES",
    "TICKETS",
    "TRACKS",
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
    "tracks_path",
]


TAKES = "api/takes"
"""`GET`: a `Listing`."""
TICKETS = "api/tickets"
"""`POST` a `TicketRequest`, answered with a `Ticket`."""

TRACKS = "api/tracks"
"""`POST` a `TracksRequest`, by a director, answered with `ListedTracks`."""

_TAKE = re.compile(r"[0-9]{13}-[0-9a-f]{8}")
_PART = re.compile(r"part[1-9][0-9]{0,3}")


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
    """Return the name of a take's part, in paths and in the journal. Raises ValueError beyond 1 to 9999."""
    name = f"part{number}"
    if not is_part(name):
        raise ValueError(f"no part has the number {number}")
    return name


def part_number(name: str) -> int:
    """Return the number of the part with this name. Raises ValueError if `is_part` says that it is none."""
    if not is_part(name):
        raise ValueError("it is no name of a part")
    return int(name.removeprefix("part"))


def take_path(take: str, uid: str = "") -> str:
    """`DELETE`: the host deletes the take; 204. A guest withdraws their own; a director names whose it is (`uid`)."""
    return f"{TAKES}/{take}" + (f"?uid={uid}" if uid else "")


def finish_path(take: str, uid: str = "") -> str:
    """`POST`, by a director: what has arrived is finished without its guest. A `Listing` of it; 202: ask again."""
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


def tracks_path(session: str) -> str:
    """`DELETE`, by a director: no more of the session's tracks is made; 204. What is made stays."""
    return f"{TRACKS}/{session}"
