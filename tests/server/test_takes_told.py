"""What arrives is told to the room's directors while it arrives, and to nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.segments import account_of
from rolltape.room.client import new_secret
from rolltape.room.messages import Arrived, Role, Sender
from server.takes_page import Page, keeper
from server.visitors import Visitor
from takes_of_guests import segments

CONTENT = bytes(range(256)) * 4000


def test_directors_hear_once_a_second_how_much_has_arrived_and_at_once_that_it_is_there(
    tmp_path: Path,
) -> None:
    process = keeper(tmp_path)

    async def room() -> None:
        director = await Visitor(process.address, Role.DIRECTOR, key=new_secret()).come()
        invite = str(director.reply["invite"])
        guest, other = [await Visitor(process.address, invite=invite).come() for _ in range(2)]
        page = Page(process.port, str(guest.reply["upload"]["token"]))
        pieces = segments(CONTENT, 20_000)
        account = account_of(segment for segment, _ in pieces)

        def sent() -> None:
            page.announce()
            for segment, piece in pieces:
                assert page.put(segment.at, piece).status == 204
            assert page.complete(account).status == 200
            page.close()

        await asyncio.to_thread(sent)
        end = Arrived(page.take.id, "part1", account.end, ArrivalState.COMPLETE)
        assert await director.hears(end) == Sender(guest.uid, Role.GUEST, str(director.reply["key_id"]))
        told = [one for one, _ in director.heard if isinstance(one, Arrived)]
        assert told[0] == Arrived(page.take.id, "part1", 0, ArrivalState.OPEN)
        assert 2 <= len(told) < len(pieces)
        for one in (guest, other):
            assert not [message for message, _ in one.heard if isinstance(message, Arrived)]
        for one in (director, guest, other):
            await one.leave()

    try:
        asyncio.run(room())
    finally:
        process.process.kill()
        process.process.wait(10)
