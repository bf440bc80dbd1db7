"""Sentences that are told where something does not work: what is said is what was."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.core.errors import PermissionDenied, Unsupported
from rolltape.core.notice import Notice
from rolltape.pages.director.links import Links
from rolltape.pages.director.talk import Talk
from rolltape.pages.takes.convert import ConvertPage
from rolltape.settings.bitrate import parse_bitrate
from rolltape.settings.link import parse_link

SETTINGS = parse_link("/?director=studio").settings


class Broken(FakeRoomBrowser):
    """A browser in which none of this works."""

    async def load_library(self, name: str) -> None:
        raise Unsupported("A part of the page did not load.")

    async def capture(self, *_: object) -> Any:
        raise PermissionDenied("The browser did not allow it.")

    async def store(self) -> Any:
        raise Unsupported("There is no storage here.")

    def on_devices_changed(self, handler: object) -> None:
        return


def pressed(button: str, document: FakeDocument) -> list[str]:
    """What is told after a click."""

    async def story() -> None:
        document.press(button)
        while document.tasks:
            await asyncio.gather(*document.tasks)

    asyncio.run(story())
    return [notice.text for notice in document.notices]


def test_a_qr_code_that_cannot_be_drawn() -> None:
    document = FakeDocument()
    Links(document, cast(Any, Broken()), SETTINGS)

    (said,) = pressed("qr-button", document)

    assert said.startswith("The QR code cannot be drawn. (")


def test_talk_that_is_not_allowed() -> None:
    document = FakeDocument()

    async def nothing() -> None:
        return

    Talk(document, cast(Any, Broken()), SETTINGS, cast(Any, Broken().sent), nothing)

    assert pressed("talk-audio", document) == ["Your guests do not get it. The browser did not allow it."]


def test_a_conversion_without_files() -> None:
    document = FakeDocument()

    async def story() -> None:
        await ConvertPage(document, cast(Any, Broken())).open()

    asyncio.run(story())

    assert pressed("convert-start", document) == ["Choose one or more recordings first."]


def test_a_bitrate_that_was_left_out() -> None:
    said = parse_bitrate(" ")

    assert isinstance(said, Notice)
    assert said.text.startswith("Please type a bitrate in kbps, for example ")
