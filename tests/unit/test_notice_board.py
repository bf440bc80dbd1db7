"""What a page has told: a warning goes when its cause ends, and is told anew the next time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.notice import Level, Notice
from rolltape.core.notice_board import NoticeBoard

SILENT = Notice(Level.WARNING, "No sound comes from the microphone.", "microphone-silence")
LITTLE = Notice(Level.WARNING, "There is room for about 9 more minutes.", "room-left")
LESS = Notice(Level.WARNING, "There is room for about 1 more minute.", "room-left")
BROKE_OFF = Notice(Level.ERROR, "The recorder broke off.")


def told(*notices: Notice) -> NoticeBoard:
    board = NoticeBoard()
    for notice in notices:
        board.tell(notice)
    return board


def test_a_warning_goes_when_its_cause_ends_and_is_told_anew_the_second_time() -> None:
    board = told(SILENT)
    board.lift(SILENT.subject)
    assert (board.shown, board.standing) == ((), ())

    board.tell(SILENT)

    assert (board.shown, board.standing) == ((SILENT,), (SILENT,))


def test_a_warning_that_was_dismissed_still_holds_and_is_not_shown_again_until_it_has_ended() -> None:
    board = told(SILENT)
    board.dismiss(SILENT)
    board.tell(SILENT)
    assert (board.shown, board.standing) == ((), (SILENT,))

    board.lift(SILENT.subject)
    board.tell(SILENT)

    assert board.shown == (SILENT,)


def test_what_is_told_next_of_a_subject_takes_the_place_of_what_was_told() -> None:
    assert told(LITTLE, SILENT, LESS).shown == (SILENT, LESS)


def test_one_subject_that_is_lifted_leaves_the_others() -> None:
    board = told(SILENT, LITTLE)
    board.lift("camera")
    board.lift(SILENT.subject)

    assert board.standing == (LITTLE,)


def test_what_has_happened_is_shown_once_and_counted_each_time() -> None:
    board = told(BROKE_OFF, BROKE_OFF)

    assert (board.shown, board.trouble, board.troubles_told) == ((BROKE_OFF,), BROKE_OFF.text, 2)
    assert board.standing == ()


def test_a_new_recording_forgets_what_has_happened_and_not_what_holds() -> None:
    board = told(SILENT, BROKE_OFF)
    board.forget_trouble()

    assert (board.trouble, board.standing) == ("", (SILENT,))


def test_what_is_merely_told_is_no_trouble() -> None:
    board = told(
        Notice(Level.INFO, "Recorded in mono."), Notice(Level.INFO, "Another one is used.", "camera")
    )

    assert (len(board.shown), board.trouble, board.troubles_told, board.standing) == (2, "", 0, ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tell", "lift", "dismiss"]), st.sampled_from([SILENT, LITTLE, LESS, BROKE_OFF])
        )
    )
)
def test_nothing_is_shown_twice_and_nothing_of_a_subject_that_does_not_hold(
    steps: list[tuple[str, Notice]],
) -> None:
    board = NoticeBoard()
    for what, notice in steps:
        if what == "lift":
            board.lift(notice.subject)
        else:
            getattr(board, what)(notice)

        assert len(set(board.shown)) == len(board.shown)
        assert {one for one in board.shown if one.subject} <= set(board.standing)
        subjects = [one.subject for one in board.standing]
        assert len(set(subjects)) == len(subjects)
