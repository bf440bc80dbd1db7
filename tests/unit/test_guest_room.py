"""A guest in a room: what is told, what is obeyed, what is refused and why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from page_fakes import FakeDocument, FakeRoomBrowser, uid_for
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.errors import EngineError
from rolltape.pages.guest.commands import cannot_record
from rolltape.pages.guest.room import GuestRoom
from rolltape.recording.take import Part, Take, TakeState
from rolltape.room.client import RoomError
from rolltape.room.messages import (
    Answer,
    Command,
    CommandKind,
    Going,
    GuestState,
    IceServer,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    TakeReport,
    Welcome,
)
from rolltape.room.wire import decode, encode, kind_of
from rolltape.settings.bitrate import wish_for
from rolltape.settings.fragment import Secrets
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order

BO = Member("bo", Role.DIRECTOR, "Bo")
BOS = Sender("bo", Role.DIRECTOR, "key-1")


class FakeDeck:
    """A deck that records at once."""

    shelf = None

    def __init__(self) -> None:
        self.take: Take | None = None
        self.started: list[tuple[Order, str]] = []
        self.error: EngineError | None = None

    @property
    def state(self) -> TakeState:
        return self.take.state if self.take else TakeState.IDLE

    @property
    def is_free(self) -> bool:
        return self.take is None

    async def start(self, order: Order, started_by: str = "you") -> bool:
        if self.error is not None:
            raise self.error
        if self.take is not None:
            return False
        self.started.append((order, started_by))
        self.take = Take("1", 1, "one", 0, state=TakeState.RECORDING)
        return True

    async def stop(self) -> None:
        self.take = None

    async def pause(self) -> None:
        assert self.take is not None
        self.take = replace(self.take, state=TakeState.PAUSED)

    async def resume(self) -> None:
        assert self.take is not None
        self.take = replace(self.take, state=TakeState.RECORDING)


class Scene:
    """A guest's page in a room."""

    def __init__(
        self, link: str = "/?room=studio&label=Ada&record=2500", secrets: Secrets | None = None
    ) -> None:
        self.document = FakeDocument()
        self.browser = FakeRoomBrowser()
        self.deck = FakeDeck()
        self.settings = parse_link(link).settings
        self.refusal = ""
        self.names: list[str] = []
        self.room = GuestRoom(
            self.settings,
            secrets or Secrets(invite="inv"),
            self.document,
            cast(Any, self.browser),
            cast(Any, self.deck),
            self.state,
            self.names.append,
        )

    def state(self) -> GuestState:
        return GuestState("Ada", self.deck.state, not self.refusal, self.refusal)

    async def come_in(self, *members: Member) -> None:
        await self.room.open()
        if self.browser.line.request is None:
            self.document.press("join")
            await self.settle()
        self.hear(Welcome(self.uid, "key-1", members))
        await self.settle()

    @property
    def uid(self) -> str:
        assert self.browser.line.request is not None
        return uid_for(self.browser.line.request)

    def hear(self, message: Message, sender: Sender | None = None) -> None:
        assert self.browser.line.client is not None
        self.browser.line.client.received(kind_of(message), encode(message, sender))

    async def order(self, command: Command, sender: Sender = BOS) -> Answer:
        """Give a command; the answer to it."""
        before = len(self.browser.line.said)
        self.hear(command, sender)
        await self.settle()
        answers = [one for one in self.said(before) if isinstance(one, Answer)]
        assert len(answers) == 1
        return answers[0]

    def said(self, since: int = 0) -> list[Message]:
        told = [decode(kind, text) for kind, text in self.browser.line.said[since:]]
        return [replace(one, page="") if isinstance(one, GuestState) else one for one in told]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def command(self, kind: CommandKind, id: str = "c1", **more: Any) -> Command:
        return Command(self.uid, id, kind, "Bo", **more)


def played(test: Callable[[Scene], Awaitable[None]], scene: Scene | None = None) -> Scene:
    """Run a test's story in a loop of its own; tasks that go on for ever end with it."""

    async def run() -> Scene:
        made = scene or Scene()
        await test(made)
        return made

    return asyncio.run(run())


def test_a_guest_joins_with_the_invitation_of_the_link() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        request = scene.browser.line.request
        assert request is not None
        assert (request.room, request.role, request.label, request.invite) == (
            "studio",
            Role.GUEST,
            "Ada",
            "inv",
        )

    played(story)


def test_a_reloaded_page_is_the_same_guest_and_a_second_tab_another() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        reloaded, second = Scene(), Scene()
        reloaded.browser.memory = dict(scene.browser.memory)
        second.browser.memory = dict(scene.browser.memory)
        second.browser.held = set(scene.browser.held)

        await reloaded.come_in()
        await second.come_in()

        assert reloaded.uid == scene.uid
        assert second.uid != scene.uid
        assert second.browser.memory["guest-secret"] != scene.browser.memory["guest-secret"]

    played(story)


def test_the_state_is_told_after_each_welcome() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.hear(Welcome(scene.uid, "key-1"))
        await scene.settle()

        assert scene.said() == [GuestState("Ada", can_record=True)] * 2

    played(story)


def test_a_director_who_comes_late_is_told_everything() -> None:
    async def story(scene: Scene) -> None:
        take = Take("1", 1, "one", 0, state=TakeState.FINISHED)
        await scene.come_in()
        scene.room.report(take)
        await scene.settle()
        before = len(scene.browser.line.said)

        scene.hear(Joined(BO))
        await scene.settle()

        told = scene.said(before)
        assert len(told) == 2
        assert scene.state() in told
        assert TakeReport(take) in told

    played(story)


def test_while_idle_little_is_said_and_while_recording_each_second() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        for _ in range(10):
            scene.browser.ms += 200
            scene.room.tick()
            await scene.settle()
        idle = len(scene.said())
        scene.deck.take = Take("1", 1, "one", 0, state=TakeState.RECORDING)
        for _ in range(10):
            scene.browser.ms += 200
            scene.room.tick()
            await scene.settle()

        assert idle == 1
        assert len(scene.said()) - idle == 2

    played(story)


def test_a_director_starts_what_the_link_says() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        answer = await scene.order(scene.command(CommandKind.START))

        assert answer == Answer("bo", "c1", True)
        assert [(order.wish, by) for order, by in scene.deck.started] == [(wish_for(2500), "Bo")]

    played(story)


def test_a_director_starts_what_they_order() -> None:
    async def story(scene: Scene) -> None:
        order = Order(wish_for(-96), audio_bitrate_kbps=96)
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.START, order=order))

        assert scene.deck.started == [(order, "Bo")]

    played(story)


@pytest.mark.parametrize("link", ["/?room=studio", "/?room=studio&record"])
def test_without_a_rate_in_the_link_6000_is_taken(link: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.START))

        assert scene.deck.started[0][0].wish == wish_for(6000)

    played(story, Scene(link))


def test_what_cannot_be_recorded_is_refused_with_the_reason() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        scene.refusal = cannot_record(parse_link("/?room=a&record=off").settings, True, True)
        answer = await scene.order(scene.command(CommandKind.START))

        assert answer == Answer("bo", "c1", False, "This guest's link does not allow recording.")
        assert scene.deck.started == []

    played(story)


@pytest.mark.parametrize(
    ("has_capture", "has_plan", "why"),
    [
        (False, True, "This guest has neither camera nor microphone."),
        (True, False, "This guest's browser has nothing it could record, or nowhere to write it."),
        (True, True, ""),
    ],
)
def test_why_a_guest_cannot_be_recorded_is_what_is_missing(
    has_capture: bool, has_plan: bool, why: str
) -> None:
    assert cannot_record(parse_link("/?room=a").settings, has_capture, has_plan) == why


def test_an_engine_that_fails_is_an_answer() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        scene.deck.error = EngineError("There is nothing that could be recorded.")
        answer = await scene.order(scene.command(CommandKind.START))

        assert answer.reason == "There is nothing that could be recorded."

    played(story)


def test_start_twice_stop_twice_pause_and_resume_out_of_turn_are_refused() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        no_stop = "There is no recording that could be stopped."
        no_pause = "Nothing is being recorded that could be paused."
        kinds = [
            (CommandKind.STOP, no_stop),
            (CommandKind.PAUSE, no_pause),
            (CommandKind.RESUME, "No recording is paused."),
            (CommandKind.START, ""),
            (CommandKind.START, "A recording is running already."),
            (CommandKind.RESUME, "No recording is paused."),
            (CommandKind.PAUSE, ""),
            (CommandKind.PAUSE, no_pause),
            (CommandKind.RESUME, ""),
            (CommandKind.STOP, ""),
            (CommandKind.STOP, no_stop),
        ]
        for number, (kind, reason) in enumerate(kinds):
            answer = await scene.order(scene.command(kind, f"c{number}"))
            assert (kind, answer.accepted, answer.reason) == (kind, not reason, reason)

    played(story)


def test_the_same_command_again_is_not_done_again() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.START))
        scene.deck.take = None
        scene.hear(scene.command(CommandKind.START), BOS)
        await scene.settle()

        assert len(scene.deck.started) == 1

    played(story)


@pytest.mark.parametrize(
    "sender",
    [
        Sender("cy", Role.GUEST, "key-1"),
        Sender("bo", Role.DIRECTOR, "key-2"),
        Sender("bo", Role.DIRECTOR, ""),
    ],
)
def test_nobody_but_a_director_of_this_key_is_obeyed(sender: Sender) -> None:
    why = (
        "This director's key is not the one that opened the room."
        if sender.role is Role.DIRECTOR
        else "Only a director may ask for that."
    )

    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        answer = await scene.order(scene.command(CommandKind.START), sender)

        assert (answer.accepted, answer.reason) == (False, why)
        assert scene.deck.started == []

    played(story)


def test_the_key_of_the_first_visit_holds_after_a_reload() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        reloaded = Scene()
        reloaded.browser.memory = dict(scene.browser.memory)
        await reloaded.room.open()
        reloaded.document.press("join")
        await reloaded.settle()
        reloaded.hear(Welcome(reloaded.uid, "key-of-somebody-else", (BO,)))

        answer = await reloaded.order(
            reloaded.command(CommandKind.START), Sender("bo", Role.DIRECTOR, "key-of-somebody-else")
        )

        assert not answer.accepted

    played(story)


def test_a_command_for_somebody_else_is_refused() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        answer = await scene.order(Command("cy", "c1", CommandKind.START, "Bo"))

        assert (answer.accepted, answer.reason) == (False, "That was meant for somebody else.")

    played(story)


def test_a_new_name_is_taken_and_told() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.RENAME, label="Zoë"))

        assert scene.names == ["Zoë"]
        assert any("Zoë" in notice.text for notice in scene.document.notices)

    played(story)


def test_a_removed_guest_leaves_and_goes_on_recording() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.START))
        answer = await scene.order(scene.command(CommandKind.REMOVE, "c2"))

        assert answer.accepted
        assert scene.browser.line.closed
        assert scene.deck.state is TakeState.RECORDING
        assert [notice.text for notice in scene.document.notices] == [
            "Bo has removed you from the room. What is recorded here is yours: a running recording goes on until you "
            "stop it."
        ]

    played(story)


def test_a_server_that_is_gone_stops_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        await scene.order(scene.command(CommandKind.START))
        scene.browser.line.closed = True
        scene.room.announce()
        await scene.settle()
        assert scene.browser.line.client is not None
        scene.browser.line.client.disconnected()

        assert scene.deck.state is TakeState.RECORDING
        assert "not affected" in scene.document.texts["where"]
        with pytest.raises(
            RoomError, match="There is no connection to the room right now; it is being made again"
        ):
            await scene.browser.line.client.send(Answer("bo", "c1", True, ""))

    played(story)


def test_who_is_not_back_yet_after_a_restart_is_away_and_not_gone() -> None:
    async def story(scene: Scene) -> None:
        cy = Member("cy", Role.GUEST, "Cy")
        await scene.come_in(BO, cy)
        scene.hear(Welcome(scene.uid, "key-1", (cy,)))
        await scene.settle()

        assert list(scene.document.lists["people"]) == ["bo", "cy"]
        assert "close" not in scene.browser.made[0].calls
        assert "connection lost" in scene.document.lists["people"]["bo"].texts["person-role"]

    played(story)


def test_who_is_there_is_shown_directors_first() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.hear(Joined(Member("cy", Role.GUEST, "Cy")))
        scene.hear(Joined(BO))
        first = list(scene.document.lists["people"])
        scene.hear(Left("bo"))

        assert first == ["bo", "cy"]
        assert list(scene.document.lists["people"]) == ["cy"]

    played(story)


def test_muting_goes_to_what_is_sent() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        scene.document.press("mute-audio")

        assert scene.room.is_muted
        assert scene.browser.sent.muted == {"audio": True}

    played(story)


def test_a_guest_without_a_name_is_called_here_what_the_director_calls_them() -> None:
    async def story(scene: Scene) -> None:
        assert scene.room.nameless() == ""
        await scene.come_in()
        assert scene.room.nameless() == f"Guest {scene.uid[:4]}"

    played(story, Scene("/?room=studio"))


def test_a_director_who_starts_or_renames_again_and_again_is_kept_at_a_pace() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        for kind, more in ((CommandKind.START, {}), (CommandKind.RENAME, {"label": "Zoë"})):
            answers = []
            for number in range(40):
                answers.append(await scene.order(scene.command(kind, f"{kind}{number}", **more)))
                await scene.order(scene.command(CommandKind.STOP, f"{kind}-stop-{number}"))
            assert [one.accepted for one in answers] == [True] * 15 + [False] * 25
            assert answers[-1].reason == (
                "That was asked for so often that this page does it only now and then: try again in a minute."
            )
        assert [one.subject for one in scene.document.board.shown] == ["renamed"]

        scene.browser.ms += 60_000
        assert (await scene.order(scene.command(CommandKind.START, "later"))).accepted

    played(story)


def last_state(scene: Scene) -> GuestState:
    kind, text = scene.browser.line.said[-1]
    told = decode(kind, text)
    assert isinstance(told, GuestState)
    return told


def test_a_page_that_is_closed_or_reloaded_says_so_before_it_is_gone() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        scene.deck.take = Take("1", 1, "one", 0, state=TakeState.RECORDING)
        page = last_state(scene).page

        for leaving in scene.browser.leaving:
            leaving()

        assert (last_state(scene).going, last_state(scene).page) == (Going.UNLOADED, page)
        assert page

    played(story)


def test_another_page_of_the_same_guest_is_another_page() -> None:
    pages = []

    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        pages.append(last_state(scene).page)

    played(story)
    played(story)

    assert pages[0] != pages[1]


def test_who_hangs_up_says_so() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in(BO)
        scene.room.hang_up()

        assert last_state(scene).going is Going.HUNG_UP

    played(story)


def test_a_take_of_hundreds_of_parts_is_reported_whole() -> None:
    async def story(scene: Scene) -> None:
        parts = tuple(Part(n, f"part{n}", 5_000_000, 60_000, reason="split") for n in range(1, 601))
        await scene.come_in(BO)
        before = len(scene.browser.line.said)
        scene.room.report(Take("1", 1, "one", 0, parts=parts, state=TakeState.FINISHED))
        await scene.settle()

        told = [one for one in scene.said(before) if isinstance(one, TakeReport)]
        assert len(told) > 1
        assert [part.number for one in told for part in one.take.parts] == list(range(1, 601))

    played(story)


def test_a_guest_who_is_not_let_in_is_told_that_recording_works_all_the_same() -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        scene.room.room_closed("This room is full.")

        assert scene.document.notices[-1].text == (
            "This room is full. Recording works here all the same, and a running one goes on."
        )

    played(story)


def test_nobody_is_in_a_room_by_a_link_alone() -> None:
    async def story(scene: Scene) -> None:
        await scene.room.open()
        scene.room.announce()
        scene.room.tick()
        await scene.settle()
        assert scene.browser.line.request is None and scene.browser.line.said == []
        assert scene.document.shown["join-place"]
        assert scene.document.texts["where"] == "Room studio: you are not in it yet"

        scene.document.press("join")
        await scene.settle()
        assert scene.browser.line.request is not None
        assert not scene.document.shown["join-place"]

    played(story)


@pytest.mark.parametrize(("reloaded", "link", "goes_in"), [(True, "studio", True), (False, "studio", False)])
def test_a_room_that_was_joined_by_a_press_is_joined_again_by_a_reload(
    reloaded: bool, link: str, goes_in: bool
) -> None:
    async def story(scene: Scene) -> None:
        await scene.come_in()
        again = Scene(f"/?room={link}")
        again.browser.lasting = scene.browser.lasting
        again.browser.reloaded = reloaded
        await again.room.open()
        other = Scene("/?room=another")
        other.browser.lasting = scene.browser.lasting
        other.browser.reloaded = True
        await other.room.open()

        assert (again.browser.line.request is not None) is goes_in
        assert other.browser.line.request is None

    played(story)


def test_who_waits_outside_is_told_so_and_connects_with_nobody_until_they_are_let_in() -> None:
    offers: list[UploadOffer] = []

    async def story(scene: Scene) -> None:
        scene.room.offered = offers.append
        await scene.come_in()
        scene.room.report(Take("1", 1, "one", 0))
        await scene.settle()
        scene.hear(Welcome(scene.uid, "", (BO,), waiting=True))
        await scene.settle()
        assert "lets you in" in scene.document.texts["where"]
        assert scene.browser.made == [] == offers

        before = len(scene.browser.line.said)
        relay = (IceServer(("turn:a",), "9:ada", "c"),)
        offer = UploadOffer("token", 1_764_000_000_000)
        scene.hear(Welcome(scene.uid, "key-1", (BO,), ice_servers=relay, upload=offer))
        await scene.settle()
        assert scene.browser.servers == [relay]
        assert offers == [offer]
        assert "director is here" in scene.document.texts["where"]
        assert len(scene.browser.made) == 1
        assert any(isinstance(one, TakeReport) for one in scene.said(before))

    played(story)


def test_a_browser_that_makes_no_calls_is_in_the_room_and_says_what_does_not_work() -> None:
    class Mute(FakeRoomBrowser):
        """A browser without WebRTC."""

        def peer_maker(self, outgoing: object) -> Any:
            return None

    document, names = FakeDocument(), list[str]()
    link, browser = parse_link("/?room=studio"), cast(Any, Mute())
    GuestRoom(
        link.settings,
        Secrets(invite="inv"),
        document,
        browser,
        cast(Any, FakeDeck()),
        cast(Any, None),
        names.append,
    )

    assert [notice.text for notice in document.notices] == [
        "This browser makes no calls: the room neither sees nor hears you, and you see and hear nobody. You can be "
        "recorded all the same."
    ]
