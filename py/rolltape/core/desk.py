"""What commands on a desk have in common: results that are whole or not there, and what is said on the way."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rolltape.core.errors import ConvertError

if sys.platform != "win32":
    import fcntl

__all__ = ["ProgressLine", "remove_left_behind", "say", "whole_file"]

_PARTIAL = re.compile(r"\..+\.[0-9]+\.partial")


@contextmanager
def whole_file(place: Path, force: bool) -> Iterator[Path]:
    """Give a path to write to; what is there gets its name, `place`, once all went well, else it is removed.

    Raises ConvertError where such a file exists, before or meanwhile, unless `force`; OSError.
    """
    if place.exists() and not force:
        raise _exists(place)
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    held = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _is_locked(held)  # until it has its name, or this process has ended, however that does
        yield partial
        if sys.platform == "win32":  # which moves nothing that is open
            os.close(held)
            held = -1
        if force:
            partial.replace(place)
        else:
            _claim(partial, place)
    finally:
        if held >= 0:
            os.close(held)
        with suppress(FileNotFoundError):
            partial.unlink()


def remove_left_behind(folder: Path) -> None:
    """Remove what processes that are no more have left unfinished in a folder. Raises OSError."""
    for path in folder.iterdir():
        if _PARTIAL.fullmatch(path.name):
            with suppress(FileNotFoundError, PermissionError):
                held = os.open(path, os.O_RDWR)
                try:
                    if _is_locked(held):
                        path.unlink()
                finally:
                    os.close(held)


def _is_locked(fd: int) -> bool:
    """Lock an open file, if nobody else has; what is open on Windows cannot be removed anyway."""
    if sys.platform != "win32":
        with suppress(OSError):  # another's, or a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _claim(partial: Path, place: Path) -> None:
    """Give the file its name, unless somebody has taken that meanwhile."""
    try:
        os.link(partial, place)
    except FileExistsError:
        raise _exists(place) from None
    except OSError:  # a file system without links
        partial.replace(place)


def _exists(place: Path) -> ConvertError:
    return ConvertError(f"{place} exists already; --force writes over it.")


class ProgressLine:
    """How far each of some files is, in one line on a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = ""
        self._shares: dict[str, float] = {}

    def show(self, name: str, share: float) -> None:
        """Show the share that is done of a file."""
        self._shares[name] = share
        self._line(self._all())

    def end(self, name: str) -> None:
        """Show a file no more; take the line away, so that something else can be said."""
        self._shares.pop(name, None)
        self._line("")

    def _all(self) -> str:
        return ", ".join(f"{name} {share:4.0%}" for name, share in sorted(self._shares.items()))

    def _line(self, line: str) -> None:
        if sys.stderr.isatty() and line != self._shown:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            self._shown = line


def say(sentence: str) -> None:
    """Tell a person, who may have sent the results elsewhere."""
    print(sentence, file=sys.stderr)
