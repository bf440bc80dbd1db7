"""What the server keeps: the same in memory and in Redis."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from rolltape.room.messages import Member, Role
from rolltape.server.memory import MemoryStore
from rolltape.server.ownership import CLAIM_S, Claim
from rolltape.server.redis_store import RedisStore
from rolltape.server.store import (
    LEASE_S,
    MAX_MEMBERS,
    Held,
    Hindrance,
    NotSeated,
    Seat,
    Seating,
    Store,
    StoreGone,
)
from server.conftest import RedisServer
from server.visitors import Clock

ADA = Member("ada", Role.GUEST, "Ädä | \n“x”", False)
BO = Member("bo", Role.DIRECTOR, "Bo")
Story = Callable[[Store, str], Awaitable[None]]
_rooms = map("room {}\u202f| x".format, itertools.count())


@pytest.fixture(params=["memory", "redis"])
def played(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Run a story with a store and a room that nobody was in before."""
    url = request.getfixturevalue("redis").url if request.param == "redis" else ""

    def play(story: Story) -> None:
        async def run() -> None:
            store: Store = RedisStore(url) if url else MemoryStore()
            try:
                await story(store, next(_rooms))
            finally:
                await store.close()

        asyncio.run(run())

    return play


def test_of_two_claims_the_earlier_one_holds(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        assert await store.claimed_by(room) is None
        assert await store.claim(room, Claim("late", 1_764_000_000_001)) == Claim("late", 1_764_000_000_001)
        assert await store.claim(room, Claim("later", 1_764_000_000_002)) == Claim("late", 1_764_000_000_001)
        assert await store.claim(room, Claim("same", 1_764_000_000_001)) == Claim("late", 1_764_000_000_001)
        assert await store.claim(room, Claim("early", 999)) == Claim("early", 999)
        await store.keep_claims([room, "nobody's"])
        assert await store.claimed_by(room) == Claim("early", 999)
        assert await store.claimed_by("nobody's") is None

    played(story)


def test_who_sits_down_sees_the_others_and_takes_their_own_place_again(
    played: Callable[[Story], None],
) -> None:
    async def story(store: Store, room: str) -> None:
        assert await store.sit(room, ADA, "c1", "a") == Seating("", ())
        assert await store.sit(room, BO, "c2", "b") == Seating("", (ADA,))
        assert await store.sit(room, ADA, "c3", "a") == Seating("c1", (BO,))
        assert await store.seat(room, "ada") == Seat(ADA, "c3", "a")
        assert await store.seat(room, "cy") is None
        assert await store.seat(room + "x", "ada") is None

    played(story)


def test_a_lost_connection_leaves_the_place_unless_another_took_it(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        await store.sit(room, ADA, "c1", "a")
        await store.sit(room, ADA, "c2", "a")

        assert not await store.lose(room, "ada", "c1")
        assert await store.lose(room, "ada", "c2")
        assert not await store.lose(room, "cy", "c9")
        assert await store.sit(room, BO, "c3", "b") == Seating(
            "", (Member("ada", Role.GUEST, ADA.label, False, False),)
        )

    played(story)


def test_a_uid_stays_its_pages(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        assert await store.own(room, "ada", "a")
        assert await store.own(room, "ada", "a")
        assert not await store.own(room, "ada", "other")
        with pytest.raises(NotSeated) as refused:
            await store.sit(room, ADA, "c1", "other")
        assert refused.value.why is Hindrance.TAKEN
        await store.sit(room, ADA, "c1", "a")
        assert await store.own(room + "x", "ada", "other")

    played(story)


def test_a_token_is_used_once(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        assert await store.use(room)
        assert not await store.use(room)

    played(story)


def test_a_name_changes_and_the_place_stays(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        zoe = Member("ada", Role.GUEST, "Zoë", False)
        assert not await store.rename(room, zoe)
        await store.sit(room, ADA, "c1", "a")

        assert await store.rename(room, zoe)
        assert await store.seat(room, "ada") == Seat(zoe, "c1", "a")

    played(story)


def test_who_was_removed_is_not_let_in(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        await store.sit(room, ADA, "c1", "a")

        assert await store.remove(room, "ada") == "c1"
        assert await store.remove(room, "cy") == ""
        assert await store.seat(room, "ada") is None
        assert await store.hindrance(room, "ada") is Hindrance.REMOVED
        assert await store.hindrance(room, "bo") is None
        with pytest.raises(NotSeated) as refused:
            await store.sit(room, ADA, "c2", "a")
        assert refused.value.why is Hindrance.REMOVED

    played(story)


def test_a_room_is_full_at_some_time(played: Callable[[Story], None]) -> None:
    async def story(store: Store, room: str) -> None:
        for number in range(MAX_MEMBERS):
            await store.sit(room, Member(f"m{number}", Role.GUEST), f"c{number}", "")

        assert await store.hindrance(room, "ada") is Hindrance.FULL
        assert await store.hindrance(room, "m3") is None
        with pytest.raises(NotSeated) as refused:
            await store.sit(room, ADA, "c", "a")
        assert refused.value.why is Hindrance.FULL

    played(story)


def test_a_renewed_lease_holds_and_another_runs_out_once() -> None:
    async def story() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        await store.sit("studio", ADA, "c1", "a")
        await store.sit("studio", BO, "c2", "b")
        await store.claim("studio", Claim("k", 1))

        clock.turn(LEASE_S - 1)
        assert await store.expire() == []
        assert await store.renew([Held("studio", "bo"), Held("studio", "cy")]) == [Held("studio", "cy")]
        clock.turn(1)
        assert await store.expire() == [Held("studio", "ada")]
        assert await store.expire() == []
        clock.turn(LEASE_S)
        assert await store.expire() == [Held("studio", "bo")]
        clock.turn(CLAIM_S)
        assert await store.claimed_by("studio") is None

    asyncio.run(story())


def test_a_lease_in_redis_runs_out_for_one_of_two_who_look(redis: RedisServer) -> None:
    async def story() -> None:
        one, other = RedisStore(redis.url, lease_s=0.3), RedisStore(redis.url)
        room = next(_rooms)
        await one.sit(room, ADA, "c1", "a")
        await other.sit(room, BO, "c2", "b")
        assert await other.renew([Held(room, "bo"), Held(room, "cy")]) == [Held(room, "cy")]

        told: list[Held] = []
        async with asyncio.timeout(5):
            while not told:
                for late in await asyncio.gather(one.expire(), other.expire(), one.expire()):
                    told += [one for one in late if one.room == room]

        assert told == [Held(room, "ada")]
        assert await one.seat(room, "ada") is None
        assert await one.seat(room, "bo") == Seat(BO, "c2", "b")
        assert await one.signing_secret(b"first") == await other.signing_secret(b"second") == b"first"
        await one.close()
        await other.close()

    asyncio.run(story())


def test_a_store_that_does_not_answer_says_so() -> None:
    async def story() -> None:
        store = RedisStore("redis://127.0.0.1:1/0")
        with pytest.raises(StoreGone):
            await store.claimed_by("studio")
        with pytest.raises(StoreGone):
            await store.sit("studio", ADA, "c1", "a")
        with pytest.raises(StoreGone):
            await store.hindrance("studio", "ada")
        await store.close()

    asyncio.run(story())
