"""Sentences that are told where something does not work: what is said is what was."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes import FakeFolder, FakeStore, FakeStoredFile
from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.arrivals.upload_state import UploadState
from rolltape.convert import Target
from rolltape.core.errors import PermissionDenied, SinkError, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.director.inbound import InboundDeck
from rolltape.pages.director.links import Links
from rolltape.pages.director.talk import Talk
from rolltape.pages.guest.recording_bar import RecordingBar
from rolltape.pages.guest.rehearsal import Rehearsal
from rolltape.pages.takes.convert import ConvertPage
from rolltape.pages.takes.converting import Converter, NamedFile
from rolltape.pages.takes.folder import FolderView
from rolltape.pages.takes.going_on import GoingOn
from rolltape.recording.keep_up import KnownSlow
from rolltape.recording.part_sinks import Places
from rolltape.recording.take import Part, Take, TakeState
from rolltape.recording.take_keeper import Status
from rolltape.settings.bitrate import parse_bitrate, wish_for
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order
from unit.media_files import block, cluster, header


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


@pytest.mark.parametrize(("peak", "quiet"), [(0.0, True), (0.5, False)])
def test_a_test_recording_in_which_nothing_was_heard(peak: float, quiet: bool) -> None:
    document = FakeDocument()

    async def over() -> None:
        return

    async def story() -> None:
        store, browser = FakeStore(), cast(Any, Elsewhere())
        order = Order(wish_for(6000))
        rehearsal = Rehearsal(document, browser, lambda: None, lambda: order, KnownSlow.of_this_page(), over)
        await rehearsal.open(Places(store, None))
        status = Status(TakeState.RECORDING, 1000, 700, 29.5, 4000.0)
        cast(Any, rehearsal)._deck = SimpleNamespace(status=status, check=lambda: None)
        rehearsal.look(peak)
        part = Part(1, "part1", 1000, 5000)
        take = Take(id="t1", number=1, name="Test", started_at_ms=0).with_part(part)
        assert (
            cast(Any, rehearsal)._facts(take).endswith(" Nothing was heard in it: see to your microphone.")
            is quiet
        )

    asyncio.run(story())


def test_what_an_earlier_visit_left_is_said_to_be_on_its_way_until_it_has_arrived() -> None:
    document = FakeDocument()
    going_on = GoingOn(document, cast(Any, Elsewhere()), cast(Any, FakeStore()), recovers=False)
    one = SimpleNamespace(
        is_under_way=True, state=UploadState.SENDING, notes=SimpleNamespace(to="takes.example")
    )
    cast(Any, going_on)._uploads = SimpleNamespace(all=[one])

    cast(Any, going_on)._changed(one)
    assert [notice.text for notice in document.board.shown] == [
        "What an earlier visit recorded is on its way to takes.example. It goes on here by itself; you need not "
        "wait for it."
    ]
    one.is_under_way, one.state = False, UploadState.ARRIVED
    cast(Any, going_on)._changed(one)
    assert [notice.text for notice in document.board.shown] == [
        "Everything has arrived at takes.example that earlier visits recorded."
    ]
    one.state = UploadState.WITHDRAWN
    cast(Any, going_on)._changed(one)
    assert list(document.board.shown) == []


def test_what_a_recording_does_is_said_to_a_screen_reader_each_time_it_changes() -> None:
    document = FakeDocument()
    deck = SimpleNamespace(take=None, status=None)

    async def begin() -> None:
        return

    bar = RecordingBar(document, cast(Any, Broken()), cast(Any, deck), begin, lambda: True, has_button=True)
    for state in (TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING, TakeState.STOPPING):
        deck.status = Status(state, 1000, 700, 29.5, 4000.0)
        bar.draw()

    assert document.said == ["Recording.", "Paused.", "Finishing the recording."]


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
        reasons: list[str] = []

        async def changed(reason: str) -> None:
            reasons.append(reason)

        inner = cast(Any, deck)
        inner._deck = SimpleNamespace(is_free=False, source_changed=changed)
        deck.use(object())
        while document.tasks:
            await asyncio.gather(*document.tasks)
        assert reasons == ["The connection was made anew."]

    asyncio.run(story())

    assert [notice.text for notice in document.notices][:2] == [
        "Ada does not send more than before. The guest's page did not answer.",
        "What arrives from Ada is not recorded. There is nothing that could be recorded.",
    ]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_folder_that_the_browser_does_not_let_be_written(allowed: bool) -> None:
    document, folder = FakeDocument(), FakeFolder()
    folder.allowed = allowed

    class Choosing(FakeRoomBrowser):
        """A browser in which a person chooses this folder for the first time."""

        def can_choose_folder(self) -> bool:
            return True

        async def remembered_folder(self) -> None:
            return None

        async def choose_folder(self) -> FakeFolder:
            return folder

    view = FolderView(document, cast(Any, Choosing()), lambda: None)
    asyncio.run(view.open())

    assert pressed("folder", document) == (
        []
        if allowed
        else ["The browser does not let this page write that folder: recordings go where they went before."]
    )
    assert view.choice.folder is (folder if allowed else None)
    assert document.texts["folder"] == ("Use Downloads instead" if allowed else "Choose a folder instead")


def test_a_conversion_whose_result_is_deleted_before_it_is_saved() -> None:
    class Cleared(FakeStore):
        """Somebody clears the page's site data meanwhile."""

        async def file(self, path: str) -> None:
            return None

    class Storing(FakeRoomBrowser):
        """A browser that writes no downloads while they are made."""

        async def downloads(self) -> Any:
            raise Unsupported("There is no service worker.")

        async def store(self) -> Cleared:
            return Cleared()

    async def story() -> None:
        converter = Converter(FakeDocument(), cast(Any, Storing()))
        data = header() + cluster(0, block(2, 0, b"\xfc\xff\xfe"))
        source = NamedFile(FakeStoredFile(data, []), "take.webm")
        async for _ in converter.run([source], Target.OPUS, "take"):
            pass

    with pytest.raises(SinkError) as failed:
        asyncio.run(story())

    assert failed.value.sentence == (
        "The converted file is not in the browser's storage any more: convert it once more."
    )
