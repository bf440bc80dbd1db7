"""What a project for an editor says of the tracks, whatever its format: their files, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rolltape.tracks.plan import RATE, GuestTrack
from rolltape.tracks.report import silences

__all__ = ["Made", "Marker"]

SHORTEST = RATE // 10
"""A silence that is shorter gets no marker."""


@dataclass(frozen=True)
class Marker:
    """A place on a track, in samples from its beginning."""

    name: str
    at: int
    length: int = 0
    """0: a moment."""


@dataclass(frozen=True)
class Made:
    """A track, and the names of its files beside the project."""

    track: GuestTrack
    sound: str
    picture: str | None

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Where nothing was recorded for 0.1 s and more, and where another file begins; in the order of time."""
        return tuple(sorted(self._found(), key=lambda one: one.at))

    def _found(self) -> Iterator[Marker]:
        for at, length in silences(self.track):
            if length >= SHORTEST:
                yield Marker("Nothing recorded", at, length)
        for before, after in pairwise(self.track.pieces):
            if before.file != after.file:
                yield Marker("Another file", after.at)
