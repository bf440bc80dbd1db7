"""What a take lacks, in words: for its shelf, and for the people while it is made."""

from __future__ import annotations

from rolltape.recording.take import Take
from rolltape.recording.timeline import Hole, Missing

MOST = 3
"""So many holes of a take are named; the others are counted."""


def missing(take: Take) -> list[str]:
    """Return phrases about what is known to be missing in a take's files; none where nothing is."""
    told = []
    found = [(before_ms, hole) for before_ms, part_holes in _holes(take) for hole in part_holes]
    told += [of_hole(hole, before_ms) for before_ms, hole in found[:MOST]]
    if further := found[MOST:]:
        told.append(f"{_seconds(sum(hole.length_ms for _, hole in further))} in {len(further)} more places")
    if behind_ms := sum(part.behind_ms for part in take.parts):
        told.append(of_lag(behind_ms))
    if passed := sum(part.passed_over for part in take.parts):
        told.append(f"{_bytes(passed)} are damaged and were passed over")
    if cut := sum(part.cut for part in take.parts):
        told.append(f"the last {_bytes(cut)} could not be read")
    return told


def of_hole(hole: Hole, before_ms: int = 0) -> str:
    """One hole, `before_ms` being what is played before its file: “45 s are missing at 1:02”."""
    length, at = _seconds(hole.length_ms), _clock(before_ms + hole.from_ms)
    match hole.of:
        case Missing.PICTURE:
            return f"{length} of the picture are missing at {at}"
        case Missing.SOUND:
            return f"{length} of the sound are missing at {at}"
        case _:
            return f"{length} are missing at {at}"


def of_lag(behind_ms: int) -> str:
    """Return a clause that says by how much less was recorded than went by."""
    return f"{_seconds(behind_ms)} less than went by were recorded"


def _holes(take: Take) -> list[tuple[int, tuple[Hole, ...]]]:
    """The holes of each part, with what is played before it."""
    found, before_ms = [], 0
    for part in take.parts:
        before_ms -= min(part.overlap_before_ms, before_ms)
        found.append((before_ms, part.holes))
        before_ms += part.duration_ms
    return found


def _seconds(ms: int) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{seconds} s" if not minutes else f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def _clock(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _bytes(count: int) -> str:
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
