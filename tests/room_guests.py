"""Guests without a browser: what a guest's page says to its room, said by a small client."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection

from rolltape.recording.take import Part, Take, TakeState
from rolltape.room.client import new_secret
from rolltape.room.frames import ANSWER, PING, PONG, framed, unframed
from rolltape.room.messages import (
    VERSION,
    Answer,
    Command,
    CommandKind,
    GuestState,
    Joined,
    Message,
    Role,
    TakeReport,
    Welcome,
)
from rolltape.room.wire import decode, encode, kind_of, sender_of
from rolltape.server.tokens import uid_of
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import parse_link

_Result = TypeVar("_Result")

STATES = {
    CommandKind.START: TakeState.RECORDING,
    CommandKind.STOP: TakeState.IDLE,
    CommandKind.PAUSE: TakeState.PAUSED,
    CommandKind.RESUME: TakeState.RECORDING,
}


class SimulatedGuest:
    """A guest who does what a director asks, at once, and says so; `obedient` False: never answers."""

    def __init__(self, link: str, label: str, loop: asyncio.AbstractEventLoop) -> None:
        parts = urlsplit(link)
        self.address = f"{parts.scheme}://{parts.netloc}"
        self.room = parse_link(f"?{parts.query}").settings.room or ""
        self.invite = read_fragment(parts.fragment).invite
        self.label = label
        self.secret = new_secret()
        self.uid = uid_of(self.secret)
        self.state = GuestState(label, can_record=True)
        self.commands: list[Command] = []
        self.obedient = True
        self.refusal = ""
        self._loop = loop
        self._client: ClientConnection | None = None
        self._hearing: asyncio.Future[None] | None = None
        self._ticking: asyncio.Task[None] | None = None

    # What tests call, from their own thread.

    def come(self) -> SimulatedGuest:
        """Join and connect; wait until the state is told."""
        self._run(self._come())
        return self

    def leave(self) -> None:
        """Break the connection off."""
        self._run(self._leave())

    def say(self, **changes: Any) -> None:
        """Change the state and tell it."""
        self.state = replace(self.state, **changes)
        self._run(self._tell(self.state))

    def report(self, take: Take) -> None:
        """Tell of a finished take."""
        self._run(self._tell(TakeReport(take)))

    def tick(self, on: bool) -> None:
        """Tell the state every second, running on while recording, or stop."""
        self._run(self._tick(on))

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        done: Future[_Result] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(20)

    # In the clients' own thread.

    async def _come(self) -> None:
        token = await asyncio.to_thread(self._join)
        welcomed = asyncio.Event()
        self._client = await websockets.connect(self.address.replace("http", "ws", 1) + "/api/room")
        await self._client.send(json.dumps({"token": token}))
        self._hearing = asyncio.ensure_future(self._hear(self._client, welcomed))
        await asyncio.wait_for(welcomed.wait(), 5)
        await self._tell(self.state)

    async def _hear(self, client: ClientConnection, welcomed: asyncio.Event) -> None:
        with suppress(websockets.ConnectionClosed):
            async for said in client:
                frame = unframed(said)
                if frame is None or frame.event == ANSWER:
                    continue
                if frame.event == PING:
                    await client.send(framed(PONG))
                    continue
                message = decode(frame.event, frame.text)
                if isinstance(message, Welcome):
                    welcomed.set()
                elif isinstance(message, Command):
                    await self._obey(sender_of(frame.text).uid, message)
                elif isinstance(message, Joined):
                    await self._tell(self.state)

    def _join(self) -> str:
        asked = {
            "v": VERSION,
            "room": self.room,
            "role": Role.GUEST,
            "secret": self.secret,
            "label": self.label,
            "invite": self.invite,
        }
        request = urllib.request.Request(
            f"{self.address}/api/join", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(json.loads(answer.read())["token"])

    async def _leave(self) -> None:
        await self._tick(False)
        if self._client is not None and self._hearing is not None:
            await self._client.close()
            await self._hearing

    async def _tell(self, message: Message) -> None:
        assert self._client is not None
        with suppress(websockets.ConnectionClosed):
            await self._client.send(framed(kind_of(message), encode(message)))

    async def _tick(self, on: bool) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if on:
            self._ticking = asyncio.ensure_future(self._tick_on())

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(1)
            if self.state.state is TakeState.RECORDING:
                self.state = replace(
                    self.state, elapsed_ms=self.state.elapsed_ms + 1000, bytes=self.state.bytes + 750_000
                )
            await self._tell(self.state)

    async def _obey(self, director: str, command: Command) -> None:
        self.commands.append(command)
        if not self.obedient:
            return
        if self.refusal:
            await self._tell(Answer(director, command.id, False, self.refusal))
            return
        if command.kind in STATES:
            self.state = replace(self.state, state=STATES[command.kind], started_by=command.by)
        elif command.kind is CommandKind.RENAME:
            self.state = replace(self.state, label=command.label)
        await self._tell(Answer(director, command.id, True))
        await self._tell(self.state)


@contextmanager
def simulated_guests() -> Iterator[Callable[[str, str], SimulatedGuest]]:
    """Makes guests of a link and a name; at the end all of them are gone."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made: list[SimulatedGuest] = []

    def make(link: str, label: str) -> SimulatedGuest:
        made.append(SimulatedGuest(link, label, loop))
        return made[-1]

    try:
        yield make
    finally:
        for guest in made:
            if guest._client is not None:
                guest.leave()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def finished_take(label: str, started_at_ms: int, duration_ms: int = 60_000) -> Take:
    """A take of one part, placed on the room's clock."""
    return Take(
        f"{started_at_ms}-{label}",
        1,
        f"{label}_take1",
        started_at_ms,
        label=label,
        mime_type="video/webm;codecs=vp8,opus",
        parts=(Part(1, "part1", 1_000_000, duration_ms),),
        state=TakeState.FINISHED,
        room_started_at_ms=started_at_ms,
        room_error_ms=4,
    )
