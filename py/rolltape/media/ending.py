"""What is written over a recorded file, and at its end, to make it whole."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTHING", "Ending", "Patch"]


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes to be overwritten in place."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ending:
    """The writes that make a recording seekable, in this order: truncate, append, apply the patches."""

    truncate_to: int | None
    """Length to cut the file to first (what follows is a torn block, or an older index); None: leave it."""
    append: bytes
    """Tags, if there are any, and the Cues, to be written at the end of the file."""
    patches: tuple[Patch, ...]
    """Bytes to be overwritten in place, in order; the last one marks the file as finished."""
    patches_alone: tuple[Patch, ...] = ()
    """The same for a file for which there was no room for that: it ends where it would begin."""
    end: int = 0
    """Where it begins."""


NOTHING = Ending(None, b"", ())
"""Of a file that is whole as it is."""
