"""A link between a browser and a server: it counts what passes, and can be slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CHUNK = 16 * 1024


@dataclass
class LinkBetween:
    """A TCP relay to a port of this machine; `down` counts the bytes that came from there."""

    to_port: int
    one_way_s: float = 0.0
    bytes_per_s: float = 0.0
    """Of all connections together, from the server; 0: as fast as it goes."""
    down: int = 0
    port: int = 0
    _free_at: float = 0.0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every connection."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self.one_way_s)  # its handshake
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass(reader, to_there, False), self._pass(there, writer, True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: bool) -> None:
        """Hand everything on, each chunk so much later than it came, none before the one before."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        late = asyncio.ensure_future(self._write(waiting, writer))
        try:
            while chunk := await reader.read(CHUNK):
                await waiting.put((self._due(len(chunk), down), chunk))
        except OSError:
            pass
        await waiting.put((self._due(0, down), b""))
        await late

    def _due(self, count: int, down: bool) -> float:
        now = self._loop.time()
        if not down:
            return now + self.one_way_s
        self.down += count
        if not self.bytes_per_s:
            return now + self.one_way_s
        self._free_at = max(now, self._free_at) + count / self.bytes_per_s
        return self._free_at + self.one_way_s

    async def _write(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                due, chunk = await waiting.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        writer.close()


@contextmanager
def link_between(to_port: int, one_way_s: float = 0.0, bytes_per_s: float = 0.0) -> Iterator[LinkBetween]:
    """A link that is there for as long as the block runs."""
    link = LinkBetween(to_port, one_way_s, bytes_per_s)
    thread = threading.Thread(target=link._loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(link._serve(), link._loop).result(10)
    try:
        yield link
    finally:
        asyncio.run_coroutine_threadsafe(link.close(), link._loop).result(10)
        link._loop.call_soon_threadsafe(link._loop.stop)
        thread.join(10)
