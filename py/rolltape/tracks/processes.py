"""Processes that write a file each (`order_child.py`), for one thread or several.

A process can be ended at any moment, and one that is ended by what it decodes leaves the others alone.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from rolltape.core.errors import ConvertError
from rolltape.tracks.orders import Order, OrderLine

__all__ = ["Processes"]


class Processes:
    """Those that are running now."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def end(self) -> None:
        """End all there are, from another thread than theirs; none is begun any more."""
        with self._lock:
            self._is_over = True
            for process in self._running:
                process.kill()

    def write(self, order: Order, path: Path, told: Callable[[float], None]) -> dict[int, int]:
        """Have a process write it, as `Order.write` does, and wait for it, or end it where that is broken off.

        Raises OSError, ConvertError.
        """
        process = self._begun()
        try:
            with process:
                last = _heard(process, pickle.dumps((order, path)), told)
        finally:
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
                [sys.executable, "-m", "rolltape.tracks.order_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for this process, which ends that one
            )
            self._running.add(process)
            return process


def _heard(process: subprocess.Popen[bytes], order: bytes, told: Callable[[float], None]) -> OrderLine:
    """Give a process its order, and hear it out: its last line."""
    assert process.stdin is not None  # held open until it has ended
    assert process.stdout is not None
    last = OrderLine()
    try:
        process.stdin.write(order)
        process.stdin.flush()
        for line in process.stdout:
            last = OrderLine.from_json(line.decode())
            told(last.share)
    except (
        BrokenPipeError,
        ValueError,
    ):  # it ended while it read, or in the midst of a line: its status tells how
        return last
    except BaseException:  # Ctrl-C, or what hears it is left: nothing of it is wanted any more
        process.kill()
        raise
    return last


def _how(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
