"""What is known of a download by the browser's own question: no file is called saved while it stands unanswered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.save_permission import PIPE_BYTES, SavePermission, has_begun, is_asking

FREE, ASKS, REFUSED = SavePermission.FREE, SavePermission.ASKS, SavePermission.REFUSED
NO_QUESTION = SavePermission.NO_QUESTION
states, taken = st.sampled_from(SavePermission), st.integers(0, 2 * PIPE_BYTES)


@pytest.mark.parametrize(
    ("before", "now", "begun"),
    [
        (FREE, ASKS, True),  # the one file that needs no question; the next one does
        (FREE, FREE, True),
        (ASKS, ASKS, False),  # the question is on the screen
        (ASKS, FREE, True),  # it was answered
        (ASKS, REFUSED, False),
        (REFUSED, REFUSED, False),
        (NO_QUESTION, NO_QUESTION, True),
    ],
)
def test_a_short_file_is_saved_only_where_no_question_stands(
    before: SavePermission, now: SavePermission, begun: bool
) -> None:
    assert has_begun(before, now, 1000, alone=True) is begun
    assert is_asking(before, now, 1000) is (before is ASKS and now is ASKS)


def test_what_does_not_fit_into_a_pipe_was_taken_by_the_browser_itself() -> None:
    assert has_begun(ASKS, ASKS, PIPE_BYTES + 1, alone=False)
    assert not has_begun(ASKS, ASKS, PIPE_BYTES, alone=True)


def test_of_two_downloads_in_one_moment_neither_is_sure_of_the_one_free_file() -> None:
    assert not has_begun(FREE, ASKS, 1000, alone=False)
    assert has_begun(FREE, FREE, 1000, alone=False), "no question stands, so both are saved"


@given(states, states, taken, st.booleans())
def test_nothing_is_saved_and_asked_about_at_once(
    before: SavePermission, now: SavePermission, taken: int, alone: bool
) -> None:
    assert not (has_begun(before, now, taken, alone=alone) and is_asking(before, now, taken))
