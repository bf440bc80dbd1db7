"""Stamps that go astray for a while and come back: of a starved browser, not of its sound.

Where a machine has no time for its sound server, Chromium stamps what it records by a guess of the server's delay,
which may be off by seconds, either way, until the server answers again. Lost sound is another thing: what comes
after it is late for good. So what returns to where it was is an excursion, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Steadiness", "steadiness"]

BIN_MS = 1000.0
FEWEST = 3
"""Stamps that a bin has to have: of fewer, one that is late by chance would be the bin's."""
SHORTEST = 10
"""Bins; less tells no rate."""
RATE_BINS = 30
"""So far apart, since stamps are whole milliseconds."""
LONGEST = 60
"""Bins; what returns later is no excursion."""
RETURNED = 2
"""Bins that have to lie where they were before it counts as a return: one may be on its way."""
WITHIN_MS = 4.0
"""So near is where it was: half of what counts as a loss."""
BEND = 50e-6
"""A crystal warms up: so much may its rate be off from what it mostly is."""


@dataclass(frozen=True)
class Steadiness:
    """What can be believed of a file's stamps."""

    rate: float
    """By how much later they mostly come with each millisecond of sound: its crystal's doing. 0: too few to tell."""
    steady: tuple[bool, ...]
    """Of each stamp whether it can be believed: it is in no excursion. All can where there are too few to tell."""


def steadiness(samples_ms: Sequence[float], late_ms: Sequence[float]) -> Steadiness:
    """Tell which stamps can be believed.

    Both are in the order of the samples: when a sample comes by counting, and by how much later it was stamped.
    """
    levels = _levels(samples_ms, late_ms)
    if len(levels) < SHORTEST:
        return Steadiness(0.0, (True,) * len(samples_ms))
    rate = _usual_rate(levels)
    astray = _astray([(second, level - rate * second) for second, level in levels])
    steady = tuple(int(sample_ms // BIN_MS) not in astray for sample_ms in samples_ms)
    return Steadiness(rate / BIN_MS, steady)


def _levels(samples_ms: Sequence[float], late_ms: Sequence[float]) -> list[tuple[int, float]]:
    """Of each second with enough stamps its number, and the least that one of them is late."""
    seconds: dict[int, list[float]] = {}
    for sample_ms, late in zip(samples_ms, late_ms, strict=True):
        seconds.setdefault(int(sample_ms // BIN_MS), []).append(late)
    return [(second, min(found)) for second, found in sorted(seconds.items()) if len(found) >= FEWEST]


def _usual_rate(levels: Sequence[tuple[int, float]]) -> float:
    """By how much later stamps mostly come with each second: in the middle of what any half minute says."""
    apart = min(RATE_BINS, len(levels) // 3)
    rates = sorted(
        (late - was) / (to - at) for (at, was), (to, late) in zip(levels, levels[apart:], strict=False)
    )
    return rates[len(rates) // 2]


def _astray(levels: Sequence[tuple[int, float]]) -> set[int]:
    """The seconds that lie in excursions."""
    found: set[int] = set()
    at = 1
    while at < len(levels):
        back = at if _lies_at(levels, at, at - 1) else _return(levels, at)
        # The least of a second is its level: one that is late in part looks as if nothing were.
        beside = int(back > at and levels[at][1] > levels[at - 1][1])
        if left := levels[at - beside : back + beside]:
            found.update(range(left[0][0], left[-1][0] + 1))
        at = back + 1
    return found


def _return(levels: Sequence[tuple[int, float]], left: int) -> int:
    """The bin at which what left its place is there again; `left` itself if it does not return."""
    for at in range(left + 1, min(left + LONGEST, len(levels) - RETURNED + 1)):
        if all(_lies_at(levels, later, left - 1) for later in range(at, at + RETURNED)):
            return at
    return left


def _lies_at(levels: Sequence[tuple[int, float]], at: int, before: int) -> bool:
    """Whether one bin lies where another does."""
    (second, level), (then, known) = levels[at], levels[before]
    return abs(level - known) <= WITHIN_MS + BEND * BIN_MS * (second - then)
