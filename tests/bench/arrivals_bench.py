"""Guests whose takes arrive while rooms go on: what it costs the server, and what the rooms notice of it.

`python -m bench.arrivals_bench [guests]`; as a process of its own (`send`), the guests: each puts a segment of 1 MiB
every 1.4 s, which is 6 Mbit/s.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figures import figure
from bench.load_bench import Crowd, Load, Server, Setup, measured, percentile
from processes import private_bytes
from rolltape.arrivals.paths import part_path, segment_path
from rolltape.arrivals.segments import content_digest, segment_of
from rolltape.arrivals.wire import MAX_SEGMENT, Announcement
from rolltape.recording.take_log import plain_take
from rolltape.room.messages import Role
from rolltape.server.tokens import Tokens, UploadClaims
from server.processes import ENVIRONMENT
from takes_of_guests import TYPE, take

GUESTS = 100
MBIT_S = 6.0
EVERY_S = MAX_SEGMENT * 8 / (MBIT_S * 1e6)
MEASURED_S = 20.0
GB = 1e9


async def send(address: str, secret: bytes, number: int, told: list[int]) -> None:
    """One guest, for ever; `told` counts acknowledged bytes and the ones that were put off."""
    of = take(f"Guest {number}", f"1764381600000-{number:08x}")
    token = Tokens(secret).upload(UploadClaims("bench", "key", Role.GUEST, f"guest-{number}"))
    content = os.urandom(MAX_SEGMENT)
    digest = content_digest(segment_of(0, content))
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def ask(path: str, body: bytes, more: str = "") -> int:
        head = (
            f"PUT /{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"X-Forwarded-For: 192.0.2.{number % 250}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if length:
            await reader.readexactly(int(length[0].partition(b":")[2]))
        return int(answer.split(b" ", 2)[1])

    announcement = Announcement(TYPE, plain_take(of)).to_json()
    status = await ask(part_path(of.id, "part1"), announcement.encode())
    assert status == 200, status
    await asyncio.sleep(EVERY_S * (number % 97) / 97)
    at, due = 0, time.monotonic()
    while True:
        status = await ask(segment_path(of.id, "part1", at), content, f"Content-Digest: {digest}\r\n")
        assert status in (204, 429), status
        if status == 204:
            at += MAX_SEGMENT
            told[0] += MAX_SEGMENT
        due += EVERY_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def guests(address: str, secret: bytes, count: int) -> None:
    """All of them; what was acknowledged so far is printed for each line of input."""
    told = [0]
    tasks = [asyncio.create_task(send(address, secret, number, told)) for number in range(count)]
    for task in tasks:
        task.add_done_callback(lambda one: one.cancelled() or one.result())
    while await asyncio.to_thread(sys.stdin.readline):
        print(told[0], flush=True)
    for task in tasks:
        task.cancel()


class Senders:
    """The process of the guests."""

    def __init__(self, address: str, secret: Path, count: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.arrivals_bench", "send", address, str(secret), str(count)],
            env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def acknowledged(self) -> int:
        """Bytes, so far."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> None:
        try:
            self.process.communicate(timeout=10)
        finally:
            self.process.kill()


@contextmanager
def rooms(folder: Path) -> Iterator[Setup]:
    """A server that keeps takes, and ten rooms of ten in it."""
    with ExitStack() as stack:
        server = Server(folder, 400, more=["--takes", str(folder / "takes"), "--trust-proxy"])
        stack.callback(server.end)
        crowd = Crowd([server])
        stack.callback(crowd.end)
        crowd.do("fill", rooms=10, guests=9)
        yield Setup(crowd, [server], None)


def told(name: str, found: Load) -> None:
    figure(f"{name}_rooms_p50", percentile(found.took_ms, 50), "ms", "a guest's state to its director")
    p99 = percentile(found.took_ms, 99)
    figure(f"{name}_rooms_p99", p99, "ms", "goal 100 ms", p99 / 100)
    figure(f"{name}_rooms_lost", found.lost, "states", f"{found.sent} sent")
    figure(f"{name}_server", 100 * found.server_share, "% of a core")
    figure(f"{name}_others", 100 * found.shares["others"], "% of a core", "everything else on this machine")


def main(count: int = GUESTS) -> None:
    """Take every figure."""
    with tempfile.TemporaryDirectory() as name, rooms(Path(name)) as setup:
        alone = measured(setup, MEASURED_S)
        told("arrivals_none", alone)
        before = setup.private_bytes
        senders = Senders(setup.servers[0].address, Path(name) / "secret", count)
        try:
            began, bytes = time.monotonic(), senders.acknowledged
            found = measured(setup, MEASURED_S)
            rate = (senders.acknowledged - bytes) / (time.monotonic() - began)
            kept = private_bytes(str(setup.servers[0].pid)) - before
        finally:
            senders.end()
        told(f"arrivals_{count}", found)
        figure(
            f"arrivals_{count}_rate",
            rate * 8 / 1e6 / count,
            "Mbit/s a guest",
            f"{MBIT_S:g} sent",
            rate * 8 / 1e6 / count / MBIT_S,
        )
        cost = (found.server_share - alone.server_share) / (rate / GB)
        figure(f"arrivals_{count}_cpu", cost, "s/GB", "goal 3 s/GB", cost / 3)
        figure(f"arrivals_{count}_memory", kept / 1e6 / count, "MB a guest", "goal 1 MB", kept / 1e6 / count)


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"]:
        asyncio.run(guests(sys.argv[2], Path(sys.argv[3]).read_bytes().strip(), int(sys.argv[4])))
    else:
        main(*map(int, sys.argv[1:2]))
