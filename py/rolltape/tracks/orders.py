"""Files that a process of its own may write (`order_child.py`): what each says to the other, how they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rolltape.core.json_fields import Fields, compact_json
from rolltape.tracks.copied import copied, write_copied
from rolltape.tracks.outputs import SoundKind, opened_sound
from rolltape.tracks.picture import write_pictures
from rolltape.tracks.picture_plan import Pictures, Seen, shown
from rolltape.tracks.plan import RATE, GuestTrack
from rolltape.tracks.sound import write_sound

__all__ = ["Order", "OrderLine", "PictureOrder", "SoundOrder"]


class Order(Protocol):
    """A file to be written; pickled, it goes to another process."""

    @property
    def place(self) -> Path:
        """What it is called once it is whole."""

    def write(self, path: Path, told: Callable[[float], None]) -> dict[int, int]:
        """Write it to `path`, in this process, while `told` hears the share that is done.

        Returns how much of which recording could not be decoded, by its number. Raises OSError, ConvertError.
        """


@dataclass(frozen=True)
class SoundOrder:
    """A track whose sound is to be written; what cannot be decoded is counted in samples, and is silence."""

    track: GuestTrack
    files: tuple[Path, ...]
    """By the numbers that its pieces have."""
    channels: int
    kind: SoundKind
    began: datetime | None
    """When the first sample was captured, if that is known."""
    place: Path
    force: bool
    """Whether it is written over what is there."""

    def write(self, path: Path, told: Callable[[float], None]) -> dict[int, int]:
        """Write the sound (`Order`)."""
        with opened_sound(path, self.kind, self.channels, self.track.length, self.began) as output:
            return write_sound(self.track, self.files, self.channels, output, told)


@dataclass(frozen=True)
class PictureOrder:
    """A guest's film; what cannot be decoded is counted in pictures."""

    pictures: tuple[Pictures, ...]
    """By the numbers of `files`."""
    files: tuple[tuple[Path, Seen], ...]
    sound: Path
    """The track's, whole."""
    rate: int
    """Frames a second."""
    samples: int
    """Of the track."""
    timecode: str
    """The first frame's; empty: none."""
    place: Path
    force: bool
    copies: bool = False
    """Whether they are copied as they are, each shown when it was captured."""

    def write(self, path: Path, told: Callable[[float], None]) -> dict[int, int]:
        """Write pictures and sound (`Order`)."""

        def seconds_told(seconds: float) -> None:
            told(seconds * RATE / self.samples)

        if self.copies:
            plan = copied(self.pictures, self.samples)
            write_copied(
                path, plan, self.files, self.rate, self.samples, self.sound, self.timecode, seconds_told
            )
            return {}
        frames = self.samples * self.rate // RATE
        return write_pictures(
            path,
            shown(self.pictures, self.rate, frames),
            self.files,
            self.rate,
            frames,
            self.sound,
            self.timecode,
            seconds_told,
        )


@dataclass(frozen=True)
class OrderLine:
    """A line of the process's output: how far it is, or at its end what came of it."""

    share: float = 0.0
    broken: dict[int, int] | None = None
    """At the end, where the file is there: how much could not be decoded, by recording."""
    sentence: str = ""
    """At the end, where it is not: why, for a person."""
    errno: int = 0
    """With a sentence that is the system's own: its number."""

    def to_json(self) -> str:
        """Write the line."""
        told: dict[str, object] = {"share": self.share, "sentence": self.sentence, "errno": self.errno}
        if self.broken is not None:
            told["broken"] = [{"file": file, "count": count} for file, count in self.broken.items()]
        return compact_json(told)

    @classmethod
    def from_json(cls, text: str) -> OrderLine:
        """Read a line. Raises ValueError."""
        found = Fields.from_json(text)
        broken = None
        if "broken" in found.plain():
            broken = {one.whole("file"): one.whole("count") for one in found.rows("broken")}
        return cls(found.number("share"), broken, found.text("sentence"), found.whole("errno"))
