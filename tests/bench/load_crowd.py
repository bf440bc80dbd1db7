"""Rooms full of people who record and are watched: `python -m bench.load_crowd ADDRESS …`.

It is told what to do by JSON lines and answers each with one, so that whoever measures the server is not in the
process that keeps it busy:

- `{"do": "fill", "rooms": 10, "guests": 10}`: so many more rooms, each with a director and so many guests, spread
  over the addresses by turns;
- `{"do": "tick"}`: every guest says its state once a second, each at its own moment of the second;
- `{"do": "measure", "seconds": 15}`: how long what is sent in these seconds takes to reach the director;
- `{"do": "rest"}`: nobody says anything any more; what was sent in all, and what of it did not arrive;
- `{"do": "leave"}`: everybody's connection is closed.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.load_line import Line, Seat, join
from rolltape.recording.take import TakeState
from rolltape.room.messages import GuestState, Role
from rolltape.room.wire import encode

AT_ONCE = 20
"""Connections that are being made at a time."""
PER_S = 1.0
"""What a guest says while it records."""
GRACE_S = 5.0
"""For how long what was sent may be under way before it counts as lost."""
FIRST = 1_000_000_000
"""Ticks are numbered from here, in the field that says how much is written: all have ten digits."""
LABEL = "Ada"
TICK = GuestState(
    label=LABEL,
    state=TakeState.RECORDING,
    started_by="Bo",
    take_id="t7Jx2kQm9Zr4",
    take_name="studio_Ada_2026-11-25_15-12-28",
    elapsed_ms=754_000,
    bytes=FIRST,
    parts=1,
    mime_type="video/webm;codecs=vp9,opus",
    codec="VP9 + Opus",
    width=1920,
    height=1080,
    fps=29.97,
    kbps=5923.4,
    asked_video_kbps=6000,
    asked_audio_kbps=128,
    level=37,
    minutes_left=184.2,
    battery=81,
    charging=True,
    clock_error_ms=4,
)
"""What a recording guest's page says (`pages.guest_state`)."""
NUMBERED = b'"bytes":'
"""How the number looks inside the frame."""


def packet_around(message: GuestState) -> tuple[bytes, bytes]:
    """A tick's frame after the frame's own number, before and after what is counted."""
    event = encode(message)[1:].encode()
    before, number, after = event.partition(str(FIRST).encode())
    assert before.endswith(NUMBERED) and number and str(FIRST).encode() not in after
    return before, after


@dataclass
class Tally:
    """What was sent, and what became of it."""

    sent: int = 0
    accepted: int = 0
    """Acknowledged with an empty text."""
    under_way: dict[int, int] = field(default_factory=dict)
    """When each tick that has not arrived was sent (monotonic nanoseconds), by its number."""
    took_ns: list[int] = field(default_factory=list)
    late_ns: list[int] = field(default_factory=list)
    """How much later than planned ticks were sent: how far this process itself lags."""
    twice: int = 0
    """Arrived although nobody was waiting for it any more."""
    from_ns: int = 0
    until_ns: int = 0
    """When what is sent is measured."""

    def send(self, due_ns: int) -> int:
        """A tick is sent now; its number."""
        now_ns = time.monotonic_ns()
        number = FIRST + self.sent
        self.sent += 1
        self.under_way[number] = now_ns
        if self.from_ns <= now_ns < self.until_ns:
            self.late_ns.append(now_ns - due_ns)
        return number

    def arrive(self, number: int) -> None:
        """A tick has reached its director."""
        now_ns = time.monotonic_ns()
        sent_ns = self.under_way.pop(number, None)
        if sent_ns is None:
            self.twice += 1
        elif self.from_ns <= sent_ns < self.until_ns:
            self.took_ns.append(now_ns - sent_ns)


class Crowd:
    """Everybody; `addresses` are those of the server's processes."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._tally = Tally()
        self._packet = packet_around(TICK)
        self._rooms = 0
        self._lines: list[Line] = []
        self._guests: list[Line] = []
        self._ticking: list[asyncio.TimerHandle] = []
        self._moments = random.Random(1)

    async def fill(self, rooms: int, guests: int) -> dict[str, Any]:
        """So many more rooms."""
        seats = await asyncio.to_thread(self._joined, rooms, guests)
        gate = asyncio.Semaphore(AT_ONCE)

        async def connect(seat: Seat) -> None:
            async with gate:
                heard = self._as_director if seat.invite else self._as_guest
                line = await Line.connected(seat, heard)
            self._lines.append(line)
            if not seat.invite:
                self._guests.append(line)

        await asyncio.gather(*map(connect, seats))
        gc.freeze()  # what stays is not to be looked through while times are taken
        return {"connections": len(self._lines)}

    async def tick(self) -> dict[str, Any]:
        """Everybody begins to say a state each second."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._ticking = [asyncio.TimerHandle(now, lambda: None, (), loop)] * len(self._guests)
        for index in range(len(self._guests)):
            self._plan(index, now + self._moments.random() / PER_S)
        return {}

    async def measure(self, seconds: float) -> dict[str, Any]:
        """How long ticks take that are sent in the next seconds."""
        tally = self._tally
        tally.took_ns, tally.late_ns = [], []
        tally.from_ns = time.monotonic_ns()
        tally.until_ns = tally.from_ns + round(seconds * 1e9)
        await asyncio.sleep(seconds)
        await _until(lambda: all(sent_ns >= tally.until_ns for sent_ns in tally.under_way.values()))
        return {
            "took_ms": [ns / 1e6 for ns in tally.took_ns],
            "late_ms": [ns / 1e6 for ns in tally.late_ns],
        }

    async def rest(self) -> dict[str, Any]:
        """Nobody says anything any more; what came of it."""
        for handle in self._ticking:
            handle.cancel()
        tally = self._tally
        await _until(lambda: not tally.under_way and tally.accepted >= tally.sent)
        return {
            "sent": tally.sent,
            "lost": len(tally.under_way),
            "twice": tally.twice,
            "not_accepted": tally.sent - tally.accepted,
            "gone": sum(line.is_over for line in self._lines),
        }

    def _plan(self, index: int, at_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._ticking[index] = loop.call_at(at_s, self._say, index, at_s)

    def _say(self, index: int, due_s: float) -> None:
        self._plan(index, due_s + 1 / PER_S)
        number = self._tally.send(round(due_s * 1e9))
        before, after = self._packet
        self._guests[index].send(b'{"event":"state","n":%d,%s%d%s' % (number - FIRST, before, number, after))

    def _as_guest(self, packet: bytes) -> None:
        if packet.startswith(b'{"event":"done"') and packet.endswith(b'"said":""}'):
            self._tally.accepted += 1

    def _as_director(self, packet: bytes) -> None:
        if packet.startswith(b'{"event":"state"'):
            at = packet.index(NUMBERED) + len(NUMBERED)
            self._tally.arrive(int(packet[at : at + 10]))

    def _joined(self, rooms: int, guests: int) -> list[Seat]:
        """Join these rooms, member by member, each at the next address."""
        servers = []
        for address in self._addresses:
            where = urlsplit(address)
            servers.append(http.client.HTTPConnection(where.hostname or "", where.port, timeout=30))
        seats: list[Seat] = []

        def come(**asked: str) -> Seat:
            at = len(seats) % len(servers)
            seats.append(join(servers[at], self._addresses[at], **asked))
            return seats[-1]

        for _ in range(rooms):
            self._rooms += 1
            room = f"bench-{self._rooms}"
            director = come(room=room, role=Role.DIRECTOR, key="k" * 22, label="Bo")
            for _ in range(guests):
                come(room=room, label=LABEL, invite=director.invite)
        for server in servers:
            server.close()
        return seats

    async def leave(self) -> dict[str, Any]:
        """Everybody closes their page at once."""
        for line in self._lines:
            line.close()
        return {}


async def _until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or no longer likely."""
    until_s = time.monotonic() + GRACE_S
    while not condition() and time.monotonic() < until_s:
        await asyncio.sleep(0.01)


async def obey(addresses: Sequence[str]) -> None:
    """Do what each line says, until there are no more."""
    crowd = Crowd(addresses)
    doing: dict[str, Callable[..., Any]] = {
        "fill": crowd.fill, "tick": crowd.tick, "measure": crowd.measure, "rest": crowd.rest,
        "leave": crowd.leave,
    }  # fmt: skip
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        print(json.dumps(await doing[asked.pop("do")](**asked)), flush=True)
    await crowd.leave()


if __name__ == "__main__":
    asyncio.run(obey(sys.argv[1:]))
