"""The room's server as pages meet it: over HTTP and Socket.IO, on a port of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio
import uvicorn

from rolltape.room import (
    MAX_MESSAGE,
    Answer,
    Away,
    Command,
    CommandKind,
    Description,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    Signal,
    TakeReport,
    Welcome,
    decode,
    encode,
    kind_of,
    sender_of,
)
from rolltape.room_client import new_secret
from rolltape.server.app import create_app
from rolltape.server.rooms import MAX_PACKET, Rooms
from rolltape.server.tokens import Session, Tokens
from rolltape.take import Take, TakeState

SECRET = b"s" * 40
KEY, OTHER_KEY = "k" * 22, "o" * 22
ROOT = Path(__file__).resolve().parent.parent.parent


class Visitor:
    """Somebody's page, as far as a server sees one."""

    def __init__(self, address: str, role: Role = Role.GUEST, room: str = "studio", **more: str) -> None:
        self.address = address
        self.asked = {"v": 1, "room": room, "role": role, "uid": new_secret(6), "secret": new_secret()} | more
        self.reply: dict[str, Any] = {}
        self.heard: list[tuple[Message, Sender | None]] = []
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", self._on_event)

    async def _on_event(self, kind: str, text: str) -> None:
        message = decode(kind, text)
        self.heard.append((message, sender_of(text) if '"from"' in text else None))

    async def join(self) -> dict[str, Any]:
        status, self.reply = await asyncio.to_thread(post, f"{self.address}/api/join", self.asked)
        return self.reply | {"status": status}

    async def come(self, token: str | None = None) -> Visitor:
        if token is None:
            joined = await self.join()
            assert joined["status"] == 200, joined
        await self.client.connect(
            self.address,
            auth={"token": token or self.reply["token"]},
            transports=["websocket"],
            wait_timeout=5,
        )
        await self.until(lambda: any(isinstance(one, Welcome) for one, _ in self.heard))
        return self

    async def say(self, message: Message) -> str:
        return str(await self.client.call(kind_of(message), encode(message), timeout=5))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)

    async def hears(self, message: Message) -> Sender | None:
        await self.until(lambda: any(one == message for one, _ in self.heard))
        return next(sender for one, sender in self.heard if one == message)

    @property
    def uid(self) -> str:
        return str(self.reply["uid"])


def post(address: str, body: object) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, Rooms]]:
    rooms = Rooms(SECRET)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(ROOT, rooms), log_level="error", ws_max_size=MAX_PACKET, lifespan="on")
    )
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", rooms
    finally:
        server.should_exit = True
        await task


class Scene:
    """A server, a director and a guest."""

    def __init__(self, address: str, rooms: Rooms) -> None:
        self.address = address
        self.rooms = rooms
        self.visitors: list[Visitor] = []

    def visitor(self, role: Role = Role.GUEST, **more: str) -> Visitor:
        self.visitors.append(Visitor(self.address, role, **more))
        return self.visitors[-1]

    async def pair(self) -> tuple[Visitor, Visitor]:
        director = await self.visitor(Role.DIRECTOR, key=KEY, label="Bo").come()
        guest = await self.visitor(label="Ada", invite=str(director.reply["invite"])).come()
        return director, guest


def played(story: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        async with serving() as (address, rooms):
            scene = Scene(address, rooms)
            try:
                await story(scene)
            finally:
                for visitor in scene.visitors:
                    await visitor.client.disconnect()

    asyncio.run(run())


def test_who_comes_is_told_who_is_there_and_the_others_are_told_of_them() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        bo = Member(director.uid, Role.DIRECTOR, "Bo")

        assert await guest.hears(Welcome(guest.uid, str(director.reply["key_id"]), (bo,))) is None
        await director.hears(Joined(Member(guest.uid, Role.GUEST, "Ada")))

    played(story)


def test_a_state_goes_to_directors_and_says_who_sent_it() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        other = await scene.visitor(label="Cy").come()
        state = GuestState("Ada", TakeState.RECORDING, bytes=7)

        assert await guest.say(state) == ""
        sender = await director.hears(state)

        assert sender == Sender(guest.uid, Role.GUEST, str(director.reply["key_id"]))
        assert state not in [one for one, _ in other.heard]

    played(story)


def test_a_take_a_command_and_its_answer_arrive() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        command = Command(guest.uid, "c1", CommandKind.START, "Bo")
        answer = Answer(director.uid, "c1", False, "Not now.")
        report = TakeReport(Take("1", 1, "one", 0))

        assert await director.say(command) == ""
        assert (await guest.hears(command) or Sender("", Role.GUEST, "")).role is Role.DIRECTOR
        assert await guest.say(answer) == ""
        await director.hears(answer)
        assert await guest.say(report) == ""
        await director.hears(report)

    played(story)


def test_guests_signal_each_other() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        other = await scene.visitor().come()
        signal = Signal(other.uid, "s", Description("offer", "v=0"))

        assert await guest.say(signal) == ""
        await other.hears(signal)

    played(story)


def test_a_guest_who_says_what_a_director_says_is_refused() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        other = await scene.visitor().come()
        command = Command(other.uid, "c1", CommandKind.START)

        assert await guest.say(command) == "A guest does not say that."
        assert await director.say(command) == ""
        sender = await other.hears(command)

        assert sender is not None
        assert sender.uid == director.uid

    played(story)


def test_another_rooms_members_are_not_reached() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        stranger = await scene.visitor(Role.DIRECTOR, room="other", key=OTHER_KEY).come()

        refused = await stranger.say(Command(guest.uid, "c1", CommandKind.START))

        assert refused == "Nobody of this name is in the room."
        assert not any(isinstance(one, Command) for one, _ in guest.heard)

    played(story)


def test_only_the_key_that_opened_a_room_directs_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        thief = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY).join()
        without = await scene.visitor(Role.DIRECTOR).join()
        second = await scene.visitor(Role.DIRECTOR, key=KEY, room=" STUDIO ").join()

        assert (thief["status"], thief["code"]) == (403, "key")
        assert (without["status"], without["code"]) == (403, "key")
        assert second["status"] == 200

    played(story)


@pytest.mark.parametrize("invite", ["x", "a.b.c", "foreign", "session", "other room", "late"])
def test_an_invitation_that_is_not_right_lets_nobody_in(invite: str) -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        other = await scene.visitor(Role.DIRECTOR, room="other", key=OTHER_KEY).join()
        own = Session("studio", Role.GUEST, "x", "", "", True)
        invites = {
            "foreign": Tokens(b"f" * 40).session(own),
            "session": str(director.reply["token"]),
            "other room": str(other["invite"]),
            "late": _late_invitation(),
        }
        answer = await scene.visitor(invite=invites.get(invite, invite)).join()

        assert (answer["status"], answer["code"]) == (403, "invite")

    played(story)


@pytest.mark.parametrize("token", ["", "x", "foreign", "late", "invitation"])
def test_a_connection_without_a_right_token_is_refused(token: str) -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        session = Session("studio", Role.DIRECTOR, "x", "k", "", True)
        tokens = {
            "foreign": Tokens(b"f" * 40).session(session),
            "late": Tokens(SECRET, lambda: 1.0).session(session),
            "invitation": str(director.reply["invite"]),
        }
        intruder = scene.visitor()

        with pytest.raises(socketio.exceptions.ConnectionError):
            await intruder.come(tokens.get(token, token) or "-")

    played(story)


def test_a_uid_that_somebody_else_is_becomes_another() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        same = await scene.visitor(uid=guest.uid, secret=str(guest.asked["secret"])).join()
        other = await scene.visitor(uid=guest.uid).join()

        assert same["uid"] == guest.uid
        assert other["uid"] != guest.uid

    played(story)


def test_a_connection_that_ends_is_told_as_away_and_a_lease_that_runs_out_as_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rolltape.server.presence.LEASE_S", 0.0)

    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await guest.client.disconnect()

        await director.hears(Away(guest.uid))
        await director.hears(Left(guest.uid))

    played(story)


def test_a_removed_guest_is_gone_and_not_let_in_again() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await director.say(Command(guest.uid, "c1", CommandKind.REMOVE))
        await director.hears(Left(guest.uid))
        await guest.until(lambda: not guest.client.connected)

        answer = await guest.join()

        assert (answer["status"], answer["code"]) == (403, "removed")

    played(story)


def test_a_new_name_is_told_to_everybody() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await guest.say(GuestState("Zoë"))

        await director.hears(Joined(Member(guest.uid, Role.GUEST, "Zoë")))

    played(story)


def test_floods_odd_and_oversized_messages_harm_nobody_else() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        attacker = await scene.visitor().come()
        said = [
            str(await attacker.client.call(kind, data, timeout=5))
            for kind, data in [
                ("state", None), ("state", "{"), ("state", {"v": 1}), ("state", b"\xff"), ("state", "[" * 9000),
                ("welcome", '{"v":1}'), ("nothing", ""), ("state", "x" * (MAX_MESSAGE + 1)),
                ("signal", '{"v":1,"to":"' + guest.uid + '","description":{"type":"offer","sdp":7}}'),
            ]
        ]  # fmt: skip
        assert all(said)
        for _ in range(300):
            await attacker.client.emit("state", encode(GuestState("Eve")))
        assert await attacker.say(GuestState("Eve")) == "Too many messages; wait a moment."
        async with asyncio.timeout(1):
            assert await guest.say(GuestState("Ada", bytes=9)) == ""
            await director.hears(GuestState("Ada", bytes=9))
        await attacker.client.emit("state", "x" * (2 * MAX_PACKET))
        await attacker.until(lambda: not attacker.client.connected)
        assert await guest.say(GuestState("Ada", bytes=10)) == ""

    played(story)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"v":1}', b"[" * 8000, b"x" * 9000, b'{"v":2,"room":"a"}'],
)
def test_a_request_that_is_not_right_is_answered_with_a_sentence(body: bytes) -> None:
    async def story(scene: Scene) -> None:
        status, answer = await asyncio.to_thread(post, f"{scene.address}/api/join", body)

        assert status == 400
        assert answer["code"] == "bad"
        assert answer["error"].endswith(".")

    played(story)


def test_too_many_joins_from_one_address_are_refused() -> None:
    async def story(scene: Scene) -> None:
        codes = {(await scene.visitor().join())["status"] for _ in range(90)}

        assert codes == {200, 429}

    played(story)


def test_after_a_restart_an_invitation_brings_the_claim_back() -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        invite = str(director.reply["invite"])
        async with serving() as (address, _):
            thief = Visitor(address, Role.DIRECTOR, key=OTHER_KEY)
            assert (await thief.join())["status"] == 200  # nobody is there yet, so the room seems free
            await Visitor(address, invite=invite).join()
            again = await Visitor(address, Role.DIRECTOR, key=OTHER_KEY).join()
            owner = await Visitor(address, Role.DIRECTOR, key=KEY).join()

        assert (again["status"], again["code"]) == (403, "key")
        assert owner["status"] == 200

    played(story)


def test_the_clock_is_the_servers() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()

        assert float(await guest.client.call("clock", "", timeout=5)) > 1_700_000_000_000

    played(story)


def _late_invitation() -> str:
    from rolltape.server.tokens import Claim, Invitation

    return Tokens(SECRET, lambda: 1.0).invitation(Invitation("studio", Claim("k", 1)))
