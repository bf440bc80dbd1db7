"""The connection to a room's server, a WebSocket: joined anew before each, tried until it holds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Coroutine
from dataclasses import asdict, replace
from typing import Any

from js import URL, AbortSignal, WebSocket, console, document, fetch
from pyodide.ffi import JsException, to_js

from rolltape.arrivals.wire import UploadOffer
from rolltape.browser.interop import Listeners, member
from rolltape.core.errors import RolltapeError, Unsupported
from rolltape.core.json_fields import Fields
from rolltape.room.client import JoinReply, JoinRequest, RoomClient, RoomError
from rolltape.room.frames import ANSWER, CLOCK, PING, PONG, Frame, framed, unframed
from rolltape.room.messages import VERSION
from rolltape.room.wire import ice_servers_of

NOT_REACHED = "The room's server cannot be reached."
NO_RIGHT_ANSWER = "The room's server gave no right answer."
ANSWER_TIMEOUT_S = 5.0
JOIN_TIMEOUT_MS = 8000
CONNECT_TIMEOUT_S = 6.0
FIRST_RETRY_S, LAST_RETRY_S = 0.4, 2.0
SILENT_S = 12.0
"""The server asks each page that is silent for five seconds; a page that hears nothing for so long has lost it."""
LOOK_S = 2.0
NO_ROOMS = "no rooms"
NO_SERVER = (404, 405, 501)
"""What a static host answers; a server that is being restarted answers otherwise, or not at all."""


class SocketLine:
    """One page's connection (`client.RoomLine`)."""

    def __init__(self) -> None:
        self._socket: Any = None
        self._listeners = Listeners()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[None] | None = None
        """Of the connection that there is: done when it is gone."""
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self._heard_s = 0.0
        self._closed = False

    async def open(self, request: JoinRequest, client: RoomClient) -> None:
        """Join, then connect and stay connected. Raises Unsupported where there is no server for rooms."""
        self._request, self._client = request, client
        try:
            reply = await self._let_in()
        except RoomError as error:
            if error.detail == NO_ROOMS:
                raise Unsupported(error.sentence) from None
            self._client.refused(error)
            reply = None
        self._spawn(self._stay(reply))

    async def send(self, kind: str, text: str) -> str:
        """Hand a message over; empty, or why it was not handed on. Raises RoomError."""
        self._number += 1
        number = self._number
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            if not self._put(framed(kind, text, number)):
                raise RoomError(NOT_REACHED, "offline")
            return await asyncio.wait_for(answer, ANSWER_TIMEOUT_S)
        except TimeoutError as error:
            raise RoomError("The room's server did not answer.", str(error)) from None
        finally:
            del self._answers[number]

    def say(self, kind: str, text: str) -> None:
        """Hand a message over at once, without hearing what became of it."""
        self._number += 1
        self._put(framed(kind, text, self._number))

    def _put(self, frame: str) -> bool:
        """Hand a frame to the connection; False if it is closing, when it takes none and the browser complains."""
        is_open = self._socket is not None and self._socket.readyState == WebSocket.OPEN
        if is_open:
            self._socket.send(frame)
        return is_open

    async def server_ms(self) -> float:
        """The server's clock, milliseconds since 1970. Raises RoomError."""
        said = await self.send(CLOCK, "{}")
        try:
            return float(said)
        except ValueError:  # it is a sentence on why not
            raise RoomError(said, "refused") from None

    def close(self) -> None:
        """Leave, and free everything."""
        self._closed = True
        # One of them may be running right now.
        asyncio.get_running_loop().call_soon(self._free)

    def _free(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._hang_up()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stay(self, reply: JoinReply | None) -> None:
        """Connect, again after each interruption; each connection begins with a join."""
        pause_s = FIRST_RETRY_S
        while not self._closed:
            if reply is not None and await self._connected(reply):
                pause_s = FIRST_RETRY_S
            reply = None
            await asyncio.sleep(pause_s * random.uniform(0.75, 1.25))
            pause_s = min(2 * pause_s, LAST_RETRY_S)
            try:
                reply = await self._let_in()
            except RoomError as error:
                console.info(f"The room is not reached: {error.sentence}")
                self._client.refused(error)

    async def _let_in(self) -> JoinReply | None:
        """Ask to be let in; None, and closed where another try would change nothing. Raises RoomError."""
        if self._closed:
            return None
        try:
            return await join(replace(self._request, invite=self._client.invite or self._request.invite))
        except RoomError as error:
            if error.detail == NO_ROOMS or not self._client.is_final(error):
                raise
            self.close()
            self._client.closed(error.sentence)
            return None

    async def _connected(self, reply: JoinReply) -> bool:
        """One connection from its beginning to its end; whether it was ever there."""
        self._client.joined(reply)
        over = self._over = asyncio.get_running_loop().create_future()
        address = URL.new("api/room", document.baseURI).href.replace("http", "ws", 1)
        socket = self._socket = WebSocket.new(address)
        self._heard_s = asyncio.get_running_loop().time()
        hello = json.dumps({"token": reply.token})
        self._listeners.add(socket, "open", lambda event: socket.send(hello))
        self._listeners.add(socket, "message", lambda event: self._on_text(str(event.data)))
        self._listeners.add(socket, "close", lambda event: _done(over))
        try:
            await self._until_over(over)
        finally:
            was_there = self._client.connected
            self._hang_up()
            self._client.disconnected()
        return was_there

    async def _until_over(self, over: asyncio.Future[None]) -> None:
        """Wait until the connection ends, or nothing more is heard of it; timers of a hidden tab may be late."""
        loop = asyncio.get_running_loop()
        while not over.done():
            await asyncio.wait([over], timeout=LOOK_S)
            patience_s = SILENT_S if self._client.connected else CONNECT_TIMEOUT_S
            if loop.time() - self._heard_s > patience_s:
                return

    def _hang_up(self) -> None:
        """The connection is over: nobody waits for what it might still say."""
        gone = RoomError("The connection to the room is gone; it is being made again.", "offline")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(gone)
        if self._socket is not None:
            self._listeners.drop(self._socket)
            self._socket.close()
            self._socket = None
        if self._over is not None:
            _done(self._over)

    def _on_text(self, text: str) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        frame = unframed(text)
        if frame is None:
            console.warn("A message was left aside: it is no frame of a room's.")
        elif frame.event == PING:
            self._put(framed(PONG))
        elif frame.event == ANSWER:
            self._on_answer(frame)
        else:
            try:
                self._client.received(frame.event, frame.text)
            except RolltapeError as error:
                console.warn(f"A message was left aside. {error.sentence}")

    def _on_answer(self, frame: Frame) -> None:
        answer = self._answers.get(frame.number)
        if answer is not None and not answer.done():
            try:
                answer.set_result(Fields.from_json(frame.text).text("said"))
            except ValueError as error:
                answer.set_exception(RoomError(NO_RIGHT_ANSWER, f"odd: {error}"))


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def join(request: JoinRequest) -> JoinReply:
    """Ask to be let in (`docs/protocol.md`, Joining). Raises RoomError, its code as `detail`."""
    body = json.dumps({"v": VERSION, **asdict(request)})
    try:
        answer = await fetch(
            URL.new("api/join", document.baseURI).href,
            method="POST",
            headers=to_js({"Content-Type": "application/json"}),
            body=body,
            signal=AbortSignal.timeout(JOIN_TIMEOUT_MS),
        )
        text = str(await answer.text())
    except JsException as error:
        raise RoomError(NOT_REACHED, f"offline: {error}") from None
    if answer.status in NO_SERVER:
        raise RoomError("This page was served without rooms: nobody can be seen or directed here.", NO_ROOMS)
    try:
        said = Fields.from_json(text)
        if not member(answer, "ok"):
            raise RoomError(said.text("error", limit=500), said.text("code", limit=40))
        return _reply(said)
    except ValueError as error:
        raise RoomError(NO_RIGHT_ANSWER, f"odd: {error}") from None


def _reply(said: Fields) -> JoinReply:
    offered = said.inner_or_none("upload")
    return JoinReply(
        said.text("token", limit=4000),
        said.text("uid", limit=64),
        said.text("key_id", "", 64),
        said.text("invite", "", 4000),
        ice_servers_of(said),
        None if offered is None else UploadOffer.from_fields(offered),
    )
