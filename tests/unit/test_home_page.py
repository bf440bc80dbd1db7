"""The home page opens rooms: with the host's key, such as its host lends to."""

from __future__ import annotations

import asyncio
from typing import cast

from page_fakes import FakeDocument
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
