"""Who a page is in its room: kept until the tab is closed, so that a reload is the same somebody."""

from __future__ import annotations

from collections.abc import Callable

from rolltape.pages.interfaces import Browser
from rolltape.pages.tab_lock import claimed
from rolltape.room.client import new_secret

__all__ = ["identity"]


async def identity(browser: Browser, role: str) -> tuple[str, Callable[[], None]]:
    """Return the secret that makes the page who it is, and what the caller calls when the page leaves.

    A tab that was duplicated has a copy of the other's memory: it becomes somebody else.
    """
    secret = browser.remembered(f"{role}-secret")
    if not secret or f"{role}-{secret}" in await browser.running():
        secret = new_secret()
        browser.remember(f"{role}-secret", secret)
    return secret, await claimed(browser, f"{role}-{secret}", role)
