"""Visitors of a room's server, and a server in the same process to visit."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from rolltape.room.client import new_secret
from rolltape.room.frames import ANSWER, PING, PONG, framed, unframed
from rolltape.room.messages import VERSION, Message, Role, Sender, Welcome
from rolltape.room.wire import decode, encode, kind_of, sender_of
from rolltape.server.app import create_app
from rolltape.server.rooms import MAX_FRAME, Rooms, RoomsOptions
from rolltape.server.serve import PAGE
from rolltape.server.store import RoomStore

SECRET = b"s" * 40
KEY, OTHER_KEY = "k" * 22, "o" * 22


class Visitor:
    """Somebody's page, as far as a server sees one."""

    def __init__(
        self, address: str, role: Role = Role.GUEST, room: str = "studio", sender: str = "", **more: str
    ) -> None:
        self.address = address
        self.headers = {"X-Forwarded-For": sender} if sender else {}
        self.asked = {"v": VERSION, "room": room, "role": role, "secret": new_secret()} | more
        self.reply: dict[str, Any] = {}
        self.heard: list[tuple[Message, Sender | None]] = []
        self.texts: list[str] = []
        """Of the frames that these came in."""
        self.connected = False
        self._socket: ClientConnection | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._number = 0

    async def join(self) -> dict[str, Any]:
        status, self.reply = await asyncio.to_thread(
            post, f"{self.address}/api/join", self.asked, self.headers
        )
        return self.reply | {"status": status}

    async def come(self, token: str | None = None) -> Visitor:
        """Raises ConnectionClosed where the server does not want it."""
        if token is None:
            joined = await self.join()
            assert joined["status"] == 200, joined
        self._socket = await websockets.connect(
            f"{self.address.replace('http', 'ws', 1)}/api/room",
            additional_headers=self.headers,
            compression=None,
            close_timeout=1,
        )
        await self._socket.send(json.dumps({"token": token or self.reply["token"]}))
        self._on_text(str(await asyncio.wait_for(self._socket.recv(), 5)))
        self.connected = True
        self._hearing = asyncio.create_task(self._hear(self._socket))
        await self.until(lambda: any(isinstance(one, Welcome) for one, _ in self.heard))
        return self

    async def _hear(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._on_text(str(text))
                if PING in text[:20]:
                    await socket.send(framed(PONG))
        except websockets.ConnectionClosed:
            pass
        finally:
            self.connected = False
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("The connection is gone."))

    def _on_text(self, text: str) -> None:
        frame = unframed(text)
        assert frame is not None, text
        if frame.event == ANSWER:
            answer = self._answers.get(frame.number)
            if answer is not None and not answer.done():
                answer.set_result(json.loads(frame.text)["said"])
        elif frame.event != PING:
            message = decode(frame.event, frame.text)
            self.texts.append(text)
            self.heard.append((message, sender_of(frame.text) if '"from"' in frame.text else None))

    async def leave(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._hearing is not None:
            await self._hearing

    async def say(self, message: Message) -> str:
        return await self.call(kind_of(message), encode(message))

    async def call(self, event: str, text: str) -> str:
        """The server's answer."""
        self._number += 1
        number = self._number
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send(framed(event, text, number))
            return await asyncio.wait_for(answer, 5)
        finally:
            del self._answers[number]

    async def send(self, frame: str | bytes) -> None:
        """A frame, whatever is in it."""
        assert self._socket is not None
        await self._socket.send(frame)

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


def post(address: str, body: object, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"} | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@asynccontextmanager
async def serving(
    store: RoomStore | None = None, options: RoomsOptions | None = None
) -> AsyncIterator[tuple[str, Rooms]]:
    rooms = Rooms(SECRET, store, options)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(PAGE, rooms),
        log_level="error",
        ws_max_size=MAX_FRAME,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", rooms
    finally:
        server.should_exit = True
        await task


class Clock:
    """A clock that goes as it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def turn(self, seconds: float) -> None:
        self.now_s += seconds


class Scene:
    """A server, a director and a guest."""

    def __init__(self, address: str, rooms: Rooms) -> None:
        self.address = address
        self.rooms = rooms
        self.visitors: list[Visitor] = []
        self.invite = ""

    def visitor(self, role: Role = Role.GUEST, **more: str) -> Visitor:
        self.visitors.append(Visitor(self.address, role, **more))
        return self.visitors[-1]

    async def pair(self) -> tuple[Visitor, Visitor]:
        """A director and an invited guest."""
        director = await self.visitor(Role.DIRECTOR, key=KEY, label="Bo").come()
        self.invite = str(director.reply["invite"])
        return director, await self.guest(label="Ada").come()

    def guest(self, **more: str) -> Visitor:
        """Somebody by the room's link."""
        return self.visitor(Role.GUEST, **({"invite": self.invite} | more))


def played(
    story: Callable[[Scene], Awaitable[None]],
    store: RoomStore | None = None,
    options: RoomsOptions | None = None,
) -> None:
    async def run() -> None:
        async with serving(store, options) as (address, rooms):
            scene = Scene(address, rooms)
            try:
                await story(scene)
            finally:
                for visitor in scene.visitors:
                    await visitor.leave()

    asyncio.run(run())
