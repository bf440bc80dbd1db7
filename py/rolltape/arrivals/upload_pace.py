"""How fast takes are sent: led by the line's delay while anybody talks, flat out afterwards; patience after errors.

The idea is LEDBAT's (RFC 6817) above HTTP: whoever sends in the background watches how long answers of the same line
wait in its queue, and gives way before a conversation notices. Single answers and the least one of a while both
mislead, so it goes by the median of what came in half a second.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["MAX_SLICE", "MIN_SLICE", "Backoff", "DelayPace"]

TARGET_MS: Final = 50.0
"""So much longer than at its quietest an answer may take because of what is sent here."""
WINDOW_MS: Final = 500.0
"""Over so long the median is taken."""
BASE_MS: Final = 120_000.0
"""The line's own delay is the least median of this long: routes change."""
SLICE_S: Final = 0.1
"""A request carries what the rate sends in this time: it holds the line up no longer."""
MIN_SLICE: Final = 8 << 10
MAX_SLICE: Final = 1 << 20
START_RATE: Final = 160 << 10
"""Bytes a second before anything is known."""
MIN_RATE: Final = 128 << 10
"""One Mbit/s: a busy page measures its own lateness with the line's, and nothing may starve an upload by that."""
MAX_RATE: Final = 64 << 20
RISE: Final = 1.12
"""At an empty queue the rate grows by so much in half a second; at the target not at all."""
FALL: Final = 0.6
"""No half second takes more of it away than this share leaves."""
TOOK_KEPT: Final = 20
LONGEST_S: Final = 0.3
"""Where a trip takes long, or the host, a request carries as much as makes up for that, up to this time's bytes."""
BLIND_MS: Final = 3000.0
"""Without an answer for this long nothing is known: the rate falls."""


class DelayPace:
    """The rate that a line takes without being felt; times are milliseconds of one monotonic clock."""

    def __init__(self) -> None:
        self.rate = float(START_RATE)
        """Bytes a second."""
        self._samples: deque[tuple[float, float]] = deque()
        self._medians: deque[tuple[float, float]] = deque()
        self._steered_ms = 0.0
        self._free_ms = 0.0
        """From then on the next request may go."""
        self._took: deque[float] = deque(maxlen=TOOK_KEPT)
        """How long the last requests took, in seconds: the least of them is what any request takes."""
        self._begun_ms: float | None = None
        """When it was first asked: the line is measured for a while before anything is sent."""

    def note_delay(self, delay_ms: float, now_ms: float) -> None:
        """Take in how long an answer took that carried next to nothing: the room's clock, a call's statistics.

        Some twice a second while anybody talks; without them for three seconds the rate falls.
        """
        self._samples.append((now_ms, delay_ms))
        while self._samples and now_ms - self._samples[0][0] > WINDOW_MS:
            self._samples.popleft()
        if now_ms - self._steered_ms >= WINDOW_MS:
            self._steer(now_ms)

    def _steer(self, now_ms: float) -> None:
        self._steered_ms = now_ms
        middle = _median([delay for _, delay in self._samples])
        self._medians.append((now_ms, middle))
        while now_ms - self._medians[0][0] > BASE_MS:
            self._medians.popleft()
        room = (TARGET_MS - (middle - self.base_ms)) / TARGET_MS
        factor = max(FALL, 1 + room * (RISE - 1)) if room >= 0 else max(FALL, 1 + room * 0.5)
        self.rate = min(MAX_RATE, max(MIN_RATE, self.rate * factor))

    @property
    def base_ms(self) -> float:
        """The line's delay at its quietest; 0 while nothing is known."""
        return min((middle for _, middle in self._medians), default=0.0)

    @property
    def slice(self) -> int:
        """Bytes that the next request may carry, MIN_SLICE to MAX_SLICE."""
        lasts_s = max(SLICE_S, min(LONGEST_S, self._trip_s))
        return int(min(MAX_SLICE, max(MIN_SLICE, self.rate * lasts_s)))

    @property
    def _trip_s(self) -> float:
        """What a request takes whatever it carries, in seconds."""
        return 0.9 * min(self._took, default=0.0)

    def wait_ms(self, now_ms: float) -> float:
        """Return for how many milliseconds the next request has to wait; the first waits for a first measurement."""
        if self._steered_ms and now_ms - self._steered_ms > BLIND_MS:
            self._steered_ms = now_ms
            self.rate = max(MIN_RATE, self.rate * FALL)
        if self._begun_ms is None:
            self._begun_ms = now_ms
        return max(0.0, self._free_ms - now_ms, self._begun_ms + WINDOW_MS - now_ms)

    def sent(self, size: int, begun_ms: float, now_ms: float) -> None:
        """Note that a request of `size` bytes was begun and answered; the next waits as long as it takes at the rate.

        A line that took longer than the rate allows is the slower one: the rate is not thought to be higher.
        """
        took_s = (now_ms - begun_ms) / 1000
        self._took.append(took_s)
        self.rate = max(MIN_RATE, min(self.rate, 2 * size / max(1e-3, took_s - self._trip_s)))
        self._free_ms = begun_ms + 1000 * size / self.rate


class Backoff:
    """Patience after failures: half a second, twice as long each time, half a minute at most, without an end."""

    FIRST_S: Final = 0.5
    LONGEST_S: Final = 30.0

    def __init__(self) -> None:
        self.failures = 0
        """Since it last worked."""

    def failed(self, asked_s: float | None = None) -> float:
        """Note a failure; return the seconds to wait: at least as many as the host asked for, up to an hour."""
        wait = min(self.LONGEST_S, self.FIRST_S * (1 << min(self.failures, 10)))
        self.failures += 1
        return max(wait, min(asked_s or 0.0, 3600.0))

    def worked(self) -> None:
        """Note a success: the next failure waits half a second again."""
        self.failures = 0


def _median(values: list[float]) -> float:
    """The lower median; `statistics` has one too, and with it fractions and decimals that a page waits for."""
    return sorted(values)[(len(values) - 1) // 2]
