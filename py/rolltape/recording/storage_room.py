"""Room for recordings: how long it lasts, when to warn, what may be given up for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolltape.core.notice import Level, Notice
from rolltape.recording.take import ShelfState, Take

WARN_BELOW_MINUTES = (30, 10, 2)
"""Each is told once a recording."""
RELEASE_BELOW_MINUTES = 45
"""Below this, takes that are safely elsewhere are released."""


@dataclass(frozen=True)
class Space:
    """Bytes of the browser's storage, by its own estimate."""

    used: int
    left: int

    def minutes(self, kbps: float) -> int:
        """How many whole minutes of recording at this rate there is room for."""
        return int(self.left * 8 / 1000 / max(kbps, 1) / 60)

    def describe(self, kbps: float) -> str:
        """In words: `about 3 h 40 min at this rate`."""
        hours, minutes = divmod(self.minutes(kbps), 60)
        length = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"about {length} of recording at this rate"


def warning(minutes: int, told: frozenset[int]) -> tuple[Notice | None, frozenset[int]]:
    """What to say when room for so many minutes is left, and the thresholds that have been told then."""
    reached = {threshold for threshold in WARN_BELOW_MINUTES if minutes < threshold}
    if not reached - told:
        return None, told
    notice = Notice(
        Level.WARNING,
        f"There is room for about {minutes} more minutes in this browser's storage. "
        "Delete recordings that you have saved; the download goes on in any case.",
    )
    return notice, told | reached


def releasable(takes: Iterable[Take], running: frozenset[str] = frozenset()) -> list[Take]:
    """The takes that may be given up for room, oldest first: finished, and held by a place outside the journal.

    What was recovered or is held nowhere else is never among them.
    """
    safe = (
        take
        for take in takes
        if take.shelf_state is ShelfState.FINISHED
        and take.delivered
        and not take.error
        and take.id not in running
    )
    return sorted(safe, key=lambda take: take.started_at_ms)


def to_release(takes: Iterable[Take], space: Space, kbps: float, running: frozenset[str]) -> list[Take]:
    """Which takes to release now, so that there is room for RELEASE_BELOW_MINUTES; none while there is."""
    missing = RELEASE_BELOW_MINUTES * 60 * kbps * 1000 / 8 - space.left
    chosen = []
    for take in releasable(takes, running):
        if missing <= 0:
            break
        chosen.append(take)
        missing -= take.bytes
    return chosen
