"""Room for recordings: told in minutes ahead of time, made only of what is safely elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.storage_room import (
    RELEASE_BELOW_MINUTES,
    RELEASE_NOTICE_MS,
    Release,
    Space,
    announcement,
    file_names,
    releasable,
    release,
    to_release,
    warning,
)
from rolltape.recording.take import Delivery, Part, Take, TakeState

GB = 1_000_000_000
PLENTY = Space(0, 10 * GB)


def a_take(id: str, at: int, size: int = GB, state: TakeState = TakeState.FINISHED) -> Take:
    return Take(id, 1, id, at, state=state, parts=(Part(1, "part1", size),), delivered=(Delivery.FOLDER,))


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

    assert notice is not None
    assert notice.text == (
        "There is room for about one more minute in this browser's storage. Delete recordings that you have saved: "
        "that makes room."
    )
    assert warning(1, told)[0] is None


def test_takes_that_are_removed_for_room_are_named_with_where_else_they_lie() -> None:
    assert announcement([a_take("old", 1)], "in the folder “Shows”").text == (
        "This browser's storage is running out of room, so old is removed from it in a minute. Its file lies whole "
        "in the folder “Shows”."
    )
    assert announcement([a_take("old", 1), a_take("new", 2)], "at the host").text == (
        "This browser's storage is running out of room, so old, new are removed from it in a minute. Their files lie "
        "whole at the host."
    )


def test_only_finished_takes_that_are_proven_to_be_elsewhere_may_go_oldest_first() -> None:
    takes = [
        a_take("new", 3),
        a_take("old", 1),
        a_take("unproven", 0),
        a_take("recovered", 0, state=TakeState.RECOVERED),
        a_take("recording", 0, state=TakeState.RECORDING),
        a_take("held", 2),
        replace(a_take("broken", 0), error="The encoder failed."),
    ]
    elsewhere = {take.id for take in takes} - {"unproven"}

    assert [take.id for take in releasable(takes, elsewhere, {"held"})] == ["old", "new"]


def test_nothing_is_released_while_there_is_room() -> None:
    assert to_release([a_take("old", 1)], {"old"}, PLENTY, 6000, frozenset()) == []


def test_no_more_is_released_than_is_needed() -> None:
    needed = RELEASE_BELOW_MINUTES * 60 * 6000 * 1000 // 8
    takes = [a_take("c", 3), a_take("a", 1), a_take("b", 2)]

    def released(left: int, kbps: float = 6000) -> list[str]:
        return [take.id for take in to_release(takes, {"a", "b", "c"}, Space(0, left), kbps, frozenset())]

    assert released(needed - 1) == ["a"]
    assert released(needed - GB - 1) == ["a", "b"]
    assert released(0, 100_000) == ["a", "b", "c"]


def test_a_take_is_told_of_before_it_goes_and_stays_if_there_is_room_again() -> None:
    old, new = a_take("old", 1), a_take("new", 2)

    first = release([old], {}, 1000)
    waiting = release([old], first.told, 1000 + RELEASE_NOTICE_MS - 1)
    more = release([old, new], waiting.told, 1000 + RELEASE_NOTICE_MS - 1)
    due = release([old, new], more.told, 1000 + RELEASE_NOTICE_MS)

    assert (first.tell, first.remove) == ([old], [])
    assert (waiting.tell, waiting.remove) == ([], [])
    assert (more.tell, more.remove) == ([old, new], []), "the notice names all that are to go"
    assert due.remove == [old] and set(due.told) == {"new"}
    assert release([], first.told, 2000) == Release({}, [], []), (
        "there is room again: it is told anew the next time"
    )


@given(st.lists(st.tuples(st.floats(0, 30_000), st.sets(st.sampled_from("abcdef"))), min_size=1, max_size=60))
def test_no_take_ever_goes_untold(looks: list[tuple[float, set[str]]]) -> None:
    now_ms = 0.0
    told: Mapping[str, float] = {}
    said: dict[str, float] = {}
    for wait_ms, ids in looks:
        now_ms += wait_ms
        what = release([a_take(id, 0) for id in sorted(ids)], told, now_ms)
        told = what.told
        for take in what.tell:
            said.setdefault(take.id, now_ms)
        assert all(now_ms - said[take.id] >= RELEASE_NOTICE_MS for take in what.remove)
        said = {id: at_ms for id, at_ms in said.items() if id in told}


def test_a_file_is_looked_for_under_every_name_it_may_bear() -> None:
    take = replace(a_take("Ada_take1", 0), mime_type="video/webm;codecs=vp8,opus")

    assert file_names(take, Part(1, "part1")) == ("Ada_take1.webm", "Ada_take1_part1.webm")
    assert file_names(take, Part(2, "part2")) == ("Ada_take1_part2.webm",)
