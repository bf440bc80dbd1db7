"""What a guest is told of an upload is true in every state."""

from __future__ import annotations

import pytest

from fake_host import without_clock
from rolltape.arrivals.segments import Account
from rolltape.arrivals.upload import TakeNow, Upload
from rolltape.arrivals.upload_notes import Choice, UploadNotes
from rolltape.arrivals.upload_plan import FileNow, Progress
from rolltape.arrivals.upload_state import UploadState
from rolltape.pages.takes.upload_words import consent, data_state, is_needed, sentence, share

MB = 1_000_000


def an_upload(state: UploadState, *, over: bool = True, choice: Choice = Choice.NOW, why: str = "") -> Upload:
    file = FileNow("part1", "takes/x/part1", "video/webm", 600, 4 * MB, 4 * MB if over else None)
    upload = Upload(
        "x",
        "takes/x",
        UploadNotes("T", "takes.example", choice=choice),
        lambda: TakeNow({}, (file,), over),
        without_clock,
    )
    upload.state, upload.why = state, why
    upload.parts["part1"] = Progress(Account(3 * MB, 5))
    return upload


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (
            an_upload(UploadState.SENDING, over=False),
            "Sending to takes.example while you record. 3.0 MB are there.",
        ),
        (
            an_upload(UploadState.SENDING, over=False, choice=Choice.AFTER),
            "It is sent to takes.example when the recording is over.",
        ),
        (
            an_upload(UploadState.CLOSING),
            "Sending the rest to takes.example: 75% is there. Keep this page open for a moment.",
        ),
        (an_upload(UploadState.ARRIVED), "Everything has arrived. You may close this page."),
        (an_upload(UploadState.OFF), "It is not sent to takes.example."),
        (
            an_upload(UploadState.PROVING),
            "takes.example has all of it and is comparing it with what is here. Keep this page open for a moment.",
        ),
        (
            an_upload(UploadState.WAITING, why="The host has no room left."),
            "The host has no room left. Your recording is safe on this machine, and sending goes on by itself, also "
            "when you open this page another day. 3.0 MB of 4.0 MB are there.",
        ),
        (
            an_upload(UploadState.REFUSED, why="The director has had it finished."),
            "The director has had it finished. It is not sent to takes.example; your recording is on this machine.",
        ),
        (
            an_upload(UploadState.WITHDRAWN),
            "You have withdrawn it: takes.example keeps nothing of it. Your recording is on this machine.",
        ),
    ],
)
def test_what_is_said(upload: Upload, said: str) -> None:
    assert sentence(upload) == said


def test_every_state_has_a_sentence_and_a_name_on_the_page() -> None:
    shown = {"off", "sending", "waiting", "paused", "closing", "arrived", "refused", "withdrawn"}

    for state in UploadState:
        assert sentence(an_upload(state)).endswith(".")
        assert data_state(state) in shown


def test_only_what_is_nearly_there_keeps_the_page_open() -> None:
    assert {state for state in UploadState if is_needed(an_upload(state))} == {
        UploadState.SENDING,
        UploadState.CLOSING,
        UploadState.PROVING,
    }
    assert not is_needed(an_upload(UploadState.SENDING, over=False))


def test_the_share_is_of_what_there_is() -> None:
    assert share(an_upload(UploadState.CLOSING)) == 0.75


def test_consent_says_where_it_goes_and_for_whom() -> None:
    assert consent("takes.example", "studio") == (
        "Your recording is also sent to takes.example, for the director of “studio”. "
        "It stays on your machine as well."
    )
