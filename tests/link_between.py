"""A link between a browser and a server: it counts what passes, and can be slow, either way."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CHUNK = 16 * 1024
NO_CONTENT = b"HTTP/1.1 204"
STANDS_S = 0.05
"""So often a link that stands looks whether it may go on."""
RECEIVED = 128 * 1024
"""What systems hold of a connection at first; they hold more by and by, unless they are told how much."""


@dataclass
class LinkBetween:
    """A TCP relay to a port of this machine; `down` and `up` count the bytes that came from there and went there."""

    to_port: int
    one_way_s: float = 0.0
    bytes_per_s: float = 0.0
    """Of all connections together, from the server; 0: as fast as it goes."""
    up_bytes_per_s: float = 0.0
    """The same to the server."""
    down: int = 0
    up: int = 0
    to_bend: int = 0
    """So many of the next full chunks to the server have another last byte than they came with."""
    to_swallow: int = 0
    """So many of the next answers of the server that say 204 never arrive: their connections are cut instead."""
    stands: bool = False
    """Nothing passes, either way, and nothing is cut."""
    holds: int = 64
    """Chunks of a connection that may wait here; besides these the system holds some."""
    port: int = 0
    _free_at: float = 0.0
    _up_free_at: float = 0.0
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, ready: threading.Event) -> None:
        """Relay until it is `end`ed, then cut every connection."""
        self._loop = asyncio.get_running_loop()
        listener = socket.create_server(("127.0.0.1", 0))
        if self.holds * CHUNK < RECEIVED:  # connections take this over from it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.holds * CHUNK)
        server = await asyncio.start_server(self._relay, sock=listener, limit=CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def end(self) -> None:
        """Relay no more; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)

    @property
    def up_wait_ms(self) -> float:
        """How long what is sent to the server now waits for what was sent before it, by whatever connection."""
        return 1000 * max(0.0, self._up_free_at - time.monotonic())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self.one_way_s)  # its handshake
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self._pass(reader, to_there, False), self._pass(there, writer, True))
        except asyncio.CancelledError:
            pass  # the link has ended: the stream's own callback would complain of it
        finally:
            writer.close()
            to_there.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: bool) -> None:
        """Hand everything on, each chunk so much later than it came, none before the one before."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(self.holds)
        late = asyncio.ensure_future(self._write(waiting, writer))
        try:
            while chunk := await reader.read(CHUNK):
                if self.to_bend and not down and len(chunk) == CHUNK:
                    self.to_bend -= 1
                    chunk = chunk[:-1] + bytes([chunk[-1] ^ 1])
                if self.to_swallow and down and chunk.startswith(NO_CONTENT):
                    self.to_swallow -= 1
                    writer.transport.abort()
                    break
                await waiting.put((self._due(len(chunk), down), chunk))
        except OSError:
            pass
        await waiting.put((self._due(0, down), b""))
        await late

    def _due(self, count: int, down: bool) -> float:
        now = time.monotonic()
        if not down:
            self.up += count
            if self.up_bytes_per_s:
                self._up_free_at = max(now, self._up_free_at) + count / self.up_bytes_per_s
            return max(now, self._up_free_at) + self.one_way_s
        self.down += count
        if not self.bytes_per_s:
            return now + self.one_way_s
        self._free_at = max(now, self._free_at) + count / self.bytes_per_s
        return self._free_at + self.one_way_s

    async def _write(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                due, chunk = await waiting.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while self.stands:
                    await asyncio.sleep(STANDS_S)
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        writer.close()


@contextmanager
def link_between(
    to_port: int, one_way_s: float = 0.0, bytes_per_s: float = 0.0, holds: int = 64
) -> Iterator[LinkBetween]:
    """A link that is there for as long as the block runs."""
    link, ready = LinkBetween(to_port, one_way_s, bytes_per_s, holds=holds), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(link.serve(ready)))
    thread.start()
    ready.wait(10)
    try:
        yield link
    finally:
        link.end()
        thread.join(10)
