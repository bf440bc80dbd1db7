"""The pace of uploads: a conversation on the same line does not notice, and most of what is free is used."""

from __future__ import annotations

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals.upload_pace import MAX_SLICE, MIN_SLICE, Backoff, DelayPace

BUFFER = 500_000
"""Bytes: an ordinary home router."""


class Line:
    """A line of so many bits a second with a queue, on which a call takes its share; by a clock of its own."""

    def __init__(self, bits_s: float, call_bits_s: float, trip_ms: float, seed: int = 1) -> None:
        self.rate = bits_s / 8000
        self.call = call_bits_s / 8000
        self.trip_ms = trip_ms
        self.queue = 0.0
        self.now_ms = 0.0
        self.dice = random.Random(seed)

    def pass_to(self, now_ms: float) -> None:
        self.queue = min(BUFFER, max(0.0, self.queue + (self.call - self.rate) * (now_ms - self.now_ms)))
        self.now_ms = now_ms

    @property
    def delay_ms(self) -> float:
        jitter = self.dice.expovariate(1 / 4) + (self.dice.random() < 0.03) * 120
        return self.trip_ms + self.queue / self.rate + jitter


def used(line: Line, pace: DelayPace, seconds: int) -> tuple[float, list[float]]:
    """Send for so long: the share of the free line that was used, and what the queue added to each delay."""
    waits: list[float] = []
    next_clock, sent, until_ms = line.now_ms, 0.0, line.now_ms + seconds * 1000
    while line.now_ms < until_ms:
        at = line.now_ms + pace.wait_ms(line.now_ms)
        size = pace.slice
        while next_clock < at:
            line.pass_to(max(next_clock, line.now_ms))
            waits.append(line.queue / line.rate)
            pace.note_delay(line.delay_ms, line.now_ms)
            next_clock += 500
        line.pass_to(at)
        line.queue = min(BUFFER, line.queue + size)
        done = at + line.queue / line.rate + line.trip_ms
        while next_clock < done:
            line.pass_to(max(next_clock, line.now_ms))
            waits.append(line.queue / line.rate)
            pace.note_delay(line.delay_ms, line.now_ms)
            next_clock += 500
        line.pass_to(done)
        pace.sent(size, at, done)
        sent += size
    return sent / ((line.rate - line.call) * seconds * 1000), waits


@pytest.mark.parametrize("bits_s", [2e6, 5e6, 20e6])
def test_a_call_is_hardly_felt_and_most_of_the_line_is_used(bits_s: float) -> None:
    line, pace = Line(bits_s, 8e5, 30), DelayPace()

    share, waits = used(line, pace, 120)

    settled = waits[len(waits) // 4 :]
    assert median(settled) <= 50
    assert share >= 0.6


@pytest.mark.parametrize(("trip_ms", "most_ms"), [(300, 60), (600, 150)])
def test_a_line_with_a_long_way_is_used_all_the_same(trip_ms: float, most_ms: float) -> None:
    line, pace = Line(5e6, 8e5, trip_ms), DelayPace()

    share, waits = used(line, pace, 120)

    assert share >= 0.35
    assert median(waits[len(waits) // 4 :]) <= most_ms


def test_where_the_line_gets_narrow_it_gives_way() -> None:
    line, pace = Line(10e6, 8e5, 30), DelayPace()
    used(line, pace, 60)
    before = pace.rate
    line.rate = 2e6 / 8000

    _, waits = used(line, pace, 60)

    assert pace.rate < before
    assert median(waits[len(waits) // 3 :]) <= 55


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(1, 2000)), max_size=50))
def test_whatever_is_measured_requests_stay_within_their_bounds(samples: list[tuple[float, float]]) -> None:
    pace, now_ms = DelayPace(), 0.0

    for delay_ms, after_ms in samples:
        now_ms += after_ms
        pace.note_delay(delay_ms, now_ms)
        begun_ms = now_ms + pace.wait_ms(now_ms)
        pace.sent(pace.slice, begun_ms, begun_ms + delay_ms)

        assert MIN_SLICE <= pace.slice <= MAX_SLICE
        assert pace.wait_ms(begun_ms) < 20_000


def test_patience_has_no_end_and_no_more_than_half_a_minute_between() -> None:
    backoff = Backoff()

    waits = [backoff.failed() for _ in range(1000)]

    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == 30.0
    backoff.worked()
    assert backoff.failed(12) == 12
