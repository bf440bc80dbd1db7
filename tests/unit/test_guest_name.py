"""What a guest is called, and for how long."""

from __future__ import annotations

from typing import cast

import pytest

from page_fakes import FakeDocument, FakeRoomBrowser
from rolltape.pages.guest.name import GuestName
from rolltape.pages.interfaces import Browser


class Visit:
    """One opening of the page."""

    def __init__(
        self, browser: FakeRoomBrowser, label: str | None = None, room: str | None = "studio"
    ) -> None:
        self.document = FakeDocument()
        self.name = GuestName(label, room, self.document, cast(Browser, browser))
        self.name.nameless = lambda: "Guest 7"
        self.name.open(lambda: None)

    def type(self, text: str) -> None:
        self.document.fill("your-name", text)
        self.document.handlers["your-name", "input"]()


@pytest.fixture
def browser() -> FakeRoomBrowser:
    return FakeRoomBrowser()


def test_who_the_link_names_is_not_asked(browser: FakeRoomBrowser) -> None:
    visit = Visit(browser, "Ada")

    assert visit.name.label == "Ada"
    assert visit.document.shown["name-field"] is False


def test_who_nobody_names_is_asked_and_remembered(browser: FakeRoomBrowser) -> None:
    visit = Visit(browser)
    assert (visit.name.label, visit.document.shown["name-field"]) == ("Guest 7", True)

    visit.type("Dea\n<b>")

    assert visit.name.label == "Dea <b>"
    later = Visit(browser, room="another")
    assert (later.name.label, later.document.value("your-name")) == ("Dea <b>", "Dea <b>")


@pytest.mark.parametrize("label", [None, "Ada"])
def test_a_directors_name_lasts_over_a_reload_and_in_this_room_only(
    browser: FakeRoomBrowser, label: str | None
) -> None:
    Visit(browser, label).name.rename("Zoë")

    again = Visit(browser, label)
    assert (again.name.label, again.document.value("your-name")) == ("Zoë", "Zoë")
    assert Visit(browser, label, "another").name.label == (label or "Guest 7")


def test_a_guest_has_the_last_word(browser: FakeRoomBrowser) -> None:
    visit = Visit(browser)
    visit.name.rename("Zoë")

    visit.type("Dea")

    assert visit.name.label == Visit(browser).name.label == "Dea"
