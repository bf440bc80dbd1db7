"""The takes of this machine on a page that another tab has open too."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from fakes import FakeDownloads, FakeFolder, FakeStore
from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.core.errors import PermissionDenied, SinkError
from rolltape.pages.interfaces import Browser
from rolltape.pages.takes.storage_room import SpaceView
from rolltape.pages.takes.takes import Takes
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Delivery, Part, ShelfState, Take, TakeEvent, TakeState

RECORDED = (Path(__file__).parents[1] / "data" / "chromium-vp8-opus.webm").read_bytes()
LEFT = Take("t1", 1, "Ada_take1", 0, mime_type="video/webm;codecs=vp8,opus", state=TakeState.RECORDING)


class StoringBrowser(FakeRoomBrowser):
    """The part of the browser that takes need; the journal is in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeStore()
        self.taken: dict[str, bytearray] | Exception = {}
        """Files that a power cut took, or what goes wrong when they are put back."""
        self.left = 10**10

    async def store(self) -> FakeStore:
        return self.journal

    async def put_back(self) -> bool:
        if isinstance(self.taken, Exception):
            raise self.taken
        self.journal.files.update(self.taken)
        return bool(self.taken)

    async def downloads(self) -> FakeDownloads:
        return FakeDownloads()

    def can_choose_folder(self) -> bool:
        return False

    async def persist(self) -> bool:
        return True

    async def space(self) -> tuple[int, int]:
        return 0, self.left


class BrokenStore(FakeStore):
    """A journal that is read, but not written any more."""

    async def append_text(self, path: str, text: str) -> None:
        raise SinkError("The browser's storage failed.")


async def nobody() -> Collection[str]:
    return ()


async def run_a_while() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_take_that_another_tab_recovers_while_this_one_opens_is_shown_as_recovered() -> None:
    async def story() -> tuple[str, str]:
        document, browser = FakeDocument(), StoringBrowser()
        other_tab = Shelf(browser.journal, nobody)
        await other_tab.log(LEFT)
        takes = Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)

        await takes.open()
        drawn = document.lists["takes"]["t1"].attributes["", "data-state"]
        await other_tab.log(LEFT.after(TakeEvent.FOUND))
        await run_a_while()

        for task in document.tasks:
            task.cancel()
        return drawn, document.lists["takes"]["t1"].attributes["", "data-state"]

    assert asyncio.run(story()) == (ShelfState.RECORDING, ShelfState.RECOVERED)


def test_a_take_that_cannot_be_finished_now_is_kept_and_it_is_said() -> None:
    async def story() -> list[str]:
        document, browser = FakeDocument(), StoringBrowser()
        await Shelf(browser.journal, nobody).log(LEFT)
        kept, browser.journal = browser.journal, BrokenStore()
        browser.journal.files = kept.files
        takes = Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)

        await takes.open()
        await run_a_while()

        for task in document.tasks:
            task.cancel()
        return [notice.text for notice in document.notices]

    (said,) = asyncio.run(story())
    assert said == (
        "Ada_take1 was not finished, and cannot be now. The browser's storage failed. It is kept: close the browser, "
        "then open this page again."
    )


@pytest.mark.parametrize("written", [True, False])
def test_a_take_that_a_power_cut_took_is_put_back_and_then_recovered_as_far_as_it_was_written(
    written: bool,
) -> None:
    async def story() -> tuple[str, list[str]]:
        document, browser = FakeDocument(), StoringBrowser()
        await Shelf(browser.journal, nobody).log(LEFT)
        if written:
            browser.journal.files["takes/t1/part1"] = bytearray(RECORDED)
        browser.taken, browser.journal.files = browser.journal.files, {}
        takes = Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)

        await takes.open()
        assert not document.lists["takes"]
        await run_a_while()

        for task in document.tasks:
            task.cancel()
        state = document.lists["takes"]["t1"].attributes["", "data-state"]
        return state, [notice.text for notice in document.notices]

    assert asyncio.run(story()) == (
        (
            ShelfState.RECOVERED,
            [
                "A recording that was not finished is back in the list below: Ada_take1. It ended when its page was "
                "closed, loaded anew or broke down."
            ],
        )
        if written
        else (
            ShelfState.FAILED,
            ["Of Ada_take1 nothing had been written when its page was closed, loaded anew or broke down."],
        )
    )


class BlockedBrowser(StoringBrowser):
    """It lets the page keep nothing, or only not download while it records."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self.lets_keep = journal

    async def store(self) -> FakeStore:
        if not self.lets_keep:
            raise PermissionDenied("The browser's security settings do not allow it.")
        return self.journal

    async def downloads(self) -> FakeDownloads:
        raise PermissionDenied("The browser's security settings do not allow it.")

    def downloads_at_end(self) -> FakeDownloads:
        return FakeDownloads()


@pytest.mark.parametrize("journal", [True, False])
def test_what_a_browser_does_not_let_be_kept_is_said_once_and_there_is_a_place_to_record_to(
    journal: bool,
) -> None:
    async def story() -> tuple[list[str], bool]:
        document, browser = FakeDocument(), BlockedBrowser(journal)
        takes = Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)

        await takes.open()

        for task in document.tasks:
            task.cancel()
        return [notice.text for notice in document.notices], takes.places.downloads is not None

    (said,), has_downloads = asyncio.run(story())
    kept = "A recording is kept in this browser; save it from the list when it is finished."
    assert (said == f"The browser's security settings do not allow it. {kept}") is journal
    assert ("held in memory" in said) is has_downloads is not journal


def test_takes_are_recovered_whatever_goes_wrong_when_others_are_put_back() -> None:
    async def story() -> tuple[str, int]:
        document, browser = FakeDocument(), StoringBrowser()
        await Shelf(browser.journal, nobody).log(LEFT)
        browser.taken = RuntimeError("no locks")
        told: list[BaseException] = []
        document.report = lambda error: told.append(error)  # type: ignore[method-assign]
        takes = Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)

        await takes.open()
        await run_a_while()

        for task in document.tasks:
            task.cancel()
        return document.lists["takes"]["t1"].attributes["", "data-state"], len(told)

    assert asyncio.run(story()) == (ShelfState.FAILED, 1)


def test_a_warning_of_little_room_goes_when_there_is_room_and_comes_again_the_next_time() -> None:
    async def story() -> list[int]:
        document, browser = FakeDocument(), StoringBrowser()
        shelf = Shelf(browser.journal, nobody)
        view = SpaceView(document, cast("Browser", browser), shelf)
        shown = []
        for left in (10**9, 10**8, 10**10, 10**10, 10**8):
            browser.left = left
            await view.look(2500.0, recording=True)
            shown.append(len(document.board.shown))
        return shown

    assert asyncio.run(story()) == [0, 1, 0, 0, 1]


WHOLE = Take(
    "t2",
    2,
    "Ada_take2",
    0,
    mime_type="video/webm;codecs=vp8,opus",
    state=TakeState.FINISHED,
    parts=(Part(1, "part1", 5000),),
    delivered=(Delivery.FOLDER,),
)


async def kept_over_two_minutes(
    take: Take, in_folder: dict[str, int], left: int = 10**6, host: str = ""
) -> tuple[bool, list[str]]:
    """Whether a take is still there after two minutes of recording with little room, and what was told."""
    document, browser, folder = FakeDocument(), StoringBrowser(), FakeFolder()
    folder.files = {name: bytearray(size) for name, size in in_folder.items()}
    shelf = Shelf(browser.journal, nobody)
    await shelf.log(take)
    view = SpaceView(document, cast("Browser", browser), shelf, lambda: folder)

    async def at_host(take: Take) -> str:
        return host

    view.at_host = at_host
    browser.left = left
    told_before = -1.0
    for _ in range(12):
        await view.look(2500.0, recording=True)
        if not await shelf.takes():
            assert told_before >= 0, "it was told before"
            break
        if any("removed from it in a minute" in notice.text for notice in document.notices):
            told_before = browser.ms
        browser.ms += 10_000
    return bool(await shelf.takes()), [notice.text for notice in document.notices]


def test_a_take_that_lies_whole_in_the_folder_goes_a_minute_after_that_was_told() -> None:
    kept, told = asyncio.run(kept_over_two_minutes(WHOLE, {"Ada_take2.webm": 5000}))

    assert not kept
    assert (
        "so Ada_take2 is removed from it in a minute. Its file lies whole in the folder “Recordings”."
        in told[0]
    )
    assert (
        told[-1]
        == "Ada_take2 was removed from this browser to make room; its file lies in the folder “Recordings”."
    )


def test_a_take_that_has_arrived_at_the_host_goes_likewise() -> None:
    take = replace(WHOLE, delivered=(Delivery.DOWNLOADS,))

    kept, told = asyncio.run(kept_over_two_minutes(take, {}, host="takes.example"))

    assert not kept
    assert "Its file lies whole at takes.example." in told[0]
    assert told[-1] == "Ada_take2 was removed from this browser to make room; its file lies at takes.example."


@pytest.mark.parametrize(
    ("take", "in_folder", "left"),
    [
        pytest.param(
            replace(WHOLE, delivered=(Delivery.DOWNLOADS,)), {"Ada_take2.webm": 5000}, 10**6, id="download"
        ),
        pytest.param(WHOLE, {}, 10**6, id="gone from the folder"),
        pytest.param(WHOLE, {"Ada_take2.webm": 4999}, 10**6, id="not whole there"),
        pytest.param(
            replace(WHOLE, parts=(*WHOLE.parts, Part(2, "part2", 7))),
            {"Ada_take2.webm": 5000},
            10**6,
            id="a part is missing",
        ),
        pytest.param(WHOLE, {"Ada_take2.webm": 5000}, 10**9, id="there is room"),
    ],
)
def test_a_take_stays_unless_it_is_seen_to_lie_elsewhere_and_room_is_needed(
    take: Take, in_folder: dict[str, int], left: int
) -> None:
    assert asyncio.run(kept_over_two_minutes(take, in_folder, left))[0]


class PrivateBrowser(StoringBrowser):
    """A private window of Firefox: its private file system refuses."""

    async def store(self) -> FakeStore:
        raise PermissionDenied("The browser's security settings do not allow it.")


def test_a_private_window_is_said_to_be_one() -> None:
    async def story() -> list[str]:
        document = FakeDocument()
        takes = Takes(document, cast("Browser", PrivateBrowser()), lambda: None, lambda: 2500.0)
        await takes.open()
        return [notice.text for notice in document.notices]

    (told,) = asyncio.run(story())

    assert told.startswith("This is a private window, or") and "there is no crash-proof copy" in told


def test_a_browser_that_saves_no_file_is_not_said_to_put_it_into_the_downloads_folder() -> None:
    async def story() -> None:
        document = FakeDocument()
        takes = Takes(document, cast("Browser", StoringBrowser()), lambda: None, lambda: 2500.0)
        takes.downloads_refused(True)
        assert "destination" not in document.texts, "nothing is known yet"
        takes.downloads_refused(False)
        await takes.open()
        usual = document.texts["destination"]
        takes.downloads_refused(True)
        refused = document.texts["destination"]
        takes.downloads_refused(False)
        for task in document.tasks:
            task.cancel()

        assert usual == document.texts["destination"]
        assert usual == "your Downloads folder while you record, and a crash-proof copy in this browser"
        assert refused.startswith("a crash-proof copy in this browser; save it from the list below")

    asyncio.run(story())


def opened(browser: StoringBrowser) -> tuple[FakeDocument, Takes]:
    document = FakeDocument()
    return document, Takes(document, cast("Browser", browser), lambda: None, lambda: 2500.0)


class MoodyBrowser(StoringBrowser):
    """Its storage does not always say how much room is left."""

    broken = False
    looks = 0

    async def space(self) -> tuple[int, int]:
        self.looks += 1
        if self.broken:
            raise RuntimeError("An internal error.")
        return await super().space()


def test_the_watch_over_room_goes_on_after_an_error_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> tuple[list[bool], list[str]]:
        monkeypatch.setattr("rolltape.pages.takes.takes.SPACE_EVERY_S", 0)
        browser = MoodyBrowser()
        browser.broken = True
        document, takes = opened(browser)
        await takes.open()
        shown = []
        for broken in (True, False, True):
            browser.broken = broken
            before = browser.looks
            while browser.looks < before + 3:
                await asyncio.sleep(0)
            shown.append(any(one.subject == "room-unseen" for one in document.standing()))
        for task in document.tasks:
            task.cancel()
        return shown, browser.log_lines

    shown, log = asyncio.run(asyncio.wait_for(story(), 10))
    assert shown == [True, False, True]
    assert "1 times by now" in log[0]
    assert "2 times by now" in log[1]


def test_a_recording_begins_though_no_room_can_be_made_for_it() -> None:
    async def story() -> list[tuple[str, str]]:
        browser = MoodyBrowser()
        document, takes = opened(browser)
        await takes.open()
        await run_a_while()
        browser.broken = True
        await takes.make_room(2500.0)
        for task in document.tasks:
            task.cancel()
        return [(one.subject, one.text) for one in document.standing()]

    assert asyncio.run(story()) == [
        (
            "room-unseen",
            "How much room is left in this browser's storage cannot be seen right now; recordings go on, and it is "
            "looked at again every ten seconds.",
        )
    ]


def test_recovering_many_takes_reads_the_log_of_each_a_few_times_and_not_all_for_each() -> None:
    class Counting(FakeStore):
        reads = 0

        async def text(self, path: str) -> str:
            self.reads += 1
            return await super().text(path)

    async def story(count: int) -> int:
        browser = StoringBrowser()
        browser.journal = Counting()
        shelf = Shelf(browser.journal, nobody)
        for number in range(count):
            await shelf.log(replace(LEFT, id=f"t{number}", number=number + 1))
        document, takes = opened(browser)
        await takes.open()
        while any(
            row.attributes["", "data-state"] == ShelfState.RECORDING
            for row in document.lists["takes"].values()
        ):
            await asyncio.sleep(0)
        for task in document.tasks:
            task.cancel()
        return browser.journal.reads

    assert asyncio.run(asyncio.wait_for(story(40), 20)) <= 5 * 40
