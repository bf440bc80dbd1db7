"""Many who record at once: nothing is lost, and nobody waits long."""

from __future__ import annotations

from bench.load_bench import load, measured, percentile

GUESTS, ROOMS, SECONDS = 10, 10, 10
PATIENCE_MS = 500
"""Generous: this is about what breaks, `make bench-rooms` about how fast it is."""


def test_a_hundred_guests_reach_their_directors_without_loss() -> None:
    with load(1, ROOMS * (GUESTS + 1)) as setup:
        setup.crowd.do("fill", rooms=ROOMS, guests=GUESTS)

        found = measured(setup, SECONDS, warm_s=1)

    assert found.lost == 0
    assert len(found.took_ms) > 0.9 * SECONDS * ROOMS * GUESTS
    assert percentile(found.took_ms, 95) < PATIENCE_MS
