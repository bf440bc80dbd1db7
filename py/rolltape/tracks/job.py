"""What is said to a process that makes tracks, and what it says: JSON, a line each, over its input and output."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rolltape.core.json_fields import Fields, compact_json

__all__ = ["JobLine", "JobOrder", "end_with_who_began_it"]

ORPHANED = 3


@dataclass(frozen=True)
class JobOrder:
    """The one line of its input. The process ends when its input does: who began it is gone then."""

    folder: Path
    """Where the guests' files lie."""
    session: Path
    """The session file."""
    output: Path
    """A folder that is there, for this job's files and nothing else."""
    kept: tuple[str, ...] = ()
    """Files in it, by name, that an earlier process has made of the same."""

    def to_json(self) -> str:
        """Write the line."""
        paths = {name: str(getattr(self, name)) for name in ("folder", "session", "output")}
        return compact_json({**paths, "kept": list(self.kept)})

    @classmethod
    def from_json(cls, text: str) -> JobOrder:
        """Read the line. Raises ValueError."""
        found = Fields.from_json(text)
        folder, session, output = (Path(found.text(name)) for name in ("folder", "session", "output"))
        return cls(folder, session, output, tuple(found.texts("kept")))


@dataclass(frozen=True)
class JobLine:
    """A line of its output: one of a file that is there, a sentence, how far a file is, or the end."""

    file: str = ""
    """Name of a file that is there, whole."""
    bytes: int = 0
    sha256: str = ""
    crc32: int = 0
    sentence: str = ""
    """For a person."""
    making: str = ""
    """Name of the file that is being made; of sounds that are at once, all names."""
    share: float = 0.0
    """How much of it, or of all of them, is done, 0 to 1."""
    is_whole: bool | None = None
    """At the end: whether nothing was left out; before that None."""

    def to_json(self) -> str:
        """Write the line."""
        told: dict[str, Any] = {name: value for name, value in vars(self).items() if value not in ("", None)}
        return compact_json(told)

    @classmethod
    def from_json(cls, text: str) -> JobLine:
        """Read a line. Raises ValueError."""
        found = Fields.from_json(text)
        return cls(
            found.text("file", ""),
            found.whole("bytes", 0),
            found.text("sha256", ""),
            found.whole("crc32", 0),
            found.text("sentence", ""),
            found.text("making", ""),
            found.number("share", 0.0),
            found.flag_or_none("is_whole"),
        )


def end_with_who_began_it() -> None:
    """For a thread of a process whose order has been read: nothing more comes of its input.

    It ends when whoever holds the other end does, killed or not.

    """
    while os.read(0, 1):
        pass
    os._exit(ORPHANED)
