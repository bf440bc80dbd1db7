"""How a recording goes: pictures and bits a second over the last seconds, by the clock, not by the file.

A file tells how it went while something came; it cannot tell that nothing comes any more. So what it holds is noted
whenever something has come, and the rates are between notes, or until now where the last one is too long ago.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Rate", "Throughput"]

WINDOW_MS = 5000.0
"""The rates are those of about so long a time."""
SHORTEST_MS = 1000.0
"""Over less than this nothing is said: two packets that come together are no rate."""
STEADY_MS = 3000.0
"""Something comes at least so often while all is well: MP4 comes at key frames, which are 2 s apart."""


@dataclass(frozen=True)
class Rate:
    """Rates over the last seconds."""

    fps: float | None = None
    """Pictures a second; None where they are not counted, and before there is a second to count in."""
    kbps: float = 0.0
    """Bits a second, divided by 1000; 0 before there is a second to measure."""


class _Note(NamedTuple):
    at_ms: float
    pictures: int | None
    bytes: int


class Throughput:
    """Measures the rates of one file from notes of its size as it grows; times are milliseconds of one clock."""

    def __init__(self) -> None:
        self._notes: deque[_Note] = deque()

    def note(self, now_ms: float, pictures: int | None, size: int) -> None:
        """Note how many pictures (None: nobody knows) and bytes the file holds; call it when something has come."""
        self._notes.append(_Note(now_ms, pictures, size))
        self._forget(now_ms)

    def restart(self) -> None:
        """Forget what came before, after a pause."""
        self._notes.clear()

    def rate(self, now_ms: float) -> Rate:
        """Return the rates at `now_ms`; they fall where nothing was noted for longer than STEADY_MS."""
        self._forget(now_ms)
        if not self._notes:
            return Rate()
        first, last = self._notes[0], self._notes[-1]
        until_ms = now_ms if now_ms - last.at_ms > STEADY_MS else last.at_ms
        span_ms = until_ms - first.at_ms
        if span_ms < SHORTEST_MS:
            return Rate()
        fps = None
        if first.pictures is not None and last.pictures is not None:
            fps = (last.pictures - first.pictures) * 1000 / span_ms
        return Rate(fps, (last.bytes - first.bytes) * 8 / span_ms)

    def _forget(self, now_ms: float) -> None:
        """Keep the window, and the one note at which it begins."""
        notes = self._notes
        while len(notes) > 1 and notes[1].at_ms <= now_ms - WINDOW_MS:
            notes.popleft()
