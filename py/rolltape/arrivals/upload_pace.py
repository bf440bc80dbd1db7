"""How fast takes are sent: led by the line's delay while anybody talks, flat out afterwards; patience after errors.

The idea is LEDBAT's (RFC 6817) above HTTP: whoever sends in the background watches how long answers of the same line
wait in its queue, and gives way before a conversation notices. Three things tell of that queue, and each can be wrong
by itself: answers to the room's clock messages wait for a busy page, requests for a busy host, a call's round trips
for the other machine. So each is compared with its own quietest, and what counts is the middle one of the three.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

__all__ = ["MAX_SLICE", "MIN_SLICE", "Backoff", "DelayPace", "DelaySource"]

TARGET_MS: Final = 40.0
"""So much longer than at its quietest an answer may take because of what is sent here."""
WINDOW_MS: Final = 500.0
"""Over so long the median of a source is taken: single answers and the least one of a while both mislead."""
BASE_MS: Final = 120_000.0
"""A source's own delay is its least median of this long: routes change."""
FRESH_MS: Final = 3000.0
"""A source that has told nothing for so long is not heard; browsers ask a call's other side every 2.5 s."""
REST_EVERY_MS: Final = 15_000.0
REST_MS: Final = 600.0
"""So often nothing is sent for so long, and then a little: a queue that is never empty is soon the quietest."""
SLICE_S: Final = 0.1
"""A request carries what the rate sends in this time: it holds the line up no longer."""
MIN_SLICE: Final = 8 << 10
MAX_SLICE: Final = 1 << 20
START_RATE: Final = 160 << 10
"""Bytes a second before anything is known."""
MIN_RATE: Final = 32 << 10
MAX_RATE: Final = 64 << 20
RISE: Final = 1.12
"""At an empty queue the rate grows by so much in half a second; at the target not at all."""
FALL: Final = 0.6
"""No half second takes more of it away than this share leaves."""
TOOK_MS: Final = 2 * REST_EVERY_MS
LONGEST_S: Final = 0.3
"""Where a trip takes long, or the host, a request carries as much as makes up for that, up to this time's bytes."""
BLIND_MS: Final = 3000.0
"""Without an answer for this long nothing is known: the rate falls."""


class DelaySource(StrEnum):
    """What tells how long something waits in the line's queue."""

    CLOCK = "clock"
    """Answers to the room's clock messages, as the page's main thread saw them."""
    CALL = "call"
    """Round trips of connections of the call (W3C WebRTC Statistics, `currentRoundTripTime`)."""
    REQUEST = "request"
    """The segments themselves, as the worker that sends them saw them."""


class _Delay:
    """One source's delays: how long they are now, and how long at their quietest."""

    def __init__(self) -> None:
        self.told_ms = 0.0
        """When it was heard last."""
        self._samples: deque[tuple[float, float]] = deque()
        self._medians: deque[tuple[float, float]] = deque()
        self._middle = 0.0

    def note(self, delay_ms: float, now_ms: float, others_ms: float) -> None:
        """Take in a sample; one that is heard for the first time is as far above its quietest as the others are."""
        self.told_ms = now_ms
        self._samples.append((now_ms, delay_ms))
        while now_ms - self._samples[0][0] > WINDOW_MS:
            self._samples.popleft()
        self._middle = _median([delay for _, delay in self._samples])
        self._medians.append((now_ms, self._middle if self._medians else self._middle - others_ms))
        while now_ms - self._medians[0][0] > BASE_MS:
            self._medians.popleft()

    @property
    def rise_ms(self) -> float:
        """By how much it is longer than at its quietest."""
        return self._middle - min(middle for _, middle in self._medians)


class DelayPace:
    """The rate that a line takes without being felt; times are milliseconds of one monotonic clock."""

    def __init__(self) -> None:
        self.rate = float(START_RATE)
        """Bytes a second."""
        self._delays: dict[tuple[DelaySource, str], _Delay] = {}
        self._steered_ms = 0.0
        self._free_ms = 0.0
        """From then on the next request may go."""
        self._rest_ms: float | None = None
        """When the line is left alone next; None before anything was to be sent."""
        self._took: deque[tuple[float, float]] = deque()
        """When requests were begun, and how many seconds they took: the least of them is what any request takes."""
        self._begun_ms: float | None = None
        """When it was first asked: the line is measured for a while before anything is sent."""

    def note_delay(self, source: DelaySource, delay_ms: float, now_ms: float, of: str = "") -> None:
        """Take in how long an answer took; `of` names one of several of this kind, as the members of a call.

        Some twice a second while anybody talks; without any for three seconds the rate falls.
        """
        delay = self._delays.get((source, of))
        if delay is None:
            delay = self._delays[source, of] = _Delay()
        delay.note(delay_ms, now_ms, self.rise_ms(now_ms))
        if now_ms - self._steered_ms >= WINDOW_MS:
            self._steer(now_ms)

    def rise_ms(self, now_ms: float) -> float:
        """By how much things take longer than at their quietest: the middle source's word, the lesser of two.

        Of a call's connections the slowest counts. 0 while nothing is heard.
        """
        rises: dict[DelaySource, float] = {}
        for (source, _), delay in self._delays.items():
            if delay.told_ms and now_ms - delay.told_ms <= FRESH_MS:
                rises[source] = max(rises.get(source, 0.0), delay.rise_ms)
        return _median(list(rises.values())) if rises else 0.0

    def _steer(self, now_ms: float) -> None:
        self._steered_ms = now_ms
        room = (TARGET_MS - self.rise_ms(now_ms)) / TARGET_MS
        factor = max(FALL, 1 + room * (RISE - 1)) if room >= 0 else max(FALL, 1 + room * 0.5)
        self.rate = min(MAX_RATE, max(MIN_RATE, self.rate * factor))

    def slice(self, now_ms: float) -> int:
        """Return the bytes that the next request may carry, MIN_SLICE to MAX_SLICE; the least after a rest."""
        if self._is_rest_due(now_ms):
            return MIN_SLICE
        lasts_s = max(SLICE_S, min(LONGEST_S, self._trip_s))
        return int(min(MAX_SLICE, max(MIN_SLICE, self.rate * lasts_s)))

    def _is_rest_due(self, now_ms: float) -> bool:
        return self._rest_ms is not None and now_ms >= self._rest_ms

    @property
    def _trip_s(self) -> float:
        """What a request takes whatever it carries, in seconds."""
        return 0.9 * min((took_s for _, took_s in self._took), default=0.0)

    def wait_ms(self, now_ms: float) -> float:
        """Return for how many milliseconds the next request has to wait; the first waits for a first measurement."""
        if self._steered_ms and now_ms - self._steered_ms > BLIND_MS:
            self._steered_ms = now_ms
            self.rate = max(MIN_RATE, self.rate * FALL)
        if self._begun_ms is None or self._rest_ms is None:
            self._begun_ms, self._rest_ms = now_ms, now_ms + REST_EVERY_MS
        rest_ms = REST_MS if self._is_rest_due(now_ms) else 0.0
        return max(rest_ms, self._free_ms - now_ms, self._begun_ms + WINDOW_MS - now_ms)

    def sent(self, size: int, begun_ms: float, took_ms: float) -> None:
        """Note that a request of `size` bytes was begun, and answered after so long; the next waits for the rate.

        A line that took longer than the rate allows is the slower one: the rate is not thought to be higher.
        """
        self._took.append((begun_ms, took_ms / 1000))
        while begun_ms - self._took[0][0] > TOOK_MS:
            self._took.popleft()
        queued_s = max(1e-3, took_ms / 1000 - self._trip_s)
        self.rate = max(MIN_RATE, min(self.rate, 2 * size / queued_s))
        lasts_s = size / self.rate
        self._free_ms = begun_ms + 1000 * lasts_s
        if self._is_rest_due(begun_ms):
            self._rest_ms = begun_ms + REST_EVERY_MS
        # It waits behind itself, too: what a conversation sends meanwhile finds half of it in the queue, and until
        # the next one is sent nothing.
        felt_ms = 500 * queued_s * min(1.0, queued_s / lasts_s)
        self.note_delay(DelaySource.REQUEST, felt_ms, begun_ms + took_ms)


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
