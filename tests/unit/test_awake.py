"""The screen stays on for as long as anything on the page records."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from browser_stubs import Target, stubbed_browser


class Lock:
    """A wake lock of the browser's."""

    def __init__(self) -> None:
        self.released = False

    async def release(self) -> None:
        self.released = True


class Screen:
    """What the browser has been asked for."""

    def __init__(self) -> None:
        self.locks: list[Lock] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def request(self, kind: str) -> Lock:
        await self.answers.wait()
        self.locks.append(Lock())
        return self.locks[-1]

    @property
    def is_on(self) -> bool:
        return any(not lock.released for lock in self.locks)


class Page(Target):
    """A document that is looked at."""

    visibilityState = "visible"


@pytest.fixture
def stage() -> Iterator[tuple[Screen, Page, Any]]:
    screen, page = Screen(), Page()
    console = SimpleNamespace(info=lambda said: None)
    with stubbed_browser(navigator=SimpleNamespace(wakeLock=screen), document=page, console=console) as load:
        yield screen, page, load("rolltape.browser.awake").Awake()


def test_the_first_of_two_recordings_that_ends_does_not_let_the_machine_sleep_under_the_other(
    stage: tuple[Screen, Page, Any],
) -> None:
    screen, _, awake = stage

    async def story() -> None:
        await awake.want("Ada's deck", True)
        await awake.want("Bo's deck", True)
        await awake.want("Ada's deck", False)
        assert screen.is_on
        await awake.want("Bo's deck", False)
        assert not screen.is_on

    asyncio.run(story())


def test_a_recording_that_did_not_come_about_takes_nothing_from_one_that_runs(
    stage: tuple[Screen, Page, Any],
) -> None:
    screen, _, awake = stage

    async def story() -> None:
        await awake.want("Ada's deck", True)
        await awake.want("Bo's deck", False)
        await awake.want("Ada's deck", True)
        assert screen.is_on
        await awake.want("Ada's deck", False)
        assert not screen.is_on

    asyncio.run(story())


def test_a_page_that_is_shown_again_is_kept_awake_again(stage: tuple[Screen, Page, Any]) -> None:
    screen, page, awake = stage

    async def story() -> None:
        await awake.want("Ada's deck", True)
        await screen.locks[0].release()  # as browsers do with a page that is hidden
        page.fire("visibilitychange", None)
        for _ in range(5):
            await asyncio.sleep(0)
        assert screen.is_on

    asyncio.run(story())


def test_a_lock_that_comes_when_nobody_records_any_more_is_given_back(
    stage: tuple[Screen, Page, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, _, awake = stage
    monkeypatch.setattr(sys.modules["rolltape.browser.awake"], "ANSWER_WITHIN_S", 0.01)
    screen.answers.clear()

    async def story() -> None:
        await awake.want("Ada's deck", True)  # the recording begins, whatever the browser does
        await awake.want("Ada's deck", False)
        assert screen.locks == []
        screen.answers.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(screen.locks) == 1 and not screen.is_on

    asyncio.run(story())
