"""The pace of uploads: a conversation on the same line does not notice, and most of what is free is used."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.arrivals.upload_pace import MAX_SLICE, MIN_SLICE, Backoff, DelayPace, DelaySource

BUFFER = 500_000
"""Bytes: an ordinary home router."""
ALL = tuple(DelaySource)


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
        gone_ms = max(0.0, now_ms - self.now_ms)
        self.queue = min(BUFFER, max(0.0, self.queue + (self.call - self.rate) * gone_ms))
        self.now_ms = max(self.now_ms, now_ms)

    @property
    def wait_ms(self) -> float:
        return self.queue / self.rate

    @property
    def delay_ms(self) -> float:
        jitter = self.dice.expovariate(1 / 4) + (self.dice.random() < 0.03) * 120
        return self.trip_ms + self.wait_ms + jitter


@dataclass
class Sending:
    """A page that sends over a line, and what it is told of it; `busy`: this share of the answers is seen late."""

    line: Line
    pace: DelayPace = field(default_factory=DelayPace)
    heard: Collection[DelaySource] = ALL
    busy: float = 0.0
    call_begins_ms: float = 0.0
    waits: list[float] = field(default_factory=list)
    """What the queue added to a packet of the call, every 50 ms."""
    _look_ms: float = 0.0
    _clock_ms: float = 0.0
    _call_ms: float = 0.0

    def _pass_to(self, until_ms: float) -> None:
        """What is measured until then."""
        line, dice = self.line, self.line.dice
        while (due := min(self._look_ms, self._clock_ms, self._call_ms)) < until_ms:
            line.pass_to(due)
            if due == self._look_ms:
                self.waits.append(line.wait_ms)
                self._look_ms += 50
            elif due == self._clock_ms:
                late = 300 * dice.random() if dice.random() < self.busy else 0.0
                if DelaySource.CLOCK in self.heard:
                    self.pace.note_delay(DelaySource.CLOCK, line.delay_ms + late, line.now_ms)
                self._clock_ms += 500
            else:
                if DelaySource.CALL in self.heard and due >= self.call_begins_ms:
                    self.pace.note_delay(DelaySource.CALL, line.delay_ms, line.now_ms, "ada")
                self._call_ms += 1000 + 1500 * dice.random()
        line.pass_to(until_ms)

    def send(self, seconds: float) -> tuple[float, float]:
        """Send for so long: the share of the free line that was used, and the median wait once it has settled."""
        line, sent, began_ms = self.line, 0, self.line.now_ms
        self.waits.clear()
        while line.now_ms < began_ms + seconds * 1000:
            size = self.pace.slice(line.now_ms)
            at = line.now_ms + self.pace.wait_ms(line.now_ms)
            self._pass_to(at)
            line.queue = min(BUFFER, line.queue + size)
            took = line.wait_ms + line.trip_ms + line.dice.expovariate(1 / 5)
            self._pass_to(at + took)
            self.pace.sent(size, at, took)
            sent += size
        used = sent / ((line.rate - line.call) * (line.now_ms - began_ms))
        return used, median(self.waits[len(self.waits) // 4 :])


@pytest.mark.parametrize("bits_s", [2e6, 5e6, 20e6])
def test_a_call_is_hardly_felt_and_most_of_the_line_is_used(bits_s: float) -> None:
    share, wait_ms = Sending(Line(bits_s, 8e5, 30)).send(120)

    assert wait_ms <= 50
    assert share >= 0.6


@pytest.mark.parametrize(
    "heard",
    [
        (DelaySource.CLOCK, DelaySource.REQUEST),
        (DelaySource.CALL, DelaySource.REQUEST),
        (DelaySource.REQUEST,),
    ],
)
def test_where_only_some_of_it_can_be_measured_it_is_the_same(heard: Collection[DelaySource]) -> None:
    share, wait_ms = Sending(Line(5e6, 8e5, 30), heard=heard).send(120)

    assert wait_ms <= 50
    assert share >= 0.6


@pytest.mark.parametrize("heard", [ALL, (DelaySource.CLOCK, DelaySource.REQUEST)])
def test_a_busy_page_is_not_taken_for_a_slow_line(heard: Collection[DelaySource]) -> None:
    """Of ten answers seven are seen late, by up to 0.3 s."""
    share, wait_ms = Sending(Line(5e6, 8e5, 30), heard=heard, busy=0.7).send(120)

    assert wait_ms <= 50
    assert share >= 0.6


def test_who_joins_while_something_is_sent_is_not_taken_for_an_empty_line() -> None:
    sending = Sending(Line(5e6, 8e5, 30), call_begins_ms=60_000)
    sending.send(60)

    share, wait_ms = sending.send(60)

    assert wait_ms <= 50
    assert share >= 0.6


def test_a_line_that_is_never_quiet_by_itself_is_not_forgotten_to_have_been() -> None:
    """Longer than what was measured is kept."""
    sending = Sending(Line(5e6, 8e5, 30))
    sending.send(300)

    share, wait_ms = sending.send(100)

    assert wait_ms <= 50
    assert share >= 0.6


def test_one_of_a_call_whose_line_gets_slow_does_not_stop_what_is_sent() -> None:
    """Their Wi-Fi is bad; the line between here and the host is as it was."""
    pace = DelayPace()
    for beat in range(60):
        now_ms = 500.0 * beat
        pace.note_delay(DelaySource.CALL, 30 if beat < 20 else 900, now_ms, "eve")
        pace.note_delay(DelaySource.CLOCK, 30, now_ms)
        pace.sent(pace.slice(now_ms), now_ms, 20)

    assert pace.rise_ms(30_000) < 1


@pytest.mark.parametrize(("trip_ms", "least"), [(300, 0.35), (600, 0.2)])
def test_a_line_with_a_long_way_is_used_all_the_same(trip_ms: float, least: float) -> None:
    share, wait_ms = Sending(Line(5e6, 8e5, trip_ms)).send(120)

    assert share >= least
    assert wait_ms <= 50


def test_where_the_line_gets_narrow_it_gives_way() -> None:
    sending = Sending(Line(10e6, 8e5, 30))
    sending.send(60)
    before = sending.pace.rate
    sending.line.rate = 2e6 / 8000

    _, wait_ms = sending.send(60)

    assert sending.pace.rate < before
    assert wait_ms <= 55


@given(
    st.lists(
        st.tuples(st.sampled_from(ALL), st.sampled_from("ab"), st.floats(0, 5000), st.floats(1, 2000)),
        max_size=50,
    )
)
def test_whatever_is_measured_requests_stay_within_their_bounds(
    samples: list[tuple[DelaySource, str, float, float]],
) -> None:
    pace, now_ms = DelayPace(), 0.0

    for source, of, delay_ms, after_ms in samples:
        now_ms += after_ms
        pace.note_delay(source, delay_ms, now_ms, of)
        size, begun_ms = pace.slice(now_ms), now_ms + pace.wait_ms(now_ms)
        pace.sent(size, begun_ms, delay_ms)

        assert MIN_SLICE <= size <= MAX_SLICE
        assert pace.rise_ms(now_ms) >= 0
        assert pace.wait_ms(begun_ms) < 20_000


@given(st.floats(1.5e6, 30e6), st.floats(5, 200), st.integers(0, 99), st.floats(0, 1))
@settings(max_examples=10, deadline=None)
def test_no_line_is_held_up_for_long_and_none_is_left_alone(
    bits_s: float, trip_ms: float, seed: int, busy: float
) -> None:
    share, wait_ms = Sending(Line(bits_s, 8e5, trip_ms, seed), busy=busy).send(60)

    assert wait_ms <= 80
    assert share >= 0.2


def test_patience_has_no_end_and_no_more_than_half_a_minute_between() -> None:
    backoff = Backoff()

    waits = [backoff.failed() for _ in range(1000)]

    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == 30.0
    backoff.worked()
    assert backoff.failed(12) == 12
