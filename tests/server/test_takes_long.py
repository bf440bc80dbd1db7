"""Hours of recording: how long after Stop they are complete at the host, and that they are what was sent."""

from __future__ import annotations

import os
import random
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals import listing, paths, wire
from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.segments import Account, account_of, segment_of
from rolltape.room.messages import Role
from server.processes import Process
from server.takes_page import Answer, Page, keeper, token
from waiting import wait_for

IS_LONG = os.environ.get("FAULTS") == "all"
SECONDS = 4 * 3600 if IS_LONG else 450
BYTES_PER_S = 6_000_000 // 8
"""A segment holds a second."""
WITHIN_S = 5.0
HEAD = 700


def compared(page: Page, account: Account) -> Answer | None:
    """What the host says once it has compared what it holds; None while it does."""
    answer = page.complete(account)
    return None if answer.status == 202 else answer


def ticket(page: Page, wanted: listing.TicketRequest) -> listing.Ticket:
    """What opens a download, which is given at once."""
    asked = time.monotonic()
    given = listing.Ticket.from_json(page.ask("POST", paths.TICKETS, wanted.to_json()).body.decode())
    assert time.monotonic() - asked < 1.0
    return given


def headers(page: Page, given: listing.Ticket) -> Mapping[str, str]:
    """What the host says of a download, which is as long as the ticket says."""
    answer = page.ask("HEAD", given.path)
    assert answer.status == 200 and int(answer.headers["content-length"]) == given.size
    return answer.headers


@pytest.fixture
def server(tmp_path: Path) -> Process:
    return keeper(tmp_path)


def test_hours_are_complete_seconds_after_the_last_byte(server: Process, tmp_path: Path) -> None:
    chance = random.Random(4)
    pool = [chance.randbytes(BYTES_PER_S - 8) for _ in range(16)]
    page, director = Page(server.port), Page(server.port, token("dora", Role.DIRECTOR))
    whole = sha256()
    try:
        assert page.announce().status == 200
        head = chance.randbytes(HEAD)
        assert page.put(0, bytes(HEAD)).status == 204
        segments = [segment_of(0, head)]  # as it will be at the end
        whole.update(head)
        for second in range(SECONDS):
            content = second.to_bytes(8, "big") + pool[second % len(pool)]
            whole.update(content)
            segment = segment_of(HEAD + second * BYTES_PER_S, content)
            assert page.put(segment.at, content).status == 204
            segments.append(segment)

        stopped = time.monotonic()
        assert page.put(0, head).status == 204
        account = account_of(segments)
        said_s = time.monotonic() - stopped
        answer = wait_for(lambda: compared(page, account), "it is compared", 60)
        took_s = time.monotonic() - stopped
        assert answer.status == 200, answer
        held = wire.Held.from_json(answer.body.decode())
        size = HEAD + SECONDS * BYTES_PER_S
        print(f"{size / 1e9:.1f} GB: complete {took_s:.2f} s after Stop ({said_s:.2f} s here)")
        assert held.state is ArrivalState.COMPLETE and not held.sha256, "it is summed up afterwards"
        assert took_s <= WITHIN_S
        ((session, (part,)),) = [(one.session, one.parts) for one in director.listing()]
        assert not part.sha256
        for_one = ticket(page, listing.TicketRequest(take=page.take.id, part=page.part))
        for_all = ticket(director, listing.TicketRequest(session))
        digest = headers(page, for_one)["repr-digest"]
        assert digest == f"sha-256=:{b64encode(whole.digest()).decode()}:"
        print(f"summed up {time.monotonic() - stopped:.2f} s after Stop")
        director.close()  # the host has closed it, too, for being silent
        assert headers(director, for_all)["accept-ranges"] == "bytes"
        ((part,),) = [one.parts for one in page.listing()]
        assert part.sha256 == whole.hexdigest() and not part.problem
    finally:
        page.close()
        director.close()
        server.process.kill()
        server.process.wait(10)
