"""A tab's claim to be somebody in a room, which other tabs of this browser see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rolltape.pages.interfaces import TabLocks

CLAIM_TIMEOUT_S = 3.0
"""Nobody else had the place a moment ago: a browser that does not grant it by now does not grant it."""


async def claimed(browser: TabLocks, name: str, role: str) -> Callable[[], None]:
    """Claim the place of this name, as a `guest` or a `director`; call the result to leave it.

    Where the browser refuses, the page goes on without: a duplicated tab may then take its place in the room.
    """
    try:
        async with asyncio.timeout(CLAIM_TIMEOUT_S):
            return await browser.hold(name)
    except Exception as error:
        # The name itself is a secret.
        browser.log(f"Other tabs cannot see that this one has a {role}'s place. ({error})")
        return lambda: None
