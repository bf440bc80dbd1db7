"""One address has one turn at a time at what takes long, and others come in between."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from rolltape.server.turns import LONG, Turns


def test_another_waits_for_one_of_an_address_s_turns_not_for_all_of_them() -> None:
    done: list[str] = []

    async def flood(turns: Turns, number: int) -> None:
        await turns.mine("198.51.100.9", LONG + 1)
        done.append(f"flood {number}")

    async def other(turns: Turns) -> None:
        for _ in range(10):
            await turns.mine("198.51.100.1", LONG + 1)
            done.append("other")

    async def story() -> None:
        turns = Turns()
        await asyncio.gather(*(flood(turns, number) for number in range(40)), other(turns))

    asyncio.run(story())
    assert [one for one in done if one != "other"] == [f"flood {number}" for number in range(40)]
    others = [at for at, one in enumerate(done) if one == "other"]
    assert others[0] <= 1 and max(b - a for a, b in pairwise(others)) <= 2


def test_who_gives_up_waiting_keeps_nobody_from_their_turn() -> None:
    async def story() -> None:
        turns = Turns()
        waiting = [asyncio.create_task(turns.mine("a", LONG + 1)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting[:2]:
            task.cancel()
        async with asyncio.timeout(5):
            await waiting[2]
            await turns.mine("a", LONG + 1)
        for task in waiting[:2]:
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(story())


def test_what_is_short_waits_for_no_turn() -> None:
    async def story() -> None:
        turns = Turns()
        waiting = [asyncio.create_task(turns.mine("a", LONG + 1)) for _ in range(3)]
        await asyncio.sleep(0)
        await turns.mine("a", LONG)
        assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)

    asyncio.run(story())
