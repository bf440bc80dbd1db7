"""Rates by the clock: no spike out of a moment, no rate that stays when nothing comes any more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.throughput import SHORTEST_MS, WINDOW_MS, Rate, Throughput


def steady(seconds: float, every_ms: float = 500.0, fps: float = 30.0, kbps: float = 2000.0) -> Throughput:
    """A recording that has gone well for so long."""
    throughput = Throughput()
    for number in range(1, round(seconds * 1000 / every_ms) + 1):
        at_ms = number * every_ms
        throughput.note(at_ms, round(at_ms * fps / 1000), round(at_ms * kbps / 8))
    return throughput


@pytest.mark.parametrize("every_ms", [250.0, 500.0, 2000.0])
def test_a_steady_recording_has_a_steady_rate_whenever_it_is_looked_at(every_ms: float) -> None:
    throughput = steady(12, every_ms)

    for later_ms in (0, 200, 1900):
        rate = throughput.rate(12_000 + later_ms)
        assert rate.fps == pytest.approx(30, rel=0.02) and rate.kbps == pytest.approx(2000, rel=0.02)


def test_two_chunks_that_come_together_are_no_rate() -> None:
    throughput = Throughput()
    throughput.note(1000, 1, 2000)
    throughput.note(1003, 2, 588_000)

    assert throughput.rate(1003) == throughput.rate(1500) == Rate()


def test_pictures_that_stop_while_sound_goes_on_are_none_after_five_seconds() -> None:
    throughput = steady(10)
    for number in range(1, 13):
        throughput.note(10_000 + number * 500, 300, 2_500_000 + number * 8000)

    rate = throughput.rate(16_000)
    assert rate.fps == 0 and rate.kbps == pytest.approx(128, rel=0.01)


def test_rates_fall_when_nothing_comes_any_more() -> None:
    throughput = steady(10)

    seen = [throughput.rate(10_000 + later_ms).fps for later_ms in (0, 4000, 6000)]

    assert seen[0] == pytest.approx(30)
    assert seen[1] is not None and 0 < seen[1] < 20
    assert seen[2] == 0
    assert throughput.rate(16_000) == Rate(0.0, 0.0)


def test_pictures_that_nobody_counts_have_no_rate_but_bits_have() -> None:
    throughput = Throughput()
    for number in range(5):
        throughput.note(number * 1000.0, None, number * 125_000)

    assert throughput.rate(4000) == Rate(None, 1000.0)


def test_a_pause_is_not_taken_for_a_low_rate() -> None:
    throughput = steady(10)
    throughput.restart()
    for number in range(5):
        throughput.note(12_000 + number * 500, 300 + number * 15, 2_500_000 + number * 125_000)

    assert throughput.rate(14_000) == Rate(30.0, 2000.0)


@given(st.lists(st.tuples(st.floats(0, 3000), st.integers(0, 10_000_000)), max_size=60))
def test_no_rate_is_higher_than_what_came_in_the_shortest_time(chunks: list[tuple[float, int]]) -> None:
    throughput = Throughput()
    now_ms = size = 0.0
    came: list[tuple[float, int]] = []
    for wait_ms, more in chunks:
        now_ms += wait_ms
        size += more
        came.append((now_ms, more))
        throughput.note(now_ms, None, int(size))
        recent = sum(each for at_ms, each in came if at_ms > now_ms - WINDOW_MS)
        assert throughput.rate(now_ms).kbps <= recent * 8 / SHORTEST_MS + 1e-6
