"""A browser without something: what is an extra there may be missing, the recording is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Playwright, Route, expect

from guest import Guests, or_later
from media_tools import probe
from rooms import opened_room

NO_CALLS = "delete window.RTCPeerConnection"
SMALL = "width=320&height=180&fps=15&recordcodec=vp8"


def test_who_cannot_be_called_is_recorded_all_the_same(
    playwright: Playwright, settings: dict[str, Any], fake_media: tuple[str, str], tmp_path: Path
) -> None:
    with opened_room(playwright, settings, fake_media, tmp_path) as scene:
        director = scene.visitor()
        director.page.add_init_script(NO_CALLS)
        director.open(scene.server.links()["Director"], "director")
        expect(director.id("guest-link")).to_have_value(re.compile("#invite="))
        scene.guest_link = director.id("guest-link").input_value()
        ada = scene.visitor()
        ada.page.add_init_script(NO_CALLS)
        ada.open(scene.link(f"label=Ada&{SMALL}"), "guest")
        ada.id("join").click()
        for visitor in (director, ada):
            expect(visitor.page.locator("#notices").get_by_text("makes no calls").first).to_be_visible()

        director.guest("Ada").get_by_test_id("start").click()
        expect(director.guest("Ada")).to_have_attribute("data-state", "recording")
        expect(director.guest("Ada").get_by_test_id("elapsed")).to_have_text(or_later("0:02"))
        director.guest("Ada").get_by_test_id("stop").click()
        expect(ada.id("take").first).to_have_attribute("data-state", "finished")
        with ada.page.expect_download() as saving:
            ada.id("take").first.get_by_test_id("save").click()
        assert float(probe(saving.value.path())["format"]["duration"]) > 1.5


def test_a_browser_that_has_only_mp4_says_so(guests: Guests) -> None:
    guest = guests(files=False)
    guest.page.add_init_script(
        """const asked = MediaRecorder.isTypeSupported;
        MediaRecorder.isTypeSupported = (type) => type.includes("mp4") && asked.call(MediaRecorder, type);"""
    )
    guest.open("?record=1000&width=320&height=180")

    expect(guest.id("browser-can")).to_contain_text("in MP4")
    guest.record()
    guest.wait_until("0:03")
    guest.stop()
    assert guest.downloaded().suffix == ".mp4"


def test_a_file_that_is_missing_is_told_where_the_browser_gives_no_status(guests: Guests) -> None:
    guest = guests(files=False)
    guest.page.add_init_script("delete PerformanceResourceTiming.prototype.responseStatus")

    def missing(route: Route) -> None:
        route.fulfill(status=404, body="Not found")

    guest.page.route("**/pyscript.json", missing)
    guest.page.goto(f"{guest.base_url}/?record=1000")

    expect(guest.page.locator("html[data-ready=failed]")).to_be_attached(timeout=30_000)
    expect(guest.id("notice")).to_contain_text("could not start")
    guest.complaints.clear()
