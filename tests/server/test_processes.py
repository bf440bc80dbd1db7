"""Several processes over one Redis: nobody notices, and none of them is needed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rolltape.room.client import new_secret
from rolltape.room.messages import (
    Answer,
    Away,
    Command,
    CommandKind,
    Door,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    Welcome,
)
from rolltape.server.bus import BusMessage, Recipients
from rolltape.server.redis_pubsub import RedisBus
from server.conftest import RedisServer
from server.processes import Process
from server.visitors import Visitor

LEASE_S = 1.5


class Cluster:
    """Two processes, and a room nobody was in before."""

    def __init__(self, redis: RedisServer, clocks_s: tuple[float, float] = (0, 0)) -> None:
        """`clocks_s`: by how much each process's clock is wrong."""
        self.redis = redis
        self.processes = [Process(redis=redis.url, lease_s=LEASE_S, clock_s=clock_s) for clock_s in clocks_s]
        for process in self.processes:
            process.wait()
        self.room = new_secret(6)
        self.visitors: list[Visitor] = []

    def visitor(self, number: int, role: Role = Role.GUEST, **more: str) -> Visitor:
        self.visitors.append(Visitor(self.processes[number].address, role, self.room, **more))
        return self.visitors[-1]

    async def pair(self) -> tuple[Visitor, Visitor]:
        """A director on the first process, a guest on the second."""
        director = await self.visitor(0, Role.DIRECTOR, key="k" * 22, label="Bo").come()
        guest = await self.visitor(1, invite=str(director.reply["invite"]), label="Ada").come()
        return director, guest

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await story()
            finally:
                for visitor in self.visitors:
                    await visitor.leave()

        asyncio.run(run())

    def end(self) -> None:
        for process in self.processes:
            process.end(signal.SIGKILL)


@pytest.fixture
def cluster(redis: RedisServer) -> Iterator[Cluster]:
    started = Cluster(redis)
    yield started
    started.end()


def told(visitor: Visitor, message: Message) -> int:
    return sum(one == message for one, _ in visitor.heard)


def test_a_room_reaches_over_processes_and_survives_what_happens_to_them(cluster: Cluster) -> None:
    async def story() -> None:
        director, guest = await cluster.pair()
        key_id, invite = str(director.reply["key_id"]), str(director.reply["invite"])
        ada, bo = Member(guest.uid, Role.GUEST, "Ada"), Member(director.uid, Role.DIRECTOR, "Bo")

        # Everybody sees and reaches everybody.
        await director.hears(Joined(ada))
        await guest.hears(Welcome(guest.uid, key_id, (bo,)))
        command = Command(guest.uid, "c1", CommandKind.START, "Bo")
        assert await director.say(command) == ""
        assert await guest.hears(command) == Sender(director.uid, Role.DIRECTOR, key_id)
        assert await guest.say(Answer(director.uid, "c1", True)) == ""
        await director.hears(Answer(director.uid, "c1", True))
        assert await guest.say(GuestState("Ada", bytes=1)) == ""
        await director.hears(GuestState("Ada", bytes=1))

        # Another key opens nothing on the other process.
        thief = await cluster.visitor(1, Role.DIRECTOR, key="o" * 22).join()
        assert (thief["status"], thief["code"]) == (403, "key")

        # Who connects anew to another process takes their own place there.
        moved = cluster.visitor(0, secret=str(guest.asked["secret"]), label="Ada", invite=invite)
        await moved.come()
        await guest.until(lambda: not guest.connected)
        assert await director.say(Command(guest.uid, "c2", CommandKind.STOP)) == ""
        await moved.hears(Command(guest.uid, "c2", CommandKind.STOP))
        assert told(director, Away(guest.uid)) == 0

        # A process that is killed says nothing; the others say that its guests are gone, once.
        cy = await cluster.visitor(1, label="Cy", invite=invite).come()
        cluster.processes[1].end(signal.SIGKILL)
        await director.hears(Left(cy.uid))
        await moved.hears(Left(cy.uid))
        assert told(director, Away(cy.uid)) == 0

        # Removing somebody removes them everywhere.
        assert await director.say(Command(guest.uid, "c3", CommandKind.REMOVE)) == ""
        await moved.until(lambda: not moved.connected)
        assert (await moved.join())["code"] == "removed"
        assert (told(director, Left(cy.uid)), told(director, Left(guest.uid))) == (1, 1)

    cluster.play(story)


def test_who_waits_on_one_process_is_let_in_by_a_director_on_another(cluster: Cluster) -> None:
    async def story() -> None:
        director, guest = await cluster.pair()
        eve = await cluster.visitor(1, label="Eve").come()
        waiting = Member(eve.uid, Role.GUEST, "Eve", False, waiting=True)
        await director.hears(Joined(waiting))
        assert await director.say(Command(eve.uid, "c1", CommandKind.LET_IN)) == ""

        await guest.hears(Joined(replace(waiting, waiting=False)))
        await eve.until(lambda: len(eve.heard) == 2)
        assert await eve.say(GuestState("Eve", bytes=3)) == ""
        await director.hears(GuestState("Eve", bytes=3))

        fay = await cluster.visitor(1).come()
        assert await director.say(Door(True)) == ""
        await fay.until(lambda: not fay.connected)
        assert (await fay.join())["code"] == "uninvited"

    cluster.play(story)


def test_a_process_that_is_stopped_lets_its_guests_go_at_once_to_another(cluster: Cluster) -> None:
    async def story() -> None:
        director, guest = await cluster.pair()
        stopped = asyncio.to_thread(cluster.processes[1].end, signal.SIGTERM)

        await asyncio.gather(stopped, guest.until(lambda: not guest.connected))
        await director.hears(Away(guest.uid))
        who = {name: str(guest.asked[name]) for name in ("secret", "label", "invite")}
        again = await cluster.visitor(0, Role.GUEST, **who).come()
        await director.until(lambda: told(director, Joined(Member(guest.uid, Role.GUEST, "Ada"))) == 2)

        assert again.uid == guest.uid
        assert told(director, Left(guest.uid)) == 0

    cluster.play(story)


def test_after_redis_was_started_anew_without_its_memory_everybody_is_there(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer
) -> None:
    own = RedisServer(tmp_path_factory.mktemp("redis"))
    own.start()
    cluster = Cluster(own)

    async def story() -> None:
        director, guest = await cluster.pair()
        ada, bo = Member(guest.uid, Role.GUEST, "Ada"), Member(director.uid, Role.DIRECTOR, "Bo")
        own.stop()
        assert "cannot reach" in await director.say(Command(guest.uid, "c1", CommandKind.STOP))
        late = await cluster.visitor(0, label="Cy").join()
        assert (late["status"], late["code"]) == (503, "busy")
        director.heard.clear()
        guest.heard.clear()
        own.start()

        await knows(director, ada)
        await knows(guest, bo)
        await say(guest, GuestState("Ada", bytes=5))
        await director.hears(GuestState("Ada", bytes=5))
        await say(director, Command(guest.uid, "c2", CommandKind.STOP))
        await guest.hears(Command(guest.uid, "c2", CommandKind.STOP))
        thief = await cluster.visitor(1, Role.DIRECTOR, key="o" * 22).join()
        assert (thief["status"], thief["code"]) == (403, "key")

    async def knows(visitor: Visitor, member: Member) -> None:
        await visitor.until(
            lambda: any(
                member in (one.members if isinstance(one, Welcome) else ())
                or (isinstance(one, Joined) and one.member == member)
                for one, _ in visitor.heard
            )
        )

    async def say(visitor: Visitor, message: Message) -> None:
        async with asyncio.timeout(5):
            while await visitor.say(message):
                await asyncio.sleep(0.01)

    try:
        cluster.play(story)
    finally:
        cluster.end()
        own.stop()


@pytest.mark.parametrize("clocks_s", [(0.0, -5.0), (0.0, 5.0)])
def test_whose_a_room_is_does_not_depend_on_the_machines_clocks(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer, clocks_s: tuple[float, float]
) -> None:
    own = RedisServer(tmp_path_factory.mktemp("redis"))
    own.start()
    cluster = Cluster(own, clocks_s)

    async def story() -> None:
        director, guest = await cluster.pair()
        invite = str(director.reply["invite"])
        same = {"secret": str(director.asked["secret"]), "key": "k" * 22, "invite": invite, "label": "Bo"}

        async def others_are_refused() -> None:
            for number in (0, 1):
                thief = await answered(number, key="o" * 22)
                assert (thief["status"], thief["code"]) == (403, "key")

        async def answered(number: int, **more: str) -> dict[str, Any]:
            """By a process that has Redis, or has it again."""
            async with asyncio.timeout(10):
                while (reply := await cluster.visitor(number, Role.DIRECTOR, **more).join())["status"] == 503:
                    await asyncio.sleep(0.05)
            return reply

        await others_are_refused()
        moved = await cluster.visitor(1, Role.DIRECTOR, **same).come()
        await others_are_refused()
        async with asyncio.timeout(5):
            while await moved.say(Command(guest.uid, "c1", CommandKind.STOP)):
                await asyncio.sleep(0.01)
        await guest.hears(Command(guest.uid, "c1", CommandKind.STOP))

        own.stop()
        own.start()
        # Redis remembers nothing: what the director's page shows is signed.
        assert (await answered(0, **same))["status"] == 200
        await others_are_refused()

    try:
        cluster.play(story)
    finally:
        cluster.end()
        own.stop()


def test_nothing_that_a_guest_says_ends_what_their_process_tells_the_others(cluster: Cluster) -> None:
    async def story() -> None:
        director, guest = await cluster.pair()

        for foul in ('{"v":2,"take_id":"\\ud800"}', '{"v":2,"fps":1' + "0" * 400 + "}", '{"v":2,"fps":NaN}'):
            refusal = await guest.call("state", foul)
            assert str(refusal).startswith("The message “state” is not right: "), refusal
        assert await guest.say(GuestState("Ada", bytes=7)) == ""

        await director.hears(GuestState("Ada", bytes=7))

    cluster.play(story)


def test_publishing_that_breaks_off_is_begun_again_and_counted(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_missed() -> None:
        return None

    async def story() -> None:
        heard: list[BusMessage] = []
        counted: list[str] = []
        one, other = (RedisBus(redis.url, heard.append, nothing_missed, counted.append) for _ in range(2))
        await asyncio.gather(one.start(), other.start())
        publish = one._publish_batch

        async def broken(redis: Any) -> None:
            monkeypatch.setattr(one, "_publish_batch", publish)
            raise RuntimeError("Nobody expected this.")

        monkeypatch.setattr(one, "_publish_batch", broken)
        told = BusMessage("room", Recipients.ALL, "", "after")
        one.tell(told)
        while not heard:
            await asyncio.sleep(0.005)
        await asyncio.gather(one.close(), other.close())
        assert (heard, counted) == ([told], ["publishing"])

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_message_that_cannot_be_written_does_not_end_the_publishing_of_its_process(
    redis: RedisServer,
) -> None:
    async def nothing_missed() -> None:
        return None

    async def story() -> None:
        heard: list[BusMessage] = []
        counted: list[str] = []
        one, other = (RedisBus(redis.url, heard.append, nothing_missed, counted.append) for _ in range(2))
        await asyncio.gather(one.start(), other.start())
        with pytest.raises(UnicodeEncodeError):
            one.tell(BusMessage("room", Recipients.ALL, "", "\ud800"))
        fine = [
            BusMessage("stüdio", Recipients.ROLE, "director", f'{{"event":"x","n":{n}}}') for n in range(1200)
        ]
        for told in fine:
            one.tell(told)
        while len(heard) < len(fine):
            await asyncio.sleep(0.005)
        await asyncio.gather(one.close(), other.close())
        assert heard == fine  # in order, once, and not by the one who told
        assert counted == []

    asyncio.run(asyncio.wait_for(story(), 20))
