"""The home page: opens a room, makes links for guests, leads to the converter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Memory, Navigation
from rolltape.room.client import new_secret
from rolltape.room.host_key import hosted_key
from rolltape.settings.link_form import (
    DEFAULTS,
    OPTIONS,
    FieldKind,
    Group,
    Option,
    guest_link,
    room_link,
    room_name,
)

TEMPLATES = {
    FieldKind.TEXT: "option-template",
    FieldKind.NUMBER: "option-template",
    FieldKind.CHOICE: "choice-template",
    FieldKind.TICK: "tick-template",
}
NO_COPY = Notice(Level.WARNING, "The browser does not let this page copy: mark the link and copy it.")
NAMELESS = Notice(Level.WARNING, "Give the room a name first.")


HOST_KEY = "host-key"


class HomeBrowser(Navigation, Memory, Protocol):
    """What the home page asks of the browser."""


class HomePage:
    """The home page: makes a link for one guest, or a room, from what is chosen in its form.

    `browser/main.py` makes one and calls `open`, once.
    """

    def __init__(self, document: Document, browser: HomeBrowser) -> None:
        self._document = document
        self._browser = browser
        self._rows: dict[str, View] = {}
        self._address = ""

    async def open(self) -> None:
        """Draw the form, show the page, then see whether there are rooms."""
        document = self._document
        document.fill("room-name", room_name(os.urandom(5)))
        for group in Group:
            self._draw_options(group)
        document.on("make-room", "click", self._on_make_room)
        document.on("room-name", "enter", self._on_make_room)
        document.on("copy-link", "click", self._on_copy)
        document.fill("host-key", self._browser.kept(HOST_KEY))
        document.on("host-key", "change", self._on_host_key)
        self._draw_link()
        document.ready("home")
        if not await self._browser.has_rooms():
            document.show("no-rooms", True)
            document.enable("make-room", False)

    def _draw_options(self, group: Group) -> None:
        """One row after the other, since each kind of field has a template of its own."""
        ids: list[str] = []
        for option in OPTIONS:
            if option.group is group:
                ids.append(option.name)
                rows = self._document.rows(group, TEMPLATES[option.kind], ids)
                self._wire(rows[option.name], option)

    def _wire(self, row: View, option: Option) -> None:
        self._rows[option.name] = row
        field, help_id = f"option-{option.name}", f"help-{option.name}"
        row.text("label", option.label)
        row.text("help", option.help)
        row.attribute("label", "for", field)
        row.attribute("help", "id", help_id)
        row.attribute("field", "id", field)
        row.attribute("field", "name", option.name)
        row.attribute("field", "aria-describedby", help_id)
        begin = DEFAULTS.get(option.name, "")
        if option.kind is FieldKind.CHOICE:
            row.options("field", option.choices, begin)
        elif option.kind is not FieldKind.TICK:
            row.fill("field", begin)
        if option.kind is FieldKind.NUMBER:
            row.attribute("field", "inputmode", "numeric")
        row.on("field", "input", self._draw_link)

    def _values(self) -> Mapping[str, str]:
        return {option.name: self._value(option) for option in OPTIONS}

    def _value(self, option: Option) -> str:
        row = self._rows[option.name]
        if option.kind is FieldKind.TICK:
            return "on" if row.ticked("field") else ""
        return row.value("field")

    def _draw_link(self) -> None:
        document, values = self._document, self._values()
        built = guest_link(values)
        self._address = self._browser.page_address() + built.address
        document.text("single-link", self._address)
        document.attribute("open-link", "href", built.address)
        document.text("link-notices", " ".join(notice.text for notice in built.notices))
        document.text("copy-text", "Copy the link")
        what = values["record"]
        self._rows["kbps"].enable("field", what in ("video", "opus"))

    async def _on_copy(self) -> None:
        try:
            await self._browser.copy(self._address)
        except RolltapeError:
            self._document.notify(NO_COPY)
        else:
            self._document.text("copy-text", "Copied")
            self._document.say("The link is copied.")

    def _on_host_key(self) -> None:
        """Remember it on this machine: it is entered once."""
        self._browser.keep(HOST_KEY, self._document.value("host-key").strip())

    def _on_make_room(self) -> None:
        name, host_key = self._document.value("room-name"), self._document.value("host-key").strip()
        built = room_link(name, new_secret(), self._values())
        if built is not None and host_key:
            built = room_link(name, hosted_key(host_key, built.settings.room or ""), self._values())
        if built is None:
            self._document.notify(NAMELESS)
        else:
            self._browser.go(built.address)
