"""Site data is blocked, or never answers: the page starts, records where it can, and says what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect

from browsers import chromium, firefox
from guest import Guest, Guests
from media_tools import packets

BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}
NEVER = "IDBFactory.prototype.open = () => new EventTarget();"
REFUSED = """for (const [owner, name] of [[IDBFactory, "open"], [StorageManager, "getDirectory"]])
  owner.prototype[name] = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };"""


@contextmanager
def blocked(
    browser: str, playwright: Playwright, settings: dict[str, Any], folder: Path
) -> Iterator[BrowserContext]:
    """A browser that was told to keep nothing for any page."""
    profile, downloads = folder / "profile", folder / "downloads"
    (profile / "Default").mkdir(parents=True)
    downloads.mkdir()
    if browser == "Firefox":
        context = firefox(playwright, settings, profile, downloads, {"network.cookie.cookieBehavior": 2})
    else:
        (profile / "Default" / "Preferences").write_text(json.dumps(BLOCKED))
        context = chromium(playwright, settings, profile)
    try:
        yield context
    finally:
        context.close()


@pytest.mark.parametrize("browser", ["Chromium", "Firefox"])
def test_a_page_whose_site_data_is_blocked_records_and_says_what_is_missing(
    playwright: Playwright, settings: dict[str, Any], base_url: str, browser: str, tmp_path: Path
) -> None:
    with blocked(browser, playwright, settings, tmp_path) as context:
        guest = Guest(context, base_url, tmp_path / "downloads", settings["READY_TIMEOUT_MS"])
        guest.open("?record=1000&width=320&height=180")

        expect(guest.id("notice").filter(has_text="Allow site data")).to_be_visible()
        expect(guest.id("notice").filter(has_text="could not start")).to_have_count(0)
        expect(guest.id("destination")).to_contain_text("when you stop")
        guest.record()
        guest.wait_until("0:02")
        guest.stop()
        assert packets(guest.downloaded())[-1].seconds > 1.5


@pytest.mark.parametrize("script", [NEVER, REFUSED], ids=["never", "refused"])
def test_a_page_whose_database_does_not_work_records_into_the_download(guests: Guests, script: str) -> None:
    guest = guests(files=False)
    guest.page.add_init_script(script)
    guest.open("?record=1000&width=320&height=180")

    guest.record()
    guest.wait_until("0:02")
    guest.stop()
    assert packets(guest.downloaded())[-1].seconds > 1.5


def test_a_start_that_takes_too_long_says_so(guests: Guests) -> None:
    guest = guests(files=False)
    guest.page.clock.install()
    guest.page.route("**/pyscript.json", lambda route: None)
    guest.page.goto(f"{guest.base_url}/?record=1000")

    expect(guest.page.locator("#starting")).not_to_contain_text("unusually long")
    guest.page.clock.fast_forward(31_000)
    expect(guest.page.locator("#starting")).to_contain_text("unusually long")
