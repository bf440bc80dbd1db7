"""The life of an upload, and what is noted of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals.segments import Account, Segment
from rolltape.arrivals.upload_notes import (
    Choice,
    PartNote,
    UploadNotes,
    part_line,
    read_notes,
    state_line,
)
from rolltape.arrivals.upload_state import TRANSITIONS, UploadEvent, UploadState, advance
from rolltape.core.life_cycle import WrongMoment

NOTES = UploadNotes("TOKEN", "takes.example", "studio", Choice.AFTER, 1 << 19)
ACCOUNT = Account(5000, 3, "ab" * 32)
HEAD = Segment(0, 541, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")


def test_every_state_can_be_reached_and_left_for_the_end() -> None:
    reached, ways = {UploadState.OFF}, [UploadState.OFF]
    while ways:
        for target in TRANSITIONS[ways.pop()].values():
            if target not in reached:
                reached.add(target)
                ways.append(target)

    assert reached == set(UploadState)


def test_what_is_withdrawn_stays_withdrawn() -> None:
    for event in UploadEvent:
        with pytest.raises(WrongMoment):
            advance(UploadState.WITHDRAWN, event)


def test_after_every_hindrance_it_goes_on() -> None:
    for state in (UploadState.SENDING, UploadState.CLOSING, UploadState.PROVING):
        waiting = advance(state, UploadEvent.HINDERED)

        assert advance(waiting, UploadEvent.CLEARED) is UploadState.SENDING


def test_notes_are_read_as_they_were_written() -> None:
    log = NOTES.head_line() + part_line("part1", PartNote(ACCOUNT, HEAD)) + state_line(UploadState.PAUSED)

    notes = read_notes(log)

    assert notes is not None
    assert (notes.token, notes.to, notes.room) == ("TOKEN", "takes.example", "studio")
    assert (notes.choice, notes.segment_max, notes.state) == (Choice.AFTER, 1 << 19, UploadState.PAUSED)
    assert notes.parts == {"part1": PartNote(ACCOUNT, HEAD)}


@given(cut=st.integers(0, 1000), dirt=st.text(max_size=30))
def test_torn_notes_never_hurt(cut: int, dirt: str) -> None:
    log = (
        NOTES.head_line()
        + part_line("part1", PartNote(ACCOUNT))
        + part_line("part2", PartNote(ACCOUNT, HEAD))
    )

    notes = read_notes(log[:cut] + dirt + "\n" + NOTES.head_line())

    assert notes is not None
    assert notes.token == "TOKEN"
    assert set(notes.parts.values()) <= {PartNote(ACCOUNT), PartNote(ACCOUNT, HEAD)}


def test_a_token_is_shown_to_nobody() -> None:
    assert "TOKEN" not in repr(NOTES)
