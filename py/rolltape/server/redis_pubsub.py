"""What one process tells, heard by all: Redis's publish and subscribe, in batches on one connection each way.

All processes read all messages of the cluster, so more processes carry more connections, not more messages a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from rolltape.server.bus import BusMessage, Recipients
from rolltape.server.lasting import lasting

__all__ = ["CHANNEL", "RedisBus"]

CHANNEL = "rolltape:told"
MAX_WAITING = 20_000
"""Messages kept while Redis does not take them; beyond that the oldest are dropped."""
BATCH = 500
GATHER_S = 0.01
"""What is told within so long goes as one: each message of Redis costs every process as much as reading a state."""
RETRY_S = 0.5
ALIVE_S = 5.0
"""How often a quiet subscription is asked whether it still is one."""
START_S = 3.0

log = logging.getLogger(__name__)


class RedisBus:
    """A `Bus` over Redis: one connection to publish, one to receive, both made again after each interruption."""

    def __init__(
        self,
        url: str,
        heard: Callable[[BusMessage], None],
        on_back: Callable[[], Awaitable[None]],
        count: Callable[[str], None],
    ) -> None:
        self._url = url
        self._heard = heard
        self._on_back = on_back
        """Called when what others told may have been missed."""
        self._count = count
        self._mark = secrets.token_hex(8).encode()
        """What this process's batches begin with, so that it need not read them when they come back."""
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._all_said = asyncio.Event()
        self._subscribed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to publish and to receive; if Redis is away, once it is back. Returns after START_S at the latest."""
        for what, work in (("publishing", self._publish_all), ("listening", self._listen)):
            self._tasks.append(asyncio.create_task(lasting(what, work, self._count)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await self._subscribed.wait()

    def tell(self, told: BusMessage) -> None:
        """Publish to the other processes, soon. Raises UnicodeEncodeError for what UTF-8 cannot encode."""
        record = "\n".join((told.room, told.target, told.name, told.text)).encode()
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._count("unpublished")
        self._all_said.clear()
        self._waiting.append(record)
        self._wake.set()

    async def close(self) -> None:
        """Publish what still waits, if that can be done in a second, and end."""
        if self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._all_said.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _publish_all(self) -> None:
        """Publish what is waiting, in order, all that has gathered at once as one message."""
        async with Redis.from_url(self._url, socket_timeout=ALIVE_S, socket_connect_timeout=ALIVE_S) as redis:
            while True:
                while self._waiting:
                    await self._publish_batch(redis)
                self._all_said.set()
                await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(GATHER_S)

    async def _publish_batch(self, redis: Any) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            await redis.publish(CHANNEL, b"\n".join((self._mark, *batch)))
        except (RedisError, OSError) as error:
            log.warning("Redis takes no messages.", extra={"error": type(error).__name__})
            self._waiting.extendleft(reversed(batch))
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        """Hear what the others tell, over every interruption."""
        while True:
            redis: Any = Redis.from_url(
                self._url, socket_connect_timeout=ALIVE_S, health_check_interval=ALIVE_S
            )
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    self._subscribed.set()
                    await self._on_back()
                    async for batch in _batches(pubsub):
                        for told in self._read(batch):
                            self._heard(told)
            except (RedisError, OSError) as error:
                log.warning("Redis gives no messages.", extra={"error": type(error).__name__})
            finally:
                self._subscribed.clear()
                await redis.aclose()
            await asyncio.sleep(RETRY_S)

    def _read(self, batch: bytes) -> Iterator[BusMessage]:
        mark, *lines = batch.split(b"\n")
        if mark == self._mark:
            return
        said = [line.decode() for line in lines]
        for room, target, name, text in zip(said[::4], said[1::4], said[2::4], said[3::4], strict=True):
            yield BusMessage(room, Recipients(target), name, text)


async def _batches(pubsub: Any) -> AsyncIterator[bytes]:
    """What arrives, for as long as the subscription lives. Raises OSError when it does not any more."""
    is_asked = False
    while True:
        message = await pubsub.get_message(timeout=ALIVE_S)
        if message is None and is_asked:
            raise OSError("Redis has fallen silent.")
        is_asked = message is None
        if message is None:
            await pubsub.ping()
        elif message["type"] == "message":
            yield message["data"]
