"""What is known of a take while it is made: its state, parts and pauses, put into its log, and what was told of it.

`Recording` has the engines and parts; here is what the page shows and what the disk keeps of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level
from rolltape.recording.take import Delivery, Part, Take, TakeEvent, TakeState
from rolltape.recording.take_clock import TakeClock
from rolltape.recording.take_notices import NOTES, TakeNotices

__all__ = ["ENDS_EARLY", "GONE", "NOTHING_KEPT", "NOTHING_YET", "Log", "Status", "TakeKeeper"]

Log = Callable[[Take], Awaitable[None]]
"""Puts a take's present state into the journal. Raises SinkError."""

NOTHING_YET = "The recording was stopped before anything was recorded."


@dataclass(frozen=True)
class Status:
    """A recording's figures right now, for the page and the director."""

    state: TakeState
    elapsed_ms: int
    """Time recorded, pauses left out."""
    bytes: int
    """Bytes safely written: acknowledged by the journal, or by the download where there is no journal."""
    fps: float | None
    """Pictures a second in the file over the last seconds, by the clock; None where they are not counted."""
    kbps: float
    """Bits a second over the last seconds, divided by 1000; 0 before there is a second to measure."""


ENDS_EARLY = {
    Delivery.DOWNLOADS: "The copy kept here ends early; the file that goes to your Downloads folder is whole.",
    Delivery.FOLDER: "The copy kept here ends early; the file in the folder you chose is whole.",
    None: "The copy kept here ends early, and no other is whole.",
}
"""By the place that holds the whole."""
GONE = "Camera and microphone are gone."
NOTHING_KEPT = "Nothing was recorded."


class TakeKeeper:
    """One take while it is made. Every change is in `take` at once; the log has it when the caller says so."""

    def __init__(self, take: Take, clock: TakeClock, log: Log, notices: TakeNotices) -> None:
        self.take = take
        """Its state also says whether a stop was asked for: `stopping` from then on."""
        self._clock = clock
        self._log = log
        self._notices = notices

    @property
    def is_under_way(self) -> bool:
        """True if it records or is paused, and no stop was asked for."""
        return self.take.state in (TakeState.RECORDING, TakeState.PAUSED)

    @property
    def is_stopping(self) -> bool:
        """True from the moment at which a stop was asked for."""
        return self.take.state is TakeState.STOPPING or self.take.is_over

    @property
    def is_kept(self) -> bool:
        """True if anything of it is kept, in the journal or outside."""
        return bool(self.take.bytes or self.take.with_deliveries_of_parts().delivered)

    def move_on(self, event: TakeEvent) -> None:
        """Move the take on, without a word in its log. Raises WrongMoment."""
        self.take = self.take.after(event)

    async def advance(self, event: TakeEvent) -> None:
        """Move the take on, then log it: the page shows the new state before the disk has it. Raises WrongMoment."""
        self.move_on(event)
        await self.log()

    def put(self, part: Part) -> None:
        """Have the take say this of a part; the take is of its first part's type."""
        self.take = self.take.with_part(part)
        self.take = self.take.with_mime_type(self.take.parts[0].mime_type)

    def drop(self, number: int) -> None:
        """Leave out the part of this number, in which there is nothing; it is not logged by this."""
        self.take = self.take.without_part(number)
        if self.take.parts:
            self.take = self.take.with_mime_type(self.take.parts[0].mime_type)

    def begin_pause(self) -> None:
        """Note a pause that begins now, since it closes up in the file."""
        self.take = self.take.with_pause(self._clock.at(self._clock.pauses.pause()))

    def end_pause(self) -> None:
        """End the pause that is open, if there is one, now or when the take ended."""
        if self._clock.pauses.is_paused:
            ended_ms = self._clock.pauses.resume(self._clock.ended_ms)
            self.take = self.take.with_pause_over(self._clock.at(ended_ms))

    def note_error(self, sentence: str) -> None:
        """Have the take say what went wrong; telling it is the caller's."""
        self.take = self.take.with_error(sentence)

    def note_end(self, cause: str) -> None:
        """Tell, and note in the take, that it has ended by itself, for this reason; empty: its tracks have ended."""
        sentence = cause or GONE
        kept = "What was recorded is kept." if self.is_kept else NOTHING_KEPT
        self._notices.tell(Level.ERROR, f"The recording has stopped. {sentence} {kept}")
        self.note_error(sentence)

    def note_torn_end(self, error: RolltapeError) -> None:
        """Tell, and note, that a part failed after it was asked to stop: what was not delivered by then is lost."""
        sentence = f"The last moments may be missing. {error.sentence}"
        self._notices.tell(Level.WARNING, sentence)
        self.note_error(sentence)

    def note_early_end(self, whole: Delivery | None) -> None:
        """Note in the take that the journal's copy of a part lacks its end; `whole` is what has all of it."""
        self.note_error(ENDS_EARLY[whole])

    def note_failure(self, sentence: str) -> None:
        """Tell what went wrong, as an error, and have the take say it."""
        self._notices.tell(Level.ERROR, sentence)
        self.note_error(sentence)

    async def log(self) -> None:
        """Put the take's present state into its log, its start on the room's clock. Raises nothing: that is told."""
        self.take = self._clock.placed(self.take)
        await self._write(self.take)

    async def end(self, failure: TakeEvent) -> None:
        """Log that the take is over, then let it be: who sees it finished may close the page at once.

        `failure` is the event that ends a take of which nothing is kept.
        """
        self.take = self._clock.placed(self.take)
        self.take = self.take.with_deliveries_of_parts()
        if not self.is_kept and self.take.error is None:
            self.note_failure(NOTHING_YET)
        over = self.take.after(TakeEvent.STOPPED if self.is_kept else failure)
        await self._write(over)
        self.take = over

    async def _write(self, take: Take) -> None:
        try:
            await self._log(take)
        except Exception as error:
            told = error.sentence if isinstance(error, RolltapeError) else f"({error!r})"
            self._notices.hold(NOTES, Level.WARNING, f"The recording's notes could not be written. {told}")
        else:
            self._notices.over(NOTES)
