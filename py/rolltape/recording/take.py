"""A take, one recording from start to stop: what is known of it, its life, and its lines in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, TypeAlias

from rolltape.core.json_fields import Fields
from rolltape.recording.timeline import Hole, Missing
from rolltape.settings.bitrate import Rates

__all__ = [
    "NO_RATES",
    "SHELF_STATES",
    "SPLIT",
    "TRANSITIONS",
    "Delivery",
    "Part",
    "Pause",
    "ShelfState",
    "Take",
    "TakeEvent",
    "TakeState",
    "WrongMoment",
    "advance",
    "diagram",
]


class TakeState(StrEnum):
    """States of a take; TRANSITIONS says which follow which."""

    IDLE = "idle"
    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    RECOVERED = "recovered"


class TakeEvent(StrEnum):
    """Events in the life of a take."""

    START_REQUESTED = "start requested"
    STARTED = "started"
    START_FAILED = "start failed"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOP_REQUESTED = "stop requested"
    STOPPED = "stopped"
    """The recorder has stopped, asked or not, and every byte is safe."""
    FAILED = "failed"
    """It cannot go on or cannot be finished."""
    FOUND = "found"
    """At a later visit, in the journal."""


TRANSITIONS: Mapping[TakeState, Mapping[TakeEvent, TakeState]] = {
    TakeState.IDLE: {
        TakeEvent.START_REQUESTED: TakeState.STARTING,
    },
    TakeState.STARTING: {
        TakeEvent.STARTED: TakeState.RECORDING,
        TakeEvent.START_FAILED: TakeState.FAILED,
        TakeEvent.STOP_REQUESTED: TakeState.STOPPING,
        TakeEvent.FAILED: TakeState.FAILED,
        TakeEvent.FOUND: TakeState.RECOVERED,
    },
    TakeState.RECORDING: {
        TakeEvent.PAUSED: TakeState.PAUSED,
        TakeEvent.STOP_REQUESTED: TakeState.STOPPING,
        TakeEvent.STOPPED: TakeState.FINISHED,
        TakeEvent.FAILED: TakeState.FAILED,
        TakeEvent.FOUND: TakeState.RECOVERED,
    },
    TakeState.PAUSED: {
        TakeEvent.RESUMED: TakeState.RECORDING,
        TakeEvent.STOP_REQUESTED: TakeState.STOPPING,
        TakeEvent.STOPPED: TakeState.FINISHED,
        TakeEvent.FAILED: TakeState.FAILED,
        TakeEvent.FOUND: TakeState.RECOVERED,
    },
    TakeState.STOPPING: {
        TakeEvent.STARTED: TakeState.STOPPING,
        TakeEvent.START_FAILED: TakeState.FAILED,
        TakeEvent.STOPPED: TakeState.FINISHED,
        TakeEvent.FAILED: TakeState.FAILED,
        TakeEvent.FOUND: TakeState.RECOVERED,
    },
    TakeState.FAILED: {
        TakeEvent.FOUND: TakeState.RECOVERED,
    },
    TakeState.FINISHED: {},
    TakeState.RECOVERED: {},
}
"""The life of a take. A stop may be asked for before the recorder has started; it then waits for that."""


class ShelfState(StrEnum):
    """States of a take or part on the shelf; the value is its `data-state`."""

    RECORDING = "recording"
    FINISHED = "finished"
    RECOVERED = "recovered"
    FAILED = "failed"


SHELF_STATES: Mapping[TakeState, ShelfState | None] = {
    TakeState.IDLE: None,
    TakeState.STARTING: ShelfState.RECORDING,
    TakeState.RECORDING: ShelfState.RECORDING,
    TakeState.PAUSED: ShelfState.RECORDING,
    TakeState.STOPPING: ShelfState.RECORDING,
    TakeState.FINISHED: ShelfState.FINISHED,
    TakeState.RECOVERED: ShelfState.RECOVERED,
    TakeState.FAILED: ShelfState.FAILED,
}
"""None: not on the shelf."""


class WrongMoment(Exception):
    """Something happened to a take that cannot happen in its state."""

    def __init__(self, state: TakeState, event: TakeEvent) -> None:
        possible = " or ".join(f"“{name}”" for name in TRANSITIONS[state]) or "nothing more"
        super().__init__(f"The take was {state} when “{event}” came; {possible} was expected.")
        self.state = state
        self.event = event


def advance(state: TakeState, event: TakeEvent) -> TakeState:
    """Give the state after an event; raises `WrongMoment` where the table has none."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise WrongMoment(state, event)
    return following


def diagram() -> str:
    """Draw the life of a take as Mermaid text."""
    lines = ["stateDiagram-v2", f"    [*] --> {TakeState.IDLE}"]
    for state, row in TRANSITIONS.items():
        for target in dict.fromkeys(row.values()):
            events = ", ".join(event for event in row if row[event] is target)
            lines.append(f"    {state} --> {target}: {events}")
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"


NO_RATES = Rates(None, None)
"""Before a recorder was asked for anything."""

_Log: TypeAlias = str | bytes


class Delivery(StrEnum):
    """A place outside the journal that the take was given to, whole."""

    DOWNLOADS = "downloads"
    """The browser took every byte while it was recorded. Whether it is in the Downloads folder no page can know: a
    Save window may stand open, or the window is a private one."""
    FOLDER = "folder"
    """It is in the folder that the person chose: the page wrote and closed the file itself."""
    SAVED = "saved"
    """The browser was asked to save it from the shelf; what became of that no page can know."""


@dataclass(frozen=True)
class Pause:
    """A pause, in milliseconds since the take started."""

    from_ms: int
    to_ms: int | None = None
    """None: not over yet."""


SPLIT = "split"
"""Why a part was begun where nothing but the time was the reason."""


@dataclass(frozen=True)
class Part:
    """One file of a take, playable by itself."""

    number: int
    file: str
    """Its name in the journal."""
    bytes: int = 0
    """Bytes safely written."""
    duration_ms: int = 0
    gap_before_ms: int = 0
    """How long picture or sound is missing between the part before and this one."""
    state: ShelfState = ShelfState.RECORDING
    overlap_before_ms: int = 0
    """How much of its beginning is also the end of the part before."""
    started_ms: int = 0
    """When its first sample was taken, in milliseconds since the take started."""
    mime_type: str = ""
    """What the recorder says it writes; empty: as the take."""
    reason: str = ""
    """Why it was begun, in words; empty for the first."""
    delivered: Delivery | None = None
    """The place outside the journal that holds the whole of it."""
    holes: tuple[Hole, ...] = ()
    """What is missing within it, in order."""
    behind_ms: int = 0
    """How much less is in it than went by, holes aside."""
    passed_over: int = 0
    """Bytes in it that made no sense when it was recovered."""
    cut: int = 0
    """Bytes that were cut off at its end when it was recovered: nobody could have read them."""

    @property
    def is_whole(self) -> bool:
        """True if nothing is known to be missing in it."""
        return not (self.holes or self.behind_ms or self.passed_over)

    def to_plain(self) -> dict[str, Any]:
        """The part as JSON's own types, without what is as it is by default."""
        plain = vars(self) | {"holes": [vars(hole) for hole in self.holes]}
        return {name: plain[name] for name, value in vars(self).items() if value != _ORDINARY.get(name)}


_ORDINARY: Mapping[str, object] = {
    field.name: field.default for field in fields(Part) if field.default is not MISSING
}


@dataclass(frozen=True)
class Take:
    """One recording; every change makes a new one."""

    id: str
    number: int
    name: str
    """File name without part and ending."""
    started_at_ms: int
    """Milliseconds since 1970, UTC."""
    utc_offset_minutes: int = 0
    """Local time minus UTC where it was recorded."""
    label: str | None = None
    room: str | None = None
    started_by: str = "you"
    """`you`, or the director's name."""
    mime_type: str = ""
    """What the recorder says it writes; empty until it has started."""
    rates: Rates = NO_RATES
    """What was asked of the recorder."""
    parts: tuple[Part, ...] = ()
    pauses: tuple[Pause, ...] = ()
    state: TakeState = TakeState.IDLE
    error: str | None = None
    """A sentence, if anything went wrong."""
    delivered: tuple[Delivery, ...] = ()
    room_started_at_ms: int | None = None
    """When its first sample was captured, on the room's common clock; None: no clock was known."""
    room_error_ms: int | None = None
    """By how much that may be wrong, either way."""

    @property
    def started_at(self) -> datetime:
        """Start as local time of the place where it was recorded."""
        place = timezone(timedelta(minutes=self.utc_offset_minutes))
        return datetime.fromtimestamp(0, place) + timedelta(milliseconds=self.started_at_ms)

    @property
    def bytes(self) -> int:
        """Bytes safely written, over all parts."""
        return sum(part.bytes for part in self.parts)

    @property
    def kept_parts(self) -> tuple[Part, ...]:
        """The parts in which something is, in the journal or wherever else they were delivered: these count."""
        return tuple(part for part in self.parts if part.bytes or part.delivered)

    @property
    def stored_parts(self) -> tuple[Part, ...]:
        """The parts of which the journal holds something, so that they can be played, saved and converted."""
        return tuple(part for part in self.parts if part.bytes)

    @property
    def duration_ms(self) -> int:
        """Length of what is recorded, over all parts; what is in two of them counts once."""
        return sum(max(0, part.duration_ms - part.overlap_before_ms) for part in self.parts)

    @property
    def shelf_state(self) -> ShelfState | None:
        """State on the shelf; None: it is not on it."""
        return SHELF_STATES[self.state]

    @property
    def is_over(self) -> bool:
        """True if nothing more is written to it."""
        return self.shelf_state not in (None, ShelfState.RECORDING)

    def after(self, event: TakeEvent) -> Take:
        """Give the take after an event; raises `WrongMoment`."""
        return replace(self, state=advance(self.state, event))

    def with_mime_type(self, mime_type: str) -> Take:
        """Say what the recorder really writes."""
        return replace(self, mime_type=mime_type)

    def with_rates(self, rates: Rates) -> Take:
        """Say what the recorder was asked for."""
        return replace(self, rates=rates)

    def with_part(self, part: Part) -> Take:
        """Add a part, or replace the one with its number."""
        others = [other for other in self.parts if other.number != part.number]
        return replace(self, parts=tuple(sorted([*others, part], key=lambda each: each.number)))

    def without_part(self, number: int) -> Take:
        """Leave a part out, since nothing is in it."""
        return replace(self, parts=tuple(part for part in self.parts if part.number != number))

    def with_pause(self, from_ms: int) -> Take:
        """Begin a pause; one that is open goes on."""
        if self._pause_is_open:
            return self
        return replace(self, pauses=(*self.pauses, Pause(from_ms)))

    def with_pause_over(self, to_ms: int) -> Take:
        """End the pause that is open, if there is one."""
        if not self._pause_is_open:
            return self
        *before, last = self.pauses
        return replace(self, pauses=(*before, replace(last, to_ms=max(to_ms, last.from_ms))))

    def type_of(self, part: Part) -> str:
        """Return the MIME type of a part's file."""
        return part.mime_type or self.mime_type

    def with_error(self, sentence: str) -> Take:
        """Say what went wrong."""
        return replace(self, error=sentence)

    def with_delivery(self, where: Delivery) -> Take:
        """Say that a place outside the journal holds it."""
        return self if where in self.delivered else replace(self, delivered=(*self.delivered, where))

    def with_deliveries_of_parts(self) -> Take:
        """Say what holds the take outside the journal: the places of its parts, if each is whole in one of them."""
        places = {part.delivered for part in self.parts}
        take = self
        for where in sorted(place for place in places if place is not None and None not in places):
            take = take.with_delivery(where)
        return take

    def with_room_start(self, at_ms: int, error_ms: int) -> Take:
        """Say when its first sample was captured on the room's clock."""
        return replace(self, room_started_at_ms=at_ms, room_error_ms=error_ms)

    def to_json_line(self, before: Take | None = None) -> str:
        """Write a line of its log: ASCII, with a line feed before and after.

        The one before keeps a torn line that is already in the log from swallowing this one. Where `before` is what
        the log is known to say already, only what is new is written; else, and where a part is gone, the whole take.
        """
        if before is not None and before.id == self.id and before._numbers <= self._numbers:
            plain = {"v": _VERSION, "id": self.id, "changes": self._new_since(before)}
        else:
            plain = self.to_plain()
        return f"\n{json.dumps(plain, allow_nan=False, separators=(',', ':'))}\n"

    def to_plain(self) -> dict[str, Any]:
        """The whole take as JSON's own types; of its parts, what is not as it is by default."""
        return {"v": _VERSION, **vars(self), **self._plain_lists(), "rates": asdict(self.rates)}

    def _plain_lists(self) -> dict[str, Any]:
        return {
            "parts": [part.to_plain() for part in self.parts],
            "pauses": [vars(pause) for pause in self.pauses],
            "delivered": list(self.delivered),
        }

    def _new_since(self, before: Take) -> dict[str, Any]:
        """What is new, by field; of the parts, those that are."""
        known = frozenset(before.parts)
        changed = replace(self, parts=tuple(part for part in self.parts if part not in known))
        new = {name for name, value in vars(self).items() if value != getattr(before, name)}
        return {name: value for name, value in changed.to_plain().items() if name in new}

    @staticmethod
    def from_fields(found: Fields) -> Take:
        """Read what `to_plain` wrote. Raises ValueError."""
        return _take(found)

    @staticmethod
    def from_json_lines(log: _Log) -> Take | None:
        """Read a log: its last whole take, and what changed after that; None if there is none.

        Torn lines, garbage, and lines that do not make a take are passed over; fields that are not known
        are left aside; fields with a default may be missing.
        """
        lines: Sequence[_Log] = log.split(b"\n") if isinstance(log, bytes) else log.split("\n")
        changes: list[Fields] = []
        for line in reversed(lines):
            found = _read(line)
            if isinstance(found, Take):
                return _changed(found, reversed(changes))
            if found is not None:
                changes.append(found)
        return None

    @property
    def _numbers(self) -> frozenset[int]:
        return frozenset(part.number for part in self.parts)

    @property
    def _pause_is_open(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].to_ms is None


_VERSION = 1
_MAX_TIME_MS = 253_370_764_800_000
"""The year 9999: dates end there."""
_MAX_OFFSET_MINUTES = 24 * 60 - 1


def _read(line: str | bytes) -> Take | Fields | None:
    """A line of a log: the whole take, or the object that says what changed; None: neither."""
    try:
        fields = Fields.from_own_json(line.decode() if isinstance(line, bytes) else line)
        return _take(fields) if fields.inner_or_none("changes") is None else fields
    except ValueError:
        return None


def _changed(take: Take, lines: Iterable[Fields]) -> Take:
    """The take after these lines of its log; one that does not fit is passed over."""
    for line in lines:
        try:
            if line.text("id") == take.id:
                take = _with_changes(take, line.inner("changes"))
        except ValueError:
            continue
    return take


def _with_changes(take: Take, changes: Fields) -> Take:
    plain = take.to_plain()
    parts = {part["number"]: part for part in plain["parts"]}
    parts |= {part.whole("number"): part.plain() for part in changes.rows("parts")}
    return _take(Fields({**plain, **changes.plain(), "parts": [parts[number] for number in sorted(parts)]}))


def _take(fields: Fields) -> Take:
    return Take(
        id=fields.text("id"),
        number=fields.whole("number"),
        name=fields.text("name"),
        started_at_ms=fields.whole("started_at_ms", high=_MAX_TIME_MS),
        utc_offset_minutes=fields.whole("utc_offset_minutes", 0, -_MAX_OFFSET_MINUTES, _MAX_OFFSET_MINUTES),
        label=fields.text_or_none("label"),
        room=fields.text_or_none("room"),
        started_by=fields.text("started_by", "you"),
        mime_type=fields.text("mime_type", ""),
        rates=_rates(fields.inner("rates")),
        parts=tuple(map(_part, fields.rows("parts"))),
        pauses=tuple(map(_pause, fields.rows("pauses"))),
        state=fields.member("state", TakeState),
        error=fields.text_or_none("error"),
        delivered=fields.known_members("delivered", Delivery),
        room_started_at_ms=fields.whole_or_none("room_started_at_ms", high=_MAX_TIME_MS),
        room_error_ms=fields.whole_or_none("room_error_ms"),
    )


def _rates(fields: Fields) -> Rates:
    return Rates(fields.whole_or_none("video_kbps"), fields.whole_or_none("audio_kbps"))


def _part(fields: Fields) -> Part:
    return Part(
        number=fields.whole("number"),
        file=fields.text("file"),
        bytes=fields.whole("bytes", 0),
        duration_ms=fields.whole("duration_ms", 0),
        gap_before_ms=fields.whole("gap_before_ms", 0),
        overlap_before_ms=fields.whole("overlap_before_ms", 0),
        started_ms=fields.whole("started_ms", 0),
        mime_type=fields.text("mime_type", ""),
        reason=fields.text("reason", ""),
        state=fields.member("state", ShelfState, ShelfState.RECORDING),
        delivered=_KNOWN_DELIVERIES.get(fields.text_or_none("delivered") or ""),
        holes=tuple(map(_hole, fields.rows("holes"))),
        behind_ms=fields.whole("behind_ms", 0),
        passed_over=fields.whole("passed_over", 0),
        cut=fields.whole("cut", 0),
    )


def _hole(fields: Fields) -> Hole:
    return Hole(
        fields.whole("from_ms"), fields.whole("to_ms"), fields.member("of", Missing, Missing.EVERYTHING)
    )


_KNOWN_DELIVERIES = {delivery.value: delivery for delivery in Delivery}


def _pause(fields: Fields) -> Pause:
    return Pause(fields.whole("from_ms"), fields.whole_or_none("to_ms"))
