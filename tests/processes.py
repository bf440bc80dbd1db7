"""The processes of a browser, and what memory they keep to themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def command_line(pid: str) -> str:
    """The command and its arguments; Chromium's own processes write theirs anew, parted by spaces."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def parent(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""


def all_pids() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def browser_pids(profile: Path) -> list[str]:
    """The browser that runs on this profile, and all its descendants."""
    # Chromium has --user-data-dir=PROFILE, Firefox --profile PROFILE.
    found = [pid for pid in all_pids() if str(profile) in command_line(pid)]
    parents = {pid: parent(pid) for pid in all_pids()}
    while True:
        more = [pid for pid, above in parents.items() if above in found and pid not in found]
        if not more:
            return found
        found += more


def renderers(profile: Path) -> list[str]:
    """The processes that run pages."""
    # Chromium has --type=renderer, Firefox `tab` at the end.
    lines = {pid: command_line(pid).strip() for pid in browser_pids(profile)}
    return [pid for pid, line in lines.items() if "--type=renderer" in line or line.endswith(" tab")]


@contextmanager
def stopped(pids: Sequence[str]) -> Iterator[None]:
    """SIGSTOP for all of them, SIGCONT afterwards."""
    assert pids
    try:
        for pid in pids:
            os.kill(int(pid), signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGCONT)


def processor_s(pid: str) -> float:
    """Processor time that this process has used so far, its own and the system's; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that do nothing as fast as they can."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def private_bytes(pid: str) -> int:
    """Memory that this process shares with no other."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_"):
            total += int(line.split()[1]) * 1024
    return total


def children(pid: int) -> list[int]:
    """A process's own, by their ids, whichever of its threads began them."""
    rows = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(pid) for row in rows for pid in row.split()]


def are_gone(pids: list[int]) -> bool:
    """True if none of these processes is there any more."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)
