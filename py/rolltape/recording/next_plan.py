"""How a take goes on after a part that failed or fell silent: what is alive, in a format that may work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolltape.core.notice import Level
from rolltape.recording.engine import Plan
from rolltape.recording.part_recorder import PartRecorder
from rolltape.recording.part_sinks import sentence_of
from rolltape.recording.take_notices import TakeNotices

__all__ = ["NextPlan", "Repair"]

GAVE_NOTHING = "The browser's recorder delivers nothing, in any format."
YOUNG_MS = 5000.0
"""An engine that breaks off before this age never really worked: the next format is tried."""

Repair = Callable[[], Awaitable[Plan | None]]
"""Puts right what it can of a capture that delivers nothing; how to record what is alive, None if nothing is."""


class NextPlan:
    """Says how the next part is recorded; None each time: it cannot be, and the take ends or stays as it is."""

    def __init__(self, repair: Repair | None, notices: TakeNotices) -> None:
        """Without `repair` a part's tracks are taken for alive."""
        self.cause = ""
        """Why the take ends, once no format is left that might deliver something; empty: one is."""
        self._repair = repair
        self._notices = notices

    async def after_silence(self, quiet: PartRecorder) -> Plan | None:
        """After a recorder that delivers nothing: what is alive, in the next format if it has never delivered any.

        Where there is no other format the take ends: nothing is recorded, and that is told.
        """
        is_empty = quiet.stream.is_empty
        alive = await self._alive(quiet.plan)
        if alive is None or not is_empty:
            return alive
        following = alive.from_choice(quiet.plan.choice).after_nothing()
        if following is None:
            self.cause = GAVE_NOTHING
            self._notices.tell(Level.ERROR, f"Nothing is recorded now. {GAVE_NOTHING}")
        return following

    async def after_end(self, part: PartRecorder) -> Plan | None:
        """Return how to go on after a part that ended by itself; None where nothing, or no format, is left.

        It is the next format if the part's engine never worked, else the same. An engine that ended without an error
        has lost its tracks; then what is alive is recorded. Raises nothing: a repair that fails is told.
        """
        if part.error is None:
            return await self._alive(None)
        never_worked = part.recorded_ms < YOUNG_MS or part.stream.is_empty
        return part.plan.after_failure(part.error) if never_worked else part.plan

    async def _alive(self, otherwise: Plan | None) -> Plan | None:
        """How to record what is alive; `otherwise` where nobody repairs."""
        if self._repair is None:
            return otherwise
        try:
            return await self._repair()
        except Exception as error:
            self._notices.tell(
                Level.WARNING, f"The recorder could not be made ready again. {sentence_of(error)}"
            )
            return None
