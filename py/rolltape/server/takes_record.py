"""What is written of a take that arrives: whose it is, what became of its parts, and what its guest said of it.

It lies as `take.json` beside what has arrived; a take that was deleted leaves it behind for a while, so that nobody
sends it again.
"""

from __future__ import annotations

import json
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from rolltape.arrivals.listing import ArrivalState, ArrivedPart, ArrivedTake
from rolltape.arrivals.paths import is_part, part_number
from rolltape.arrivals.segments import EMPTY, Account
from rolltape.arrivals.wire import Held
from rolltape.core.json_fields import Fields
from rolltape.core.naming import free_name, safe_name, take_name
from rolltape.core.notice import plain_text, shortened
from rolltape.recording.clock_log import ClockLog
from rolltape.recording.take import SPLIT, Part, ShelfState, Take
from rolltape.recording.take_log import plain_take, read_take
from rolltape.room.messages import room_key
from rolltape.room.report import read_clock
from rolltape.settings.codec import contents

__all__ = ["Owner", "PartRecord", "TakeRecord", "mark", "session_of", "told_take"]

SITTING_MS = 2 * 3600_000
"""Takes with less than this between them are of one session."""
LONGEST_MS = 24 * 3600_000
MAX_LABEL = 100


@dataclass(frozen=True)
class Owner:
    """Whose a take is: a page in a room, which is the room of one director's key."""

    room: str
    """The key of its name (`room_key`)."""
    key_id: str
    uid: str

    @property
    def room_folder(self) -> str:
        """Name of the room's folder: readable, and no other room's."""
        return f"{safe_name(self.room)[:60]}-{mark(self.room, self.key_id)}"

    @property
    def guest_folder(self) -> str:
        """Name of the folder for what arrives of this page."""
        return mark(self.uid)


def mark(*words: str) -> str:
    """Return a folder's name that no other words have: letters and digits that every file system tells apart.

    >>> mark("studio", "key")
    'rzmjaveapznc'
    """
    return b32encode(sha256("\n".join(words).encode()).digest()).decode()[:12].lower()


@dataclass(frozen=True)
class PartRecord:
    """A part of a take: its state, and its file once it has one."""

    part: str
    type: str
    state: ArrivalState = ArrivalState.OPEN
    name: str = ""
    """Name of its file, where it is or is just being put; empty while there is none."""
    bytes: int = 0
    account: Account = EMPTY
    """What had arrived when it was complete or cut."""
    sha256: str = ""
    """Of its file, in hexadecimal digits; empty while it was not read through yet."""
    crc32: int = 0
    """Of its file; valid once there is a SHA-256."""
    done_ms: int = 0
    """When it was complete or cut, milliseconds since 1970."""
    problem: str = ""
    key: str = ""
    """Of its object in the bucket, where it is or is just being put; empty where it is to stay in the folder."""
    is_moved: bool = False
    """True once the object was compared with the file: from then on the file need not be in the folder."""

    @property
    def is_kept(self) -> bool:
        """True if its file lies in its session's folder, or in the bucket."""
        return self.state in (ArrivalState.COMPLETE, ArrivalState.CUT)

    @property
    def is_to_sum_up(self) -> bool:
        """True if it is kept, and its sums are not known yet."""
        return self.is_kept and not self.sha256

    @property
    def held(self) -> Held:
        """The answer to its page, once it is kept."""
        return Held(self.account, self.state, self.name, self.sha256)

    @property
    def content_type(self) -> str:
        """Media type under which its file is sent: from a fixed table, nothing that a guest said."""
        return contents(self.type).content_type


@dataclass(frozen=True)
class TakeRecord:
    """A take that arrives, or has; every change makes a new one."""

    owner: Owner
    take: Take
    """As its guest's page last told it."""
    session: str
    stem: str = ""
    """What the names of its files begin with; empty until there is one."""
    parts: tuple[PartRecord, ...] = ()
    fetched_ms: int | None = None
    deleted_ms: int | None = None
    clock: ClockLog | None = None
    """What its page noted of clocks: told with a part that is complete, or by a director's page; None: not yet."""
    leftovers: tuple[str, ...] = ()
    """Keys of objects in the bucket that are to be deleted there."""

    @property
    def uid(self) -> str:
        """Uid of the guest's page."""
        return self.owner.uid

    @property
    def id(self) -> str:
        """The take's id."""
        return self.take.id

    @property
    def in_job(self) -> str:
        """What the jobs of the queue for tracks call it."""
        return f"{self.uid} {self.id}"

    @property
    def begins_ms(self) -> int:
        """When it began, milliseconds since 1970: by the room's clock where that is known, else by the guest's."""
        take = self.take
        return take.started_at_ms if take.room_started_at_ms is None else take.room_started_at_ms

    @property
    def ends_ms(self) -> int:
        """When it ended, milliseconds since 1970, for all that is known; within a day of its beginning."""
        return self.begins_ms + min(self.take.duration_ms, LONGEST_MS)

    @property
    def kept(self) -> tuple[PartRecord, ...]:
        """The parts whose files lie in the session's folder, or in the bucket."""
        return tuple(part for part in self.parts if part.is_kept)

    def part(self, name: str) -> PartRecord | None:
        """Return the part of this name; None if it was not announced."""
        return next((part for part in self.parts if part.part == name), None)

    def with_part(self, part: PartRecord) -> TakeRecord:
        """Return the record with a part added, or in the place of the one of its name."""
        others = [one for one in self.parts if one.part != part.part]
        ordered = sorted([*others, part], key=lambda one: part_number(one.part))
        return replace(self, parts=tuple(ordered))

    def without_objects(self, parts: Iterable[PartRecord]) -> TakeRecord:
        """Return the record with the objects of these parts among those that are to be deleted."""
        keys = (part.key for part in parts if part.key)
        return replace(self, leftovers=tuple(dict.fromkeys([*self.leftovers, *keys])))

    def key(self, part: PartRecord) -> str:
        """Return the key that a part's file gets in a bucket: readable, and never another file's."""
        own = mark(self.uid, self.id, part.part, part.sha256, str(part.done_ms))
        return f"{self.owner.room_folder}/{self.session}/{own}/{part.name}"

    def with_stem(self, taken: Iterable[str]) -> TakeRecord:
        """Return the record with a beginning for its files' names: the guest's own, numbered if in `taken`."""
        if self.stem:
            return self
        take = self.take
        room = self.owner.room
        said = take.room if take.room and room_key(take.room) == room else room
        stem = take_name(take.label, said, take.started_at, take.number)
        return replace(self, stem=free_name(f"{stem}.", [f"{one}." for one in taken]).removesuffix("."))

    def file_name(self, part: PartRecord) -> str:
        """Return the name of a part's file, the same as in its guest's Downloads (`session_file.placed`)."""
        number = part_number(part.part)
        is_split = any(one.reason == SPLIT for one in self.take.parts)
        tail = f"_part{number}" if number > 1 or is_split else ""
        return self.stem + tail + contents(part.type).ending

    def as_kept(self) -> Take:
        """Return the take as its files at the host are, for the session's file."""
        by_number = {part_number(part.part): part for part in self.kept}
        first = by_number.get(1)
        tailed = first is not None and first.name.removeprefix(self.stem).startswith("_part1.")
        told = {part.number: part for part in self.take.parts}
        kept = tuple(
            replace(
                told.get(number, Part(number, part.part)),
                bytes=part.bytes,
                mime_type=part.type,
                state=ShelfState.FINISHED,
                reason=SPLIT if tailed else "",
            )
            for number, part in by_number.items()
        )
        return replace(self.take, name=self.stem, parts=kept)

    def listed(self, parts: tuple[ArrivedPart, ...], goes_ms: int | None) -> ArrivedTake:
        """Return the take as the list has it, with these parts; `goes_ms`: when it is deleted, if by itself."""
        take = self.take
        label, began_ms = take.label or "", take.started_at_ms
        return ArrivedTake(
            self.uid, self.id, self.session, label, take.number, began_ms, parts, self.fetched_ms, goes_ms
        )

    def to_json(self) -> bytes:
        """Write the content of `take.json`."""
        plain = {
            "format": "rolltape-arrival",
            "version": 1,
            **vars(self.owner),
            "session": self.session,
            "stem": self.stem,
            "fetched_ms": self.fetched_ms,
            "deleted_ms": self.deleted_ms,
            "parts": [vars(part) | {"account": part.account.to_plain()} for part in self.parts],
            "take": plain_take(self.take),
            "clock": None if self.clock is None else self.clock.to_plain(),
            "leftovers": self.leftovers,
        }
        return (json.dumps(plain, allow_nan=False, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> TakeRecord:
        """Read what `to_json` wrote. Raises ValueError."""
        found = Fields.from_json(content.decode())
        return cls(
            Owner(found.text("room"), found.text("key_id"), found.text("uid")),
            read_take(found.inner("take")),
            found.text("session"),
            found.text("stem"),
            tuple(map(_part, found.rows("parts"))),
            found.whole_or_none("fetched_ms"),
            found.whole_or_none("deleted_ms"),
            read_clock(found.inner_or_none("clock")),
            tuple(found.texts("leftovers")),
        )


def told_take(id: str, told: Mapping[str, object]) -> Take:
    """Read the take that a page tells of, bounded and with its names made safe; it must have this id.

    Raises ValueError, with words that can stand in a sentence.
    """
    take = read_take(Fields(told))
    if take.id != id:
        raise ValueError("the take has another id")
    if len({part.number for part in take.parts}) != len(take.parts):
        raise ValueError("a part is told twice")
    label = shortened(plain_text(take.label or ""), MAX_LABEL)
    return replace(take, label=label or None)


def session_of(take: TakeRecord, others: Iterable[TakeRecord]) -> str:
    """Return the name of the session that a take belongs to: the nearest of the others', or a new one's."""
    near = [
        (distance, other.session)
        for other in others
        if (distance := max(take.begins_ms - other.ends_ms, other.begins_ms - take.ends_ms)) < SITTING_MS
    ]
    if near:
        return min(near)[1]
    place = timezone(timedelta(minutes=take.take.utc_offset_minutes))
    return f"{datetime.fromtimestamp(take.begins_ms / 1000, place):%Y-%m-%d_%H-%M}"


def _part(found: Fields) -> PartRecord:
    name = found.text("part")
    if not is_part(name):
        raise ValueError("part is no name of a part")
    return PartRecord(
        name,
        found.text("type"),
        found.member("state", ArrivalState),
        found.text("name"),
        found.whole("bytes"),
        Account.from_fields(found.inner("account")),
        found.text("sha256"),
        found.whole("crc32"),
        found.whole("done_ms"),
        found.text("problem"),
        found.text("key", ""),
        found.flag("is_moved", False),
    )
