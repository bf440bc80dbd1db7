"""The guest has the browser's question about several files while they are there, not while they are recorded."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.pages.guest import saving as subject
from rolltape.pages.guest.saving import SavingCheck
from rolltape.pages.interfaces import Browser
from rolltape.recording.save_permission import SavePermission, Saving, saving

FREE, ASKS, REFUSED = SavePermission.FREE, SavePermission.ASKS, SavePermission.REFUSED


class Asks(FakeRoomBrowser):
    """Chromium: saves one file, asks before the next, and does as the person answers."""

    def __init__(self, answer: SavePermission | None, permission: SavePermission = FREE) -> None:
        super().__init__()
        self.permission = permission
        self.answer = answer
        self.saved: list[str] = []
        self.texts: list[str] = []
        self.is_asking = False

    def save_text(self, name: str, text: str, content_type: str) -> None:
        self.saved.append(name)
        self.texts.append(text)
        if (self.permission is FREE and self.answer is not FREE) or not self.is_asking:
            self.permission = ASKS
        self.is_asking = len(self.saved) == 2

    async def save_permission(self) -> SavePermission:
        if self.is_asking and self.answer is not None:
            self.permission = self.answer
        return self.permission


async def pressed(browser: Asks, steps: int = 60) -> tuple[FakeDocument, SavingCheck]:
    document = FakeDocument()
    refused: list[bool] = []
    check = SavingCheck(document, cast("Browser", browser), refused.append)
    document.spawn(check.watch())
    await asyncio.sleep(0)
    if document.shown.get("saving-ask"):
        document.press("saving-ask")
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in document.tasks:
        task.cancel()
    assert refused and refused[-1] is (check.now is Saving.REFUSED), "the page says where recordings go by it"
    return document, check


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here needs time to pass."""
    monkeypatch.setattr(subject, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(subject, "ANSWER_EVERY_S", 0.0)


def test_two_small_files_raise_the_question_and_a_yes_is_remembered() -> None:
    browser = Asks(answer=FREE)

    document, check = asyncio.run(pressed(browser))

    assert browser.saved == ["rolltape-check-1.txt", "rolltape-check-2.txt"]
    assert (
        browser.texts
        == [
            "Your browser saved this file to find out whether recordings can be saved by themselves. "
            "You can delete it.\n"
        ]
        * 2
    )
    assert check.now is Saving.ALLOWED and not document.shown["saving-ask"]
    assert asyncio.run(pressed(Asks(answer=None)))[1].now is Saving.ASKING
    later = Asks(answer=None)
    later.lasting = browser.lasting
    assert asyncio.run(pressed(later))[1].now is Saving.ALLOWED and later.saved == []


class AsksLate(Asks):
    """The same on a busy machine: it notes a file long after it was given it."""

    def __init__(self) -> None:
        super().__init__(answer=None)
        self.late = 0

    def save_text(self, name: str, text: str, content_type: str) -> None:
        super().save_text(name, text, content_type)
        self.late = self.late or 30

    async def save_permission(self) -> SavePermission:
        self.late -= self.late > 1
        return FREE if self.late > 1 else await super().save_permission()


def test_a_browser_that_is_slow_to_ask_is_not_called_one_that_allows_all() -> None:
    browser = AsksLate()

    document, check = asyncio.run(pressed(browser, 200))

    assert check.now is Saving.ASKING and browser.kept("saving") == "", document.texts["saving"]


def test_while_it_is_not_answered_the_page_says_what_to_do_and_offers_nothing_else() -> None:
    document, check = asyncio.run(pressed(Asks(answer=None)))

    assert check.now is Saving.ASKING and "Allow" in document.texts["saving"]
    assert not document.shown["saving-ask"]


def test_a_no_is_told_with_the_way_back_and_forgets_an_earlier_yes() -> None:
    browser = Asks(answer=REFUSED)
    browser.keep("saving", "allowed")
    browser.permission = REFUSED

    document, check = asyncio.run(pressed(browser))

    assert check.now is Saving.REFUSED and "address" in document.texts["saving"]
    assert browser.kept("saving") == ""


def test_a_browser_without_the_question_is_not_asked() -> None:
    browser = Asks(answer=None, permission=SavePermission.NO_QUESTION)

    document, check = asyncio.run(pressed(browser))

    assert check.now is Saving.ALLOWED and browser.saved == [] and not document.shown["saving-ask"]


@pytest.mark.parametrize(
    ("permission", "before", "asking", "now"),
    [
        (FREE, False, False, Saving.UNKNOWN),
        (FREE, True, False, Saving.ALLOWED),
        (ASKS, False, False, Saving.ASKS),
        (ASKS, True, False, Saving.ALLOWED),
        (ASKS, False, True, Saving.ASKING),
        (REFUSED, True, True, Saving.REFUSED),
    ],
)
def test_what_is_known_of_the_browser(
    permission: SavePermission, before: bool, asking: bool, now: Saving
) -> None:
    assert saving(permission, allowed_before=before, asking=asking) is now
