"""Keeps the clock log of a take while it is made: what there is to read each ten seconds, on the disk at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rolltape.core.clock import Reading
from rolltape.recording.clock_log import ClockLog, Mark, SoundPath, TrackFacts

__all__ = ["ClockKeeper", "PartNow", "SoundClock"]

EVERY_S = 10.0
ROWS_HELD = 4000
"""Of each kind so many are held, those of three hours."""
BEFORE_MS = 60_000.0
"""Readings of so long before the take count for it too."""


class SoundClock(Protocol):
    """What can tell the time of a sound."""

    async def buffer_given(self) -> None:
        """Wait until the microphone, or an audio graph, has just given a buffer, 0.2 s at most."""

    def mark(self) -> Mark:
        """The clocks that there are, read now; of part 0."""

    def sound_path(self) -> SoundPath:
        """Where the sound that is recorded comes from."""


@dataclass(frozen=True)
class PartNow:
    """The part that is being recorded."""

    number: int
    began_ms: float
    """When the time of its file began, as well as that is known by now."""
    encoder: str
    """The MIME type that its recorder says it writes."""
    first_frame: int | None = None
    """What the microphone had counted before the file's first sample."""


class ClockKeeper:
    """The clock log of one take; `run` beside the recording, and cancel it with that's end."""

    def __init__(
        self,
        browser: str,
        sound: Callable[[], SoundClock | None],
        part: Callable[[], PartNow | None],
        readings: Callable[[], Sequence[Reading]],
        write: Callable[[str], Awaitable[None]],
    ) -> None:
        self._sound = sound
        self._part = part
        self._readings = readings
        self._write = write
        self._known = ClockLog(browser)
        """All of it, thinned where it gets long."""
        self._until_ms: float | None = None
        """Up to when readings are noted."""

    async def run(self) -> None:
        """Note what there is, now and every ten seconds, until it is cancelled; what `write` raises ends it."""
        await self._write(self._known.lines())
        while True:
            await self.note()
            await asyncio.sleep(EVERY_S if self._known.marks else 1.0)

    def told_by(self, part: int) -> str:
        """What the file of a part tells of its clocks, up to now; empty where nothing is known of them."""
        return self._joined(self._read()).told_by(part)

    async def note(self) -> None:
        """Write down what is new since the last time; `run` and the deck call it. Raises what writing raises."""
        if (sound := self._sound()) is not None:
            await sound.buffer_given()
        new = self._read()
        self._known = self._joined(new)
        if new.readings:
            self._until_ms = new.readings[-1].answered_ms
        if max(len(self._known.readings), len(self._known.marks)) > ROWS_HELD:
            self._known = self._known.thinned(ROWS_HELD // 2)
        if new.tracks or new.readings or new.marks:
            await self._write(new.lines())

    def _read(self) -> ClockLog:
        """What there is to read now and was not noted yet; nothing while no part is recorded."""
        part, sound = self._part(), self._sound()
        if part is None or sound is None:
            return ClockLog()
        facts = TrackFacts(part.number, part.began_ms, part.encoder, sound.sound_path(), part.first_frame)
        since_ms = part.began_ms - BEFORE_MS if self._until_ms is None else self._until_ms
        readings = tuple(one for one in self._readings() if one.answered_ms > since_ms)
        mark = replace(sound.mark(), part=part.number)
        return ClockLog("", () if facts in self._known.tracks else (facts,), readings, (mark,))

    def _joined(self, new: ClockLog) -> ClockLog:
        """All that was known before, and what is new."""
        known = self._known
        tracks = {one.part: one for one in (*known.tracks, *new.tracks)}
        return replace(
            known,
            tracks=tuple(tracks.values()),
            readings=(*known.readings, *new.readings),
            marks=(*known.marks, *new.marks),
        )
