"""Web Locks that a browser refuses, grants late, or never: `hold` ends all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from browser_stubs import JsException, stubbed_browser


class Locks:
    """`navigator.locks`: one lock, granted when the test says so."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.free = asyncio.Event()
        self.held = 0

    async def request(self, name: str, granted: Callable[[object], Awaitable[None]]) -> None:
        if self.refusal is not None:
            raise self.refusal
        await self.free.wait()
        self.held += 1
        await granted(object())
        self.held -= 1


@pytest.fixture
def browser() -> Iterator[tuple[Any, SimpleNamespace]]:
    navigator = SimpleNamespace()
    with stubbed_browser(navigator=navigator) as load:
        yield load("rolltape.browser.locks"), navigator


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_lock_that_is_refused_is_an_error_and_no_wait_without_end(
    browser: tuple[Any, SimpleNamespace],
) -> None:
    locks, navigator = browser

    async def story() -> None:
        navigator.locks = Locks()
        navigator.locks.refusal = JsException("SecurityError", "denied")
        with pytest.raises(Exception, match="security settings") as refused:
            async with asyncio.timeout(5):
                await locks.hold("t1")
        assert type(refused.value).__name__ == "PermissionDenied"

    asyncio.run(story())


def test_a_lock_is_held_until_it_is_let_go_of(browser: tuple[Any, SimpleNamespace]) -> None:
    locks, navigator = browser

    async def story() -> None:
        navigator.locks = Locks()
        navigator.locks.free.set()
        let_go = await locks.hold("t1")
        await turns()
        held = navigator.locks.held
        let_go()
        let_go()
        await turns()
        assert (held, navigator.locks.held) == (1, 0)

    asyncio.run(story())


def test_a_lock_that_nobody_waits_for_any_more_is_let_go_of_when_it_comes(
    browser: tuple[Any, SimpleNamespace],
) -> None:
    locks, navigator = browser

    async def story() -> None:
        navigator.locks = Locks()
        waiting = asyncio.create_task(locks.hold("t1"))
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        navigator.locks.free.set()
        await turns()
        assert navigator.locks.held == 0

    asyncio.run(story())


def test_where_the_locks_may_not_be_looked_at_none_is_held(browser: tuple[Any, SimpleNamespace]) -> None:
    locks, navigator = browser

    async def query() -> None:
        raise JsException("SecurityError", "denied")

    navigator.locks = SimpleNamespace(query=query)
    assert asyncio.run(locks.running()) == frozenset()


def test_where_there_are_no_locks_there_is_nothing_to_wait_for(browser: tuple[Any, SimpleNamespace]) -> None:
    locks, navigator = browser
    navigator.locks = None

    asyncio.run(locks.hold("t1"))()
