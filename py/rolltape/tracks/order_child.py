"""The process that writes one file: `python -m rolltape.tracks.order_child`, begun by `processes.py` alone.

It reads a pickled pair, of an `Order` and the path to write to, and writes `OrderLine`s. It ends at once when its
input does, and so with whoever began it, however that ends.
"""

from __future__ import annotations

import pickle
import sys
import threading
from pathlib import Path

from rolltape.core.errors import RolltapeError
from rolltape.tracks.job import end_with_who_began_it
from rolltape.tracks.orders import Order, OrderLine

__all__ = ["main"]

STEP = 0.002
"""A share that has grown by less is not said."""


class _Share:
    """Says how far it is, not with each frame."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, share: float) -> None:
        if share - self._said >= STEP:
            self._said = share
            _say(OrderLine(share))


def main() -> None:
    """Write what is ordered."""
    order: Order
    path: Path
    order, path = pickle.load(sys.stdin.buffer)  # of our own parent's, over a pipe that nobody else has
    threading.Thread(target=end_with_who_began_it, daemon=True).start()
    try:
        _say(OrderLine(broken=order.write(path, _Share())))
    except RolltapeError as error:
        _say(OrderLine(sentence=error.sentence))
    except OSError as error:
        _say(OrderLine(sentence=error.strerror or str(error), errno=error.errno or 0))


def _say(line: OrderLine) -> None:
    sys.stdout.write(line.to_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
