"""Tracks that a host makes of a session: their life, and what page and server say of it (`docs/protocol.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rolltape.arrivals.paths import is_take
from rolltape.core.json_fields import Fields, compact_json
from rolltape.core.life_cycle import Transitions, following_state, state_diagram

__all__ = [
    "MAX_TAKES",
    "TRANSITIONS",
    "ListedTracks",
    "TrackFile",
    "TracksEvent",
    "TracksRequest",
    "TracksState",
    "TracksTake",
    "advance",
    "diagram",
]

MAX_TAKES = 500
"""Of one session."""


class TracksState(StrEnum):
    """States of a session's tracks; the value is the `data-state` of the director's button."""

    NONE = "none"
    """Nobody has asked for them, or it was cancelled."""
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    """All is there that could be made; what could not is said."""
    FAILED = "failed"
    """Nothing more can be made, and no track may be there; it is said why."""


class TracksEvent(StrEnum):
    """Events in the life of a session's tracks."""

    ASKED = "asked"
    TAKEN_UP = "taken up"
    """By a worker: the first, or another one after the one before has ended."""
    LET_GO = "let go"
    """By a worker that is told to end: another one goes on."""
    MADE = "made"
    BROKE_OFF = "broke off"
    CANCELLED = "cancelled"


TRANSITIONS: Transitions[TracksState, TracksEvent] = {
    TracksState.NONE: {
        TracksEvent.ASKED: TracksState.QUEUED,
    },
    TracksState.QUEUED: {
        TracksEvent.TAKEN_UP: TracksState.MAKING,
        TracksEvent.CANCELLED: TracksState.NONE,
    },
    TracksState.MAKING: {
        TracksEvent.TAKEN_UP: TracksState.MAKING,
        TracksEvent.LET_GO: TracksState.QUEUED,
        TracksEvent.MADE: TracksState.READY,
        TracksEvent.BROKE_OFF: TracksState.FAILED,
        TracksEvent.CANCELLED: TracksState.NONE,
    },
    TracksState.READY: {
        TracksEvent.ASKED: TracksState.QUEUED,
    },
    TracksState.FAILED: {
        TracksEvent.ASKED: TracksState.QUEUED,
    },
}
"""The life of a session's tracks. Whose recordings are deleted takes the tracks along, in any state."""


def advance(state: TracksState, event: TracksEvent) -> TracksState:
    """Return the state after an event. Raises WrongMoment if it cannot happen now."""
    return following_state("session's tracks", TRANSITIONS, state, event)


def diagram() -> str:
    """Draw the table, for `docs/architecture.md`."""
    return state_diagram(TracksState.NONE, TRANSITIONS)


@dataclass(frozen=True)
class TrackFile:
    """A file that was made, whole."""

    name: str
    bytes: int
    sha256: str
    """In hexadecimal digits."""
    crc32: int
    made_ms: int
    """Milliseconds since 1970."""

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types; `from_fields` reads it."""
        return dict(vars(self))

    @classmethod
    def from_fields(cls, found: Fields) -> TrackFile:
        """Read what `to_plain` wrote. Raises ValueError."""
        return cls(
            found.text("name", limit=400),
            found.whole("bytes"),
            found.text("sha256", limit=64),
            found.whole("crc32"),
            found.whole("made_ms"),
        )


@dataclass(frozen=True)
class ListedTracks:
    """The tracks of a session at the host, in a `Listing`."""

    session: str
    state: TracksState
    asked_ms: int
    """When they were asked for, milliseconds since 1970: what has arrived since is not in them."""
    files: tuple[TrackFile, ...] = ()
    """What is there, in the order in which it was made."""
    making: str = ""
    """Name of the file that is being made, or names; empty: none, or it is not known yet."""
    share: float = 0.0
    """How much of it is done, 0 to 1."""
    ahead: int = 0
    """While they are queued: how many others come before."""
    said: tuple[str, ...] = ()
    """Sentences: what could not be made or used, and why."""

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON's own types; `from_fields` reads it."""
        return vars(self) | {"files": [one.to_plain() for one in self.files], "said": list(self.said)}

    @classmethod
    def from_fields(cls, found: Fields) -> ListedTracks:
        """Read what `to_plain` wrote. Raises ValueError."""
        return cls(
            found.text("session", limit=100),
            found.member("state", TracksState),
            found.whole("asked_ms"),
            tuple(map(TrackFile.from_fields, found.rows("files"))),
            found.text("making", "", 400),
            found.number("share", 0.0, high=1.0),
            found.whole("ahead", 0),
            tuple(found.texts("said")),
        )


@dataclass(frozen=True)
class TracksTake:
    """A take that tracks are to be made of."""

    uid: str
    """Whose it is."""
    take: str
    """Its id."""
    clock: Mapping[str, object] | None = None
    """What its page noted of clocks (`clock_log.ClockLog.to_plain`); None: the director's page does not know."""


@dataclass(frozen=True)
class TracksRequest:
    """A director wants tracks of these takes of a session."""

    session: str
    takes: tuple[TracksTake, ...]

    def to_json(self) -> str:
        """Write the body of the request."""
        return compact_json({"session": self.session, "takes": [dict(vars(one)) for one in self.takes]})

    @classmethod
    def from_json(cls, text: str) -> TracksRequest:
        """Read a body. Raises ValueError, with words for a sentence, where it is not as `to_json` writes it."""
        found = Fields.from_json(text)
        takes = tuple(map(_take, found.rows("takes", MAX_TAKES)))
        if not takes:
            raise ValueError("no take is named")
        return cls(found.text("session", limit=100), takes)


def _take(found: Fields) -> TracksTake:
    take = found.text("take", limit=40)
    if not is_take(take):
        raise ValueError("take is no id of a take")
    clock = found.inner_or_none("clock")
    return TracksTake(found.text("uid", limit=100), take, None if clock is None else clock.plain())
