"""The process that makes the tracks of one session, at the lowest priority: `python -m rolltape.tracks.child`.

It is a process of its own so that it can be ended at any moment, and so that what breaks in a decoder breaks nothing
else. It reads a `JobOrder` and writes `JobLine`s. Its exit status is 0 once it has said its end, whatever that is.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import plain_text
from rolltape.tracks.job import JobLine, JobOrder, end_with_who_began_it

__all__ = ["main"]

LOWEST = 19
FIRST_TO_GO = "1000"
"""Where memory runs out, this process is to be ended, and not the server of the rooms."""
LONGEST_ORDER = 1 << 20
MAX_MAKING = 400
SLICE = 1 << 20


class _Lines:
    """Writes what is heard as lines (`make.Listener`); where folders lie at the host is nobody's business."""

    def __init__(self, order: JobOrder) -> None:
        self._order = order
        self._shares: dict[str, float] = {}
        self._told = JobLine()

    def made(self, place: Path) -> None:
        whole, crc32, size = sha256(), 0, 0
        with place.open("rb") as file:
            while piece := file.read(SLICE):
                whole.update(piece)
                crc32 = zlib.crc32(piece, crc32)
                size += len(piece)
        _write(JobLine(place.name, size, whole.hexdigest(), crc32))

    def said(self, sentence: str) -> None:
        folder, output = str(self._order.folder), str(self._order.output)
        for path, word in (
            (str(self._order.session), "the session file"),
            (f"{output}/", ""),
            (f"{folder}/", ""),
            (folder, "the session's folder"),
        ):
            sentence = sentence.replace(path, word)
        _write(JobLine(sentence=sentence))

    def progress(self, name: str, share: float) -> None:
        self._shares[name] = min(share, 1.0)
        shared = sum(self._shares.values()) / len(self._shares)
        line = JobLine(making=_named(sorted(self._shares)), share=round(100 * shared) / 100)
        if line != self._told:
            self._told = line
            _write(line)

    def progress_ended(self, name: str) -> None:
        self._shares.pop(name, None)


def _named(names: Sequence[str]) -> str:
    """Names of files, in as many characters as a list of tracks takes."""
    all_of_them = ", ".join(names)
    return all_of_them if len(all_of_them) <= MAX_MAKING else f"{names[0][:200]} …"


def main() -> int:
    """Make what is ordered; return the exit status."""
    os.nice(LOWEST)
    with contextlib.suppress(OSError):  # elsewhere than on Linux
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    order = JobOrder.from_json(_order())
    threading.Thread(target=end_with_who_began_it, daemon=True).start()
    from rolltape.tracks.make import Wanted, make  # PyAV takes a while

    wanted = Wanted(
        order.folder, order.output, mix=True, moves=True, session=order.session, kept=frozenset(order.kept)
    )
    lines, is_whole = _Lines(order), False
    try:
        is_whole = make(wanted, lines)
    except RolltapeError as error:
        lines.said(error.sentence)
    except (OSError, ValueError) as error:
        lines.said(f"This session cannot be read: {plain_text(str(error))}.")
    _write(JobLine(is_whole=is_whole))
    return 0


def _order() -> str:
    """The line of the input; what is behind it is left there."""
    read = b""
    while not read.endswith(b"\n") and len(read) < LONGEST_ORDER:
        byte = os.read(0, 1)
        if not byte:
            break
        read += byte
    return read.decode()


def _write(line: JobLine) -> None:
    sys.stdout.write(line.to_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
