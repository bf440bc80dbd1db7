"""The process that writes one track's sound: `python -m rolltape.tracks.sound_child`, begun by `sounds.py` alone.

It reads a pickled pair, of a `SoundOrder` and the path to write to, and writes `SoundLine`s. It ends at once when its
input does, and so with whoever began it, however that ends.
"""

from __future__ import annotations

import pickle
import sys
import threading
from pathlib import Path

from rolltape.core.errors import RolltapeError
from rolltape.tracks.job import end_with_who_began_it
from rolltape.tracks.sound_order import SoundLine, SoundOrder, write_order

__all__ = ["main"]


def main() -> None:
    """Write the sound that is ordered."""
    order: SoundOrder
    path: Path
    order, path = pickle.load(sys.stdin.buffer)  # of our own parent's, over a pipe that nobody else has
    threading.Thread(target=end_with_who_began_it, daemon=True).start()
    try:
        _say(SoundLine(broken=write_order(order, path, lambda share: _say(SoundLine(share)))))
    except RolltapeError as error:
        _say(SoundLine(sentence=error.sentence))
    except OSError as error:
        _say(SoundLine(sentence=error.strerror or str(error), errno=error.errno or 0))


def _say(line: SoundLine) -> None:
    sys.stdout.write(line.to_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
