"""The sounds of a session, as many at once as there are cores, each by a process of its own (`processes.py`).

Where it is all over soon, or there is one core, or one sound, this process writes them itself, one after another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from rolltape.core.desk import whole_file
from rolltape.core.errors import RolltapeError
from rolltape.tracks.orders import SoundOrder
from rolltape.tracks.plan import RATE
from rolltape.tracks.processes import Processes

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
        yield order, _written(order, order.write, partial(told, order.place.name))


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
    processes = Processes()
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


def _write(order: SoundOrder, processes: Processes, news: SimpleQueue[_News]) -> None:
    try:
        outcome = _written(order, partial(processes.write, order), lambda share: news.put((order, share)))
    except Exception as error:  # goes on in the thread that asked
        news.put((order, _Bug(error)))
    else:
        news.put((order, outcome))
