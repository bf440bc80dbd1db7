"""The connection to a room's server, by socket.io-client: joined anew before each, tried until it holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from js import URL, AbortSignal, console, document, fetch
from pyodide.ffi import JsException, create_proxy, to_js

from rolltape.arrivals.wire import UploadOffer
from rolltape.browser.interop import member
from rolltape.core.errors import RolltapeError, Unsupported
from rolltape.core.json_fields import Fields
from rolltape.room.client import IceServer, JoinReply, JoinRequest, RoomClient, RoomError
from rolltape.room.messages import VERSION

MODULE = "static/vendor/socketio/socket.io.esm.min.js"
ANSWER_TIMEOUT_MS = 5000
JOIN_TIMEOUT_MS = 8000
RETRY_S = 1.0
OPTIONS = {
    "transports": ["websocket"],
    "autoConnect": False,
    "reconnectionDelay": 400,
    "reconnectionDelayMax": 2000,
    "timeout": 6000,
}
FINAL = frozenset({"bad", "key", "invite", "removed", "no rooms"})
"""Refusals that another try does not change."""

NO_SERVER = (404, 405, 501)
"""What a static host answers; a server that is being restarted answers otherwise, or not at all."""


class SocketLine:
    """One page's connection (`room_client.RoomLine`)."""

    def __init__(self) -> None:
        self._socket: Any = None
        self._proxies: list[Any] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._reply: JoinReply | None = None
        """What opens the next connection, if it is known already."""

    async def open(self, request: JoinRequest, client: RoomClient) -> None:
        """Connect and stay connected. Raises Unsupported where there is no server for rooms."""
        self._request, self._client = request, client
        try:
            library = await _load()
        except JsException as error:
            raise Unsupported("This page was served without rooms.", str(error)) from None
        path = URL.new("socket.io/", document.baseURI).pathname
        auth = self._proxy(self._on_auth)
        self._socket = library.io(
            URL.new(".", document.baseURI).origin, to_js(OPTIONS | {"path": path, "auth": auth})
        )
        for event, handler in (
            ("connect_error", self._on_connect_error),
            ("disconnect", self._on_disconnect),
        ):
            self._socket.on(event, self._proxy(handler))
        self._socket.onAny(self._proxy(self._on_event))
        # socket.io asks for what opens a connection once it has one, which a host without rooms never gives.
        self._reply = await self._let_in()
        if not self._closed:
            self._socket.connect()

    async def send(self, kind: str, text: str) -> str:
        """Hand a message over; empty, or why it was not handed on."""
        try:
            return str(await self._socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(kind, text))
        except JsException as error:
            raise RoomError("The room's server did not answer.", str(error)) from None

    def say(self, kind: str, text: str) -> None:
        """Hand a message over at once, without hearing what became of it."""
        self._socket.emit(kind, text)

    async def server_ms(self) -> float:
        """The server's clock, milliseconds since 1970. Raises RoomError."""
        return float(await self.send("clock", ""))

    def close(self) -> None:
        """Leave, and free everything."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            self._socket.offAny()
            self._socket.removeAllListeners()
            self._socket.disconnect()
        # One of them may be running right now.
        asyncio.get_running_loop().call_soon(self._free)

    def _free(self) -> None:
        while self._proxies:
            self._proxies.pop().destroy()

    def _proxy(self, handler: Callable[..., None]) -> Any:
        proxy = create_proxy(handler)
        self._proxies.append(proxy)
        return proxy

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_auth(self, give: Callable[[Any], None]) -> None:
        """Before each connection socket.io asks for what opens it: a fresh token."""
        self._spawn(self._authorise(give))

    async def _authorise(self, give: Callable[[Any], None]) -> None:
        reply, self._reply = self._reply or await self._let_in(), None
        if reply is not None:
            self._client.joined(reply)
        if not self._closed:
            # Without a token the connection will fail too, and is tried again.
            give(to_js({"token": reply.token if reply else ""}))

    async def _let_in(self) -> JoinReply | None:
        """Ask to be let in; None, and closed where another try would change nothing."""
        try:
            return await join(self._request)
        except RoomError as error:
            if error.detail in FINAL:
                self.close()
                self._client.closed(error.sentence)
            return None

    def _on_event(self, kind: str, text: object, *_: object) -> None:
        try:
            self._client.received(kind, str(text))
        except RolltapeError as error:
            console.warn(f"A message was left aside. {error.sentence}")

    def _on_disconnect(self, reason: str, *_: object) -> None:
        self._client.disconnected()
        if reason == "io server disconnect":
            self._spawn(self._connect_again())

    def _on_connect_error(self, error: Any, *_: object) -> None:
        console.info(f"The room is not reached: {error.message}")
        if not self._socket.active:  # refused by the server, so socket.io does not try again by itself
            self._spawn(self._connect_again())

    async def _connect_again(self) -> None:
        await asyncio.sleep(RETRY_S)
        if not self._closed:
            self._socket.connect()


async def _load() -> Any:
    """The client library, from our own origin."""
    from _pyscript import js_import

    (module,) = await js_import(URL.new(MODULE, document.baseURI).href)
    return module


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
        raise RoomError("The room's server cannot be reached.", f"offline: {error}") from None
    if answer.status in NO_SERVER:
        raise RoomError(
            "This page was served without rooms: nobody can be seen or directed here.", "no rooms"
        )
    try:
        said = Fields.from_json(text)
        if not member(answer, "ok"):
            raise RoomError(said.text("error", limit=500), said.text("code", limit=40))
        return _reply(said)
    except ValueError as error:
        raise RoomError("The room's server gave no right answer.", f"odd: {error}") from None


def _reply(said: Fields) -> JoinReply:
    servers = tuple(
        IceServer(tuple(one.texts("urls")), one.text("username", ""), one.text("credential", ""))
        for one in said.rows("ice_servers", 20)
    )
    offered = said.inner_or_none("upload")
    return JoinReply(
        said.text("token", limit=4000),
        said.text("uid", limit=64),
        said.text("key_id", "", 64),
        said.text("invite", "", 4000),
        servers,
        None if offered is None else UploadOffer.from_fields(offered),
    )
