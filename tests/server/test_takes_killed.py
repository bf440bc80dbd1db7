"""A server that is killed again and again while four guests send: what it acknowledged is there, byte for byte."""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals import listing, wire
from rolltape.arrivals.segments import EMPTY, Segment, account_of, segment_of
from rolltape.room.messages import Role
from server.processes import Process
from server.takes_page import Page, keeper, token
from takes_of_guests import ADA, take
from waiting import wait_for

KILLS = 15 if os.environ.get("FAULTS") == "all" else 3
GUESTS = 4
SEGMENT = 256 << 10
GONE = (OSError, http.client.HTTPException)


class Guest(threading.Thread):
    """A guest's page: sends a file that grows, its header again at the end, whatever becomes of the server."""

    def __init__(self, number: int, port: int, may_end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.uid = f"guest-{number}"
        self.page = Page(port, token(self.uid), take(self.uid, f"1764381600000-0000000{number}"))
        self.random = random.Random(number)
        self.may_end = may_end
        self.content = bytearray(self.random.randbytes(700))
        self.segments = [segment_of(0, bytes(self.content))]
        self.first_head = self.segments[0]
        self.acknowledged = 0
        self.cut_off = 0
        self.held: wire.Held | None = None

    def run(self) -> None:
        self._until(lambda: self.page.announce().status == 200)
        self._put(self.segments[0])
        while not self.may_end.is_set() or len(self.segments) < 20:
            piece = self.random.randbytes(self.random.randint(1, SEGMENT))
            segment = segment_of(len(self.content), piece)
            self.content += piece
            self.segments.append(segment)
            self._put(segment)
        self.content[:700] = self.random.randbytes(700)
        self.first_head, self.segments[0] = self.segments[0], segment_of(0, bytes(self.content[:700]))
        self._put(self.segments[0])
        self._until(self._is_complete)
        self.page.close()

    def _put(self, segment: Segment) -> None:
        self._until(
            lambda: self.page.put(segment.at, bytes(self.content[segment.at : segment.end])).status == 204
        )
        self.acknowledged += 1

    def _is_complete(self) -> bool:
        answer = self.page.complete(account_of(self.segments))
        if answer.status == 200:
            self.held = wire.Held.from_json(answer.body.decode())
        return answer.status == 200

    def _until(self, done: Callable[[], bool]) -> None:
        """Ask again until it is done; whenever the server was gone, first see what it has kept."""
        while True:
            try:
                if done():
                    return
            except GONE:
                self.cut_off += 1
                self._compare()

    def _compare(self) -> None:
        """What was acknowledged is there; of what was not, all or nothing."""
        while True:
            try:
                account = wire.Held.from_json(self.page.announce().body.decode()).account
                break
            except (*GONE, ValueError):
                time.sleep(0.02)
        possible = [
            account_of([head, *self.segments[1:count]])
            for head in {self.first_head, self.segments[0]}
            for count in {self.acknowledged, self.acknowledged + 1}
        ]
        assert account in [*possible, *([EMPTY] if not self.acknowledged else [])], (
            "what was acknowledged is gone"
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    process = keeper(tmp_path)
    yield process
    process.end(signal.SIGKILL)


def test_a_server_that_is_killed_again_and_again_loses_nothing_that_it_acknowledged(
    server: Process, tmp_path: Path
) -> None:
    may_end, broke = threading.Event(), list[BaseException]()
    hook, threading.excepthook = threading.excepthook, lambda told: broke.append(told.exc_value or OSError())
    guests = [Guest(number, server.port, may_end) for number in range(GUESTS)]
    try:
        for guest in guests:
            guest.start()
        for _ in range(KILLS):
            before = [guest.acknowledged for guest in guests]
            wait_for(
                lambda before=before: (
                    broke  # type: ignore[misc]
                    or all(
                        guest.acknowledged > count + 5 for guest, count in zip(guests, before, strict=True)
                    )
                ),
                "all guests send",
                60,
            )
            server.end(signal.SIGKILL)
            server.start()
            server.wait()
        may_end.set()
        for guest in guests:
            guest.join(60)
    finally:
        threading.excepthook = hook

    assert not broke
    director = Page(server.port, token("dora", Role.DIRECTOR))
    names = {one.uid: one.parts[0].name for one in director.listing()}
    director.close()
    room = tmp_path / "takes" / ADA.room_folder
    for guest in guests:
        assert guest.held is not None and guest.held.state is listing.ArrivalState.COMPLETE
        (path,) = room.glob(f"*/{names[guest.uid]}")
        assert sha256(path.read_bytes()).hexdigest() == sha256(guest.content).hexdigest() == guest.held.sha256
    assert sum(guest.cut_off for guest in guests) >= KILLS
