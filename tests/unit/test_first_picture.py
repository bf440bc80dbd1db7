"""When a file's first picture was captured: exact on a machine that is late, too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.first_picture import FirstPicture

WAYS = st.lists(st.floats(0, 300), min_size=2, max_size=40)


def test_nothing_is_known_before_the_recorder_has_a_picture() -> None:
    first = FirstPicture()
    first.saw(5000.0, 100.0)
    assert first.captured_ms is None
    first.ask()
    assert first.captured_ms is None


@given(WAYS, st.integers(0, 10), st.floats(-1e9, 1e9))
def test_one_quick_picture_is_enough_to_date_the_first(ways: list[float], before: int, clocks: float) -> None:
    """However late the first itself was received; the clocks' zeros lie anywhere."""
    first, step_ms, quick_ms = FirstPicture(), 1000 / 30, 2.0
    ways[-1] = quick_ms
    for number, way_ms in enumerate(ways):
        if number == min(before, len(ways) - 1):
            first.ask()
            asked = number
        captured_ms = number * step_ms
        first.saw(captured_ms + clocks, captured_ms + way_ms)

    captured = first.captured_ms
    assert captured is not None
    assert captured - asked * step_ms == pytest.approx(min(ways), abs=1e-3)
