"""Guests' films: the pictures of their files with the sound of their tracks, encoded or copied."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from rolltape.core.desk import whole_file
from rolltape.core.errors import ConvertError
from rolltape.tracks.copied import uncopied
from rolltape.tracks.firefox_pictures import captured_by_sound
from rolltape.tracks.orders import PictureOrder
from rolltape.tracks.picture_plan import Pictures, Seen, captured, timecode
from rolltape.tracks.place import Segment
from rolltape.tracks.plan import RATE
from rolltape.tracks.processes import Processes
from rolltape.tracks.session import PartFacts, TakeFacts

__all__ = ["Film", "FilmListener", "Filmed", "write_film"]

SOON_S = 20
"""A film that is shorter is written before a process has begun, and broken off within a moment."""


class FilmListener(Protocol):
    """Hears how the making of a file goes on."""

    def said(self, sentence: str) -> None:
        """Be told a sentence for a person."""

    def progress(self, name: str, share: float) -> None:
        """Be told how much of a file is done, 0 to 1; called often, of several files by turns."""

    def progress_ended(self, name: str) -> None:
        """Be told that the file of this name is done, or given up."""


@dataclass(frozen=True)
class Filmed:
    """A file with pictures."""

    path: Path
    seen: Seen
    take: TakeFacts
    part: PartFacts
    sound: tuple[Segment, ...] = ()
    """Where its sound is; none where it has none."""

    def captured_ms(self, first_ms: float, began_ms: float) -> array[float]:
        """When its pictures were captured, since `began_ms`; `first_ms` as `Film.first_ms`."""
        if self.part.pictures_by_sound and self.sound:
            return captured_by_sound(self.seen.stamps_ms, self.sound, self.part.late_ms, began_ms)
        return captured(self.part, self.seen, self.take.room_clock(self.part, first_ms), began_ms)


@dataclass(frozen=True)
class Film:
    """A guest's pictures, and the track that they go with."""

    files: tuple[Filmed, ...]
    sound: Path
    rate: int
    samples: int
    first_ms: float
    """The session's first sample on the room's clock, as its file says."""
    began_ms: float
    """The same, as the tracks begin."""
    began: datetime | None
    """The same as a time of day, if one is known."""
    copies: bool
    """Whether its pictures are copied, where they can be."""

    def order(self, place: Path, force: bool) -> PictureOrder:
        """What is to be written."""
        pictures = (
            Pictures(number, one.captured_ms(self.first_ms, self.began_ms))
            for number, one in enumerate(self.files)
        )
        files = tuple((one.path, one.seen) for one in self.files)
        code = timecode(self.began, self.rate)
        copies = self.copies and not self.uncopied
        return PictureOrder(
            tuple(pictures), files, self.sound, self.rate, self.samples, code, place, force, copies
        )

    @property
    def uncopied(self) -> str:
        """Why its pictures cannot be copied; empty where they can."""
        return uncopied([one.seen for one in self.files])


def write_film(film: Film, force: bool, listener: FilmListener, place: Path) -> None:
    """Write a guest's pictures, with the sound of their track. Raises OSError, ConvertError."""
    if not film.sound.exists():
        raise ConvertError(f"{place} is not made, since {film.sound.name} is not there.")
    order = film.order(place, force)
    if film.copies and not order.copies:
        listener.said(f"{place.name} is encoded anew. {film.uncopied}")
    write = order.write if film.samples < SOON_S * RATE else partial(Processes().write, order)
    try:
        with whole_file(place, force) as path:
            broken = write(path, lambda share: listener.progress(place.name, share))
    finally:
        listener.progress_ended(place.name)
    for file, count in broken.items():
        listener.said(
            f"{film.files[file].path.name} is damaged: {count} of its pictures could not be decoded."
        )
