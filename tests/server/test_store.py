"""What the server keeps: the same in memory and in Redis."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest

from rolltape.room.messages import Member, Role
from rolltape.server.memory import MemoryStore
from rolltape.server.ownership import CLAIM_S, UNUSED_S, Claim
from rolltape.server.redis_store import SINCE, RedisStore
from rolltape.server.store import (
    LEASE_S,
    MAX_MEMBERS,
    MAX_UNINVITED,
    Admitted,
    HeldMember,
    Hindrance,
    NotSeated,
    RoomStore,
    Seat,
    Seating,
    StoreGone,
)
from server.conftest import RedisServer
from server.visitors import Clock

ADA = Member("ada", Role.GUEST, "Ädä | \n“x”", False)
BO = Member("bo", Role.DIRECTOR, "Bo")
Story = Callable[[RoomStore, str], Awaitable[None]]
_rooms = map("room {}\u202f| x".format, itertools.count())


@pytest.fixture(params=["memory", "redis"])
def played(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Run a story with a store and a room that nobody was in before."""
    url = request.getfixturevalue("redis").url if request.param == "redis" else ""

    def play(story: Story) -> None:
        async def run() -> None:
            store: RoomStore = RedisStore(url) if url else MemoryStore()
            try:
                await story(store, next(_rooms))
            finally:
                await store.close()

        asyncio.run(run())

    return play


def test_a_room_belongs_to_the_key_that_opened_it_first(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        assert await store.claimed_by(room) is None
        first = await store.open(room, "first")
        now_ms = time.time() * 1000
        assert (first.key_id, abs(first.opened_ms - now_ms) < 2000) == ("first", True)
        assert first.opened_ms <= first.held_ms
        assert await store.open(room, "second") == first
        held = await store.claimed_by(room)
        assert held == first and held is not None and held.held_ms >= first.held_ms
        await store.keep_claims([room, "nobody's"])
        assert await store.claimed_by(room) == first
        assert await store.claimed_by("nobody's") is None

    played(story)


def test_a_claim_that_the_store_has_forgotten_comes_back_and_no_other(
    played: Callable[[Story], None],
) -> None:
    async def story(store: RoomStore, room: str) -> None:
        held = await store.open(room, "stranger")
        began_ms = await since_ms(store)
        hour_ms = 3_600_000

        # Signed in the store's own time: what it has seen has run out, however early it was.
        assert await store.show(room, Claim("squatter", 999, began_ms + 1)) == held
        # Run out long before the room was opened anew.
        assert await store.show(room, Claim("squatter", 999, began_ms - 25 * hour_ms)) == held
        # Not earlier.
        assert await store.show(room, Claim("late", held.opened_ms, began_ms - 1)) == held
        # Forgotten by a store that was started anew.
        theirs = Claim("director", held.opened_ms - hour_ms, began_ms - 1)
        assert await store.show(room, theirs) == theirs
        assert await store.open(room, "stranger") == theirs
        other = f"{room} other"
        assert await store.show(other, Claim("squatter", 999, began_ms + 1)) == Claim("squatter", 999)

    async def since_ms(store: RoomStore) -> int:
        if isinstance(store, RedisStore):
            return int(await store._redis.get(SINCE))
        assert isinstance(store, MemoryStore)
        return store._since_ms

    played(story)


def test_who_sits_down_sees_the_others_and_takes_their_own_place_again(
    played: Callable[[Story], None],
) -> None:
    async def story(store: RoomStore, room: str) -> None:
        assert await store.sit(room, ADA, "c1") == Seating("", ())
        assert await store.sit(room, BO, "c2") == Seating("", (ADA,))
        assert await store.sit(room, ADA, "c3") == Seating("c1", (BO,))
        assert await store.seat(room, "ada") == Seat(ADA, "c3")
        assert await store.seat(room, "cy") is None
        assert await store.seat(room + "x", "ada") is None

    played(story)


def test_a_lost_connection_leaves_the_place_unless_another_took_it(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        await store.sit(room, ADA, "c1")
        await store.sit(room, ADA, "c2")

        assert not await store.lose(room, "ada", "c1")
        assert await store.lose(room, "ada", "c2")
        assert not await store.lose(room, "cy", "c9")
        assert await store.sit(room, BO, "c3") == Seating(
            "", (Member("ada", Role.GUEST, ADA.label, False, False),)
        )

    played(story)


def test_who_was_let_in_and_whether_others_may_wait_is_kept(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        assert await store.admitted(room, "ada") is None and not await store.is_shut(room)
        await store.admit(room, "ada", Admitted("key", hosted=True))
        await store.admit(room, "cy", Admitted("other", hosted=False))
        await store.shut(room, True)
        assert await store.admitted(room, "ada") == Admitted("key", hosted=True)
        assert await store.admitted(room, "cy") == Admitted("other", hosted=False)
        assert await store.is_shut(room)
        assert await store.admitted(room, "bo") is None and not await store.is_shut(f"{room}x")
        await store.shut(room, False)
        assert not await store.is_shut(room)

    played(story)


def test_a_token_is_used_once(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        assert await store.use(room)
        assert not await store.use(room)

    played(story)


def test_a_name_changes_and_the_place_stays(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        zoe = Member("ada", Role.GUEST, "Zoë", False, waiting=True)
        assert not await store.rename(room, zoe)
        await store.sit(room, ADA, "c1")

        assert await store.rename(room, zoe)
        assert await store.seat(room, "ada") == Seat(zoe, "c1")

    played(story)


def test_who_was_removed_is_not_let_in(played: Callable[[Story], None]) -> None:
    async def story(store: RoomStore, room: str) -> None:
        await store.sit(room, ADA, "c1")

        assert await store.remove(room, "ada") == "c1"
        assert await store.remove(room, "cy") == ""
        assert await store.seat(room, "ada") is None
        assert await store.hindrance(room, ADA) is Hindrance.REMOVED
        assert await store.hindrance(room, BO) is None
        with pytest.raises(NotSeated) as refused:
            await store.sit(room, ADA, "c2")
        assert refused.value.why is Hindrance.REMOVED

    played(story)


def test_a_room_is_full_for_strangers_first_and_never_for_its_directors(
    played: Callable[[Story], None],
) -> None:
    async def full(store: RoomStore, room: str, member: Member) -> bool:
        found = await store.hindrance(room, member)
        if found is not None:
            with pytest.raises(NotSeated) as refused:
                await store.sit(room, member, "c")
            assert refused.value.why is found is Hindrance.FULL
        return found is not None

    async def story(store: RoomStore, room: str) -> None:
        cy = Member("cy", Role.GUEST, "Cy")
        for number in range(MAX_UNINVITED):
            await store.sit(room, Member(f"u{number}", Role.GUEST, "", False), f"c{number}")
        assert [await full(store, room, one) for one in (ADA, cy, BO)] == [True, False, False]
        assert not await full(store, room, Member("u3", Role.GUEST, "", False))  # has a place

        for number in range(MAX_MEMBERS - MAX_UNINVITED):
            await store.sit(room, Member(f"i{number}", Role.GUEST), f"d{number}")
        assert [await full(store, room, one) for one in (ADA, cy, BO)] == [True, True, False]

    played(story)


def test_a_claim_that_nobody_uses_runs_out_in_minutes() -> None:
    async def story() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        for room in ("used", "unused"):
            await store.open(room, "k")
        await store.sit("used", BO, "c1")

        clock.turn(UNUSED_S)
        assert await store.claimed_by("unused") is None
        assert await store.claimed_by("used") is not None
        await store.expire()
        clock.turn(CLAIM_S)
        assert await store.claimed_by("used") is None

    asyncio.run(story())


def test_looking_for_what_has_run_out_costs_nothing_for_what_has_not() -> None:
    async def story() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        for number in range(100_000):
            await store.open(str(number), "k")
        began = time.process_time()
        for _ in range(1000):
            await store.expire()
        took_s = time.process_time() - began

        assert took_s < 0.5  # of all of them once it is 0.05 s, so a thousand times would be 50 s
        clock.turn(UNUSED_S)
        await store.expire()
        assert not store._claims._entries and not store._claims._due

    asyncio.run(story())


def test_a_renewed_lease_holds_and_another_runs_out_once() -> None:
    async def story() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        await store.sit("studio", ADA, "c1")
        await store.sit("studio", BO, "c2")
        await store.show("studio", Claim("k", 1))

        clock.turn(LEASE_S - 1)
        assert await store.expire() == []
        assert await store.renew([HeldMember("studio", "bo"), HeldMember("studio", "cy")]) == [
            HeldMember("studio", "cy")
        ]
        clock.turn(1)
        assert await store.expire() == [HeldMember("studio", "ada")]
        assert await store.expire() == []
        clock.turn(LEASE_S)
        assert await store.expire() == [HeldMember("studio", "bo")]
        clock.turn(CLAIM_S)
        assert await store.claimed_by("studio") is None

    asyncio.run(story())


def test_a_lease_in_redis_runs_out_for_one_of_two_who_look(redis: RedisServer) -> None:
    async def story() -> None:
        one, other = RedisStore(redis.url, lease_s=0.3), RedisStore(redis.url)
        room = next(_rooms)
        await one.sit(room, ADA, "c1")
        await other.sit(room, BO, "c2")
        assert await other.renew([HeldMember(room, "bo"), HeldMember(room, "cy")]) == [HeldMember(room, "cy")]

        told: list[HeldMember] = []
        async with asyncio.timeout(5):
            while not told:
                for late in await asyncio.gather(one.expire(), other.expire(), one.expire()):
                    told += [one for one in late if one.room == room]

        assert told == [HeldMember(room, "ada")]
        assert await one.seat(room, "ada") is None
        assert await one.seat(room, "bo") == Seat(BO, "c2")
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
            await store.sit("studio", ADA, "c1")
        with pytest.raises(StoreGone):
            await store.hindrance("studio", ADA)
        await store.close()

    asyncio.run(story())
