"""Alarms: none in an ordinary recording, whatever its format; and each where its cause is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from browsers import opened_firefox
from guest import Guest, Guests
from rolltape.pages.guest.devices import UNMUTED
from waiting import wait_for

SMALL = "width=320&height=180&room=alarms"
CHROMIUM_LINKS = [
    "record=800&recordcodec=vp8",
    "record=800&recordcodec=h264&fps=15",
    "record=800&recordcodec=vp9&pcm",
    "record=800&recordcodec=mp4",
    "record=800&recordcodec=mp4,vp9",
    "record=-96",
    "record=0",
    "record=800&videodevice=0",
    "record=800&audiodevice=0",
]
FIREFOX_LINKS = [
    f"{link}&stereo=0" for link in ("record=800", "record=-96", "record=0", "record=800&audiodevice=0")
]
"""Its fake microphone gives mono, which a link that asks for stereo is told."""
LONG_ENOUGH = "0:07"
"""Alarms have five seconds of patience."""


@pytest.fixture(scope="module")
def chromium(module_guests: Guests) -> Guest:
    return module_guests()


@pytest.fixture(scope="module")
def firefox(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    sound_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("firefox")
    with opened_firefox(playwright, settings, base_url, folder, {"PULSE_SERVER": sound_server}) as made:
        yield made


def notices_of_a_recording(guest: Guest, link: str) -> list[str]:
    guest.open(f"?{link}&{SMALL}")
    expect(guest.id("record")).to_be_enabled()
    guest.record()
    guest.wait_until(LONG_ENOUGH)
    said = guest.notices()
    guest.stop()
    guest.downloaded().unlink()
    return said


@pytest.mark.clock
@pytest.mark.parametrize("link", CHROMIUM_LINKS)
def test_an_ordinary_recording_says_nothing(chromium: Guest, link: str) -> None:
    assert notices_of_a_recording(chromium, link) == []


@pytest.mark.parametrize("link", FIREFOX_LINKS)
def test_an_ordinary_recording_says_nothing_in_firefox(firefox: Guest, link: str) -> None:
    assert notices_of_a_recording(firefox, link) == []


MUTED = """Object.defineProperty(MediaStreamTrack.prototype, "muted", {get: () => window.everything === "muted"})"""


def test_both_being_muted_is_said_loudly_until_one_is_back_and_then_it_is_recorded_again(
    guests: Guests,
) -> None:
    guest = guests()
    guest.page.add_init_script(MUTED)
    guest.open(f"?record=800&recordcodec=vp8&{SMALL}")
    guest.record()

    guest.page.evaluate("window.everything = 'muted'")
    told = guest.id("notice").filter(has_text="Nothing of you is recorded now; it goes on by itself")
    expect(told).to_have_attribute("data-level", "error")
    guest.page.evaluate("window.everything = ''")
    expect(told).to_have_count(0)
    wait_for(lambda: guest.log()["parts"][-1]["reason"] == UNMUTED, "pictures are recorded again")
    guest.page.evaluate("window.everything = 'muted'")
    expect(told).to_have_count(1)
    guest.page.evaluate("window.everything = ''")
    expect(told).to_have_count(0)
    again = [UNMUTED, UNMUTED]
    wait_for(
        lambda: [part["reason"] for part in guest.log()["parts"] if part["reason"] == UNMUTED] == again,
        "pictures are recorded once more",
    )
    written = guest.shown_bytes()
    wait_for(lambda: guest.shown_bytes() > written + 50_000, "some of it is on the disk")
    guest.stop()

    last = next(part for part in reversed(guest.log()["parts"]) if part["bytes"])
    assert last["reason"] == UNMUTED and "vp8" in last["mime_type"]


def test_without_sound_hardware_no_silence_is_claimed(
    playwright: Playwright, settings: dict[str, Any], base_url: str, tmp_path: Path
) -> None:
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path}/nothing"}
    with opened_firefox(playwright, settings, base_url, tmp_path, nowhere) as guest:
        assert notices_of_a_recording(guest, "record=800&stereo=0") == []
        expect(guest.id("heard")).to_contain_text("no sound to measure")
        expect(guest.id("readiness")).to_have_text("Ready. See what is marked below.")
