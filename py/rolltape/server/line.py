"""One page's WebSocket (RFC 6455): received within limits, with a bounded send queue.

A client that does not read is disconnected instead of being buffered for.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable

from starlette.types import Receive, Send

from rolltape.room.frames import PING, framed
from rolltape.room.wire import MAX_MESSAGE
from rolltape.server.limits import Bucket, Limits

__all__ = ["MAX_FRAME", "MAX_WAITING", "Line", "Over"]

MAX_FRAME = 4 * (MAX_MESSAGE + 100)
"""Bytes of one WebSocket message: a message whose characters take four bytes each."""
MAX_WAITING = 2_000_000
"""Characters that wait: a room's worth of states for many seconds, or all that setting up fifty connections says."""
QUIET_LOOKS = 5
"""A page that is silent for so many looks is asked whether it is still there; for twice as many, it is not."""
CLOSE_S = 1.0
GOING = 1000
"""A connection is closed since nothing more is to be said (RFC 6455 section 7.4.1)."""


class Over(Exception):
    """The connection is over; `why` is a word for the metrics, `hostile` if it was ended for what the client did."""

    def __init__(self, why: str, hostile: bool = False) -> None:
        super().__init__(why)
        self.why, self.hostile = why, hostile


class Line:
    """A connection that was accepted; one task hears it, anybody may say something to it."""

    def __init__(
        self, address: str, receive: Receive, send: Send, limits: Limits, now_s: Callable[[], float]
    ) -> None:
        self.id = secrets.token_urlsafe(9)
        self.address = address
        self._receive, self._send = receive, send
        self._patience = limits.unread_s
        self._frames = Bucket(limits.frames, now_s)
        self._octets = Bucket(limits.octets, now_s)
        self._waiting: deque[str] = deque()
        self._size = 0
        self._flushing: asyncio.Task[None] | None = None
        self._hearing: asyncio.Timeout | None = None
        self._over: Over | None = None
        self._looks = 0
        """Since something was heard."""
        self._unread_looks = 0
        """Since the page took something, or nothing was left to take."""

    async def hear(self, within_s: float | None = None) -> str:
        """Receive the next frame's text. Raises Over: it is gone, was ended, or says what no page of ours does.

        One task only calls it. Without a frame in `within_s` seconds the client is taken for a hostile one.
        """
        try:
            async with asyncio.timeout(within_s) as self._hearing:
                if self._over is not None:
                    raise self._over
                event = await self._receive()
        except TimeoutError:
            raise self._over or Over("stranger", hostile=True) from None
        finally:
            self._hearing = None
        if event["type"] != "websocket.receive":
            raise Over("gone")
        self._looks = 0
        text = event.get("text")
        if text is None:
            raise Over("not_spoken_here", hostile=True)
        if not self._frames.allows() or not self._octets.allows(len(text)):
            raise Over("flood", hostile=True)
        return str(text)

    def say(self, text: str) -> None:
        """Queue a frame, after all that was queued before; never waits. Beyond MAX_WAITING the connection ends.

        Whether the page ever gets it is not known; on a connection that is over it is dropped.
        """
        if self._over is not None:
            return
        self._waiting.append(text)
        self._size += len(text)
        if self._size > MAX_WAITING:
            self.end("deaf")
        elif self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    def end(self, why: str) -> None:
        """End the connection: `hear` raises Over with `why`, and what waits to be sent is dropped."""
        if self._over is None:
            self._over = Over(why)
            self._waiting.clear()
        if self._hearing is not None:
            self._hearing.reschedule(0)

    def look(self) -> None:
        """Ask a page that is silent for an answer, end one that gives none or takes nothing; called each second.

        Looks are counted, not seconds: while this process stands still, what pages say waits, and nobody is silent.
        """
        self._looks += 1
        self._unread_looks = 0 if self._flushing is None else self._unread_looks + 1
        if self._unread_looks > self._patience:
            self.end("deaf")
        elif self._looks > 2 * QUIET_LOOKS:
            self.end("silent")
        elif self._looks == QUIET_LOOKS + 1:
            self.say(framed(PING))

    async def close(self, hostile: bool = False) -> None:
        """Send what still waits, then close (status 1000), as far as the page takes it within CLOSE_S.

        Who is hostile is not waited for: the network connection ends with the application's call, and nothing of what
        they go on sending is read.
        """
        if not hostile:
            with contextlib.suppress(TimeoutError, OSError, RuntimeError):
                async with asyncio.timeout(CLOSE_S):
                    if self._flushing is not None:
                        await asyncio.wait([self._flushing])
                    await self._send({"type": "websocket.close", "code": GOING})
        if self._flushing is not None:
            self._flushing.cancel()

    async def _flush(self) -> None:
        try:
            while self._waiting:
                text = self._waiting.popleft()
                self._size -= len(text)
                await self._send({"type": "websocket.send", "text": text})
                self._unread_looks = 0  # counted by `look`: a timer a frame is a tenth of what a frame costs
        except (OSError, RuntimeError):  # gone already, or ended by us
            self.end("gone")
        finally:
            self._flushing = None
