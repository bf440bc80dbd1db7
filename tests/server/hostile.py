"""What somebody might try against a room's server, and what is to happen: the table of `docs/security.md`."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from rolltape.room.frames import PING, PONG, framed
from rolltape.room.messages import (
    Answer,
    Away,
    Command,
    CommandKind,
    Description,
    GuestState,
    Joined,
    Member,
    Role,
    Sender,
    Signal,
)
from rolltape.room.wire import MAX_MESSAGE, encode, plain_json
from rolltape.server.headers import SECURITY_HEADERS
from rolltape.server.line import MAX_FRAME
from rolltape.server.ownership import Claim
from rolltape.server.tokens import Invitation, SessionClaims, Tokens
from server.processes import Process
from server.visitors import OTHER_KEY, SECRET, Visitor, post

FLOOD = 20_000


class Mob:
    """Somebody who means harm, from an address of their own, and the room they go for."""

    def __init__(self, server: Process, number: int) -> None:
        self.server = server
        self.address = server.address
        self.sender = f"203.0.113.{number}"
        self.room = f"target-{number}"
        self.key = f"key-of-the-target-{number}"
        self.visitors: list[Visitor] = []
        self.invite = ""

    def visitor(self, role: Role = Role.GUEST, **more: str) -> Visitor:
        """By the room's link, once there is one; `invite=""`: by its name alone."""
        invited = {"invite": self.invite} if role is Role.GUEST and "room" not in more else {}
        found = Visitor(self.address, role, **{"room": self.room, "sender": self.sender} | invited | more)
        self.visitors.append(found)
        return found

    async def victims(self) -> tuple[Visitor, Visitor]:
        """The director and a guest of the room."""
        director = await self.visitor(Role.DIRECTOR, key=self.key, sender="198.51.100.7", label="Bo").come()
        self.invite = str(director.reply["invite"])
        return director, await self.visitor(sender="198.51.100.8", label="Ada").come()

    async def join(self, body: object, sender: str = "") -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(
            post, f"{self.address}/api/join", body, {"X-Forwarded-For": sender or self.sender}
        )

    @asynccontextmanager
    async def raw(self, receives: int = 0, **headers: str) -> AsyncIterator[ClientConnection]:
        """A WebSocket without a page's manners; its network connection takes so many bytes ahead."""
        place = urlsplit(self.address)
        line = socket.socket()
        if receives:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        line.connect((place.hostname, place.port))
        line.setblocking(False)
        async with websockets.connect(
            f"ws://{place.netloc}/api/room",
            additional_headers={"X-Forwarded-For": self.sender} | headers,
            sock=line,
            max_queue=4,
            close_timeout=0.1,
            compression=None,
        ) as connection:
            yield connection

    @asynccontextmanager
    async def raw_guest(self, **headers: str) -> AsyncIterator[ClientConnection]:
        """The same, let in as a guest."""
        reply = await self.visitor().join()
        async with self.raw(0, **headers) as connection:
            await connection.send(json.dumps({"token": reply["token"]}))
            assert "welcome" in str(await connection.recv())[:20]
            yield connection

    async def is_let_in(self, token: object) -> bool:
        """Whether a connection with this token is let in."""
        async with self.raw() as connection:
            await connection.send(json.dumps({"token": token}))
            try:
                return "welcome" in str(await connection.recv())[:20]
            except websockets.ConnectionClosed:
                return False

    async def leave(self) -> None:
        for visitor in self.visitors:
            await visitor.leave()


@dataclass(frozen=True)
class Attack:
    """One thing to try."""

    what: str
    happens: str
    story: Callable[[Mob], Awaitable[None]]


ATTACKS: list[Attack] = []


def attack(what: str, happens: str) -> Callable[[Callable[[Mob], Awaitable[None]]], None]:
    def add(story: Callable[[Mob], Awaitable[None]]) -> None:
        ATTACKS.append(Attack(what, happens, story))

    return add


async def is_ended(connection: ClientConnection) -> None:
    """Read until the server ends the connection, and not for being silent."""
    async with asyncio.timeout(15):
        try:
            while True:
                if PING in str(await connection.recv())[:20]:
                    await connection.send(framed(PONG))
        except websockets.ConnectionClosed:
            return


# Joining.


@attack(
    "join with what is no request: empty, not JSON, not UTF-8, wrong types, 8 000 brackets, another version",
    "400 with a sentence",
)
async def _(mob: Mob) -> None:
    good = mob.visitor().asked
    odd: list[object] = [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 8000,
        {"v": 2},
        good | {"v": 1},
        good | {"room": ""},
    ]
    odd += [good | {"push": "a b"}, good | {"secret": "short"}, good | {"label": 7}, good | {"role": "king"}]
    odd += [good | {"room": "\u202e\u0000 "}, good | {"key": ["k" * 20]}]
    for body in odd:
        status, answer = await mob.join(body)
        assert (status, answer["code"]) == (400, "bad"), body
        assert answer["error"].endswith(".")


@attack("join with a body of 50 MB", "400 after 8 kB; the server's memory does not grow by it")
async def _(mob: Mob) -> None:
    before = mob.server.memory_bytes
    place = urlsplit(mob.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(b"POST /api/join HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
    answer = asyncio.create_task(reader.readline())
    for _ in range(800):
        if answer.done():
            break
        writer.write(b"x" * 65536)
        try:
            await asyncio.wait_for(writer.drain(), 1)
        except (TimeoutError, OSError):
            break
    assert b"400" in await answer
    writer.close()
    assert mob.server.memory_bytes - before < 20_000_000


@attack("join with a body that never comes", "400 after 10 s")
async def _(mob: Mob) -> None:
    place = urlsplit(mob.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(b"POST /api/join HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    assert b"400" in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


@attack("join 100 times at once from one address", "60 are answered, the others get 429")
async def _(mob: Mob) -> None:
    body = mob.visitor().asked
    codes = [status for status, _ in await asyncio.gather(*(mob.join(body) for _ in range(100)))]
    assert 60 <= codes.count(200) <= 70
    assert codes.count(200) + codes.count(429) == 100


@attack("join from 150 addresses of one network of IPv6 (/64) at once", "they count as one address")
async def _(mob: Mob) -> None:
    body = mob.visitor().asked
    joins = (mob.join(body, f"2001:db8:0:1::{number:x}") for number in range(1, 151))
    codes = [status for status, _ in await asyncio.gather(*joins)]
    assert 60 <= codes.count(200) <= 80
    assert codes.count(200) + codes.count(429) == 150
    assert (await mob.join(body, "2001:db8:0:2::1"))[0] == 200


@attack("direct a room without its key, or with another", "403")
async def _(mob: Mob) -> None:
    await mob.victims()
    for key in ("", "short", OTHER_KEY, mob.key + "x"):
        answer = await mob.visitor(Role.DIRECTOR, key=key).join()
        assert (answer["status"], answer["code"]) == (403, "key")


@attack(
    "an invitation that is forged (no signature, another secret), run out, of another room, or a session's token",
    "403",
)
async def _(mob: Mob) -> None:
    director, _ = await mob.victims()
    mine = await mob.visitor(Role.DIRECTOR, room="mine" + mob.room, key=OTHER_KEY).join()
    claim = Invitation(mob.room, Claim("k", 1))
    said = {"aud": "invite", "exp": 9_999_999_999, "room": mob.room, "key_id": "k", "opened_ms": 1}
    invites = [
        jwt.encode(said, None, "none"),
        Tokens(b"f" * 40).invitation(claim),
        Tokens(SECRET, lambda: 1.0).invitation(claim),
        str(mine["invite"]),
        str(director.reply["token"]),
        "x",
    ]
    for invite in invites:
        answer = await mob.visitor(invite=invite).join()
        assert (answer["status"], answer["code"]) == (403, "invite")


@attack(
    "a page of another origin joins, or connects", "403; no such page reaches a room through its visitors"
)
async def _(mob: Mob) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"):
        request = urllib.request.Request(f"{mob.address}/api/join", b"{}", {"Origin": origin})
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(urllib.request.urlopen, request)
        refused.value.close()
        assert refused.value.code == 403
        with pytest.raises(websockets.InvalidStatus) as denied:
            async with mob.raw(Origin=origin):
                pass
        assert denied.value.response.status_code == 403
    async with mob.raw(Origin=mob.address):
        pass


@attack("ask for a uid that is somebody else's", "another uid is given: one follows from the page's secret")
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    for uid in (guest.uid, director.uid):
        assert (await mob.visitor(push=uid).join())["uid"] != uid


# Connecting.


@attack(
    "connect with no token, a forged one (no signature, another secret), one that has run out, an invitation",
    "refused",
)
async def _(mob: Mob) -> None:
    director, _ = await mob.victims()
    session = SessionClaims(mob.room, Role.DIRECTOR, "x", claim=Claim(str(director.reply["key_id"]), 1))
    said = {"aud": "session", "exp": 9_999_999_999, "room": mob.room, "role": "director", "uid": "x"}
    tokens: list[object] = [
        None, "", 7, {"token": 1}, "a.b.c", str(director.reply["invite"]),
        jwt.encode(said, None, "none"),
        Tokens(b"f" * 40).session(session),
        Tokens(SECRET, lambda: 1.0).session(session),
    ]  # fmt: skip
    for token in tokens:
        assert not await mob.is_let_in(token), token


@attack("connect a second time with a token that was seen on its way", "refused; the one it was for stays")
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    assert not await mob.is_let_in(guest.reply["token"])
    assert await guest.say(GuestState("Ada", bytes=3)) == ""
    await director.hears(GuestState("Ada", bytes=3))


@attack("change what a token says (role, room, uid)", "refused: the signature does not fit")
async def _(mob: Mob) -> None:
    token = str((await mob.visitor().join())["token"])
    head, said, signature = token.split(".")
    plain = json.loads(_decoded(said))
    for change in ({"role": "director"}, {"room": "other"}, {"uid": "ada"}):
        changed = urlsplit(urlsafe_b64encode(json.dumps(plain | change).encode()).decode()).path.rstrip("=")
        assert not await mob.is_let_in(f"{head}.{changed}.{signature}")
    assert await mob.is_let_in(token)


@attack(
    "connect 100 times at once from one address",
    "60 are let through, then two a second, 200 at a time; the others get 403",
)
async def _(mob: Mob) -> None:
    async def come() -> bool:
        try:
            async with mob.raw() as connection:
                await is_ended(connection)  # as a stranger
                return True
        except websockets.InvalidStatus as refused:
            assert refused.response.status_code == 403
            return False

    there = await asyncio.gather(*(come() for _ in range(100)))
    assert 60 <= sum(there) <= 75


@attack("a connection that says nothing", "ended after 15 s")
async def _(mob: Mob) -> None:
    async with mob.raw() as connection:
        await is_ended(connection)


@attack("HTTP where a WebSocket is expected, a WebSocket where there is none", "404 or 403")
async def _(mob: Mob) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(urllib.request.urlopen, f"{mob.address}/api/room")
    refused.value.close()
    assert refused.value.code == 404
    for path in ("/", "/api/join", "/static/boot.js", "/socket.io/?EIO=4&transport=websocket"):
        with pytest.raises(websockets.InvalidStatus) as denied:
            await websockets.connect(f"ws://{urlsplit(mob.address).netloc}{path}")
        assert denied.value.response.status_code == 403


@attack(
    "what is no HTTP, no handshake of a WebSocket, no text in UTF-8",
    "400 or 405 with every security header; the connection is ended, no trace in the log",
)
async def _(mob: Mob) -> None:
    place = urlsplit(mob.address)
    handshake = (
        f"GET /api/room HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2V5IG9mIDE2IG9jdGV0cw==\r\n\r\n"
    )
    for said in (
        "\x00\x01\x02\r\n\r\n",
        "GET\r\n\r\n",
        handshake.replace("Version: 13", "Version: 12"),
        handshake.replace("Sec-WebSocket-Key", "X"),
        handshake.replace("GET", "POST"),
    ):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(said.encode())
        head, _, _ = (await asyncio.wait_for(reader.read(), 10)).decode().partition("\r\n\r\n")
        writer.close()
        assert head[:13] in ("HTTP/1.1 400 ", "HTTP/1.1 405 "), said
        assert [name for name in SECURITY_HEADERS if f"\r\n{name}: " not in head] == [], said
    async with mob.raw() as connection:
        await connection.send(b"\xff\xfe", text=True)
        await is_ended(connection)


@attack("a connection that begins with anything but its token", "ended at the first frame")
async def _(mob: Mob) -> None:
    for first in ("", "{", "[]", '{"token":7}', '{"event":"state","n":1,"v":2}', b"\x00" * 100, "x" * 20_000):
        async with mob.raw() as connection:
            await connection.send(first)
            await is_ended(connection)


# Once inside.


def dearest() -> str:
    """The frame that takes a server longest to read."""
    parts = [{"number": number, "file": "part.webm", "reason": "x" * 20} for number in range(500)]
    take = {"id": "1", "number": 1, "name": "x", "started_at_ms": 1, "state": "finished", "parts": parts}
    return framed("take", plain_json({"v": 2, "take": take}), 1)


async def flood_on(mob: Mob, connections: int, enough: asyncio.Event) -> None:
    """So many connections of one address say the dearest, four times a second each, and read what is answered."""
    await mob.victims()
    frame = dearest()

    async def flood() -> None:
        async with mob.raw_guest() as connection:
            while not enough.is_set():
                await connection.send(frame)
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.25):
                        while True:
                            await connection.recv()

    await asyncio.gather(*(flood() for _ in range(connections)))


@attack("a guest says what only a director or the server says", "refused with a sentence, handed to nobody")
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    eve = await mob.visitor().come()
    assert await eve.say(Command(guest.uid, "c", CommandKind.START)) == "A guest does not say that."
    assert await eve.say(Command(guest.uid, "c", CommandKind.REMOVE)) == "A guest does not say that."
    assert await eve.say(Joined(Member("boss", Role.DIRECTOR))) == "There is no such message."
    assert not any(isinstance(one, Command) for one, _ in guest.heard)
    assert not any(isinstance(one, Joined) and one.member.uid == "boss" for one, _ in director.heard)


@attack("a message that names another sender", "the server's word stands: who it came from")
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    eve = await mob.visitor().come()
    forged = encode(GuestState("Eve", bytes=66), Sender(guest.uid, Role.DIRECTOR, "k"))
    for text in (forged, forged + " \n ", forged.replace(",", ",\n", 1)):
        director.heard.clear()
        assert await eve.call("state", text) == ""
        sender = await director.hears(GuestState("Eve", bytes=66))
        assert sender is not None
        assert (sender.uid, sender.role) == (eve.uid, Role.GUEST)


@attack("a director of another room names this room's uids", "“Nobody of this name is in the room.”")
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    eve = await mob.visitor(Role.DIRECTOR, room="mine" + mob.room, key=OTHER_KEY).come()
    for message in (
        Command(guest.uid, "c", CommandKind.STOP),
        Signal(director.uid, "s", Description("offer", "v=0")),
    ):
        assert await eve.say(message) == "Nobody of this name is in the room."
    assert not any(isinstance(one, Command | Signal) for one, _ in [*guest.heard, *director.heard])


@attack(
    "messages that are not right: no text, no JSON, wrong types, 9 000 brackets, 40 001 characters, unknown names",
    "each is refused with a sentence, and none handed on",
)
async def _(mob: Mob) -> None:
    director, guest = await mob.victims()
    eve = await mob.visitor(label="Eve").come()
    await director.hears(Joined(Member(eve.uid, Role.GUEST, "Eve")))
    before = len(director.heard)
    to: dict[str, object] = {"v": 2, "to": guest.uid}
    odd: list[tuple[str, str]] = [
        ("state", "{}"), ("state", "{7}"), ("state", '{"v":1}'), ("state", "{"), ("state", '{"v":2'),
        ("state", "{" + "[" * 9000), ("state", '{"v":1}'), ("state", '{"v":2,"level":101}'),
        ("state", "{" + "x" * MAX_MESSAGE), ("state", '{"v":2,"fps":NaN}'), ("state", '{"v":2,"bytes":1e999}'),
        ("state", '{"v":2,"take_id":"\\ud800"}'), ("welcome", '{"v":2}'), ("nothing", "{}"), ("connect", "{}"),
        ("take", '{"v":2,"take":[]}'), ("done", '{"said":""}'), ("ping", "{}"),
        ("signal", json.dumps(to)), ("signal", json.dumps(to | {"description": {"type": "offer", "sdp": 7}})),
        ("signal", json.dumps(to | {"candidate": {"candidate": "x" * 1001}})),
    ]  # fmt: skip
    for event, text in odd:
        assert (await eve.call(event, text)).endswith("."), (event, text)
    assert len(director.heard) == before
    assert eve.connected


@attack(
    "binary frames, frames that are no JSON, no object, without event or number, in another order",
    "the connection is ended at the first",
)
async def _(mob: Mob) -> None:
    frames: list[str | bytes] = [
        b"\x00" * 1000, b'{"event":"state","n":1,"v":2}', "", "x" * 1000, "[]", "{}", "[[[[[[", '{"event":"state"}',
        '{"n":1,"event":"state","v":2}', '{"event":"state","n":-1,"v":2}', '{"event":"state","n":"1","v":2}',
        '{"event":"state","n":1e9,"v":2}', '{"event":"state","n":' + "9" * 200 + ',"v":2}',
        ' {"event":"state","n":1}',
        '{"event":"' + "x" * 5000 + '","n":1}', '{"event":"*","n":1}', '{"event":"state","n":1}x', '42["state","{}"]',
    ]  # fmt: skip
    for frame in frames:
        async with mob.raw_guest() as connection:
            await connection.send(frame)
            await is_ended(connection)


@attack(
    "questions for the time of 156 kB each, and what is not JSON in them",
    "the connection is ended at the first",
)
async def _(mob: Mob) -> None:
    for question in (
        framed("clock", '{"x":"' + "1" * 156_000 + '"}', 1),
        framed("clock", "{" + "x" * 200, 1),
    ):
        async with mob.raw_guest() as connection:
            await connection.send(question)
            await is_ended(connection)
    async with mob.raw_guest() as connection:
        await connection.send(framed("clock", "{}", 7))
        assert str(await connection.recv()).startswith('{"event":"done","n":7,"said":"1')


@attack("a WebSocket message of more than 161 kB, or of 40 MB", "the connection is ended")
async def _(mob: Mob) -> None:
    before = mob.server.memory_bytes
    for size in (MAX_FRAME + 1000, 40_000_000):
        async with mob.raw_guest() as connection:
            try:
                await connection.send(framed("state", '{"v":2,"x":"' + "x" * size + '"}', 1))
            except websockets.ConnectionClosed:
                continue
            await is_ended(connection)
    assert mob.server.memory_bytes - before < 20_000_000


@attack(
    f"{FLOOD:,} messages as fast as they go".replace(",", " "),
    "a hundred are handed on, fewer where the server has no time for them, two hundred refused, then it is ended",
)
async def _(mob: Mob) -> None:
    director, _ = await mob.victims()
    eve = await mob.visitor(label="Eve").come()
    frame = framed("state", encode(GuestState("Eve")), 1)
    try:
        for _ in range(FLOOD):
            await eve.send(frame)
    except websockets.ConnectionClosed:
        pass
    await eve.until(lambda: not eve.connected)
    await director.hears(Away(eve.uid))
    heard = sum(1 for _, sender in director.heard if sender and sender.uid == eve.uid)
    # On an idle machine a hundred (test_rooms has that with time to spare), and twenty for each second that it took.
    assert 10 <= heard <= 130


@attack(
    "the same without reading, malformed, on ten connections at once",
    "each is ended after a few hundred",
)
async def _(mob: Mob) -> None:
    async def flood() -> None:
        async with mob.raw_guest() as connection:
            try:
                for _ in range(FLOOD // 10):
                    await connection.send('{"event":"state","n":1,"v":')
                await is_ended(connection)
            except websockets.ConnectionClosed:
                pass

    await asyncio.gather(*(flood() for _ in range(10)))


@attack("large messages, as many as the limit of messages allows", "500 kB at once, then 50 kB a second")
async def _(mob: Mob) -> None:
    _, guest = await mob.victims()
    eve = await mob.visitor().come()
    signal = Signal(guest.uid, "s", Description("answer", "x" * 29_000))
    answers = [await eve.say(signal) for _ in range(30)]
    assert 16 <= answers.count("") <= 20
    assert set(answers) == {"", "Too many messages; wait a moment."}


@attack("an offer to connect with each message", "ten to one member are handed on, then one in two seconds")
async def _(mob: Mob) -> None:
    _, guest = await mob.victims()
    eve = await mob.visitor().come()
    answers = [await eve.say(Signal(guest.uid, f"s{n}", Description("offer", "v=0"))) for n in range(50)]
    assert 10 <= answers.count("") <= 13


@attack(
    "the dearest messages there are (takes of 500 parts), twelve at once on forty connections of one address",
    "read while that takes little of the server's time; the others are refused unread",
)
async def _(mob: Mob) -> None:
    await mob.victims()
    frame = dearest()

    async def flood() -> int:
        async with mob.raw_guest() as connection:
            for _ in range(12):
                await connection.send(frame)
            answers: list[str] = []
            while len(answers) < 12:
                said = str(await connection.recv())
                answers += [said] if said.startswith('{"event":"done"') else []
            return sum("Too many" in answer for answer in answers)

    refused = sum(await asyncio.gather(*(flood() for _ in range(40))))
    assert refused > 240


@attack("a new name with each message", "five are told, then one in five seconds")
async def _(mob: Mob) -> None:
    director, _ = await mob.victims()
    eve = await mob.visitor(label="Eve").come()
    before = sum(isinstance(one, Joined) for one, _ in director.heard)
    for number in range(50):
        assert await eve.say(GuestState(f"Eve {number}")) == ""
    await director.hears(GuestState("Eve 49"))
    assert 5 <= sum(isinstance(one, Joined) for one, _ in director.heard) - before <= 7


@attack(
    "a member who reads nothing while others in the room talk to them",
    "let go when two million characters wait, or after 20 s; the server's memory does not grow",
)
async def _(mob: Mob) -> None:
    await mob.victims()
    before = mob.server.memory_bytes
    reply = await mob.visitor(sender="203.0.113.200").join()
    async with mob.raw(receives=4096) as deaf:
        await deaf.send(json.dumps({"token": reply["token"]}))
        others = [await mob.visitor(sender=f"203.0.113.{201 + n % 10}").come() for n in range(12)]
        signal = Signal(str(reply["uid"]), "s", Description("answer", "x" * 29_000))
        deaf.transport.pause_reading()

        async def talk(other: Visitor) -> bool:
            async with asyncio.timeout(20):
                while True:
                    said = await other.say(signal)
                    if said and not said.startswith("Too many"):
                        return "gone" in said or "Nobody" in said
                    await asyncio.sleep(0.05)

        assert all(await asyncio.gather(*map(talk, others)))
        deaf.transport.resume_reading()
    assert mob.server.memory_bytes - before < 60_000_000


@attack("pings of the WebSocket protocol, as fast as they go, for two seconds", "answered; nobody else waits")
async def _(mob: Mob) -> None:
    async with mob.raw_guest() as connection:
        until = asyncio.get_running_loop().time() + 2
        while asyncio.get_running_loop().time() < until:
            for _ in range(100):
                connection.protocol.send_ping(b"")
            connection.transport.write(b"".join(connection.protocol.data_to_send()))
            await asyncio.sleep(0.01)


@attack(
    "a guest who was removed comes back", "403 for ten minutes, for this page; another page is another guest"
)
async def _(mob: Mob) -> None:
    director, _ = await mob.victims()
    eve = await mob.visitor().come()
    assert await director.say(Command(eve.uid, "c", CommandKind.REMOVE)) == ""
    await eve.until(lambda: not eve.connected)
    assert (await eve.join())["code"] == "removed"
    assert not await mob.is_let_in(eve.reply.get("token", ""))


@attack(
    "an answer or a signal to nobody, to oneself, to the wrong role", "refused with a sentence, or to oneself"
)
async def _(mob: Mob) -> None:
    _, guest = await mob.victims()
    eve = await mob.visitor().come()
    assert await eve.say(Answer(guest.uid, "c", True)) == "Nobody of this name is in the room."
    assert await eve.say(Answer("nobody", "c", True)) == "Nobody of this name is in the room."
    assert await eve.say(Signal(eve.uid, "s", Description("offer", ""))) == ""


def _decoded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def table() -> str:
    """The table of `docs/security.md`."""
    rows = [f"| {one.what} | {one.happens} |" for one in ATTACKS]
    return "\n".join(["| tried | what happens |", "|---|---|", *rows]) + "\n"


__all__ = ["ATTACKS", "Attack", "Mob", "flood_on", "table"]
