"""The clock of a recording, which stands while it is paused."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeClock
from rolltape.recording.pause_clock import PauseClock

SPANS = st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), max_size=12)


@given(SPANS)
def test_time_is_recorded_exactly_while_it_is_not_paused(spans: list[tuple[bool, int]]) -> None:
    clock = FakeClock()
    pauses = PauseClock(clock)
    began_ms, recorded_ms = clock.ms, 0
    for is_paused, length_ms in spans:
        if is_paused:
            pauses.pause()
        else:
            pauses.resume()
            recorded_ms += length_ms
        clock.ms += length_ms
        assert pauses.recorded_ms(began_ms, clock.ms) == recorded_ms
        assert pauses.is_paused is is_paused


@given(SPANS, st.integers(0, 20_000))
def test_a_moment_and_the_time_recorded_until_then_belong_together(
    spans: list[tuple[bool, int]], wanted_ms: int
) -> None:
    clock = FakeClock()
    pauses = PauseClock(clock)
    began_ms = clock.ms
    for is_paused, length_ms in spans:
        if is_paused:
            pauses.pause()
        else:
            pauses.resume()
        clock.ms += length_ms
    pauses.resume()

    at_ms = pauses.moment_ms(began_ms, wanted_ms)

    assert pauses.recorded_ms(began_ms, at_ms) == wanted_ms


def test_who_waits_for_a_pause_or_its_end_is_woken() -> None:
    async def story() -> list[str]:
        pauses, woken = PauseClock(FakeClock()), list[str]()

        async def wait() -> None:
            await pauses.until_resumed()
            woken.append("recording")
            await pauses.until_paused()
            woken.append("paused")
            await pauses.until_resumed()
            woken.append("resumed")

        waiting = asyncio.create_task(wait())
        for change in (lambda: None, pauses.pause, pauses.resume):
            change()
            for _ in range(5):
                await asyncio.sleep(0)
        await waiting
        return woken

    assert asyncio.run(story()) == ["recording", "paused", "resumed"]
