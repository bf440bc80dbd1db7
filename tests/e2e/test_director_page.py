"""What only the director's page does, in a real browser; its guests are simulated, so twenty of them are few."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from playwright.sync_api import Locator, Playwright, ViewportSize, expect

from rolltape.recording.take import TakeState
from rolltape.room.messages import CommandKind
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import parse_link
from room_guests import SimulatedGuest, finished_take, simulated_guests
from rooms import RoomScene, Visitor, opened_room

TOLD_WITHIN_S = 1.0
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1440, "height": 900}


@dataclass
class Room:
    """A director's page, and a way to make guests for it."""

    scene: RoomScene
    director: Visitor
    make: Callable[[str, str], SimulatedGuest]

    def guest(self, label: str) -> SimulatedGuest:
        """A guest who comes by the link on the page; waits until their card says so."""
        guest = self.make(self.director.id("guest-link").input_value(), label).come()
        expect(self.card(label)).to_have_attribute("data-state", "idle")
        return guest

    def card(self, label: str) -> Locator:
        """The card of a guest."""
        return self.director.guest(label)


@pytest.fixture(scope="module")
def opened(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RoomScene]:
    with opened_room(playwright, settings, fake_media, tmp_path_factory.mktemp("room")) as scene:
        yield scene


@pytest.fixture(scope="module")
def director(opened: RoomScene) -> Visitor:
    return opened.director(opened.server.links()["Director"])


@pytest.fixture
def room(opened: RoomScene, director: Visitor) -> Iterator[Room]:
    """The page without guests; those of a test are gone after it."""
    with simulated_guests() as make:
        made: list[SimulatedGuest] = []

        def noted(link: str, label: str) -> SimulatedGuest:
            made.append(make(link, label))
            return made[-1]

        room = Room(opened, director, noted)
        yield room
        for guest in made:
            guest.leave()
    _take_all_off(director)


def unfold(card: Locator) -> None:
    """Show what a card has under “More”."""
    if not card.get_by_test_id("remove").is_visible():
        card.get_by_test_id("more").click()


def _take_all_off(director: Visitor) -> None:
    """Every card is offline now: take them off the page."""
    cards = director.id("guest")
    expect(director.page.locator("[data-testid=guest]:not([data-state=offline])")).to_have_count(0)
    for left in range(cards.count(), 0, -1):
        unfold(cards.first)
        cards.first.get_by_test_id("remove").click()
        expect(cards).to_have_count(left - 1)


def test_the_empty_page_says_what_to_do_and_the_link_lets_guests_in(room: Room) -> None:
    expect(room.director.id("no-guests")).to_contain_text("Copy the link above")
    link = room.director.id("guest-link").input_value()
    settings = parse_link(link.partition("#")[0]).settings

    assert link.startswith(f"{room.scene.server.address}/?room=")
    assert settings.record.kbps == 6000
    assert read_fragment(link.partition("#")[2]).invite
    assert "key=" not in link
    room.guest("Ada")
    expect(room.director.id("no-guests")).to_be_hidden()
    expect(room.card("Ada").get_by_test_id("guest-warnings")).not_to_contain_text("without an invitation")


def test_the_link_is_copied_and_drawn_as_a_code(room: Room) -> None:
    page = room.director.page
    room.director.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if room.director.id("invite").get_attribute("open") is None:
        room.director.id("invite").locator("summary").first.click()

    room.director.id("copy-guest-link").click()
    expect(room.director.id("guest-link-copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == room.director.id("guest-link").input_value()

    room.director.id("qr-button").click()
    expect(room.director.id("qr")).to_be_visible()
    expect(room.director.id("qr-path")).to_have_attribute("d", re.compile(r"^M4 4h7v1h-7z"))
    room.director.id("qr-button").click()
    expect(room.director.id("qr")).to_be_hidden()


@pytest.mark.clock
def test_starts_stops_and_failures_are_told_within_a_second_and_only_once(room: Room) -> None:
    guest = room.guest("Ada")
    told = []
    for changes, sentence in (
        ({"state": TakeState.RECORDING, "take_id": "1", "bytes": 1}, "Ada is being recorded."),
        ({"state": TakeState.IDLE}, "Ada's recording is finished."),
        ({"state": TakeState.RECORDING, "take_id": "2", "bytes": 1}, "Ada is being recorded."),
        (
            {"state": TakeState.IDLE, "failed": True, "warning": "The disk is full."},
            "Ada's recording has failed.",
        ),
    ):
        shown = room.director.id("notice").filter(has_text=sentence)
        before = shown.count()
        guest.say(**changes)
        said = time.monotonic()
        guest.say(**changes)  # a message that comes twice
        expect(shown).to_have_count(before + 1)
        told.append(time.monotonic() - said)

    print(f"told after {max(told) * 1000:.0f} ms at most")
    assert max(told) < TOLD_WITHIN_S


def test_a_command_shows_no_hope_and_a_refusal_shows_its_reason(room: Room) -> None:
    guest = room.guest("Ada")
    guest.obedient = False
    card = room.card("Ada")

    card.get_by_test_id("start").click()
    expect(card.get_by_test_id("pending")).to_have_text("asked to start …")
    expect(card.get_by_test_id("start")).to_be_disabled()
    expect(card).to_have_attribute("data-state", "idle")
    expect(card.get_by_test_id("error")).to_have_text("The guest's page has not answered.")
    guest.obedient, guest.refusal = True, "Another program holds the camera."
    card.get_by_test_id("start").click()
    expect(card.get_by_test_id("error")).to_have_text("Another program holds the camera.")
    guest.refusal = ""
    card.get_by_test_id("start").click()
    expect(card).to_have_attribute("data-state", "recording")
    expect(card.get_by_test_id("error")).to_have_text("")


def test_orders_go_out_as_they_were_chosen(room: Room) -> None:
    ada, bob = room.guest("Ada"), room.guest("Bob")
    unfold(room.card("Bob"))
    room.card("Bob").get_by_test_id("own-format").select_option("sound-pcm")
    room.director.id("all-bitrate").fill("2500")
    room.director.id("all-format").select_option("h264")

    room.director.id("start-all").click()
    for label in ("Ada", "Bob"):
        expect(room.card(label)).to_have_attribute("data-state", "recording")
    room.director.id("stop-all").click()
    for label in ("Ada", "Bob"):
        expect(room.card(label)).to_have_attribute("data-state", "idle")
    orders = [guest.commands[0].order for guest in (ada, bob)]
    room.director.id("all-bitrate").fill("fast")
    room.card("Ada").get_by_test_id("start").click()
    expect(room.director.id("notice").filter(has_text="“fast” is not a whole number")).to_be_visible()
    room.director.id("all-bitrate").fill("6000")

    assert [one and (one.wish.kbps, one.codec.video, one.codec.pcm) for one in orders] == [
        (2500, "h264", False),
        (0, None, True),
    ]
    assert [one.kind for one in ada.commands] == [CommandKind.START, CommandKind.STOP]


def test_a_guest_who_falls_silent_or_goes_away_is_shown_as_such(room: Room) -> None:
    guest = room.guest("Ada")
    card = room.card("Ada")
    guest.say(state=TakeState.RECORDING, elapsed_ms=5000)

    expect(card.get_by_test_id("elapsed")).to_have_text("0:06")  # runs on for a moment, and no further
    expect(card.get_by_test_id("guest-warnings")).to_contain_text("nothing heard for 4 s")
    expect(card.get_by_test_id("elapsed")).to_have_text("0:06")
    guest.leave()
    expect(card).to_have_attribute("data-state", "offline")
    expect(card.get_by_test_id("stop")).to_be_disabled()
    told = room.director.id("notice").filter(has_text="Ada's connection is gone. Their recording goes on")
    expect(told.first).to_be_visible()
    guest.come()
    expect(card).to_have_attribute("data-state", "recording")


def test_a_guest_is_renamed_and_removed(room: Room) -> None:
    room.guest("Ada")
    unfold(room.card("Ada"))
    room.card("Ada").get_by_test_id("new-name").fill("Zoë <b>")
    room.card("Ada").get_by_test_id("new-name").press("Enter")
    card = room.director.id("guest").first
    expect(card.get_by_test_id("guest-name")).to_have_text("Zoë <b>")  # text, never markup

    card.get_by_test_id("remove").click()
    expect(card.get_by_test_id("remove")).to_have_text("Really remove?")
    card.get_by_test_id("remove").click()

    expect(room.director.id("guest")).to_have_count(0)


def test_the_session_file_lines_up_what_guests_report(room: Room, tmp_path: Path) -> None:
    ada, bob = room.guest("Ada"), room.guest("Bob")
    now_ms = round(time.time() * 1000)
    ada.report(finished_take("Ada", now_ms))
    bob.report(finished_take("Bob", now_ms + 2500))
    expect(room.director.id("session-count")).to_have_text("2 finished recordings line up in it.")
    room.director.page.reload()
    room.director.wait_ready("director")

    saved = {}
    for name in ("session-json", "session-otio"):
        with room.director.page.expect_download() as download:
            room.director.id(name).click()
        saved[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[name])
    room.director.id("session-forget").click()
    expect(room.director.id("session-forget")).to_have_text("Really forget these?")
    room.director.id("session-forget").click()
    expect(room.director.id("session-json")).to_be_disabled()

    plain = json.loads(saved["session-json"].read_text())
    offsets = {one["guest"]: one["parts"][0]["offset_ms"] for one in plain["takes"]}
    timeline = otio.adapters.read_from_file(str(saved["session-otio"]))
    assert offsets == {"Ada": 0, "Bob": 2500}
    assert sorted((track.name, track.kind) for track in timeline.tracks) == [
        ("Ada", "Audio"),
        ("Ada", "Video"),
        ("Bob", "Audio"),
        ("Bob", "Video"),
    ]


def test_starting_and_stopping_moves_no_card_and_keeps_the_keyboards_place(room: Room) -> None:
    room.director.page.set_viewport_size(DESK)
    room.guest("Ada")
    card, keyboard = room.card("Ada"), room.director.page.keyboard
    expect(card).to_have_attribute("data-state", "idle")
    before = card.bounding_box()
    assert before is not None
    card.get_by_test_id("start").focus()

    for button, other, state in (("start", "stop", "recording"), ("stop", "start", "idle")):
        expect(card.get_by_test_id(button)).to_be_focused()
        keyboard.press("Space")
        expect(card).to_have_attribute("data-state", state)
        expect(card.get_by_test_id(other)).to_be_focused()
        after = card.bounding_box()
        assert after is not None and after["y"] == before["y"]


def test_twenty_guests_are_on_one_screen_and_on_a_phone(room: Room, tmp_path: Path) -> None:
    page = room.director.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    guests = [room.guest(f"Guest{number:02d}") for number in range(20)]
    room.director.id("start-all").click()
    expect(page.locator("[data-testid=guest][data-state=recording]")).to_have_count(20)
    for guest in guests:
        guest.tick(True)
    expect(room.director.id("tally")).to_contain_text("20 of 20")

    last = room.director.id("guest").nth(19).bounding_box()
    assert last is not None and last["y"] + last["height"] <= 1080
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.set_viewport_size(DESK)
    room.director.id("stop-all").click()
    expect(page.locator("[data-testid=guest][data-state=idle]")).to_have_count(20)


def test_another_key_is_refused_in_words_and_does_not_replace_the_kept_one(room: Room) -> None:
    own = room.director.page.url
    other = room.scene.visitor().open(own.split("#")[0] + "#key=AAAAAAAAAAAAAAAAAAAAAA", "director")

    expect(other.id("refused-reason")).to_contain_text("Somebody else opened this room")
    expect(other.id("director-controls")).to_be_hidden()
    assert [said for said in other.complaints if "403" not in said] == []
    room.scene.visitors.remove(other)  # the browser itself complains of the answer 403
    other.context.close()
    page = room.director.context.new_page()
    page.goto(own.split("#")[0])
    expect(page.get_by_test_id("guest-link")).to_have_value(re.compile("#invite="), timeout=60_000)
    assert page.url == own
    page.close()
