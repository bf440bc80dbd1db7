"""The home page opens rooms: with the host's key, such as its host lends to."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from page_fakes import FakeDocument
from rolltape.core.errors import Unsupported
from rolltape.pages.home import HomeBrowser, HomePage
from rolltape.room.host_key import hosted_key, salt_of
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import parse_link

HOST_KEY = "h" * 22


class Browser:
    """What the home page asks of the browser, in memory."""

    def __init__(self, disk: dict[str, str] | None = None) -> None:
        self.disk = disk or {}
        self.gone = ""
        self.copied: list[str] = []
        self.copies = True
        """Whether it lets the page copy."""

    def kept(self, name: str) -> str:
        return self.disk.get(name, "")

    def keep(self, name: str, value: str) -> None:
        self.disk[name] = value

    def page_address(self) -> str:
        return "https://rolltape.example/"

    async def has_rooms(self) -> bool:
        return True

    def go(self, address: str) -> None:
        self.gone = address

    async def copy(self, text: str) -> None:
        if not self.copies:
            raise Unsupported("There is no clipboard here.")
        self.copied.append(text)


def opened(browser: Browser) -> FakeDocument:
    document = FakeDocument()
    asyncio.run(HomePage(document, cast(HomeBrowser, browser)).open())
    document.values["room-name"] = " My Studio "
    return document


def key_of(address: str) -> str:
    return read_fragment(parse_link(address).fragment).key


def test_a_room_opened_with_the_hosts_key_has_a_key_that_the_host_knows_for_its_own() -> None:
    browser = Browser()
    document = opened(browser)
    document.values["host-key"] = f" {HOST_KEY} "
    document.handlers["host-key", "change"]()

    document.handlers["make-room", "click"]()

    key = key_of(browser.gone)
    assert key == hosted_key(HOST_KEY, "my studio", salt_of(key))
    assert HOST_KEY not in browser.gone


def test_the_hosts_key_is_entered_once() -> None:
    browser = Browser()
    opened(browser).values["host-key"] = HOST_KEY
    first = opened(browser)
    first.values["host-key"] = HOST_KEY
    first.handlers["host-key", "change"]()

    document = opened(browser)

    assert document.values["host-key"] == HOST_KEY


def test_without_it_a_room_has_a_key_of_its_own() -> None:
    browser = Browser()

    opened(browser).handlers["make-room", "click"]()

    assert len(key_of(browser.gone)) == 22


@pytest.mark.parametrize("copies", [True, False])
def test_a_link_that_is_not_copied_is_not_said_to_be(copies: bool) -> None:
    browser = Browser()
    browser.copies = copies
    document = opened(browser)

    async def press() -> None:
        document.press("copy-link")
        await asyncio.gather(*document.tasks)

    asyncio.run(press())

    assert browser.copied == ([document.texts["single-link"]] if copies else [])
    assert document.texts["copy-text"] == ("Copied" if copies else "Copy the link")
    assert document.said == (["The link is copied."] if copies else [])
    assert [notice.text for notice in document.notices] == (
        [] if copies else ["The browser does not let this page copy: mark the link and copy it."]
    )
