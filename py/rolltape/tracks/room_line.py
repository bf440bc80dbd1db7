"""From a page's clock to the room's: the line that lies in the midst of what all readings allow.

The server read its clock between the question and the answer. So the room's clock less the page's lies below
`server - asked` at the moment of asking and above `server - answered` at that of the answer, for every reading. Among
the lines that do (S. B. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay
measurements", 1999) the one with the widest margin is taken. What all of them leave open is the bound: it is rigorous
where both clocks run evenly, whatever the network does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rolltape.core.clock import Reading

__all__ = ["ClockLine", "room_line"]

STEEPEST = 500e-6
"""Clocks of computers run apart by less than this."""
WANDER = 0.5e-6
"""What a rate changes by itself, over a warm-up or a day: the bound grows by so much of the time it was read over."""
STEPS = 60
GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class ClockLine:
    """`room = page + offset + rate · (page - at)`, in milliseconds."""

    at_ms: float
    """A moment of the page's clock."""
    offset_ms: float
    """How far the room's clock is ahead of the page's at that moment."""
    rate: float
    """How much faster the room's clock runs: 0 if equally fast, 1e-6 for a millionth."""
    bound_ms: float
    """By how much a moment between the first reading and the last may be wrong, either way."""
    readings: int
    """Count of the readings that it follows from."""

    @property
    def ppm(self) -> float:
        """The rate in millionths."""
        return self.rate * 1e6

    def room_ms(self, page_ms: float) -> float:
        """Return a moment of the page's clock on the room's; outside of the readings without any bound."""
        return page_ms + self.offset_ms + self.rate * (page_ms - self.at_ms)


@dataclass(frozen=True)
class _Bounds:
    """What each reading allows, around a middle that keeps numbers small."""

    above: tuple[tuple[float, float], ...]
    below: tuple[tuple[float, float], ...]

    def highest(self, rate: float) -> float:
        """The highest line of this rate, at the middle."""
        return min(offset - rate * at for at, offset in self.above)

    def lowest(self, rate: float) -> float:
        """The lowest one."""
        return max(offset - rate * at for at, offset in self.below)

    def margin(self, rate: float) -> float:
        """Half of what is between them; below 0 where no line of this rate fits all readings."""
        return (self.highest(rate) - self.lowest(rate)) / 2


def room_line(readings: Sequence[Reading]) -> ClockLine | None:
    """Return the line through these readings, given in any order; None without any.

    `session_clock` calls it for the session file, `rolltape tracks` for what it finds there. One reading gives a line
    of rate 0. Where the readings contradict one another, the bound is as wide as that takes.
    """
    if not readings:
        return None
    first = min(one.asked_ms for one in readings)
    last = max(one.answered_ms for one in readings)
    middle = (first + last) / 2
    base = readings[0].server_ms - readings[0].asked_ms
    bounds = _Bounds(
        tuple((one.asked_ms - middle, one.server_ms - one.asked_ms - base) for one in readings),
        tuple((one.answered_ms - middle, one.server_ms - one.answered_ms - base) for one in readings),
    )
    rate = _peak(bounds.margin, -STEEPEST, STEEPEST)
    offset = (bounds.highest(rate) + bounds.lowest(rate)) / 2
    half = (last - first) / 2
    left, right = _rates_that_fit(bounds, rate)
    spread = max(_spread(bounds, left, right, at, offset + rate * at) for at in (-half, half))
    return ClockLine(middle, base + offset, rate, spread + WANDER * (last - first), len(readings))


def _peak(value: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one peak is highest (golden section)."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = value(a), value(b)
    for _ in range(STEPS):
        if at_a >= at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = value(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = value(b)
    return (low + high) / 2


def _rates_that_fit(bounds: _Bounds, best: float) -> tuple[float, float]:
    """The flattest and the steepest line that fit all readings; the best alone where none does."""
    if bounds.margin(best) <= 0:
        return best, best
    return _edge(bounds, best, -STEEPEST), _edge(bounds, best, STEEPEST)


def _edge(bounds: _Bounds, inside: float, outside: float) -> float:
    if bounds.margin(outside) >= 0:
        return outside
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if bounds.margin(middle) >= 0 else (inside, middle)
    return outside


def _spread(bounds: _Bounds, left: float, right: float, at: float, chosen: float) -> float:
    """How far from the chosen line another one that fits may be at this moment."""
    top = _peak(lambda rate: bounds.highest(rate) + rate * at, left, right)
    bottom = _peak(lambda rate: -bounds.lowest(rate) - rate * at, left, right)
    highest = bounds.highest(top) + top * at
    lowest = bounds.lowest(bottom) + bottom * at
    misfit = max(0.0, -bounds.margin(top), -bounds.margin(bottom))
    return max(highest - chosen, chosen - lowest, 0.0) + 2 * misfit
