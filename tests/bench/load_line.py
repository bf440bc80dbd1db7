"""A member's connection to a room, as light as a test can make one.

A thousand of a library's clients would cost more than the server they are to measure.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from rolltape.room.client import new_secret
from rolltape.room.frames import PONG, framed
from rolltape.room.messages import VERSION, Role

__all__ = ["Line", "Seat", "join"]

PATH = "/api/room"


@dataclass(frozen=True)
class Seat:
    """What `POST api/join` let somebody in with."""

    address: str
    token: str
    invite: str


def join(server: http.client.HTTPConnection, address: str, **asked: str) -> Seat:
    """Join a room as a page does; `server` is a connection to `address`."""
    wanted = {"v": VERSION, "secret": new_secret(), "role": Role.GUEST} | asked
    server.request("POST", "/api/join", json.dumps(wanted), {"Content-Type": "application/json"})
    answer = server.getresponse()
    said = json.loads(answer.read())
    assert answer.status == 200, said
    return Seat(address, said["token"], said["invite"])


class Line(asyncio.Protocol):
    """One connection; `heard` is called with each frame."""

    def __init__(self, seat: Seat, heard: Callable[[bytes], None]) -> None:
        self._seat = seat
        self._heard = heard
        self._protocol = ClientProtocol(
            parse_uri(seat.address.replace("http", "ws", 1) + PATH), max_size=None
        )
        self._transport: asyncio.WriteTransport | None = None
        self.is_over = False
        self.is_in = asyncio.Event()
        """The server has greeted it, or the connection is over."""

    @classmethod
    async def connected(cls, seat: Seat, heard: Callable[[bytes], None]) -> Line:
        """Connect, and wait for the server's welcome."""
        where = urlsplit(seat.address)
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: cls(seat, heard), where.hostname or "", where.port or 80
        )
        async with asyncio.timeout(30):
            await line.is_in.wait()
        assert not line.is_over, "The server let nobody in."
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def connection_lost(self, _: Exception | None) -> None:
        self.is_over = True
        self.is_in.set()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._read(bytes(event.data))
            if isinstance(event, Response):
                assert event.status_code == 101, event
                self.send(json.dumps({"token": self._seat.token}).encode())
        self._flush()

    def send(self, frame: bytes) -> None:
        """Send a frame, if the connection is still there."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(frame)
            self._flush()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _read(self, frame: bytes) -> None:
        if frame.startswith(b'{"event":"ping"'):
            self.send(framed(PONG).encode())
        elif frame.startswith(b'{"event":"welcome"'):
            self.is_in.set()
        else:
            self._heard(frame)

    def _flush(self) -> None:
        if self._transport is not None and not self.is_over:
            self._transport.write(b"".join(self._protocol.data_to_send()))
