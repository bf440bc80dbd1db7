"""A take, one recording from start to stop: what is known of it, and its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from rolltape.core.life_cycle import Transitions, following_state, state_diagram
from rolltape.recording.timeline import Hole
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


TRANSITIONS: Transitions[TakeState, TakeEvent] = {
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


def advance(state: TakeState, event: TakeEvent) -> TakeState:
    """Return the state of a take after an event. Raises WrongMoment where TRANSITIONS has none."""
    return following_state("take", TRANSITIONS, state, event)


def diagram() -> str:
    """Draw the life of a take as Mermaid text."""
    return state_diagram(TakeState.IDLE, TRANSITIONS)


NO_RATES = Rates(None, None)
"""Before a recorder was asked for anything."""


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

    @property
    def _pause_is_open(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].to_ms is None
