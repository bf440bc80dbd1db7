"""Sentences that are told where something does not work: what is said is what was."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from fakes import FakeStore
from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.core.errors import PermissionDenied, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.director.inbound import InboundDeck
from rolltape.pages.director.links import Links
from rolltape.pages.director.talk import Talk
from rolltape.pages.guest.rehearsal import Rehearsal
from rolltape.pages.takes.convert import ConvertPage
from rolltape.recording.keep_up import KnownSlow
from rolltape.recording.part_sinks import Places
from rolltape.recording.take import Part, Take
from rolltape.settings.bitrate import parse_bitrate, wish_for
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order


class Elsewhere(FakeRoomBrowser):
    """A browser that records nothing now, in no tab."""

    async def running(self) -> list[str]:
        return []

    async def keep_awake(self, holder: object, on: bool) -> None:
        return


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


def test_a_test_recording_whose_file_is_gone() -> None:
    document = FakeDocument()

    async def story() -> None:
        order = Order(wish_for(6000))

        async def over() -> None:
            return

        browser = cast(Any, Elsewhere())
        rehearsal = Rehearsal(document, browser, lambda: None, lambda: order, KnownSlow.of_this_page(), over)
        await rehearsal.open(Places(FakeStore(), None))
        part = Part(1, "part1", 1000, 5000)
        take = Take(id="t1", number=1, name="Test", started_at_ms=0).with_part(part)
        await rehearsal.take_over(take)

    asyncio.run(story())

    (said,) = document.notices
    assert said.text == "The test cannot be played. This recording is not in the browser's storage any more."


def test_a_guest_that_does_not_send_more_while_it_is_recorded_from_here() -> None:
    document = FakeDocument()

    async def story() -> None:
        async def refused(rates: object) -> str:
            return "The guest's page did not answer."

        takes = cast(Any, SimpleNamespace(places=Places(None, None), shelf=None))
        deck = InboundDeck(
            "g1", "Ada", "studio", document, cast(Any, Elsewhere()), takes, refused, lambda: None
        )
        await deck.toggle(Order(wish_for(6000)))
        deck.notify(Notice(Level.WARNING, "It is late.", "journal-late"))
        assert [one.text for one in document.standing()] == ["Ada, recorded here: It is late."]
        deck.lift("journal-late")
        assert document.standing() == ()

    asyncio.run(story())

    assert [notice.text for notice in document.notices][:2] == [
        "Ada does not send more than before. The guest's page did not answer.",
        "What arrives from Ada is not recorded. There is nothing that could be recorded.",
    ]
