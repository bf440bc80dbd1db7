"""What a guest tells the directors: what is true of the recording, and of the one before while there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rolltape.core.notice import Level, Notice
from rolltape.pages.guest.state import Circumstances, guest_state
from rolltape.recording.take import Part, Take, TakeState
from rolltape.recording.take_keeper import Status
from rolltape.room.messages import GuestState
from rolltape.room.wire import decode, encode
from rolltape.settings.capture_constraints import GrantedVideo

HERE = Circumstances(
    "Ada", "", GrantedVideo("Camera", "1", 1280, 720, 30.0), 40, 90.0, 80, False, False, False, 5, ""
)
LAST = Take(
    id="1",
    number=1,
    name="Ada_take1",
    started_at_ms=0,
    mime_type="video/webm;codecs=vp8,opus",
    started_by="Mia",
    parts=(Part(1, "part1", 1000, 5000), Part(2, "part2", 500, 2000, gap_before_ms=120)),
    state=TakeState.FINISHED,
)
NEXT = replace(LAST, id="2", state=TakeState.IDLE, parts=(), started_by="you")


def status(state: TakeState) -> Status:
    return Status(state=state, elapsed_ms=1500, bytes=700, fps=29.5, kbps=4000.04)


def test_what_holds_on_the_guests_page_is_told_and_however_long_it_is_the_message_is_taken() -> None:
    silent = Notice(Level.WARNING, "No sound. " * 100, "microphone-silence")
    here = replace(HERE, warning="x" * 2000, refusal="y" * 2000, standing=(silent,) * 30, warnings_told=3)

    said = guest_state(here, None, None, None)

    assert said.standing[0].subject == "microphone-silence"
    assert said.standing[0].text.startswith("No sound.")
    assert isinstance(decode("state", encode(said)), GuestState)


def test_without_a_recording_it_is_idle_and_can_record() -> None:
    said = guest_state(HERE, None, None, None)

    assert (said.state, said.can_record, said.take_id) == (TakeState.IDLE, True, "")
    assert (said.width, said.height, said.fps, said.level) == (1280, 720, 30.0, 40)


def test_who_cannot_record_says_why() -> None:
    said = guest_state(replace(HERE, refusal="There is no camera.", camera=None), None, None, None)

    assert (said.can_record, said.refusal, said.width) == (False, "There is no camera.", 0)


def test_a_running_recording_is_told_by_its_index() -> None:
    said = guest_state(HERE, replace(NEXT, state=TakeState.RECORDING), status(TakeState.RECORDING), LAST)

    assert (said.state, said.take_id, said.started_by) == (TakeState.RECORDING, "2", "you")
    assert (said.elapsed_ms, said.bytes, said.fps, said.kbps) == (1500, 700, 29.5, 4000.0)
    assert not said.can_record


def test_a_take_that_has_not_begun_is_not_told_as_one_that_is_over() -> None:
    said = guest_state(HERE, None, status(TakeState.STARTING), LAST)

    assert (said.state, said.take_id) == (TakeState.IDLE, "1")
    assert not said.can_record, "nor can another be asked for"


@pytest.mark.parametrize("state", [TakeState.FINISHED, TakeState.FAILED])
def test_a_take_that_is_over_and_is_still_being_noted_is_told_as_stopping(state: TakeState) -> None:
    said = guest_state(HERE, replace(NEXT, state=state), status(state), LAST)

    assert (said.state, said.take_id, said.failed) == (TakeState.STOPPING, "2", False)


def test_afterwards_the_last_take_is_told_with_what_is_missing() -> None:
    said = guest_state(HERE, None, None, LAST)

    assert (said.state, said.take_id, said.parts, said.gap_ms, said.failed) == (
        TakeState.IDLE,
        "1",
        2,
        120,
        False,
    )
    assert said.started_by == "Mia"


def test_a_take_that_failed_is_told_with_its_reason() -> None:
    failed = replace(LAST, state=TakeState.FAILED, error="The disk is full.")

    said = guest_state(HERE, None, None, failed)

    assert (said.failed, said.warning) == (True, "The disk is full.")
