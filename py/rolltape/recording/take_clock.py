"""The clock of one take: where it begins and ends, how long it was paused, and where that is on the room's clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rolltape.core.clock import Instant
from rolltape.recording.pause_clock import PauseClock
from rolltape.recording.take import Part, Take

RoomTime = Callable[[float], Instant | None]
"""A moment of the page's clock on the room's; None where there is no room, or its clock is not known."""


class Begun(Protocol):
    """A part: its file's time began at this moment of the page's clock, known best once it holds something."""

    started_ms: float


class Before(Protocol):
    """A part that another one follows; moments of the page's clock."""

    @property
    def media_end_ms(self) -> float:
        """When its last sample was captured."""

    @property
    def whole_until_ms(self) -> float:
        """Until when it has both picture and sound."""


class TakeClock:
    """Milliseconds since the take's first part began, where `now_ms` is the page's clock."""

    def __init__(self, now_ms: Callable[[], float], room_time: RoomTime) -> None:
        self.pauses = PauseClock(now_ms)
        self.ended_ms: float | None = None
        """When the last part ended, by the page's clock; None while one runs."""
        self._now_ms = now_ms
        self._room_time = room_time
        self._first: Begun | None = None
        self._placed_ms: float | None = None
        """The beginning that was put on the room's clock."""

    @property
    def began_ms(self) -> float:
        """Start of the take in ms of the page's clock; 0 before it has begun."""
        return self._first.started_ms if self._first is not None else 0.0

    def begins_with(self, part: Begun) -> None:
        """Let the take begin where this part does."""
        self._first = part

    def is_begun_by(self, part: Begun) -> bool:
        """Return True if the take begins where this part does."""
        return self._first is part

    def at(self, moment_ms: float) -> int:
        """Return a moment of the page's clock on the take's."""
        return round(moment_ms - self.began_ms)

    def joined(self, part: Part, began_ms: float, before: Before | None) -> Part:
        """Return a part with its place on the take's clock, and what it shares with the one before or lacks.

        `began_ms` is when its file's time began, by the page's clock; without `before` it follows nothing.
        """
        part = replace(part, started_ms=self.at(began_ms))
        if before is None:
            return part
        return replace(
            part,
            overlap_before_ms=max(0, round(before.media_end_ms - began_ms)),
            gap_before_ms=max(0, round(began_ms - before.whole_until_ms)),
        )

    def elapsed_ms(self) -> int:
        """Time recorded so far, pauses left out."""
        if not self.began_ms:
            return 0
        return round(self.pauses.recorded_ms(self.began_ms, self.ended_ms or self._now_ms()))

    def placed(self, take: Take) -> Take:
        """Return the take with its start on the room's clock, as well as that is known by now."""
        began = self._room_time(self.began_ms) if self._first is not None else None
        known = take.room_error_ms
        if began is None or (
            known is not None and began.error_ms >= known and self._placed_ms == self.began_ms
        ):
            return take
        self._placed_ms = self.began_ms
        return take.with_room_start(round(began.at_ms), math.ceil(began.error_ms))
