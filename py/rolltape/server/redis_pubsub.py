"""What one process says, said by all: python-socketio's messages over Redis, published in batches on one connection.

The library's own manager takes a connection for each message and falls apart at a thousand a second. All processes
read all messages of the cluster, so more processes carry more connections, not more messages a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from socketio.async_pubsub_manager import AsyncPubSubManager

from rolltape.server.lasting import lasting
from rolltape.server.socketio_rooms import Groups

__all__ = ["FanOut"]

CHANNEL = "rolltape:messages"
MAX_WAITING = 20_000
"""Messages kept while Redis does not take them; beyond that the oldest are dropped."""
BATCH = 500
RETRY_S = 0.5
ALIVE_S = 5.0
"""How often a quiet subscription is asked whether it still is one."""

log = logging.getLogger(__name__)


class FanOut(AsyncPubSubManager, Groups):  # type: ignore[misc]
    """One process's connection to all others."""

    name = "rolltape"

    def __init__(
        self, url: str, on_back: Callable[[], Coroutine[Any, Any, None]], count: Callable[[str], None]
    ) -> None:
        super().__init__(channel=CHANNEL)
        self._url = url
        self._on_back = on_back
        """Called when messages of others may have been missed."""
        self._count = count
        self._waiting: deque[bytes] = deque()
        self._mark = f"{self.host_id} "
        """What this process's messages begin with, so that it need not read them when they come back."""
        self._back: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()
        self._all_said = asyncio.Event()
        self._publishing: asyncio.Task[None] | None = None
        self.subscribed = asyncio.Event()
        """Whether what others say arrives here."""

    async def close(self) -> None:
        """Say what is still to be said, if that can be done in a second, and end."""
        if self._publishing is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._all_said.wait()
        for task in (self._publishing, getattr(self, "thread", None)):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _publish(self, data: dict[str, Any]) -> None:
        if self._publishing is None:
            self._publishing = asyncio.create_task(lasting("publishing", self._publish_all, self._count))
        text = self._mark + json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        encoded = text.encode()  # here, where what cannot be encoded stops its sender and nobody else
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._count("unpublished")
        self._all_said.clear()
        self._waiting.append(encoded)
        self._wake.set()

    async def _publish_all(self) -> None:
        """Publish what is waiting, in order, all that has gathered at once."""
        async with Redis.from_url(self._url, socket_timeout=ALIVE_S, socket_connect_timeout=ALIVE_S) as redis:
            while True:
                while self._waiting:
                    await self._publish_batch(redis)
                self._all_said.set()
                await self._wake.wait()
                self._wake.clear()

    async def _publish_batch(self, redis: Any) -> None:
        """Publish what has gathered; where Redis does not take it, it waits on."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            async with redis.pipeline(transaction=False) as pipeline:
                for text in batch:
                    pipeline.publish(self.channel, text)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("Redis takes no messages.", extra={"error": type(error).__name__})
            self._waiting.extendleft(reversed(batch))
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> AsyncIterator[bytes]:
        """What the others say, for ever."""
        while True:
            redis: Any = Redis.from_url(
                self._url, socket_connect_timeout=ALIVE_S, health_check_interval=ALIVE_S
            )
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(self.channel)
                    self.subscribed.set()
                    self._back = asyncio.ensure_future(self._on_back())
                    async for text in _heard(pubsub):
                        if not text.startswith(self._mark.encode()):
                            yield text.partition(b" ")[2]
            except (RedisError, OSError) as error:
                log.warning("Redis gives no messages.", extra={"error": type(error).__name__})
            finally:
                self.subscribed.clear()
                await redis.aclose()
            await asyncio.sleep(RETRY_S)


async def _heard(pubsub: Any) -> AsyncIterator[bytes]:
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
