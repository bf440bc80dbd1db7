"""What a guest is told when a recording is over."""

from __future__ import annotations

from dataclasses import replace

from rolltape.recording.summary import afterwards
from rolltape.recording.take import Delivery, Part, Take, TakeState

TAKE = Take(
    id="1",
    number=1,
    name="Ada_take1",
    started_at_ms=0,
    mime_type="video/x-matroska;codecs=avc1,opus",
    parts=(Part(1, "part1", 1000, 5000),),
    state=TakeState.FINISHED,
    delivered=(Delivery.DOWNLOADS,),
)


def test_a_finished_take_names_its_file_and_the_next_step() -> None:
    said = afterwards(TAKE)

    assert said.title == "Your recording is finished."
    assert said.where == (
        "Ada_take1.mkv is going to your Downloads folder; if a Save window is open, answer it. "
        "A second copy is in this browser."
    )
    assert said.next == (
        "Send it to whoever invited you, and keep it until they have it. "
        "For editing, press “Save seekable copy” and send that one instead."
    )


def test_a_take_that_is_in_the_browser_only_is_to_be_saved_first() -> None:
    said = afterwards(replace(TAKE, delivered=()))

    assert said.where == "Ada_take1.mkv is in this browser only."
    assert said.next.startswith("Press “Save seekable copy” now")


def test_a_take_in_a_chosen_folder_or_saved_from_the_shelf_is_there() -> None:
    in_folder = afterwards(replace(TAKE, delivered=(Delivery.FOLDER,)))
    in_both = afterwards(replace(TAKE, delivered=(Delivery.DOWNLOADS, Delivery.FOLDER, Delivery.SAVED)))

    assert in_folder.where.startswith("Ada_take1.mkv is in the folder you chose.")
    assert in_both.where.startswith("Ada_take1.mkv is in the folder you chose and going to your Downloads")


def test_without_a_copy_in_the_browser_no_button_is_promised() -> None:
    said = afterwards(replace(TAKE, parts=(Part(1, "part1", 0),)))

    assert "second copy" not in said.where and "seekable" not in said.next


def test_parts_are_counted() -> None:
    parts = (Part(1, "part1", 10), Part(2, "part2", 10), Part(3, "part3", 0))

    assert afterwards(replace(TAKE, parts=parts)).where.startswith(
        "Ada_take1 (2 files, part1, part2 …) is going"
    )


def test_what_failed_is_not_called_finished() -> None:
    assert afterwards(replace(TAKE, state=TakeState.FAILED)).title == "The recording broke off."
    assert "something went wrong" in afterwards(replace(TAKE, error="The disk is full.")).title


def test_where_nothing_was_recorded_nothing_is_promised() -> None:
    said = afterwards(replace(TAKE, parts=(), delivered=(), state=TakeState.FAILED, error="No encoder."))

    assert (said.title, said.where) == ("Nothing was recorded.", "No encoder.")
    assert said.next == "See the notices above, then try again."


def test_who_is_sent_for_need_not_send_it() -> None:
    for take in (TAKE, replace(TAKE, delivered=())):
        said = afterwards(take, "takes.example")

        assert said.next.startswith("It is sent to takes.example by itself")
        assert "whoever invited you" not in said.next
