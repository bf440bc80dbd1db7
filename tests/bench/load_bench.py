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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import figure
from processes import private_bytes
from server.conftest import RedisServer
from server.processes import ENVIRONMENT, ROOT

__all__ = ["Crowd", "Server", "load", "main", "measured"]

WARM_S = 3.0
"""How long is ticked before anything is measured."""
MEASURED_S = 20.0
TICK_HZ = os.sysconf("SC_CLK_TCK")


class Server:
    """`rolltape serve`, for so many connections of one address."""

    def __init__(self, folder: Path, connections: int, redis: str = "") -> None:
        # A crowd comes at once: the limits of an address allow three joins at once for ten connections.
        options = ["--port", "0", "--root", ROOT, "--connections-per-address", str(connections * 4)]
        options += ["--redis", redis] if redis else ["--secret-file", folder / "secret"]
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


def measured(crowd: Crowd, pids: dict[str, int], seconds: float, warm_s: float = WARM_S) -> Load:
    """What ticking for so long shows; `pids` are those of the processes whose time is counted."""
    pids = pids | {"crowd": crowd.process.pid}
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
def load(processes: int, connections: int) -> Iterator[tuple[Crowd, dict[str, int]]]:
    """A server of so many processes, and a crowd for it."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, pids, url = Path(name), {}, ""
        if processes > 1:
            redis = RedisServer(folder)
            redis.start()
            stack.callback(redis.stop)
            url, pids["redis"] = redis.url, redis.process.pid
        servers = []
        for number in range(processes):
            servers.append(Server(folder, connections, url))
            stack.callback(servers[-1].end)
            pids[f"server_{number + 1}"] = servers[-1].pid
        crowd = Crowd(servers)
        stack.callback(crowd.end)
        yield crowd, pids


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent of all are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def crowded(processes: int, goal_ms: float) -> None:
    """A thousand guests in a hundred rooms, each with a director."""
    with load(processes, 1100) as (crowd, pids):
        crowd.do("fill", rooms=100, guests=10)
        found = measured(crowd, pids, MEASURED_S)
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
    with load(1, 1000) as (crowd, pids):
        (pid,) = pids.values()
        crowd.do("fill", rooms=1, guests=9)  # what is loaded and made once is there
        kept = [(0, private_bytes(str(pid)))]
        for connections in (500, 1000):
            crowd.do("fill", rooms=50, guests=9)
            kept.append((connections, private_bytes(str(pid))))
    for connections, private in kept:
        figure(f"memory_{connections}", private / 1e6, "MB", "the server's private memory")
    slope = statistics.linear_regression(*zip(*kept, strict=True)).slope
    figure("memory_per_connection", slope / 1e3, "kB", "members of rooms of ten")


def growing() -> None:
    """What a room costs among a hundred, and among a thousand."""
    costs: dict[int, tuple[float, float]] = {}
    for rooms in (100, 1000):
        with load(1, 2 * rooms) as (crowd, pids):
            (pid,) = pids.values()
            crowd.do("fill", rooms=1, guests=1)
            empty = private_bytes(str(pid))
            crowd.do("fill", rooms=rooms, guests=1)
            found = measured(crowd, pids, MEASURED_S)
            per_room = (private_bytes(str(pid)) - empty) / rooms
        costs[rooms] = found.server_share / found.rate, per_room
        figure(f"rooms_{rooms}_p99", percentile(found.took_ms, 99), "ms", "one guest and one director each")
        figure(f"rooms_{rooms}_lost", found.lost, "states", f"{found.sent} sent", found.lost / found.sent)
        figure(f"rooms_{rooms}_others", 100 * found.shares["others"], "% of a core")
        for name, value, unit, before in (
            ("cpu_per_state", 1000 * costs[rooms][0], "ms", 1000 * costs[100][0]),
            ("memory_per_room", per_room / 1e3, "kB", costs[100][1] / 1e3),
        ):
            figure(f"rooms_{rooms}_{name}", value, unit, "100 rooms", value / before)


def _cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Processor time used so far, by each process and by all others."""
    used = {name: _of_process(pid) for name, pid in pids.items()}
    user, nice, system, _idle, _io, interrupts, soft, *_ = (
        int(text) / TICK_HZ for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return used | {"others": user + nice + system + interrupts + soft - sum(used.values())}


def _of_process(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_HZ


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
