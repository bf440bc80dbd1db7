"""In a real window: what the browser asks its person, answered, refused, and left unanswered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from faults.choice import in_the_long_form
from faults.kept import played_ms
from faults.report import Row
from media_tools import make_noise, packets
from real_browsers import PERMISSION, RealChromium, RealFirefox
from real_window import opened_display

DEVICES_ALLOWED = "--use-fake-ui-for-media-stream"
LINK = "/?record=1500&width=320&height=180"
"""A picture that a busy machine keeps up with: nothing else is told than what the browser asks about."""
FAULT = "“Download multiple files?” left unanswered"
SECONDS = 3.0
MB = 1 << 20


class Opens(Protocol):
    """Opens a window at the guest's page."""

    def __call__(self, *flags: str, link: str = LINK, **preferences: object) -> RealChromium: ...


class OpensFirefox(Protocol):
    """Opens a window of Firefox at the guest's page."""

    def __call__(self, **preferences: object) -> RealFirefox: ...


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen for all windows of this module."""
    with opened_display() as name:
        yield name


@pytest.fixture
def window(display: str, base_url: str, tmp_path: Path) -> Iterator[Opens]:
    """Opens windows, each with a profile and a Downloads folder of its own; all are closed at the end."""
    with ExitStack() as opened:

        def open(*flags: str, link: str = LINK, **preferences: object) -> RealChromium:
            made = RealChromium(tmp_path, display, flags, preferences)
            opened.callback(made.close)
            made.open(base_url + link)
            return made

        yield open


@pytest.fixture
def firefox(display: str, base_url: str, sound_server: str, tmp_path: Path) -> Iterator[OpensFirefox]:
    """The same of Firefox, which asks for camera and microphone."""
    with ExitStack() as opened:

        def open(**preferences: object) -> RealFirefox:
            named = {name.replace("_", "."): value for name, value in preferences.items()}
            made = RealFirefox(tmp_path, display, named, {"PULSE_SERVER": sound_server})
            opened.callback(made.close)
            made.open(base_url + LINK)
            made.wait_text("readiness", "answer “Allow”")
            assert made.value("document.querySelector('[data-testid=record]').disabled")
            return made

        yield open


@pytest.fixture
def asked(window: Opens) -> RealChromium:
    """A window whose browser asks before it saves the next file: one recording was begun without a gesture."""
    guest = window(DEVICES_ALLOWED)
    guest.record()
    guest.stop()
    guest.waits_for(1)
    assert guest.value(PERMISSION) == "prompt"
    return guest


def test_a_question_nobody_answers_holds_nothing_up_and_the_take_is_one_press_away(
    asked: RealChromium, report: list[Row]
) -> None:
    asked.record(SECONDS)
    recorded_ms = asked.recorded_ms()
    assert asked.stop() < 1000
    asked.wait_text("after-where", "in this browser only")
    assert len(asked.saved()) == 1, "nothing was to be saved"
    assert any("Save seekable copy" in told for told in asked.told()), asked.told()

    asked.press("save")  # of the newest take
    asked.allow()

    *_, first, second = sorted(asked.waits_for(3), key=lambda path: path.stat().st_mtime)
    lost_ms = recorded_ms - min(
        played_ms(first), played_ms(second)
    )  # the copy, and the download that had waited
    report.append(
        Row("Chromium", FAULT, "all of it, once it is answered", "100 %, finished", max(0, lost_ms))
    )
    assert lost_ms < 1000


@in_the_long_form
def test_a_question_answered_while_it_records_costs_nothing(asked: RealChromium) -> None:
    asked.record()
    asked.allow()
    asked.record_on(4)
    asked.stop()

    asked.wait_text("after-where", "Downloads folder")
    assert all(packets(path) for path in asked.waits_for(2))
    asked.record()
    asked.stop()
    asked.waits_for(3)  # it does not ask again


@in_the_long_form
def test_a_question_refused_is_told_and_the_take_is_kept(asked: RealChromium) -> None:
    asked.record()
    asked.refuse()
    told = "[...document.querySelectorAll('#notices p')].some((one) => one.innerText.includes('cancelled'))"
    asked.wait(told, "the refusal is told while it records")
    asked.record_on(asked.recorded_ms() / 1000 + 1)
    assert asked.stop() < 1000

    asked.wait_text("after-where", "in this browser only")
    asked.wait_text("saving", "none by itself")


def test_a_guest_who_is_asked_before_is_not_asked_again(window: Opens) -> None:
    guest = window(DEVICES_ALLOWED)
    guest.wait_text("saving", "one by itself")
    guest.click("saving-ask")
    guest.wait_text("saving", "answer “Allow”")
    guest.allow()
    guest.wait_text("saving", "by itself, as many as there are")

    for count in (1, 2):
        guest.record()
        guest.stop()
        guest.wait_text("after-where", "going to your Downloads folder")
        # Of the two small files that raised the question Chromium may drop the second when it is allowed.
        guest.waits_for(count, named="_take")
    assert guest.told() == []


@in_the_long_form
def test_a_question_nobody_answers_costs_no_more_memory_however_long_it_stands(
    window: Opens, tmp_path: Path
) -> None:
    picture = make_noise(tmp_path / "noise.mjpeg")
    guest = window(DEVICES_ALLOWED, f"--use-file-for-fake-video-capture={picture}", link="/?record=40000")
    guest.record()
    guest.stop()
    guest.waits_for(1)
    guest.record(5)
    before = guest.memory()

    written = "document.querySelector('[data-testid=bytes]').value"
    guest.wait(f"{written} > {120 * MB}", "a lot is written", 240)

    assert guest.memory() - before < (32 + 64) * MB
    assert any("has not saved the file" in told for told in guest.told()), guest.told()
    assert guest.stop() < 1000
    guest.wait_text("after-where", "in this browser only")


@in_the_long_form
@pytest.mark.parametrize("kind", ["asks for every file", "private"])
def test_a_save_window_that_stands_open_is_not_called_a_file(window: Opens, kind: str) -> None:
    private = ["--incognito"] if kind == "private" else []
    guest = window(DEVICES_ALLOWED, *private, download={"prompt_for_download": kind != "private"})

    for _ in range(2):
        guest.record()
        assert guest.stop() < 1000

    assert guest.saved() == [], "nothing has its name yet"
    assert "Downloads folder. " not in guest.text("after-where")
    assert any("Save" in title for title in guest.windows()), guest.windows()


@in_the_long_form
def test_before_the_camera_is_allowed_nothing_is_ready_and_a_question_that_is_closed_is_told(
    window: Opens,
) -> None:
    guest = window()
    guest.wait_text("readiness", "Looking for camera and microphone")
    assert guest.value("document.querySelector('[data-testid=record]').disabled")

    guest.keys("Escape")  # which Chromium takes for a no

    guest.wait_text("readiness", "neither camera nor microphone")


def test_firefox_is_ready_once_it_is_allowed_and_saves_what_a_director_starts_without_a_question(
    firefox: OpensFirefox,
) -> None:
    guest = firefox()
    guest.keys("Escape")  # puts the question aside, and answers nothing
    guest.wait_text("readiness", "answer “Allow”")

    guest.allow_devices()

    guest.wait_text("readiness", "Ready")
    for count in (1, 2, 3):
        guest.record()
        assert guest.stop() < 1000
        guest.wait_text("after-where", "Downloads folder")
        assert all(packets(path) for path in guest.waits_for(count))
    assert [told for told in guest.told() if "recorded in mono" not in told] == []


@in_the_long_form
def test_what_firefox_is_not_allowed_is_told(firefox: OpensFirefox) -> None:
    guest = firefox()

    guest.refuse_devices()

    guest.wait_text("readiness", "neither camera nor microphone")


@in_the_long_form
def test_a_save_window_of_firefox_that_stands_open_is_not_called_a_file(firefox: OpensFirefox) -> None:
    guest = firefox(browser_download_useDownloadDir=False)
    guest.allow_devices()
    guest.wait_text("readiness", "Ready")

    for _ in range(2):
        guest.record()
        assert guest.stop() < 1000

    assert guest.saved() == [], "nothing has its name yet"
    assert "Downloads folder. " not in guest.text("after-where")
    assert any("Save" in title or "file" in title for title in guest.windows()), guest.windows()
