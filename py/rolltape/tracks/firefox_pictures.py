"""When the pictures of Firefox's recordings were captured: it dates them by how much sound had come by then.

Its recorder keeps pictures in step with a microphone whose clock runs apart from the machine's (Gecko's
`DriftCompensator`). A file's time begins when the first sound comes, which is a buffer of the device after it was
captured: so pictures are dated that much too early. After ten seconds of sound each is put where the sound had come
to by then, and sound comes a buffer at a time: from there on it is anything up to a buffer. Measured with Firefox 153
and buffers of 21 ms: 20 to 23 ms too early, then 1 to 23. The pictures of a steady camera tell the buffer, and are
put on a line again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from rolltape.tracks.place import Segment

__all__ = ["captured_by_sound", "undated"]

AT_FIRST_MS = 10_000.0
"""So much sound comes before pictures are dated by how much of it there is."""
WINDOW = 48
"""Pictures that a line is drawn through."""
USUAL_MS = 10.0
"""Length of a sound device's buffer where the pictures do not tell it."""
SHORTEST_MS, LONGEST_MS = 4.0, 60.0
STEADY = 0.5, 1.5
"""Between so many buffers lie those of a steady camera that are furthest off their line, to either side; less apart
are pictures that come in step with the sound, which tell nothing of it.
"""
SHARE = 0.9
"""Of a window's pictures, that much lies before those that are dated latest: one alone may have come late."""
LEAST_MS = 0.001


@dataclass(frozen=True)
class _Line:
    """Some pictures, one after another, and how far each lies from a straight line through all."""

    first: int
    from_line_ms: tuple[float, ...]

    @property
    def spread_ms(self) -> float:
        return max(self.from_line_ms) - min(self.from_line_ms)


def captured_by_sound(
    stamps_ms: Sequence[float], sound: Sequence[Segment], late_ms: float, began_ms: float
) -> array[float]:
    """When a file's pictures were captured, in milliseconds since `began_ms` on the room's clock; in order.

    `stamps_ms` are in the file's own time, in order. `sound` is where the file's sound lies, at least one segment;
    `late_ms` is by how much later it comes out of its decoder than it went into its encoder.
    """
    begins = [one.from_ms for one in sound]
    found = array("d")
    for stamp_ms in undated(stamps_ms):
        heard_ms = stamp_ms + late_ms
        one = sound[max(0, bisect_right(begins, heard_ms) - 1)]
        slope = (one.until_ms - one.at_ms) / (one.to_ms - one.from_ms)
        found.append(one.at_ms + (heard_ms - one.from_ms) * slope - began_ms)
    return found


def undated(stamps_ms: Sequence[float]) -> array[float]:
    """Return when each picture was captured, in the file's own time, from when Firefox stamped it; in order."""
    later = bisect_left(stamps_ms, AT_FIRST_MS)
    spreads_ms = [one.spread_ms for one in _lines(stamps_ms, later)]
    buffer_ms = median(spreads_ms) if spreads_ms else USUAL_MS
    if not SHORTEST_MS <= buffer_ms <= LONGEST_MS:
        buffer_ms = USUAL_MS
    found = array("d", (stamp_ms + buffer_ms for stamp_ms in stamps_ms[:later]))
    found.extend(stamp_ms + buffer_ms / 2 for stamp_ms in stamps_ms[later:])
    for line in _lines(stamps_ms, later):  # drawn once more, since hours of them would take tens of megabytes
        if not STEADY[0] <= line.spread_ms / buffer_ms <= STEADY[1]:
            continue
        late_ms = sorted(line.from_line_ms)[int(SHARE * len(line.from_line_ms))] + (1 - SHARE) * buffer_ms
        for at, from_line_ms in enumerate(line.from_line_ms, line.first):
            found[at] = stamps_ms[at] - from_line_ms + late_ms
    for at in range(1, len(found)):
        found[at] = max(found[at], found[at - 1] + LEAST_MS)
    return found


def _lines(stamps_ms: Sequence[float], first: int) -> Iterator[_Line]:
    """A line through each so many pictures from `first` on, the last ones with some of those before."""
    count = len(stamps_ms)
    for begin in range(first, count, WINDOW):
        start = min(begin, count - WINDOW)
        if start < first:
            return
        yield _line(stamps_ms[start : start + WINDOW], start)


def _line(stamps_ms: Sequence[float], first: int) -> _Line:
    """Least squares."""
    middle, mean_ms = (len(stamps_ms) - 1) / 2, sum(stamps_ms) / len(stamps_ms)
    squares = sum((at - middle) ** 2 for at in range(len(stamps_ms)))
    step_ms = sum((at - middle) * stamp_ms for at, stamp_ms in enumerate(stamps_ms)) / squares
    return _Line(
        first,
        tuple(stamp_ms - mean_ms - step_ms * (at - middle) for at, stamp_ms in enumerate(stamps_ms)),
    )
