"""What a page notes of an upload in the take's own folder, so that the next visit goes on without a room.

`takes/ID/upload.jsonl` is a log like the take's own: lines that are appended, the last of a kind counts, and a torn
line is passed over. What the host holds is asked of the host; the notes say how to ask, and what was proven already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rolltape.arrivals.segments import Account, Segment
from rolltape.arrivals.upload_state import UploadState
from rolltape.core.json_fields import Fields, json_line

__all__ = ["NOTES", "Choice", "PartNote", "UploadNotes", "read_notes"]

NOTES = "upload.jsonl"
"""The file of an upload's notes, in the take's folder of the journal, beside the take's own log."""

_KEPT_STATES = (UploadState.ARRIVED, UploadState.REFUSED, UploadState.WITHDRAWN)


class Choice(StrEnum):
    """What a guest agreed to; the value is `upload-choice`'s."""

    NOW = "now"
    """Send while recording."""
    AFTER = "after"
    """Send when the recording is over."""
    NO = "no"
    """Do not send."""


@dataclass(frozen=True)
class PartNote:
    """What the host had acknowledged of one part when that was noted."""

    account: Account
    head: Segment | None = None
    """The header as it was sent, if it is to be sent once more; None: it is not."""


@dataclass(frozen=True)
class UploadNotes:
    """Notes of one take's upload: whom to ask, with which token, and how far it was."""

    token: str = field(repr=False)
    to: str
    """The host's name, for people."""
    room: str = ""
    """The room's name, for people."""
    choice: Choice = Choice.NOW
    segment_max: int = 1 << 20
    """Bytes of one segment at most, by the host's word."""
    state: UploadState = UploadState.OFF
    """`ARRIVED`, `REFUSED` or `WITHDRAWN` where it is over; `PAUSED` where the guest paused it; `OFF`: it goes on."""
    why: str = ""
    """A sentence for people on `state`; may be empty."""
    parts: Mapping[str, PartNote] = field(default_factory=dict)
    """By the part's name, `part1` …"""

    @property
    def is_over(self) -> bool:
        """True if nothing is to be sent any more."""
        return self.state in _KEPT_STATES or self.choice is Choice.NO

    def head_line(self) -> str:
        """Write the line that says who asks, and for what. It holds the token: the journal is the origin's own."""
        return json_line(
            {
                "v": 1,
                "token": self.token,
                "to": self.to,
                "room": self.room,
                "choice": self.choice,
                "segment_max": self.segment_max,
            }
        )


def state_line(state: UploadState, why: str = "") -> str:
    """Write the line for a state, with a sentence for people on it."""
    return json_line({"state": state, "why": why})


def part_line(part: str, note: PartNote) -> str:
    """Write the line for what was acknowledged of a part, `part1` …"""
    account, head = note.account, note.head
    plain = {"part": part, **account.to_plain()}
    if head is not None:
        plain |= {"head": head.length, "sha256": head.sha256}
    return json_line(plain)


def read_notes(log: str) -> UploadNotes | None:
    """Read a log; None if no line says who asks. Never raises: torn lines and unknown ones are passed over."""
    notes: UploadNotes | None = None
    parts: dict[str, PartNote] = {}
    state, why = UploadState.OFF, ""
    for line in filter(str.strip, log.split("\n")):
        try:
            found = Fields.from_own_json(line)
            if found.text_or_none("token") is not None:
                notes = _head(found)
            elif found.text_or_none("state") is not None:
                state, why = found.member("state", UploadState), found.text("why", "")
            elif found.text_or_none("part") is not None:
                parts[found.text("part")] = _part(found)
        except ValueError:
            continue
    return None if notes is None else replace(notes, state=state, why=why, parts=parts)


def _head(found: Fields) -> UploadNotes:
    return UploadNotes(
        found.text("token"),
        found.text("to", ""),
        found.text("room", ""),
        found.member("choice", Choice, Choice.NOW),
        found.whole("segment_max", 1 << 20, low=1),
    )


def _part(found: Fields) -> PartNote:
    account = Account.from_fields(found)
    length = found.whole_or_none("head", low=1)
    head = None if length is None else Segment(0, length, found.text("sha256"))
    return PartNote(account, head)
