"""`make bench-rooms`: what the server of rooms takes and costs; one JSON line a figure.

The server runs as anybody would start it, `rolltape serve`; whoever keeps it busy is another process
(`load_crowd`), on the same machine, so both share its processors. How far that other process lags behind its own
plan, and what everything else on the machine used meanwhile, are figures too: a result is as good as those are small.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import figure
from processes import private_bytes, processor_s
from server.conftest import RedisServer
from server.processes import ENVIRONMENT, ROOT
from waiting import wait_for

__all__ = ["Load", "Setup", "load", "main", "measured", "percentile"]

WARM_S = 3.0
"""How long is ticked before anything is measured."""
MEASURED_S = 20.0
TICK_HZ = os.sysconf("SC_CLK_TCK")


class Server:
    """`rolltape serve`, for so many connections of one address."""

    def __init__(
        self, folder: Path, connections: int, redis: str = "", more: Sequence[str] = ("--no-takes",)
    ) -> None:
        # A crowd comes at once: the limits of an address allow three joins at once for ten connections.
        options = ["--port", "0", "--root", str(ROOT), *more]
        options += ["--connections-per-address", str(connections * 4)]
        options += ["--redis", redis] if redis else ["--secret-file", str(folder / "secret")]
        options += ["--metrics-token-file", str(folder / "metrics-token")]
        self.token = folder / "metrics-token"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rolltape", "serve", *options],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        home = next(line for line in self.process.stdout if line.startswith("Home:"))
        self.address = home.split()[1].rstrip("/").replace("localhost", "127.0.0.1")

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def connections(self) -> int:
        """How many it has, by its own count."""
        headers = {"Authorization": f"Bearer {self.token.read_text()}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.address}/metrics", headers=headers), timeout=30
        ) as answer:
            lines = answer.read().decode().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("rolltape_connections "))

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


class Crowd:
    """The process of `load_crowd`."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.load_crowd", *(server.address for server in servers)],
            env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def do(self, what: str, **more: float) -> Any:
        """What it answers."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps({"do": what} | more), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, "The crowd is gone."
        return json.loads(answer)

    def end(self) -> None:
        try:
            self.process.communicate(timeout=10)
        finally:
            self.process.kill()


@dataclass(frozen=True)
class Load:
    """What was measured."""

    took_ms: list[float]
    """From a guest's sending a state to its director's having it."""
    late_ms: list[float]
    """By how much the crowd sent later than it meant to."""
    shares: dict[str, float]
    """Of one processor: what each process used, the crowd, and everything else on this machine."""
    sent: int
    lost: int
    """Sent and not received, received twice, or not acknowledged; and connections that ended."""
    rate: float
    """States received a second."""

    @property
    def server_share(self) -> float:
        return sum(share for name, share in self.shares.items() if name.startswith("server"))


@dataclass(frozen=True)
class Setup:
    """What runs."""

    crowd: Crowd
    servers: list[Server]
    redis: RedisServer | None

    @property
    def pids(self) -> dict[str, int]:
        """Of each process, by what it is called in the figures."""
        found = {f"server_{number}": server.pid for number, server in enumerate(self.servers, 1)}
        found["crowd"] = self.crowd.process.pid
        return found if self.redis is None else found | {"redis": self.redis.process.pid}

    @property
    def private_bytes(self) -> int:
        """The memory of the only server."""
        (server,) = self.servers
        return private_bytes(str(server.pid))


def measured(setup: Setup, seconds: float, warm_s: float = WARM_S) -> Load:
    """What ticking for so long shows."""
    crowd, pids = setup.crowd, setup.pids
    crowd.do("tick")
    time.sleep(warm_s)
    before, began = _cpu_s(pids), time.monotonic()
    found = crowd.do("measure", seconds=seconds)
    took_s = time.monotonic() - began
    after = _cpu_s(pids)
    shares = {name: (after[name] - before[name]) / took_s for name in after}
    end = crowd.do("rest")
    return Load(
        found["took_ms"],
        found["late_ms"],
        shares,
        end["sent"],
        end["lost"] + end["twice"] + end["not_accepted"] + end["gone"],
        len(found["took_ms"]) / seconds,
    )


@contextmanager
def load(processes: int, connections: int) -> Iterator[Setup]:
    """A server of so many processes, and a crowd for it."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        redis = RedisServer(folder) if processes > 1 else None
        if redis is not None:
            redis.start()
            stack.callback(redis.stop)
        servers = []
        for _ in range(processes):
            servers.append(Server(folder, connections, redis.url if redis else ""))
            stack.callback(servers[-1].end)
        crowd = Crowd(servers)
        stack.callback(crowd.end)
        yield Setup(crowd, servers, redis)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent of all are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def crowded(processes: int, goal_ms: float) -> None:
    """A thousand guests in a hundred rooms, each with a director."""
    with load(processes, 1100) as setup:
        setup.crowd.do("fill", rooms=100, guests=10)
        found = measured(setup, MEASURED_S)
    name = "rooms" if processes == 1 else f"rooms_{processes}_processes"
    figure(f"{name}_p50", percentile(found.took_ms, 50), "ms", "a guest's state to its director")
    p99 = percentile(found.took_ms, 99)
    figure(f"{name}_p99", p99, "ms", f"goal {goal_ms:g} ms", p99 / goal_ms)
    figure(f"{name}_max", max(found.took_ms), "ms")
    figure(f"{name}_lost", found.lost, "states", f"{found.sent} sent", found.lost / found.sent)
    figure(f"{name}_rate", found.rate, "states/s", "1000 guests at 1 Hz", found.rate / 1000)
    for process, share in found.shares.items():
        figure(f"{name}_{process}", 100 * share, "% of a core")
    figure(f"{name}_cpu_per_state", 1000 * found.server_share / found.rate, "ms", "the server's processes")
    figure(f"{name}_crowd_lag_p99", percentile(found.late_ms, 99), "ms", "sent later than planned")


def memory() -> None:
    """What a connection keeps in memory."""
    with load(1, 1000) as setup:
        setup.crowd.do("fill", rooms=1, guests=9)  # what is loaded and made once is there
        kept = [(0, setup.private_bytes)]
        for connections in (500, 1000):
            setup.crowd.do("fill", rooms=50, guests=9)
            kept.append((connections, setup.private_bytes))
    for connections, private in kept:
        figure(f"memory_{connections}", private / 1e6, "MB", "the server's private memory")
    slope = statistics.linear_regression(*zip(*kept, strict=True)).slope
    figure("memory_per_connection", slope / 1e3, "kB", "members of rooms of ten")


def growing() -> None:
    """What a room costs among a hundred, and among a thousand."""
    few, many = among(100), among(1000)
    for name, (value, unit) in many.items():
        figure(f"rooms_100_{name}", few[name][0], unit, "one guest and one director a room")
        ratio = value / few[name][0] if name.startswith("per_") else None
        figure(f"rooms_1000_{name}", value, unit, "among 100 rooms" if ratio else "", ratio)


def among(rooms: int) -> dict[str, tuple[float, str]]:
    """What one of so many rooms costs, with one guest and one director each: values and units by name."""
    with load(1, 2 * rooms) as setup:
        setup.crowd.do("fill", rooms=1, guests=1)
        empty = setup.private_bytes
        setup.crowd.do("fill", rooms=rooms, guests=1)
        found = measured(setup, MEASURED_S)
        per_room = (setup.private_bytes - empty) / rooms
        before_s = _cpu_s(setup.pids)["server_1"]
        setup.crowd.do("leave")
        wait_for(lambda: not setup.servers[0].connections, "the server has seen everybody go")
        leaving_s = _cpu_s(setup.pids)["server_1"] - before_s
    return {
        "per_state_cpu": (1000 * found.server_share / found.rate, "ms"),
        "per_room_memory": (per_room / 1e3, "kB"),
        "per_leaving_cpu": (1000 * leaving_s / (2 * rooms), "ms"),
        "p99": (percentile(found.took_ms, 99), "ms"),
        "lost": (found.lost, f"of {found.sent} states"),
        "others": (100 * found.shares["others"], "% of a core"),
    }


def _cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Processor time used so far, by each process and by all others."""
    used = {name: processor_s(str(pid)) for name, pid in pids.items()}
    user, nice, system, _idle, _io, interrupts, soft, *_ = (
        int(text) / TICK_HZ for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return used | {"others": user + nice + system + interrupts + soft - sum(used.values())}


def main(wanted: Sequence[str] = ()) -> None:
    """Take every figure, or those named."""
    parts = {
        "one": lambda: crowded(1, 50),
        "two": lambda: crowded(2, 100),
        "memory": memory,
        "growing": growing,
    }
    for name in wanted or parts:
        parts[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
