"""The links a director gives out: the guests' with its QR code, and the room's own for a co-director."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.room import qr
from rolltape.settings.fragment import Secrets, write_fragment
from rolltape.settings.link import Settings, link_for
from rolltape.settings.link_form import guest_settings

COPIED_FOR_S = 4.0


class Links:
    """Shows the links of guests and directors, copies them and draws the QR code; the director's page makes one."""

    def __init__(self, document: Document, browser: Browser, settings: Settings) -> None:
        self._document = document
        self._browser = browser
        self._settings = settings
        self._drawn = ""
        document.on("copy-guest-link", "click", lambda: self._copy("guest-link"))
        document.on("copy-director-link", "click", lambda: self._copy("director-link"))
        document.on("qr-button", "click", self._on_qr)
        document.enable("copy-guest-link", False)
        document.enable("qr-button", False)

    def show(self, invite: str, key: str) -> None:
        """Show the links that lead into the room, which is open."""
        address = self._browser.page_address()
        guest = address + link_for(guest_settings(self._settings)) + write_fragment(Secrets(invite=invite))
        another = replace(self._settings, label=None)
        self._document.fill("guest-link", guest)
        self._document.fill("director-link", address + link_for(another) + write_fragment(Secrets(key=key)))
        self._document.enable("copy-guest-link", True)
        self._document.enable("qr-button", True)

    async def _copy(self, name: str) -> None:
        try:
            await self._browser.copy(self._document.value(name))
            said = "Copied."
        except RolltapeError:
            said = "This browser did not let it be copied: press on the link and copy it yourself."
        self._document.text(f"{name}-copied", said)
        await asyncio.sleep(COPIED_FOR_S)
        self._document.text(f"{name}-copied", "")

    async def _on_qr(self) -> None:
        """Show the code, or put it away."""
        link = self._document.value("guest-link")
        if self._drawn:
            self._drawn = ""
        else:
            try:
                await self._browser.load_library(qr.LIBRARY)
                side, path = qr.code(link)
            except (RolltapeError, ValueError) as error:
                self._document.notify(Notice(Level.WARNING, f"The QR code cannot be drawn. ({error})"))
                return
            self._document.attribute("qr", "viewBox", f"0 0 {side} {side}")
            self._document.attribute("qr-path", "d", path)
            self._drawn = link
        self._document.show("qr-place", bool(self._drawn))
        self._document.attribute("qr-button", "aria-expanded", str(bool(self._drawn)).lower())
        self._document.text("qr-button", "Hide QR code" if self._drawn else "QR code")
