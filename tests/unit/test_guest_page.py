"""The guest's page as a whole, in memory: what it says where nothing can be recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from page_fakes import FakeDocument
from rolltape.core.errors import EngineError
from rolltape.core.notice import Notice
from rolltape.pages.guest.page import GuestPage
from rolltape.recording.clock_log import Mark, SoundPath
from rolltape.recording.save_permission import SavePermission
from rolltape.recording.take import Take, TakeState
from rolltape.settings.bitrate import wish_for
from rolltape.settings.capture_constraints import Constraints, Device, Kind
from rolltape.settings.codec import VideoCodec
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order
from unit.test_devices import FakeCapture
from unit.test_takes import StoringBrowser


class Capture(FakeCapture):
    """What is plugged in, with a clock, a level and no silence to stand in for a microphone."""

    has_silence = False

    def peak(self) -> float | None:
        return 0.5

    async def buffer_given(self) -> None:
        return

    def mark(self) -> Mark:
        return Mark(0, 5000.0, 48_000, 20.0, 4990.0)

    def sound_path(self) -> SoundPath:
        return SoundPath("track", 10.0, 48_000)

    def engine(self, mime_type: str, rates: object) -> Any:
        raise AssertionError("Nothing is recorded here.")


class GuestBrowser(StoringBrowser):
    """A browser with devices, as far as a page needs it that records nothing."""

    def __init__(self, records: bool, plugged: dict[Kind, list[str]]) -> None:
        super().__init__()
        self.records = records
        self.has_one = True
        """Whether it has a recorder at all."""
        self.captured = Capture(plugged)
        self.ended: Callable[[str], None] = lambda kind: None

    async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> Capture:
        self.ended = on_ended
        for kind, labels in self.captured.plugged.items():
            if labels:
                self.captured.used[kind] = labels[0]
        return self.captured

    async def devices(self) -> list[Device]:
        return [
            Device(kind, label, label) for kind, labels in self.captured.plugged.items() for label in labels
        ]

    def on_devices_changed(self, handler: Callable[[], Awaitable[None]]) -> None:
        return

    def has_recorder(self) -> bool:
        return self.has_one

    def can_record(self, mime_type: str) -> bool:
        return self.records

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        return frozenset()

    def agent(self) -> str:
        return "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

    async def save_permission(self) -> SavePermission:
        return SavePermission.NO_QUESTION

    async def battery(self) -> None:
        return None

    def is_hidden(self) -> bool:
        return False

    def reload(self) -> None:
        return

    def on_online(self, handler: object) -> None:
        return


class Scene:
    """A guest's page that was opened by a link."""

    def __init__(self, link: str, records: bool = True, **plugged: list[str]) -> None:
        self.document = FakeDocument()
        self.browser = GuestBrowser(records, {"video": ["Cam"], "audio": ["Yeti"]} | cast(Any, plugged))
        self.page = GuestPage(parse_link(link), self.document, cast(Any, self.browser))

    async def open(self) -> None:
        await self.page.open()

    async def unplug(self, kind: Kind) -> None:
        self.browser.captured.plugged[kind].clear()
        self.browser.ended(kind)
        for _ in range(50):
            await asyncio.sleep(0)

    async def mute(self, kinds: set[Kind]) -> None:
        """The browser mutes these from now on, and no others; the page has seen it."""
        self.browser.captured.muted = cast(Any, kinds)
        devices = cast(Any, self.page)._devices
        for _ in range(2):
            self.browser.ms += 1000
            devices.look()
            for _ in range(50):
                await asyncio.sleep(0)

    @property
    def told(self) -> list[Notice]:
        return self.document.notices

    @property
    def sentences(self) -> list[str]:
        return [notice.text for notice in self.told]


def played(scene: Scene, *after: Kind) -> Scene:
    """Open the page, then pull these devices out."""

    async def story() -> None:
        await scene.open()
        for kind in after:
            await scene.unplug(kind)
        for task in scene.document.tasks:
            task.cancel()

    asyncio.run(asyncio.wait_for(story(), 10))
    return scene


def test_a_link_that_refuses_recording_says_so_first() -> None:
    scene = played(Scene("?record=false"))

    assert scene.sentences == ["This link does not allow recording."]
    assert scene.document.enabled["record"] is False


def test_a_browser_without_a_recorder_says_which_have_one() -> None:
    scene = Scene("?record=2500")
    scene.browser.has_one = False
    played(scene)

    assert scene.sentences == ["This browser cannot record: use a current Chrome, Edge or Firefox."]
    assert scene.document.enabled["record"] is False


def test_a_browser_that_records_nothing_of_what_there_is_says_so() -> None:
    scene = played(Scene("?record=2500", records=False))

    assert scene.sentences == [
        "This browser can record none of what camera and microphone give: use another one."
    ]
    assert scene.document.enabled["record"] is False


def test_a_link_for_sound_alone_says_that_there_is_no_microphone_and_does_not_blame_the_browser() -> None:
    scene = played(Scene("?record=0", audio=[]))

    assert "Nothing can be recorded: this link is for sound alone, and there is no microphone." in (
        scene.sentences
    )
    assert not any("This browser can record none" in sentence for sentence in scene.sentences)
    assert scene.document.enabled["record"] is False


@pytest.mark.parametrize("first", ["video", "audio"])
def test_devices_that_go_one_after_the_other_are_not_told_as_what_the_browser_cannot_do(first: Kind) -> None:
    second: Kind = "audio" if first == "video" else "video"
    scene = played(Scene("?record=2500"), first, second)

    assert {notice.subject for notice in scene.document.standing()} == {"camera-gone", "microphone-gone"}
    assert not any("This browser can record none" in sentence for sentence in scene.sentences)


class StubDeck:
    """A deck whose take has just ended; what is begun is noted."""

    order = Order(wish_for(2500))
    is_free = True
    state = TakeState.IDLE
    status = take = None

    def __init__(self, was_stopped: bool) -> None:
        self.was_stopped = was_stopped
        self.started: list[tuple[Order, str]] = []
        self.refuses = False

    def check(self) -> None:
        return

    async def plan(self, order: Order) -> None:
        return None

    async def source_changed(self, reason: str) -> bool:
        return False

    async def start(self, order: Order, started_by: str) -> bool:
        if self.refuses:
            raise EngineError("There is nothing that could be recorded.")
        self.started.append((order, started_by))
        return True


BROKE_OFF = replace(
    Take(id="t1", number=1, name="Ada_take1", started_at_ms=0, started_by="Bo"),
    state=TakeState.FINISHED,
    error="Camera and microphone are gone.",
)


@pytest.mark.parametrize(
    ("muted", "stopped", "anew"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_a_recording_that_ended_while_all_was_muted_begins_anew_once_when_one_is_back(
    muted: bool, stopped: bool, anew: bool
) -> None:
    async def story() -> list[tuple[Order, str]]:
        scene = Scene("?record=2500")
        await scene.open()
        deck = StubDeck(stopped)
        cast(Any, scene.page)._deck = deck
        both: set[Kind] = {"video", "audio"}
        await scene.mute(both if muted else set())
        await scene.page.take_over(BROKE_OFF)
        await cast(Any, scene.page)._devices.draw()
        for _ in range(50):
            await asyncio.sleep(0)
        assert deck.started == [], "nothing gives anything yet, or nothing was muted"
        deck.refuses = True
        await scene.mute({"video"})
        assert deck.started == []
        deck.refuses = False
        for now in (both, set[Kind](), both, set[Kind]()):
            await scene.mute(now)
        for task in scene.document.tasks:
            task.cancel()
        return deck.started

    started = asyncio.run(asyncio.wait_for(story(), 10))
    assert started == ([(StubDeck.order, "Bo")] if anew else [])
