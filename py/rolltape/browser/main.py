"""Opens the page that the address asks for."""

from __future__ import annotations

import random

from js import console, location, window
from pyodide.ffi import JsException

from rolltape.browser import stdlib
from rolltape.browser.facade import ThisBrowser
from rolltape.browser.journal import has_uploads
from rolltape.browser.offline import keep_copy
from rolltape.browser.page import Page
from rolltape.core.notice import Level, Notice
from rolltape.pages.theme import ThemeButton
from rolltape.settings.link import Link, PageKind, parse_link


async def main() -> None:
    """Read the address, show what it opens; an error becomes a notice on a page that says it failed."""
    window.rolltapeDatabase()  # PyScript had another (static/boot.js)
    random.seed()  # its state came with Python's memory, the same for everybody
    page = Page()
    browser = ThisBrowser(page)
    try:
        ThemeButton(page, browser)
        link = parse_link(location.search + location.hash)
        for notice in link.notices:
            page.notify(notice)
        await _open(link, page, browser)
        page.spawn(_afterwards())
        page.spawn(_go_on(link.settings.page, page, browser))
    except Exception as error:
        page.report(error)
        page.failed(
            Notice(
                Level.ERROR,
                "The page could not start. Reload it; if that does not help, use another browser.",
            )
        )
        raise


async def _afterwards() -> None:
    """Get what the page does without until it is there: the standard library, and a copy for the next visit."""
    try:
        await stdlib.complete()
    except (JsException, OSError) as error:
        console.warn(f"The standard library did not load: it is asked for again when it is needed. ({error})")
    await keep_copy()


async def _go_on(kind: PageKind, page: Page, browser: ThisBrowser) -> None:
    """Send what earlier visits left to be sent; a guest's page does so by itself."""
    if kind is PageKind.GUEST or not await has_uploads():
        return
    from rolltape.pages.takes.going_on import GoingOn

    await GoingOn(page, browser, await browser.store(), recovers=kind is not PageKind.DIRECTOR).open()


async def _open(link: Link, page: Page, browser: ThisBrowser) -> None:
    """Open the page that is wanted; the modules of the others are not imported, which would take its time."""
    if link.settings.page is PageKind.GUEST:
        from rolltape.pages.guest.page import GuestPage

        await GuestPage(link, page, browser).open()
    elif link.settings.page is PageKind.CONVERT:
        from rolltape.pages.takes.convert import ConvertPage

        await ConvertPage(page, browser).open()
    elif link.settings.page is PageKind.DIRECTOR:
        from rolltape.pages.director.page import DirectorPage

        await DirectorPage(link, page, browser).open()
    else:
        from rolltape.pages.home import HomePage

        await HomePage(page, browser).open()
