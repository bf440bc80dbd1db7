"""Room for recordings: told in minutes ahead of time, made only of what is safely elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rolltape.recording.storage_room import RELEASE_BELOW_MINUTES, Space, releasable, to_release, warning
from rolltape.recording.take import Delivery, Part, Take, TakeState

GB = 1_000_000_000
PLENTY = Space(0, 10 * GB)


def a_take(
    id: str, at: int, size: int = GB, state: TakeState = TakeState.FINISHED, saved: bool = True
) -> Take:
    delivered = (Delivery.DOWNLOADS,) if saved else ()
    return Take(id, 1, id, at, state=state, parts=(Part(1, "part1", size),), delivered=delivered)


@pytest.mark.parametrize(
    ("left", "kbps", "minutes", "text"),
    [
        (10 * GB, 6000, 222, "about 3 h 42 min of recording at this rate"),
        (2_700_000_000, 6000, 60, "about 1 h 0 min of recording at this rate"),
        (45_000_000, 6000, 1, "about 1 min of recording at this rate"),
        (0, 6000, 0, "about 0 min of recording at this rate"),
    ],
)
def test_room_is_told_in_minutes(left: int, kbps: int, minutes: int, text: str) -> None:
    assert Space(0, left).minutes(kbps) == minutes
    assert Space(0, left).describe(kbps) == text


def test_each_threshold_is_told_once() -> None:
    told: frozenset[int] = frozenset()
    said = []

    for minutes in (45, 29, 28, 9, 8, 1, 1):
        notice, told = warning(minutes, told)
        said.append(notice is not None)

    assert said == [False, True, False, True, False, True, False]


def test_a_recording_that_begins_with_little_room_is_told_once_not_thrice() -> None:
    notice, told = warning(1, frozenset())

    assert notice is not None and "about 1 more minutes" in notice.text
    assert warning(1, told)[0] is None


def test_only_finished_takes_that_are_elsewhere_may_go_oldest_first() -> None:
    takes = [
        a_take("new", 3),
        a_take("old", 1),
        a_take("unsaved", 0, saved=False),
        a_take("recovered", 0, state=TakeState.RECOVERED),
        a_take("recording", 0, state=TakeState.RECORDING),
        a_take("elsewhere", 2),
        replace(a_take("broken", 0), error="The encoder failed."),
    ]

    assert [take.id for take in releasable(takes, frozenset({"elsewhere"}))] == ["old", "new"]


def test_nothing_is_released_while_there_is_room() -> None:
    assert to_release([a_take("old", 1)], PLENTY, 6000, frozenset()) == []


def test_no_more_is_released_than_is_needed() -> None:
    needed = RELEASE_BELOW_MINUTES * 60 * 6000 * 1000 // 8
    takes = [a_take("c", 3), a_take("a", 1), a_take("b", 2)]

    assert [take.id for take in to_release(takes, Space(0, needed - 1), 6000, frozenset())] == ["a"]
    assert [take.id for take in to_release(takes, Space(0, needed - GB - 1), 6000, frozenset())] == ["a", "b"]
    assert [take.id for take in to_release(takes, Space(0, 0), 100_000, frozenset())] == ["a", "b", "c"]
