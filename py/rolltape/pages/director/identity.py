"""Who a page is in its room: kept until the tab is closed, so that a reload is the same somebody."""

from __future__ import annotations

from collections.abc import Callable

from rolltape.pages.interfaces import Browser
from rolltape.room.client import new_secret

__all__ = ["identity"]


async def identity(browser: Browser, role: str) -> tuple[str, str, Callable[[], None]]:
    """The page's uid, the secret that makes it its own, and what to call when the page leaves.

    A tab that was duplicated has a copy of the other's memory: it becomes somebody else.
    """
    uid, secret = browser.remembered(f"{role}-uid"), browser.remembered(f"{role}-secret")
    if not uid or not secret or f"{role}-{uid}" in await browser.running():
        uid, secret = new_secret(9), new_secret()
        browser.remember(f"{role}-uid", uid)
        browser.remember(f"{role}-secret", secret)
    return uid, secret, await browser.hold(f"{role}-{uid}")
