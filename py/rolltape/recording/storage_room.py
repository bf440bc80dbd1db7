"""Room for recordings: how long it lasts, when to warn, what may be given up for it.

Nothing here goes by how much is written at a moment: a rate that spikes would give up takes for nothing. Everything
goes by the rate that was ordered and by the room that is really left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rolltape.core.notice import Level, Notice
from rolltape.recording.take import Part, ShelfState, Take
from rolltape.settings.codec import contents

__all__ = [
    "RELEASE_BELOW_MINUTES",
    "RELEASE_NOTICE_MS",
    "WARN_BELOW_MINUTES",
    "Release",
    "Space",
    "announcement",
    "file_names",
    "releasable",
    "release",
    "to_release",
    "warning",
]

WARN_BELOW_MINUTES = (30, 10, 2)
"""Each is told once a recording."""
RELEASE_BELOW_MINUTES = 45
"""Below this, takes that are proven to be elsewhere are released."""
RELEASE_NOTICE_MS = 60_000.0
"""So long before a take is removed it is told: whoever wants it here can stop the recording, or delete others."""


@dataclass(frozen=True)
class Space:
    """Bytes of the browser's storage, by its own estimate."""

    used: int
    left: int

    def minutes(self, kbps: float) -> int:
        """Return the whole minutes of recording at this rate (kbps) that there is room for."""
        return int(self.left * 8 / 1000 / max(kbps, 1) / 60)

    def describe(self, kbps: float) -> str:
        """In words: `about 3 h 40 min at this rate`."""
        hours, minutes = divmod(self.minutes(kbps), 60)
        length = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"about {length} of recording at this rate"


def warning(minutes: int, told: frozenset[int]) -> tuple[Notice | None, frozenset[int]]:
    """Return the notice for room for so many minutes, or None, and the thresholds that have been told then."""
    reached = {threshold for threshold in WARN_BELOW_MINUTES if minutes < threshold}
    if not reached - told:
        return None, told
    left = f"{minutes} more minutes" if minutes != 1 else "one more minute"
    notice = Notice(
        Level.WARNING,
        f"There is room for about {left} in this browser's storage. "
        "Delete recordings that you have saved: that makes room.",
    )
    return notice, told | reached


def file_names(take: Take, part: Part) -> tuple[str, ...]:
    """Return the names that a part's file outside the journal may have: a first part bears its number or not."""
    ending = contents(take.type_of(part)).ending
    numbered = f"{take.name}_part{part.number}{ending}"
    return (take.name + ending, numbered) if part.number == 1 else (numbered,)


def releasable(
    takes: Iterable[Take], elsewhere: Collection[str], running: Collection[str] = frozenset()
) -> list[Take]:
    """Return the takes that may be given up for room, oldest first: finished, and proven to be `elsewhere` (by id).

    What was recovered, what ended with an error, and what was only handed to the browser as a download is never
    among them: no page can see whether that has become a file.
    """
    safe = (
        take
        for take in takes
        if take.id in elsewhere
        and take.shelf_state is ShelfState.FINISHED
        and not take.error
        and take.id not in running
    )
    return sorted(safe, key=lambda take: take.started_at_ms)


def to_release(
    takes: Iterable[Take], elsewhere: Collection[str], space: Space, kbps: float, running: Collection[str]
) -> list[Take]:
    """Choose the takes to release now, so that there is room for RELEASE_BELOW_MINUTES; none while there is.

    `kbps` is the rate that was ordered.
    """
    missing = RELEASE_BELOW_MINUTES * 60 * kbps * 1000 / 8 - space.left
    chosen = []
    for take in releasable(takes, elsewhere, running):
        if missing <= 0:
            break
        chosen.append(take)
        missing -= take.bytes
    return chosen


@dataclass(frozen=True)
class Release:
    """Decision about takes that are to be given up for room."""

    told: Mapping[str, float]
    """When each of them was told, by id."""
    tell: Sequence[Take]
    """All that are to go, if one of them has not been told yet; else none."""
    remove: Sequence[Take]
    """Those that have been told long enough ago."""


def release(chosen: Sequence[Take], told: Mapping[str, float], now_ms: float) -> Release:
    """Tell of takes that are to go first, and let them go RELEASE_NOTICE_MS later, if they still have to."""
    is_new = any(take.id not in told for take in chosen)
    due = [take for take in chosen if now_ms - told.get(take.id, now_ms) >= RELEASE_NOTICE_MS]
    return Release(
        {take.id: told.get(take.id, now_ms) for take in chosen if take not in due},
        list(chosen) if is_new else [],
        due,
    )


def announcement(takes: Sequence[Take], where: str) -> Notice:
    """That these takes are going to be removed; `where` says where else they lie: `in the folder “Shows”`."""
    names = ", ".join(take.name for take in takes)
    are, they = ("is", "Its file lies") if len(takes) == 1 else ("are", "Their files lie")
    return Notice(
        Level.WARNING,
        f"This browser's storage is running out of room, so {names} {are} removed from it in a minute. "
        f"{they} whole {where}.",
    )
