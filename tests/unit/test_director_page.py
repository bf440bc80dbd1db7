"""The director's page: who it is, what it asks, what it shows, what it saves."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, cast

import pytest

from fakes import FakeDownloads
from page_fakes import FakeDocument, FakeRoomBrowser, FakeView, uid_for
from rolltape.core.errors import Unsupported
from rolltape.core.notice import Level
from rolltape.pages.director.page import DirectorPage
from rolltape.recording.take import Part, ShelfState, Take, TakeState
from rolltape.room.client import JoinReply, JoinRequest, RoomClient
from rolltape.room.messages import (
    Answer,
    Away,
    Command,
    CommandKind,
    Door,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    TakeReport,
    Welcome,
)
from rolltape.room.report_pieces import reports_of
from rolltape.room.wire import decode, encode, kind_of
from rolltape.settings.bitrate import wish_for
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order

ADA = Member("ada", Role.GUEST, "Ada")
IDLE = GuestState("Ada", can_record=True)
RECORDING = replace(IDLE, state=TakeState.RECORDING, can_record=False, take_id="1", elapsed_ms=5000, bytes=9)


class Browser(FakeRoomBrowser):
    """What a director's page asks of the browser, kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.disk: dict[str, str] = {}
        self.fragment = ""
        self.copied: list[str] = []
        self.saved: list[tuple[str, str]] = []
        self.tones: list[float] = []
        self.can_copy = True

    def keep(self, name: str, value: str) -> None:
        self.disk[name] = value
        if not value:
            del self.disk[name]

    def kept(self, name: str) -> str:
        return self.disk.get(name, "")

    def page_address(self) -> str:
        return "https://rolltape.example/"

    def set_fragment(self, fragment: str) -> None:
        self.fragment = fragment

    async def copy(self, text: str) -> None:
        if not self.can_copy:
            raise Unsupported("The browser does not allow it.")
        self.copied.append(text)

    async def load_library(self, name: str) -> None:
        return

    def save_text(self, name: str, text: str, content_type: str) -> None:
        self.saved.append((name, text))

    def beep(self, hertz: float) -> None:
        self.tones.append(hertz)

    def utc_offset_minutes(self) -> int:
        return 60

    def can_choose_folder(self) -> bool:
        return False

    async def store(self) -> Any:
        raise Unsupported("No storage here.")

    async def downloads(self) -> Any:
        raise Unsupported("No downloads here.")

    def downloads_at_end(self) -> FakeDownloads:
        return FakeDownloads()

    async def running(self) -> Collection[str]:
        return frozenset(self.held)


class Scene:
    """A director's page in a room whose server is the test."""

    def __init__(
        self,
        link: str = "/?director=studio&label=Bo#key=kkkkkkkkkkkkkkkkkkkkkk",
        disk: dict[str, str] | None = None,
    ) -> None:
        self.document = FakeDocument()
        self.browser = Browser()
        self.browser.disk.update(disk or {})
        self.page = DirectorPage(parse_link(link), self.document, cast(Any, self.browser))

    async def come_in(self, *members: Member) -> None:
        self.document.spawn(self.page.open())
        await self.settle()
        self.client.joined(JoinReply("token", uid_for(self.request), "key-1", "INVITE"))
        self.hear(Welcome(uid_for(self.request), "key-1", members))
        await self.settle()

    async def with_ada(self, state: GuestState = IDLE) -> None:
        await self.come_in(ADA)
        self.ada.values["own-format"] = "all"  # as the template has it
        self.hear(state)

    @property
    def request(self) -> JoinRequest:
        assert self.browser.line.request is not None
        return self.browser.line.request

    @property
    def client(self) -> RoomClient:
        assert self.browser.line.client is not None
        return self.browser.line.client

    @property
    def ada(self) -> FakeView:
        return self.document.lists["guests"]["ada"]

    @property
    def news(self) -> list[str]:
        rows = self.document.lists.get("news", {})
        return [row.texts[""][9:] for row in rows.values()]

    def hear(self, message: Message, uid: str = "ada") -> None:
        self.client.received(kind_of(message), encode(message, Sender(uid, Role.GUEST, "key-1")))

    def press(self, name: str, uid: str = "ada") -> None:
        result = self.document.lists["guests"][uid].handlers[name, "click"]()
        if result is not None:
            self.document.spawn(result)

    def commands(self) -> list[Command]:
        said = [decode(kind, text) for kind, text in self.browser.line.said if kind == "command"]
        return [one for one in said if isinstance(one, Command)]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def played(story: Callable[[Scene], Awaitable[None]], scene: Scene | None = None) -> Scene:
    """Run a test's story in a loop of its own; tasks that go on for ever end with it."""

    async def run() -> Scene:
        made = scene or Scene()
        await story(made)
        return made

    return asyncio.run(run())


# Opening the room.


def test_the_key_of_the_address_opens_the_room_and_is_kept_once_it_has() -> None:
    async def story(scene: Scene) -> None:
        scene.document.spawn(scene.page.open())
        await scene.settle()
        assert scene.request.key == "k" * 22
        assert scene.browser.disk == {}

        scene.hear(Welcome(uid_for(scene.request), "key-1"))
        assert scene.browser.disk == {"key-studio": "k" * 22}

    played(story)


def test_another_key_in_a_link_is_asked_about_and_never_replaces_the_kept_one() -> None:
    async def story(scene: Scene) -> None:
        scene.browser.disk["key-studio"] = "m" * 22
        scene.document.spawn(scene.page.open())
        await scene.settle()
        assert scene.browser.line.request is None  # nothing is said to a server before
        assert scene.document.shown["key-choice"] and not scene.document.shown["director-controls"]

        scene.document.press("link-key")
        await scene.settle()
        assert scene.request.key == "k" * 22
        assert scene.request.invite == ""
        scene.hear(Welcome(uid_for(scene.request), "key-1"))
        assert scene.browser.disk["key-studio"] == "m" * 22

        reloaded = Scene(disk=scene.browser.disk)
        reloaded.browser.memory = dict(scene.browser.memory)
        await reloaded.come_in()
        assert reloaded.request.key == "k" * 22

    played(story)


def test_the_kept_key_can_be_chosen_over_a_links() -> None:
    async def story(scene: Scene) -> None:
        scene.browser.disk["key-studio"] = "m" * 22
        scene.document.spawn(scene.page.open())
        await scene.settle()
        scene.document.press("own-key")
        await scene.settle()

        assert scene.request.key == "m" * 22
        assert scene.browser.fragment == "#key=" + "m" * 22
        assert scene.document.shown["director-controls"] and not scene.document.shown["key-choice"]

    played(story)


def test_what_shows_that_the_room_was_directed_from_here_is_brought_along() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        assert scene.request.invite == ""
        reloaded = Scene(disk=scene.browser.disk)
        await reloaded.come_in()

        assert reloaded.request.invite == "INVITE"

    played(story)


def test_without_a_key_the_kept_one_is_used_and_put_into_the_address() -> None:
    async def story(scene: Scene) -> None:
        scene.browser.disk["key-studio"] = "m" * 22
        await scene.come_in()

        assert scene.request.key == "m" * 22
        assert scene.browser.fragment == "#key=" + "m" * 22

    played(story, Scene("/?director=Studio"))


def test_without_any_key_a_new_one_is_made() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()

        assert len(scene.request.key) == 22
        assert scene.browser.fragment == f"#key={scene.request.key}"

    played(story, Scene("/?director=studio"))


def test_a_refused_director_reads_why_and_has_no_buttons_and_the_key_is_not_kept() -> None:
    async def story(scene: Scene) -> None:
        scene.browser.disk["key-studio"] = "m" * 22
        scene.document.spawn(scene.page.open())
        await scene.settle()
        scene.document.press("link-key")
        await scene.settle()
        scene.client.closed("Somebody else opened this room.")

        assert scene.document.texts["refused-reason"] == "Somebody else opened this room."
        assert scene.document.shown["refused"] and not scene.document.shown["director-controls"]
        assert scene.browser.disk["key-studio"] == "m" * 22
        assert scene.browser.fragment == "#key=" + "m" * 22  # the one that may be right, for a reload
        assert scene.document.texts["refused-help"] == (
            "This machine keeps another key for this room, and it is in the address now: reload to try it."
        )

    played(story)


def test_a_director_whose_room_somebody_else_has_reads_that_the_page_goes_on_trying() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.page.room_refused("Somebody else directs it at the moment.")

        assert scene.document.texts["refused-reason"] == "Somebody else directs it at the moment."
        assert (
            scene.document.texts["refused-help"]
            == "This page has directed the room before, so it goes on trying."
        )
        assert scene.document.shown["refused"]

    played(story)


def test_a_reload_is_the_same_director_and_a_duplicated_tab_another() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        reloaded, duplicate = Scene(), Scene()
        reloaded.browser.memory = dict(scene.browser.memory)
        duplicate.browser.memory = dict(scene.browser.memory)
        duplicate.browser.held = set(scene.browser.held)
        await reloaded.come_in()
        await duplicate.come_in()

        assert (uid_for(reloaded.request), reloaded.request.secret) == (
            uid_for(scene.request),
            scene.request.secret,
        )
        assert uid_for(duplicate.request) != uid_for(scene.request)
        assert duplicate.request.secret != scene.request.secret

    played(story)


# Links.


def test_the_guests_link_carries_the_options_of_the_directors_and_the_invitation() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()

        link = scene.document.values["guest-link"]
        settings = parse_link(link).settings
        assert (settings.room, settings.record.kbps, settings.video_codec) == (
            "studio",
            4000,
            VideoCodec.H264,
        )
        assert (settings.label, settings.stream_id, settings.director) == (None, None, None)
        assert read_fragment(link.partition("#")[2]).invite == "INVITE"
        assert "key" not in link

    played(story, Scene("/?director=studio&record=4000&recordcodec=h264&label=Bo&push=me#key=" + "k" * 22))


def test_guests_get_a_button_at_6000_unless_the_director_says_otherwise() -> None:
    def link(address: str) -> str:
        async def story(scene: Scene) -> None:
            await scene.come_in()

        return played(story, Scene(address)).document.values["guest-link"].partition("#")[0]

    assert link("/?director=studio") == "https://rolltape.example/?room=studio&record=6000"
    assert link("/?director=studio&record=off") == "https://rolltape.example/?room=studio&record=false"
    assert link("/?director=studio&record") == "https://rolltape.example/?room=studio&record"


def test_the_co_directors_link_has_the_key_and_not_the_name() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        link = scene.document.values["director-link"]

        assert link == "https://rolltape.example/?director=studio#key=" + "k" * 22

    played(story)


@pytest.mark.parametrize("can_copy", [True, False])
def test_copying_says_whether_it_worked(can_copy: bool) -> None:
    async def story(scene: Scene) -> None:
        scene.browser.can_copy = can_copy
        await scene.come_in()
        scene.document.press("copy-guest-link")
        await scene.settle()

        said = scene.document.texts["guest-link-copied"]
        assert said == (
            "Copied."
            if can_copy
            else "This browser did not let it be copied: press on the link and copy it yourself."
        )
        assert scene.browser.copied == ([scene.document.values["guest-link"]] if can_copy else [])

    played(story)


def test_the_qr_code_is_shown_and_put_away() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.document.press("qr-button")
        await scene.settle()
        assert scene.document.shown["qr-place"]
        assert scene.document.attributes["qr-path", "d"].startswith("M4 4h7")

        scene.document.press("qr-button")
        await scene.settle()
        assert not scene.document.shown["qr-place"]

    played(story)


# Guests.


def test_a_guest_is_shown_as_they_are() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada(RECORDING)

        assert scene.ada.attributes["", "data-state"] == "recording"
        assert scene.ada.texts["elapsed"] == "0:05"
        assert scene.ada.attributes["bytes", "value"] == "9"
        assert scene.document.texts["tally-text"] == "Recording: 1 of 1 guests"
        assert scene.ada.shown["stop"] and not scene.ada.shown["start"]

        scene.hear(Away("ada"))
        assert scene.ada.attributes["", "data-state"] == "offline"
        assert not scene.ada.enabled["stop"]

    played(story)


def test_without_a_connection_of_its_own_the_page_claims_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada(RECORDING)
        scene.client.disconnected()

        assert scene.ada.attributes["", "data-state"] == "offline"
        assert "this page has no connection" in scene.ada.texts["guest-warnings"]
        assert scene.ada.attributes["start", "title"] == "There is no connection to this guest right now."
        assert scene.document.texts["where"] == "Room studio: connection lost, trying again"

    played(story)


def test_a_silent_guest_is_called_silent() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada(RECORDING)
        scene.browser.ms += 4000
        scene.page._cards.draw()

        assert "nothing heard for 4 s" in scene.ada.texts["guest-warnings"]
        assert scene.ada.texts["elapsed"] == "0:06"

    played(story)


def test_starting_asks_with_the_order_for_all_and_shows_no_hope() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.document.values |= {"all-bitrate": "2500", "all-format": "h264"}
        scene.press("start")
        await scene.settle()

        [command] = scene.commands()
        assert command.kind is CommandKind.START
        assert (command.to, command.by) == ("ada", "Bo")
        assert command.order == Order(wish_for(2500), CodecWish(VideoCodec.H264))
        assert scene.ada.attributes["", "data-state"] == "idle"
        assert not scene.ada.enabled["start"]
        assert scene.ada.texts["pending"] == "asked to start …"

        scene.hear(Answer(uid_for(scene.request), command.id, True))
        scene.hear(RECORDING)
        assert scene.ada.texts["pending"] == ""

    played(story)


def test_a_guests_own_fields_go_before_those_for_all() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.document.values |= {"all-bitrate": "2500", "all-format": "h264"}
        scene.ada.values |= {"own-bitrate": "", "own-format": "sound-pcm"}
        scene.press("start")
        await scene.settle()

        assert scene.commands()[0].order == Order(wish_for(0), CodecWish(pcm=True))

    played(story)


def test_a_bitrate_that_is_none_asks_nobody_and_is_told() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.document.values["all-bitrate"] = "fast"
        scene.document.press("start-all")
        await scene.settle()

        assert "“fast”" in scene.document.notices[-1].text
        assert scene.commands() == []
        assert scene.ada.enabled["start"]

    played(story)


def test_all_are_asked_who_may_be_asked() -> None:
    async def story(scene: Scene) -> None:
        bob, cyd = Member("bob", Role.GUEST, "Bob"), Member("cyd", Role.GUEST, "Cyd")
        await scene.come_in(ADA, bob, cyd)
        scene.hear(IDLE)
        scene.hear(replace(IDLE, label="Bob"), "bob")
        scene.hear(GuestState("Cyd", refusal="This guest's link does not allow recording."), "cyd")
        scene.document.press("start-all")
        await scene.settle()

        assert {one.to for one in scene.commands()} == {"ada", "bob"}
        assert "does not allow" in scene.document.lists["guests"]["cyd"].texts["error"]

    played(story)


def test_pause_all_pauses_who_records_and_then_goes_on() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada(RECORDING)
        scene.document.press("pause-all")
        await scene.settle()
        scene.hear(replace(RECORDING, state=TakeState.PAUSED))
        assert scene.document.texts["pause-all"] == "Go on, all"
        scene.document.press("pause-all")
        await scene.settle()

        assert [one.kind for one in scene.commands()] == [CommandKind.PAUSE, CommandKind.RESUME]

    played(story)


def test_a_refusal_is_shown_with_its_reason() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.press("start")
        await scene.settle()
        scene.hear(Answer(uid_for(scene.request), scene.commands()[0].id, False, "No camera."))

        assert scene.ada.texts["error"] == "No camera."
        assert scene.news[0] == "Ada did not start. No camera."
        scene.press("start")
        await scene.settle()
        scene.hear(Answer(uid_for(scene.request), scene.commands()[-1].id, False, ""))
        assert scene.ada.texts["error"] == "The guest's page refused."

    played(story)


def test_a_command_that_was_not_handed_on_is_shown_as_such() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.browser.line.refuse = "Too many messages; wait a moment."
        scene.press("start")
        await scene.settle()

        assert scene.ada.texts["error"] == "Too many messages; wait a moment."
        assert scene.ada.enabled["start"]

    played(story)


def test_renaming_and_removing_ask_the_guest() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.ada.values["new-name"] = " Zoë "
        scene.press("rename")
        await scene.settle()
        scene.press("remove")
        await scene.settle()
        assert [one.kind for one in scene.commands()] == [CommandKind.RENAME]  # asked twice before

        scene.ada.values["remove"] = "sure"
        scene.press("remove")
        await scene.settle()
        scene.hear(Left("ada"))

        assert [(one.kind, one.label) for one in scene.commands()] == [
            (CommandKind.RENAME, "Zoë"),
            (CommandKind.REMOVE, ""),
        ]
        assert scene.document.lists["guests"] == {}

    played(story)


def test_a_guest_who_is_gone_can_be_taken_off_the_page() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.hear(Left("ada"))
        assert scene.ada.texts["remove"] == "Take off this page"
        scene.press("remove")
        await scene.settle()

        assert scene.document.lists["guests"] == {}
        assert scene.commands() == []

    played(story)


def test_pictures_play_silently_until_the_director_listens() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        stream = object()
        scene.page.show_stream("ada", stream)
        assert (scene.ada.pictures["picture"], scene.ada.sounds["picture"]) == (stream, 0.0)

        scene.document.press("listen")
        assert scene.ada.sounds["picture"] == 1.0
        scene.ada.values["volume"] = "40"
        scene.ada.handlers["volume", "input"]()
        assert scene.ada.sounds["picture"] == 0.4
        scene.press("mute")
        assert scene.ada.sounds["picture"] == 0.0

    played(story)


# What is told.


def test_starts_and_ends_are_told_with_a_tone_and_failures_stand_on_top() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.hear(RECORDING)
        scene.browser.ms += 1000
        scene.hear(replace(IDLE, take_id="1", failed=True, warning="The disk is full."))

        assert scene.news == ["Ada is being recorded."]
        [failed] = [one for one in scene.document.notices if one.level is Level.ERROR]
        assert failed.text.endswith("Ada's recording has failed. The disk is full.")
        assert scene.browser.tones == [440.0, 880.0]

    played(story)


def test_twenty_starts_at_once_are_one_tone_and_no_tone_where_it_is_off() -> None:
    async def story(scene: Scene) -> None:
        guests = [Member(f"g{number}", Role.GUEST, f"G{number}") for number in range(20)]
        await scene.come_in(*guests)
        for guest in guests:
            scene.hear(replace(IDLE, label=guest.label), guest.uid)
        for guest in guests:
            scene.hear(replace(RECORDING, label=guest.label), guest.uid)
        assert len(scene.news) == 20
        assert len(scene.browser.tones) == 1

        scene.document.values["alarm-sound"] = "off"
        scene.document.handlers["alarm-sound", "change"]()
        scene.browser.ms += 5000
        scene.hear(replace(IDLE, take_id="1"), "g1")
        assert len(scene.browser.tones) == 1
        assert scene.browser.disk["alarm-sound"] == "off"

    played(story)


def test_coming_in_is_told_without_a_tone() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.hear(Joined(ADA))

        assert scene.news == ["Ada has come in."]
        assert scene.browser.tones == []

    played(story)


# The session file.


def test_a_recording_that_was_cut_off_and_came_back_is_told_once_and_counts_in_the_session() -> None:
    now_ms = round(time.time() * 1000)
    parts = (Part(1, "part1", 5, 1000, state=ShelfState.RECOVERED),)
    take = Take("1", 1, "Ada_take1", now_ms, label="Ada", parts=parts, state=TakeState.RECOVERED)

    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.hear(TakeReport(take))
        scene.hear(TakeReport(take))

        assert scene.news == ["Ada's recording Ada_take1 is back; it counts in the session file."]
        assert scene.document.enabled["session-json"]

    played(story)


def test_a_take_that_is_reported_in_pieces_counts_once_it_is_whole_after_a_reload_too() -> None:
    now_ms = round(time.time() * 1000)
    parts = tuple(Part(n, f"part{n}", 5_000_000, 60_000, reason="split") for n in range(1, 601))
    first, *others = reports_of(Take("1", 1, "Ada_take1", now_ms, label="Ada", parts=parts))

    async def story(scene: Scene) -> None:
        await scene.with_ada()
        scene.hear(first)
        assert not scene.document.enabled["session-json"]
        assert not Scene(disk=dict(scene.browser.disk)).document.enabled["session-json"]
        for piece in others:
            scene.hear(piece)
        assert scene.document.enabled["session-json"]

        reloaded = Scene(disk=scene.browser.disk)
        reloaded.document.press("session-json")
        [(_, text)] = reloaded.browser.saved
        assert len(json.loads(text)["takes"][0]["parts"]) == 600

    played(story)


def test_finished_takes_are_saved_as_a_session_after_a_reload_too() -> None:
    now_ms = round(time.time() * 1000)
    take = Take("1", 1, "Ada_take1", now_ms, label="Ada", parts=(Part(1, "part1", 5, 1000),))

    async def story(scene: Scene) -> None:
        await scene.with_ada()
        assert not scene.document.enabled["session-json"]
        scene.hear(TakeReport(take))
        scene.hear(TakeReport(take))
        assert scene.document.enabled["session-json"]

        reloaded = Scene(disk=scene.browser.disk)
        row = reloaded.document.lists["session-takes"]["ada 1"]
        row.tick("session-use", False)
        row.handlers["session-use", "change"]()
        assert not reloaded.document.enabled["session-json"]
        again = Scene(disk=reloaded.browser.disk)
        assert again.document.texts["session-count"] == "No recording of this session is finished yet."
        row.tick("session-use", True)
        row.handlers["session-use", "change"]()
        reloaded.document.press("session-json")
        reloaded.document.press("session-otio")

        [(name, text), (other, _)] = reloaded.browser.saved
        assert (name, other) == ("studio_session.json", "studio_session.otio")
        assert [one["guest"] for one in json.loads(text)["takes"]] == ["Ada"]

        assert (
            "studio_session.otio is going to your Downloads folder"
            in reloaded.document.texts["session-saved"]
        )
        reloaded.document.press("session-forget")
        assert reloaded.document.enabled["session-json"]
        assert reloaded.document.texts["session-forget"] == "Really forget these?"
        reloaded.document.handlers["session-forget", "blur"]()
        assert reloaded.document.texts["session-forget"] == "Begin a new session"
        reloaded.document.press("session-forget")
        reloaded.document.press("session-forget")
        assert not reloaded.document.enabled["session-json"]

    played(story)


def reported(id: str, label: str = "Ada", **more: Any) -> TakeReport:
    now_ms = round(time.time() * 1000)
    made = Take(id, 1, f"{label}_take{id}", now_ms, label=label, parts=(Part(1, "part1", 5, 1000),))
    return TakeReport(replace(made, **more))


def test_no_guest_pushes_anothers_takes_out_of_the_session_or_takes_their_place() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(ADA, Member("eve", Role.GUEST, "Eve"))
        scene.hear(reported("1"))
        for number in range(230):
            scene.hear(reported(f"e{number}", "Eve"), "eve")
        scene.hear(reported("1", "Eve"), "eve")

        scene.document.press("session-json")
        takes = json.loads(scene.browser.saved[0][1])["takes"]
        assert [one["guest"] for one in takes].count("Ada") == 1
        assert len(takes) == 51
        assert len(scene.browser.disk) < 60

    played(story)


def test_what_says_it_was_recorded_in_another_age_is_no_part_of_the_session() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(ADA)
        scene.hear(reported("1", room_started_at_ms=0))
        scene.hear(reported("2", started_at_ms=253_000_000_000_000))

        assert not scene.document.enabled["session-json"]

    played(story)


def test_what_one_who_waits_says_counts_nowhere() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(Member("eve", Role.GUEST, "Eve", invited=False, waiting=True))
        scene.hear(reported("1", "Eve"), "eve")

        assert not scene.document.enabled["session-json"]

    played(story)


def test_who_waits_is_let_in_or_turned_away_by_a_press() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        eve = Member("eve", Role.GUEST, "Eve", invited=False, waiting=True)
        scene.hear(Joined(eve))
        row = scene.document.lists["guests"]["eve"]
        assert scene.news == ["Eve is waiting to be let in."]
        assert row.attributes["", "data-state"] == "waiting"
        assert row.shown["let-in"] and row.shown["turn-away"] and not row.shown["start"]
        assert not scene.document.enabled["start-all"] and scene.browser.made == []

        scene.press("let-in", "eve")
        await scene.settle()
        assert [(one.kind, one.to) for one in scene.commands()] == [(CommandKind.LET_IN, "eve")]
        scene.hear(Joined(replace(eve, waiting=False)))
        scene.hear(replace(IDLE, label="Eve"), "eve")
        assert scene.news[0] == "Eve has come in."
        assert row.attributes["", "data-state"] == "idle"
        assert row.shown["start"] and not row.shown["let-in"]
        assert row.texts["pending"] == ""

        fay = replace(eve, uid="fay", label="Fay")
        scene.hear(Joined(fay))
        scene.press("turn-away", "fay")
        await scene.settle()
        assert scene.commands()[-1].kind is CommandKind.REMOVE
        scene.hear(Left("fay"))
        assert list(scene.document.lists["guests"]) == ["eve"]

    played(story)


def test_only_invited_guests_is_a_tick() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.document.tick("invited-only", True)
        scene.document.press("invited-only", "change")
        await scene.settle()
        assert [decode(*one) for one in scene.browser.line.said if one[0] == "door"] == [Door(True)]

        scene.hear(Door(False))
        assert not scene.document.ticked("invited-only")

    played(story)


def test_a_report_that_is_told_again_writes_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(ADA)
        report = reported("1")
        scene.hear(report)
        scene.browser.disk["takes-studio/ada/1"] = "untouched"
        scene.hear(report)

        assert scene.browser.disk["takes-studio/ada/1"] == "untouched"

    played(story)


def test_a_guest_who_fails_again_and_again_is_one_notice_and_few_tones() -> None:
    async def story(scene: Scene) -> None:
        await scene.with_ada()
        for number in range(100):
            scene.hear(replace(RECORDING, take_id=str(number)))
            scene.browser.ms += 100
            scene.hear(replace(IDLE, take_id=str(number), failed=True, warning=f"Late {number}."))

        assert len(scene.document.standing()) == 1
        assert "Late 99." in scene.document.standing()[0].text
        assert scene.browser.tones.count(880.0) == 2

    played(story)


def test_a_hundred_guests_who_fail_are_a_few_notices() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(*(Member(f"g{number}", Role.GUEST, f"G{number}") for number in range(100)))
        for number in range(100):
            scene.hear(replace(RECORDING, label=f"G{number}"), f"g{number}")
            scene.hear(replace(IDLE, take_id="1", label=f"G{number}", failed=True), f"g{number}")

        assert len(scene.document.standing()) == 6
        assert scene.document.standing()[-1].text.endswith(" This is the last of several.")

    played(story)


def test_a_browser_that_makes_no_calls_directs_and_says_what_does_not_work() -> None:
    class Mute(Browser):
        """A browser without WebRTC."""

        def peer_maker(self, outgoing: object) -> Any:
            return None

    document = FakeDocument()
    DirectorPage(parse_link("/?director=studio"), document, cast(Any, Mute()))

    assert [notice.text for notice in document.notices] == [
        "This browser makes no calls: you neither see nor hear your guests, and they do not hear you. They can be "
        "recorded all the same."
    ]
