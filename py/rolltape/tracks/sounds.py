"""The sounds of a session, as many at once as there are cores, each by a process of its own (`sound_child.py`).

One that is ended by what it decodes leaves the others alone. Where it is all over soon, or there is one core, or one
sound, this process writes them itself, one after another.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

from rolltape.core.desk import whole_file
from rolltape.core.errors import ConvertError, RolltapeError
from rolltape.tracks.plan import RATE
from rolltape.tracks.sound_order import SoundLine, SoundOrder, write_order

__all__ = ["Outcome", "write_sounds"]

SOON = 600 * RATE
"""Samples of all sounds: fewer are written before processes have begun."""
MOST = 4
"""Processes at once, of some 40 MB each; more would wait for one disk."""


@dataclass(frozen=True)
class _Bug:
    """What a thread did not expect."""

    error: Exception


Outcome = dict[int, int] | RolltapeError | OSError
"""How many samples of which file could not be decoded and are silence; or why there is no sound."""
_Write = Callable[[Path, Callable[[float], None]], dict[int, int]]
_News = tuple[SoundOrder, float | Outcome | _Bug]


def write_sounds(
    orders: Sequence[SoundOrder], told: Callable[[str, float], None]
) -> Generator[tuple[SoundOrder, Outcome], None, None]:
    """Write the sounds of all orders, and give each once it is whole, or once it is known why it is not there.

    `told` hears the name of a file and the share of it that is done, in the thread that asks for the next one. Close
    it: what is not done ends then, within a moment, and nothing of it is left.
    """
    at_once = _at_once(orders)
    if at_once > 1:
        yield from _together(orders, at_once, told)
        return
    for order in orders:
        yield order, _written(order, partial(write_order, order), partial(told, order.place.name))


def _written(order: SoundOrder, write: _Write, told: Callable[[float], None]) -> Outcome:
    try:
        with whole_file(order.place, order.force) as path:
            return write(path, told)
    except (RolltapeError, OSError) as error:
        return error


def _at_once(orders: Sequence[SoundOrder]) -> int:
    samples = sum(piece.length for order in orders for piece in order.track.pieces)
    return min(os.cpu_count() or 1, len(orders), MOST) if samples >= SOON else 1


def _together(
    orders: Sequence[SoundOrder], at_once: int, told: Callable[[str, float], None]
) -> Iterator[tuple[SoundOrder, Outcome]]:
    """Each order has a thread that waits for its process; all that is said is said in this one."""
    news: SimpleQueue[_News] = SimpleQueue()
    processes = _Processes()
    pool = ThreadPoolExecutor(at_once)
    try:
        for order in orders:
            pool.submit(_write, order, processes, news)
        left = len(orders)
        while left:
            order, said = news.get()
            if isinstance(said, float):
                told(order.place.name, said)
                continue
            if isinstance(said, _Bug):
                raise said.error
            left -= 1
            yield order, said
    finally:
        processes.end()
        pool.shutdown(cancel_futures=True)


def _write(order: SoundOrder, processes: _Processes, news: SimpleQueue[_News]) -> None:
    try:
        outcome = _written(order, partial(processes.write, order), lambda share: news.put((order, share)))
    except Exception as error:  # goes on in the thread that asked
        news.put((order, _Bug(error)))
    else:
        news.put((order, outcome))


class _Processes:
    """Processes that write sounds, for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def end(self) -> None:
        """End all there are; none is begun any more."""
        with self._lock:
            self._is_over = True
            for process in self._running:
                process.kill()

    def write(self, order: SoundOrder, path: Path, told: Callable[[float], None]) -> dict[int, int]:
        """Have a process write the sound, as `write_order` does it, and wait for it. Raises OSError, ConvertError."""
        process = self._begun()
        with process:
            last = _heard(process, pickle.dumps((order, path)), told)
        with self._lock:
            self._running.discard(process)
        if last.broken is not None and process.returncode == 0:
            return last.broken
        if last.errno:
            raise OSError(last.errno, last.sentence)
        raise ConvertError(
            last.sentence or f"{order.place} is not made: what makes it {_how(process.returncode)}."
        )

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_over:
                raise ConvertError("It was cancelled.")
            process = subprocess.Popen(
                [sys.executable, "-m", "rolltape.tracks.sound_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for this process, which ends that one
            )
            self._running.add(process)
            return process


def _heard(process: subprocess.Popen[bytes], order: bytes, told: Callable[[float], None]) -> SoundLine:
    """Give a process its order, and hear it out: its last line."""
    assert process.stdin is not None  # held open until it has ended
    assert process.stdout is not None
    last = SoundLine()
    try:
        process.stdin.write(order)
        process.stdin.flush()
        for line in process.stdout:
            last = SoundLine.from_json(line.decode())
            told(last.share)
    except (
        BrokenPipeError,
        ValueError,
    ):  # it ended while it read, or in the midst of a line: its status tells how
        return last
    return last


def _how(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
