"""Who comes to a room late, anew, under a name of their own or with another key; and who goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Playwright, expect

from e2e.test_no_media import SILENT
from rolltape.room.messages import VERSION
from room_guests import simulated_guests
from rooms import RoomScene, Visitor, opened_room
from server.visitors import post

SMALL = "width=320&height=180&fps=15&recordcodec=vp8"


@dataclass
class Room:
    """A director and one guest: a page that starts beside more of them waits for its turn."""

    scene: RoomScene
    director: Visitor
    ada: Visitor

    def row(self, label: str) -> Locator:
        """The director's row of a guest."""
        return self.director.guest(label)


@pytest.fixture(scope="module")
def opened(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    with opened_room(playwright, settings, fake_media, folder, ["--no-takes"]) as scene:
        director = scene.director(scene.server.links()["Director"])
        yield Room(scene, director, scene.guest(f"record=800&label=Ada&{SMALL}"))


@pytest.fixture
def room(opened: Room) -> Room:
    """The same room for all tests of this module, with nothing being recorded."""
    expect(opened.row("Ada")).to_have_attribute("data-state", "idle")
    return opened


def test_a_director_who_reloads_or_comes_late_sees_what_is_true(room: Room) -> None:
    with simulated_guests() as make:
        make(room.scene.guest_link, "Bob").come()
        room.row("Ada").get_by_test_id("start").click()
        expect(room.row("Ada")).to_have_attribute("data-state", "recording")

        room.director.page.reload()
        room.director.wait_ready("director")
        expect(room.row("Ada")).to_have_attribute("data-state", "recording")
        expect(room.row("Bob")).to_have_attribute("data-state", "idle")
        expect(room.row("Ada").get_by_test_id("bytes")).not_to_have_attribute("value", "0")
        late = room.scene.visitor().open(room.director.page.url, "director")
        expect(late.guest("Ada")).to_have_attribute("data-state", "recording")
        late.guest("Ada").get_by_test_id("stop").click()
        expect(room.row("Ada")).to_have_attribute("data-state", "idle")
        late.context.close()


def test_somebody_else_cannot_direct_this_room(room: Room) -> None:
    own = room.director.page.url
    thief = room.scene.visitor()
    thief.page.goto(own.split("#")[0] + "#key=AAAAAAAAAAAAAAAAAAAAAA")

    expect(thief.id("notice").filter(has_text="opened")).to_be_visible(timeout=60_000)
    expect(thief.id("guest")).to_have_count(0)
    assert all("403" in said for said in thief.complaints)
    thief.complaints.clear()
    thief.context.close()


def test_a_director_is_back_after_a_restart_though_a_stranger_was_first(
    playwright: Playwright, settings: dict[str, Any], fake_media: tuple[str, str], tmp_path: Path
) -> None:
    with opened_room(playwright, settings, fake_media, tmp_path, ["--no-takes"]) as scene:
        director = scene.director(scene.server.links()["Director"])
        director.context.set_offline(True)
        scene.server.stop()
        expect(director.id("where")).to_contain_text("connection lost")
        scene.server.start()
        name = urlsplit(director.page.url).query.partition("director=")[2].partition("&")[0]
        stranger = {"v": VERSION, "room": name, "role": "director", "secret": "s" * 22, "key": "o" * 22}
        assert post(f"{scene.server.address}/api/join", stranger)[0] == 200

        director.context.set_offline(False)

        expect(director.id("where")).to_contain_text(": connected", timeout=30_000)
        expect(director.id("start-all")).to_be_visible()
        assert post(f"{scene.server.address}/api/join", stranger)[0] == 403
        director.complaints = [said for said in director.complaints if "ERR_FAILED" not in said]  # no network


def test_a_guest_who_reloads_while_recording_is_told_as_cut_off_and_the_recording_counts(room: Room) -> None:
    news = room.director.id("notice").filter(has_text="Ada")
    cut_off = room.director.page.locator("#notices").get_by_text("that recording has ended")
    counted = room.director.id("session-count")
    before = counted.inner_text()
    finished = news.filter(has_text="recording is finished")
    count = finished.count()
    room.row("Ada").get_by_test_id("start").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording", timeout=30_000)
    expect(room.row("Ada").get_by_test_id("bytes")).not_to_have_attribute("value", "0", timeout=30_000)

    room.ada.page.on("dialog", lambda dialog: dialog.accept())
    room.ada.page.reload()

    expect(cut_off.first).to_be_visible(timeout=30_000)
    expect(finished).to_have_count(count)
    expect(news.filter(has_text="is back; it counts in the session file")).to_have_count(1, timeout=60_000)
    expect(counted).not_to_have_text(before)
    expect(room.row("Ada")).to_have_attribute("data-state", "idle", timeout=30_000)


def test_of_a_guest_whose_browser_delivers_nothing_the_director_reads_that_it_has_failed(room: Room) -> None:
    counted = room.director.id("session-count").inner_text()
    silent = room.scene.visitor()
    silent.page.add_init_script(SILENT % "/./")
    silent.open(room.scene.link("record=-128&label=Silent"), "guest")
    silent.id("join").click()
    expect(room.row("Silent")).to_have_attribute("data-state", "idle")
    notices = room.director.page.locator("#notices")

    formats = room.director.id("all-format")
    formats.select_option(label="sound only, Opus")  # of which there are few to be tried
    room.row("Silent").get_by_test_id("start").click()

    expect(notices.get_by_text("Silent's recording has failed")).to_be_visible(timeout=60_000)
    expect(room.row("Silent")).to_have_attribute("data-state", "idle")
    expect(notices.get_by_text("Silent's recording is finished")).to_have_count(0)
    expect(notices.get_by_text("Silent is being recorded")).to_have_count(0)
    expect(room.director.id("session-count")).to_have_text(counted)
    formats.select_option(index=0)
    silent.context.close()


def test_a_guest_who_closes_the_page_is_shown_as_offline(room: Room) -> None:
    dee = room.scene.guest(f"label=Dee&{SMALL}")
    expect(room.row("Dee")).to_have_attribute("data-state", "idle")

    dee.context.close()

    expect(room.row("Dee")).to_have_attribute("data-state", "offline")


def test_a_guest_whose_link_names_nobody_gives_their_name_and_their_file_has_it(room: Room) -> None:
    guest = room.scene.guest(f"record=800&{SMALL}")
    expect(guest.id("record")).to_be_enabled()
    expect(room.row("Guest")).to_have_attribute("data-state", "idle")

    guest.id("your-name").fill("Dea")
    expect(guest.id("your-name")).to_have_value("Dea")
    guest.id("record").click()
    expect(room.row("Dea")).to_have_attribute("data-state", "recording")
    guest.id("record").click()

    expect(guest.id("take")).to_have_attribute("data-state", "finished")
    expect(guest.id("take")).to_contain_text("Dea_")
    guest.page.reload()
    guest.wait_ready("guest")
    expect(guest.id("your-name")).to_have_value("Dea")
    expect(room.ada.id("name-field")).to_be_hidden()
    guest.context.close()
