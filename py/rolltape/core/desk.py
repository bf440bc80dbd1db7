"""What commands on a desk have in common: results that are whole or not there, and what is said on the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rolltape.core.errors import ConvertError

__all__ = ["ProgressLine", "say", "whole_file"]


@contextmanager
def whole_file(place: Path, force: bool) -> Iterator[Path]:
    """Give a path to write to; what is there gets its name, `place`, once all went well, else it is removed.

    Raises ConvertError where such a file exists, before or meanwhile, unless `force`; OSError.
    """
    if place.exists() and not force:
        raise _exists(place)
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    partial.open("xb").close()
    try:
        yield partial
        if force:
            partial.replace(place)
        else:
            _claim(partial, place)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


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
    """How far it is, in one line on a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, name: str, share: float) -> None:
        """Show the share that is done of a file."""
        self._line(f"{name} {share:4.0%}")

    def clear(self) -> None:
        """Take the line away."""
        self._line("")

    def _line(self, line: str) -> None:
        if sys.stderr.isatty() and line != self._shown:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            self._shown = line


def say(sentence: str) -> None:
    """Tell a person, who may have sent the results elsewhere."""
    print(sentence, file=sys.stderr)
