"""The server's small parts, each by itself."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import socket
import stat
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope

from rolltape.room.frames import PING, PONG, framed
from rolltape.room.messages import IceServer, Role
from rolltape.server.admission import address_of, is_foreign
from rolltape.server.limits import BucketRate, Limiter, Limits
from rolltape.server.line import MAX_WAITING, QUIET_LOOKS, Line, Over
from rolltape.server.log import JsonLines, RepeatFilter, room_mark
from rolltape.server.metrics import Metrics
from rolltape.server.ownership import Claim
from rolltape.server.secret import BadSecret, default_file, given_secret, load_secret
from rolltape.server.serve import _listener
from rolltape.server.tokens import BadToken, SessionClaims, Tokens
from rolltape.server.turn import CREDENTIAL_S, Ice
from server.visitors import Clock


def test_a_relays_credential_is_what_coturn_reckons() -> None:
    ice = Ice((), ("turn:a", "turns:a"), b"north")

    (server,) = ice.servers("ada", 1000.9)

    name = f"{1000 + CREDENTIAL_S}:ada"
    digest = hmac.new(b"north", name.encode(), hashlib.sha1).digest()
    assert server == IceServer(("turn:a", "turns:a"), name, b64encode(digest).decode())
    assert "north" not in repr(ice)
    assert Ice().servers("ada", 0) == ()


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = default_file({"XDG_STATE_HOME": str(tmp_path / "state")})

    made = load_secret(path)

    assert len(made) >= 32
    assert load_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert default_file({}).name == "secret"


def test_a_secret_that_anybody_could_guess_is_not_used(tmp_path: Path) -> None:
    short = tmp_path / "secret"
    short.write_text("short")

    for load in (lambda: load_secret(short), lambda: given_secret({"ROLLTAPE_SECRET": "short"})):
        with pytest.raises(BadSecret, match="too short"):
            load()  # type: ignore[no-untyped-call]
    assert given_secret({"ROLLTAPE_SECRET": "x" * 32}) == b"x" * 32
    assert given_secret({}) is None


def test_a_token_says_what_it_was_given_until_it_runs_out() -> None:
    clock = Clock()
    session = SessionClaims("stüdio", Role.GUEST, "ada", "Ädä", False, Claim("k", 7, 9))
    tokens = Tokens(b"s" * 40, clock)
    token = tokens.session(session)

    assert tokens.read_session(token) == session
    clock.turn(599)
    assert tokens.read_session(token) == session
    clock.turn(2)
    with pytest.raises(BadToken):
        tokens.read_session(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\ud800.a.b", "é.é.é", "\0", "." * 4000])
def test_what_is_no_token_is_a_bad_one(token: str) -> None:
    tokens = Tokens(b"s" * 40)

    for read in (tokens.read_session, tokens.read_invitation, tokens.read_upload, tokens.read_ticket):
        with pytest.raises(BadToken):
            read(token)


def test_a_bucket_fills_again() -> None:
    clock = Clock()
    limiter = Limiter(BucketRate(2, 3), clock)

    assert [limiter.allows("a") for _ in range(5)] == [True, True, True, False, False]
    assert limiter.allows("b", 3)
    assert not limiter.allows("b", 3)
    clock.turn(1)
    assert [limiter.allows("a") for _ in range(3)] == [True, True, False]


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolltape.server.limits.KEPT", 100)
    clock = Clock()
    limiter = Limiter(BucketRate(1, 1), clock)

    for number in range(10_000):
        limiter.allows(str(number))
        clock.turn(0.1)

    assert len(limiter._buckets) <= 101
    assert not limiter.allows("9999")  # who asked last is not forgotten
    assert Limits.for_addresses(200) == Limits()


class Wire:
    """A WebSocket whose other end takes what the test lets it take."""

    def __init__(self, **limits: Any) -> None:
        self.sent: list[str] = []
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.clock = Clock()
        self.line = Line("203.0.113.1", self.said.get, self.send, Limits(**limits), self.clock)

    async def send(self, message: Any) -> None:
        await self.takes.wait()
        self.sent.append(str(message.get("text", message["type"])))

    def say(self, text: str | bytes) -> None:
        self.said.put_nowait(
            {"type": "websocket.receive", "text" if isinstance(text, str) else "bytes": text}
        )


def test_who_does_not_read_is_let_go_and_not_waited_for() -> None:
    async def story() -> None:
        wire = Wire()
        for number in range(3):
            wire.line.say(str(number) + "x" * (MAX_WAITING // 4))
        hearing = asyncio.create_task(wire.line.hear())
        await asyncio.sleep(0)
        for _ in range(3):
            wire.line.say("x" * (MAX_WAITING // 4))

        with pytest.raises(Over, match="deaf"):
            await hearing
        with pytest.raises(Over, match="deaf"):
            await wire.line.hear()
        assert not wire.line._waiting
        wire.takes.set()
        wire.line.say("more")
        await wire.line.close()
        assert len(wire.sent) == 2 and wire.sent[-1] == "websocket.close"

    asyncio.run(story())


def test_what_is_told_arrives_in_order_however_fast_it_is_told() -> None:
    async def story() -> None:
        wire = Wire()
        wire.takes.set()
        for number in range(100):
            wire.line.say(str(number))
            if number % 7 == 0:
                await asyncio.sleep(0)
        await wire.line.close()

        assert wire.sent == [*map(str, range(100)), "websocket.close"]

    asyncio.run(story())


def test_a_page_that_is_silent_is_asked_and_let_go_if_it_does_not_answer() -> None:
    async def story() -> None:
        wire = Wire()
        wire.takes.set()
        for _ in range(2 * QUIET_LOOKS):
            wire.line.look()
        wire.say(framed(PONG))
        assert await wire.line.hear() == framed(PONG)
        await asyncio.sleep(0)
        assert wire.sent == [framed(PING)]

        for _ in range(2 * QUIET_LOOKS + 1):
            wire.line.look()
        with pytest.raises(Over, match="silent"):
            await wire.line.hear()

    asyncio.run(story())


def test_a_page_that_takes_nothing_is_let_go_and_one_that_takes_a_frame_now_and_then_is_not() -> None:
    async def story() -> None:
        wire = Wire(unread_s=3.0)
        for number in range(5):
            wire.line.say(str(number))
            wire.say("still here")
            assert await wire.line.hear() == "still here"
            for _ in range(3):
                wire.line.look()
            wire.takes.set()
            await asyncio.sleep(0)
            wire.takes.clear()
            await asyncio.sleep(0)
        assert wire.sent == ["0", "1", "2", "3", "4"]

        wire.line.say("more")
        await asyncio.sleep(0)
        for _ in range(4):
            wire.line.look()
        with pytest.raises(Over, match="deaf"):
            await wire.line.hear(1.0)
        wire.takes.set()
        await wire.line.close()

    asyncio.run(story())


def test_nobody_is_silent_while_the_server_stands_still() -> None:
    async def story() -> None:
        wire = Wire()
        wire.line.look()
        wire.say("a word that waits meanwhile")
        wire.clock.turn(60)
        wire.line.look()
        assert await wire.line.hear() == "a word that waits meanwhile"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("said", "why"), [([b"x"], "not_spoken_here"), (["x"] * 30, "flood"), (["x" * 90_000] * 20, "flood")]
)
def test_what_no_page_of_ours_does_ends_a_connection(said: list[str | bytes], why: str) -> None:
    async def story() -> None:
        wire = Wire(frames=BucketRate(1, 25))
        for one in said:
            wire.say(one)
        with pytest.raises(Over, match=why) as over:
            while True:
                await wire.line.hear()
        assert over.value.hostile

    asyncio.run(asyncio.wait_for(story(), 5))


def test_what_was_done_is_owed() -> None:
    clock = Clock()
    limiter = Limiter(BucketRate(1, 3), clock)
    limiter.spend("a", 5)

    assert not limiter.allows("a", 0)
    assert limiter.allows("b", 3)
    clock.turn(2)
    assert limiter.allows("a", 0) and not limiter.allows("a")


def test_small_messages_do_not_wait_for_one_another() -> None:
    with _listener("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()

        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("origin", "host", "foreign"),
    [
        (None, "a.example", False),
        ("https://a.example", "a.example", False),
        ("https://a.example", "a.example:443", False),
        ("https://A.example:443", "a.example", False),
        ("http://localhost:8000", "localhost:8000", False),
        ("http://[::1]:8000", "[::1]:8000", False),
        ("http://localhost:8001", "localhost:8000", True),
        ("https://a.example.evil", "a.example", True),
        ("https://evil/a.example", "a.example", True),
        ("null", "a.example", True),
        ("", "a.example", True),
        ("http://[", "a.example", True),
    ],
)
def test_pages_of_other_origins_are_known(origin: str | None, host: str, foreign: bool) -> None:
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    scope: Scope = {"type": "websocket", "headers": headers}

    assert is_foreign(scope) is foreign


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
    ],
)
def test_a_network_of_ipv6_is_one_address(address: str, counted: str) -> None:
    assert address_of({"type": "http", "client": (address, 1)}) == counted
    assert address_of({"type": "http", "client": None}) == ""


def test_a_line_of_the_log_is_json_with_what_was_given() -> None:
    record = logging.getLogger("x").makeRecord(
        "x", logging.INFO, "f", 1, "Some “body”\nis in.", (), None, None, {"room": room_mark("studio")}
    )

    said = json.loads(JsonLines().format(record))

    assert (said["level"], said["what"], said["room"]) == ("info", "Some “body”\nis in.", room_mark("studio"))
    assert "studio" not in said["room"]
    assert "\n" not in JsonLines().format(record)


def test_a_flood_of_mistakes_is_no_flood_of_lines() -> None:
    repeats = RepeatFilter(a_minute=2)
    records = [logging.makeLogRecord({"name": "x", "msg": "odd", "created": 60.0}) for _ in range(5)]

    assert [repeats.filter(one) for one in records] == [True, True, False, False, False]
    assert repeats.filter(logging.makeLogRecord({"name": "x", "msg": "other", "created": 60.0}))
    assert repeats.filter(logging.makeLogRecord({"name": "x", "msg": "odd", "created": 120.0}))


def test_figures_are_in_prometheus_format() -> None:
    metrics = Metrics()
    metrics.joined("ok")
    metrics.message("state")
    metrics.message("state")
    metrics.refused("flood")

    text = metrics.text({"connections": 3})

    assert "# TYPE rolltape_connections gauge\nrolltape_connections 3\n" in text
    assert 'rolltape_messages_total{what="state"} 2\n' in text
    assert 'rolltape_refused_total{what="flood"} 1\n' in text
