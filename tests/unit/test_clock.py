"""The room's clock: whatever the network does, the true time lies within the bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.clock import DRIFT, Instant, Reading, RoomClock

OFFSET = 1_764_000_000_000.0
delays = st.floats(0, 5000)


def test_nothing_is_known_at_first() -> None:
    assert RoomClock().at(5.0) is None


def test_the_quickest_answer_counts() -> None:
    clock = RoomClock()
    clock.add(Reading(0, 1000, OFFSET + 900))
    clock.add(Reading(1000, 1010, OFFSET + 1005))
    clock.add(Reading(2000, 2400, OFFSET + 2010))

    assert clock.at(1010) == Instant(OFFSET + 1010, 5.0)


def test_a_bound_grows_with_its_age() -> None:
    clock = RoomClock()
    clock.add(Reading(0, 10, OFFSET + 5))

    later = clock.at(10 + 3_600_000)

    assert later is not None
    assert later.error_ms == 5 + DRIFT * 3_600_000


def test_a_reading_that_goes_backwards_is_left_out() -> None:
    clock = RoomClock()
    clock.add(Reading(10, 5, OFFSET))

    assert clock.at(10) is None


@given(st.lists(st.tuples(delays, delays, st.floats(0, 60_000)), min_size=1, max_size=200), st.floats(-1, 1))
def test_the_true_time_lies_within_the_bound(
    questions: list[tuple[float, float, float]], drift_share: float
) -> None:
    drift = DRIFT * drift_share
    clock, now = RoomClock(), 0.0
    for there, back, wait in questions:
        read_at = now + there
        clock.add(Reading(now, read_at + back, OFFSET + read_at * (1 + drift)))
        now = read_at + back + wait

    found = clock.at(now)

    assert found is not None
    # The server's own clock runs on during the answer, which half the time there and back covers but for drift.
    assert abs(found.at_ms - (OFFSET + now * (1 + drift))) <= found.error_ms + 10_000 * DRIFT + 1e-3
