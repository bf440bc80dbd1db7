"""Opens the page that the address asks for."""

from __future__ import annotations

from js import location

from rolltape.browser.here import ThisBrowser
from rolltape.browser.page import Page
from rolltape.link import Page as PageKind
from rolltape.link import parse_link
from rolltape.notice import Level, Notice
from rolltape.pages.convert import ConvertPage
from rolltape.pages.director import DirectorPage
from rolltape.pages.guest import GuestPage


async def main() -> None:
    """Read the address, show what it opens; an error becomes a notice on a page that says it failed."""
    page = Page()
    try:
        link = parse_link(location.search + location.hash)
        for notice in link.notices:
            page.notify(notice)
        if link.settings.page is PageKind.GUEST:
            await GuestPage(link, page, ThisBrowser(page)).open()
        elif link.settings.page is PageKind.CONVERT:
            await ConvertPage(page, ThisBrowser(page)).open()
        elif link.settings.page is PageKind.DIRECTOR:
            await DirectorPage(link, page, ThisBrowser(page)).open()
        else:
            page.ready("home")
    except Exception as error:
        page.report(error)
        page.failed(
            Notice(
                Level.ERROR,
                "The page could not start. Reload it; if that does not help, use another browser.",
            )
        )
        raise
