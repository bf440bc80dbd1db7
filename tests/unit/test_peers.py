"""Who connects with whom: the newcomer offers, a reloaded page is a new one, a lost server changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from page_fakes import FakeConnection
from rolltape.core.errors import Unsupported
from rolltape.room.client import RoomError
from rolltape.room.messages import (
    Description,
    IceCandidate,
    IceServer,
    Member,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
)
from rolltape.room.peers import MAX_MESH, PREVIEW, TALK, Peers

OFFER, ANSWER = Description("offer", "o"), Description("answer", "a")
BO = Member("bo", Role.DIRECTOR, "Bo")
CY = Member("cy", Role.GUEST, "Cy")


@dataclass
class Scene:
    """One page in a room, its connections and what it said."""

    uid: str = "ada"
    role: Role = Role.GUEST
    ice_servers: tuple[IceServer, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)
    offline: bool = False
    said: list[Message] = field(default_factory=list)
    made: list[FakeConnection] = field(default_factory=list)
    streams: dict[str, object | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.peers = Peers(self, self.role, self.make, self.show_stream, self.spawn)

    @property
    def present(self) -> Sequence[Member]:
        return [one for one in self.members.values() if one.present]

    async def send(self, message: Message) -> None:
        if self.offline:
            raise RoomError("There is no connection.")
        self.said.append(message)

    def make(
        self,
        servers: Sequence[IceServer],
        polite: bool,
        say: Callable[[Description | IceCandidate], None],
        show: Callable[[object | None], None],
        failed: Callable[[], None],
    ) -> FakeConnection:
        self.made.append(FakeConnection(polite, say, failed))
        show("stream")
        return self.made[-1]

    def show_stream(self, uid: str, stream: object | None) -> None:
        self.streams[uid] = stream

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        with pytest.raises(StopIteration):
            work.send(None)  # nothing here waits

    def come(self, *members: Member) -> None:
        self.members |= {one.uid: one for one in members}
        self.peers.members_changed()

    def hear(self, member: Member, signal: Signal) -> None:
        asyncio.run(self.peers.receive(Sender(member.uid, member.role, "k"), signal))


def test_the_newcomer_offers_to_everybody() -> None:
    scene = Scene(members={"bo": BO, "cy": CY})

    scene.peers.connect()

    assert [one.calls for one in scene.made] == [["offer"], ["offer"]]


def test_who_was_there_before_waits_for_the_offer() -> None:
    scene = Scene()

    scene.come(BO)
    assert scene.made == []
    scene.hear(BO, Signal("ada", "s", OFFER))

    assert scene.made[0].calls == [OFFER]


def test_exactly_one_side_is_polite() -> None:
    ada, bo = (
        Scene("ada", members={"bo": BO}),
        Scene("bo", Role.DIRECTOR, members={"ada": Member("ada", Role.GUEST)}),
    )

    ada.peers.connect()
    bo.peers.connect()

    assert {ada.made[0].polite, bo.made[0].polite} == {True, False}


def test_a_page_that_only_lost_the_server_keeps_its_connections() -> None:
    scene = Scene(members={"bo": BO})
    scene.peers.connect()

    scene.peers.connect()

    assert len(scene.made) == 1


def test_a_reloaded_page_gets_a_new_connection() -> None:
    scene = Scene(members={"bo": BO})
    scene.hear(BO, Signal("ada", "first", OFFER))

    scene.hear(BO, Signal("ada", "second", OFFER))

    assert [one.calls for one in scene.made] == [[OFFER, "close"], [OFFER]]


def test_a_late_word_from_a_page_that_is_gone_is_left_aside() -> None:
    scene = Scene(members={"bo": BO})
    scene.hear(BO, Signal("ada", "second", OFFER))

    scene.hear(BO, Signal("ada", "first", candidate=IceCandidate("x")))

    assert [one.calls for one in scene.made] == [[OFFER]]


def test_who_waits_outside_is_neither_called_nor_answered_until_they_are_in() -> None:
    for role in Role:
        waiting = replace(CY, invited=False, waiting=True)
        scene = Scene(role=role, members={"cy": waiting})
        scene.peers.connect()
        scene.hear(waiting, Signal("ada", "s", OFFER))
        assert scene.made == []

        scene.come(replace(waiting, waiting=False))
        scene.hear(waiting, Signal("ada", "s", OFFER))
        assert [one.calls for one in scene.made] == [[OFFER]]


def test_nobody_unknown_makes_a_connection() -> None:
    scene = Scene(members={"bo": BO})

    scene.hear(CY, Signal("ada", "s", OFFER))
    scene.hear(BO, Signal("ada", "s", candidate=IceCandidate("x")))

    assert scene.made == []


def test_somebody_who_left_is_dropped_and_somebody_away_is_not() -> None:
    scene = Scene(members={"bo": BO, "cy": CY})
    scene.peers.connect()

    scene.come(Member("bo", Role.DIRECTOR, present=False))
    del scene.members["cy"]
    scene.peers.members_changed()

    assert [one.calls for one in scene.made] == [["offer"], ["offer", "close"]]
    assert scene.streams == {"bo": "stream", "cy": None}


def test_directors_get_a_better_picture_than_guests() -> None:
    scene = Scene(members={"bo": BO, "cy": CY})
    scene.peers.connect()

    assert [one.limits for one in scene.made] == [PREVIEW, TALK]


def test_rates_that_a_director_asks_for_end_with_them() -> None:
    scene = Scene(members={"bo": BO})
    scene.peers.connect()

    asyncio.run(scene.peers.set_rates("bo", SendRates(6000, 128)))
    asked = scene.made[0].limits
    asyncio.run(scene.peers.set_rates("bo", None))

    assert asked is not None
    assert (asked.video_kbps, asked.audio_kbps, asked.height) == (6000, 128, 2160)
    assert scene.made[0].limits == PREVIEW


def test_many_guests_see_the_directors_only() -> None:
    guests = {f"g{number}": Member(f"g{number}", Role.GUEST) for number in range(MAX_MESH)}
    scene = Scene(members=guests | {"bo": BO})

    scene.peers.connect()

    assert len(scene.made) == 1


def test_the_ninth_guest_is_connected_with_all_when_another_has_left() -> None:
    guests = {f"g{number}": Member(f"g{number}", Role.GUEST) for number in range(MAX_MESH)}
    ninth, first = Scene("ada", members=dict(guests)), Scene("zoe", members=dict(guests))
    for scene in (ninth, first):
        scene.peers.connect()
        assert scene.made == []
        del scene.members["g0"]
        scene.peers.members_changed()
        scene.peers.members_changed()

    assert [one.calls for one in ninth.made] == [["offer"]] * (MAX_MESH - 1), "of two the lesser uid offers"
    assert first.made == []


def test_one_side_looks_for_another_way_when_a_connection_fails() -> None:
    ada, zoe = Scene("ada", members={"bo": BO}), Scene("zoe", members={"bo": BO})
    for scene in (ada, zoe):
        scene.peers.connect()
        scene.made[0].failed()

    assert "restart" not in ada.made[0].calls
    assert "restart" in zoe.made[0].calls


def test_a_step_that_cannot_be_said_does_no_harm() -> None:
    scene = Scene(members={"bo": BO}, offline=True)
    scene.peers.connect()

    scene.made[0].say(OFFER)

    assert scene.said == []


def test_other_tracks_go_to_everybody() -> None:
    scene = Scene(members={"bo": BO, "cy": CY})
    scene.peers.connect()

    asyncio.run(scene.peers.refresh())

    assert all("refresh" in one.calls for one in scene.made)


def test_a_flood_of_offers_makes_few_connections_and_the_last_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rolltape.room.peers.ANEW_MS", 50.0)

    async def story() -> None:
        tasks: list[asyncio.Task[None]] = []
        made: list[FakeConnection] = []
        scene = Scene(members={"bo": BO, "cy": CY})

        def make(*_: Any) -> FakeConnection:
            made.append(FakeConnection(True, lambda step: None, lambda: None))
            return made[-1]

        peers = Peers(
            scene,
            Role.GUEST,
            cast(Any, make),
            scene.show_stream,
            lambda work: tasks.append(asyncio.ensure_future(work)),
        )
        eve = Sender("cy", Role.GUEST, "")
        candidate = IceCandidate("candidate:1")
        for number in range(200):
            await peers.receive(eve, Signal("ada", f"s{number}", Description("offer", str(number))))
        await peers.receive(eve, Signal("ada", "s199", candidate=candidate))
        await peers.receive(Sender("bo", Role.DIRECTOR, "k"), Signal("ada", "b", OFFER))
        assert len(made) == 4  # three of the one who floods, and at once of the other

        await asyncio.gather(*tasks)
        assert len(made) == 5
        assert [call for call in made[4].calls if call != "close"] == [Description("offer", "199"), candidate]

    asyncio.run(story())


def test_a_connection_that_the_browser_does_not_give_is_a_missing_picture() -> None:
    scene = Scene(members={"bo": BO})

    def make(*_: Any) -> FakeConnection:
        raise Unsupported("This browser makes no more connections.")

    scene.peers = Peers(scene, Role.GUEST, cast(Any, make), scene.show_stream, scene.spawn)
    scene.peers.connect()
    scene.hear(BO, Signal("ada", "s", OFFER))

    assert scene.streams == {"bo": None}
